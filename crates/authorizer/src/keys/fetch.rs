//! One GET, within bounds of time and size, and nowhere else than to the address that was meant.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::address::Address;

/// For one answer.
const EACH: Duration = Duration::from_secs(3);
/// A key set of ten keys with certificates has some 20 KiB.
const MOST: u64 = 256 * 1024;

/// Fetches documents.
#[derive(Clone, Debug)]
pub struct Fetcher(Agent);

/// A good answer.
#[derive(Debug)]
pub struct Fetched {
    /// Its body.
    pub body: Vec<u8>,
    /// Its `Cache-Control` headers.
    pub cache_control: Vec<String>,
    /// Its `Age` header.
    pub age: Option<String>,
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchFault {
    /// It leads elsewhere. Whoever can make it do so would choose the keys.
    #[error("the answer is a redirection, which is not followed; set the address that it leads to")]
    Redirection,
    /// Another status than 200.
    #[error("the answer has status {0}")]
    Status(u16),
    /// The network, the certificate, the time or the size.
    #[error("{0}")]
    NoAnswer(#[from] Box<ureq::Error>),
}

impl Fetcher {
    /// Trusts the certificates that the system trusts.
    pub fn new() -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("jwt-authorizer/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .into();
        Self(agent)
    }

    /// Fetches a document, within this time.
    ///
    /// # Errors
    /// [`FetchFault`].
    pub fn get(&self, address: &Address, within: Duration) -> Result<Fetched, FetchFault> {
        let request = self.0.get(address.as_str()).header("accept", "application/json");
        let request = request.config().timeout_global(Some(within.min(EACH))).build();
        let (parts, body) = request.call().map_err(Box::new)?.into_parts();
        match parts.status.as_u16() {
            200 => {}
            300..=399 => return Err(FetchFault::Redirection),
            status => return Err(FetchFault::Status(status)),
        }
        let body = body.into_with_config().limit(MOST).read_to_vec().map_err(Box::new)?;
        let cache_control = values(&parts.headers, "cache-control");
        Ok(Fetched { body, cache_control, age: values(&parts.headers, "age").pop() })
    }
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
}
