//! `keys export`: prints keys for other systems.

use clap::Args;
use jose::JwkSet;
use serde_json::json;

use super::super::setup;
use super::change::kid;
use super::{Failure, Output};
use crate::domain::{Kid, RingRecord};
use crate::keys::custody::public_half;
use crate::keys::{Private, RingService};

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    half: Half,
    /// Id of the key [default: all keys of the key set; with --private the active key]
    #[arg(value_parser = kid, allow_hyphen_values = true)]
    kid: Option<Kid>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Half {
    /// Print public keys as a JWK Set
    #[arg(long)]
    public: bool,
    /// Print a private key as PEM (PKCS#8): a person who has it can issue any token
    #[arg(long)]
    private: bool,
}

impl Export {
    pub(super) async fn run(self, ring_service: &RingService, output: &Output) -> Result<(), Failure> {
        let ring = setup::ring(ring_service).await?;
        if self.half.private {
            return private(ring_service, &ring, self.kid.as_ref(), output).await;
        }
        let mut keys = Vec::new();
        for key in ring.verifying().filter(|key| {
            self.kid.as_ref().is_none_or(|kid| ring.named(kid).is_some_and(|named| named.kid == key.kid))
        }) {
            let public = public_half(key).map_err(Failure::because)?;
            keys.extend(std::iter::once(&key.kid).chain(&key.aliases).map(|kid| public.to_jwk(kid.as_str())));
        }
        if keys.is_empty() {
            return Err(Failure::refused("there is no such key in the key set; `keys list` shows all keys"));
        }
        let set = serde_json::to_string(&JwkSet { keys }).map_err(Failure::refused)?;
        output.raw(&set, &set);
        Ok(())
    }
}

async fn private(
    ring_service: &RingService,
    ring: &RingRecord,
    kid: Option<&Kid>,
    output: &Output,
) -> Result<(), Failure> {
    let key = match kid {
        Some(kid) => ring.named(kid),
        None => ring_service.schedule().default_key(ring),
    };
    let key = key.ok_or_else(|| Failure::refused("there is no such key; `keys list` shows all keys"))?;
    match ring_service.open(key).await.map_err(Failure::because)? {
        Private::Local(signing) => {
            let pem = signing.to_pkcs8_pem().map_err(Failure::refused)?;
            output.print(&json!({ "kid": key.kid, "private_key": pem.as_str() }), &pem);
            Ok(())
        }
        Private::Remote(_) => {
            Err(Failure::refused(format!("the private half of {} never leaves its custody", key.kid)))
        }
    }
}
