//! `keys show`, `keys generate`: the key that signs.

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
    ring_service.custody().ring_store().settle(&ring).await.map_err(Failure::because)?;
    show(ring_service, output).await
}

pub(super) async fn show(ring_service: &RingService, output: &Output) -> Result<(), Failure> {
    let ring = setup::ring(ring_service).await?;
    let active =
        ring.active().ok_or_else(|| Failure::refused("no key signs; `keys rotate --now` has one sign"))?;
    print(active, &ring_service.custody().ring_store().place(), output)
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
