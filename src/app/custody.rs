//! The custody that the settings name: the place for new keys, and every other place in which keys of the
//! ring may be.

use std::sync::Arc;

use super::StartError;
use crate::clock::Clock;
use crate::config::{Config, CustodyChoice};
use crate::entropy::Entropy;
use crate::keys::custody::{
    Account, AwsKms, Custody, Directory, InRecord, KeyBackend, RingStore, Sealer, SecretRing, StoredRing,
    Vault,
};
use crate::store::Stores;
use crate::workers::Workers;

/// The server makes keys when it has nothing else to do.
const MAKING_NICENESS: i32 = 19;

/// This function opens nothing and asks no service anything yet. Keys of a ring that has moved may be in any
/// place that can be opened.
pub(super) fn open(config: &Config, stores: &Stores, clock: &Clock) -> Result<Custody, StartError> {
    let maker = Workers::start("make-key", 1, 4, MAKING_NICENESS)?;
    let folder = Directory::new(&config.keys_dir, maker.clone());
    let sealer = config.key_encryption_key.as_ref().map(|text| Sealer::parse(text.expose())).transpose();
    let sealer = sealer.map_err(StartError::Sealing)?.map(Arc::new);
    let in_folder: Arc<dyn KeyBackend> = Arc::new(folder.clone());
    let account = Arc::new(Account::default());
    let in_secret = config.keys_secret.as_deref().map(|id| SecretRing::new(Arc::clone(&account), id));
    // A key goes into the document of the ring only if that is sealed, by this service or by Secrets Manager.
    let seals = in_secret.is_some() || (sealer.is_some() && !config.store.is_absent());
    let in_record = seals.then(|| Arc::new(InRecord::new(maker)) as Arc<dyn KeyBackend>);
    let aws_kms: Arc<dyn KeyBackend> = Arc::new(AwsKms::new(account));
    // These random numbers only spread requests over time.
    let in_vault = config.vault.clone().map(|vault| Vault::new(vault, clock.clone(), Entropy::System));
    let in_vault = in_vault.transpose()?;
    let in_vault = in_vault.map(|vault| Arc::new(vault) as Arc<dyn KeyBackend>);
    let stored = || -> Result<Arc<dyn RingStore>, StartError> {
        let sealer = sealer.clone().ok_or(StartError::RingUnprotected)?;
        let (rings, instances) = (Arc::clone(&stores.rings), Arc::clone(&stores.instances));
        Ok(Arc::new(StoredRing::new(rings, instances, sealer, clock.clone(), Entropy::System)))
    };
    let in_files = || Arc::new(folder.clone()) as Arc<dyn RingStore>;
    let named = in_secret.map(|secret| Arc::new(secret) as Arc<dyn RingStore>);
    // If private keys are elsewhere and the settings name no secret for the ring, the ring is in the
    // database, or without a database in the folder.
    let otherwise = || if config.store.is_absent() { Ok(in_files()) } else { stored() };
    let ring = || named.clone().map_or_else(otherwise, Ok);
    let (name, ring, homes) = match config.custody {
        CustodyChoice::Directory => {
            (Directory::NAME, in_files(), vec![Some(in_folder), Some(aws_kms), in_vault])
        }
        CustodyChoice::Database => {
            (StoredRing::NAME, stored()?, vec![in_record, Some(in_folder), Some(aws_kms), in_vault])
        }
        CustodyChoice::AwsSecretsManager => {
            (SecretRing::NAME, ring()?, vec![in_record, Some(in_folder), Some(aws_kms), in_vault])
        }
        CustodyChoice::AwsKms => {
            (AwsKms::NAME, ring()?, vec![Some(aws_kms), in_record, Some(in_folder), in_vault])
        }
        CustodyChoice::Vault => {
            (Vault::NAME, ring()?, vec![in_vault, in_record, Some(in_folder), Some(aws_kms)])
        }
    };
    Ok(Custody::new(name, ring, homes.into_iter().flatten().collect(), folder))
}
