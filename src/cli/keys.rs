//! `keys`: what signs.

use clap::Subcommand;
use serde_json::json;

use super::setup;
use super::{Failure, Output};
use crate::domain::KeyRecord;
use crate::keys::Keeper;
use crate::keys::custody::public_half;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Show the key that signs: its kid, kind, age, thumbprint and public half
    Show,
    /// Begin with a new key, unless there is one
    Generate,
}

impl Keys {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let keeper = setup::keeper(&config)?;
            match self {
                Self::Show => show(&keeper, output).await,
                Self::Generate => generate(&keeper, output).await,
            }
        })
    }
}

async fn generate(keeper: &Keeper, output: &Output) -> Result<(), Failure> {
    if keeper.peek().await.map_err(Failure::because)?.is_some() {
        let place = keeper.custody().ring().place();
        return Err(Failure::refused(format!("there is a key in {place} already; it was left as it is")));
    }
    let ring = keeper.begin().await.map_err(Failure::because)?.ring;
    keeper.custody().ring().settle(&ring).await.map_err(Failure::because)?;
    show(keeper, output).await
}

async fn show(keeper: &Keeper, output: &Output) -> Result<(), Failure> {
    let ring = setup::ring(keeper).await?;
    let active =
        ring.active().ok_or_else(|| Failure::refused("no key signs; `keys rotate --now` has one made"))?;
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
