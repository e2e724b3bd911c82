//! `RATE_LIMITS`: limits in one line that people read and write.

use super::{Group, Policies, Quota, QuotaError, Scope};

/// Why a line cannot be read as limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateLimitsError {
    /// A part is neither `off` nor `GROUP=…`.
    #[error(
        "must be off, or limits such as \"login=10/m per account, 30/m per address; generate=off\"; {0:?} is neither"
    )]
    Part(String),
    /// There is no such group.
    #[error(
        "must name groups of operations: {groups}; {0:?} is no group (the key set, the documents and the probes are never limited)",
        groups = Group::ALL.map(Group::name).join(", ")
    )]
    Group(String),
    /// A new group begins behind a comma.
    #[error("must begin a new group with \";\": {0:?} stands behind a comma")]
    Comma(String),
    /// A limit does not say for whom it is.
    #[error(
        "must say for whom each limit is: per address, per account, per client or global; {0:?} does not"
    )]
    Scope(String),
    /// A limit is no quota.
    #[error("must be limits; {0:?} {QuotaError}")]
    Quota(String),
    /// Requests of the group name no account.
    #[error(
        "must have limits per account only for login and register; requests of {0:?} do not name an account"
    )]
    NoAccount(&'static str),
    /// Requests of the group name no client.
    #[error(
        "must have limits per client only for generate, oauth_token, introspect and revoke; requests of {0:?} do not name a \
         client"
    )]
    NoClient(&'static str),
    /// Something stands there twice.
    #[error("must have each limit once; {0:?} is there twice")]
    Twice(String),
}

use RateLimitsError::{NoAccount, NoClient, Part, Twice};

/// The part of a line that was read.
struct Line {
    policies: Policies,
    named: Vec<(Group, Scope)>,
}

/// Reads a line. An operator's limit takes the place of the default for the same group and scope.
pub(super) fn parse(text: &str) -> Result<Policies, RateLimitsError> {
    let parts: Vec<_> = text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
    let is_off = |part: &&str| part.eq_ignore_ascii_case("off");
    let others_are_off = parts.iter().any(is_off);
    let policies = if others_are_off { Policies::off() } else { Policies::default() };
    let mut line = Line { policies, named: Vec::new() };
    for part in parts.iter().filter(|part| !is_off(part)) {
        line.read_group(part)?;
    }
    Ok(line.policies)
}

impl Line {
    /// `login=10/m per account, 30/m per address`, or `login=off`.
    fn read_group(&mut self, part: &str) -> Result<(), RateLimitsError> {
        let (name, limits) = part.split_once('=').ok_or_else(|| Part(part.to_owned()))?;
        let name = name.trim();
        let group = Group::ALL.into_iter().find(|group| group.name().eq_ignore_ascii_case(name));
        let group = group.ok_or_else(|| RateLimitsError::Group(name.to_owned()))?;
        if limits.trim().eq_ignore_ascii_case("off") {
            return Scope::ALL.into_iter().try_for_each(|scope| self.set(group, scope, None, part));
        }
        limits.split(',').try_for_each(|limit| self.read_limit(group, limit.trim()))
    }

    /// `10/m per account`, `100/s global`, or `off per account`.
    fn read_limit(&mut self, group: Group, limit: &str) -> Result<(), RateLimitsError> {
        if limit.contains('=') {
            return Err(RateLimitsError::Comma(limit.to_owned()));
        }
        let mut words = limit.split_whitespace();
        let quota = words.next().unwrap_or_default();
        let scope = match (words.next(), words.next(), words.next()) {
            (Some("per"), scope, None) => scope,
            (scope, None, None) => scope.filter(|scope| *scope == Scope::Global.name()),
            _ => None,
        };
        let scope = Scope::ALL.into_iter().find(|known| scope == Some(known.name()));
        let scope = scope.ok_or_else(|| RateLimitsError::Scope(limit.to_owned()))?;
        if !group.has(scope) {
            let refused = if scope == Scope::Client { NoClient } else { NoAccount };
            return Err(refused(group.name()));
        }
        let is_off = quota.eq_ignore_ascii_case("off");
        let parsed = || Quota::parse(quota).map_err(|QuotaError| RateLimitsError::Quota(quota.to_owned()));
        let quota = if is_off { None } else { Some(parsed()?) };
        self.set(group, scope, quota, limit)
    }

