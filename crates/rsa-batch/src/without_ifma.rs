//! The replacement for the lanes of AVX-512 IFMA on other processors: a type without a value.

use crate::lanes::{Kernel, Processor};

#[derive(Clone, Copy, Debug)]
pub enum Ifma {}

impl Ifma {
    /// There are no values of this type.
    pub fn detect() -> Option<Self> {
        None
    }
}

impl Processor for Ifma {
    fn run<K: Kernel>(self, _: K) {
        match self {}
    }
}
