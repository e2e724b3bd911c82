//! The stored form of events: the record of each event, the seal of its personal fields, and the chain of hashes over all of
//! them. Everything here is a pure function; `store` keeps the results, and the audit trail checks them.

mod chain;
mod record;
mod seal;

pub use chain::{ChainHead, Digest, RecordDigest};
pub use record::{EventRecord, RecordError};
pub use seal::{PersonKey, SealError};
