//! Turns text into typed values. This is the only place that says what each setting allows.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::LogFormat;
use crate::domain::{
    Color, EventRetention, Kid, Lifetime, Logo, Networks, ProxyHeader, Rotation, TrustedProxies,
};
use crate::limits::Policies;
use crate::server_secret::ServerSecretSettings;
use crate::telemetry::check_filter;
use crate::telemetry::metrics::Temporality;
use crate::telemetry::otlp::parse_pairs;

/// Whether a `NODE_ENV` means development. Every other word counts as production, so that a typing error does
/// not open the service.
pub(super) fn is_development(node_env: &str) -> bool {
    matches!(node_env.trim(), "" | "development" | "test")
}

/// Whether a `NODE_ENV` counts as production although it is another word.
pub(super) fn is_nearly_production(node_env: &str) -> bool {
    !is_development(node_env) && node_env.trim() != "production"
}

fn number<T>(text: &str, least: T, most: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let refused = || format!("must be a whole number from {least} to {most}");
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    text.parse().ok().filter(|n| (least..=most).contains(n)).ok_or_else(refused)
}

pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    let text = if text == "localhost" { "127.0.0.1" } else { text };
    text.parse().map_err(|_| "must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::".to_owned())
}

pub(super) fn brand_name(text: &str) -> Result<String, String> {
    let (name, most) = (text.trim(), 60);
    let plain = !name.is_empty() && name.chars().count() <= most && !name.chars().any(char::is_control);
    if plain { Ok(name.to_owned()) } else { Err(format!("must be one line of 1 to {most} characters")) }
}

pub(super) fn color(text: &str) -> Result<Color, String> {
    Color::parse(text).map_err(|error| error.to_string())
}

/// The logo in the file with this name.
pub(super) fn logo(file: &str) -> Result<Logo, String> {
    let bytes =
        std::fs::read(file).map_err(|error| format!("must name a file that can be read ({error})"))?;
    Logo::parse(bytes).map_err(|error| error.to_string())
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    number(text, 0, 65_535)
}

/// An address, or nothing for `off`.
pub(super) fn admin_address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    let refused = || "must be an IP address and a port, such as 127.0.0.1:9464, or off".to_owned();
    text.parse().map(Some).map_err(|_| refused())
}

pub(super) fn skew(text: &str) -> Result<u64, String> {
    number(text.strip_suffix('s').unwrap_or(text), 0, 300).map_err(|refused| format!("{refused} (seconds)"))
}

/// Algorithms separated by commas, the default one first.
pub(super) fn algorithms(text: &str) -> Result<Vec<jose::Algorithm>, String> {
    let mut algorithms: Vec<jose::Algorithm> = Vec::new();
    for name in text.split(',').map(str::trim) {
        let algorithm: jose::Algorithm = name.parse().map_err(|_| {
            "must be RS256, PS256, ES256, EdDSA, ML-DSA-44, ML-DSA-65 or ML-DSA-87, or several of these separated by \
             commas, the default one first"
                .to_owned()
        })?;
        if algorithms.is_empty() && algorithm.is_post_quantum() {
            return Err(format!(
                "must not begin with {name}: the first algorithm is the default one, which every verifier must know"
            ));
        }
        if algorithms.contains(&algorithm) {
            return Err(format!("names {name} twice: list each algorithm only once"));
        }
        algorithms.push(algorithm);
    }
    Ok(algorithms)
}

pub(super) fn key_bits(text: &str) -> Result<u32, String> {
    match text {
        "2048" => Ok(2048),
        "3072" => Ok(3072),
        "4096" => Ok(4096),
        _ => Err("must be 2048, 3072 or 4096".to_owned()),
    }
}

pub(super) fn kid(text: &str) -> Result<Kid, String> {
    if text.is_empty() { Ok(Kid::original()) } else { Kid::parse(text).map_err(|error| error.to_string()) }
}

pub(super) fn rotation(text: &str) -> Result<Rotation, String> {
    match text.to_ascii_lowercase().as_str() {
        "off" | "never" => Ok(Rotation::Off),
        _ => text
            .parse()
            .map(Rotation::Every)
            .map_err(|_| "must be off, or a length of time such as 30d".to_owned()),
    }
}

