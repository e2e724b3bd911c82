//! What is wrong with a request's fields or body, with the sentence that the caller reads.

use super::{Kind, Refusal};

/// Fields that an operation needs, of which at least one is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum Missing {
    /// The fields of a registration, in the original's words.
    #[error("Username, email, and password are required")]
    Registration,
    /// The fields of a log-in.
    #[error("Username and password are required")]
    LogIn,
    /// A token to check.
    #[error("Token is required")]
    Token,
}

/// The value of a field is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum FieldFault {
    /// The field with this name is not a string.
    #[error("{0} must be a string")]
    NotText(&'static str),
    /// A form has `name[…]`.
    #[error("{0} must be a string; send nested values as JSON")]
    Nested(&'static str),
    /// It has more characters than it may have.
    #[error("{name} must be at most {most} characters long")]
    TooLong {
        /// The field.
        name: &'static str,
        /// The most characters that it may have.
        most: usize,
    },
    /// `audience` is neither a string nor a list of at most this many.
    #[error("audience must be a string or a list of 1 to {0} strings, none of them empty")]
    Audience(usize),
    /// `expiresIn` cannot be read.
    #[error("expiresIn must be a whole number of seconds above 0, or a length of time such as \"15m\"")]
    Lifetime,
    /// `expiresIn` is above the operator's limit in seconds.
    #[error("expiresIn must be at most {0} seconds")]
    LifetimeTooLong(u64),
    /// The token would be longer than verifiers accept.
    #[error("the token would be too long; ask for fewer or shorter claims and audiences")]
    TokenTooLong,
    /// A domain type refuses the value. Its own text says what the field must be.
    #[error("{0}")]
    Unparsed(String),
}

/// The body cannot be read as the fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum BodyFault {
    /// JSON is not in UTF-8.
    #[error("The request body must be JSON in UTF-8")]
    JsonEncoding,
    /// A form is not in UTF-8.
    #[error("The request body must be a form in UTF-8")]
    FormEncoding,
    /// It is not JSON from this place on.
    #[error("The request body is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The byte in the line, from 1.
        column: usize,
    },
    /// It is JSON but not an object.
    #[error("The request body must be a JSON object")]
    NotAnObject,
    /// Two members have one name.
    #[error("The request body has a member twice")]
    MemberTwice,
    /// It has more members than this.
    #[error("The request body has more than {0} members")]
    TooManyMembers(usize),
    /// The caller stopped sending.
    #[error("The request body ended early")]
    EndedEarly,
}

/// The service does not read this kind of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum MediaFault {
    /// It is compressed.
    #[error("The request body must not be compressed")]
    Compressed,
    /// It is neither JSON nor a form.
    #[error("The request body must be application/json or application/x-www-form-urlencoded, in UTF-8")]
    Type,
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Self {
        Kind::MissingField(missing).into()
    }
}

impl From<FieldFault> for Refusal {
    fn from(fault: FieldFault) -> Self {
        Kind::InvalidField(fault).into()
    }
}

impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Self {
        Kind::MalformedBody(fault).into()
    }
}

impl From<MediaFault> for Refusal {
    fn from(fault: MediaFault) -> Self {
        Kind::MediaType(fault).into()
    }
}
