//! What an operator decides about a collector. The names are those of OpenTelemetry's specification.

use std::time::Duration;

use crate::domain::Secret;

/// A place that takes traces or metrics by OTLP over HTTP.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// The complete address for this signal (such as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
    pub endpoint: String,
    /// Headers of every export (`OTEL_EXPORTER_OTLP_HEADERS`): most often a key, so they are secret.
    pub headers: Vec<(String, Secret<String>)>,
    /// How long one export may take (`OTEL_EXPORTER_OTLP_TIMEOUT`).
    pub timeout: Duration,
    /// `service.name`.
    pub service_name: String,
    /// More attributes of the service (`OTEL_RESOURCE_ATTRIBUTES`).
    pub resource: Vec<(String, String)>,
}

/// Reads `name=value,name=value`, with percent signs decoded as in a URL: the form of `OTEL_RESOURCE_ATTRIBUTES` and of
/// `OTEL_EXPORTER_OTLP_HEADERS`.
///
/// # Errors
/// The form.
pub fn parse_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let refused =
        || "must be names with values, such as deployment.environment.name=production,team=auth".to_owned();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').ok_or_else(refused)?;
            let (name, value) = (name.trim().to_owned(), percent_decoded(value.trim()).ok_or_else(refused)?);
            if name.is_empty() { Err(refused()) } else { Ok((name, value)) }
        })
        .collect()
}

/// The text of which this is the percent-encoded form (RFC 3986 §2.1).
fn percent_decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        rest = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digits = [char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?];
                bytes.push((digits[0] * 16 + digits[1]) as u8);
                behind
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*first);
                behind
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_pairs;

    #[test]
    fn pairs_are_read_and_decoded() {
        let read = |text| parse_pairs(text).unwrap();
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("api-key=abc, b = c%20d%3D,"), [owned("api-key", "abc"), owned("b", "c d=")]);
        assert_eq!(
            read("Authorization=Basic%20dXNlcjpwYXNz=="),
            [owned("Authorization", "Basic dXNlcjpwYXNz==")]
        );
        for text in ["a", "=b", "a=%", "a=%f", "a=%zz", "a=%ff"] {
            assert!(parse_pairs(text).is_err(), "{text}");
        }
    }
}
