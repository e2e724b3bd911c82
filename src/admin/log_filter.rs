//! `/debug/log`: the filter of the log, which an operator may replace while the program runs. The next start uses `LOG_LEVEL`
//! again.

use http::StatusCode;
use serde::Serialize;

use super::Admin;
use super::answers::{Request, Response, json, refusal};
use super::guard::Reach;
use super::log_filter_changes::LogFilterChange;

#[derive(Serialize)]
struct Shown<'a> {
    filter: &'a str,
}

impl Admin {
    pub(super) fn log_filter(&self) -> Response {
        json(StatusCode::OK, &Shown { filter: &self.log.shown() })
    }

    /// The body is the filter, as text.
    pub(super) fn replace_log_filter(&self, reach: Reach, request: &Request) -> Response {
        let text = String::from_utf8_lossy(request.body());
        let text = text.trim();
        match self.log.set(text) {
            Ok(()) => {
                tracing::warn!(
                    filter = text,
                    "the filter of the log was replaced through the admin listener"
                );
                self.log_changes.add(LogFilterChange { filter: text.to_owned(), by: reach.peer });
                self.log_filter()
            }
            Err(error) => refusal(StatusCode::BAD_REQUEST, "invalid_filter", &format!("The body {error}")),
        }
    }
}