/// A number of seconds; `0` switches the function off.
pub(super) fn length_or_none(text: &str) -> Result<u64, String> {
    match text {
        "0" | "0s" => Ok(0),
        _ => text
            .parse()
            .map(Lifetime::as_secs)
            .map_err(|_| "must be 0, or a length of time such as 2h".to_owned()),
    }
}

/// Seconds.
pub(super) fn length(text: &str) -> Result<u64, String> {
    text.parse().map(Lifetime::as_secs).map_err(|_| "must be a length of time such as 14d".to_owned())
}

/// Seconds.
pub(super) fn refresh(text: &str) -> Result<u64, String> {
    let refused = || "must be a length of time from 1s to 1h".to_owned();
    let refresh = text.parse().ok().filter(|refresh| *refresh <= Lifetime::hours(1));
    refresh.map(Lifetime::as_secs).ok_or_else(refused)
}

/// Seconds.
pub(super) fn status_list_ttl(text: &str) -> Result<u64, String> {
    let refused = || "must be a length of time from 4s to 1h".to_owned();
    let ttl = text.parse().ok().map(Lifetime::as_secs);
    ttl.filter(|secs| (4..=3600).contains(secs)).ok_or_else(refused)
}

pub(super) fn sealing_keys(text: &str) -> Result<(), String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let of_32_bytes = |key: &str| STANDARD.decode(key.trim()).is_ok_and(|bytes| bytes.len() == 32);
    if text.split(',').all(of_32_bytes) {
        Ok(())
    } else {
        Err("must be 32 bytes in base64, or several of these separated by commas; `keys secret` makes one"
            .to_owned())
    }
}

pub(super) fn server_secrets(text: &str) -> Result<ServerSecretSettings, String> {
    ServerSecretSettings::parse(text).map_err(|error| error.to_string())
}

/// A name or an ARN, as AWS Secrets Manager allows them.
pub(super) fn secret_id(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:".contains(c);
    let is_name = text.starts_with("arn:") || (!text.contains(':') && sealing_keys(text).is_err());
    if text.len() <= 2048 && text.chars().all(plain) && is_name {
        Ok(text.to_owned())
    } else {
        Err("must be the name or the ARN of a secret, such as jwt-generator/keys".to_owned())
    }
}

pub(super) fn bcrypt_rounds(text: &str) -> Result<u32, String> {
    number(text, 4, 15)
}

/// Characters: from 6, as in the original, to 64, which every server should accept (NIST SP 800-63B-4 §3.1.1.2).
pub(super) fn password_min_length(text: &str) -> Result<usize, String> {
    number(text, 6, 64)
}

/// Whether they are allowed.
pub(super) fn common_passwords(text: &str) -> Result<bool, String> {
    match text {
        "allow" => Ok(true),
        "refuse" => Ok(false),
        _ => Err("must be refuse or allow".to_owned()),
    }
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    number(text, 1, 1_000_000)
}

/// Bytes in a mebibyte.
const MEBIBYTE: usize = 1024 * 1024;

/// Bytes, as a plain number or with `KiB`, `MiB` or `GiB` behind it. It must be at least several times the
/// limit of one body.
pub(super) fn body_memory(text: &str) -> Result<usize, String> {
    let refused = || "must be a size from 1MiB to 64GiB, such as 32MiB".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1024,
        "mib" => MEBIBYTE,
        "gib" => 1024 * MEBIBYTE,
        _ => return Err(refused()),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    bytes.filter(|bytes| (MEBIBYTE..=64 * 1024 * MEBIBYTE).contains(bytes)).ok_or_else(refused)
}

pub(super) fn networks(text: &str) -> Result<Networks, String> {
    Networks::parse(text).map_err(|error| error.to_string())
}

pub(super) fn trusted_proxies(text: &str) -> Result<TrustedProxies, String> {
    TrustedProxies::parse(text).map_err(|error| error.to_string())
}

