//! The stored form of events: the record of each event, the seal of its personal fields, and the chain of hashes over all of
//! them. Nothing here has input or output, except random bytes for keys and seals; `store` keeps the results, and the audit trail checks them.

mod chain;
mod record;
mod seal;

pub use chain::{ChainHead, Digest, RecordDigest};
pub use record::{EventRecord, RecordError};
pub use seal::{PersonKey, SealError};
