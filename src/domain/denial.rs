//! Tokens that are refused although they have not expired.

use std::fmt;

use super::{ClientId, GrantId, RegistrationId, SessionId, Timestamp, UserId};

/// Which tokens are refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Denied {
    /// The one with this `jti`.
    Token(String),
    /// All of this grant.
    Grant(GrantId),
    /// All of this browser session.
    Session(SessionId),
    /// All of this user that were issued before the instant of the denial.
    User(UserId),
    /// All that this client got for this user before the instant of the denial.
    Access(UserId, ClientId),
    /// All of this registration of a client.
    Registration(RegistrationId),
}

/// A denial. It expires with the last token that it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Which tokens are refused.
    pub denied: Denied,
    /// When it was written.
    pub at: Timestamp,
    /// When it has no more effect and may be removed.
    pub expires_at: Timestamp,
}

/// The kind, a colon, and the id, as it is stored.
impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(jti) => write!(f, "token:{jti}"),
            Self::Grant(id) => write!(f, "grant:{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Access(user, client) => write!(f, "access:{user} {}", client.as_str()),
            Self::Registration(id) => write!(f, "registration:{id}"),
        }
    }
}

/// A denial stays so many seconds longer than the tokens that it concerns, because clocks of instances differ.
const MARGIN_SECS: u64 = 300;

impl Denial {
    /// A denial of tokens from `at` on, of which the last one expires at `last_expiry` by the clock of its instance.
    pub fn of(denied: Denied, at: Timestamp, last_expiry: Timestamp) -> Self {
        Self { denied, at, expires_at: Self::end_of(last_expiry) }
    }

    /// When what is remembered of a token may be forgotten, if the token expires at `expiry`.
    pub fn end_of(expiry: Timestamp) -> Timestamp {
        expiry.plus_secs(MARGIN_SECS)
    }
}

impl Denied {
    /// Whether only tokens that were issued before the denial are refused.
    pub fn is_dated(&self) -> bool {
        matches!(self, Self::User(_) | Self::Access(..))
    }

    /// Reads the stored form; any other text names no tokens.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        match kind {
            "token" => Some(Self::Token(id.to_owned())),
            "grant" => GrantId::parse(id).map(Self::Grant),
            "session" => SessionId::parse(id).map(Self::Session),
            "user" => UserId::parse(id).map(Self::User),
            "access" => {
                let (user, client) = id.split_once(' ')?;
                Some(Self::Access(UserId::parse(user)?, ClientId::parse(client).ok()?))
            }
            "registration" => RegistrationId::parse(id).map(Self::Registration),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientId, Denied, GrantId, RegistrationId, SessionId, UserId};

    #[test]
    fn the_stored_form_reads_back() {
        for denied in [
            Denied::Token("a:b".to_owned()),
            Denied::Grant(GrantId::from_bytes([1; 16])),
            Denied::Session(SessionId::from_bytes([2; 16])),
            Denied::User(UserId::from_bytes([3; 12])),
            Denied::Registration(RegistrationId::from_bytes([4; 16])),
            Denied::Access(
                UserId::from_bytes([5; 12]),
                ClientId::parse("https://app.example/m.json").unwrap(),
            ),
        ] {
            assert_eq!(Denied::parse(&denied.to_string()), Some(denied));
        }
        for text in [
            "",
            "token",
            "grant:1",
            "user:x",
            "registration:x",
            "client:a",
            "other:1",
            "access:x a",
            "access:a",
        ] {
            assert_eq!(Denied::parse(text), None, "{text}");
        }
    }
}
