//! For whom a token is signed: the subject decides the token's claims, its type and its lifetime.

use std::borrow::Cow;

use jose::Typ;

use super::claims::{Audience, Claims, MoreClaims};
use super::{
    AccessTokenRequest, GeneratedRequest, IdTokenRequest, IssueError, Session, StatusReference, TokenRequest,
    TokenSettings,
};
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
    /// A client that acts for itself (RFC 6749 §4.4) or for a user who has permitted it. It gets an OAuth access token (RFC
    /// 9068), which contains `client_id` and gives access to no account.
    AccessToken(&'a AccessTokenRequest<'a>),
    /// A client that wants to know which user has logged in (OpenID Connect Core §2).
    IdToken(&'a IdTokenRequest<'a>),
    /// A client that has tokens signed for subjects of its choice. The token contains `client_id`, so that it gives access to no
    /// account, whatever its subject is.
    Generated(&'a GeneratedRequest<'a>),
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
    pub(super) more: MoreClaims<'a>,
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
        let (typ, more, claims) = match self {
            Self::User { user, session } => {
                (Typ::Jwt, MoreClaims::Nothing, of_user(user, session, now, common))
            }
            Self::AccessToken(request) => {
                let common = Claims { iss: oauth_issuer(settings)?, ..common };
                (request.typ, MoreClaims::Map(request.claims), of_client(request, common))
            }
            Self::IdToken(request) => {
                let common = Claims { iss: oauth_issuer(settings)?, ..common };
                (Typ::Untyped, MoreClaims::Map(request.claims), of_log_in(request, common))
            }
            Self::Generated(request) => {
                (Typ::Jwt, MoreClaims::of(request.claims), as_generated(request, common))
            }
            Self::Demo(request) => {
                let claims = Claims { demo: true, ..as_requested(request, common) };
                (Typ::Jwt, MoreClaims::of(request.claims.as_ref()), claims)
            }
            Self::Operator(request) => {
                (Typ::Jwt, MoreClaims::of(request.claims.as_ref()), as_requested(request, common))
            }
        };
        Ok(Draft { typ, lifetime, claims, more })
    }

    fn lifetime(self, settings: &TokenSettings) -> Result<Lifetime, IssueError> {
        match self {
            Self::User { .. } | Self::IdToken(_) => Ok(settings.lifetime),
            // No key stays published for longer than the longest of these two.
            Self::AccessToken(request) => {
                let longest = settings.lifetime.max(settings.max_lifetime);
                Ok(request.lifetime.unwrap_or(settings.lifetime).min(longest))
            }
            Self::Generated(request) => Ok(request.lifetime),
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

/// The issuer of OAuth tokens.
fn oauth_issuer(settings: &TokenSettings) -> Result<&str, IssueError> {
    settings.oauth_issuer.as_deref().ok_or(IssueError::Failed("there is no issuer of OAuth tokens"))
}

/// The claims that RFC 9068 §2.2 requires, and those about a log-in.
fn of_client<'a>(request: &'a AccessTokenRequest<'a>, common: Claims<'a>) -> Claims<'a> {
    let user = request.user.as_ref();
    let client = || Cow::Borrowed(request.client_id);
    Claims {
        sub: user.map_or_else(client, |user| Cow::Owned(user.id.to_string())),
        aud: Audience::of(request.audience).unwrap_or(common.aud),
        client_id: Some(request.client_id),
        rid: request.registration,
        scope: (!request.scope.is_empty()).then(|| Cow::Owned(request.scope.to_string())),
        auth_time: user.map(|user| user.log_in.auth_time),
        acr: user.and_then(|user| user.log_in.acr),
        amr: user.map_or(&[], |user| user.log_in.amr),
        sid: user.filter(|user| user.ends_with_session).map(|user| user.log_in.session),
        gid: user.map(|user| user.grant),
        status: request.status.map(StatusReference::claim),
        ..common
    }
}

fn of_log_in<'a>(request: &'a IdTokenRequest<'a>, common: Claims<'a>) -> Claims<'a> {
    Claims {
        sub: Cow::Owned(request.user.to_string()),
        aud: Audience::One(request.client_id),
        auth_time: Some(request.log_in.auth_time),
        acr: request.log_in.acr,
        amr: request.log_in.amr,
        sid: Some(request.log_in.session),
        nonce: request.nonce,
        at_hash: Some(request.at_hash.clone()),
        ..common
    }
}

