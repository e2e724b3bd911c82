//! Reads and checks an authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2). The client and the redirect URI come
//! first: before they are known, no error may send the browser anywhere (RFC 9700 §4.11.2).

use std::sync::Arc;

use super::authorization_answer::{
    AnswerTarget, AuthorizeError, ErrorForClient, ResponseMode, UntrustedRequest,
};
use super::claims::{permitted, scope_of};
use super::claims_request::ClaimsRequest;
use super::grant_request::audience;
use super::request_object::AnswerParams;
use super::{ClientDirectory, Params, TokenError};
use crate::domain::{Client, GrantType, RedirectUri, Scopes};
use crate::telemetry::note_client;

/// A request that may be granted.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The client.
    pub client: Arc<Client>,
    /// The destination of the answer.
    pub target: AnswerTarget,
    /// Whether the request named the redirect URI: then the code comes with it again.
    pub names_redirect_uri: bool,
    /// The scopes, as far as the client may have them.
    pub scopes: Scopes,
    /// What the user is asked for, in the words of scopes: the scopes, those that give the single claims, and `offline_access` for
    /// refresh tokens.
    pub permissions: Scopes,
    /// The audiences of the access tokens.
    pub resources: Vec<String>,
    /// The S256 challenge (RFC 7636 §4.3).
    pub code_challenge: Option<String>,
    /// For the id token.
    pub nonce: Option<String>,
    /// What the user is to be asked.
    pub prompt: Prompt,
    /// The greatest age of the log-in in seconds.
    pub max_age: Option<u64>,
    /// What the user may type as the name.
    pub login_hint: Option<String>,
    /// An id token of the user whom the client expects.
    pub id_token_hint: Option<String>,
    /// The languages that the client proposes.
    pub ui_locales: Option<String>,
    /// Whether the id token shall say how the user logged in.
    pub wants_acr: bool,
    /// Single claims that the client asks for, as far as it may have them.
    pub claims: ClaimsRequest,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing may be shown.
    pub none: bool,
    /// The user logs in again.
    pub login: bool,
    /// The user is asked for consent again.
    pub consent: bool,
    /// The user chooses the account.
    pub select_account: bool,
}

/// The way in which users log in, as a class (OpenID Connect Core §2, `acr`): by a password over an encrypted connection.
pub const PASSWORD_ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
/// The most characters of a nonce. It is stored until the code is used.
const MAX_NONCE: usize = 512;

impl AuthorizationRequest {
    /// Reads and checks a request.
    ///
    /// # Errors
    /// [`AuthorizeError`].
    pub fn read(params: &Params, clients: &ClientDirectory) -> Result<Self, AuthorizeError> {
        let (client, redirect_uri) = trusted_target(params, clients)?;
        let target = answer_target(params, redirect_uri)?;
        Self::of_client(params, client, &target).map_err(|error| AuthorizeError::ToClient(target, error))
    }

    fn of_client(
        params: &Params,
        client: Arc<Client>,
        target: &AnswerTarget,
    ) -> Result<Self, ErrorForClient> {
        refuse_unsupported(params, &client)?;
        let scopes = requested_scopes(&client, params)?;
        let resources = audience(&client.metadata, params)
            .map_err(|error| ErrorForClient::new("invalid_target", error.to_string()))?;
        let nonce = params.get("nonce");
        if nonce.is_some_and(|nonce| nonce.len() > MAX_NONCE) {
            return Err(ErrorForClient::invalid("nonce must have at most 512 bytes"));
        }
        let names_redirect_uri = params.get("redirect_uri").is_some();
        if !names_redirect_uri && scopes.contains("openid") {
            return Err(ErrorForClient::invalid("redirect_uri is missing"));
        }
        let mut claims = ClaimsRequest::read(params.get("claims")).map_err(ErrorForClient::invalid)?;
        if !claims.admits_acr(PASSWORD_ACR) {
            let sentence = "the service has no log-in of the class that the request demands";
            return Err(ErrorForClient::new("unmet_authentication_requirements", sentence));
        }
        limit_claims(&mut claims, &client, &scopes);
        let owned = |name| params.get(name).map(str::to_owned);
        Ok(Self {
            permissions: permissions(&client, &scopes, &claims),
            target: target.clone(),
            names_redirect_uri,
            scopes,
            resources,
            code_challenge: code_challenge(params, &client)?,
            nonce: owned("nonce"),
            prompt: prompt(params)?,
            max_age: max_age(params, &client)?,
            login_hint: owned("login_hint"),
            id_token_hint: owned("id_token_hint"),
            ui_locales: owned("ui_locales"),
            wants_acr: params.get("acr_values").is_some() || claims.wants_acr(),
            claims,
            client,
        })
    }

