//! For whom a token is signed: the subject decides the token's claims, its type and its lifetime.

use std::borrow::Cow;

use jose::Typ;

use super::claims::{Audience, Claims};
use super::{ClientRequest, CustomClaims, IssueError, Session, TokenRequest, TokenSettings};
use crate::domain::{Lifetime, Timestamp, User};

/// For whom a token is signed.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A stored user who has logged in.
    User {
        /// The user.
        user: &'a User,
        /// When the user logged in.
        session: Session,
    },
    /// A client that acts for itself and not for a user (RFC 6749 §4.4). It gets an OAuth access token (RFC
    /// 9068), which contains `client_id` and gives access to no account.
    Client(&'a ClientRequest),
    /// Any caller, without a log-in. The token says so (`demo: true`), and gives access to no account.
    Demo(&'a TokenRequest),
    /// The operator, who has the keys and may choose every claim.
    Operator(&'a TokenRequest),
}

/// All parts of a token that are decided before it is signed.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) typ: Typ,
    pub(super) lifetime: Lifetime,
    pub(super) claims: Claims<'a>,
    pub(super) custom: Option<&'a CustomClaims>,
}

impl<'a> Subject<'a> {
    /// The parts of a token for this subject, issued at `now` with the `jti` `jti`.
    ///
    /// # Errors
    /// [`IssueError::TooLong`] for a demo token that would live longer than the operator allows.
    pub(super) fn draft(
        self,
        settings: &'a TokenSettings,
        now: Timestamp,
        jti: &'a str,
    ) -> Result<Draft<'a>, IssueError> {
        let lifetime = self.lifetime(settings)?;
        let common = Claims::common(settings, now, lifetime, jti);
        let draft = |typ, custom, claims| Draft { typ, lifetime, claims, custom };
        Ok(match self {
            Self::User { user, session } => draft(Typ::Jwt, None, of_user(user, session, now, common)),
            Self::Client(request) => draft(Typ::AtJwt, None, of_client(request, common)),
            Self::Demo(request) => {
                let claims = Claims { demo: true, ..as_requested(request, common) };
                draft(Typ::Jwt, request.claims.as_ref(), claims)
            }
            Self::Operator(request) => {
                draft(Typ::Jwt, request.claims.as_ref(), as_requested(request, common))
            }
        })
    }

    fn lifetime(self, settings: &TokenSettings) -> Result<Lifetime, IssueError> {
        match self {
            Self::User { .. } => Ok(settings.lifetime),
            Self::Client(request) => Ok(request.lifetime.unwrap_or(settings.lifetime)),
            Self::Demo(TokenRequest { lifetime: Some(wanted), .. }) if *wanted > settings.max_lifetime => {
                Err(IssueError::TooLong(settings.max_lifetime.as_secs()))
            }
            Self::Demo(request) | Self::Operator(request) => {
                Ok(request.lifetime.unwrap_or(settings.lifetime))
            }
        }
    }
}

fn of_user<'a>(user: &'a User, session: Session, now: Timestamp, common: Claims<'a>) -> Claims<'a> {
    let auth_time = match session {
        Session::Begins => now.as_secs(),
        Session::Since(then) => then,
    };
    Claims {
        sub: Cow::Owned(user.id.to_string()),
        username: Some(user.username.as_str()),
        email: Some(user.email.as_str()),
        auth_time: Some(auth_time),
        // The service does not verify addresses yet, and a token must not look as if it did.
        email_verified: Some(false),
        ..common
    }
}

/// The claims that RFC 9068 §2.2 requires, and no claim about a user.
fn of_client<'a>(request: &'a ClientRequest, common: Claims<'a>) -> Claims<'a> {
    Claims {
        sub: Cow::Borrowed(request.subject.as_deref().unwrap_or(&request.client_id)),
        aud: Audience::of(&request.audience).unwrap_or(common.aud),
        client_id: Some(&request.client_id),
        scope: request.scope.as_deref(),
        ..common
    }
}

