//! The address of an issuer's keys: it is a setting, or the issuer publishes it (OpenID Connect Discovery, RFC 8414).

use std::time::{Duration, Instant};

use jose::Algorithm;
use jose::json::Json;

use super::fetch::{FetchFault, Fetched, Fetcher};
use super::set::KeySet;
use crate::address::Address;
use crate::clock::Moment;

/// The time limit for one read with all its requests. API Gateway waits ten seconds.
const ALL: Duration = Duration::from_secs(5);
/// The description of an issuer is read again after this time.
const FOUND_AGE: Duration = Duration::from_secs(60 * 60);

/// An issuer, and how its keys are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// At this address.
    Known {
        /// The `iss` of its tokens.
        issuer: String,
        /// Its key set.
        keys: Address,
    },
    /// At the address that the issuer publishes in one of two documents.
    Described {
        /// The `iss` of its tokens, exactly.
        issuer: String,
        /// The same text, as an address.
        address: Address,
        /// The addresses of the two documents.
        documents: [Address; 2],
    },
}

/// The address that an issuer published for its keys.
#[derive(Clone, Debug)]
pub struct Found {
    keys: Address,
    at: Moment,
}

/// A key set and the headers that came with it.
pub struct Read {
    /// The keys.
    pub keys: KeySet,
    /// Its `Cache-Control` headers.
    pub cache_control: Vec<String>,
    /// Its `Age` header.
    pub age: Option<String>,
}

/// Why keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// No successful response.
    #[error("{0}: {1}")]
    Fetch(String, FetchFault),
    /// The answer is not a key set.
    #[error("{0}: the answer is not a key set (RFC 7517)")]
    NoKeySet(String),
    /// The answer is not a description of an issuer.
    #[error("{0}: the answer is not a JSON object with \"issuer\" and \"jwks_uri\"")]
    NoDescription(String),
    /// The description belongs to another issuer.
    #[error("{0}: \"issuer\" is not, letter for letter, the one of AUTHORIZER_ISSUERS")]
    OtherIssuer(String),
    /// The address in the description cannot be used.
    #[error("{0}: \"jwks_uri\" cannot be used: {1}")]
    BadAddress(String, &'static str),
}

impl Source {
    /// What its tokens have as `iss`.
    pub fn issuer(&self) -> &str {
        match self {
            Self::Known { issuer, .. } | Self::Described { issuer, .. } => issuer,
        }
    }

    /// Reads the keys, and returns the address at which they were found.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub fn read(
        &self,
        fetcher: &Fetcher,
        found: Option<Found>,
        algorithms: &[Algorithm],
    ) -> Result<(Read, Option<Found>), ReadFault> {
        let until = Instant::now() + ALL;
        let (address, found) = match self {
            Self::Known { keys, .. } => (keys.clone(), None),
            Self::Described { .. } => {
                let found = match found.filter(|found| Moment::now().since(found.at) < FOUND_AGE) {
                    Some(found) => found,
                    None => Found { keys: self.find(fetcher, until)?, at: Moment::now() },
                };
                (found.keys.clone(), Some(found))
            }
        };
        let fetched = fetch(fetcher, &address, until)?;
        let keys = KeySet::read(&fetched.body, algorithms);
        let keys = keys.ok_or_else(|| ReadFault::NoKeySet(address.as_str().to_owned()))?;
        Ok((Read { keys, cache_control: fetched.cache_control, age: fetched.age }, found))
    }

    /// Asks the issuer. It asks for the second document only if the first one does not exist.
    fn find(&self, fetcher: &Fetcher, until: Instant) -> Result<Address, ReadFault> {
        let Self::Described { issuer, address, documents: [first, second] } = self else {
            return Err(ReadFault::NoDescription(self.issuer().to_owned()));
        };
        let (document, fetched) = match fetch(fetcher, first, until) {
            Err(ReadFault::Fetch(_, FetchFault::Status(404 | 410))) => {
                (second, fetch(fetcher, second, until)?)
            }
            fetched => (first, fetched?),
        };
        let at = || document.as_str().to_owned();
        let description = Json::parse(&fetched.body).map_err(|_| ReadFault::NoDescription(at()))?;
        let text = |name| description.get(name).and_then(Json::text);
        let (Some(said), Some(keys)) = (text("issuer"), text("jwks_uri")) else {
            return Err(ReadFault::NoDescription(at()));
        };
        if said != issuer {
            return Err(ReadFault::OtherIssuer(at()));
        }
        let keys = Address::parse(keys).map_err(|fault| ReadFault::BadAddress(at(), fault))?;
        if keys.is_local() && !address.is_local() {
            return Err(ReadFault::BadAddress(at(), "it leads to this machine"));
        }
        Ok(keys)
    }
}

fn fetch(fetcher: &Fetcher, address: &Address, until: Instant) -> Result<Fetched, ReadFault> {
    let left = until.saturating_duration_since(Instant::now());
    fetcher.get(address, left).map_err(|fault| ReadFault::Fetch(address.as_str().to_owned(), fault))
}
