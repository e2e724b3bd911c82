//! One line for each request, as far as `ACCESS_LOG` asks for it: which operation, of which client, with which end. Never its
//! query, headers or body. The names are those of OpenTelemetry's semantic conventions, so that lines and spans meet.

use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use tokio::time::Instant;

use super::line_pace::LinePace;
use crate::http::answered::Answered;
use crate::telemetry::{ACCESS_TARGET, AccessLog};

/// Operations that programs call again and again.
const OF_MACHINES: [&str; 16] = [
    "get_health",
    "get_livez",
    "get_startupz",
    "get_readyz",
    "generate_token",
    "generate_token_alias",
    "validate_token",
    "validate_token_alias",
    "validate_auth_token",
    "get_jwks",
    "get_jwks_json",
    "get_jwks_well_known_api",
    "get_jwks_well_known",
    "get_post_quantum_jwks",
    "get_public_key",
    "get_public_key_pem",
];

/// Writes the lines.
#[derive(Debug)]
pub(in crate::http) struct AccessLogger {
    choice: AccessLog,
    successes: AtomicU32,
    refusals: LinePace,
}

macro_rules! line {
    ($level:ident, $target:expr, $message:literal, $request:expr) => {{
        let request: &Answered<'_> = $request;
        tracing::$level!(
            target: $target,
            operation = request.caller.operation,
            http.request.method = request.method.as_str(),
            http.route = request.path,
            http.response.status_code = request.status.as_u16(),
            http.response.body.size = request.bytes,
            http.server.request.duration = request.duration.as_secs_f64(),
            client.address = %request.caller.address,
            user.id = request.user.map(display),
            client_id = request.client.as_ref().map(display),
            error.type = request.refusal,
            cause = request.cause.map(|cause| chain(cause.as_ref())),
            request_id = %request.caller.request_id,
            $message
        )
    }};
}

impl AccessLogger {
    pub(in crate::http) fn new(choice: AccessLog) -> Self {
        Self { choice, successes: AtomicU32::new(0), refusals: LinePace::default() }
    }

    /// Writes the line of a request that was answered, if it has one. A fault of ours has a line even if `ACCESS_LOG` is `off`, as far
    /// as `LOG_LEVEL` asks for it. Each refusal has at most [`LINES_PER_SECOND`](super::line_pace::LINES_PER_SECOND) lines.
    pub(in crate::http) fn answered(&self, request: &Answered<'_>) {
        self.tell_left_out();
        let (is_wanted, has_cause) = (self.takes(request), request.cause.is_some());
        if (is_wanted || has_cause)
            && request.refusal.is_some_and(|code| !self.refusals.admits(code, Instant::now()))
        {
            return;
        }
        if request.status == StatusCode::INTERNAL_SERVER_ERROR && has_cause {
            line!(error, module_path!(), "request failed", request);
        } else if request.status.is_server_error() && is_wanted {
            line!(warn, ACCESS_TARGET, "request refused", request);
        } else if request.status.is_server_error() && has_cause {
            line!(warn, module_path!(), "request refused", request);
        } else if is_wanted && request.refusal.is_some() {
            line!(info, ACCESS_TARGET, "request refused", request);
        } else if is_wanted {
            line!(info, ACCESS_TARGET, "request answered", request);
        }
    }

    /// Writes one line for the lines that were left out within a second.
    fn tell_left_out(&self) {
        for left_out in self.refusals.take_left_out(Instant::now) {
            tracing::info!(
                target: ACCESS_TARGET,
                count = left_out.count,
                error.type = left_out.code,
                "more requests were refused within this second, and have no lines of their own"
            );
        }
    }

    fn takes(&self, request: &Answered<'_>) -> bool {
        match self.choice {
            AccessLog::Off => false,
            AccessLog::Errors => request.refusal.is_some(),
            AccessLog::All { one_of: 2.. } if request.refusal.is_some() => true,
            AccessLog::All { one_of: one_of @ 2.. } if OF_MACHINES.contains(&request.caller.operation) => {
                self.successes.fetch_add(1, Ordering::Relaxed).is_multiple_of(one_of)
            }
            AccessLog::All { .. } => true,
        }
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use http::Method;

    use super::*;
    use crate::domain::{Caller, RequestId};
    use crate::http::answered::MethodName;
    use crate::http::operations;

    /// How many of ten requests of this operation have a line.
    fn taken(choice: AccessLog, operation: &'static str, refusal: Option<&'static str>) -> usize {
        let logger = AccessLogger::new(choice);
        let (address, request_id) = (Ipv4Addr::LOCALHOST.into(), RequestId::numbered(0, 0));
        let caller = Caller { address, peer: None, request_id, operation, trace: None };
        let request = Answered {
            caller: &caller,
            operation: None,
            method: MethodName::of(&Method::GET),
            path: "/",
            status: StatusCode::OK,
            refusal,
            cause: None,
            duration: Duration::ZERO,
            bytes: 0,
            user: None,
            client: None,
        };
        (0..10).filter(|_| logger.takes(&request)).count()
    }

    #[test]
    fn a_sample_is_taken_of_the_successful_requests_of_machines_alone() {
        let tenth = AccessLog::All { one_of: 10 };
        assert_eq!(taken(tenth, "get_jwks", None), 1);
        assert_eq!(taken(tenth, "get_jwks", Some("not_ready")), 10);
        assert_eq!(taken(tenth, "login_user", None), 10);
        assert_eq!(taken(AccessLog::All { one_of: 1 }, "get_jwks", None), 10);
        assert_eq!(taken(AccessLog::Errors, "get_jwks", None), 0);
        assert_eq!(taken(AccessLog::Errors, "get_jwks", Some("not_ready")), 10);
        assert_eq!(taken(AccessLog::Off, "get_jwks", Some("not_ready")), 0);
    }

    #[test]
    fn the_operations_of_machines_are_operations() {
        for name in OF_MACHINES {
            assert!(operations().iter().any(|operation| operation.id == name), "{name}");
        }
    }
}
