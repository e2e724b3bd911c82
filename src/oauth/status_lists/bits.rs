//! The bits of a list (§4.1 of the draft): one for each token, and 1 means revoked.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::domain::StatusPlace;

/// One list, packed from the least significant bit of each byte.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StatusBits(Vec<u8>);

impl StatusBits {
    /// No token is revoked.
    pub(super) fn all_valid() -> Self {
        Self(vec![0; StatusPlace::PER_LIST as usize / 8])
    }

    /// Says that the token with this entry is revoked. True if that is new.
    pub(super) fn revoke(&mut self, index: u32) -> bool {
        let Some(byte) = self.0.get_mut(index as usize / 8) else { return false };
        let bit = 1 << (index % 8);
        let is_new = *byte & bit == 0;
        *byte |= bit;
        is_new
    }

    /// The member `lst` (§4.2): zlib, then base64url.
    ///
    /// # Errors
    /// Those of the compression.
    pub(super) fn to_lst(&self) -> io::Result<String> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.0)?;
        Ok(URL_SAFE_NO_PAD.encode(encoder.finish()?))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    fn decoded(lst: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let compressed = URL_SAFE_NO_PAD.decode(lst).unwrap();
        ZlibDecoder::new(&compressed[..]).read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// §4.1 of the draft: two bytes, packed from the least significant bit.
    #[test]
    fn the_first_example_of_the_draft_has_the_same_bits() {
        let mut bits = StatusBits::all_valid();
        for index in [0, 3, 4, 5, 7, 8, 9, 13, 15] {
            assert!(bits.revoke(index));
        }
        assert_eq!(bits.0[..2], decoded("eNrbuRgAAhcBXQ"));
        assert_eq!(bits.0[..2], [0xB9, 0xA3]);
        assert!(bits.0[2..].iter().all(|byte| *byte == 0));
    }

    /// Appendix "Test vectors" of the draft, "1-bit Status List": 2^20 entries.
    #[test]
    fn the_long_example_of_the_draft_is_the_same_list() {
        let vector = include_str!("../../../tests/data/status_list_1_bit.txt").trim();
        let mut bits = StatusBits::all_valid();
        for index in
            [0, 1_993, 25_460, 159_495, 495_669, 554_353, 645_645, 723_232, 854_545, 934_534, 1_000_345]
        {
            bits.revoke(index);
        }
        assert_eq!(bits.0, decoded(vector));
        assert_eq!(decoded(&bits.to_lst().unwrap()), decoded(vector));
    }

    #[test]
    fn a_million_tokens_have_at_most_132_kb_and_an_empty_list_is_short() {
        assert_eq!(StatusBits::all_valid().0.len(), 131_072);
        assert!(StatusBits::all_valid().to_lst().unwrap().len() < 300);
    }

    #[test]
    fn what_is_revoked_twice_is_new_once_and_a_list_has_no_entry_beyond_its_end() {
        let mut bits = StatusBits::all_valid();
        assert!(bits.revoke(StatusPlace::PER_LIST - 1));
        assert!(!bits.revoke(StatusPlace::PER_LIST - 1));
        assert!(!bits.revoke(StatusPlace::PER_LIST));
    }
}
