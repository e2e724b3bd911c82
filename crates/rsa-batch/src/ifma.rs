//! Lanes of x86-64 processors with AVX-512 IFMA: a register of 512 bits.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_load_si512,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_mov_epi64, _mm512_set1_epi64,
    _mm512_srli_epi64, _mm512_store_si512, _mm512_sub_epi64,
};

use crate::lanes::{Kernel, Lanes, Processor};
use crate::line::Line;

/// Proof that this processor has AVX-512 F and IFMA. [`Ifma::detect`] alone makes it.
#[derive(Clone, Copy, Debug)]
pub struct Ifma(());

impl Ifma {
    /// Asks the processor, and the system whether it keeps the registers.
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        there.then_some(Self(()))
    }
}

/// Calls an intrinsic outside a function that enables its instructions.
macro_rules! instruction {
    ($call:expr) => {{
        #[expect(unsafe_code, reason = "`self` proves that the processor has the instruction")]
        // SAFETY: an `Ifma` exists only if the processor has AVX-512 F and IFMA. Pointers come from references to `Line`,
        // which has the alignment and the size of a register.
        unsafe {
            $call
        }
    }};
}

impl Processor for Ifma {
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn enabled<K: Kernel>(lanes: Ifma, kernel: K) {
            kernel.call(lanes);
        }
        instruction!(enabled(self, kernel));
    }
}

impl Lanes for Ifma {
    type Vector = __m512i;

    #[inline(always)]
    fn load(self, line: &Line) -> __m512i {
        instruction!(_mm512_load_si512(std::ptr::from_ref(line).cast()))
    }

    #[inline(always)]
    fn store(self, line: &mut Line, vector: __m512i) {
        instruction!(_mm512_store_si512(std::ptr::from_mut(line).cast(), vector));
    }

    #[inline(always)]
    fn splat(self, value: u64) -> __m512i {
        instruction!(_mm512_set1_epi64(value.cast_signed()))
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        instruction!(_mm512_add_epi64(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512i, b: __m512i) -> __m512i {
        instruction!(_mm512_sub_epi64(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        instruction!(_mm512_and_si512(a, b))
    }

    #[inline(always)]
    fn shift_right<const BITS: u32>(self, a: __m512i) -> __m512i {
        instruction!(_mm512_srli_epi64::<BITS>(a))
    }

    #[inline(always)]
    fn add_low(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        instruction!(_mm512_madd52lo_epu64(sum, a, b))
    }

    #[inline(always)]
    fn add_high(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        instruction!(_mm512_madd52hi_epu64(sum, a, b))
    }

    #[inline(always)]
    fn pick(self, index: __m512i, wanted: u64, equal: __m512i, other: __m512i) -> __m512i {
        let wanted = self.splat(wanted);
        instruction!(_mm512_mask_mov_epi64(other, _mm512_cmpeq_epi64_mask(index, wanted), equal))
    }
}
