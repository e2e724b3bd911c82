//! What can happen: the kinds of events, each with its name, its class and its personal fields.

use std::fmt;

use super::EventField;
use EventField::{Address, Email, Username};

/// For how long events of a kind are kept: `EVENT_RETENTION` has a length of time for each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventClass {
    /// What an investigation of an attack or of an abuse needs.
    Security,
    /// The rest.
    Other,
}

impl EventClass {
    /// Every class.
    pub const ALL: [Self; 2] = [Self::Security, Self::Other];

    /// The name that is stored and that settings use. It must never change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Other => "other",
        }
    }
}

/// Makes [`EventKind`] from a table: the variant, its name, its class and its personal fields.
macro_rules! event_kinds {
    ($($(#[$about:meta])* $kind:ident = $name:literal, $class:ident, [$($field:ident),*];)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventKind {
            $($(#[$about])* $kind,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The name that is stored and that others read. It must never change.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// For how long events of this kind are kept.
            pub const fn class(self) -> EventClass {
                match self { $(Self::$kind => EventClass::$class,)* }
            }

            /// The fields that are data of the event's person: they are sealed under the key of that person. Without a
            /// person they are stored as they are.
            pub const fn personal_fields(self) -> &'static [EventField] {
                match self { $(Self::$kind => &[$($field),*],)* }
            }
        }
    };
}

event_kinds! {
    /// The user was added.
    UserRegistered = "user.registered", Security, [Address, Username, Email];
    /// The user has another password; the sessions of the user ended.
    PasswordChanged = "user.password_changed", Security, [Address];
    /// The hash of the same password was replaced by one of a higher cost.
    HashStrengthened = "user.hash_strengthened", Other, [Address];
    /// The user's sessions ended; the password is the same.
    SessionsEnded = "user.logged_out", Security, [Address];
    /// An operator changed the claims of the user that apps get.
    UserClaimsChanged = "user.claims_changed", Security, [Address];
    /// The user was removed.
    UserDeleted = "user.deleted", Security, [Address];
    /// The user logged in at the API.
    UserLoggedIn = "login.succeeded", Security, [Address];
    /// A log-in failed: the password was wrong, or no user has the name.
    LoginFailed = "login.failed", Security, [];
    /// So many log-ins failed in a row that the next ones must wait.
    LoginThrottled = "login.throttled", Security, [];
    /// So many log-ins failed in a row that only known addresses may try, until an operator unlocks the user.
    LoginLimited = "login.limited", Security, [];
    /// An operator unlocked the user: all failures are forgotten.
    LoginUnlocked = "login.unlocked", Security, [Address];
    /// The client was added.
    ClientCreated = "client.created", Security, [];
    /// The client's metadata changed.
    ClientChanged = "client.changed", Security, [];
    /// The client has another secret.
    ClientSecretRotated = "client.secret_rotated", Security, [];
    /// The client was removed.
    ClientDeleted = "client.deleted", Security, [];
    /// A client revoked one of its tokens.
    TokenRevoked = "token.revoked", Security, [Address];
    /// The user logged in in a browser.
    BrowserSessionStarted = "session.started", Security, [Address];
    /// The session in one browser ended.
    BrowserSessionEnded = "session.ended", Security, [Address];
    /// The user permitted a client something.
    ConsentGiven = "consent.given", Security, [Address];
    /// The user withdrew what a client was permitted.
    ConsentWithdrawn = "consent.withdrawn", Security, [Address];
    /// The client or the user ended a grant.
    GrantRevoked = "grant.revoked", Security, [Address];
    /// A code was used a second time: its grant ended.
    CodeReused = "code.reused", Security, [Address];
    /// A refresh token was used again after it had been replaced: its grant ended.
    RefreshTokenReused = "refresh_token.reused", Security, [Address];
    /// The key is in the key set, and does not sign yet.
    KeyPublished = "key.published", Security, [];
    /// The key signs.
    KeyActivated = "key.activated", Security, [];
    /// The key no longer signs; it still verifies.
    KeyRetired = "key.retired", Security, [];
    /// The key left the key set when its last token had expired.
    KeyRemoved = "key.removed", Security, [];
    /// An operator removed the key before its time.
    KeyRevoked = "key.revoked", Security, [];
    /// An instance started with other settings than the one before.
    SettingsChanged = "settings.changed", Security, [];
    /// An operator ran a command that changes keys.
    OperatorActed = "operator.acted", Security, [];
    /// Demo tokens were made. Only counted.
    DemoTokensMade = "token.demo", Other, [];
    /// Clients generated tokens. Only counted.
    TokensGenerated = "token.generated", Other, [];
    /// Clients got tokens with their credentials. Only counted.
    ClientTokensIssued = "token.client_credentials", Other, [];
    /// Refresh tokens were used as they should. Only counted.
    TokensRefreshed = "token.refreshed", Other, [];
    /// An endpoint for webhooks was added.
    WebhookCreated = "webhook.created", Security, [];
    /// An endpoint was changed, paused or resumed.
    WebhookChanged = "webhook.changed", Security, [];
    /// An endpoint has another secret.
    WebhookSecretRotated = "webhook.secret_rotated", Security, [];
    /// An endpoint answered that it is gone: nothing is sent to it any more.
    WebhookGone = "webhook.gone", Security, [];
    /// An endpoint was removed.
    WebhookDeleted = "webhook.deleted", Security, [];
    /// The filter of the log was replaced through the admin listener.
    LogFilterChanged = "log.filter_changed", Security, [];
}

impl EventKind {
    /// Whether it is only counted: no event of it is ever stored.
    pub const fn is_only_counted(self) -> bool {
        matches!(
            self,
            Self::DemoTokensMade | Self::TokensGenerated | Self::ClientTokensIssued | Self::TokensRefreshed
        )
    }

    /// The kind with this name; later versions may have stored kinds that this one does not know.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::EventKind;

    #[test]
    fn each_kind_has_a_name_of_its_own_in_two_parts() {
        let names: BTreeSet<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        for name in names {
            let (of, what) = name.split_once('.').unwrap();
            assert!(plain(of) && plain(what), "{name}");
            assert_eq!(EventKind::from_name(name).unwrap().name(), name);
        }
        assert_eq!(EventKind::from_name("user"), None);
    }
}
