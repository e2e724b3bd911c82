//! `token`: create, read and check tokens without a server.

use std::fs;
use std::io::{self, Read};

use clap::{Args, Subcommand};
use jose::Algorithm;
use outbound::Proxy;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::setup;
use super::{Failure, Output};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Lifetime, RingRecord, Timestamp};
use crate::entropy::Entropy;
use crate::keys::custody::public_half;
use crate::keys::orders::{self, Order, OrderError};
use crate::keys::{OrderFault, RingService, refuse_moved};
use crate::token::{CustomClaims, Subject, TokenRequest};

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Create a token, signed with the active key
    Mint(Mint),
    /// Print the header and the claims of a token without checking it
    Inspect(Given),
    /// Check the signature, times, issuer and audience of a token
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Mint {
    /// The claim `sub`
    #[arg(long, default_value = "demo-user-id")]
    subject: String,
    /// The claim `username`
    #[arg(long, default_value = "demo-user")]
    username: String,
    /// The claim `email`
    #[arg(long, default_value = "demo@example.com")]
    email: String,
    /// The claim `aud`; repeat the option for several audiences
    /// [default: JWT_AUDIENCE]
    #[arg(long)]
    audience: Vec<String>,
    /// Lifetime, such as 900 (seconds), 15m or "7 days" [default: JWT_EXPIRATION]
    #[arg(long)]
    expires_in: Option<Lifetime>,
    /// More claims, as a JSON object such as '{"role": "editor"}'
    #[arg(long, value_name = "JSON", value_parser = claims)]
    claims: Option<CustomClaims>,
    /// The algorithm of the signature, one of those in JWT_ALGORITHM
    /// [default: the first of them]
    #[arg(long)]
    algorithm: Option<Algorithm>,
}

#[derive(Debug, Args)]
pub(super) struct Given {
    /// The token, or - to read it from standard input
    #[arg(default_value = "-")]
    token: String,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    given: Given,
    /// Address or file of the JWKS to check with
    /// [default: the keys of this service]
    #[arg(long, value_name = "URL|FILE")]
    jwks: Option<String>,
    /// Issuer that the token must have [default: JWT_ISSUER; for an access token of
    /// OAuth (at+jwt), the issuer of OAuth]
    #[arg(long)]
    issuer: Option<String>,
    /// Audience that the token must have [default: JWT_AUDIENCE]
    #[arg(long)]
    audience: Option<String>,
}

impl Token {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Mint(mint) => mint.run(output),
            Self::Inspect(given) => inspect(&given.read()?, output),
            Self::Verify(verify) => verify.run(output),
        }
    }
}

impl Mint {
    fn run(self, output: &Output) -> Result<(), Failure> {
        let request = TokenRequest {
            subject: self.subject,
            username: self.username,
            email: self.email,
            audience: self.audience,
            lifetime: self.expires_in,
            claims: self.claims,
        };
        let config = setup::config()?;
        let lifetime = request.lifetime.unwrap_or(config.token_lifetime);
        let issued = setup::runtime()?.block_on(async {
            let ring_service = setup::ring_service(&config, IfMissing::Create)?;
            let ring = with_room(&ring_service, self.algorithm, lifetime).await?;
            let keys = app::open_keys(&ring_service, &ring).await.map_err(Failure::refused)?;
            let tokens = app::tokens(&config, config.port, keys, Clock::System, Entropy::System);
            tokens.issue(Subject::Operator(&request), self.algorithm).await.map_err(Failure::refused)
        })?;
        let token = issued.token.expose();
        let value = json!({ "access_token": token, "token_type": "Bearer", "expires_in": issued.expires_in });
        output.print(&value, token);
        Ok(())
    }
}

/// Reads the option `--claims`.
fn claims(text: &str) -> Result<CustomClaims, String> {
    let json = RawValue::from_string(text.to_owned()).map_err(|error| format!("it is not JSON: {error}"));
    let parsed = json.and_then(|json| CustomClaims::parse(&json).map_err(|error| error.to_string()));
    parsed.map_err(|fault| {
        format!(
            "{fault}. Give a JSON object of at most {} bytes without {}, such as '{{\"role\": \"editor\"}}'",
            CustomClaims::MAX_BYTES,
            CustomClaims::set_by_service().collect::<Vec<_>>().join(", "),
        )
    })
}

/// The ring, in which the signing key stays published until a token with this lifetime has expired.
async fn with_room(
    ring_service: &RingService,
    algorithm: Option<Algorithm>,
    lifetime: Lifetime,
) -> Result<RingRecord, Failure> {
    let ring = setup::ring(ring_service).await?;
    refuse_moved(&ring).map_err(Failure::refused)?;
    if let Some(algorithm) = algorithm.filter(|algorithm| ring.active(algorithm.name()).is_none()) {
        return Err(Failure::refused(OrderError::Unlisted(algorithm.to_string())));
    }
    let order = Order::Carry(algorithm, lifetime.as_secs());
    if orders::is_done(&ring, ring_service.schedule(), &order) {
        return Ok(ring);
    }
    ring_service.order(&order).await.map_err(|fault| match fault {
        OrderFault::Refused(why) => Failure::refused(why),
        OrderFault::Custody(error) => Failure::because(error),
    })
}

