//! Why a call to AWS failed, and whether another try may help.

use std::error::Error;

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use super::super::CustodyError;

/// Refusals that are temporary, besides all 5xx. AWS answers most of them with 400.
const PASSING: [&str; 8] = [
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
    "KMSInternalException",
    "InternalServiceError",
];

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{told}")]
pub(super) struct Fault {
    told: String,
    code: Option<String>,
    passing: bool,
}

impl Fault {
    /// The result of the call `asked`.
    pub(super) fn of<E>(asked: &str, error: &SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let code = error.code().map(str::to_owned);
        let passing = passes(error);
        let told = match (&code, error.message()) {
            (Some(code), Some(message)) => format!("{asked}: {code}: {message}"),
            (Some(code), None) => format!("{asked}: {code}"),
            _ => format!("{asked}: {}", causes(error)),
        };
        Self { told, code, passing }
    }

    /// An error that another try will not change.
    pub(super) fn lasting(told: &str) -> Self {
        Self { told: told.to_owned(), code: None, passing: false }
    }

    /// Whether AWS answered with one of these codes.
    pub(super) fn is_one_of(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// Whether the error may be temporary.
    pub(super) fn is_passing(&self) -> bool {
        self.passing
    }
}

impl From<Fault> for CustodyError {
    fn from(fault: Fault) -> Self {
        if fault.passing { Self::Unavailable(fault.into()) } else { Self::Refused(fault.into()) }
    }
}

fn passes<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // These include credentials that cannot be read now: their source may be down as well.
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status();
            let named = answer.err().code().is_some_and(|code| PASSING.contains(&code));
            named || status.is_server_error() || status.as_u16() == 429
        }
        _ => false,
    }
}

/// The SDK's own errors say little; their causes say more.
fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::config::http::HttpResponse;
    use aws_sdk_kms::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_kms::operation::sign::SignError;

    use super::*;

    fn answered(status: u16, code: &str) -> Fault {
        let meta = ErrorMetadata::builder().code(code).message("so it is").build();
        let raw = HttpResponse::new(status.try_into().unwrap(), "".into());
        Fault::of("Sign", &SdkError::service_error(SignError::generic(meta), raw))
    }

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for (status, code, passing) in [
            (400, "ThrottlingException", true),
            (500, "KMSInternalException", true),
            (500, "KeyUnavailableException", true),
            (503, "DependencyTimeoutException", true),
            (502, "whatever", true),
            (429, "whatever", true),
            (400, "AccessDeniedException", false),
            (400, "DisabledException", false),
            (400, "NotFoundException", false),
            (400, "KMSInvalidStateException", false),
            (400, "ValidationException", false),
            (400, "UnrecognizedClientException", false),
        ] {
            let fault = answered(status, code);
            assert_eq!(fault.is_passing(), passing, "{status} {code}");
            assert_eq!(fault.to_string(), format!("Sign: {code}: so it is"));
            assert_eq!(CustodyError::from(fault).is_passing(), passing);
        }
    }

    #[test]
    fn silence_passes_and_a_request_that_cannot_be_made_does_not() {
        let of = |error: SdkError<SignError>| Fault::of("Sign", &error);
        assert!(of(SdkError::timeout_error("late")).is_passing());
        let refused = ConnectorError::io("connection refused".into());
        let fault = of(SdkError::dispatch_failure(refused));
        assert!(fault.is_passing() && fault.to_string().ends_with(": connection refused"), "{fault}");
        assert!(!of(SdkError::construction_failure("no region")).is_passing());
        assert!(!of(SdkError::dispatch_failure(ConnectorError::user("bad URI".into()))).is_passing());
    }
}
