//! Reads the body of a request, within its size limit and its deadline, and within the memory that all bodies
//! share.

use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use http_body_util::BodyExt;
use zeroize::Zeroizing;

use super::Body;
use super::body_memory::{Share, UNCOUNTED};
use super::deadlines::READ_AHEAD;
use super::refusal::{BodyFault, Kind, MediaFault, Refusal};

/// The most bytes of a body.
const BODY_LIMIT: usize = 100 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// The bytes that the connection of a body holds besides the body while more of it arrives: the buffer of the
/// current chunk, and the buffer into which hyper reads. A body that is small enough not to be counted has
/// only one of them, as an idle connection does.
const AHEAD: usize = 2 * READ_AHEAD;

/// A complete body, and its share of the memory. The share must live as long as any value that was made from
/// the body. A body may contain a password or a token, so its memory is wiped.
pub(super) struct Received {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) share: Share,
}

impl Received {
    /// Copies a chunk to the end of the body. Without the copy, a chunk of one byte would keep the whole
    /// buffer that it was read into.
    fn append(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        let (length, room) = (self.bytes.len() + chunk.len(), self.bytes.capacity());
        if length > BODY_LIMIT {
            return Err(Kind::BodyTooLarge(BODY_LIMIT).into());
        }
        if length > room {
            let most = if length > UNCOUNTED { BODY_LIMIT } else { UNCOUNTED };
            let wanted = length.max(2 * room).min(most);
            if wanted > UNCOUNTED {
                self.share.hold(wanted + AHEAD)?;
            }
            // Memory that becomes too small is wiped; growing it in place would not do that.
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The body is complete: the connection reads no more of it.
    fn end(&mut self) -> Result<(), Refusal> {
        let room = self.bytes.capacity();
        self.share.hold(if room > UNCOUNTED { room } else { 0 })
    }
}

/// What the head of a request says of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    encoded: bool,
    length: Option<u64>,
}

impl Announced {
    pub(super) fn by(headers: &HeaderMap) -> Self {
        let encoded = |value: &http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        Self {
            encoded: headers.get(CONTENT_ENCODING).is_some_and(encoded),
            length: headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()),
        }
    }
}

/// The whole body, within its limit and its deadline.
pub(super) async fn read(announced: Announced, mut body: Body, share: Share) -> Result<Received, Refusal> {
    if announced.encoded {
        return Err(MediaFault::Compressed.into());
    }
    if announced.length.is_some_and(|length| length > BODY_LIMIT as u64) {
        return Err(Kind::BodyTooLarge(BODY_LIMIT).into());
    }
    let whole = tokio::time::timeout(BODY_DEADLINE, collect(&mut body, share));
    match whole.await.map_err(|_| Kind::BodyTooSlow)? {
        Ok(received) => Ok(received),
        Err(Broken::Off) => Err(BodyFault::EndedEarly.into()),
        Err(Broken::Refused(refusal)) => Err(refusal),
    }
}

/// Why a body was not received.
enum Broken {
    /// The caller stopped sending.
    Off,
    /// It is refused before its end.
    Refused(Refusal),
}

impl From<Refusal> for Broken {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

async fn collect(body: &mut Body, share: Share) -> Result<Received, Broken> {
    let mut received = Received { bytes: Zeroizing::default(), share };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Broken::Off)?;
        if let Some(chunk) = frame.data_ref() {
            received.append(chunk)?;
        }
    }
    received.end()?;
    Ok(received)
}
