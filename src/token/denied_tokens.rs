//! Which tokens are refused although they have not expired, in memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::{ClientId, Denial, Denied, GrantId, RegistrationId, SessionId, Timestamp, UserId};

/// The denials that this instance knows. Reading takes no lock. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct DeniedTokens(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: ArcSwap<Known>,
    /// Held while the known denials are replaced.
    replacing: Mutex<()>,
    hasher: RandomState,
}

/// The number of shards: a new denial copies its shard, which has some 400 of 100,000 denials.
const SHARDS: usize = 256;

/// The denials whose hash gives one shard.
type Shard = HashMap<Denied, Span>;

/// One state of what is known.
#[derive(Clone, Debug)]
struct Known {
    /// Whether the store was read at least once.
    is_loaded: bool,
    is_empty: bool,
    shards: Vec<Arc<Shard>>,
}

/// When a denial was written, and when it has no more effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    at: Timestamp,
    expires_at: Timestamp,
}

/// The verdict about a token whose signature and claims are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialVerdict {
    /// It is not denied.
    Passes,
    /// It is denied.
    Denied,
    /// The store was not read yet, so that a token of a client cannot be judged.
    NotLoaded,
}

/// The claims of a token that decide which denials concern it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Concerned {
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    rid: Option<RegistrationId>,
    #[serde(default)]
    sid: Option<SessionId>,
    #[serde(default)]
    gid: Option<GrantId>,
}

impl DeniedTokens {
    /// Refuses these tokens from now on.
    pub fn add(&self, denial: &Denial) {
        let shard = self.shard_of(&denial.denied);
        self.replace(|known| note(Arc::make_mut(&mut known.shards[shard]), denial));
    }

    /// Takes what the store has: the denials that are new since the last reading. Those that have expired at `now` are
    /// forgotten.
    pub fn install(&self, new: &[Denial], now: Timestamp) {
        let mut of_shard = vec![Vec::new(); SHARDS];
        new.iter().for_each(|denial| of_shard[self.shard_of(&denial.denied)].push(denial));
        self.replace(|known| {
            known.is_loaded = true;
            for (shard, mut new) in known.shards.iter_mut().zip(of_shard) {
                // Most of what a reading brings is known from the one before.
                new.retain(|denial| !shard.get(&denial.denied).is_some_and(|span| span.covers(denial)));
                if !new.is_empty() || shard.values().any(|span| span.expires_at <= now) {
                    let shard = Arc::make_mut(shard);
                    new.into_iter().for_each(|denial| note(shard, denial));
                    shard.retain(|_, span| span.expires_at > now);
                }
            }
        });
    }

    /// Whether the store was read at least once.
    pub fn is_loaded(&self) -> bool {
        self.0.known.load().is_loaded
    }

    /// How many denials are known.
    pub fn count(&self) -> usize {
        self.0.known.load().shards.iter().map(|shard| shard.len()).sum()
    }

    /// The verdict about a token with these claims.
    pub(super) fn judge(&self, claims: &str) -> DenialVerdict {
        let known = self.0.known.load();
        if known.is_loaded && known.is_empty {
            return DenialVerdict::Passes;
        }
        let concerned = Concerned::read(claims);
        if concerned.is_denied(|denied| known.shards[self.shard_of(denied)].get(denied).copied()) {
            DenialVerdict::Denied
        } else if known.is_loaded || concerned.client_id.is_none() {
            DenialVerdict::Passes
        } else {
            DenialVerdict::NotLoaded
        }
    }

    fn replace(&self, change: impl FnOnce(&mut Known)) {
        let _replacing = self.0.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = Known::clone(&self.0.known.load());
        change(&mut known);
        known.is_empty = known.shards.iter().all(|shard| shard.is_empty());
        self.0.known.store(Arc::new(known));
    }

    fn shard_of(&self, denied: &Denied) -> usize {
        self.0.hasher.hash_one(denied) as usize % SHARDS
    }
}

impl Default for Known {
    fn default() -> Self {
        Self { is_loaded: false, is_empty: true, shards: vec![Arc::default(); SHARDS] }
    }
}

