//! The store of a server without a database (`SKIP_DATABASE=true`, the original's demo mode).

/// Answers every call with [`super::StoreError::Absent`]. The file of each trait contains its implementation
/// for this type.
#[derive(Clone, Copy, Debug)]
pub struct Absent;
