//! Describes the active default key, and lists the other keys.

use serde::Serialize;

use crate::domain::{KeyRecord, KeyState, Timestamp};
use crate::http::refusal::Refusal;
use crate::http::{Answer, Api, Call, conditional, respond};
use crate::keys::Published;

#[derive(Serialize)]
struct KeyInfo<'a> {
    kid: &'a str,
    kty: &'static str,
    alg: &'a str,
    #[serde(rename = "use")]
    usage: &'static str,
    key_ops: [&'static str; 1],
    created_at: String,
    status: &'static str,
    keys: Vec<KeyEntry<'a>>,
}

/// One key with its instants. A future instant is the earliest possible one.
#[derive(Serialize)]
struct KeyEntry<'a> {
    kid: &'a str,
    alg: &'a str,
    status: KeyState,
    published_at: String,
    activates_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removes_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

pub(in crate::http) async fn get_key_info(api: Api, call: Call) -> Answer {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(Refusal::no_keys)?;
    let active = ring.default_record().ok_or_else(Refusal::no_keys)?;
    let kty = active.alg.parse().map_or("", jose::Algorithm::kty);
    let info = KeyInfo {
        kid: active.kid.as_str(),
        kty,
        alg: &active.alg,
        usage: "sig",
        key_ops: ["verify"],
        created_at: active.published_at.to_string(),
        status: "active",
        keys: ring.record().keys.iter().map(entry).collect(),
    };
    let body = respond::success_body(info, "Key information retrieved successfully")?;
    let document = Published::new(body);
    let answer = respond::json_bytes(document.body);
    Ok(conditional::tagged(call.request.headers(), &document.etag, answer))
}

fn entry(key: &KeyRecord) -> KeyEntry<'_> {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    KeyEntry {
        kid: key.kid.as_str(),
        alg: &key.alg,
        status: key.state,
        published_at: key.published_at.to_string(),
        activates_at: key.activates_at.to_string(),
        activated_at: text(key.activated_at),
        retired_at: text(key.retired_at),
        removes_at: text(key.removes_at),
        revoked_at: text(key.revoked_at),
    }
}
