//! The custody `vault`, from its settings.

use crate::clock::Clock;
use crate::config::{VaultChoice, VaultLogin as Chosen};
use crate::entropy::Entropy;
use crate::keys::custody::{Vault, VaultError, VaultLogin, VaultSettings};

/// The transit engine that `choice` means. Nothing is asked of it yet.
pub(super) fn open(choice: &VaultChoice, clock: &Clock) -> Result<Vault, VaultError> {
    let login = match choice.login.clone() {
        Chosen::Token(token) => VaultLogin::Token(token),
        Chosen::Kubernetes { role, jwt_file } => VaultLogin::Kubernetes { role, jwt_file },
        Chosen::AppRole { role_id, secret_id } => VaultLogin::AppRole { role_id, secret_id },
    };
    let choice = choice.clone();
    let settings = VaultSettings {
        address: choice.address,
        namespace: choice.namespace,
        ca_file: choice.ca_file,
        transit_mount: choice.transit_mount,
        transit_key: choice.transit_key,
        auth_mount: choice.auth_mount,
        login,
    };
    // What is drawn here only spreads questions over time.
    Vault::new(settings, clock.clone(), Entropy::System)
}
