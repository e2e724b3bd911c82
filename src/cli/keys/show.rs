//! `keys show`, `keys generate`: the key that signs.

use serde_json::json;

use super::super::setup;
use super::{Failure, Output};
use crate::domain::KeyRecord;
use crate::keys::Keeper;
use crate::keys::custody::public_half;

pub(super) async fn generate(keeper: &Keeper, output: &Output) -> Result<(), Failure> {
    if keeper.peek().await.map_err(Failure::because)?.is_some() {
        let place = keeper.custody().ring().place();
        return Err(Failure::refused(format!("there is a key in {place} already; it was left as it is")));
    }
    let ring = keeper.begin().await.map_err(Failure::because)?.ring;
    keeper.custody().ring().settle(&ring).await.map_err(Failure::because)?;
    show(keeper, output).await
}

pub(super) async fn show(keeper: &Keeper, output: &Output) -> Result<(), Failure> {
    let ring = setup::ring(keeper).await?;
    let active =
        ring.active().ok_or_else(|| Failure::refused("no key signs; `keys rotate --now` has one sign"))?;
    print(active, &keeper.custody().ring().place(), output)
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
