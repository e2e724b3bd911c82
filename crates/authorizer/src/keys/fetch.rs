//! One GET request, with limits of time and size. It never follows a redirection.

use std::time::Duration;

use http::Request;
use http::header::ACCEPT;
use outbound::{Bounds, CallError, Client, ClientSettings, Proxy, Roots};
use zeroize::Zeroizing;

use crate::address::Address;

/// For one answer.
const EACH: Duration = Duration::from_secs(3);
/// A key set of ten keys with certificates has some 20 KiB.
const MOST: usize = 256 * 1024;

/// Connections that are kept for the next fetch.
const IDLE_CONNECTIONS: usize = 10;

/// Fetches documents.
#[derive(Clone, Debug)]
pub struct Fetcher(Client);

/// A successful response.
#[derive(Debug)]
pub struct Fetched {
    /// Its body.
    pub body: Zeroizing<Vec<u8>>,
    /// Its `Cache-Control` headers.
    pub cache_control: Vec<String>,
    /// Its `Age` header.
    pub age: Option<String>,
}

/// Why there is no successful response.
#[derive(Debug, thiserror::Error)]
pub enum FetchFault {
    /// The answer is a redirection. An attacker who can cause one could choose the keys.
    #[error("the answer is a redirection, which is not followed; set the address that it leads to")]
    Redirection,
    /// Another status than 200.
    #[error("the answer has status {0}")]
    Status(u16),
    /// The error is in the network or the certificate, or a limit of time or size was exceeded.
    #[error("{0}")]
    NoAnswer(#[from] CallError),
}

impl Fetcher {
    /// Trusts the certificates that the system trusts.
    pub fn new() -> Self {
        Self(Client::new(ClientSettings {
            user_agent: concat!("jwt-authorizer/", env!("CARGO_PKG_VERSION")),
            roots: Roots::of_system(),
            proxy: Proxy::FromEnvironment,
            idle_connections: IDLE_CONNECTIONS,
        }))
    }

    /// Fetches a document, within this time.
    ///
    /// # Errors
    /// [`FetchFault`].
    pub fn get(&self, address: &Address, within: Duration) -> Result<Fetched, FetchFault> {
        let request = Request::get(address.as_str()).header(ACCEPT, "application/json").body(&[][..]);
        let bounds = Bounds { within: within.min(EACH), answer: MOST };
        let answer = self.0.send(request.map_err(CallError::Request)?, bounds)?;
        match answer.status {
            200 => {}
            300..=399 => return Err(FetchFault::Redirection),
            status => return Err(FetchFault::Status(status)),
        }
        let cache_control = answer.header_values("cache-control").map(str::to_owned).collect();
        let age = answer.header_values("age").last().map(str::to_owned);
        Ok(Fetched { body: answer.body, cache_control, age })
    }
}
