//! An operator's changes of the stored clients, by commands and by `CLIENTS_FILE`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client_directory::list_all;
use super::client_faults::ClientFaults;
use super::client_rules::ClientRules;
use super::clients_file::hash_of;
use crate::clock::Clock;
use crate::domain::{
    Client, ClientId, ClientMetadata, ClientOrigin, ClientSecretHash, Denial, Denied, Event, EventKind,
    EventSubject, Initiator, RegistrationId, Secret, Timestamp,
};
use crate::entropy::{Entropy, EntropyError};
use crate::store::{Clients, Denials, StoreError, Stores};

/// How often a change is repeated if another change was written first.
pub(super) const MAX_TRIES: usize = 8;

/// The stored clients, for changes.
#[derive(Clone)]
pub struct ClientRegistry {
    pub(super) store: Arc<dyn Clients>,
    denials: Arc<dyn Denials>,
    rules: ClientRules,
    /// Whether `CLIENTS_FILE` is set, so that its clients change there.
    file_in_use: bool,
    clock: Clock,
    entropy: Entropy,
}

/// A client after a change, and its new secret if it got one: it is shown once and then known to the client alone.
#[derive(Debug)]
pub struct ChangedClient {
    /// The client.
    pub client: Client,
    /// The secret.
    pub secret: Option<Secret<String>>,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ClientChangeError {
    /// The metadata break rules.
    #[error("the client cannot be registered:\n{0}")]
    Faults(#[from] ClientFaults),
    /// Another client has the id.
    #[error("there is already a client {0}")]
    Taken(ClientId),
    /// There is no such client.
    #[error("there is no client {0}")]
    Unknown(ClientId),
    /// The file manages the client.
    #[error("the client {0} is managed by CLIENTS_FILE: change the file and restart the service")]
    ManagedByFile(ClientId),
    /// The client has no secret.
    #[error("the client {0} does not authenticate with a secret (token_endpoint_auth_method)")]
    NoSecret(ClientId),
    /// The client is not the one that the change was made from.
    #[error("the client {0} has changed meanwhile; look at it and try again")]
    ChangedMeanwhile(ClientId),
    /// Other changes came first, again and again.
    #[error("other changes of the client were written at the same time; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl ClientRegistry {
    /// The clients in `stores`, which must keep `rules`. With a file of clients in use, those that it manages change only there.
    pub fn new(
        stores: &Stores,
        rules: ClientRules,
        file_in_use: bool,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let (store, denials) = (Arc::clone(&stores.clients), Arc::clone(&stores.denials));
        Self { store, denials, rules, file_in_use, clock, entropy }
    }

    /// Adds a client; without an id, it gets a random one.
    ///
    /// # Errors
    /// [`ClientChangeError`].
    pub async fn create(
        &self,
        id: Option<ClientId>,
        metadata: ClientMetadata,
        by: &Initiator,
    ) -> Result<ChangedClient, ClientChangeError> {
        let id = id.map_or_else(|| self.entropy.bytes().map(ClientId::from_random), Ok)?;
        self.rules.check(&id, &metadata)?;
        let now = self.now();
        let (secrets, secret) = self.first_secret(&metadata, now)?;
        let client = Client {
            id,
            revision: 1,
            origin: ClientOrigin::CommandLine,
            metadata,
            secrets,
            created_at: now,
            updated_at: now,
            registration: Some(self.new_registration()?),
        };
        let created = self.event(EventKind::ClientCreated, &client.id, by, now)?;
        if self.store.create_client(&client, &created).await? {
            Ok(ChangedClient { client, secret })
        } else {
            Err(ClientChangeError::Taken(client.id))
        }
    }

    /// Changes the metadata of revision `seen` of a client. If it begins to use a secret, it gets one; if it no longer uses one, it has none.
    ///
    /// # Errors
    /// [`ClientChangeError`].
    pub async fn update(
        &self,
        id: &ClientId,
        seen: u64,
        change: impl Fn(&mut ClientMetadata) + Send,
        by: &Initiator,
    ) -> Result<ChangedClient, ClientChangeError> {
        let replace = |client: &mut Client, now| {
            if client.revision != seen {
                return Err(ClientChangeError::ChangedMeanwhile(client.id.clone()));
            }
            change(&mut client.metadata);
            self.rules.check(&client.id, &client.metadata)?;
            if !client.metadata.uses_secret() {
                client.secrets.clear();
                return Ok(None);
            }
            if !client.secrets.is_empty() {
                return Ok(None);
            }
            let (secrets, secret) = self.first_secret(&client.metadata, now)?;
            client.secrets = secrets;
            Ok(secret)
        };
        self.replace(id, EventKind::ClientChanged, replace, by).await
    }

    /// Gives a client another secret. The one before stays valid for `overlap` seconds; older ones end at once.
    ///
    /// # Errors
    /// [`ClientChangeError`].
    pub async fn rotate_secret(
        &self,
        id: &ClientId,
        overlap: u64,
        by: &Initiator,
    ) -> Result<ChangedClient, ClientChangeError> {
        let replace = |client: &mut Client, now: Timestamp| {
            if !client.metadata.uses_secret() {
                return Err(ClientChangeError::NoSecret(client.id.clone()));
            }
            let (mut secrets, secret) = self.first_secret(&client.metadata, now)?;
            let before = client.secrets.first().filter(|_| overlap > 0).cloned();
            let expires_at = Some(now.plus_secs(overlap));
            secrets.extend(before.map(|before| ClientSecretHash { expires_at, ..before }));
            client.secrets = secrets;
            Ok(secret)
        };
        self.replace(id, EventKind::ClientSecretRotated, replace, by).await
    }

    /// Removes a client, and returns it as it was. Its tokens are refused from now on, also if a client of this id comes later.
    ///
    /// # Errors
    /// [`ClientChangeError`].
    pub async fn delete(&self, id: &ClientId, by: &Initiator) -> Result<Client, ClientChangeError> {
        let client = self.changeable(id).await?;
        if self.remove(&client, by).await? { Ok(client) } else { Err(ClientChangeError::Unknown(id.clone())) }
    }

    /// First the tokens, then the client: after a crash between the two, the client has no valid tokens, and the removal can
    /// be repeated.
    pub(super) async fn remove(&self, client: &Client, by: &Initiator) -> Result<bool, ClientChangeError> {
        let at = self.clock.now();
        if let Some(registration) = client.registration {
            let last_expiry = at.plus_secs(self.rules.longest_token);
            let denial = Denial::of(Denied::Registration(registration), at, last_expiry);
            self.denials.record_denial(&denial, None).await?;
        }
        let deleted = self.event(EventKind::ClientDeleted, &client.id, by, self.now())?;
        Ok(self.store.delete_client(&client.id, &deleted).await?)
    }

    pub(super) fn new_registration(&self) -> Result<RegistrationId, EntropyError> {
        self.entropy.bytes().map(RegistrationId::from_bytes)
    }

    /// The client with this id.
    ///
    /// # Errors
    /// [`ClientChangeError::Unknown`], or the error of the store.
    pub async fn find(&self, id: &ClientId) -> Result<Client, ClientChangeError> {
        let found = self.store.find_client(id).await?;
        found.ok_or_else(|| ClientChangeError::Unknown(id.clone()))
    }

    /// The client with this id, if commands may change it.
    async fn changeable(&self, id: &ClientId) -> Result<Client, ClientChangeError> {
        let client = self.find(id).await?;
        if self.file_in_use && client.origin == ClientOrigin::File {
            return Err(ClientChangeError::ManagedByFile(id.clone()));
        }
        Ok(client)
    }

    /// All clients in the order of their ids.
    ///
    /// # Errors
    /// As the store.
    pub async fn list(&self) -> Result<Vec<Client>, StoreError> {
        list_all(&*self.store).await
    }

    /// Replaces a client by what `change` makes of it.
    async fn replace(
        &self,
        id: &ClientId,
        kind: EventKind,
        change: impl Fn(&mut Client, Timestamp) -> Result<Option<Secret<String>>, ClientChangeError>,
        by: &Initiator,
    ) -> Result<ChangedClient, ClientChangeError> {
        for _ in 0..MAX_TRIES {
            let mut client = self.changeable(id).await?;
            let (seen, now) = (client.revision, self.now());
            let secret = change(&mut client, now)?;
            (client.revision, client.updated_at) = (seen + 1, now);
            client.origin = ClientOrigin::CommandLine;
            let event = self.event(kind, id, by, now)?;
            if self.store.replace_client_if(seen, &client, &event).await? {
                return Ok(ChangedClient { client, secret });
            }
        }
        Err(ClientChangeError::Contended)
    }

    /// A secret, if the client uses one, and its stored form.
    fn first_secret(
        &self,
        metadata: &ClientMetadata,
        now: Timestamp,
    ) -> Result<(Vec<ClientSecretHash>, Option<Secret<String>>), EntropyError> {
        if !metadata.uses_secret() {
            return Ok((Vec::new(), None));
        }
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(self.entropy.bytes::<32>()?));
        let sha256 = hash_of(secret.expose());
        Ok((vec![ClientSecretHash { sha256, created_at: now, expires_at: None }], Some(secret)))
    }

    /// Records have whole seconds.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().whole_secs()
    }

    pub(super) fn event(
        &self,
        kind: EventKind,
        id: &ClientId,
        by: &Initiator,
        at: Timestamp,
    ) -> Result<Event, EntropyError> {
        let subject = EventSubject::Client(id.clone());
        self.entropy.event(at, kind, by.clone(), subject)
    }
}
