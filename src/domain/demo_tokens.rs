//! Whether any caller may get a demo token.

/// The operator's decision about demo tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoTokens {
    /// Every caller may always get one.
    On,
    /// No caller gets one.
    Off,
    /// Every caller may get one as long as there is no OAuth client: a service with clients has a better way to issue tokens.
    UntilClients,
}

impl DemoTokens {
    /// Whether callers get demo tokens now; `has_clients` says whether there is a client.
    pub fn are_on(self, has_clients: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::UntilClients => !has_clients,
        }
    }
}
