//! What a client's metadata may say. Commands and `CLIENTS_FILE` are checked here, and nowhere else.

use jose::Algorithm;
use serde_json::Value;

use super::client_faults::{Check, ClientFaults};
use super::client_keys::{KeySet, algorithm_of};
use super::scopes::GENERATE_SCOPE;
use crate::domain::{ClientAuthMethod, ClientId, ClientMetadata, GeneratePolicy, GrantType, RedirectUri};
use crate::token::CustomClaims;

/// The most redirect URIs, resources or patterns of one client.
const MAX_ENTRIES: usize = 200;
/// The most characters of a name, an audience or a pattern.
const MAX_TEXT_CHARS: usize = 1024;
/// The longest life of a grant: ten years.
const MAX_GRANT_SECS: u64 = 10 * 366 * 86_400;

/// The facts about this service that the rules need.
#[derive(Clone, Debug)]
pub struct ClientRules {
    /// `JWT_AUDIENCE`: no client may have it as its id.
    pub audience: String,
    /// The longest life of any token in seconds.
    pub longest_token: u64,
    /// The algorithms that sign.
    pub algorithms: Vec<Algorithm>,
    /// Whether there is a database, in which the places of tokens in status lists are noted.
    pub has_database: bool,
}

impl ClientRules {
    /// Checks the metadata of the client `id`.
    ///
    /// # Errors
    /// [`ClientFaults`], all at once.
    pub fn check(&self, id: &ClientId, metadata: &ClientMetadata) -> Result<(), ClientFaults> {
        let mut check = Check::default();
        check.refuse_if(
            id.as_str() == self.audience,
            "client_id",
            "must not be the value of JWT_AUDIENCE: an id token for the client would pass for an access token",
        );
        check_texts(&mut check, metadata);
        check_grants(&mut check, metadata);
        check_authentication(&mut check, metadata);
        self.check_algorithms(&mut check, metadata);
        self.check_lifetimes(&mut check, metadata);
        check_claims(&mut check, metadata);
        check.refuse_if(
            metadata.status_list && !self.has_database,
            "status_list",
            "needs a database: the place of each token in the list is noted there",
        );
        self.check_policy(&mut check, metadata);
        check.done()
    }

    fn check_algorithms(&self, check: &mut Check, metadata: &ClientMetadata) {
        for (member, name) in [
            ("id_token_signed_response_alg", &metadata.id_token_signed_response_alg),
            ("userinfo_signed_response_alg", &metadata.userinfo_signed_response_alg),
            ("introspection_signed_response_alg", &metadata.introspection_signed_response_alg),
        ] {
            let Some(name) = name else { continue };
            let signs = algorithm_of(name).is_some_and(|algorithm| self.algorithms.contains(&algorithm));
            let known: Vec<_> = self.algorithms.iter().map(|algorithm| algorithm.name()).collect();
            let problem = format!("must be an algorithm of JWT_ALGORITHM, which is {}", known.join(","));
            check.refuse_if(!signs, member, problem);
        }
    }

    fn check_lifetimes(&self, check: &mut Check, metadata: &ClientMetadata) {
        let longest = self.longest_token;
        let allowed = format!("must be 1 to {longest} seconds (MAX_TOKEN_LIFETIME)");
        let fits = |secs: Option<u64>, most| secs.is_none_or(|secs| (1..=most).contains(&secs));
        check.refuse_if(!fits(metadata.access_token_lifetime, longest), "access_token_lifetime", &*allowed);
        let policy_lifetime = metadata.generate.as_ref().and_then(|policy| policy.max_lifetime);
        check.refuse_if(!fits(policy_lifetime, longest), "generate.max_lifetime", allowed);
        let (grant, idle) = (metadata.refresh_token_lifetime, metadata.refresh_token_idle_lifetime);
        let allowed = format!("must be 1 to {MAX_GRANT_SECS} seconds");
        check.refuse_if(!fits(grant, MAX_GRANT_SECS), "refresh_token_lifetime", &*allowed);
        check.refuse_if(!fits(idle, MAX_GRANT_SECS), "refresh_token_idle_lifetime", allowed);
        check.refuse_if(
            grant.zip(idle).is_some_and(|(grant, idle)| idle > grant),
            "refresh_token_idle_lifetime",
            "must not be longer than refresh_token_lifetime",
        );
    }

    fn check_policy(&self, check: &mut Check, metadata: &ClientMetadata) {
        let may_ask = metadata.scope.contains(GENERATE_SCOPE);
        let Some(policy) = &metadata.generate else {
            let problem =
                format!("{GENERATE_SCOPE} needs the member generate, which says what may be signed");
            check.refuse_if(may_ask, "scope", problem);
            return;
        };
        let GeneratePolicy { audiences, subjects, claims, .. } = policy;
        check.refuse_if(
            metadata.is_public(),
            "generate",
            "needs a client that authenticates (another token_endpoint_auth_method than `none`)",
        );
        for (member, patterns) in
            [("generate.audiences", audiences), ("generate.subjects", subjects), ("generate.claims", claims)]
        {
            check_list(check, member, patterns);
        }
        // A request has fields for these two.
        let is_field = |name: &String| matches!(name.as_str(), "username" | "email");
        let reserved = |name: &&String| CustomClaims::is_reserved(name) && !is_field(name);
        for name in claims.iter().filter(reserved) {
            check.refuse_if(
                true,
                "generate.claims",
                format!("must not contain '{name}': the service sets it"),
            );
        }
    }
}

