//! The standard claims that an operator gave a user.

use serde_json::{Map, Value};

use super::{StandardClaim, Timestamp};

/// The most bytes of all claims of a user as JSON: they are in userinfo answers, and can be in tokens.
const MAX_BYTES: usize = 4096;
const PHONE: &str = "phone_number";
const PHONE_VERIFIED: &str = "phone_number_verified";

/// What a user has of the standard claims that an operator may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserClaims {
    /// The claims by their names.
    pub members: Map<String, Value>,
    /// When they last changed.
    pub updated_at: Timestamp,
}

/// Why claims were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserClaimsError {
    /// The change is not a JSON object.
    #[error("the claims must be a JSON object, such as {{\"given_name\": \"Ada\"}}: {0}")]
    NotAnObject(String),
    /// The service sets the claim itself, or does not know it.
    #[error("{0} is not a claim that you can give a user; these are: {names}", names = names())]
    Unknown(String),
    /// The value has another form than the claim.
    #[error("{name} {requirement}")]
    Value {
        /// The name of the claim.
        name: &'static str,
        /// What its value must be.
        requirement: &'static str,
    },
    /// The number is missing that is said to be verified.
    #[error("phone_number_verified needs a phone_number")]
    NoPhone,
    /// All claims together are too long.
    #[error("the claims of a user may have at most {MAX_BYTES} bytes as JSON")]
    TooLong,
}

impl UserClaims {
    /// No claims.
    pub fn none(updated_at: Timestamp) -> Self {
        Self { members: Map::new(), updated_at }
    }

    /// The claims of a stored text; `None` if it is not the text of an object.
    pub fn from_store(text: &str, updated_at: Timestamp) -> Option<Self> {
        serde_json::from_str(text).ok().map(|members| Self { members, updated_at })
    }

    /// The text that is stored.
    pub fn to_store(&self) -> String {
        serde_json::to_string(&self.members).unwrap_or_default()
    }

    /// The claims after a change: each member of this JSON object takes the place of the claim with its name, and `null` removes
    /// it (RFC 7396, but `address` changes as a whole). Another telephone number is not verified until the change says so.
    ///
    /// # Errors
    /// [`UserClaimsError`].
    pub fn changed_by(&self, change: &str) -> Result<Self, UserClaimsError> {
        let change: Map<String, Value> =
            serde_json::from_str(change).map_err(|error| UserClaimsError::NotAnObject(error.to_string()))?;
        let mut members = self.members.clone();
        if change.contains_key(PHONE) {
            members.remove(PHONE_VERIFIED);
        }
        for (name, value) in change {
            let claim = StandardClaim::named(&name).ok_or_else(|| UserClaimsError::Unknown(name.clone()))?;
            if value.is_null() {
                members.remove(&name);
            } else if claim.admits(&value) {
                members.insert(name, value);
            } else {
                return Err(UserClaimsError::Value { name: claim.name, requirement: claim.requirement() });
            }
        }
        if members.contains_key(PHONE_VERIFIED) && !members.contains_key(PHONE) {
            return Err(UserClaimsError::NoPhone);
        }
        let changed = Self { members, updated_at: self.updated_at };
        if changed.to_store().len() > MAX_BYTES { Err(UserClaimsError::TooLong) } else { Ok(changed) }
    }

    /// The claim as others get it. A telephone number about which nothing is said is not verified.
    pub fn get(&self, name: &str) -> Option<Value> {
        let unverified =
            || (name == PHONE_VERIFIED && self.members.contains_key(PHONE)).then_some(Value::Bool(false));
        self.members.get(name).cloned().or_else(unverified)
    }
}

fn names() -> String {
    StandardClaim::ALL.iter().map(|claim| claim.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{UserClaims, UserClaimsError};
    use crate::domain::Timestamp;

    const NOW: Timestamp = Timestamp::from_secs(7);

    #[test]
    fn a_change_replaces_and_removes_single_claims() {
        let none = UserClaims::none(NOW);
        let ada = none.changed_by(r#"{"given_name":"Ada","family_name":"King","nickname":null}"#).unwrap();
        assert_eq!(ada.to_store(), r#"{"family_name":"King","given_name":"Ada"}"#);
        let ada = ada.changed_by(r#"{"family_name":"Lovelace","given_name":null}"#).unwrap();
        assert_eq!(Value::from(ada.members.clone()), json!({ "family_name": "Lovelace" }));
        assert_eq!(UserClaims::from_store(&ada.to_store(), NOW), Some(ada));
        assert_eq!(UserClaims::from_store("[]", NOW), None);
    }

    #[test]
    fn another_number_is_not_verified() {
        let none = UserClaims::none(NOW);
        let ada = none.changed_by(r#"{"phone_number":"+4412345","phone_number_verified":true}"#).unwrap();
        assert_eq!(ada.get("phone_number_verified"), Some(Value::Bool(true)));
        let ada = ada.changed_by(r#"{"phone_number":"+4412346"}"#).unwrap();
        assert_eq!(ada.get("phone_number_verified"), Some(Value::Bool(false)));
        let ada = ada.changed_by(r#"{"phone_number":null}"#).unwrap();
        assert_eq!((ada.get("phone_number_verified"), ada.get("phone_number")), (None, None));
        assert_eq!(ada.changed_by(r#"{"phone_number_verified":true}"#), Err(UserClaimsError::NoPhone));
    }

    #[test]
    fn other_changes_are_refused_as_a_whole() {
        let none = UserClaims::none(NOW);
        for text in ["", "[]", r#"{"name":"a"} x"#] {
            assert!(matches!(none.changed_by(text), Err(UserClaimsError::NotAnObject(_))), "{text}");
        }
        for name in ["sub", "email", "email_verified", "updated_at", "groups", "name#ja"] {
            let change = json!({ "name": "Ada", name: "x" }).to_string();
            assert_eq!(none.changed_by(&change), Err(UserClaimsError::Unknown(name.to_owned())), "{name}");
        }
        let fault = none.changed_by(r#"{"birthdate":"tomorrow"}"#).unwrap_err().to_string();
        assert!(fault.starts_with("birthdate must be a date"), "{fault}");
        let address = ["formatted", "street_address", "locality", "region", "postal_code", "country"];
        let address: serde_json::Map<_, _> =
            address.iter().map(|name| ((*name).to_owned(), "李".repeat(250).into())).collect();
        assert_eq!(
            none.changed_by(&json!({ "address": address }).to_string()),
            Err(UserClaimsError::TooLong)
        );
    }
}
