//! What an operation of the API is: how it is reached, and what holds for all its answers.

use std::pin::Pin;

use http::Method;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};

use super::dialect::Dialect;
use super::{Answer, Api, Call, path};
use crate::limits::Group;

/// One operation. The table of all of them ([`super::operations`]) is what the router finds and what decides on origins and
/// caches; a test holds it against `openapi.yaml`.
#[derive(Debug)]
pub struct Operation {
    /// Its `operationId`, by which the log names it.
    pub id: &'static str,
    /// `GET`, which is `HEAD` as well, or another method.
    pub method: Method,
    /// Its path as `openapi.yaml` has it, with parameters in braces.
    pub path: &'static str,
    /// How its refusals are written.
    pub dialect: Dialect,
    /// From where a browser may read its answers.
    pub origins: Origins,
    /// How long its answers may be kept, refusals aside.
    pub cache: Cache,
    /// Whether a bearer token comes with it.
    pub auth: Auth,
    /// The operations that it shares its limits with; `None` if it is never limited.
    pub limit: Option<Group>,
    pub(super) handler: Handler,
}

/// What answers a request.
pub(super) type Handler = fn(Api, Call) -> Pending;

/// An answer that is being made.
pub(super) type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// From where a browser may read answers (CORS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// From the origins in `ALLOWED_ORIGINS`.
    Listed,
    /// From all: public keys are for every verifier.
    All,
}

/// What `Cache-Control` says (RFC 9111 §5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Nothing.
    Unsaid,
    /// `no-store`: the answer holds a token or a user, or is true at this moment only.
    NoStore,
    /// `no-cache`: the answer may be kept, and is asked for again before it is used.
    Revalidate,
    /// A minute, for people and monitors, who should see a change soon.
    Minute,
    /// An hour, for documents that change with a release only.
    Hour,
    /// As long as the ring of keys allows at that moment: the handler says it.
    KeySet,
}

/// Whether a request brings `Authorization: Bearer` (RFC 6750 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// It is not read.
    Ignored,
    /// It is read where it is there.
    Optional,
    /// Without it the request is refused with 401.
    Required,
}

impl Operation {
    /// The same operation with the limits of this group.
    pub(super) const fn limited(mut self, group: Group) -> Self {
        self.limit = Some(group);
        self
    }

    /// The part of an asked path that stands where this operation's path has `{name}`, as it was asked.
    pub(super) fn parameter<'a>(&self, name: &str, asked: &'a str) -> Option<&'a str> {
        path::parameter(self.path, name, asked)
    }
}

impl Cache {
    /// The value of `Cache-Control`, where it is the same for each answer.
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::Unsaid | Self::KeySet => None,
            Self::NoStore => Some("no-store"),
            Self::Revalidate => Some("no-cache"),
            Self::Minute => Some("public, max-age=60"),
            Self::Hour => Some("public, max-age=3600"),
        }
    }

    pub(super) fn apply(self, headers: &mut HeaderMap) {
        if let Some(value) = self.value() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(value));
        }
    }
}