impl Span {
    fn of(denial: &Denial) -> Self {
        Self { at: denial.at, expires_at: denial.expires_at }
    }

    /// Whether this denial adds nothing.
    fn covers(self, denial: &Denial) -> bool {
        denial.at <= self.at && denial.expires_at <= self.expires_at
    }
}

impl Concerned {
    /// Reads the claims. A claim of another type than the service gives it is left out alone; of two claims with one name, the
    /// last one counts.
    fn read(claims: &str) -> Self {
        if let Ok(concerned) = serde_json::from_str(claims) {
            return concerned;
        }
        let claims: Map<String, Value> = serde_json::from_str(claims).unwrap_or_default();
        Self {
            jti: one(&claims, "jti"),
            sub: one(&claims, "sub"),
            iat: one(&claims, "iat"),
            client_id: claims.get("client_id").map(|id| id.as_str().unwrap_or_default().to_owned()),
            rid: one(&claims, "rid"),
            sid: one(&claims, "sid"),
            gid: one(&claims, "gid"),
        }
    }

    fn is_denied(&self, find: impl Fn(&Denied) -> Option<Span>) -> bool {
        let whole = [
            self.jti.clone().map(Denied::Token),
            self.gid.map(Denied::Grant),
            self.sid.map(Denied::Session),
            self.rid.map(Denied::Registration),
        ];
        let user = self.sub.as_deref().and_then(UserId::parse);
        // Only access tokens of a user have `gid`.
        let client =
            self.client_id.as_deref().filter(|_| self.gid.is_some()).and_then(|id| ClientId::parse(id).ok());
        let access = user.zip(client).map(|(user, client)| Denied::Access(user, client));
        let dated = [user.map(Denied::User), access];
        // A token of the second of the denial counts as issued before it: it may be refused without need, and is issued again.
        let is_before = |span: Span| self.iat.is_none_or(|iat| iat <= span.at.as_secs() as f64);
        whole.iter().flatten().any(|denied| find(denied).is_some())
            || dated.iter().flatten().any(|denied| find(denied).is_some_and(is_before))
    }
}

fn one<T: DeserializeOwned>(claims: &Map<String, Value>, name: &str) -> Option<T> {
    claims.get(name).and_then(|value| serde_json::from_value(value.clone()).ok())
}