impl Given {
    /// The token, without the word `Bearer` in front of it.
    fn read(&self) -> Result<String, Failure> {
        let mut text = self.token.clone();
        if text == "-" {
            text.clear();
            io::stdin().take(64 * 1024).read_to_string(&mut text).map_err(Failure::refused)?;
        }
        let token = match text.trim().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
            _ => text.trim().to_owned(),
        };
        if token.is_empty() { Err(Failure::usage("the token is empty")) } else { Ok(token) }
    }
}

fn inspect(token: &str, output: &Output) -> Result<(), Failure> {
    let (header, claims) = jose::decode_unverified(token).map_err(Failure::refused)?;
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (header, claims) = (value(&header), value(&claims));
    let mut text = format!("Header {header:#}\nClaims {claims:#}");
    for (claim, meaning) in [("iat", "issued"), ("nbf", "valid from"), ("exp", "expires")] {
        if let Some(at) = claims.get(claim).and_then(Value::as_u64) {
            text.push_str(&format!("\n{meaning} {}", Timestamp::from_secs(at)));
        }
    }
    text.push_str("\nThis token was not checked. `token verify` checks it.");
    output.print(&json!({ "header": header, "claims": claims, "verified": false }), &text);
    Ok(())
}

impl Verify {
    fn run(self, output: &Output) -> Result<(), Failure> {
        let token = self.given.read()?;
        let config = setup::config()?;
        let keys = match &self.jwks {
            Some(source) => key_set(source)?,
            None => own_keys(&config)?,
        };
        let audience = [self.audience.as_deref().unwrap_or(&config.audience)];
        let is_access_token = is_access_token(&token);
        let of_oauth = config.oauth_issuer.on_port(config.port).filter(|_| is_access_token);
        let issuer = of_oauth.unwrap_or_else(|| config.issuer.clone());
        let expect = jose::Expectations {
            typ: if is_access_token { jose::Typ::AtJwt } else { jose::Typ::Jwt },
            issuer: self.issuer.as_deref().unwrap_or(&issuer),
            audience: &audience,
            leeway: config.clock_skew,
            now: Clock::System.now().as_secs(),
        };
        let key_of =
            |kid: &str| keys.iter().find(|(of_key, _)| of_key.as_deref() == Some(kid)).map(|(_, key)| key);
        let verified = jose::verify(&token, key_of, &expect)
            .map_err(|rejection| Failure::refused(format!("{rejection} ({})", rejection.code())))?;
        let claims: Value = serde_json::from_str(&verified.claims).unwrap_or_default();
        output
            .print(&json!({ "valid": true, "claims": claims }), &format!("The token is valid.\n{claims:#}"));
        Ok(())
    }
}

/// Whether a token says that it is an access token of OAuth (RFC 9068 §2.1). Its signature covers that.
fn is_access_token(token: &str) -> bool {
    let header = jose::decode_unverified(token).ok().map(|(header, _)| header);
    let header: Option<Value> = header.and_then(|header| serde_json::from_str(&header).ok());
    let typ = header.as_ref().and_then(|header| header.get("typ")?.as_str()).unwrap_or_default();
    ["at+jwt", "application/at+jwt"].iter().any(|name| typ.eq_ignore_ascii_case(name))
}

/// Keys by their `kid`.
type KeySet = Vec<(Option<String>, jose::VerifyingKey)>;

/// The keys with which the service itself checks tokens.
fn own_keys(config: &Config) -> Result<KeySet, Failure> {
    let ring = setup::runtime()?
        .block_on(async { setup::ring(&setup::ring_service(config, IfMissing::Refuse)?).await })?;
    let mut keys = Vec::new();
    for key in ring.verifying() {
        let public = public_half(key).map_err(Failure::refused)?;
        let kids = std::iter::once(&key.kid).chain(&key.aliases);
        keys.extend(kids.map(|kid| (Some(kid.to_string()), public.clone())));
    }
    Ok(keys)
}

/// The keys of a JWKS at an address or in a file.
fn key_set(source: &str) -> Result<KeySet, Failure> {
    let text = if source.starts_with("http://") || source.starts_with("https://") {
        match super::healthcheck::fetch(source, Proxy::FromEnvironment)? {
            (200, body) => body,
            (status, _) => return Err(Failure::refused(format!("{source} answered with status {status}"))),
        }
    } else {
        fs::read_to_string(source).map_err(|error| {
            let hint = "an address begins with http:// or https://";
            Failure::usage(format!("--jwks: cannot read the file {source}: {error}; {hint}"))
        })?
    };
    let set: jose::JwkSet = serde_json::from_str(&text)
        .map_err(|error| Failure::refused(format!("{source} is not a JSON Web Key Set: {error}")))?;
    let keys = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk.kid().map(str::to_owned), jose::VerifyingKey::from_jwk(jwk).ok()?)));
    Ok(keys.collect())
}
