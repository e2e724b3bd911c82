//! The most common passwords, as a filter that `tests/tools/common_passwords.py` makes.
//!
//! Each password is 34 bits of a hash of its lower-case form: the number of a bucket, and a rest that stands in the bucket. One
//! in 200,000 other passwords has the same bits as a common one. It is refused, too.

use unicode_normalization::UnicodeNormalization;

use super::characters::{is_invisible, with_ascii_digit};

/// The end of each bucket among the rests, then the rests in order. All are numbers of three bytes, the highest one first.
const FILTER: &[u8] = include_bytes!("common_passwords.bin");
/// Buckets of rests.
const BUCKETS: usize = 1 << BUCKET_BITS;
const BUCKET_BITS: u32 = 10;
const REST_BITS: u32 = 24;

type Number = [u8; 3];

/// Whether a password is one of the most common ones, in upper or lower case; or is one without its blanks and invisible
/// characters, or in other forms of its letters (NFKC), or with digits of other scripts; or has only blanks and invisible characters. No copy of it is made.
pub(super) fn contain(password: &str) -> bool {
    let mut plain = plain(password).peekable();
    plain.peek().is_none() || filter_has(hash(password.bytes())) || filter_has(hash(plain))
}

/// The bytes of a password that an attacker would write instead of it.
fn plain(password: &str) -> impl Iterator<Item = u8> {
    let seen = password.nfkc().filter(|c| !(is_invisible(*c) || is_blank(*c)));
    let lower = seen.map(with_ascii_digit).flat_map(char::to_lowercase);
    lower.flat_map(|c| {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        bytes.into_iter().take(length)
    })
}

/// White space, and the blank pattern of Braille.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{2800}'
}

fn filter_has(hash: u64) -> bool {
    let (numbers, _) = FILTER.as_chunks();
    let Some((ends, rests)) = numbers.split_at_checked(BUCKETS) else { return false };
    let bucket = (hash >> (u64::BITS - BUCKET_BITS)) as usize;
    let start = bucket.checked_sub(1).map_or(0, |before| value(ends[before]));
    let [.., high, middle, low] = (hash >> (u64::BITS - BUCKET_BITS - REST_BITS)).to_be_bytes();
    let rests = rests.get(start..value(ends[bucket]));
    rests.is_some_and(|rests| rests.binary_search(&[high, middle, low]).is_ok())
}

fn value([high, middle, low]: Number) -> usize {
    usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
}

/// FNV-1a of the lower-case form, mixed by the last steps of MurmurHash3, so that the high bits depend on each byte.
fn hash(password: impl Iterator<Item = u8>) -> u64 {
    let lower = password.map(|byte| byte.to_ascii_lowercase());
    let sum = lower.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53]
        .into_iter()
        .fold(sum, |sum, factor| (sum ^ sum >> 33).wrapping_mul(factor));
    mixed ^ mixed >> 33
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, FILTER, contain};

    #[test]
    fn common_passwords_are_found_in_any_case_and_others_are_not() {
        for common in ["123456", "password", "PASSWORD", "Password1", "qwertyuiop", "iloveyou", "letmein1"] {
            assert!(contain(common), "{common}");
        }
        for other in
            ["12345", "correct horse battery staple", "secret-ada", "pa\u{df}word", "my password here"]
        {
            assert!(!contain(other), "{other:?}");
        }
    }

    #[test]
    fn a_common_password_is_found_in_other_letters_and_among_blanks_and_invisible_characters() {
        for common in [
            " password ",
            "pass word",
            "password\0",
            "pass\u{200b}word",
            "\u{feff}password",
            "\u{3000}password\u{a0}",
            "\u{ff30}\u{ff21}\u{ff33}\u{ff33}\u{ff37}\u{ff2f}\u{ff32}\u{ff24}",
            "\u{1d429}assword",
            "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}",
            "\u{2800}letmein1",
            "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}",
            "\u{967}\u{968}\u{969}\u{96a}\u{96b}\u{96c}",
            "pass\u{180b}\u{17b4}word\u{1d173}\u{1d159}\u{13440}\u{fff0}",
            "",
            "      ",
            "\u{200b}\u{3164}\u{3000}",
        ] {
            assert!(contain(common), "{common:?}");
        }
    }

    #[test]
    fn of_other_passwords_at_most_one_in_65536_is_taken_for_a_common_one() {
        let mistaken = (0..1 << 18).filter(|number| contain(&format!("Otherwise-{number:06}"))).count();
        assert!(mistaken <= 4, "{mistaken}");
    }

    #[test]
    fn the_filter_is_whole_and_has_less_than_300_kib() {
        let (numbers, rest) = FILTER.as_chunks();
        assert!(rest.is_empty() && FILTER.len() < 300 * 1024);
        let ends: Vec<_> = numbers[..BUCKETS].iter().map(|end| super::value(*end)).collect();
        assert!(ends.is_sorted());
        assert_eq!(ends.last(), Some(&(numbers.len() - BUCKETS)));
    }
}
