//! The stored form of events: the record of each event, the seal of its personal fields, the chain of hashes over all of
//! them, and what checkpoints say of the chain. Nothing here has input or output, except random bytes for keys and seals; `store` keeps the results, and the audit trail checks them.

mod chain;
mod checkpoint;
mod record;
mod seal;

pub use chain::{ChainHead, Digest, RecordDigest};
pub use checkpoint::Checkpoint;
pub use record::{EventRecord, RecordError};
pub use seal::{PersonKey, SealError};
