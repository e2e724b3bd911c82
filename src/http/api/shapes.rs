//! Parts of the responses of several endpoints.

use serde::{Serialize, Serializer};

use crate::accounts::LoggedIn;
use crate::domain::{Secret, User};
use crate::token::Issued;

/// A token in the form of RFC 6749 §5.1.
#[derive(Serialize)]
pub(super) struct TokenBody {
    #[serde(serialize_with = "exposed")]
    access_token: Secret<String>,
    token_type: &'static str,
    expires_in: u64,
}

impl From<Issued> for TokenBody {
    fn from(issued: Issued) -> Self {
        Self { access_token: issued.token, token_type: "Bearer", expires_in: issued.expires_in }
    }
}

/// The client must see the token, so the response contains it.
fn exposed<S: Serializer>(token: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

/// A user as the original shows one.
#[derive(Serialize)]
pub(super) struct UserBody {
    #[serde(rename = "_id")]
    id: String,
    username: String,
    email: String,
    #[serde(rename = "createdAt")]
    created_at: String,
    #[serde(rename = "updatedAt")]
    updated_at: String,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user.email.to_string(),
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
        }
    }
}

/// A user and a token.
#[derive(Serialize)]
pub(super) struct LoggedInBody {
    user: UserBody,
    token: TokenBody,
}

impl From<LoggedIn> for LoggedInBody {
    fn from(logged_in: LoggedIn) -> Self {
        Self { user: logged_in.user.into(), token: logged_in.token.into() }
    }
}
