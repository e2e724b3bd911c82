//! `token`: make, read and check tokens without a server.

use std::fs;
use std::io::{self, Read};

use clap::{Args, Subcommand};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::healthcheck::Route;
use super::setup;
use super::{Failure, Output};
use crate::app;
use crate::clock::Clock;
use crate::domain::{Lifetime, Timestamp};
use crate::entropy::Entropy;
use crate::token::{CustomClaims, TokenRequest};

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token with the key of KEYS_DIR
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
    /// A key set: the address or the file of a JWKS [default: the key of KEYS_DIR]
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
        setup::stored_key(&config)?;
        let issued = setup::runtime()?.block_on(async {
            let tokens =
                app::open_tokens(&config, Clock::System, Entropy::System).await.map_err(Failure::refused)?;
            tokens.issue_as_operator(&request).await.map_err(Failure::refused)
        })?;
        let value =
            json!({ "access_token": issued.token, "token_type": "Bearer", "expires_in": issued.expires_in });
        output.print(&value, &issued.token);
        Ok(())
    }
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
            None => vec![(None, setup::stored_key(&config)?.signing.verifying_key().clone())],
        };
        let audience = [self.audience.as_deref().unwrap_or(&config.audience)];
        let expect = jose::Expectations {
            issuer: self.issuer.as_deref().unwrap_or(&config.issuer),
            audience: &audience,
            leeway: config.clock_skew,
            now: Clock::System.now().as_secs(),
        };
        // The key of the folder answers to every kid: it is the only one there is.
        let key_of = |kid: &str| {
            keys.iter()
                .find(|(of_key, _)| of_key.as_deref().is_none_or(|of_key| of_key == kid))
                .map(|(_, key)| key)
        };
        let verified = jose::verify(&token, key_of, &expect)
            .map_err(|rejection| Failure::refused(format!("{rejection} ({})", rejection.code())))?;
        let claims: Value = serde_json::from_str(&verified.claims).unwrap_or_default();
        output
            .print(&json!({ "valid": true, "claims": claims }), &format!("The token is valid.\n{claims:#}"));
        Ok(())
    }
}

fn key_set(place: &str) -> Result<Vec<(Option<String>, jose::VerifyingKey)>, Failure> {
    let text = if place.starts_with("http://") || place.starts_with("https://") {
        match super::healthcheck::fetch(place, Route::AsTheEnvironmentSays)? {
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
