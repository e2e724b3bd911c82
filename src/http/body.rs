//! Reading a request's body: within its limit and its deadline, and within the memory that all bodies together may take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HeaderMap};
use http_body_util::{BodyExt, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use super::pace::READ_AHEAD;

/// The most that a body may hold, in bytes.
const BODY_LIMIT: usize = 100 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// What is read and thrown away of a body that is refused, in bytes.
const DISCARDED: usize = 1024 * 1024;
/// How long that may take.
const DISCARD_DEADLINE: Duration = Duration::from_secs(2);

/// The bytes that all bodies under way may hold at once. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct BodyMemory(Arc<Semaphore>);

impl BodyMemory {
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes so many bytes, which are given back when the share is dropped.
    ///
    /// # Errors
    /// 503 where fewer are left.
    fn share(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        let bytes = u32::try_from(bytes).map_err(|_| ApiError::busy())?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| ApiError::busy())
    }
}

/// A body that is there, and its share of the memory. The share is to live as long as anything that came of the body.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) share: OwnedSemaphorePermit,
}

impl Received {
    fn new(memory: &BodyMemory) -> Result<Self, ApiError> {
        Ok(Self { bytes: Vec::new(), share: memory.share(0)? })
    }

    /// Copies a chunk behind the others: kept as it came, a chunk of one byte would hold what was read with it.
    fn append(&mut self, chunk: &[u8], memory: &BodyMemory) -> Result<(), ApiError> {
        let (length, room) = (self.bytes.len() + chunk.len(), self.bytes.capacity());
        if length > BODY_LIMIT {
            return Err(ApiError::too_large(BODY_LIMIT));
        }
        if length > room {
            let wanted = length.max(2 * room).min(BODY_LIMIT);
            self.share.merge(memory.share(wanted - room)?);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

/// What the head of a request says of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    encoded: bool,
    length: Option<u64>,
    expects_continue: bool,
}

impl Announced {
    pub(super) fn by(headers: &HeaderMap) -> Self {
        let encoded = |value: &http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        Self {
            encoded: headers.get(CONTENT_ENCODING).is_some_and(encoded),
            length: headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()),
            expects_continue: headers.contains_key(EXPECT),
        }
    }
}

/// The whole body, within its limit and its deadline.
pub(super) async fn read(
    announced: Announced,
    mut body: Body,
    memory: &BodyMemory,
) -> Result<Received, ApiError> {
    if announced.encoded {
        return Err(ApiError::media_type("The request body must not be compressed"));
    }
    if announced.length.is_some_and(|length| length > BODY_LIMIT as u64) {
        if !announced.expects_continue {
            discard(body).await;
        }
        return Err(ApiError::too_large(BODY_LIMIT));
    }
    let whole = tokio::time::timeout(BODY_DEADLINE, collect(&mut body, memory));
    match whole.await.map_err(|_| ApiError::too_slow())? {
        Ok(received) => Ok(received),
        Err(Broken::Off) => Err(ApiError::malformed("The request body ended early")),
        Err(Broken::Refused(refusal)) => {
            discard(body).await;
            Err(refusal)
        }
    }
}

/// Why a body was not received.
enum Broken {
    /// The caller stopped sending.
    Off,
    /// It is refused before its end.
    Refused(ApiError),
}

impl From<ApiError> for Broken {
    fn from(refusal: ApiError) -> Self {
        Self::Refused(refusal)
    }
}

async fn collect(body: &mut Body, memory: &BodyMemory) -> Result<Received, Broken> {
    // While it arrives, the connection holds two more buffers: that of the chunk in hand, and the one it reads into.
    let _read_ahead = memory.share(2 * READ_AHEAD)?;
    let mut received = Received::new(memory)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Broken::Off)?;
        if let Some(chunk) = frame.data_ref() {
            received.append(chunk, memory)?;
        }
    }
    Ok(received)
}

/// Reads on for a while: a caller who sends everything before reading anything would never see the refusal if the
/// connection closed on them (RFC 9112 §9.6).
async fn discard(body: Body) {
    let mut rest = Limited::new(body, DISCARDED);
    let read_on = async { while let Some(Ok(_)) = rest.frame().await {} };
    // A caller who sends more than that, or slowly, may miss the refusal.
    let _ = tokio::time::timeout(DISCARD_DEADLINE, read_on).await;
}
