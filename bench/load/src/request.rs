//! A request as its bytes: made once, sent many times.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

/// The bytes of one request; clones share them.
#[derive(Clone)]
pub struct Request(Arc<[u8]>);

impl Request {
    /// A request for `path` of this machine, with a file's JSON as its body.
    pub fn new(method: &str, path: &str, body: Option<&Path>) -> Result<Self> {
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
        if let Some(file) = body {
            let json = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let length = json.len();
            bytes.extend(
                format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n").bytes(),
            );
            bytes.extend(json);
        } else {
            bytes.extend(b"\r\n");
        }
        Ok(Self(bytes.into()))
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
