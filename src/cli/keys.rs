//! `keys`: what signs.

use clap::Subcommand;
use serde_json::json;

use super::setup;
use super::{Failure, Output};
use crate::config::Config;
use crate::keys::custody::{Directory, KeyKind, StoredKey};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Show the key of KEYS_DIR: its kid, kind, age, thumbprint and public half
    Show,
    /// Make a key in KEYS_DIR, unless there is one
    Generate,
}

impl Keys {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        match self {
            Self::Show => show(&config, &setup::stored_key(&config)?, output),
            Self::Generate => generate(&config, output)?,
        }
        Ok(())
    }
}

fn generate(config: &Config, output: &Output) -> Result<(), Failure> {
    let directory = Directory::new(&config.keys_dir);
    if directory.load(config.algorithm).map_err(Failure::refused)?.is_some() {
        let folder = config.keys_dir.display();
        return Err(Failure::refused(format!("there is a key in {folder} already; it was left as it is")));
    }
    let kind = KeyKind { algorithm: config.algorithm, rsa_bits: config.key_bits };
    show(config, &directory.load_or_generate(kind).map_err(Failure::refused)?, output);
    Ok(())
}

fn show(config: &Config, key: &StoredKey, output: &Output) {
    let public = key.signing.verifying_key();
    let (pem, thumbprint) = (public.to_spki_pem(), public.thumbprint());
    let (algorithm, bits, created_at) = (key.signing.algorithm(), public.bits(), key.created_at);
    let kid = config.kid.as_str();
    let value = json!({
        "kid": kid,
        "alg": algorithm.name(),
        "bits": bits,
        "created_at": created_at.to_string(),
        "thumbprint": thumbprint,
        "public_key": pem,
        "folder": config.keys_dir,
    });
    let text = format!(
        "kid         {kid}\nalgorithm   {algorithm} ({bits} bits)\ncreated     {created_at}\n\
         thumbprint  {thumbprint}\nfolder      {}\n\n{pem}",
        config.keys_dir.display()
    );
    output.print(&value, &text);
}
