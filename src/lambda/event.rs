//! An event as AWS sends it: one struct with the fields of all senders, which is read once.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Names with one value each.
pub(super) type Single = BTreeMap<String, String>;
/// Names with all their values.
pub(super) type Many = BTreeMap<String, Vec<String>>;

/// The event with which AWS invokes a function.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    pub(super) http_method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) raw_path: Option<String>,
    pub(super) raw_query_string: Option<String>,
    pub(super) route_key: Option<String>,
    pub(super) headers: Option<Single>,
    pub(super) multi_value_headers: Option<Many>,
    pub(super) query_string_parameters: Option<Single>,
    pub(super) multi_value_query_string_parameters: Option<Many>,
    pub(super) path_parameters: Option<Single>,
    pub(super) cookies: Option<Vec<String>>,
    pub(super) body: Option<String>,
    pub(super) is_base64_encoded: bool,
    pub(super) request_context: Context,
    pub(super) source: Option<String>,
}

/// The context of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Context {
    pub(super) stage: Option<String>,
    pub(super) domain_name: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) http: Option<Http>,
    pub(super) identity: Option<Identity>,
    pub(super) elb: Option<serde::de::IgnoredAny>,
}

/// The method and the client's address in payload 2.0.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Http {
    pub(super) method: String,
    pub(super) source_ip: Option<String>,
}

/// The client's address in payload 1.0.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Identity {
    pub(super) source_ip: Option<String>,
}

/// An event that this program does not handle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is of no kind that this program knows.
    #[error(
        "this event is neither a request of API Gateway (REST or HTTP API), of a load balancer or of a function URL, nor a schedule of EventBridge: let one of these invoke the function"
    )]
    Foreign,
}