/// Two denials of the same tokens count as one with the later of both instants.
fn note(shard: &mut Shard, denial: &Denial) {
    let new = Span::of(denial);
    let span = shard.entry(denial.denied.clone()).or_insert(new);
    *span = Span { at: span.at.max(new.at), expires_at: span.expires_at.max(new.expires_at) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_500);
    const USER: &str = "0123456789abcdef01234567";
    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn denial(denied: Denied) -> Denial {
        Denial { denied, at: NOW, expires_at: NOW.plus_secs(60) }
    }

    fn claims(iat: u64) -> String {
        format!(
            r#"{{"jti":"j","sub":"{USER}","iat":{iat},"client_id":"c","rid":"{ID}","sid":"{ID}","gid":"{ID}"}}"#
        )
    }

    fn all() -> [Denied; 6] {
        [
            Denied::Token("j".to_owned()),
            Denied::Grant(GrantId::parse(ID).unwrap()),
            Denied::Session(SessionId::parse(ID).unwrap()),
            Denied::User(UserId::parse(USER).unwrap()),
            Denied::Registration(RegistrationId::parse(ID).unwrap()),
            Denied::Access(UserId::parse(USER).unwrap(), ClientId::parse("c").unwrap()),
        ]
    }

    #[test]
    fn each_kind_of_denial_refuses_its_tokens_and_no_others() {
        for denied in all() {
            let tokens = DeniedTokens::default();
            tokens.install(&[denial(denied.clone())], NOW);
            assert_eq!(tokens.judge(&claims(1_000)), DenialVerdict::Denied, "{denied:?}");
            let other = r#"{"jti":"k","sub":"x","iat":1000,"client_id":"d"}"#;
            assert_eq!(tokens.judge(other), DenialVerdict::Passes, "{denied:?}");
        }
    }

    #[test]
    fn only_denials_of_a_user_spare_tokens_of_later_seconds() {
        for denied in all() {
            let dated = matches!(denied, Denied::User(_) | Denied::Access(..));
            let tokens = DeniedTokens::default();
            tokens.install(&[denial(denied.clone())], NOW);
            let later = if dated { DenialVerdict::Passes } else { DenialVerdict::Denied };
            assert_eq!(tokens.judge(&claims(1_001)), later, "{denied:?}");
        }
    }

    /// A client may choose the subject of the tokens that it generates.
    #[test]
    fn a_denial_of_what_a_client_got_for_a_user_spares_other_clients_and_generated_tokens() {
        let tokens = DeniedTokens::default();
        tokens.install(&[denial(all()[5].clone())], NOW);
        let other = claims(1_000).replace(r#""client_id":"c""#, r#""client_id":"d""#);
        let generated = claims(1_000).replace(r#","gid""#, r#","other""#);
        for spared in [other, generated] {
            assert_eq!(tokens.judge(&spared), DenialVerdict::Passes, "{spared}");
        }
    }

    /// An operator may sign tokens with strange claims.
    #[test]
    fn a_claim_of_a_strange_type_does_not_hide_the_others() {
        for strange in [r#""sid":5"#, r#""gid":"x""#, r#""rid":[]"#, r#""client_id":{}"#, r#""iat":"x""#] {
            let text = format!(r#"{{"jti":"j","sub":"{USER}","iat":1000,{strange}}}"#);
            for denied in [&all()[0], &all()[3]] {
                let tokens = DeniedTokens::default();
                tokens.install(&[denial(denied.clone())], NOW);
                assert_eq!(tokens.judge(&text), DenialVerdict::Denied, "{denied:?} {text}");
            }
        }
    }

    #[test]
    fn the_own_denials_count_at_once_and_before_the_store_was_read() {
        let tokens = DeniedTokens::default();
        assert_eq!(tokens.judge(&claims(1_000)), DenialVerdict::NotLoaded);
        assert_eq!(tokens.judge(r#"{"sub":"x"}"#), DenialVerdict::Passes, "a token of no client");
        tokens.add(&denial(all()[0].clone()));
        assert_eq!(tokens.judge(&claims(1_000)), DenialVerdict::Denied);
        tokens.install(&[], NOW);
        assert_eq!((tokens.judge(&claims(1_000)), tokens.count()), (DenialVerdict::Denied, 1));
    }

    #[test]
    fn a_denial_that_has_expired_is_forgotten_and_the_later_one_of_two_counts() {
        let tokens = DeniedTokens::default();
        let earlier = denial(all()[3].clone());
        let later = Denial { at: NOW.plus_secs(5), expires_at: NOW.plus_secs(90), ..earlier.clone() };
        tokens.install(&[later], NOW);
        tokens.install(&[earlier], NOW.plus_secs(60));
        assert_eq!(tokens.judge(&claims(1_005)), DenialVerdict::Denied);
        tokens.install(&[], NOW.plus_secs(90));
        assert_eq!((tokens.judge(&claims(1_000)), tokens.count()), (DenialVerdict::Passes, 0));
    }

    /// Seen: each denial copied all that had come since the last reading of the store.
    #[test]
    fn a_denial_copies_one_shard_of_what_is_known() {
        let tokens = DeniedTokens::default();
        let token = |n: u32| denial(Denied::Token(n.to_string()));
        (0..10_000).for_each(|n| tokens.add(&token(n)));
        let copied = |change: &dyn Fn()| {
            let before = tokens.0.known.load_full();
            change();
            let after = tokens.0.known.load_full();
            before
                .shards
                .iter()
                .zip(&after.shards)
                .filter(|(before, after)| !Arc::ptr_eq(before, after))
                .count()
        };
        assert_eq!(copied(&|| tokens.add(&token(10_000))), 1);
        assert_eq!(copied(&|| tokens.install(&[token(1), token(2)], NOW)), 0, "both are known");
        assert_eq!(copied(&|| tokens.install(&[token(10_001)], NOW)), 1);
        assert_eq!(tokens.count(), 10_002);
        tokens.install(&[], NOW.plus_secs(60));
        assert_eq!(tokens.count(), 0);
    }
}
