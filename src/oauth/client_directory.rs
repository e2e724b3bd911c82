//! The clients in memory: a copy of all of them, which a task refreshes. Requests read it without a lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};

use super::client_keys::ClientKeys;
use crate::domain::{Client, ClientId, RegistrationId, Timestamp};
use crate::store::{Clients, StoreError};

/// How many clients one call of the store returns.
const PAGE: usize = 500;
/// Between two reads because of tokens whose client is not known here.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Between two reads because of requests that anyone can make, such as one that names an unknown client.
const STRANGER_PAUSE: Duration = Duration::from_secs(5);
/// How long a read because of a request may take.
const LOOK_PATIENCE: Duration = Duration::from_secs(2);

/// The clients as they were read last. Clones share them. If the database stops answering, the last copy stays in use.
#[derive(Clone)]
pub struct ClientDirectory(Arc<Inner>);

struct Inner {
    store: Arc<dyn Clients>,
    /// `None` before the first successful read.
    known: ArcSwapOption<HashMap<ClientId, Arc<KnownClient>>>,
    is_fixed: AtomicBool,
    /// When the last read because of a token began, and whether it succeeded.
    looked: Mutex<Option<(Instant, bool)>>,
    /// The uptime at which a stranger's request made this instance read the clients last.
    read_for_stranger_at: Mutex<Option<Duration>>,
}

/// The clients have not been read yet, so it is not known whether a client exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clients are not loaded yet")]
pub struct ClientsNotLoaded;

/// A client, and what its authentication needs besides its record.
pub(super) struct KnownClient {
    pub(super) client: Arc<Client>,
    pub(super) secrets: Vec<SecretDigest>,
    pub(super) keys: ClientKeys,
}

/// The SHA-256 of a secret that may be valid.
pub(super) struct SecretDigest {
    pub(super) sha256: [u8; 32],
    pub(super) expires_at: Option<Timestamp>,
}

impl ClientDirectory {
    /// A directory that has not been read yet.
    pub fn new(store: Arc<dyn Clients>) -> Self {
        let (known, is_fixed) = (ArcSwapOption::empty(), AtomicBool::new(false));
        let (looked, read_for_stranger_at) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { store, known, is_fixed, looked, read_for_stranger_at }))
    }

    /// The client with this id; `None` if there is no such client.
    ///
    /// # Errors
    /// [`ClientsNotLoaded`] before the first successful [`ClientDirectory::refresh`].
    pub fn find(&self, id: &str) -> Result<Option<Arc<Client>>, ClientsNotLoaded> {
        Ok(self.known(id)?.map(|known| Arc::clone(&known.client)))
    }

    /// The registration `registration` of the client `id`; `None` if it no longer exists, also if another client has the id
    /// now. The caller has its number from a token or a grant of this service: if it is not known here, another instance may
    /// have added the client a moment ago, so that this one reads the clients again.
    ///
    /// # Errors
    /// [`ClientsNotLoaded`] if they could not be read.
    pub(super) async fn find_registered(
        &self,
        id: &ClientId,
        registration: Option<RegistrationId>,
    ) -> Result<Option<Arc<Client>>, ClientsNotLoaded> {
        let find = || {
            let client = self.find(id.as_str())?;
            Ok(client.filter(|client| client.registration == registration))
        };
        match find()? {
            None if !self.is_fixed() => {
                self.read_for_own_token().await?;
                find()
            }
            found => Ok(found),
        }
    }

    /// Reads the clients, or waits for the read that another request has begun since this one asked.
    async fn read_for_own_token(&self) -> Result<(), ClientsNotLoaded> {
        let asked = Instant::now();
        let mut looked = self.0.looked.lock().await;
        let is_read = match *looked {
            Some((began, is_read)) if began > asked => is_read,
            before => {
                if let Some((began, _)) = before {
                    sleep_until(began + LOOK_PAUSE).await;
                }
                let began = Instant::now();
                let is_read = matches!(timeout(LOOK_PATIENCE, self.refresh()).await, Ok(Ok(())));
                *looked = Some((began, is_read));
                is_read
            }
        };
        if is_read { Ok(()) } else { Err(ClientsNotLoaded) }
    }

    /// Reads the clients because of a request that anyone can make, at most every five seconds; `now` is the uptime. Says
    /// whether it did.
    pub(super) async fn read_for_stranger(&self, now: Duration) -> bool {
        if self.is_fixed() {
            return false;
        }
        let mut read_at = self.0.read_for_stranger_at.lock().await;
        if read_at.is_some_and(|at| now.saturating_sub(at) < STRANGER_PAUSE) {
            return false;
        }
        *read_at = Some(now);
        matches!(timeout(LOOK_PATIENCE, self.refresh()).await, Ok(Ok(())))
    }

    pub(super) fn known(&self, id: &str) -> Result<Option<Arc<KnownClient>>, ClientsNotLoaded> {
        let clients = self.0.known.load();
        let clients = clients.as_ref().ok_or(ClientsNotLoaded)?;
        Ok(clients.get(id).map(Arc::clone))
    }

    /// How many clients there are; `None` if they are not loaded yet.
    pub fn count(&self) -> Option<usize> {
        self.0.known.load().as_ref().map(|clients| clients.len())
    }

    /// Whether there is at least one client; false if they are not loaded yet.
    pub fn has_clients(&self) -> bool {
        self.count().is_some_and(|count| count > 0)
    }

    /// Reads all clients, and puts them into the place of the last copy. Without a database, the clients that were installed
    /// stay: at first there is no client.
    ///
    /// # Errors
    /// As the store. Then the last copy stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        match list_all(&*self.0.store).await {
            Ok(listed) => self.install(listed),
            Err(StoreError::Absent) => {
                self.0.is_fixed.store(true, Ordering::Relaxed);
                if self.count().is_none() {
                    self.install(Vec::new());
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether there is no database from which the clients could be read again.
    pub fn is_fixed(&self) -> bool {
        self.0.is_fixed.load(Ordering::Relaxed)
    }

    /// Puts these clients into the place of the last copy.
    pub fn install(&self, listed: Vec<Client>) {
        let last = self.0.known.load_full();
        let known = listed.into_iter().map(|client| {
            let before = last.as_ref().and_then(|last| last.get(&client.id));
            // An unchanged client keeps the keys that were fetched for it.
            let same = before.filter(|known| *known.client == client).cloned();
            (client.id.clone(), same.unwrap_or_else(|| Arc::new(KnownClient::new(client))))
        });
        self.0.known.store(Some(Arc::new(known.collect())));
    }
}

/// All clients in the order of their ids.
///
/// # Errors
/// As the store.
pub(super) async fn list_all(store: &dyn Clients) -> Result<Vec<Client>, StoreError> {
    let mut listed: Vec<Client> = Vec::new();
    loop {
        let after = listed.last().map(|client| &client.id);
        let page = store.list_clients(after, PAGE).await?;
        let is_last = page.len() < PAGE;
        listed.extend(page);
        if is_last {
            return Ok(listed);
        }
    }
}

impl KnownClient {
    fn new(client: Client) -> Self {
        let digest = |hash: &crate::domain::ClientSecretHash| {
            let sha256 = digest_of_hex(&hash.sha256)?;
            Some(SecretDigest { sha256, expires_at: hash.expires_at })
        };
        let secrets = client.secrets.iter().filter_map(digest).collect();
        let keys = ClientKeys::of(&client.metadata);
        Self { client: Arc::new(client), secrets, keys }
    }
}

/// The 32 bytes that 64 hex digits stand for.
fn digest_of_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(digest)
}
