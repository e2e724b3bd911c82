//! A request as its bytes: made once, sent many times.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

/// The bytes of one request; clones share them.
#[derive(Clone)]
pub struct Request(Arc<[u8]>);

impl Request {
    /// A request for `path` of this machine, with a file as its body: JSON, unless one of the headers says otherwise.
    pub fn new(method: &str, path: &str, body: Option<&Path>, headers: &[String]) -> Result<Self> {
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
        headers.iter().for_each(|header| bytes.extend(format!("{header}\r\n").bytes()));
        if let Some(file) = body {
            let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            if !headers.iter().any(|header| header.starts_with("content-type:")) {
                bytes.extend(b"content-type: application/json\r\n");
            }
            bytes.extend(format!("content-length: {}\r\n\r\n", content.len()).bytes());
            bytes.extend(content);
        } else {
            bytes.extend(b"\r\n");
        }
        Ok(Self(bytes.into()))
    }

    /// A request of these bytes.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