pub(super) fn rate_limits(text: &str) -> Result<Policies, String> {
    Policies::parse(text).map_err(|error| error.to_string())
}

pub(super) fn event_retention(text: &str) -> Result<EventRetention, String> {
    EventRetention::parse(text).map_err(|error| error.to_string())
}

pub(super) fn proxy_header(text: &str) -> Result<ProxyHeader, String> {
    ProxyHeader::parse(text).map_err(|error| error.to_string())
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

pub(super) fn rsa_batch(text: &str) -> Result<bool, String> {
    match text {
        "auto" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be auto or off".to_owned()),
    }
}

pub(super) fn mongodb_uri(text: &str) -> Result<(), String> {
    if text.starts_with("mongodb://") || text.starts_with("mongodb+srv://") {
        Ok(())
    } else {
        Err("must begin with mongodb:// or mongodb+srv://".to_owned())
    }
}

/// `None` if any origin is allowed.
pub(super) fn origins(text: &str) -> Result<Option<Vec<String>>, String> {
    let origins: Vec<_> = text.split(',').map(str::trim).filter(|origin| !origin.is_empty()).collect();
    if origins.contains(&"*") {
        return Ok(None);
    }
    let checked = origins.into_iter().map(|origin| {
        let origin = origin.strip_suffix('/').unwrap_or(origin);
        let (scheme, host) = origin.split_once("://").unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if !scheme.is_empty() && !host.is_empty() && host.chars().all(plain) {
            Ok(origin.to_ascii_lowercase())
        } else {
            Err("must be * or origins separated by commas, such as https://app.example.com".to_owned())
        }
    });
    checked.collect::<Result<Vec<_>, _>>().map(Some)
}

pub(super) fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "./-_:[]~%".contains(c);
    if !rest.is_empty() && rest.chars().all(plain) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be an address such as https://auth.example.com".to_owned())
    }
}

/// The same, but a slash at its end belongs to it: verifiers compare issuers byte by byte.
pub(super) fn issuer_url(text: &str) -> Result<String, String> {
    url(text).map(|_| text.to_owned())
}

pub(super) fn log_level(text: &str) -> Result<String, String> {
    check_filter(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be auto, text or json".to_owned()),
    }
}

/// One of so many.
pub(super) fn sample(text: &str) -> Result<u32, String> {
    number(text, 1, 1_000_000)
}

/// Milliseconds.
pub(super) fn milliseconds(text: &str) -> Result<Duration, String> {
    number(text, 1, 600_000).map(Duration::from_millis)
}

/// Milliseconds, at least a second: an export costs the collector something.
pub(super) fn export_interval(text: &str) -> Result<Duration, String> {
    number(text, 1_000, 86_400_000).map(Duration::from_millis)
}

/// The names are OpenTelemetry's. Of `lowmemory`, only the counters that are deltas matter here.
pub(super) fn temporality(text: &str) -> Result<Temporality, String> {
    match text.to_ascii_lowercase().as_str() {
        "cumulative" => Ok(Temporality::Cumulative),
        "delta" | "lowmemory" => Ok(Temporality::Delta),
        _ => Err("must be cumulative, delta or lowmemory".to_owned()),
    }
}

pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// The one protocol of OTLP that this program speaks.
pub(super) fn otlp_protocol(text: &str) -> Result<(), String> {
    match text {
        "http/protobuf" => Ok(()),
        _ => {
            Err("must be http/protobuf: this program speaks OTLP over HTTP, most often on port 4318"
                .to_owned())
        }
    }
}

/// Headers with names and values that HTTP allows.
pub(super) fn headers(text: &str) -> Result<(), String> {
    let refused = || "must be headers such as api-key=VALUE, separated by commas".to_owned();
    let pairs = parse_pairs(text).map_err(|_| refused())?;
    let fits = |(name, value): &(String, String)| {
        name.parse::<http::HeaderName>().is_ok() && value.parse::<http::HeaderValue>().is_ok()
    };
    if pairs.iter().all(fits) { Ok(()) } else { Err(refused()) }
}