fn check_texts(check: &mut Check, metadata: &ClientMetadata) {
    let name = metadata.client_name.as_deref();
    let is_name =
        |name: &str| (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    check.refuse_if(
        !name.is_none_or(is_name),
        "client_name",
        "must have 1 to 200 characters, and no control character",
    );
    for (member, uri) in [("client_uri", &metadata.client_uri), ("jwks_uri", &metadata.jwks_uri)] {
        let is_address = |uri: &String| {
            RedirectUri::parse(uri).is_ok() && ["https://", "http://"].iter().any(|s| uri.starts_with(s))
        };
        check.refuse_if(
            !uri.as_ref().is_none_or(is_address),
            member,
            "must begin with https://, or with http:// for a loopback address, and have no fragment",
        );
    }
    let registered = [
        ("redirect_uris", &metadata.redirect_uris),
        ("post_logout_redirect_uris", &metadata.post_logout_redirect_uris),
    ];
    for (member, uris) in registered {
        let texts: Vec<_> = uris.iter().map(|uri| uri.as_str().to_owned()).collect();
        check_list(check, member, &texts);
        check.refuse_if(
            texts.iter().any(|uri| uri.contains('*')),
            member,
            "`*` is not a wildcard; give each address in full",
        );
    }
    check_list(check, "resources", &metadata.resources);
}

/// A list of texts without repetition.
fn check_list(check: &mut Check, member: &str, entries: &[String]) {
    check.refuse_if(entries.len() > MAX_ENTRIES, member, format!("must have at most {MAX_ENTRIES} entries"));
    let fits = |entry: &String| {
        (1..=MAX_TEXT_CHARS).contains(&entry.chars().count()) && !entry.chars().any(char::is_control)
    };
    check.refuse_if(
        !entries.iter().all(fits),
        member,
        format!("must have entries of 1 to {MAX_TEXT_CHARS} characters, without control characters"),
    );
    let twice = entries.iter().enumerate().find(|(at, entry)| entries[..*at].contains(entry));
    if let Some((_, entry)) = twice {
        check.refuse_if(true, member, format!("must not contain '{entry}' twice"));
    }
}

fn check_grants(check: &mut Check, metadata: &ClientMetadata) {
    use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
    let grants = &metadata.grant_types;
    let has = |grant| grants.contains(&grant);
    let repeats = grants.iter().enumerate().any(|(at, grant)| grants[..at].contains(grant));
    check.refuse_if(repeats, "grant_types", "must not contain a grant twice");
    check.refuse_if(
        grants.is_empty() && metadata.generate.is_none(),
        "grant_types",
        "must contain a grant, unless the client only generates tokens (generate)",
    );
    check.refuse_if(
        has(RefreshToken) && !has(AuthorizationCode),
        "grant_types",
        "refresh_token needs authorization_code beside it",
    );
    check.refuse_if(
        has(ClientCredentials) && metadata.is_public(),
        "grant_types",
        "client_credentials needs a client that authenticates (another token_endpoint_auth_method than `none`)",
    );
    check.refuse_if(
        has(AuthorizationCode) && metadata.redirect_uris.is_empty(),
        "redirect_uris",
        "must contain an address, because the grant authorization_code returns the browser to it",
    );
    check.refuse_if(
        !has(AuthorizationCode) && !metadata.redirect_uris.is_empty(),
        "redirect_uris",
        "must be empty, because the client does not use the grant authorization_code",
    );
    check.refuse_if(
        metadata.is_public() && metadata.require_pkce == Some(false),
        "require_pkce",
        "must not be false for a client that does not authenticate (RFC 9700 §2.1.1)",
    );
}

fn check_authentication(check: &mut Check, metadata: &ClientMetadata) {
    let uses_keys = metadata.may_authenticate_by(ClientAuthMethod::PrivateKeyJwt);
    let algorithm = metadata.token_endpoint_auth_signing_alg.as_deref();
    check.refuse_if(
        algorithm.is_some_and(|name| algorithm_of(name).is_none()),
        "token_endpoint_auth_signing_alg",
        "must be RS256, PS256, ES256 or EdDSA",
    );
    check.refuse_if(
        algorithm.is_some() && !uses_keys,
        "token_endpoint_auth_signing_alg",
        "is only for token_endpoint_auth_method private_key_jwt",
    );
    check.refuse_if(
        metadata.jwks.is_some() && metadata.jwks_uri.is_some(),
        "jwks",
        "must not be given together with jwks_uri",
    );
    check.refuse_if(
        uses_keys && metadata.jwks.is_none() && metadata.jwks_uri.is_none(),
        "jwks",
        "or jwks_uri must be given: private_key_jwt needs the public keys of the client",
    );
    let Some(jwks) = &metadata.jwks else { return };
    let keys = jwks.get("keys").and_then(Value::as_array);
    let is_secret = |key: &Value| ["d", "k", "p", "q", "priv"].iter().any(|name| key.get(name).is_some());
    check.refuse_if(
        keys.is_some_and(|keys| keys.iter().any(is_secret)),
        "jwks",
        "contains a private or a symmetric key: give public keys, and replace this one, because it is known now",
    );
    let usable = KeySet::read(jwks.to_string().as_bytes(), algorithm.and_then(algorithm_of));
    check.refuse_if(
        usable.is_none_or(|usable| usable.is_empty()),
        "jwks",
        "must be a JWK Set (RFC 7517 §5) with a public key for RS256, PS256, ES256 or EdDSA",
    );
}

fn check_claims(check: &mut Check, metadata: &ClientMetadata) {
    for name in metadata.claims.keys().filter(|name| CustomClaims::is_reserved(name)) {
        check.refuse_if(true, "claims", format!("must not contain '{name}': the service sets it"));
    }
    let size = Value::Object(metadata.claims.clone()).to_string().len();
    check.refuse_if(
        size > CustomClaims::MAX_BYTES,
        "claims",
        format!("must be at most {} bytes of JSON", CustomClaims::MAX_BYTES),
    );
}
