//! Turns an event into its answer.

use jose::json::Json;
use serde_json::Value;

use crate::answer::{self, Failure, Style};
use crate::denial::{Denial, Verdict};
use crate::event::Event;
use crate::judge::Judge;

/// Answers the gateway's events.
pub struct Handler {
    /// Checks the token.
    pub judge: Judge,
    /// The form of the response to HTTP APIs with payload format 2.0.
    pub style: Style,
}

impl Handler {
    /// Answers an event, given as its JSON text. `request` is the invocation's id, for the log.
    ///
    /// # Errors
    /// [`Failure`] if the gateway expects an error for this denial. Only a good token is ever allowed.
    pub async fn answer(&self, event: &str, request: &str) -> Result<Value, Failure> {
        let Some(event) = Json::parse(event).ok().and_then(|event| Event::read(&event)) else {
            log(Denial::UnknownEvent, request);
            return Err(Failure::Unauthorized);
        };
        let judgement = match &event.token {
            Ok(token) => self.judge.judge(token).await,
            Err(denial) => Err(*denial),
        };
        match &judgement {
            Ok(_) => tracing::debug!(request, "allowed"),
            Err(denial) => log(*denial, request),
        }
        answer::of(&event, &judgement, self.style)
    }
}

/// Denied tokens are common, so they are logged as information. What an operator must repair is a warning or an error.
fn log(denial: Denial, request: &str) {
    let reason = denial.code();
    match denial.verdict() {
        Verdict::Undecided => tracing::error!(reason, request, "{denial}"),
        _ if matches!(denial, Denial::UnknownEvent | Denial::IdentitySource) => {
            tracing::warn!(reason, request, "{denial}");
        }
        _ => tracing::info!(reason, request, "denied: {denial}"),
    }
}
