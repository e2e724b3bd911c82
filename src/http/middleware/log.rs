//! What the log says of a request: which operation, of which client, with which end. Never its query, headers or body.

use http::StatusCode;

use crate::http::answered::Answered;

/// Writes one line about a request that was answered.
pub(in crate::http) fn answered(request: &Answered<'_>) {
    let &Answered { caller, method, path, status, refusal, cause, .. } = request;
    let (operation, client, request_id) = (caller.operation, &caller.address, &caller.request_id);
    let (method, code) = (method.as_str(), status.as_u16());
    let Some(refusal) = refusal else {
        tracing::debug!(operation, method, path, status = code, %client, %request_id, "request answered");
        return;
    };
    let Some(cause) = cause else {
        tracing::debug!(operation, method, path, status = code, refusal, %client, %request_id, "request refused");
        return;
    };
    let cause = chain(cause.as_ref());
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(operation, method, path, status = code, refusal, %client, %request_id, cause, "request failed");
    } else if status.is_server_error() {
        tracing::warn!(operation, method, path, status = code, refusal, %client, %request_id, cause, "request refused");
    } else {
        tracing::debug!(operation, method, path, status = code, refusal, %client, %request_id, cause, "request refused");
    }
}

/// An error and all that lies beneath it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(error) = beneath {
        text.push_str(": ");
        text.push_str(&error.to_string());
        beneath = error.source();
    }
    text
}
