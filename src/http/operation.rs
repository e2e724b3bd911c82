//! The description of an operation of the API: how a request reaches it, and what all its responses have in
//! common.

use std::pin::Pin;

use http::Method;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};

use super::dialect::Dialect;
use super::{Answer, Api, Call, path};
use crate::limits::Group;

/// One operation. The router, the CORS headers and the cache headers use the table of all operations
/// ([`super::operations`]); a test compares it with `openapi.yaml`.
#[derive(Debug)]
pub struct Operation {
    /// Its `operationId`, which the log shows.
    pub id: &'static str,
    /// `GET`, which includes `HEAD`, or another method.
    pub method: Method,
    /// Its path as in `openapi.yaml`, with parameters in braces.
    pub path: &'static str,
    /// How its refusals are written.
    pub dialect: Dialect,
    /// The origins whose pages may read its responses.
    pub origins: Origins,
    /// How long caches may keep its responses. Refusals are not meant.
    pub cache: Cache,
    /// Whether the operation reads a bearer token.
    pub auth: Auth,
    /// The operations that it shares its limits with; `None` if it is never limited.
    pub limit: Option<Group>,
    /// Its place in the table, by which metrics find what they count of it.
    pub(super) number: usize,
    pub(super) handler: Handler,
}

/// The function that answers a request.
pub(super) type Handler = fn(Api, Call) -> Pending;

/// A response that is being made.
pub(super) type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The origins whose pages may read a response (CORS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// The origins in `ALLOWED_ORIGINS`.
    Listed,
    /// All: public keys are for every verifier.
    All,
    /// No origin: only servers call this.
    Nowhere,
}

/// The value of `Cache-Control` (RFC 9111 §5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// No such header.
    Unsaid,
    /// `no-store`: the response contains a token or a user, or is only true at this moment.
    NoStore,
    /// `no-cache`: caches may keep the response, and ask again before they use it.
    Revalidate,
    /// A minute, for people and monitors, who should see a change soon.
    Minute,
    /// An hour, for documents that only change with a release.
    Hour,
    /// As long as the ring of keys allows at that moment: the handler sets it.
    KeySet,
    /// As long as `STATUS_LIST_TTL` and the ring of keys allow: the handler sets it.
    StatusList,
}

/// Whether the operation reads the header `Authorization`: a bearer token (RFC 6750 §2.1), if nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// It is not read.
    Ignored,
    /// It is read if it is there.
    Optional,
    /// The credentials of an OAuth client (`Basic`) or a bearer token are read if they are there.
    OptionalClient,
    /// An OAuth client authenticates, here with `Basic` or in the form.
    Client,
    /// Without it the request is refused with 401.
    Required,
}

impl Operation {
    /// The same operation with the limits of this group.
    pub(super) const fn limited(mut self, group: Group) -> Self {
        self.limit = Some(group);
        self
    }

    /// The same operation, with refusals in this dialect.
    pub(super) const fn in_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The part of the requested path at the place of `{name}` in this operation's path, as the client wrote
    /// it.
    pub(super) fn parameter<'a>(&self, name: &str, asked: &'a str) -> Option<&'a str> {
        path::parameter(self.path, name, asked)
    }
}

impl Cache {
    /// The value of `Cache-Control`, if it is the same for each response.
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::Unsaid | Self::KeySet | Self::StatusList => None,
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
