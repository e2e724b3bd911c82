//! `KEY_CUSTODY` and what belongs to each custody.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::parse::{self, Reader};
use super::{Sources, StoreChoice};

/// Where keys live.
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
    /// In the transit engine of Vault or OpenBao; how to reach it is in [`VaultChoice`].
    Vault,
}

/// The `VAULT_*` settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultChoice {
    /// `VAULT_ADDR`.
    pub address: String,
    /// `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// `VAULT_CACERT`.
    pub ca_file: Option<PathBuf>,
    /// `VAULT_TRANSIT_MOUNT`.
    pub transit_mount: String,
    /// `VAULT_TRANSIT_KEY`.
    pub transit_key: String,
    /// `VAULT_AUTH_MOUNT`, or the usual one.
    pub auth_mount: String,
    /// `VAULT_AUTH` and what it needs.
    pub login: VaultLogin,
}

/// How to log in to Vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultLogin {
    /// With `VAULT_TOKEN`.
    Token(Zeroizing<String>),
    /// With the token of a Kubernetes service account.
    Kubernetes {
        /// `VAULT_ROLE`.
        role: String,
        /// `VAULT_JWT_FILE`.
        jwt_file: PathBuf,
    },
    /// With `VAULT_ROLE_ID` and `VAULT_SECRET_ID`.
    AppRole {
        /// The role.
        role_id: String,
        /// Its secret.
        secret_id: Zeroizing<String>,
    },
}

/// Where a secret is named for the ring, that; with MongoDB, and something to seal keys with, the database, which all
/// instances share; else the folder.
pub(super) fn choice(
    read: &mut Reader<'_>,
    store: &StoreChoice,
    sealed: bool,
    in_secret: bool,
) -> CustodyChoice {
    let named = read.optional("KEY_CUSTODY", |text| match text {
        "directory" | "database" | "aws-kms" | "aws-secrets-manager" | "vault" => Ok(text.to_owned()),
        _ => Err("must be directory, database, aws-kms, aws-secrets-manager or vault".to_owned()),
    });
    let ring_in_database = match named.as_deref() {
        Some("database") => true,
        Some("aws-kms" | "vault") => !in_secret,
        _ => false,
    };
    if ring_in_database && matches!(store, StoreChoice::Sqlite(folder) if folder.as_os_str() == ":memory:") {
        read.fault(
            "DATA_DIR",
            "must be a folder with this KEY_CUSTODY: the ring of keys is in the database, and must last",
        );
    }
    let keys_elsewhere = matches!(named.as_deref(), Some("aws-kms" | "vault"));
    if keys_elsewhere && ring_in_database && !sealed && *store != StoreChoice::Absent {
        read.fault(
            "KEY_ENCRYPTION_KEY",
            "is needed: with this KEY_CUSTODY the ring of keys is in the database, where it must be protected against \
             added keys; `keys secret` makes one; if the ring is there already, give it to every instance and run \
             `keys reseal` once",
        );
    }
    match named.as_deref() {
        Some("database") => {
            if !sealed {
                read.fault(
                    "KEY_CUSTODY",
                    "needs a KEY_ENCRYPTION_KEY to seal keys with; `keys secret` makes one",
                );
            }
            if *store == StoreChoice::Absent {
                read.fault("KEY_CUSTODY", "needs a database, and SKIP_DATABASE=true leaves it out");
            }
            CustodyChoice::Database
        }
        Some("aws-kms") => CustodyChoice::AwsKms,
        Some("aws-secrets-manager") => {
            if !in_secret {
                read.fault("KEYS_SECRET", "is needed with KEY_CUSTODY=aws-secrets-manager");
            }
            CustodyChoice::AwsSecretsManager
        }
        Some("vault") => CustodyChoice::Vault,
        Some(_) => CustodyChoice::Directory,
        None if in_secret => CustodyChoice::AwsSecretsManager,
        None if sealed && matches!(store, StoreChoice::Mongo(_)) => CustodyChoice::Database,
        None => CustodyChoice::Directory,
    }
}

/// A function has no folder that lasts, and many of it run at once: its keys must be where all find them.
pub(super) fn check_function(
    read: &mut Reader<'_>,
    custody: CustodyChoice,
    store: &StoreChoice,
    in_secret: bool,
) {
    match custody {
        CustodyChoice::Directory => read.fault(
            "KEY_CUSTODY",
            "must be aws-secrets-manager, aws-kms, vault or database in a function of AWS Lambda: a folder there does not \
             last, and is another one in each instance",
        ),
        CustodyChoice::AwsKms | CustodyChoice::Vault if *store == StoreChoice::Absent && !in_secret => read.fault(
            "KEYS_SECRET",
            "is needed in a function of AWS Lambda without MongoDB: the ring of keys must be where all instances find it",
        ),
        _ => {}
    }
}

/// How to reach Vault, where keys are made there, and also where it is set: keys of earlier days may still be in it.
pub(super) fn vault_choice(
    read: &mut Reader<'_>,
    sources: &Sources,
    custody: CustodyChoice,
) -> Option<VaultChoice> {
    if custody == CustodyChoice::Vault {
        return Some(vault(read));
    }
    let mut aside = Reader::new(sources);
    let choice = vault(&mut aside);
    aside.into_faults().is_empty().then_some(choice)
}

fn vault(read: &mut Reader<'_>) -> VaultChoice {
    let auth = read.optional("VAULT_AUTH", |text| match text {
        "token" | "kubernetes" | "approle" => Ok(text.to_owned()),
        _ => Err("must be token, kubernetes or approle".to_owned()),
    });
    let auth = auth.unwrap_or_else(|| "token".to_owned());
    let login = match auth.as_str() {
        "kubernetes" => VaultLogin::Kubernetes {
            role: needed(read, "VAULT_ROLE"),
            jwt_file: read.text("VAULT_JWT_FILE").into(),
        },
        "approle" => VaultLogin::AppRole {
            role_id: needed(read, "VAULT_ROLE_ID"),
            secret_id: Zeroizing::new(needed(read, "VAULT_SECRET_ID")),
        },
        _ => VaultLogin::Token(Zeroizing::new(needed(read, "VAULT_TOKEN"))),
    };
    let address = match read.optional("VAULT_ADDR", parse::url) {
        Some(address) => address,
        None => needed(read, "VAULT_ADDR"),
    };
    VaultChoice {
        address,
        namespace: Some(read.text("VAULT_NAMESPACE")).filter(|text| !text.is_empty()),
        ca_file: Some(read.text("VAULT_CACERT")).filter(|text| !text.is_empty()).map(Into::into),
        transit_mount: read.text("VAULT_TRANSIT_MOUNT"),
        transit_key: read.text("VAULT_TRANSIT_KEY"),
        auth_mount: Some(read.text("VAULT_AUTH_MOUNT")).filter(|text| !text.is_empty()).unwrap_or(auth),
        login,
    }
}

fn needed(read: &mut Reader<'_>, name: &'static str) -> String {
    let text = read.text(name);
    if text.is_empty() {
        read.fault(name, "is needed with KEY_CUSTODY=vault");
    }
    text
}
