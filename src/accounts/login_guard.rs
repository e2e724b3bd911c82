//! Log-in throttling, against password guessing. An attempt is admitted before its password is hashed, and its verdict is counted in the
//! store before the caller hears it: of many guesses at once, only as many are answered as one after the other would be.

use std::sync::Arc;

use super::AccountError;
use crate::clock::Clock;
use crate::domain::{
    Actor, AddressTag, Admission, Caller, Event, EventKind, EventSubject, Initiator, LoginName,
    LoginThrottle, NameTag, Peer, Secret, ThrottleRecord, ThrottledAccount, Timestamp, User,
};
use crate::entropy::{Entropy, EntropyError};
use crate::server_secret::{CurrentServerSecret, Label, SUBKEY_BYTES, keyed_hash};
use crate::store::{LoginThrottles, StoreError};

/// How often a verdict is counted anew on top of another that came first. After five failures the next attempt waits, so
/// that more tries are of no use.
const MAX_TRIES: usize = 8;

type Key = Secret<[u8; SUBKEY_BYTES]>;

/// Admits attempts to log in, and counts their verdicts.
#[derive(Clone)]
pub struct LoginGuard {
    throttles: Arc<dyn LoginThrottles>,
    server_secret: CurrentServerSecret,
    /// Hashes names until there is a server secret: then other instances count the same name in another place.
    stand_in: Key,
    clock: Clock,
    entropy: Entropy,
}

/// An attempt that was admitted. Without a verdict, it is not counted.
pub(super) struct Attempt<'a> {
    guard: &'a LoginGuard,
    caller: &'a Caller,
    account: ThrottledAccount,
    /// The name, if no user has it: then it shares the record with others.
    name: Option<NameTag>,
    tags: Vec<AddressTag>,
    seen: Option<ThrottleRecord>,
}

impl LoginGuard {
    /// Counts in `throttles`.
    ///
    /// # Errors
    /// [`EntropyError`]
    pub fn new(
        throttles: Arc<dyn LoginThrottles>,
        server_secret: CurrentServerSecret,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, EntropyError> {
        let stand_in = Secret::new(entropy.bytes()?);
        Ok(Self { throttles, server_secret, stand_in, clock, entropy })
    }

    /// Admits an attempt to log in by `name`, which is that of `found` or of no user.
    ///
    /// # Errors
    /// [`AccountError::Throttled`], [`AccountError::Limited`], and those of the store.
    pub(super) async fn admit<'a>(
        &'a self,
        caller: &'a Caller,
        name: &LoginName,
        found: Option<&User>,
    ) -> Result<Attempt<'a>, AccountError> {
        let (account, name) = self.account_of(name, found)?;
        self.admit_to(caller, account, name).await
    }

    /// Remembers the address from which a user has just registered, as after a log-in. If that fails, the user is registered
    /// all the same.
    pub(super) async fn remember(&self, caller: &Caller, user: &User) {
        let remembered = match self.admit_to(caller, ThrottledAccount::User(user.id), None).await {
            Ok(attempt) => attempt.succeed().await,
            Err(error) => Err(error),
        };
        if let Err(error) = remembered {
            tell_not_remembered(caller, &error);
        }
    }

    /// Whether the user has logged in from this address lately. A name without a user costs the same look-up, so that the time
    /// of the response does not show whether there is a user.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn knows(
        &self,
        caller: &Caller,
        name: &LoginName,
        found: Option<&User>,
    ) -> Result<bool, AccountError> {
        let (account, _) = self.account_of(name, found)?;
        let tags = tags(&self.keys()?, account, caller);
        let record = self.throttles.find_login_throttle(account).await?;
        Ok(record.is_some_and(|record| record.throttle.knows(&tags, self.clock.now())))
    }

    async fn admit_to<'a>(
        &'a self,
        caller: &'a Caller,
        account: ThrottledAccount,
        name: Option<NameTag>,
    ) -> Result<Attempt<'a>, AccountError> {
        let tags = tags(&self.keys()?, account, caller);
        let mut attempt = Attempt { guard: self, caller, account, name, tags, seen: None };
        attempt.read().await?;
        attempt.check(self.clock.now())?;
        Ok(attempt)
    }

    /// The account whose record counts an attempt, and its name there if no user has it.
    fn account_of(
        &self,
        name: &LoginName,
        found: Option<&User>,
    ) -> Result<(ThrottledAccount, Option<NameTag>), AccountError> {
        // A user's name is hashed as well, so that the time does not show whether there is a user.
        let (keys, message) = (self.keys()?, format!("name {}", name.key()));
        let hash = keyed_hash(keys.first().unwrap_or(&self.stand_in), message.as_bytes());
        Ok(match found {
            Some(user) => (ThrottledAccount::User(user.id), None),
            None => (ThrottledAccount::of_unknown_name(hash), Some(NameTag::from_hash(hash))),
        })
    }

    /// The keys of all server secrets, the newest first; none while there is no server secret.
    fn keys(&self) -> Result<Vec<Key>, AccountError> {
        let keys = self.server_secret.subkeys(Label::LoginThrottle);
        let keys = keys.map_err(|error| AccountError::Internal(error.into()))?;
        Ok(keys.map(|keys| keys.all).unwrap_or_default())
    }
}

