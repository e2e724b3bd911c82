//! The active key's public half as PEM (RFC 7468 §13).

use http::StatusCode;
use http::header::HeaderValue;

use crate::http::refusal::Refusal;
use crate::http::{Answer, Api, Call, conditional, respond};

const PEM: HeaderValue = HeaderValue::from_static("application/x-pem-file; charset=utf-8");

pub(in crate::http) async fn get_public_key(api: Api, call: Call) -> Answer {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(Refusal::no_keys)?;
    let pem = ring.public_pem();
    let answer = super::kept(ring, &api, respond::with_type(StatusCode::OK, PEM, pem.body.clone()))?;
    Ok(conditional::tagged(call.request.headers(), &pem.etag, answer))
}
