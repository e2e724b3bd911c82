//! Reading a request's body: within its limit and its deadline, and within the memory that all bodies together may take.

use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HeaderMap};
use http_body_util::{BodyExt, Limited};
use zeroize::Zeroizing;

use super::Body;
use super::body_memory::{Share, UNCOUNTED};
use super::deadlines::READ_AHEAD;
use super::refusal::{BodyFault, Kind, MediaFault, Refusal};

/// The most that a body may hold, in bytes.
const BODY_LIMIT: usize = 100 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// What the connection of a body holds besides while more of it arrives, in bytes: the buffer of the chunk in hand, and the
/// one that it reads into. Of a body that does not count, it is one, as of a connection that is idle.
const AHEAD: usize = 2 * READ_AHEAD;

/// What is read and thrown away of a body that is refused, in bytes.
const DISCARDED: usize = 1024 * 1024;
/// How long that may take.
const DISCARD_DEADLINE: Duration = Duration::from_secs(2);

/// A body that is there, and its share of the memory. The share is to live as long as anything that came of the body. A
/// password or a token may be in the body, so its memory is wiped.
pub(super) struct Received {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) share: Share,
}

impl Received {
    /// Copies a chunk behind the others: kept as it came, a chunk of one byte would hold what was read with it.
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
            // Memory that becomes too small is wiped, which growing in place would not do.
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// It is whole: nothing is read ahead of it any more.
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
pub(super) async fn read(announced: Announced, mut body: Body, share: Share) -> Result<Received, Refusal> {
    if announced.encoded {
        return Err(MediaFault::Compressed.into());
    }
    if announced.length.is_some_and(|length| length > BODY_LIMIT as u64) {
        if !announced.expects_continue {
            discard(body).await;
        }
        return Err(Kind::BodyTooLarge(BODY_LIMIT).into());
    }
    let whole = tokio::time::timeout(BODY_DEADLINE, collect(&mut body, share));
    match whole.await.map_err(|_| Kind::BodyTooSlow)? {
        Ok(received) => Ok(received),
        Err(Broken::Off) => Err(BodyFault::EndedEarly.into()),
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

/// Reads on for a while: a caller who sends everything before reading anything would never see the refusal if the
/// connection closed on them (RFC 9112 §9.6).
async fn discard(body: Body) {
    let mut rest = Limited::new(body, DISCARDED);
    let read_on = async { while let Some(Ok(_)) = rest.frame().await {} };
    // A caller who sends more than that, or slowly, may miss the refusal.
    let _ = tokio::time::timeout(DISCARD_DEADLINE, read_on).await;
}
