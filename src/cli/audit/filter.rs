//! The options that say which events are meant.

use clap::Args;

use super::Failure;
use crate::app::{self, Stores};
use crate::audit::{Addresses, Entry, EventFilter, open_entries};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{ClientId, EventKind, Lifetime, LoginName, Timestamp, UserId};
use crate::entropy::Entropy;

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct FilterArgs {
    /// Only events of this instant or later: 2027-01-15, 2027-01-15T08:00:00Z, or 2h
    /// for two hours ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only events before this instant
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only events of this kind, such as user.deleted, or of all kinds that begin with
    /// this, such as user; can be given several times
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only events that concern this user: username, email address or id
    #[arg(long)]
    user: Option<String>,
    /// Only events that concern this OAuth client
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Only events of requests from this address or network, such as 203.0.113.0/24
    #[arg(long)]
    address: Option<String>,
}

/// Which events are meant.
pub(super) struct Filter {
    pub(super) stored: EventFilter,
    addresses: Option<Addresses>,
}

impl FilterArgs {
    /// Whether all events are meant.
    pub(super) fn is_empty(&self) -> bool {
        let Self { since, until, kinds, user, client, address } = self;
        kinds.is_empty() && [since, until, user, client, address].into_iter().all(Option::is_none)
    }

    pub(super) async fn read(&self, config: &Config, stores: &Stores) -> Result<Filter, Failure> {
        let now = Clock::System.now();
        let instant = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| instant(name, text, now)).transpose()
        };
        let client = self.client.as_deref().map(ClientId::parse).transpose();
        let addresses = self.address.as_deref().map(|text| {
            let fault = || Failure::usage(format!("--address: {text} is neither an address nor a network"));
            Addresses::parse(text).ok_or_else(fault)
        });
        let user = match &self.user {
            Some(user) => Some(find_user(user, config, stores).await?),
            None => None,
        };
        let stored = EventFilter {
            since: instant("--since", &self.since)?,
            until: instant("--until", &self.until)?,
            kinds: kinds(&self.kinds)?,
            user,
            client: client.map_err(|error| Failure::usage(format!("--client: {error}")))?,
        };
        Ok(Filter { stored, addresses: addresses.transpose()? })
    }
}

impl Filter {
    /// The events of a page, opened, as far as they are meant.
    pub(super) async fn open(
        &self,
        stores: &Stores,
        page: &[crate::audit::StoredEvent],
    ) -> Result<Vec<Entry>, Failure> {
        let mut entries = open_entries(stores.events.as_ref(), page).await.map_err(Failure::because)?;
        entries.retain(|entry| self.addresses.is_none_or(|addresses| addresses.contains(entry)));
        Ok(entries)
    }
}

/// An id also names a user who was deleted.
async fn find_user(text: &str, config: &Config, stores: &Stores) -> Result<UserId, Failure> {
    if let Some(id) = UserId::parse(text) {
        return Ok(id);
    }
    let registry =
        app::open_registry(config, stores, Clock::System, Entropy::System).map_err(Failure::refused)?;
    let found = registry.find_user(&LoginName::from_text(text)).await.map_err(Failure::because)?;
    let hint = "a user who was deleted is found by the id only";
    found.map(|user| user.id).ok_or_else(|| Failure::refused(format!("there is no user {text}; {hint}")))
}

fn kinds(names: &[String]) -> Result<Vec<EventKind>, Failure> {
    let mut kinds = Vec::new();
    for name in names {
        let is_meant = |kind: &&EventKind| {
            kind.name() == name
                || kind.name().strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        let found: Vec<_> = EventKind::ALL.iter().filter(is_meant).copied().collect();
        if found.is_empty() {
            let all = EventKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
            return Err(Failure::usage(format!("--kind: there is no kind {name}; the kinds are {all}")));
        }
        kinds.extend(found);
    }
    Ok(kinds)
}

/// RFC 3339, a day, or a length of time before `now`.
fn instant(option: &str, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let day = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    let ago = || text.parse::<Lifetime>().ok().map(|ago| now.minus_secs(ago.as_secs()));
    Timestamp::parse(text).or_else(day).or_else(ago).ok_or_else(|| {
        let form = "2027-01-15, 2027-01-15T08:00:00Z, or 2h for two hours ago";
        Failure::usage(format!("{option}: {text} is no instant; write it as {form}"))
    })
}

#[cfg(test)]
mod tests {
    use super::{instant, kinds};
    use crate::domain::{EventKind, Timestamp};

    #[test]
    fn an_instant_is_a_day_a_time_or_so_long_ago() {
        let now = Timestamp::from_secs(1_800_000_000);
        for (text, secs) in [
            ("2027-01-15", 1_799_971_200),
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2027-01-15T09:00:00+01:00", 1_800_000_000),
            ("2h", 1_799_992_800),
            ("7 days", 1_799_395_200),
        ] {
            assert_eq!(instant("--since", text, now).unwrap(), Timestamp::from_secs(secs), "{text}");
        }
        assert!(instant("--since", "yesterday", now).is_err());
    }

    #[test]
    fn a_kind_is_named_alone_or_with_its_group() {
        let names = |names: &[&str]| kinds(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(names(&["user.deleted"]).unwrap(), [EventKind::UserDeleted]);
        let of_log_ins = names(&["login"]).unwrap();
        assert!(
            of_log_ins.contains(&EventKind::LoginLimited) && !of_log_ins.contains(&EventKind::UserDeleted)
        );
        assert_eq!(names(&[]).unwrap(), []);
        for unknown in ["user.", "use", "", "user.deleted.x"] {
            assert!(names(&[unknown]).is_err(), "{unknown}");
        }
    }
}
