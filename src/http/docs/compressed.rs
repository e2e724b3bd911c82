//! Files that this binary keeps compressed (RFC 9110 §8.4.1.3), so that it is smaller. Browsers get them as they are.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};

use crate::keys::Published;

/// A compressed file.
pub(super) struct Compressed {
    gzip: Published,
    /// Made for the first client that asks for it.
    plain: OnceLock<Published>,
}

impl Compressed {
    /// The file of these compressed bytes.
    pub(super) fn new(gzip: &'static [u8]) -> Self {
        Self { gzip: Published::new(gzip), plain: OnceLock::new() }
    }

    /// The file as it is kept.
    pub(super) fn gzip(&self) -> &Published {
        &self.gzip
    }

    /// The file itself. `build.rs` compressed it, so it can always be read.
    pub(super) fn plain(&self) -> &Published {
        self.plain.get_or_init(|| Published::new(decompressed(&self.gzip.body)))
    }
}

/// What `build.rs` compressed to these bytes.
pub(super) fn decompressed(gzip: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = GzDecoder::new(gzip).read_to_end(&mut plain);
    if read.is_ok() { plain } else { Vec::new() }
}

/// Whether a client reads gzip (RFC 9110 §12.5.3).
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_refused = parts.any(|part| {
            part.strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok())
                .is_some_and(|weight| weight == 0.0)
        });
        (name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip")) && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

    use super::accepts_gzip;

    #[test]
    fn gzip_is_sent_only_to_clients_that_name_it() {
        for (value, accepts) in [
            ("gzip, deflate, br", true),
            ("br;q=1, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(accepts_gzip(&headers), accepts, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
