//! Keeps a client away from addresses that its [`Destinations`] do not permit: after the look-up of a name, and again at the
//! connection. A call connects only to an address that was checked, so it does not matter what a later look-up says.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};

use crate::{Destinations, RefusedAddress};

/// So many addresses of a name count.
const MAX_ADDRESSES: usize = 16;

/// Looks names up. The system does it, except in tests.
pub trait NameLookup: Debug + Send + Sync + 'static {
    /// The addresses of `host_and_port`, such as `example.com:443`.
    ///
    /// # Errors
    /// If the name has no address.
    fn look_up(&self, host_and_port: &str) -> io::Result<Vec<SocketAddr>>;
}

/// What a client may connect to, and its proxy, which decides about the destinations of the calls that go through it.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    destinations: Destinations,
    proxy: Option<Uri>,
    lookup: Option<Arc<dyn NameLookup>>,
}

impl Guard {
    pub(crate) fn new(
        destinations: Destinations,
        proxy: Option<Uri>,
        lookup: Option<Arc<dyn NameLookup>>,
    ) -> Self {
        Self { destinations, proxy, lookup }
    }

    /// Checks a target that is an address. Nothing looks up the target of a call through a proxy, so this comes first.
    pub(crate) fn check(&self, target: &Uri) -> Result<(), RefusedAddress> {
        let host = target.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match host.parse::<IpAddr>() {
            Ok(address) if !self.destinations.permit(address) => Err(RefusedAddress(address)),
            _ => Ok(()),
        }
    }

    fn permits(&self, uri: &Uri, address: &SocketAddr) -> bool {
        self.proxy.as_ref() == Some(uri) || self.destinations.permit(address.ip())
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = match &self.lookup {
            None => DefaultResolver::default().resolve(uri, config, timeout)?,
            Some(lookup) => self.given(lookup.as_ref(), uri)?,
        };
        let mut kept = self.empty();
        for address in found.iter().filter(|address| self.permits(uri, address)) {
            kept.push(*address);
        }
        match found.first() {
            _ if !kept.is_empty() => Ok(kept),
            Some(refused) => Err(refused_address(refused)),
            None => Err(ureq::Error::HostNotFound),
        }
    }
}

impl Guard {
    fn given(&self, lookup: &dyn NameLookup, uri: &Uri) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (scheme, authority) =
            uri.scheme().zip(uri.authority()).ok_or_else(|| ureq::Error::BadUri(uri.to_string()))?;
        let name = DefaultResolver::host_and_port(scheme, authority).ok_or(ureq::Error::HostNotFound)?;
        let mut found = self.empty();
        lookup.look_up(&name)?.into_iter().take(MAX_ADDRESSES).for_each(|address| found.push(address));
        Ok(found)
    }
}

/// The first connector of a chain: it opens nothing, and refuses to go on.
impl Connector<()> for Guard {
    type Out = ();

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<()>, ureq::Error> {
        let refused = details.addrs.iter().find(|address| !self.permits(details.uri, address));
        refused.map_or(Ok(None), |refused| Err(refused_address(refused)))
    }
}

fn refused_address(address: &SocketAddr) -> ureq::Error {
    ureq::Error::Other(Box::new(RefusedAddress(address.ip())))
}
