//! `keys show`, `keys generate`: the keys that sign.

use jose::Algorithm;
use serde_json::json;

use super::super::setup;
use super::{Failure, Output};
use crate::domain::KeyRecord;
use crate::keys::RingService;
use crate::keys::custody::public_half;

pub(super) async fn generate(ring_service: &RingService, output: &Output) -> Result<(), Failure> {
    if ring_service.peek().await.map_err(Failure::because)?.is_some() {
        let place = ring_service.custody().ring_store().place();
        return Err(Failure::refused(format!("there is a key in {place} already; it was left as it is")));
    }
    let ring = ring_service.begin().await.map_err(Failure::because)?.ring;
    ring_service.custody().ring_store().align_copies(&ring).await.map_err(Failure::because)?;
    show(ring_service, None, output).await
}

/// Shows the key that signs by `algorithm`, or by the default one.
pub(super) async fn show(
    ring_service: &RingService,
    algorithm: Option<Algorithm>,
    output: &Output,
) -> Result<(), Failure> {
    let ring = setup::ring(ring_service).await?;
    let active = match algorithm {
        Some(algorithm) => ring.active(algorithm.name()),
        None => ring_service.schedule().default_key(&ring),
    };
    let active = active.ok_or_else(|| Failure::refused(none_signs(algorithm)))?;
    print(active, &ring_service.custody().ring_store().place(), output)
}

fn none_signs(algorithm: Option<Algorithm>) -> String {
    match algorithm {
        Some(algorithm) => format!("no key signs with {algorithm}; `keys list` shows all keys"),
        None => "no key signs; `keys rotate --now` makes one active".to_owned(),
    }
}

fn print(key: &KeyRecord, place: &str, output: &Output) -> Result<(), Failure> {
    let public = public_half(key).map_err(Failure::because)?;
    let (pem, thumbprint) = (public.to_spki_pem(), public.thumbprint());
    let (algorithm, bits, created_at, kid) = (public.algorithm(), public.bits(), key.published_at, &key.kid);
    let value = json!({
        "kid": kid,
        "alg": algorithm.name(),
        "bits": bits,
        "created_at": created_at.to_string(),
        "thumbprint": thumbprint,
        "public_key": pem,
        "place": place,
    });
    let text = format!(
        "kid         {kid}\nalgorithm   {algorithm} ({bits} bits)\ncreated     {created_at}\n\
         thumbprint  {thumbprint}\nplace       {place}\n\n{pem}"
    );
    output.print(&value, &text);
    Ok(())
}