impl Attempt<'_> {
    /// Whether the user has logged in from the caller's address lately. A name without a user knows no address.
    pub(super) fn is_from_known_address(&self) -> bool {
        self.throttle().knows(&self.tags, self.guard.clock.now())
    }

    /// The password was wrong. The caller may hear of it if this succeeds.
    ///
    /// # Errors
    /// [`AccountError::Throttled`] or [`AccountError::Limited`] if other attempts failed while this one was checked: then it
    /// has no verdict and is not counted. [`AccountError::Busy`], and those of the store.
    pub(super) async fn fail(mut self) -> Result<(), AccountError> {
        for _ in 0..MAX_TRIES {
            let now = self.guard.clock.now();
            self.check(now)?;
            let (after, begun) = self.throttle().after_failure(&self.tags, now);
            let event = self.event(begun, now)?;
            if self.replace(after, event.as_ref(), now).await? {
                event.iter().for_each(|event| self.tell(event));
                return Ok(());
            }
            self.read().await?;
        }
        Err(AccountError::Busy)
    }

    /// The password was right. The caller may log in if this succeeds.
    ///
    /// # Errors
    /// As [`Attempt::fail`]. A store that cannot write keeps no user out: then the address is not remembered.
    pub(super) async fn succeed(mut self) -> Result<(), AccountError> {
        for _ in 0..MAX_TRIES {
            // Other attempts may have failed while the password was checked.
            self.read().await?;
            let now = self.guard.clock.now();
            self.check(now)?;
            let Some(after) = self.throttle().after_login(&self.tags, now) else { return Ok(()) };
            match self.replace(after, None, now).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    tell_not_remembered(self.caller, &error);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What is remembered of the account or the name.
    fn throttle(&self) -> LoginThrottle {
        let stored = self.stored();
        self.name.as_ref().map_or_else(|| stored.clone(), |name| stored.of_name(name))
    }

    /// What the record says.
    fn stored(&self) -> LoginThrottle {
        self.seen.as_ref().map(|seen| seen.throttle.clone()).unwrap_or_default()
    }

    fn check(&self, now: Timestamp) -> Result<(), AccountError> {
        match self.throttle().admission(&self.tags, now) {
            Admission::Admitted => Ok(()),
            Admission::Wait(secs) => Err(AccountError::Throttled(secs)),
            Admission::Limited => Err(AccountError::Limited),
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        self.seen = self.guard.throttles.find_login_throttle(self.account).await?;
        Ok(())
    }

    async fn replace(
        &self,
        after: LoginThrottle,
        event: Option<&Event>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let after = match &self.name {
            Some(name) => self.stored().with_name(name, &after, now),
            None => after,
        };
        let record = ThrottleRecord::after(self.account, self.seen.as_ref(), after, now);
        let seen = self.seen.as_ref().map(|seen| seen.revision);
        self.guard.throttles.replace_login_throttle_if(seen, &record, event).await
    }

    /// The event of what a failure began. A name that no user has causes none: there is nothing that it could be about.
    fn event(&self, begun: Option<EventKind>, now: Timestamp) -> Result<Option<Event>, AccountError> {
        let (Some(kind), ThrottledAccount::User(user)) = (begun, self.account) else { return Ok(None) };
        let id = self.guard.entropy.event_id(now).map_err(|error| AccountError::Internal(error.into()))?;
        let initiator = Initiator::in_request(Actor::System, self.caller);
        Ok(Some(Event::new(id, now, kind, initiator, EventSubject::User(user))))
    }

    fn tell(&self, event: &Event) {
        let sentence = match event.kind {
            EventKind::LoginLimited => {
                "log-ins to this account are limited to known addresses; `users unlock` ends this"
            }
            _ => "log-ins to this account failed again and again; the next ones must wait",
        };
        let (user, client, request_id) = (self.account, self.caller.address, self.caller.request_id);
        tracing::warn!(user.id = %user, client.address = %client, %request_id, "{sentence}");
    }
}

/// The caller's address as the account remembers it, under each key; nothing if no address is known.
fn tags(keys: &[Key], account: ThrottledAccount, caller: &Caller) -> Vec<AddressTag> {
    if caller.address.is_unspecified() {
        return Vec::new();
    }
    let message = format!("address {account} {}", Peer::of(caller.address));
    keys.iter().map(|key| AddressTag::from_hash(keyed_hash(key, message.as_bytes()))).collect()
}

fn tell_not_remembered(caller: &Caller, error: &dyn std::error::Error) {
    let cause = error.source().map(ToString::to_string);
    let request_id = caller.request_id;
    tracing::warn!(%request_id, cause, "the address of a log-in cannot be remembered; the next log-in tries again");
}
