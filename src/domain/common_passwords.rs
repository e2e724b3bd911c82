//! The most common passwords, as a filter that `tests/tools/common_passwords.py` makes.
//!
//! Each password is 34 bits of a hash of its lower-case form: the number of a bucket, and a rest that stands in the bucket. One
//! in 200,000 other passwords has the same bits as a common one. It is refused, too.

/// The end of each bucket among the rests, then the rests in order. All are numbers of three bytes, the highest one first.
const FILTER: &[u8] = include_bytes!("common_passwords.bin");
/// Buckets of rests.
const BUCKETS: usize = 1 << BUCKET_BITS;
const BUCKET_BITS: u32 = 10;
const REST_BITS: u32 = 24;

type Number = [u8; 3];

/// Whether a password is one of the most common ones, in upper or lower case.
pub(super) fn contain(password: &str) -> bool {
    let hash = hash(password.as_bytes());
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
fn hash(password: &[u8]) -> u64 {
    let lower = password.iter().map(u8::to_ascii_lowercase);
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
        for other in ["", "12345", "correct horse battery staple", "secret-ada", "pa\u{df}word", "password\0"]
        {
            assert!(!contain(other), "{other:?}");
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
