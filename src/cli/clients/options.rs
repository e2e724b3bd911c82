//! The options that say what a client is and may do.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::{Failure, Output};
use crate::domain::{ClientMetadata, Lifetime, Scopes};
use crate::oauth::{as_object, read_metadata};

/// The scopes of a client whose users log in, if the operator names none.
const LOG_IN_SCOPES: &str = "openid profile email";

/// Each option replaces a member of the metadata (RFC 7591 §2). The members without an option come from a file.
#[derive(Debug, Args)]
pub(in crate::cli) struct Members {
    /// The name that users see
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A grant: authorization_code, refresh_token or client_credentials; repeat the
    /// option for several
    #[arg(long, value_name = "GRANT")]
    grant: Vec<String>,
    /// An address to which the browser may return, in full; repeat the option for
    /// several
    #[arg(long, value_name = "URL")]
    redirect_uri: Vec<String>,
    /// An address to which the browser may return after a log-out; repeatable
    #[arg(long, value_name = "URL")]
    post_logout_redirect_uri: Vec<String>,
    /// The scopes that it may ask for, with spaces between them
    #[arg(long, value_name = "SCOPES")]
    scope: Option<Scopes>,
    /// How it authenticates: client_secret_basic, client_secret_post,
    /// private_key_jwt or none
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
    /// A file with its public keys (JWK Set), for private_key_jwt
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<String>,
    /// The address of its public keys (JWK Set), for private_key_jwt
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// An audience that its access tokens may have; the first one is the default;
    /// repeatable
    #[arg(long, value_name = "AUDIENCE")]
    resource: Vec<String>,
    /// How long its access tokens live, such as 10m
    #[arg(long, value_name = "TIME")]
    access_token_lifetime: Option<Lifetime>,
    /// It is the operator's own: users are not asked for their consent
    #[arg(long)]
    first_party: bool,
    /// Its tokens have a place in a published list, from which verifiers read
    /// whether they were revoked
    #[arg(long)]
    status_list: bool,
    /// It may have tokens signed at POST /api/token/generate
    #[arg(long)]
    generate: bool,
    /// A subject that such tokens may have, where * stands for any characters;
    /// repeatable [default: only the client's id]
    #[arg(long, value_name = "PATTERN", requires = "generate")]
    generate_subject: Vec<String>,
    /// An audience that such tokens may have, where * stands for any characters;
    /// repeatable [default: only JWT_AUDIENCE]
    #[arg(long, value_name = "PATTERN", requires = "generate")]
    generate_audience: Vec<String>,
    /// A claim that such tokens may have, or * for all; repeatable
    #[arg(long, value_name = "NAME", requires = "generate")]
    generate_claim: Vec<String>,
    /// The longest life of such tokens, such as 10m [default: MAX_TOKEN_LIFETIME]
    #[arg(long, value_name = "TIME", requires = "generate")]
    generate_lifetime: Option<Lifetime>,
    /// A file with more members as JSON, or - for standard input; the options come
    /// before it
    #[arg(long, value_name = "FILE")]
    metadata: Option<String>,
}

impl Members {
    /// The metadata of a new client. Says which scopes it gets if the operator names none.
    pub(super) fn of_new_client(&self, output: &Output) -> Result<ClientMetadata, Failure> {
        let mut members = self.given()?;
        if members.contains_key("redirect_uris") && !members.contains_key("scope") {
            members.insert("scope".to_owned(), LOG_IN_SCOPES.into());
            output.progress(&format!(
                "The client may ask for the scopes {LOG_IN_SCOPES}; --scope names others."
            ));
        }
        if !members.contains_key("grant_types") {
            let grants = if members.contains_key("redirect_uris") {
                json!(["authorization_code"])
            } else if members.contains_key("generate") {
                json!([])
            } else {
                json!(["client_credentials"])
            };
            members.insert("grant_types".to_owned(), grants);
        }
        read_metadata(members).map_err(Failure::usage)
    }

    /// The metadata of a client after a change.
    pub(super) fn applied_to(
        &self,
        before: &ClientMetadata,
        unset: &[String],
    ) -> Result<ClientMetadata, Failure> {
        let mut members = as_object(before);
        for name in unset {
            if members.remove(name).is_none() {
                return Err(Failure::usage(format!("the client has no member {name}")));
            }
        }
        let given = self.given()?;
        if given.is_empty() && unset.is_empty() {
            return Err(Failure::usage("there is nothing to change: give an option, such as --scope"));
        }
        // A client has its keys in one of the two forms.
        for (new, old) in [("jwks", "jwks_uri"), ("jwks_uri", "jwks")] {
            if given.contains_key(new) {
                members.remove(old);
            }
        }
        members.extend(given);
        let other = before.other.clone();
        members.retain(|name, _| !other.contains_key(name));
        let metadata = read_metadata(members).map_err(Failure::usage)?;
        Ok(ClientMetadata { other, ..metadata })
    }

    /// The members that the options and the file give.
    fn given(&self) -> Result<Map<String, Value>, Failure> {
        let mut members = self.metadata.as_deref().map(read_members).transpose()?.unwrap_or_default();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let list = |entries: &[String]| Some(json!(entries)).filter(|_| !entries.is_empty());
        set("client_name", self.name.clone().map(Value::from));
        set("grant_types", list(&self.grant));
        set("redirect_uris", list(&self.redirect_uri));
        set("post_logout_redirect_uris", list(&self.post_logout_redirect_uri));
        set("scope", self.scope.as_ref().map(|scope| scope.to_string().into()));
        set("token_endpoint_auth_method", self.auth_method.clone().map(Value::from));
        set("jwks", self.jwks.as_deref().map(read_json).transpose()?);
        set("jwks_uri", self.jwks_uri.clone().map(Value::from));
        set("resources", list(&self.resource));
        set("access_token_lifetime", self.access_token_lifetime.map(|time| time.as_secs().into()));
        set("first_party", Some(Value::from(true)).filter(|_| self.first_party));
        set("status_list", Some(Value::from(true)).filter(|_| self.status_list));
        set("generate", Some(self.policy()).filter(|_| self.generate));
        Ok(members)
    }

    fn policy(&self) -> Value {
        let mut policy = json!({
            "subjects": self.generate_subject,
            "audiences": self.generate_audience,
            "claims": self.generate_claim,
        });
        if let Some(lifetime) = self.generate_lifetime {
            policy["max_lifetime"] = lifetime.as_secs().into();
        }
        policy
    }
}

fn read_members(file: &str) -> Result<Map<String, Value>, Failure> {
    match read_json(file)? {
        Value::Object(members) => Ok(members),
        _ => Err(Failure::usage(format!("{file} must contain a JSON object"))),
    }
}

fn read_json(file: &str) -> Result<Value, Failure> {
    let mut text = String::new();
    let read = match file {
        "-" => io::stdin().read_to_string(&mut text).map(drop),
        path => fs::read_to_string(Path::new(path)).map(|read| text = read),
    };
    read.map_err(|error| Failure::usage(format!("cannot read {file}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{file} is not JSON: {error}")))
}