    /// Whether a consent that was given before counts. An app on a user's device cannot prove which app it is (RFC 8252
    /// §8.6), so that its users are asked each time.
    pub fn remembers_consent(&self) -> bool {
        !self.client.is_public() || self.target.redirect_uri.starts_with("https://")
    }
}

/// The client, and the redirect URI of the request, which is one that the client registered.
fn trusted_target(
    params: &Params,
    clients: &ClientDirectory,
) -> Result<(Arc<Client>, String), AuthorizeError> {
    let untrusted = |sentence: &'static str| AuthorizeError::Untrusted(sentence.into());
    let id = params.get("client_id").ok_or(untrusted("client_id is missing"))?;
    let found = clients.find(id).map_err(|_| AuthorizeError::Service(TokenError::NotReady))?;
    let client = found.ok_or(untrusted("client_id is not the id of a client"))?;
    note_client(&client);
    let registered = &client.metadata.redirect_uris;
    let redirect_uri = match (params.get("redirect_uri"), registered.as_slice()) {
        (Some(asked), all) if all.iter().any(|known| known.admits(asked)) => asked.to_owned(),
        (Some(asked), all) => return Err(AuthorizeError::Untrusted(unregistered(&client, asked, all))),
        (None, [only]) => only.as_str().to_owned(),
        (None, _) => return Err(untrusted("redirect_uri is missing")),
    };
    Ok((client, redirect_uri))
}

/// Why this redirect URI is not one of the client's.
fn unregistered(client: &Client, asked: &str, registered: &[RedirectUri]) -> UntrustedRequest {
    let sentence = if registered.iter().any(|known| known.differs_by_port(asked)) {
        "redirect_uri has another port than the address that the client registered: \
         only 127.0.0.1 and [::1] may have another port"
    } else {
        "redirect_uri is not one of the addresses that the client registered"
    };
    UntrustedRequest {
        sentence: sentence.into(),
        client: Some(client.id.clone()),
        redirect_uri: Some(asked.to_owned()),
    }
}

/// The destination of the answer. What a request object says of it counts for the refusal of the object only.
fn answer_target(params: &Params, redirect_uri: String) -> Result<AnswerTarget, AuthorizeError> {
    let in_object = AnswerParams::of_object(params);
    let state = params.get("state").map(str::to_owned).or(in_object.state);
    let mode = match params.get("response_mode") {
        None => {
            in_object.response_mode.as_deref().and_then(ResponseMode::parse).or(Some(ResponseMode::Query))
        }
        Some(name) => ResponseMode::parse(name),
    };
    match mode {
        Some(mode) => Ok(AnswerTarget { redirect_uri, mode, state }),
        None => {
            let target = AnswerTarget { redirect_uri, mode: ResponseMode::Query, state };
            let error = ErrorForClient::invalid("response_mode must be query or form_post");
            Err(AuthorizeError::ToClient(target, error))
        }
    }
}

