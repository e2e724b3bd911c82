//! Log-in throttling, against password guessing. An attempt is admitted before its password is hashed, and its verdict is counted in the
//! store before the caller hears it: of many guesses at once, only as many are answered as one after the other would be.

use std::sync::Arc;

use super::AccountError;
use super::event_budget::EventBudget;
use crate::clock::Clock;
use crate::domain::{
    Actor, AddressTag, Admission, Caller, Event, EventKind, EventSubject, Initiator, LoginName,
    LoginThrottle, NameTag, Peer, Secret, ThrottleRecord, ThrottledAccount, Timestamp, User, UserId,
};
use crate::entropy::{Entropy, EntropyError};
use crate::event_counter::EventCounter;
use crate::server_secret::{CurrentServerSecret, Label, SUBKEY_BYTES, keyed_hash};
use crate::store::{Events, LoginThrottles, StoreError, Stores};

/// How often a verdict is counted anew on top of another that came first. After five failures the next attempt waits, so
/// that more tries are of no use.
const MAX_TRIES: usize = 8;

type Key = Secret<[u8; SUBKEY_BYTES]>;

/// Admits attempts to log in, and counts their verdicts.
#[derive(Clone)]
pub struct LoginGuard {
    throttles: Arc<dyn LoginThrottles>,
    events: Arc<dyn Events>,
    /// Counts the failures that are not stored.
    counter: EventCounter,
    budget: Arc<EventBudget>,
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
    account: Account,
    tags: Vec<AddressTag>,
    seen: Option<ThrottleRecord>,
}

/// The account that an attempt means.
struct Account {
    /// The record that counts its attempts.
    record: ThrottledAccount,
    /// The name, if no user has it: then it shares the record with others.
    name: Option<NameTag>,
    /// What its events concern.
    subject: EventSubject,
}

impl Account {
    fn of_user(user: UserId) -> Self {
        Self { record: ThrottledAccount::User(user), name: None, subject: EventSubject::User(user) }
    }

    /// The account of a name that no user has, from a keyed hash of the name.
    fn of_unknown_name(hash: [u8; 16]) -> Self {
        let (record, name) = (ThrottledAccount::of_unknown_name(hash), NameTag::from_hash(hash));
        Self { record, name: Some(name.clone()), subject: EventSubject::UnknownName(name) }
    }
}

impl LoginGuard {
    /// Counts verdicts in `stores`. Failures of which no event is stored are counted in `counter`, too.
    ///
    /// # Errors
    /// [`EntropyError`]
    pub fn new(
        stores: &Stores,
        counter: EventCounter,
        server_secret: CurrentServerSecret,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, EntropyError> {
        let (throttles, events) = (Arc::clone(&stores.login_throttles), Arc::clone(&stores.events));
        let stand_in = Secret::new(entropy.bytes()?);
        Ok(Self {
            throttles,
            events,
            counter,
            budget: Arc::default(),
            server_secret,
            stand_in,
            clock,
            entropy,
        })
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
        let account = self.account_of(name, found)?;
        self.admit_to(caller, account).await
    }

    /// Remembers the address from which a user has just registered, as after a log-in. If that fails, the user is registered
    /// all the same.
    pub(super) async fn remember(&self, caller: &Caller, user: &User) {
        let remembered = match self.attempt(caller, Account::of_user(user.id)) {
            Ok(attempt) => attempt.succeed(None).await,
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
        let account = self.account_of(name, found)?.record;
        let tags = tags(&self.keys()?, account, caller);
        let record = self.throttles.find_login_throttle(account).await?;
        Ok(record.is_some_and(|record| record.throttle.knows(&tags, self.clock.now())))
    }

    async fn admit_to<'a>(
        &'a self,
        caller: &'a Caller,
        account: Account,
    ) -> Result<Attempt<'a>, AccountError> {
        let mut attempt = self.attempt(caller, account)?;
        attempt.read().await?;
        attempt.check(self.clock.now())?;
        Ok(attempt)
    }

    /// An attempt for an account of which this guard has not read the record.
    fn attempt<'a>(&'a self, caller: &'a Caller, account: Account) -> Result<Attempt<'a>, AccountError> {
        let tags = tags(&self.keys()?, account.record, caller);
        Ok(Attempt { guard: self, caller, account, tags, seen: None })
    }

