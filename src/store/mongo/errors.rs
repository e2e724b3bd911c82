//! What the driver's errors mean for the service, and what the log may contain of them.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::domain::Taken;
use crate::store::StoreError;

/// MongoDB's code for a key that a unique index refuses.
const DUPLICATE_KEY: i32 = 11000;
/// MongoDB's code for a document that the collection's validator refuses.
const INVALID_DOCUMENT: i32 = 121;

/// The part of a driver error that may be logged. The server's own words and details quote the data that was
/// to be written, including password hashes. So if a server refuses, this only contains the code, the name of
/// the code, and the number of the document.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct DriverError(String);

impl DriverError {
    pub(super) fn of(error: &Error) -> Self {
        Self(match &*error.kind {
            ErrorKind::Command(refused) => coded(refused.code, Some(&refused.code_name)),
            ErrorKind::Write(WriteFailure::WriteError(refused)) => {
                coded(refused.code, refused.code_name.as_deref())
            }
            ErrorKind::Write(WriteFailure::WriteConcernError(missed)) => {
                coded(missed.code, Some(&missed.code_name))
            }
            ErrorKind::InsertMany(refused) => {
                let missed = refused.write_concern_error.as_ref();
                let missed = missed.map(|missed| coded(missed.code, Some(&missed.code_name)));
                let documents = refused.write_errors.iter().flatten().map(|document| {
                    format!(
                        "{} at index {}",
                        coded(document.code, document.code_name.as_deref()),
                        document.index
                    )
                });
                documents.chain(missed).next().unwrap_or_else(|| "MongoDB refused many documents".to_owned())
            }
            // These are about servers and settings, and not about a document.
            ErrorKind::ServerSelection { .. }
            | ErrorKind::Io(_)
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Authentication { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::InvalidTlsConfig { .. }
            | ErrorKind::InvalidArgument { .. }
            | ErrorKind::IncompatibleServer { .. }
            | ErrorKind::SessionsNotSupported
            | ErrorKind::Shutdown => error.kind.to_string(),
            ErrorKind::InvalidResponse { .. } => "MongoDB gave an answer that cannot be read".to_owned(),
            _ => "a document could not be read or written".to_owned(),
        })
    }
}

fn coded(code: i32, name: Option<&str>) -> String {
    let known = match code {
        DUPLICATE_KEY => "DuplicateKey",
        INVALID_DOCUMENT => "DocumentValidationFailure",
        _ => "",
    };
    let name = name.filter(|name| !name.is_empty()).unwrap_or(known);
    if name.is_empty() {
        format!("MongoDB refused with code {code}")
    } else {
        format!("MongoDB refused with code {code} ({name})")
    }
}

/// The errors of the driver between which the service distinguishes.
pub(super) fn store_error(error: &Error) -> StoreError {
    if let Some(taken) = duplicate(error) {
        return StoreError::Conflict(taken);
    }
    let cause = DriverError::of(error).into();
    match (code(error), &*error.kind) {
        (Some(DUPLICATE_KEY | INVALID_DOCUMENT), _)
        | (_, ErrorKind::BsonDeserialization(_) | ErrorKind::InvalidArgument { .. }) => {
            StoreError::Backend(cause)
        }
        _ => StoreError::Unavailable(cause),
    }
}

/// The code with which a server refused a write or a command.
fn code(error: &Error) -> Option<i32> {
    match *error.kind {
        ErrorKind::Write(WriteFailure::WriteError(ref refused)) => Some(refused.code),
        ErrorKind::Command(ref refused) => Some(refused.code),
        _ => None,
    }
}

/// The numbers of the documents that a server refused, if it accepted all others; empty for other errors.
pub(super) fn refused_at(error: &Error) -> Option<Vec<usize>> {
    let ErrorKind::InsertMany(refused) = &*error.kind else { return None };
    let documents = refused.write_errors.as_ref().filter(|_| refused.write_concern_error.is_none())?;
    Some(documents.iter().map(|document| document.index).collect())
}

/// Whether a server refused documents only because it has them already, and accepted all others.
pub(super) fn has_only_duplicates(error: &Error) -> bool {
    let ErrorKind::InsertMany(refused) = &*error.kind else { return false };
    let mut documents = refused.write_errors.iter().flatten();
    refused.write_concern_error.is_none() && documents.all(|document| document.code == DUPLICATE_KEY)
}

/// The value that another user has, if a unique index of users refuses. The server names the field only in a
/// sentence, after `dup key: {`; older servers name the index. The text from the caller comes after both.
pub(super) fn duplicate(error: &Error) -> Option<Taken> {
    let message = match *error.kind {
        ErrorKind::Write(WriteFailure::WriteError(ref refused)) if refused.code == DUPLICATE_KEY => {
            &refused.message
        }
        ErrorKind::Command(ref refused) if refused.code == DUPLICATE_KEY => &refused.message,
        _ => return None,
    };
    taken(message)
}

fn taken(message: &str) -> Option<Taken> {
    let begins = ["dup key: { ", " index: "].into_iter().filter_map(|before| message.split_once(before));
    let fields = [("_id", Taken::UserId), ("username", Taken::Username), ("email", Taken::Email)];
    begins
        .filter_map(|(_, rest)| fields.into_iter().find(|(field, _)| rest.starts_with(field)))
        .map(|(_, taken)| taken)
        .next()
}

pub(super) fn is_duplicate(error: &Error) -> bool {
    matches!(*error.kind, ErrorKind::Write(_)) && code(error) == Some(DUPLICATE_KEY)
}

#[cfg(test)]
mod tests {
    use super::taken;
    use crate::domain::Taken;

    #[test]
    fn what_is_taken_stands_in_the_servers_words_before_what_a_caller_wrote() {
        let message = |index: &str, key: &str| {
            format!("E11000 duplicate key error collection: app.users index: {index} dup key: {{ {key} }}")
        };
        let of = |index: &str, key: &str| taken(&message(index, key));
        assert_eq!(of("username_1", r#"username: "dup key: { email: x""#), Some(Taken::Username));
        assert_eq!(of("made_by_hand", r#"email: "a@example.com""#), Some(Taken::Email));
        assert_eq!(of("email_1", r#": "a@example.com""#), Some(Taken::Email));
        assert_eq!(
            of("username_key_1_username_twin_1", r#"username_key: "a", username_twin: null"#),
            Some(Taken::Username)
        );
        assert_eq!(of("_id_", "_id: ObjectId('6b04cb1f00400f2ea8d6fe53')"), Some(Taken::UserId));
        assert_eq!(of("phone_1", "phone: null"), None);
    }
}