/// Refuses what the service does not have, and what the client may not do.
fn refuse_unsupported(params: &Params, client: &Client) -> Result<(), ErrorForClient> {
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if params.get(name).is_some() {
            return Err(ErrorForClient::new(code, format!("the service does not support {name}")));
        }
    }
    match params.get("response_type") {
        None => return Err(ErrorForClient::invalid("response_type is missing")),
        Some("code") => {}
        Some(_) => {
            return Err(ErrorForClient::new("unsupported_response_type", "response_type must be code"));
        }
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(ErrorForClient::new("unauthorized_client", "the client may not use authorization codes"));
    }
    Ok(())
}

/// The scopes that the client may have of those in the request. Others are ignored (OpenID Connect Core §3.1.2.1), unless no
/// scope is left. A request without scopes means all that need no log-in for themselves.
fn requested_scopes(client: &Client, params: &Params) -> Result<Scopes, ErrorForClient> {
    let allowed = &client.metadata.scope;
    let has_refresh = client.may_use(GrantType::RefreshToken);
    let may_have = |scope: &str| allowed.contains(scope) && (scope != "offline_access" || has_refresh);
    let Some(text) = params.get("scope") else {
        return Ok(allowed.filtered(|scope| !matches!(scope, "openid" | "offline_access")));
    };
    let asked = Scopes::parse(text)
        .map_err(|error| ErrorForClient::new("invalid_scope", format!("scope {error}")))?;
    let scopes = asked.filtered(may_have);
    if scopes.is_empty() {
        return Err(ErrorForClient::new("invalid_scope", "the client is not allowed any of these scopes"));
    }
    Ok(scopes)
}

/// Leaves those single claims that the client may have by its scopes. They are claims of OpenID Connect, so that a request
/// without `openid` has none.
fn limit_claims(claims: &mut ClaimsRequest, client: &Client, scopes: &Scopes) {
    let none = Scopes::default();
    let allowed = if scopes.contains("openid") { &client.metadata.scope } else { &none };
    claims.id_token = permitted(&claims.id_token, allowed);
    claims.userinfo = permitted(&claims.userinfo, allowed);
}

/// What the user is asked for: a single claim counts as the scope that gives it, and a refresh token as `offline_access`, also if
/// the client gets it without that scope.
fn permissions(client: &Client, scopes: &Scopes, claims: &ClaimsRequest) -> Scopes {
    let names = claims.id_token.iter().chain(&claims.userinfo);
    let of_claims = names.filter_map(|name| scope_of(name));
    let lasts = !scopes.contains("openid") && client.may_use(GrantType::RefreshToken);
    scopes.joined(&of_claims.chain(lasts.then_some("offline_access")).collect())
}

fn code_challenge(params: &Params, client: &Client) -> Result<Option<String>, ErrorForClient> {
    let is_s256 = |text: &str| {
        text.len() == 43
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) if is_s256(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => {
            Err(ErrorForClient::invalid("code_challenge is not a challenge of the method S256"))
        }
        (Some(_), _) => Err(ErrorForClient::invalid("code_challenge_method must be S256")),
        (None, Some(_)) => Err(ErrorForClient::invalid("code_challenge is missing")),
        (None, None) if client.needs_pkce() => {
            Err(ErrorForClient::invalid("code_challenge is missing; the client must use PKCE"))
        }
        (None, None) => Ok(None),
    }
}

fn prompt(params: &Params) -> Result<Prompt, ErrorForClient> {
    let mut prompt = Prompt::default();
    let Some(text) = params.get("prompt") else { return Ok(prompt) };
    for value in text.split(' ') {
        match value {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => {
                let sentence =
                    "prompt must be none, or login, consent and select_account with spaces between them";
                return Err(ErrorForClient::invalid(sentence));
            }
        }
    }
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(ErrorForClient::invalid("prompt=none must stand alone"));
    }
    Ok(prompt)
}

fn max_age(params: &Params, client: &Client) -> Result<Option<u64>, ErrorForClient> {
    let Some(text) = params.get("max_age") else { return Ok(client.metadata.default_max_age) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let secs = text.parse().ok().filter(|_| is_number);
    secs.map(Some).ok_or(ErrorForClient::invalid("max_age must be a number of seconds"))
}
