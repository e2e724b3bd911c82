//! What a checkpoint says: where the chain of events was at an instant. It is signed, so that an attacker who can write to the
//! database cannot give the events before it another content.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::chain::{ChainHead, Digest, RecordDigest};
use crate::domain::Timestamp;

/// A checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its number; the first checkpoint has the number 1.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The last event of the chain.
    pub head: ChainHead,
    /// The last event that was removed from the beginning of the chain.
    pub base: ChainHead,
    /// The SHA-256 of the checkpoint before it, as a compact JWS; zeros in the first checkpoint.
    pub previous: Digest,
}

/// The JSON that is signed.
#[derive(Serialize, Deserialize)]
struct Claims {
    checkpoint: u64,
    at: String,
    seq: u64,
    link: String,
    base_seq: u64,
    base_link: String,
    previous: String,
}

impl Checkpoint {
    /// In the place of the digest of a previous checkpoint, in the first one.
    pub const NO_PREVIOUS: Digest = [0; 32];

    /// What a later checkpoint says of this compact JWS.
    pub fn digest(jws: &str) -> Digest {
        RecordDigest::of(jws).0
    }

    /// The text that is signed.
    ///
    /// # Errors
    /// [`serde_json::Error`], which does not happen for numbers and texts.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Claims {
            checkpoint: self.number,
            at: self.at.to_string(),
            seq: self.head.seq,
            link: encoded(&self.head.link),
            base_seq: self.base.seq,
            base_link: encoded(&self.base.link),
            previous: encoded(&self.previous),
        })
    }

    /// Reads the text that was signed; members that a later version has added do not count. `None` if it is no checkpoint.
    pub fn parse(text: &str) -> Option<Self> {
        let claims: Claims = serde_json::from_str(text).ok()?;
        Some(Self {
            number: claims.checkpoint,
            at: Timestamp::parse(&claims.at)?,
            head: ChainHead { seq: claims.seq, link: decoded(&claims.link)? },
            base: ChainHead { seq: claims.base_seq, link: decoded(&claims.base_link)? },
            previous: decoded(&claims.previous)?,
        })
    }

    /// What a compact JWS says **if its signature is right, which this does not check**. `None` if it says nothing.
    pub fn read_unverified(jws: &str) -> Option<Self> {
        Self::parse(&jose::decode_unverified(jws).ok()?.1)
    }
}

fn encoded(digest: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(digest)
}

fn decoded(text: &str) -> Option<Digest> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::Checkpoint;
    use crate::domain::Timestamp;
    use crate::event_record::ChainHead;

    #[test]
    fn a_checkpoint_is_read_as_it_is_written_and_looks_like_no_token() {
        let checkpoint = Checkpoint {
            number: 3,
            at: Timestamp::from_millis(1_800_000_000_123),
            head: ChainHead { seq: 998, link: [1; 32] },
            base: ChainHead { seq: 7, link: [2; 32] },
            previous: [3; 32],
        };
        let text = checkpoint.to_json().unwrap();
        let expected = r#"{"checkpoint":3,"at":"2027-01-15T08:00:00.123Z","seq":998,"link":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","base_seq":7,"base_link":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI","previous":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"}"#;
        assert_eq!(text, expected);
        assert_eq!(Checkpoint::parse(&text), Some(checkpoint));
        assert_eq!(Checkpoint::parse(&text.replace("}", r#","later":1}"#)), Some(checkpoint));
        for claim in ["iss", "sub", "aud", "exp"] {
            assert!(!text.contains(&format!("\"{claim}\"")), "{claim}");
        }
        for broken in
            [text.replace("998", "\"998\""), text.replace("AwM\"", "AwN\""), text.replace("08:", "28:")]
        {
            assert_eq!(Checkpoint::parse(&broken), None, "{broken}");
        }
    }
}
