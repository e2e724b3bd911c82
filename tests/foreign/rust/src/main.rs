//! The crate openidconnect, as its documentation uses it.
//!
//! rust-relying-party ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI: what to do a line in, what came of it a line out. `code SCOPE`
//! answers `open URL`, reads the URL to which the browser returned, and answers `done JSON`. `machine SCOPE` gets a token for the
//! client itself. CLIENT_SECRET is - for a public client. The crate revokes tokens only over https, so this program does not.

use std::error::Error;
use std::io::{Lines, StdinLock};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IntrospectionUrl, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, ProviderMetadata, RedirectUrl, Scope,
    TokenIntrospectionResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

/// Sends a request, for the crate.
type Http = Box<dyn Fn(HttpRequest) -> Result<HttpResponse, ureq::Error>>;

/// What discovery tells besides the standard metadata of OpenID Connect (RFC 8414 §2).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Endpoints {
    introspection_endpoint: IntrospectionUrl,
}

impl AdditionalProviderMetadata for Endpoints {}

type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

fn http_client() -> Http {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build().into();
    Box::new(move |request| {
        let (parts, body) = agent.run(request)?.into_parts();
        Ok(HttpResponse::from_parts(parts, body.into_with_config().read_to_vec()?))
    })
}

struct RelyingParty {
    client: Client,
    http: Http,
    lines: Lines<StdinLock<'static>>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, id, secret, redirect_uri] = arguments.as_slice() else {
        return Err("usage: rust-relying-party ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI".into());
    };
    let http = http_client();
    let metadata = Metadata::discover(&IssuerUrl::new(issuer.clone())?, &http)?;
    let Endpoints { introspection_endpoint } = metadata.additional_metadata().clone();
    let secret = Some(secret).filter(|secret| *secret != "-").cloned().map(ClientSecret::new);
    let client = CoreClient::from_provider_metadata(metadata, ClientId::new(id.clone()), secret)
        .set_redirect_uri(RedirectUrl::new(redirect_uri.clone())?)
        .set_introspection_url(introspection_endpoint);
    let mut party = RelyingParty { client, http, lines: std::io::stdin().lines() };
    while let Some(line) = party.lines.next().transpose()? {
        let (command, scope) = line.split_once(' ').unwrap_or((&line, ""));
        let scopes: Vec<Scope> = scope.split_whitespace().map(|scope| Scope::new(scope.to_owned())).collect();
        let done =
            if command == "machine" { party.authenticate_itself(scopes) } else { party.log_in(scopes) };
        match done {
            Ok(result) => println!("done {result}"),
            Err(error) => println!("failed {}", reason(error.as_ref())),
        }
    }
    Ok(())
}

impl RelyingParty {
    fn log_in(&mut self, scopes: Vec<Scope>) -> Result<Value, Failure> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            // `openid` is always among them.
            .add_scopes(scopes.into_iter().filter(|scope| scope.as_str() != "openid"))
            .set_pkce_challenge(challenge)
            .url();
        println!("open {url}");
        let returned = Url::parse(&self.lines.next().transpose()?.unwrap_or_default())?;
        let answer = |name: &str| {
            returned.query_pairs().find(|(of, _)| of == name).map(|(_, value)| value.into_owned())
        };
        if let Some(error) = answer("error") {
            return Err(error.into());
        }
        if answer("state").as_ref() != Some(state.secret()) {
            return Err("another state".into());
        }
        let code = AuthorizationCode::new(answer("code").ok_or("no code")?);
        let tokens = self.client.exchange_code(code)?.set_pkce_verifier(verifier).request(&self.http)?;
        let claims =
            tokens.id_token().ok_or("no id token")?.claims(&self.client.id_token_verifier(), &nonce)?;
        let userinfo = self.userinfo(tokens.access_token())?;
        let mut result = json!({
            "sub": claims.subject().as_str(),
            "aud": claims.audiences().first().map(|audience| audience.as_str()),
            "userinfo": userinfo.subject().as_str(),
            "username": userinfo.preferred_username().map(|name| name.as_str()),
        });
        if let Some(refresh_token) = tokens.refresh_token() {
            let refreshed = self.client.exchange_refresh_token(refresh_token)?.request(&self.http)?;
            result["refreshed"] = self.userinfo(refreshed.access_token())?.subject().as_str().into();
        }
        Ok(result)
    }

    fn userinfo(&self, token: &AccessToken) -> Result<CoreUserInfoClaims, Failure> {
        Ok(self.client.user_info(token.clone(), None)?.request(&self.http)?)
    }

    fn authenticate_itself(&self, scopes: Vec<Scope>) -> Result<Value, Failure> {
        let tokens = self.client.exchange_client_credentials()?.add_scopes(scopes).request(&self.http)?;
        let introspected = self.client.introspect(tokens.access_token()).request(&self.http)?;
        let scope =
            tokens.scopes().into_iter().flatten().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        Ok(json!({
            "type": tokens.token_type().as_ref(),
            "scope": scope,
            "client_id": introspected.client_id().map(|id| id.as_str()),
            "active": introspected.active(),
        }))
    }
}

/// The words of the deepest cause on one line.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
