//! Turns a response into the form that the sender of the event accepts.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, SET_COOKIE, TRANSFER_ENCODING};
use http::{Response, StatusCode};
use serde::Serialize;

/// The form in which a sender wants its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// API Gateway, payload 1.0.
    One,
    /// API Gateway, payload 2.0, and function URLs.
    Two,
    /// A load balancer.
    Balancer,
    /// A load balancer whose target group uses multi-value headers.
    BalancerWithMany,
}

/// An answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

impl Reply {
    /// Writes `response` in this form.
    pub fn of(response: Response<Bytes>, form: Form) -> Self {
        let (mut head, body) = response.into_parts();
        // These headers describe the connection between the sender and its client (RFC 9110 §7.6.1).
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
            Ok(text) => (text, false),
            Err(binary) => (STANDARD.encode(binary.as_bytes()), true),
        };
        let with_many = matches!(form, Form::One | Form::BalancerWithMany);
        let cookies = match form {
            Form::Two => head.headers.get_all(SET_COOKIE).iter().map(text).collect(),
            _ => Vec::new(),
        };
        if form == Form::Two {
            head.headers.remove(SET_COOKIE);
        }
        Self {
            status_code: head.status.as_u16(),
            status_description: description(head.status, form),
            headers: (!with_many).then(|| joined(&head.headers)),
            multi_value_headers: with_many.then(|| all(&head.headers)),
            cookies,
            body,
            is_base64_encoded,
        }
    }
}

fn description(status: StatusCode, form: Form) -> Option<String> {
    let balancer = matches!(form, Form::Balancer | Form::BalancerWithMany);
    balancer.then(|| format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()))
}

fn all(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let values = |name| headers.get_all(name).iter().map(text).collect();
    headers.keys().map(|name| (name.to_string(), values(name))).collect()
}

/// Several values of one header become one value with commas (RFC 9110 §5.3).
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    all(headers).into_iter().map(|(name, values)| (name, values.join(", "))).collect()
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
