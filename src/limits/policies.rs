//! The table of all limits.

use super::{Quota, RateLimitsError, line};

/// Operations that share their budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Logging in.
    Login,
    /// Registering.
    Register,
    /// Refreshing a user's token.
    Refresh,
    /// Issuing a demo token.
    Generate,
    /// Checking a token.
    Validate,
    /// Showing a user.
    Profile,
    /// Issuing OAuth tokens.
    OAuthToken,
    /// Telling a client about a token.
    Introspect,
    /// Revoking a token.
    Revoke,
    /// Showing a user to a client.
    Userinfo,
    /// Opening the pages on which users log in.
    Authorize,
}

/// For whom a budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The client's address ([`crate::domain::Peer`]).
    Address,
    /// A name, known or not.
    Account,
    /// An OAuth client that has authenticated, at all instances.
    Client,
    /// All requests of the group, at all instances.
    Global,
}

use Group::{
    Authorize, Generate, Introspect, Login, OAuthToken, Profile, Refresh, Register, Revoke, Userinfo,
    Validate,
};
use Scope::{Account, Address, Client, Global};

/// The addresses of an IPv6 network have so many times the budget of one of them, all together.
pub(super) const ADDRESSES_OF_NETWORK: u32 = 8;

/// The limits if the operator sets no others. A company whose people share one address does not notice them. The more work
/// an operation makes, the fewer requests it has; the key set, the documents and the probes have no limit.
pub const DEFAULTS: &[(Group, Scope, Quota)] = &[
    (Login, Account, Quota::per_minute(60)),
    (Login, Address, Quota::per_minute(60)),
    (Login, Global, Quota::per_minute(30_000)),
    (Register, Account, Quota::per_hour(60)),
    (Register, Address, Quota::per_hour(60)),
    (Register, Global, Quota::per_minute(30_000)),
    (Refresh, Address, Quota::per_minute(600)),
    (Generate, Address, Quota::per_second(100)),
    (Validate, Address, Quota::per_second(500)),
    (Profile, Address, Quota::per_minute(600)),
    (OAuthToken, Address, Quota::per_second(100)),
    (Introspect, Address, Quota::per_second(500)),
    (Revoke, Address, Quota::per_second(100)),
    (Revoke, Client, Quota::per_second(500)),
    (Userinfo, Address, Quota::per_second(100)),
    (Authorize, Address, Quota::per_second(50)),
];

impl Group {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();
    /// Every group.
    pub const ALL: [Self; 11] = [
        Login, Register, Refresh, Generate, Validate, Profile, OAuthToken, Introspect, Revoke, Userinfo,
        Authorize,
    ];

    /// Its name in `RATE_LIMITS`.
    pub fn name(self) -> &'static str {
        match self {
            Login => "login",
            Register => "register",
            Refresh => "refresh",
            Generate => "generate",
            Validate => "validate",
            Profile => "profile",
            Authorize => "authorize",
            OAuthToken => "oauth_token",
            Introspect => "introspect",
            Revoke => "revoke",
            Userinfo => "userinfo",
        }
    }

    /// Whether a request of the group can have a budget of this scope: only some of them name an account or a client.
    pub fn has(self, scope: Scope) -> bool {
        match scope {
            Account => matches!(self, Login | Register),
            Client => matches!(self, Generate | OAuthToken | Introspect | Revoke),
            Address | Global => true,
        }
    }
}

impl Scope {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();
    /// Every scope.
    pub const ALL: [Self; 4] = [Address, Account, Client, Global];

    /// Its name in `RATE_LIMITS`.
    pub fn name(self) -> &'static str {
        match self {
            Address => "address",
            Account => "account",
            Client => "client",
            Global => "global",
        }
    }
}

/// The quota of each group and scope, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies([[Option<Quota>; Scope::COUNT]; Group::COUNT]);

impl Default for Policies {
    fn default() -> Self {
        let mut policies = Self::off();
        for (group, scope, quota) in DEFAULTS {
            policies.set(*group, *scope, Some(*quota));
        }
        policies
    }
}

impl Policies {
    /// No limit at all.
    pub fn off() -> Self {
        Self([[None; Scope::COUNT]; Group::COUNT])
    }

    /// Reads a line such as `login=10/m per account, 30/m per address; generate=off`. A limit that it does not name keeps
    /// its default. If the line has `off` beside other limits, a limit that it does not name is off.
    ///
    /// # Errors
    /// [`RateLimitsError`], which says what is wrong.
    pub fn parse(text: &str) -> Result<Self, RateLimitsError> {
        line::parse(text)
    }

    /// The quota of a group and a scope, if it has one.
    pub fn quota(&self, group: Group, scope: Scope) -> Option<Quota> {
        self.0[group as usize][scope as usize]
    }

    /// The global limits that one client can use up: one that is not more than the addresses of one IPv6 network have together, or
    /// one of a group without a limit by address.
    pub fn global_for_one_client(&self) -> impl Iterator<Item = (Group, Quota)> {
        Group::ALL.into_iter().filter_map(|group| {
            let of_all = self.quota(group, Global)?;
            let is_for_more = self
                .quota(group, Address)
                .is_some_and(|of_address| of_all.is_more_than(of_address, ADDRESSES_OF_NETWORK));
            (!is_for_more).then_some((group, of_all))
        })
    }

    /// Whether any group has a limit of this scope.
    pub fn limit_any(&self, scope: Scope) -> bool {
        self.0.iter().any(|scopes| scopes[scope as usize].is_some())
    }

    pub(super) fn set(&mut self, group: Group, scope: Scope, quota: Option<Quota>) {
        self.0[group as usize][scope as usize] = quota;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_limit_that_one_network_can_use_up_is_found() {
        let found = |line: &str| {
            let policies = Policies::parse(line).unwrap();
            policies.global_for_one_client().map(|(group, _)| group.name()).collect::<Vec<_>>()
        };
        assert!(found("").is_empty());
        assert!(found("generate=50/s per address, 500/s global").is_empty());
        assert_eq!(
            found("generate=50/s per address, 400/s global; login=480/m global"),
            ["login", "generate"]
        );
        assert_eq!(found("login=481/m global; register=10000/m global, off per address"), ["register"]);
        assert_eq!(found("login=10/s per address, 100/h global"), ["login"], "of different windows");
    }
}
