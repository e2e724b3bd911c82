//! `keys import`: takes in keys of other systems.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jose::{Algorithm, Jwk, KeyError, SigningKey, VerifyingKey};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::change::{kid, tell};
use super::{Consent, Failure, Output, outlasts, refused};
use crate::domain::{KeyState, Kid, NewKey};
use crate::keys::RingService;
use crate::keys::orders::{Import as Brought, Order};

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// File with PEM (PKCS#8, PKCS#1, SEC1, or a public key), a JWK or a JWK Set; or -
    /// to read it from standard input
    file: PathBuf,
    /// State of the key in the key ring
    #[arg(long, default_value = "published")]
    state: State,
    /// Id of the key [default: the `kid` in the file, else the thumbprint of the key]
    #[arg(long, value_parser = kid, allow_hyphen_values = true)]
    kid: Option<Kid>,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    /// In the key set now; signs when every verifier can know it
    Published,
    /// Signs at once
    Active,
    /// Verifies only, until the longest token of the settings has expired
    Retired,
}

/// A key from a file, with what the file says about it.
struct FoundKey {
    private: Option<SigningKey>,
    public: VerifyingKey,
    kid: Option<String>,
    aliases: Vec<String>,
}

impl Import {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let text = self.read()?;
        let listed: Vec<_> = ring_service.schedule().kinds.iter().map(|kind| kind.algorithm).collect();
        let found = keys_of(&text, &listed)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.file.display())))?;
        if found.len() > 1 && (self.kid.is_some() || self.state != State::Retired) {
            let several = "the file holds several keys: import them with --state retired and without --kid, or one by one";
            return Err(Failure::usage(several));
        }
        let begun = ring_service.peek().await.map_err(Failure::because)?;
        if let Some(ring) = begun.filter(|_| self.state == State::Active) {
            let blind = outlasts(ring_service, &ring);
            self.consent.ask(&format!(
                "The key would sign at once. Verifiers that have not seen it refuse its tokens until they fetch the key \
                 set again: up to {blind}. With --state published, it signs when all verifiers know it."
            ))?;
        }
        for key in found {
            self.take_in(ring_service, key, output).await?;
        }
        Ok(())
    }

    async fn take_in(
        &self,
        ring_service: &RingService,
        key: FoundKey,
        output: &Output,
    ) -> Result<(), Failure> {
        let thumbprint = || Kid::parse(&key.public.thumbprint());
        let named = key.kid.as_deref().map_or_else(thumbprint, Kid::parse);
        let kid = self.kid.clone().map_or(named, Ok).map_err(Failure::usage)?;
        let aliases = key.aliases.iter().map(|alias| Kid::parse(alias)).collect::<Result<Vec<_>, _>>();
        let aliases = aliases.map_err(Failure::usage)?.into_iter().filter(|alias| *alias != kid).collect();
        let home = match &key.private {
            Some(private) => Some(ring_service.custody().keep(private).await.map_err(Failure::because)?),
            None => None,
        };
        let state = match self.state {
            State::Published => KeyState::Published,
            State::Active => KeyState::Active,
            State::Retired => KeyState::Retired,
        };
        let algorithm = key.public.algorithm();
        let new = NewKey {
            kid: kid.clone(),
            alg: algorithm.name().to_owned(),
            bits: key.public.bits(),
            public: key.public.to_spki_pem(),
            home,
        };
        let order = Order::Import(Box::new(Brought { new, aliases, state }));
        let after = ring_service.order(&order).await.map_err(refused)?;
        let told = match state {
            KeyState::Published => "is published",
            KeyState::Active => "signs now",
            _ => "verifies",
        };
        tell(ring_service, &after, algorithm.name(), &format!("{kid} was imported and {told}"), output);
        Ok(())
    }

    fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let unreadable =
            |error: io::Error| Failure::usage(format!("cannot read {}: {error}", self.file.display()));
        let mut text = Zeroizing::new(String::new());
        if self.file.as_os_str() == "-" {
            io::stdin().take(1 << 20).read_to_string(&mut text).map_err(unreadable)?;
        } else {
            let bytes = Zeroizing::new(fs::read(&self.file).map_err(unreadable)?);
            *text = jose::pem_text(&bytes).map_err(Failure::usage)?.to_owned();
        }
        Ok(text)
    }
}

fn keys_of(text: &str, listed: &[Algorithm]) -> Result<Vec<FoundKey>, KeyError> {
    if !text.trim_start().starts_with('{') {
        return Ok(vec![of_pem(text, listed)?]);
    }
    #[derive(serde::Deserialize)]
    struct Set<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    match serde_json::from_str::<Set<'_>>(text) {
        Ok(set) => set.keys.iter().map(|jwk| of_jwk(jwk.get(), listed)).collect::<Result<_, _>>().map(merged),
        Err(_) => Ok(vec![of_jwk(text, listed)?]),
    }
}

/// A key that is in the set under several names is one key.
fn merged(keys: Vec<FoundKey>) -> Vec<FoundKey> {
    let mut merged: Vec<FoundKey> = Vec::new();
    for key in keys {
        match merged.iter_mut().find(|known| known.public == key.public) {
            Some(known) => known.aliases.extend(key.kid),
            None => merged.push(key),
        }
    }
    merged
}

fn of_jwk(text: &str, listed: &[Algorithm]) -> Result<FoundKey, KeyError> {
    if let Ok(jwk) = Jwk::from_json(text) {
        let public = VerifyingKey::from_jwk(&jwk)?;
        return Ok(FoundKey { private: None, public, kid: jwk.kid().map(str::to_owned), aliases: vec![] });
    }
    let (private, kid) = first_fit(listed, |algorithm| SigningKey::from_jwk(algorithm, text))?;
    Ok(FoundKey { public: private.verifying_key().clone(), private: Some(private), kid, aliases: vec![] })
}

/// A PEM file does not say for which algorithm its key is. This takes the first algorithm of the settings
/// that fits the key, or else the usual algorithm of its kind.
fn of_pem(text: &str, listed: &[Algorithm]) -> Result<FoundKey, KeyError> {
    let (public, private) = first_fit(listed, |algorithm| match SigningKey::from_pem(algorithm, text) {
        Ok(private) => Ok((private.verifying_key().clone(), Some(private))),
        Err(KeyError::PublicKey) => VerifyingKey::from_spki_pem(algorithm, text).map(|public| (public, None)),
        Err(fault) => Err(fault),
    })?;
    Ok(FoundKey { private, public, kid: None, aliases: vec![] })
}

/// What `read` makes of a key by the first algorithm that it fits.
fn first_fit<T>(
    listed: &[Algorithm],
    read: impl Fn(Algorithm) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let mut first_fault = None;
    for algorithm in listed.iter().copied().chain(Algorithm::ALL) {
        match read(algorithm) {
            Err(fault @ KeyError::WrongKind { .. }) => first_fault.get_or_insert(fault),
            other => return other,
        };
    }
    Err(first_fault.unwrap_or(KeyError::Malformed))
}
