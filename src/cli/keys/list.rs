//! `keys list`: all keys of the key ring.

use serde_json::{Value, json};

use super::super::output::visible;
use super::super::setup;
use super::{Failure, Output, length, what_next};
use crate::config::Config;
use crate::domain::{Home, KeyRecord, KeyState, RingRecord, Timestamp};
use crate::keys::{RingService, forecast};
use crate::server_secret::ServerSecretSettings;

pub(super) async fn list(
    ring_service: &RingService,
    config: &Config,
    output: &Output,
) -> Result<(), Failure> {
    let ring = setup::ring(ring_service).await?;
    let (now, schedule) = (ring_service.now(), ring_service.schedule());
    let next = what_next(&ring, schedule, now);
    let next_at = forecast::next(&ring, schedule, now).map(|event| event.at.to_string());
    let (secret, secret_line) = server_secret(&ring, &config.server_secret)?;
    let value = json!({
        "custody": ring_service.custody().name(),
        "place": ring_service.custody().ring_store().place(),
        "revision": ring.revision,
        "keys": ring.keys.iter().map(|key| as_json(&ring, key, config.keys_secret.is_some())).collect::<Vec<_>>(),
        "next_at": next_at,
        "server_secret": secret,
    });
    let mut text = table(&ring, now);
    text.push_str(&format!("\n\n{next}\n{secret_line}"));
    if let Some(moved) = &ring.moved {
        text.push_str(&format!("\nThese keys have moved to KEY_CUSTODY={}.", moved.to));
    }
    output.print(&value, &text);
    Ok(())
}

/// The server secret without its secret part, as JSON and as text for people.
fn server_secret(ring: &RingRecord, secrets: &ServerSecretSettings) -> Result<(Value, String), Failure> {
    let kept = ring.server_secret.as_ref().filter(|_| secrets.uses_kept());
    let fault = ring.server_secret_fault.as_ref().filter(|_| secrets.uses_kept()).map(ToString::to_string);
    if let Some(fault) = fault {
        let set =
            secrets.with(None).map(|secret| secret.fingerprints()).transpose().map_err(Failure::refused)?;
        let fingerprints = set.unwrap_or_default();
        let text = format!("server secret: the one beside the keys cannot be used: {fault}");
        return Ok((json!({ "made_at": null, "fingerprints": fingerprints, "fault": fault }), text));
    }
    let Some(secret) = secrets.with(kept) else {
        return Ok((Value::Null, "server secret: none yet; a server makes one".to_owned()));
    };
    let fingerprints = secret.fingerprints().map_err(Failure::refused)?;
    let made_at = kept.map(|kept| kept.made_at.to_string());
    let place = made_at.as_ref().map_or_else(
        || "as SERVER_SECRET says".to_owned(),
        |made_at| format!("kept with the keys, made at {made_at}"),
    );
    let text = format!("server secret: {place} (fingerprint {})", fingerprints.join(", "));
    Ok((json!({ "made_at": made_at, "fingerprints": fingerprints }), text))
}

/// When an active key stops signing, if that is announced. An end from before the key began to sign was
/// announced for an earlier key of its algorithm: the schedule withdraws it if `JWT_ALGORITHM` has the
/// algorithm.
fn stops_at(ring: &RingRecord, key: &KeyRecord) -> Option<Timestamp> {
    let announced = ring.dropped.get(&key.alg).copied().filter(|_| key.state == KeyState::Active);
    announced.filter(|at| key.activated_at.is_none_or(|began| *at > began))
}

/// The place of a private key, as `KEY_CUSTODY` spells it. A key in the document of the ring is in the same
/// place as the ring.
fn custody(home: &Home, ring_is_in_secret: bool) -> &str {
    match home.scheme() {
        "file" => "directory",
        "pem" | "sealed" if ring_is_in_secret => "aws-secrets-manager",
        "pem" | "sealed" => "database",
        custody => custody,
    }
}

fn as_json(ring: &RingRecord, key: &KeyRecord, ring_is_in_secret: bool) -> Value {
    let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "kid": key.kid,
        "aliases": key.aliases,
        "alg": key.alg,
        "bits": key.bits,
        "state": key.state,
        "custody": key.home.as_ref().map(|home| custody(home, ring_is_in_secret)),
        "published_at": key.published_at.to_string(),
        "activates_at": key.activates_at.to_string(),
        "activated_at": at(key.activated_at),
        "stops_at": at(stops_at(ring, key)),
        "retired_at": at(key.retired_at),
        "removes_at": at(key.removes_at),
        "revoked_at": at(key.revoked_at),
        "carries": key.carries,
    })
}

/// Two lines for each key: its kid, and what it does. The second one is at most 80 columns wide.
fn table(ring: &RingRecord, now: Timestamp) -> String {
    let alg = ring.keys.iter().map(|key| key.alg.len()).max().unwrap_or_default();
    let lines = ring.keys.iter().map(|key| {
        let age = length(now.secs_since(key.published_at));
        let (kid, name, state) = (key.kid.as_str(), visible(&key.alg), state(key.state));
        let mut lines = format!("{kid}\n  {name:alg$}  {state:9}  age {age:9}  {}", doing(key));
        if let Some(stops_at) = stops_at(ring, key) {
            lines.push_str(&format!("\n  stops at {stops_at}, because JWT_ALGORITHM no longer has {name}"));
        }
        lines
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Published => "published",
        KeyState::Active => "active",
        KeyState::Retired => "retired",
        KeyState::Removed => "removed",
    }
}

fn doing(key: &KeyRecord) -> String {
    let at = |at: Option<Timestamp>| at.map_or_else(|| "?".to_owned(), |at| at.to_string());
    match key.state {
        KeyState::Published => format!("signs from {}", key.activates_at),
        KeyState::Active => format!("signs since {}", at(key.activated_at)),
        KeyState::Retired => format!("verifies until {}", at(key.removes_at)),
        KeyState::Removed if key.revoked_at.is_some() => format!("revoked at {}", at(key.revoked_at)),
        KeyState::Removed => format!("removed at {}", at(key.removes_at)),
    }
}
