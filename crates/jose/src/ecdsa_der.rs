//! Converts ECDSA signatures from DER (RFC 3279 §2.2.3), which key management services return, to the form of
//! JWS.

use crate::der::{Reader, SEQUENCE};

/// Bytes of a number modulo the order of P-256.
const WIDTH: usize = 32;

/// The signature value of `ES256` (RFC 7518 §3.4), `r || s`, of an ECDSA signature on P-256 in DER. The result is `None` if
/// the text is not strict DER, or a number is too large. This does not verify the signature.
pub fn es256_from_der(der: &[u8]) -> Option<[u8; 2 * WIDTH]> {
    let mut outer = Reader::new(der);
    let mut pair = outer.enter(SEQUENCE)?;
    let (r, s) = (pair.natural()?, pair.natural()?);
    if !outer.is_empty() || !pair.is_empty() {
        return None;
    }
    let mut value = [0; 2 * WIDTH];
    let (left, right) = value.split_at_mut(WIDTH);
    put(left, r)?;
    put(right, s)?;
    Some(value)
}

/// Writes a number without leading zeros at the end of `place`, which is zero.
fn put(place: &mut [u8], number: &[u8]) -> Option<()> {
    let start = place.len().checked_sub(number.len())?;
    place.get_mut(start..)?.copy_from_slice(number);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let integer = |number: &[u8]| [&[2, number.len() as u8], number].concat();
        let content = [integer(r), integer(s)].concat();
        [&[SEQUENCE, content.len() as u8], &content[..]].concat()
    }

    #[test]
    fn short_numbers_are_filled_up_on_the_left() {
        let value = es256_from_der(&der(&[1], &[0, 0x80, 2])).unwrap();
        assert_eq!((value[31], &value[62..]), (1, &[0x80, 2][..]));
        assert_eq!(value.iter().filter(|byte| **byte != 0).count(), 3);
    }

    #[test]
    fn numbers_of_full_length_lose_their_sign_byte_alone() {
        let value = es256_from_der(&der(&[&[0][..], &[0xFF; 32]].concat(), &[0x7F; 32])).unwrap();
        assert_eq!(value, *[[0xFF; 32], [0x7F; 32]].concat());
    }

    #[test]
    fn what_is_no_pair_of_numbers_that_fit_is_refused() {
        let sound = der(&[1], &[2]);
        assert!(es256_from_der(&sound).is_some());
        assert_eq!(es256_from_der(&[&sound[..], &[0]].concat()), None, "something follows");
        assert_eq!(es256_from_der(&[SEQUENCE, 9, 2, 1, 1, 2, 1, 2, 2, 1, 3]), None, "a third number");
        assert_eq!(es256_from_der(&der(&[1; 33], &[2])), None, "too large");
        assert_eq!(es256_from_der(&der(&[0x80], &[2])), None, "negative");
        assert_eq!(es256_from_der(&der(&[0, 1], &[2])), None, "not the shortest");
        assert_eq!(es256_from_der(&sound[..sound.len() - 1]), None, "cut off");
        assert_eq!(es256_from_der(&[]), None);
    }
}
