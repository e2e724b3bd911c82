//! `keys secret`: a new sealing key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Failure, Output};
use crate::entropy::Entropy;

pub(super) fn print(output: &Output) -> Result<(), Failure> {
    let key = STANDARD.encode(Entropy::System.bytes::<32>().map_err(Failure::refused)?);
    output.print(&json!({ "key_encryption_key": key }), &key);
    Ok(())
}
