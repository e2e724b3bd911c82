//! The places of tokens in the published lists of their states (Token Status List).

use super::{ClientId, Denied, GrantId, Kid, RegistrationId, SessionId, Timestamp, UserId};

/// The place of a token: a list, and an entry in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusPlace {
    /// The number of the list, from 1 on.
    pub list: u64,
    /// The number of the entry, from 0 on.
    pub index: u32,
}

impl StatusPlace {
    /// The entries of one list: 128 KiB with one bit each.
    pub const PER_LIST: u32 = 1 << 20;

    /// One number for both, as it is stored.
    pub fn to_number(self) -> u64 {
        self.list.saturating_mul(u64::from(Self::PER_LIST)).saturating_add(u64::from(self.index))
    }

    /// Reads the stored form.
    pub fn from_number(number: u64) -> Self {
        let per_list = u64::from(Self::PER_LIST);
        Self { list: number / per_list, index: (number % per_list) as u32 }
    }
}

/// A list that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusListRecord {
    /// Its number.
    pub number: u64,
    /// When the last of its tokens has expired.
    pub live_until: Timestamp,
}

/// Places of one list that only one instance gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLease {
    /// The list.
    pub list: u64,
    /// The first position, before the secret order of the list is applied.
    pub first: u32,
}

impl StatusLease {
    /// The positions of one lease. It divides the entries of a list.
    pub const POSITIONS: u32 = 1024;
}

/// What is remembered of a token with a place: all that decides whether a denial concerns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEntry {
    /// Its place.
    pub place: StatusPlace,
    /// `jti`.
    pub jti: String,
    /// The key that signed it.
    pub kid: Kid,
    /// `client_id`.
    pub client: ClientId,
    /// `rid`.
    pub registration: Option<RegistrationId>,
    /// `sub`, if it is the id of a user.
    pub user: Option<UserId>,
    /// `gid`.
    pub grant: Option<GrantId>,
    /// `sid`.
    pub session: Option<SessionId>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// When the entry may be removed: some time after `exp`, because clocks differ.
    pub expires_at: Timestamp,
}

impl StatusEntry {
    /// The denials that concern the token. Those of [`Denied::User`] and [`Denied::Access`] do so only if the token was issued
    /// before them.
    pub fn concerns(&self) -> Vec<Denied> {
        // Only access tokens of a user have `gid`.
        let access = self.user.filter(|_| self.grant.is_some());
        let access = access.map(|user| Denied::Access(user, self.client.clone()));
        let denied = [
            Some(Denied::Token(self.jti.clone())),
            self.grant.map(Denied::Grant),
            self.session.map(Denied::Session),
            self.registration.map(Denied::Registration),
            self.user.map(Denied::User),
            access,
        ];
        denied.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::StatusPlace;

    #[test]
    fn a_place_is_one_number_and_reads_back() {
        for place in [
            StatusPlace { list: 1, index: 0 },
            StatusPlace { list: 7, index: StatusPlace::PER_LIST - 1 },
            StatusPlace { list: 1 << 40, index: 5 },
        ] {
            assert_eq!(StatusPlace::from_number(place.to_number()), place);
        }
    }
}
