//! The id of one request, in its response (`X-Request-Id`) and in the log.

use std::fmt;

/// 1 to 64 letters, digits, `-`, `_` and `.`, stored in the value itself, so that an id needs no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    text: [u8; Self::MAX_BYTES],
    length: u8,
}

impl RequestId {
    /// The most bytes.
    pub const MAX_BYTES: usize = 64;

    /// Takes a caller's own id for the request if it is harmless in a header and in a log.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let fits = (1..=Self::MAX_BYTES).contains(&bytes.len());
        (fits && bytes.iter().all(harmless)).then(|| Self::of(bytes))
    }

    /// A new id: `mark` distinguishes processes, and `number` distinguishes the requests of one process.
    pub fn numbered(mark: u32, number: u32) -> Self {
        let mut text = [b'-'; 17];
        text[..8].copy_from_slice(&hex(mark));
        text[9..].copy_from_slice(&hex(number));
        Self::of(&text)
    }

    fn of(bytes: &[u8]) -> Self {
        let mut text = [0; Self::MAX_BYTES];
        text[..bytes.len()].copy_from_slice(bytes);
        Self { text, length: bytes.len() as u8 }
    }

    /// The id as text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }
}

/// Eight hex digits. `format!` would need a tenth of all instructions of a cheap response.
fn hex(number: u32) -> [u8; 8] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(number >> (28 - 4 * digit)) as usize & 15])
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn a_name_of_the_callers_is_taken_if_it_is_harmless() {
        let longest = "x".repeat(RequestId::MAX_BYTES);
        for harmless in ["a", "abc-123_x.Y", &longest] {
            assert_eq!(RequestId::parse(harmless.as_bytes()).unwrap().to_string(), harmless);
        }
        for harmful in
            ["", "no spaces", "a\"b", "<script>", "a,b", "a;b=c", "ä", "a\nb", &format!("{longest}x")]
        {
            assert_eq!(RequestId::parse(harmful.as_bytes()), None, "{harmful}");
        }
        assert_eq!(RequestId::parse(b"\xff"), None);
    }

    #[test]
    fn a_new_name_has_the_process_and_the_number_in_it() {
        assert_eq!(RequestId::numbered(0xa0b1_c2d3, 31).to_string(), "a0b1c2d3-0000001f");
        let name = RequestId::numbered(u32::MAX, u32::MAX);
        assert_eq!(RequestId::parse(name.as_bytes()), Some(name));
    }
}