    fn set(
        &mut self,
        group: Group,
        scope: Scope,
        quota: Option<Quota>,
        text: &str,
    ) -> Result<(), RateLimitsError> {
        if self.named.contains(&(group, scope)) {
            return Err(Twice(text.to_owned()));
        }
        self.named.push((group, scope));
        self.policies.set(group, scope, quota);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULTS;
    use super::*;

    fn quota(text: &str, group: Group, scope: Scope) -> Option<String> {
        parse(text).unwrap().quota(group, scope).map(|quota| quota.to_string())
    }

    #[test]
    fn what_a_line_names_takes_the_place_of_the_default_and_the_rest_keeps_it() {
        let line = " login = 10/m per account,30/m  per address ; generate=50/s per address; validate=off;";
        for (group, scope, expected) in [
            (Group::Login, Scope::Account, Some("10/m")),
            (Group::Login, Scope::Address, Some("30/m")),
            (Group::Login, Scope::Global, Some("30000/m")),
            (Group::Generate, Scope::Address, Some("50/s")),
            (Group::Generate, Scope::Account, None),
            (Group::Validate, Scope::Address, None),
            (Group::Register, Scope::Address, Some("60/h")),
        ] {
            assert_eq!(quota(line, group, scope).as_deref(), expected, "{group:?} {scope:?}");
        }
        assert_eq!(parse("").unwrap(), Policies::default());
    }

    #[test]
    fn off_alone_switches_all_off_and_beside_others_what_they_do_not_name() {
        assert_eq!(parse("off").unwrap(), Policies::off());
        let only = "login=10/m per account; OFF";
        assert_eq!(quota(only, Group::Login, Scope::Account).as_deref(), Some("10/m"));
        assert_eq!(quota(only, Group::Login, Scope::Address), None);
        let without = "login=off per account, 100/s global, 5/m per address";
        assert_eq!(quota(without, Group::Login, Scope::Account), None);
        assert_eq!(quota(without, Group::Login, Scope::Global).as_deref(), Some("100/s"));
    }

    #[test]
    fn a_line_with_every_default_written_out_is_the_default() {
        let limits = DEFAULTS.iter().map(|(group, scope, quota)| (group.name(), scope.name(), quota));
        let groups = Group::ALL.map(|group| {
            let of_group = limits.clone().filter(|(name, ..)| *name == group.name());
            let limits: Vec<_> = of_group.map(|(_, scope, quota)| format!("{quota} per {scope}")).collect();
            format!("{}={}", group.name(), limits.join(", "))
        });
        assert_eq!(parse(&format!("{}; off", groups.join("; "))).unwrap(), Policies::default());
    }

    #[test]
    fn each_fault_says_what_is_wrong() {
        let fault = |text: &str| parse(text).unwrap_err();
        let text = |text: &str| text.to_owned();
        assert_eq!(fault("10/m"), Part(text("10/m")));
        assert_eq!(fault("offf"), Part(text("offf")));
        assert_eq!(fault("jwks=1/s per address"), RateLimitsError::Group(text("jwks")));
        for limit in ["10/m", "10/m address", "10/m per user", "10/m per", "10/m per address each", ""] {
            assert_eq!(fault(&format!("login={limit}")), RateLimitsError::Scope(text(limit)), "{limit}");
        }
        let comma = fault("login=10/m per address, generate=5/s per address");
        assert_eq!(comma, RateLimitsError::Comma(text("generate=5/s per address")));
        assert!(Group::ALL.iter().all(|group| fault("x=off").to_string().contains(group.name())));
        assert_eq!(fault("login=ten/m per address"), RateLimitsError::Quota(text("ten/m")));
        assert_eq!(fault("generate=1/s per account"), NoAccount("generate"));
        assert_eq!(fault("login=1/s per client"), NoClient("login"));
        assert_eq!(fault("login=1/s global, 2/s global"), Twice(text("2/s global")));
        assert_eq!(fault("login=off; login=1/s global"), Twice(text("1/s global")));
    }
}
