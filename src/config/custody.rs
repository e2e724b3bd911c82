//! `KEY_CUSTODY` and what belongs to each custody.

use super::settings;
use super::{Reader, Setting, Sources, StoreChoice, parse};
use crate::domain::Secret;
use crate::keys::custody::{VaultLogin, VaultSettings};

/// The place of the private keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustodyChoice {
    /// In files of `KEYS_DIR`.
    Directory,
    /// In the database, sealed.
    Database,
    /// In AWS KMS; credentials, region and endpoint are found as AWS's own tools find them.
    AwsKms,
    /// In the secret of `KEYS_SECRET`.
    AwsSecretsManager,
    /// In the transit engine of Vault or OpenBao; [`VaultSettings`] say how to reach it.
    Vault,
}

impl CustodyChoice {
    /// Reads `KEY_CUSTODY`.
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "directory" => Ok(Self::Directory),
            "database" => Ok(Self::Database),
            "aws-kms" => Ok(Self::AwsKms),
            "aws-secrets-manager" => Ok(Self::AwsSecretsManager),
            "vault" => Ok(Self::Vault),
            _ => Err("must be directory, database, aws-kms, aws-secrets-manager or vault".to_owned()),
        }
    }

    /// The custody if `KEY_CUSTODY` is not set. If a secret is named for the ring, that secret; with MongoDB
    /// and a `KEY_ENCRYPTION_KEY`, the database, which all instances share; otherwise the folder.
    fn usual(store: &StoreChoice, sealed: bool, in_secret: bool) -> Self {
        match store {
            _ if in_secret => Self::AwsSecretsManager,
            StoreChoice::Mongo(_) if sealed => Self::Database,
            _ => Self::Directory,
        }
    }
}

/// Reads `KEY_CUSTODY`, and checks it against the other settings.
pub(super) fn choice(
    read: &mut Reader<'_>,
    store: &StoreChoice,
    sealed: bool,
    in_secret: bool,
) -> CustodyChoice {
    let Some(named) = read.optional(settings::KEY_CUSTODY, CustodyChoice::parse) else {
        return CustodyChoice::usual(store, sealed, in_secret);
    };
    let (keys_elsewhere, ring_in_database) = match named {
        CustodyChoice::Directory | CustodyChoice::AwsSecretsManager => (false, false),
        CustodyChoice::Database => (false, true),
        CustodyChoice::AwsKms | CustodyChoice::Vault => (true, !in_secret),
    };
    if ring_in_database && matches!(store, StoreChoice::Sqlite(folder) if folder.as_os_str() == ":memory:") {
        read.fault(
            settings::DATA_DIR,
            "must be a folder with this KEY_CUSTODY: the ring of keys is in the database, and must last",
        );
    }
    if keys_elsewhere && ring_in_database && !sealed && !store.is_absent() {
        read.fault(
            settings::KEY_ENCRYPTION_KEY,
            "it is needed: with this KEY_CUSTODY the ring of keys is in the database, where it must be protected against \
             added keys; `keys secret` makes one; if the ring is there already, give it to every instance and run \
             `keys reseal` once",
        );
    }
    if named == CustodyChoice::Database && !sealed {
        read.fault(
            settings::KEY_CUSTODY,
            "needs a KEY_ENCRYPTION_KEY to seal keys with; `keys secret` makes one",
        );
    }
    if named == CustodyChoice::Database && store.is_absent() {
        read.fault(settings::KEY_CUSTODY, "needs a database, but SKIP_DATABASE=true turns it off");
    }
    if named == CustodyChoice::AwsSecretsManager && !in_secret {
        read.fault(settings::KEYS_SECRET, "it is needed with KEY_CUSTODY=aws-secrets-manager");
    }
    named
}

/// A function has no permanent folder, and many instances of it run at once: all of them must find the keys.
pub(super) fn check_function(
    read: &mut Reader<'_>,
    custody: CustodyChoice,
    store: &StoreChoice,
    in_secret: bool,
) {
    match custody {
        CustodyChoice::Directory => read.fault(
            settings::KEY_CUSTODY,
            "must be aws-secrets-manager, aws-kms, vault or database in a function of AWS Lambda: each instance there has its own temporary folder",
        ),
        CustodyChoice::AwsKms | CustodyChoice::Vault if store.is_absent() && !in_secret => read.fault(
            settings::KEYS_SECRET,
            "it is needed in a function of AWS Lambda without MongoDB: all instances must find the same ring of keys",
        ),
        _ => {}
    }
}

/// How to reach Vault, if new keys are made there, and whenever it is set: old keys may still be there.
pub(super) fn vault_settings(
    read: &mut Reader<'_>,
    sources: &Sources,
    custody: CustodyChoice,
) -> Option<VaultSettings> {
    if custody == CustodyChoice::Vault {
        return Some(vault(read));
    }
    let mut aside = Reader::new(sources);
    let found = vault(&mut aside);
    aside.into_faults().is_empty().then_some(found)
}

fn vault(read: &mut Reader<'_>) -> VaultSettings {
    let auth = read.optional(settings::VAULT_AUTH, |text| match text {
        "token" | "kubernetes" | "approle" => Ok(text.to_owned()),
        _ => Err("must be token, kubernetes or approle".to_owned()),
    });
    let auth = auth.unwrap_or_else(|| "token".to_owned());
    let login = match auth.as_str() {
        "kubernetes" => VaultLogin::Kubernetes {
            role: needed(read, settings::VAULT_ROLE),
            jwt_file: read.text(settings::VAULT_JWT_FILE).into(),
        },
        "approle" => VaultLogin::AppRole {
            role_id: needed(read, settings::VAULT_ROLE_ID),
            secret_id: Secret::new(needed(read, settings::VAULT_SECRET_ID)),
        },
        _ => VaultLogin::Token(Secret::new(needed(read, settings::VAULT_TOKEN))),
    };
    let address = match read.optional(settings::VAULT_ADDR, parse::url) {
        Some(address) => address,
        None => needed(read, settings::VAULT_ADDR),
    };
    VaultSettings {
        address,
        namespace: read.optional_text(settings::VAULT_NAMESPACE),
        ca_file: read.optional_text(settings::VAULT_CACERT).map(Into::into),
        transit_mount: read.text(settings::VAULT_TRANSIT_MOUNT),
        transit_key: read.text(settings::VAULT_TRANSIT_KEY),
        auth_mount: read.optional_text(settings::VAULT_AUTH_MOUNT).unwrap_or(auth),
        login,
    }
}

fn needed(read: &mut Reader<'_>, setting: &'static Setting) -> String {
    let text = read.text(setting);
    if text.is_empty() {
        read.fault(setting, "it is needed with KEY_CUSTODY=vault");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::CustodyChoice;
    use crate::keys::custody::{AwsKms, Directory, SecretRing, StoredRing, Vault};

    #[test]
    fn every_custody_is_set_by_its_own_name() {
        for (name, choice) in [
            (Directory::NAME, CustodyChoice::Directory),
            (StoredRing::NAME, CustodyChoice::Database),
            (AwsKms::NAME, CustodyChoice::AwsKms),
            (SecretRing::NAME, CustodyChoice::AwsSecretsManager),
            (Vault::NAME, CustodyChoice::Vault),
        ] {
            assert_eq!(CustodyChoice::parse(name), Ok(choice));
        }
        assert!(CustodyChoice::parse("Vault").is_err());
    }
}
