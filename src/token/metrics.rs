//! What is counted of tokens.

use jose::Algorithm;

use super::{AnswerKind, CheckError, IssueError, Rejection, Subject};
use crate::telemetry::metrics::{Counter, Descriptor, Kind, Snapshot, Source};

const ISSUED: Descriptor = Descriptor {
    name: "jwt_tokens_issued",
    kind: Kind::Counter,
    labels: &["kind", "algorithm"],
    help: "Tokens that were issued, by the kind of their subject and by the algorithm of their signature.",
};
const REFUSED: Descriptor = Descriptor {
    name: "jwt_tokens_refused",
    kind: Kind::Counter,
    labels: &["kind", "reason"],
    help: "Tokens that were asked for and not issued.",
};
const CHECKED: Descriptor = Descriptor {
    name: "jwt_tokens_checked",
    kind: Kind::Counter,
    labels: &["result"],
    help: "Tokens that came to be validated or to authenticate a request: `passed`, or why they did not pass.",
};

/// Kinds of subject. The log-in of a user and its refresh are the same kind. `client` is an access token of a client that acts
/// for itself, `grant` one of a client that acts for a user.
const KINDS: [&str; 9] = [
    "user",
    "client",
    "demo",
    "operator",
    "grant",
    "id",
    "userinfo_answer",
    "introspection_answer",
    "generated",
];
/// Why no token was issued.
const REASONS: [&str; 5] = ["too_long", "too_large", "busy", "keys_unavailable", "failed"];
/// What becomes of a token that is checked.
const RESULTS: [&str; 14] = [
    "passed",
    "keys_unavailable",
    "malformed",
    "unsupported_alg",
    "unknown_key",
    "bad_signature",
    "expired",
    "not_yet_valid",
    "wrong_issuer",
    "wrong_audience",
    "invalid_claim",
    "unsupported_crit",
    "revoked",
    "denials_not_loaded",
];

/// The instruments.
#[derive(Debug, Default)]
pub(super) struct TokenMetrics {
    issued: [[Counter; Algorithm::ALL.len()]; KINDS.len()],
    refused: [[Counter; REASONS.len()]; KINDS.len()],
    checked: [Counter; RESULTS.len()],
}

impl TokenMetrics {
    /// Counts a token for `subject`, by the algorithm that signed it.
    pub(super) fn count_issue(&self, subject: Subject<'_>, issued: Result<Algorithm, &IssueError>) {
        self.count(kind(subject), issued);
    }

    fn count(&self, kind: usize, issued: Result<Algorithm, &IssueError>) {
        match issued {
            Ok(algorithm) => self.issued[kind][algorithm as usize].increment(),
            Err(error) => self.refused[kind][reason(error)].increment(),
        }
    }

    /// Counts a signed answer.
    pub(super) fn count_answer(&self, kind: AnswerKind, signed: Result<Algorithm, &IssueError>) {
        let kind = match kind {
            AnswerKind::Userinfo => 6,
            AnswerKind::Introspection => 7,
        };
        self.count(kind, signed);
    }

    /// Counts a token that was checked.
    pub(super) fn count_check(&self, checked: Result<(), &CheckError>) {
        let result = match checked {
            Ok(()) => 0,
            Err(CheckError::NoKeys) => 1,
            Err(CheckError::Rejected(rejection)) => result(*rejection),
            Err(CheckError::Denied) => 12,
            Err(CheckError::DenialsNotLoaded) => 13,
        };
        self.checked[result].increment();
    }
}

fn kind(subject: Subject<'_>) -> usize {
    match subject {
        Subject::User { .. } => 0,
        Subject::AccessToken(request) if request.user.is_none() => 1,
        Subject::AccessToken(_) => 4,
        Subject::IdToken(_) => 5,
        Subject::Generated(_) => 8,
        Subject::Demo(_) => 2,
        Subject::Operator(_) => 3,
    }
}

fn reason(error: &IssueError) -> usize {
    match error {
        IssueError::TooLong(_) => 0,
        IssueError::TooLarge => 1,
        IssueError::Busy => 2,
        IssueError::Unavailable => 3,
        IssueError::Failed(_) => 4,
    }
}

fn result(rejection: Rejection) -> usize {
    match rejection {
        Rejection::Malformed => 2,
        Rejection::UnsupportedAlg => 3,
        Rejection::UnknownKey => 4,
        Rejection::BadSignature => 5,
        Rejection::Expired => 6,
        Rejection::NotYetValid => 7,
        Rejection::WrongIssuer => 8,
        Rejection::WrongAudience => 9,
        Rejection::InvalidClaim(_) => 10,
        Rejection::UnsupportedCrit => 11,
    }
}

impl Source for TokenMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let issued = snapshot.family(&ISSUED);
        for (kind, counters) in KINDS.iter().zip(&self.issued) {
            for (algorithm, counter) in Algorithm::ALL.iter().zip(counters) {
                // Most services have one algorithm: a row for each of the others would say nothing.
                if counter.get() > 0 {
                    issued.add(&[*kind, algorithm.name()], counter);
                }
            }
        }
        let refused = snapshot.family(&REFUSED);
        for (kind, counters) in KINDS.iter().zip(&self.refused) {
            for (reason, counter) in REASONS.iter().zip(counters) {
                refused.add(&[*kind, *reason], counter);
            }
        }
        let checked = snapshot.family(&CHECKED);
        RESULTS.iter().zip(&self.checked).for_each(|(result, counter)| checked.add(&[*result], counter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_is_counted_under_its_own_code() {
        for rejection in [
            Rejection::Malformed,
            Rejection::UnsupportedAlg,
            Rejection::UnknownKey,
            Rejection::BadSignature,
            Rejection::Expired,
            Rejection::NotYetValid,
            Rejection::WrongIssuer,
            Rejection::WrongAudience,
            Rejection::InvalidClaim("exp"),
            Rejection::UnsupportedCrit,
        ] {
            assert_eq!(RESULTS[result(rejection)], rejection.code());
        }
    }

    #[test]
    fn an_algorithm_is_counted_under_its_own_name() {
        for (at, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            assert_eq!(algorithm as usize, at, "{algorithm}");
        }
    }
}
