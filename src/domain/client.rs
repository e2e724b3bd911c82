//! An OAuth client as it is stored: its metadata (RFC 7591 §2) and the hashes of its secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClientId, ClientSecretHash, GeneratePolicy, RedirectUri, RegistrationId, Scopes, Timestamp};

/// A registered client. It is stored as JSON with these names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Counts the changes; a change replaces the revision that it was made from.
    pub revision: u64,
    /// The place from which it is managed.
    pub origin: ClientOrigin,
    /// What it is and may do.
    pub metadata: ClientMetadata,
    /// The hashes of its secrets, the newest first: two while a secret is being replaced.
    pub secrets: Vec<ClientSecretHash>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Differs from that of every other client, also of an earlier one with the same id. `None` for a client that is only in
    /// memory (`CLIENTS_FILE` without a database): all instances must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationId>,
}

/// The place from which a client is managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrigin {
    /// An operator, with `clients`.
    CommandLine,
    /// The file that `CLIENTS_FILE` names.
    File,
}

/// What a client is and may do. Names and defaults are those of RFC 7591 §2 and OpenID Connect Registration §2; below
/// them are ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// The name that users see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The address of its home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// The addresses to which the browser may return with a code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<RedirectUri>,
    /// The addresses to which the browser may return after a log-out (OpenID Connect RP-Initiated Logout §3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// How it authenticates to this service; `None`: with its secret, in the header or in the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The algorithm of its assertions; `None` accepts each that its keys allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The grants that it may use.
    #[serde(default = "only_code")]
    pub grant_types: Vec<GrantType>,
    /// The scopes that it may ask for.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub scope: Scopes,
    /// Its public keys, as a JWK Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The address of its public keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The algorithm of its id tokens; `None`: that of the service's other tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// The algorithm of its userinfo; `None`: the answer is JSON and not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    /// The algorithm of its introspection answers (RFC 9701 §6); `None`: signed only if the request asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<String>,
    /// The longest age of a log-in in seconds, if a request names no other (OpenID Connect Registration §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// Ours: the operator's own client, which needs no consent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub first_party: bool,
    /// Ours: whether a code needs a challenge (PKCE, RFC 7636). Always for a public client; `None` means yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// Ours: the audiences that its access tokens may have (`resource`, RFC 8707). The first one is the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Ours: seconds that its access tokens live; `None`: as all tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u64>,
    /// Ours: seconds that a grant with refresh tokens lasts; `None`: the usual length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u64>,
    /// Ours: seconds after which an unused refresh token ends its grant; `None`: the usual length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_lifetime: Option<u64>,
    /// Ours: whether refresh tokens are replaced at each use; `None`: those of public clients are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_refresh_tokens: Option<bool>,
    /// Ours: the header `typ` of its access tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    pub access_token_typ: AccessTokenTyp,
    /// Ours: claims that its access tokens have besides those that the service sets.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// Ours: whether its access tokens and generated tokens have a place in a published list of states (Token Status List).
    #[serde(default, skip_serializing_if = "is_false")]
    pub status_list: bool,
    /// Ours: which tokens `POST /api/token/generate` signs for it; `None`: no tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<GeneratePolicy>,
    /// Members that this version does not know: a later version wrote them, and they stay as they are. Input from an operator
    /// has none.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How a client authenticates (RFC 6749 §2.3, RFC 7523 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// With its secret in `Authorization: Basic`.
    ClientSecretBasic,
    /// With its secret in the form.
    ClientSecretPost,
    /// With an assertion that its private key signs.
    PrivateKeyJwt,
    /// Not at all: a public client.
    None,
}

/// A grant that a client may use (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// Its name in requests.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// The header `typ` of access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessTokenTyp {
    /// RFC 9068 §2.1.
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// For resource servers that know no other.
    #[serde(rename = "JWT")]
    Jwt,
}

impl ClientMetadata {
    /// Whether the client may authenticate in this way. One that names no method may send its secret in both ways: libraries
    /// differ in which of them they use without being told.
    pub fn may_authenticate_by(&self, method: ClientAuthMethod) -> bool {
        match self.token_endpoint_auth_method {
            Some(named) => named == method,
            None => method.uses_secret(),
        }
    }

    /// Whether the client has a secret.
    pub fn uses_secret(&self) -> bool {
        self.token_endpoint_auth_method.is_none_or(ClientAuthMethod::uses_secret)
    }

    /// Whether the client does not authenticate.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == Some(ClientAuthMethod::None)
    }
}

impl ClientAuthMethod {
    fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

impl Client {
    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.metadata.is_public()
    }

    /// Whether it may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// Whether its codes need a challenge.
    pub fn needs_pkce(&self) -> bool {
        self.is_public() || self.metadata.require_pkce.unwrap_or(true)
    }

    /// Whether its refresh tokens are replaced at each use (RFC 9700 §2.2.2).
    pub fn rotates_refresh_tokens(&self) -> bool {
        self.metadata.rotate_refresh_tokens.unwrap_or_else(|| self.is_public())
    }

    /// The name that users see.
    pub fn display_name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(self.id.as_str())
    }
}

fn only_code() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