fn as_requested<'a>(request: &'a TokenRequest, common: Claims<'a>) -> Claims<'a> {
    Claims {
        sub: Cow::Borrowed(&request.subject),
        username: Some(&request.username),
        email: Some(&request.email),
        aud: Audience::of(&request.audience).unwrap_or(common.aud),
        ..common
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::{Email, PasswordHash, Sessions, UserId, Username};

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn settings() -> TokenSettings {
        TokenSettings {
            issuer: "issuer".to_owned(),
            audience: "api".to_owned(),
            lifetime: Lifetime::hours(1),
            max_lifetime: Lifetime::hours(2),
            clock_skew: 0,
        }
    }

    fn user() -> User {
        User {
            id: UserId::from_bytes([0xAB; 12]),
            username: Username::parse("alice").unwrap(),
            email: Email::parse("alice@example.com").unwrap(),
            password_hash: PasswordHash::from_text("x".to_owned()),
            created_at: NOW,
            updated_at: NOW,
            sessions: Sessions::ALL,
        }
    }

    fn request() -> TokenRequest {
        TokenRequest {
            subject: "s".to_owned(),
            username: "u".to_owned(),
            email: "e".to_owned(),
            audience: Vec::new(),
            lifetime: None,
            claims: None,
        }
    }

    fn client() -> ClientRequest {
        ClientRequest {
            client_id: "c1".to_owned(),
            subject: None,
            audience: Vec::new(),
            scope: None,
            lifetime: None,
        }
    }

    fn with_claims(json: &str) -> TokenRequest {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        TokenRequest { claims: Some(CustomClaims::parse(&json).unwrap()), ..request() }
    }

    /// The claims as they are signed, their type and their lifetime in seconds.
    fn drafted(subject: Subject<'_>) -> (String, Typ, u64) {
        let settings = settings();
        let draft = subject.draft(&settings, NOW, "id").unwrap();
        let json = String::from_utf8(draft.claims.to_json(draft.custom).unwrap()).unwrap();
        (json, draft.typ, draft.lifetime.as_secs())
    }

    #[test]
    fn a_users_token_says_who_they_are_and_when_they_logged_in() {
        let user = user();
        let expected = |auth_time: u64| {
            format!(
                r#"{{"sub":"abababababababababababab","username":"alice","email":"alice@example.com","iat":1700000000,"iss":"issuer","aud":"api","exp":1700003600,"jti":"id","auth_time":{auth_time},"email_verified":false}}"#
            )
        };
        let begins = drafted(Subject::User { user: &user, session: Session::Begins });
        assert_eq!(begins, (expected(1_700_000_000), Typ::Jwt, 3600));
        let since = drafted(Subject::User { user: &user, session: Session::Since(5) });
        assert_eq!(since, (expected(5), Typ::Jwt, 3600));
    }

    #[test]
    fn a_clients_token_is_an_access_token_without_a_user() {
        let expected = r#"{"sub":"c1","iat":1700000000,"iss":"issuer","aud":"api","exp":1700003600,"jti":"id","client_id":"c1"}"#;
        assert_eq!(drafted(Subject::Client(&client())), (expected.to_owned(), Typ::AtJwt, 3600));
    }

    #[test]
    fn a_clients_token_has_the_subject_audience_scope_and_life_that_it_was_granted() {
        let granted = ClientRequest {
            subject: Some("device-7".to_owned()),
            audience: vec!["orders".to_owned(), "stock".to_owned()],
            scope: Some("read write".to_owned()),
            lifetime: Some(Lifetime::hours(3)),
            ..client()
        };
        let expected = r#"{"sub":"device-7","iat":1700000000,"iss":"issuer","aud":["orders","stock"],"exp":1700010800,"jti":"id","client_id":"c1","scope":"read write"}"#;
        assert_eq!(drafted(Subject::Client(&granted)), (expected.to_owned(), Typ::AtJwt, 3 * 3600));
    }

    #[test]
    fn a_demo_token_says_so_before_the_callers_own_claims() {
        let expected = r#"{"sub":"s","username":"u","email":"e","iat":1700000000,"iss":"issuer","aud":"api","exp":1700003600,"jti":"id","demo":true,"role":"x"}"#;
        assert_eq!(
            drafted(Subject::Demo(&with_claims(r#"{"role":"x"}"#))),
            (expected.to_owned(), Typ::Jwt, 3600)
        );
    }

    #[test]
    fn an_operators_token_says_what_was_asked_for_and_no_demo() {
        let expected = r#"{"sub":"s","username":"u","email":"e","iat":1700000000,"iss":"issuer","aud":"api","exp":1700003600,"jti":"id","role":"x"}"#;
        let drafted = drafted(Subject::Operator(&with_claims(r#" { "role":"x" } "#)));
        assert_eq!(drafted, (expected.to_owned(), Typ::Jwt, 3600));
    }

    #[test]
    fn one_audience_is_a_string_and_several_are_an_array() {
        let aud = |audience: &[&str]| {
            let audience = audience.iter().map(|&one| one.to_owned()).collect();
            let (json, ..) = drafted(Subject::Demo(&TokenRequest { audience, ..request() }));
            serde_json::from_str::<serde_json::Value>(&json).unwrap()["aud"].to_string()
        };
        assert_eq!(aud(&[]), r#""api""#);
        assert_eq!(aud(&["x"]), r#""x""#);
        assert_eq!(aud(&["x", "y"]), r#"["x","y"]"#);
    }

    #[test]
    fn only_a_demo_token_has_a_longest_life() {
        let settings = settings();
        let living = |hours| TokenRequest { lifetime: Some(Lifetime::hours(hours)), ..request() };
        let life = |subject: Subject<'_>| subject.draft(&settings, NOW, "id").map(|draft| draft.lifetime);
        assert_eq!(life(Subject::Demo(&living(2))), Ok(Lifetime::hours(2)));
        assert_eq!(life(Subject::Demo(&living(3))), Err(IssueError::TooLong(7200)));
        assert_eq!(life(Subject::Operator(&living(3))), Ok(Lifetime::hours(3)));
        let short = TokenSettings { max_lifetime: Lifetime::hours(0), ..settings.clone() };
        let usual = request();
        let life = Subject::Demo(&usual).draft(&short, NOW, "id").map(|draft| draft.lifetime);
        assert_eq!(life, Ok(Lifetime::hours(1)), "the usual life is the operator's own choice");
    }

    #[test]
    fn a_token_expires_when_its_life_is_over() {
        let (json, _, lifetime) =
            drafted(Subject::Operator(&TokenRequest { lifetime: Some(Lifetime::hours(5)), ..request() }));
        assert!(json.contains(r#""iat":1700000000"#) && json.contains(r#""exp":1700018000"#), "{json}");
        assert_eq!(lifetime, 5 * 3600);
    }
}
