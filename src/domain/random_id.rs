//! Ids of 128 bits, most of them random.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Makes a type of ids, each written as 32 hex digits.
macro_rules! random_id {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// The id of these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// The bytes of the id.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// Reads 32 hex digits in lower case; any other text is not an id.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                u128::from_str_radix(text, 16).ok().filter(|_| digits).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or("not 32 hex digits")
            }
        }
    };
}

random_id! {
    /// The id of a grant. It is a part of the codes and refresh tokens of the grant, and no secret: an HMAC protects these.
    GrantId
}

impl GrantId {
    /// The id of a grant that is given at `at`: its milliseconds in 48 bits, then 80 random bits. So grants of the same time lie
    /// beside each other in a store, and one write of many of them changes few pages.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let random = random.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        Self(u128::from(at.as_millis()) << 80 | random)
    }
}

random_id! {
    /// The public id of a browser session: the claim `sid` (OpenID Connect Front-Channel Logout §3). It opens nothing.
    SessionId
}

random_id! {
    /// The id of one registration of a client: the claim `rid`. A client that is deleted and added again under the same
    /// `client_id` is another registration, so that it gets nothing of what the first one had.
    RegistrationId
}

#[cfg(test)]
mod tests {
    use super::{GrantId, Timestamp};

    #[test]
    fn an_id_reads_back_what_it_writes() {
        let id = GrantId::from_bytes([0x0A; 16]);
        assert_eq!(GrantId::parse(&id.to_string()), Some(id));
        for text in ["", "0a", &"0A".repeat(16), &"+".repeat(32), &"0g".repeat(16)] {
            assert_eq!(GrantId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn grants_are_in_the_order_of_their_instants_and_differ_within_one() {
        let id = |at, random| GrantId::new(Timestamp::from_millis(at), [random; 10]);
        assert!(id(1_790_000_000_000, 0xFF) < id(1_790_000_000_001, 0) && id(7, 1) != id(7, 2));
        assert_eq!(id(0x0102_0304_0506, 0xAB).to_string(), format!("010203040506{}", "ab".repeat(10)));
    }
}
