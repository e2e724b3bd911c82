//! The two places in AWS: keys in KMS, and the ring in Secrets Manager.

mod account;
mod fault;
mod kms;
mod secret;

pub use account::Account;
pub use kms::AwsKms;
pub use secret::SecretRing;
