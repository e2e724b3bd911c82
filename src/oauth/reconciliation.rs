//! Makes the stored clients as `CLIENTS_FILE` says.

use super::ClientRegistry;
use super::client_plan::{PlannedAction, PlannedChange, plan};
use super::client_registry::{ClientChangeError, MAX_TRIES};
use super::clients_file::ClientsFile;
use crate::domain::{Client, EventKind, Initiator};
use crate::store::StoreError;

impl ClientRegistry {
    /// What [`ClientRegistry::reconcile`] would change.
    ///
    /// # Errors
    /// As the store.
    pub async fn plan(&self, file: &ClientsFile) -> Result<Vec<PlannedChange>, StoreError> {
        Ok(plan(&self.list().await?, file))
    }

    /// Makes the stored clients as the file says, and returns the changes. Clients of the command line that the file does not
    /// name stay. Several instances may do this at the same time.
    ///
    /// # Errors
    /// [`ClientChangeError`]; some changes may have been made.
    pub async fn reconcile(&self, file: &ClientsFile) -> Result<Vec<PlannedChange>, ClientChangeError> {
        let by = Initiator::SYSTEM;
        let mut made = Vec::new();
        for _ in 0..MAX_TRIES {
            let stored = self.list().await?;
            let planned = plan(&stored, file);
            if planned.is_empty() {
                return Ok(made);
            }
            for change in planned {
                let before = stored.iter().find(|client| client.id == change.id);
                // If another instance came first, the next look shows what is left.
                if self.apply(&change, before, file, &by).await? {
                    made.push(change);
                }
            }
        }
        Err(ClientChangeError::Contended)
    }

    async fn apply(
        &self,
        change: &PlannedChange,
        before: Option<&Client>,
        file: &ClientsFile,
        by: &Initiator,
    ) -> Result<bool, ClientChangeError> {
        let now = self.now();
        let new = self.new_registration()?;
        let wanted = file.find(&change.id).map(|wanted| wanted.record(before, Some(new), now));
        let event = |kind| self.event(kind, &change.id, by, now);
        Ok(match (&change.action, wanted, before) {
            (PlannedAction::Create, Some(wanted), _) => {
                self.store.create_client(&wanted, &event(EventKind::ClientCreated)?).await?
            }
            (PlannedAction::Change(_) | PlannedAction::TakeOver(_), Some(wanted), Some(before)) => {
                let changed = event(EventKind::ClientChanged)?;
                self.store.replace_client_if(before.revision, &wanted, &changed).await?
            }
            (PlannedAction::Delete, None, Some(before)) => self.remove(before, by).await?,
            _ => false,
        })
    }
}
