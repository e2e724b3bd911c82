//! `token`: make, read and check tokens without a server.

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
    /// Make a token with the key that signs
    Mint(Mint),
    /// Show what a token says, without checking it
    Inspect(Given),
    /// Check a token's signature, times, issuer and audience
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Mint {
    /// The `sub` claim
    #[arg(long, default_value = "demo-user-id")]
    subject: String,
    /// The `username` claim
    #[arg(long, default_value = "demo-user")]
    username: String,
    /// The `email` claim
    #[arg(long, default_value = "demo@example.com")]
    email: String,
    /// The `aud` claim, more than once for several [default: JWT_AUDIENCE]
    #[arg(long)]
    audience: Vec<String>,
    /// How long it lives, such as 900 (seconds), 15m or "7 days" [default: JWT_EXPIRATION]
    #[arg(long)]
    expires_in: Option<Lifetime>,
    /// More claims, as a JSON object
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
    /// The algorithm of the signature, one of those in JWT_ALGORITHM [default: the first of them]
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
    /// A key set: the address or the file of a JWKS [default: our own keys]
    #[arg(long, value_name = "URL|FILE")]
    jwks: Option<String>,
    /// The issuer to expect [default: JWT_ISSUER]
    #[arg(long)]
    issuer: Option<String>,
    /// The audience to expect [default: JWT_AUDIENCE]
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
        let claims = self.claims.map(|text| {
            let json = RawValue::from_string(text).map_err(Failure::usage)?;
            CustomClaims::parse(&json).map_err(Failure::usage)
        });
        let request = TokenRequest {
            subject: self.subject,
            username: self.username,
            email: self.email,
            audience: self.audience,
            lifetime: self.expires_in,
            claims: claims.transpose()?,
        };
        let config = setup::config()?;
        let lifetime = request.lifetime.unwrap_or(config.token_lifetime);
        let issued = setup::runtime()?.block_on(async {
            let ring_service = setup::ring_service(&config, IfMissing::Create)?;
            let ring = with_room(&ring_service, self.algorithm, lifetime).await?;
            let keys = app::open_keys(&ring_service, &ring).await.map_err(Failure::refused)?;
            let tokens = app::tokens(&config, keys, Clock::System, Entropy::System);
            tokens.issue(Subject::Operator(&request), self.algorithm).await.map_err(Failure::refused)
        })?;
        let value =
            json!({ "access_token": issued.token, "token_type": "Bearer", "expires_in": issued.expires_in });
        output.print(&value, &issued.token);
        Ok(())
    }
}

/// The ring, in which the key that signs stays published for as long as a token that lives so long.
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
    /// The token, with or without the name of its scheme.
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
        if token.is_empty() { Err(Failure::usage("no token came on standard input")) } else { Ok(token) }
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
    text.push_str("\nNothing of this has been checked: `token verify` does that.");
    output.print(&json!({ "header": header, "claims": claims, "verified": false }), &text);
    Ok(())
}

impl Verify {
    fn run(self, output: &Output) -> Result<(), Failure> {
        let token = self.given.read()?;
        let config = setup::config()?;
        let keys = match &self.jwks {
            Some(place) => key_set(place)?,
            None => own_keys(&config)?,
        };
        let audience = [self.audience.as_deref().unwrap_or(&config.audience)];
        let expect = jose::Expectations {
            issuer: self.issuer.as_deref().unwrap_or(&config.issuer),
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

/// Keys by their `kid`.
type KeySet = Vec<(Option<String>, jose::VerifyingKey)>;

/// The keys that the service itself would check with.
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

fn key_set(place: &str) -> Result<KeySet, Failure> {
    let text = if place.starts_with("http://") || place.starts_with("https://") {
        match super::healthcheck::fetch(place, Proxy::FromEnvironment)? {
            (200, body) => body,
            (status, _) => return Err(Failure::refused(format!("{place} answered {status}"))),
        }
    } else {
        fs::read_to_string(place).map_err(|error| Failure::usage(format!("cannot read {place}: {error}")))?
    };
    let set: jose::JwkSet = serde_json::from_str(&text)
        .map_err(|error| Failure::refused(format!("{place} is no JSON Web Key Set: {error}")))?;
    let keys = set
        .keys
        .iter()
        .filter_map(|jwk| Some((jwk.kid().map(str::to_owned), jose::VerifyingKey::from_jwk(jwk).ok()?)));
    Ok(keys.collect())
}
