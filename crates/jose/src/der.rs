//! A reader for the parts of DER (X.690) that key files use: one-byte tags, definite lengths.
//!
//! It distinguishes keys and finds public numbers. aws-lc, which parses the same bytes again, decides whether
//! a key is valid.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
/// Constructed, context-specific tag 0, which contains the curve (RFC 5915).
pub const CONTEXT_0: u8 = 0xA0;

/// The rest of a DER value.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub const fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next value if it has this tag, and returns its content.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        if found != tag {
            return None;
        }
        let (len, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(content)
    }

    /// Takes the next value if it has this tag, and reads on inside it.
    pub fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }

    /// Takes a non-negative INTEGER: its big-endian magnitude without leading zeros (zero is empty).
    pub fn natural(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [] => None,
            [0, rest @ ..] if rest.first().is_none_or(|first| first & 0x80 != 0) => Some(rest),
            [first, ..] if first & 0x80 != 0 || *first == 0 => None,
            magnitude => Some(magnitude),
        }
    }
}

/// Splits off a definite length in its shortest form, at most 64 KiB.
fn length(der: &[u8]) -> Option<(usize, &[u8])> {
    let (len, rest, shortest) = match der {
        [0x81, len, rest @ ..] => (usize::from(*len), rest, 0x80),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest, 0x100),
        [len @ 0..=0x7F, rest @ ..] => (usize::from(*len), rest, 0),
        _ => return None,
    };
    (len >= shortest).then_some((len, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_must_be_definite_and_shortest() {
        assert_eq!(Reader::new(&[4, 1, 9]).take(OCTET_STRING), Some(&[9][..]));
        assert_eq!(Reader::new(&[4, 0x81, 1, 9]).take(OCTET_STRING), None);
        assert_eq!(Reader::new(&[4, 0x80, 9, 0, 0]).take(OCTET_STRING), None);
        assert_eq!(Reader::new(&[4, 2, 9]).take(OCTET_STRING), None);
        assert_eq!(Reader::new(&[4]).take(OCTET_STRING), None);
        assert_eq!(Reader::new(&[]).take(OCTET_STRING), None);
        assert_eq!(Reader::new(&[3, 1, 9]).take(OCTET_STRING), None);
    }

    #[test]
    fn naturals_are_minimal_and_not_negative() {
        assert_eq!(Reader::new(&[2, 3, 1, 0, 1]).natural(), Some(&[1, 0, 1][..]));
        assert_eq!(Reader::new(&[2, 2, 0, 0x80]).natural(), Some(&[0x80][..]));
        assert_eq!(Reader::new(&[2, 1, 0]).natural(), Some(&[][..]));
        assert_eq!(Reader::new(&[2, 2, 0, 1]).natural(), None);
        assert_eq!(Reader::new(&[2, 1, 0x80]).natural(), None);
        assert_eq!(Reader::new(&[2, 0]).natural(), None);
    }
}