    /// The account that an attempt means.
    fn account_of(&self, name: &LoginName, found: Option<&User>) -> Result<Account, AccountError> {
        // A user's name is hashed as well, so that the time does not show whether there is a user.
        let (keys, message) = (self.keys()?, format!("name {}", name.key()));
        let hash = keyed_hash(keys.first().unwrap_or(&self.stand_in), message.as_bytes());
        Ok(match found {
            Some(user) => Account::of_user(user.id),
            None => Account::of_unknown_name(hash),
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
            let (after, kind) = self.throttle().after_failure(&self.tags, now);
            let event = self.event_of_failure(kind, now)?;
            if self.replace(after, event.as_ref(), now).await? {
                match &event {
                    Some(event) => self.tell(event),
                    None => self.guard.counter.count(EventKind::LoginFailed, None),
                }
                return Ok(());
            }
            self.read().await?;
        }
        Err(AccountError::Busy)
    }

    /// The password was right. The caller may log in if this succeeds: then the event of this kind is stored.
    ///
    /// # Errors
    /// As [`Attempt::fail`], and those of the store if the event cannot be stored. Without an event, a store that cannot write
    /// keeps no user out: then the address is not remembered.
    pub(super) async fn succeed(mut self, kind: Option<EventKind>) -> Result<(), AccountError> {
        let now = self.guard.clock.now();
        let event = kind.map(|kind| self.event(kind, now)).transpose()?;
        for tries in 0..MAX_TRIES {
            let now = self.guard.clock.now();
            self.check(now)?;
            let Some(after) = self.throttle().after_login(&self.tags, now) else {
                // Other attempts may have failed while the password was checked.
                if tries == 0 {
                    self.read().await?;
                    continue;
                }
                break;
            };
            match (self.replace(after, event.as_ref(), now).await, &event) {
                (Ok(true), _) => return Ok(()),
                (Ok(false), _) => self.read().await?,
                (Err(error), Some(_)) => return Err(error.into()),
                (Err(error), None) => {
                    tell_not_remembered(self.caller, &error);
                    return Ok(());
                }
            }
        }
        if let Some(event) = &event {
            self.guard.events.append_event(event).await?;
        }
        Ok(())
    }

    /// What is remembered of the account or the name.
    fn throttle(&self) -> LoginThrottle {
        let stored = self.stored();
        self.account.name.as_ref().map_or_else(|| stored.clone(), |name| stored.of_name(name))
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
        self.seen = self.guard.throttles.find_login_throttle(self.account.record).await?;
        Ok(())
    }

    async fn replace(
        &self,
        after: LoginThrottle,
        event: Option<&Event>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let after = match &self.account.name {
            Some(name) => self.stored().with_name(name, &after, now),
            None => after,
        };
        let record = ThrottleRecord::after(self.account.record, self.seen.as_ref(), after, now);
        let seen = self.seen.as_ref().map(|seen| seen.revision);
        self.guard.throttles.replace_login_throttle_if(seen, &record, event).await
    }

    /// The event of a failure, if it is to be stored. Of a name that no user has, it is only ever the failure itself, and the
    /// event contains no more of the name than a keyed hash: people type passwords there.
    fn event_of_failure(
        &self,
        kind: Option<EventKind>,
        now: Timestamp,
    ) -> Result<Option<Event>, AccountError> {
        let is_user = self.account.name.is_none();
        let kind = kind.map(|kind| if is_user { kind } else { EventKind::LoginFailed });
        let is_failure = kind == Some(EventKind::LoginFailed);
        let kind = kind.filter(|_| !is_failure || self.guard.budget.take(is_user, now));
        kind.map(|kind| self.event(kind, now)).transpose()
    }

    fn event(&self, kind: EventKind, now: Timestamp) -> Result<Event, AccountError> {
        let actor = match self.account.subject {
            EventSubject::User(user) if kind == EventKind::UserLoggedIn => Actor::User(user),
            _ => Actor::System,
        };
        let (initiator, subject) = (Initiator::in_request(actor, self.caller), self.account.subject.clone());
        Ok(self.guard.entropy.event(now, kind, initiator, subject)?)
    }

    /// Writes to the log what a failure began.
    fn tell(&self, event: &Event) {
        let sentence = match event.kind {
            EventKind::LoginLimited => {
                "log-ins to this account are limited to known addresses; `users unlock` ends this"
            }
            EventKind::LoginThrottled => {
                "log-ins to this account failed again and again; the next ones must wait"
            }
            _ => return,
        };
        let (user, client, request_id) = (self.account.record, self.caller.address, self.caller.request_id);
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
