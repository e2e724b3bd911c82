//! Base64url in the form of JOSE (RFC 7515 §2): no padding, no line breaks, one spelling for each value.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Appends the encoding of `bytes` to `out`.
pub fn encode_into(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// The encoding of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The length of the encoding of `bytes` bytes.
pub const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// The bytes that `text` encodes, or `None` for padding, foreign characters or non-zero trailing bits.
///
/// Leniency here would give one token many spellings, which defeats deny-lists.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_decodes() {
        assert_eq!(decode("AQAB").as_deref(), Some(&[1, 0, 1][..]));
        assert_eq!(decode("AQ").as_deref(), Some(&[1][..]));
        assert_eq!(decode("").as_deref(), Some(&[][..]));
        for text in ["AQ==", "AR", "A", "AQA B", "AQAB\n", "AQ+B", "AQ/B", "AQ.B", "ÄQAB", "AQABA"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_announced_length_is_the_real_one() {
        for len in 0..50 {
            assert_eq!(encode(&vec![7; len]).len(), encoded_len(len));
        }
    }
}
