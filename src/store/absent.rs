//! The store of a server without a database (`SKIP_DATABASE=true`, the original's demo mode).

/// Answers every question with [`super::StoreError::Absent`]; what it implements stands beside each trait.
#[derive(Clone, Copy, Debug)]
pub struct Absent;