fn as_generated<'a>(request: &'a GeneratedRequest<'a>, common: Claims<'a>) -> Claims<'a> {
    Claims {
        sub: Cow::Borrowed(request.subject),
        username: request.username,
        email: request.email,
        aud: Audience::of(request.audience).unwrap_or(common.aud),
        client_id: Some(request.client_id),
        rid: request.registration,
        status: request.status.map(StatusReference::claim),
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
    use serde_json::{Map, Value};

    use super::*;
    use crate::domain::{
        Email, GrantId, PasswordHash, RegistrationId, Scopes, SessionId, Sessions, UserId, Username,
    };
    use crate::token::{CustomClaims, LogIn, UserOfGrant};

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn settings() -> TokenSettings {
        TokenSettings {
            issuer: "issuer".to_owned(),
            oauth_issuer: Some("https://issuer".to_owned()),
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

    /// A request of a client that acts for itself.
    fn of_itself<'a>(
        scope: &'a Scopes,
        audience: &'a [String],
        claims: &'a Map<String, Value>,
    ) -> AccessTokenRequest<'a> {
        let (client_id, typ) = ("c1", Typ::AtJwt);
        let registration = None;
        AccessTokenRequest {
            client_id,
            registration,
            user: None,
            audience,
            scope,
            typ,
            lifetime: None,
            claims,
            status: None,
        }
    }

    fn log_in(amr: &[String]) -> LogIn<'_> {
        LogIn { auth_time: 5, acr: Some("1"), amr, session: SessionId::from_bytes([0x11; 16]) }
    }

    fn with_claims(json: &str) -> TokenRequest {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        TokenRequest { claims: Some(CustomClaims::parse(&json).unwrap()), ..request() }
    }

    /// The claims as they are signed, their type and their lifetime in seconds.
    fn drafted(subject: Subject<'_>) -> (String, Typ, u64) {
        let settings = settings();
        let draft = subject.draft(&settings, NOW, "id").unwrap();
        let json = String::from_utf8(draft.claims.to_json(draft.more).unwrap()).unwrap();
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
        let (scope, claims) = (Scopes::default(), Map::new());
        let request = of_itself(&scope, &[], &claims);
        let expected = r#"{"sub":"c1","iat":1700000000,"iss":"https://issuer","aud":"api","exp":1700003600,"jti":"id","client_id":"c1"}"#;
        assert_eq!(drafted(Subject::AccessToken(&request)), (expected.to_owned(), Typ::AtJwt, 3600));
    }

    #[test]
    fn a_clients_token_has_the_audience_scope_type_life_and_claims_that_it_was_granted() {
        let (scope, audience) =
            (Scopes::parse("read write").unwrap(), ["orders".to_owned(), "stock".to_owned()]);
        let claims = Map::from_iter([("tier".to_owned(), Value::from("gold"))]);
        let lifetime = Some(Lifetime::from_secs(60).unwrap());
        let granted = AccessTokenRequest { typ: Typ::Jwt, lifetime, ..of_itself(&scope, &audience, &claims) };
        let expected = r#"{"sub":"c1","iat":1700000000,"iss":"https://issuer","aud":["orders","stock"],"exp":1700000060,"jti":"id","client_id":"c1","scope":"read write","tier":"gold"}"#;
        assert_eq!(drafted(Subject::AccessToken(&granted)), (expected.to_owned(), Typ::Jwt, 60));
    }

    #[test]
    fn a_token_with_a_place_in_a_status_list_names_it() {
        let (scope, claims) = (Scopes::default(), Map::new());
        let status = Some(StatusReference { uri: "https://issuer/lists/1", index: 5 });
        let request = AccessTokenRequest { status, ..of_itself(&scope, &[], &claims) };
        let expected =
            r#""client_id":"c1","status":{"status_list":{"idx":5,"uri":"https://issuer/lists/1"}}}"#;
        assert!(drafted(Subject::AccessToken(&request)).0.ends_with(expected));
    }

    #[test]
    fn no_access_token_lives_longer_than_keys_stay_published() {
        let (scope, claims) = (Scopes::default(), Map::new());
        let long =
            AccessTokenRequest { lifetime: Some(Lifetime::hours(9)), ..of_itself(&scope, &[], &claims) };
        assert_eq!(drafted(Subject::AccessToken(&long)).2, 2 * 3600);
    }

    #[test]
    fn an_access_token_for_a_user_says_how_the_user_had_logged_in() {
        let (scope, claims, amr) = (Scopes::parse("openid").unwrap(), Map::new(), ["pwd".to_owned()]);
        let (id, grant) = (UserId::from_bytes([0xAB; 12]), GrantId::from_bytes([0x22; 16]));
        let user = UserOfGrant { id, log_in: log_in(&amr), grant, ends_with_session: true };
        let registration = Some(RegistrationId::from_bytes([0x33; 16]));
        let of_user =
            |user| AccessTokenRequest { user: Some(user), registration, ..of_itself(&scope, &[], &claims) };
        let request = of_user(user);
        let expected = r#"{"sub":"abababababababababababab","iat":1700000000,"iss":"https://issuer","aud":"api","exp":1700003600,"jti":"id","auth_time":5,"client_id":"c1","rid":"33333333333333333333333333333333","scope":"openid","acr":"1","amr":["pwd"],"sid":"11111111111111111111111111111111","gid":"22222222222222222222222222222222"}"#;
        assert_eq!(drafted(Subject::AccessToken(&request)), (expected.to_owned(), Typ::AtJwt, 3600));
        let offline = of_user(UserOfGrant { ends_with_session: false, ..user });
        let expected = expected.replace(r#""sid":"11111111111111111111111111111111","#, "");
        assert_eq!(drafted(Subject::AccessToken(&offline)).0, expected, "the session does not matter to it");
    }

    #[test]
    fn an_id_token_is_for_its_client_and_has_no_type() {
        let (claims, amr) = (Map::from_iter([("name".to_owned(), Value::from("A"))]), ["pwd".to_owned()]);
        let request = IdTokenRequest {
            client_id: "c1",
            user: UserId::from_bytes([0xAB; 12]),
            log_in: log_in(&amr),
            nonce: Some("n"),
            at_hash: "h".to_owned(),
            claims: &claims,
        };
        let expected = r#"{"sub":"abababababababababababab","iat":1700000000,"iss":"https://issuer","aud":"c1","exp":1700003600,"jti":"id","auth_time":5,"acr":"1","amr":["pwd"],"nonce":"n","at_hash":"h","sid":"11111111111111111111111111111111","name":"A"}"#;
        assert_eq!(drafted(Subject::IdToken(&request)), (expected.to_owned(), Typ::Untyped, 3600));
    }

    #[test]
    fn without_an_issuer_of_oauth_tokens_there_are_none() {
        let (scope, claims) = (Scopes::default(), Map::new());
        let settings = TokenSettings { oauth_issuer: None, ..settings() };
        let refused =
            Subject::AccessToken(&of_itself(&scope, &[], &claims)).draft(&settings, NOW, "id").err();
        assert_eq!(refused, Some(IssueError::Failed("there is no issuer of OAuth tokens")));
    }

    #[test]
    fn a_generated_token_says_which_client_asked_for_it_and_no_demo() {
        let claims = with_claims(r#"{"role":"x"}"#).claims;
        let request = GeneratedRequest {
            client_id: "c1",
            registration: Some(RegistrationId::from_bytes([0x33; 16])),
            subject: "s",
            username: None,
            email: Some("e"),
            audience: &["x".to_owned()],
            lifetime: Lifetime::from_secs(60).unwrap(),
            claims: claims.as_ref(),
            status: None,
        };
        let expected = r#"{"sub":"s","email":"e","iat":1700000000,"iss":"issuer","aud":"x","exp":1700000060,"jti":"id","client_id":"c1","rid":"33333333333333333333333333333333","role":"x"}"#;
        assert_eq!(drafted(Subject::Generated(&request)), (expected.to_owned(), Typ::Jwt, 60));
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
