//! The response to a gateway: a policy, a plain yes or no, or an error.

use lambda_runtime::Diagnostic;
use serde_json::{Map, Value, json};

use crate::arn::StageArn;
use crate::denial::{Denial, Verdict};
use crate::event::{Event, Gateway};
use crate::rules::Grant;

/// The form of the response to HTTP APIs with payload format 2.0 (`AUTHORIZER_RESPONSE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `{"isAuthorized": …}`, for authorizers with simple responses.
    Simple,
    /// A policy, for authorizers without.
    Policy,
}

/// A response that is an error. The gateway does not cache errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// REST APIs answer 401.
    Unauthorized,
    /// Every API answers 500.
    Undecided,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        let (kind, message) = match failure {
            // The gateway recognises it by exactly this word.
            Failure::Unauthorized => ("Unauthorized", "Unauthorized".to_owned()),
            Failure::Undecided => ("KeysUnavailable", Denial::KeysUnavailable.to_string()),
        };
        Self { error_type: kind.to_owned(), error_message: message }
    }
}

/// The answer to an event that could be read.
///
/// # Errors
/// [`Failure`] if the gateway expects an error for this denial.
pub fn of(event: &Event, judgement: &Result<Grant, Denial>, style: Style) -> Result<Value, Failure> {
    let verdict = judgement.as_ref().err().map(|denial| denial.verdict());
    match (verdict, event.gateway) {
        (Some(Verdict::Undecided), _) => Err(Failure::Undecided),
        (Some(Verdict::Unauthenticated), Gateway::Rest) => Err(Failure::Unauthorized),
        (_, Gateway::HttpV2) if style == Style::Simple => Ok(simple(judgement)),
        _ => Ok(policy(&event.stage, judgement)),
    }
}

fn simple(judgement: &Result<Grant, Denial>) -> Value {
    json!({ "isAuthorized": judgement.is_ok(), "context": context(judgement) })
}

fn policy(stage: &StageArn, judgement: &Result<Grant, Denial>) -> Value {
    let (effect, principal) = match judgement {
        Ok(grant) => ("Allow", grant.principal.as_str()),
        Err(_) => ("Deny", "nobody"),
    };
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": stage.pattern() }],
        },
        "context": context(judgement),
    })
}

/// The data that the gateway passes on. For a denial this is its code, for access logs and gateway responses.
fn context(judgement: &Result<Grant, Denial>) -> Map<String, Value> {
    match judgement {
        Ok(grant) => grant.context.clone(),
        Err(denial) => Map::from_iter([("reason".to_owned(), Value::from(denial.code()))]),
    }
}
