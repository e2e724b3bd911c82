//! The dates between which an X.509 certificate is valid (RFC 5280 §4.1.2.5). rustls decides whether a certificate is
//! valid; this reads only the two dates, which needs no library.

use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::instant::Instant;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The tag of the version, which is optional.
const CONTEXT_0: u8 = 0xA0;

/// The first and the last instant at which the certificate is valid; `None` if it cannot be read.
pub(crate) fn validity(der: &[u8]) -> Option<(Instant, Instant)> {
    let (_, certificate, _) = value(der, SEQUENCE)?;
    let (_, mut rest, _) = value(certificate, SEQUENCE)?;
    if rest.first() == Some(&CONTEXT_0) {
        rest = value(rest, CONTEXT_0)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        rest = value(rest, tag)?.2;
    }
    let (_, dates, _) = value(rest, SEQUENCE)?;
    let (from, rest) = instant(dates)?;
    let (until, _) = instant(rest)?;
    Some((from, until))
}

/// A value with this tag: its tag, its content, and the bytes after it.
fn value(der: &[u8], tag: u8) -> Option<(u8, &[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (len, rest) = match *rest {
        [len @ 0..=0x7F, ref rest @ ..] => (usize::from(len), rest),
        [0x81, len, ref rest @ ..] => (usize::from(len), rest),
        [0x82, high, low, ref rest @ ..] => (usize::from(u16::from_be_bytes([high, low])), rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    (found == tag).then_some((found, content, rest))
}

fn instant(der: &[u8]) -> Option<(Instant, &[u8])> {
    let (tag, text, rest) = value(der, UTC_TIME).or_else(|| value(der, GENERALIZED_TIME))?;
    let mut text = std::str::from_utf8(text).ok()?.to_owned();
    if tag == UTC_TIME {
        // The year has two digits: 50 and above belong to the last century (RFC 5280 §4.1.2.5.1).
        text.insert_str(0, if text.as_str() >= "50" { "19" } else { "20" });
    }
    let format = format_description!("[year][month][day][hour][minute][second]Z");
    let date = PrimitiveDateTime::parse(&text, format).ok()?.assume_utc();
    Some((Instant::from_date(date).unwrap_or(Instant::from_secs(0)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate with only the parts that are read.
    fn certificate(version: &[u8], dates: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
        let validity = wrap(SEQUENCE, dates);
        let fields = [version, &[2, 1, 7], &[SEQUENCE, 0], &[SEQUENCE, 0], &validity].concat();
        wrap(SEQUENCE, &wrap(SEQUENCE, &fields))
    }

    #[test]
    fn both_kinds_of_date_are_read() {
        let old_and_late = [b"\x17\x0d991231235959Z".as_slice(), b"\x18\x0f20500101000000Z"].concat();
        let (from, until) = validity(&certificate(&[], &old_and_late)).unwrap();
        assert_eq!(from.to_string(), "1999-12-31T23:59:59.000Z");
        assert_eq!(until.to_string(), "2050-01-01T00:00:00.000Z");
        let soon = [b"\x17\x0d260101000000Z".as_slice(), b"\x17\x0d491231235959Z"].concat();
        let (from, until) = validity(&certificate(&[0xA0, 3, 2, 1, 2], &soon)).unwrap();
        assert_eq!((from.to_string().as_str(), until.as_secs()), ("2026-01-01T00:00:00.000Z", 2_524_607_999));
    }

    #[test]
    fn no_damaged_certificate_makes_it_panic() {
        let sound = certificate(&[0xA0, 3, 2, 1, 2], b"\x17\x0d260101000000Z\x17\x0d491231235959Z");
        for end in 0..sound.len() {
            assert_eq!(validity(&sound[..end]), None, "cut at {end}");
        }
        for at in 0..sound.len() {
            for byte in [0, 0x80, 0x84, 0xFF] {
                let mut spoilt = sound.clone();
                spoilt[at] = byte;
                // The result does not matter; a panic would.
                let _ = validity(&spoilt);
            }
        }
        assert_eq!(validity(&certificate(&[], b"\x17\x0d261301000000Z\x17\x0d491231235959Z")), None);
    }
}
