//! The client: its caller makes it once and then uses it for all calls.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use rustls::crypto::aws_lc_rs::default_provider;
use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, DefaultConnector};

use crate::answer::read;
use crate::guard::Guard;
use crate::{Answer, CallError, Destinations, NameLookup, Roots};

/// The most bytes of headers; a response with more is an error.
const HEADER_LIMIT: usize = 64 * 1024;

/// How a call reaches its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// Directly.
    Never,
    /// Through the proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name, except for targets that
    /// `NO_PROXY` names.
    FromEnvironment,
}

/// The settings for all calls of a client.
pub struct ClientSettings {
    /// The name and version of the program, for the header `User-Agent`.
    pub user_agent: &'static str,
    /// Which certificates are trusted.
    pub roots: Roots,
    /// How the calls reach their targets.
    pub proxy: Proxy,
    /// How many connections are kept for the next call.
    pub idle_connections: usize,
}

/// The limits of one call: its time and the size of its response.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The time from the look-up of the name to the last byte of the body.
    pub within: Duration,
    /// The longest body, in bytes.
    pub answer: usize,
}

/// Makes calls; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    /// For addresses that others choose.
    guard: Option<Guard>,
}

impl Client {
    /// A client with these settings.
    pub fn new(settings: ClientSettings) -> Self {
        let proxy = settings.proxy();
        let parts = (config(settings, proxy), DefaultConnector::default(), DefaultResolver::default());
        Self { agent: Agent::with_parts(parts.0, parts.1, parts.2), guard: None }
    }

    /// As [`Client::new`], for addresses that others choose: it connects to no address at which a cloud provider gives
    /// credentials to each program on a machine. Through a proxy, the proxy decides.
    pub fn avoiding_link_local(settings: ClientSettings) -> Self {
        Self::guarded(settings, Destinations::except_platform(), None)
    }

    /// As [`Client::new`], for addresses that others choose: it connects only to `destinations`. Through a proxy, the proxy
    /// decides about names, and the client about addresses. Tests have names looked up by `lookup`.
    pub fn guarded(
        settings: ClientSettings,
        destinations: Destinations,
        lookup: Option<Arc<dyn NameLookup>>,
    ) -> Self {
        let proxy = settings.proxy();
        let guard = Guard::new(destinations, proxy.as_ref().map(|proxy| proxy.uri().clone()), lookup);
        let connector = guard.clone().chain(DefaultConnector::default());
        Self {
            agent: Agent::with_parts(config(settings, proxy), connector, guard.clone()),
            guard: Some(guard),
        }
    }

    /// Reads what is at `url`.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn get(&self, url: &str, bounds: Bounds) -> Result<Answer, CallError> {
        self.send(Request::builder().method(Method::GET).uri(url).body(&[][..])?, bounds)
    }

    /// Sends a request. A response with any status counts as success.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn send(&self, request: Request<&[u8]>, bounds: Bounds) -> Result<Answer, CallError> {
        let (answer, is_whole) = self.send_and_cut(request, bounds)?;
        if is_whole { Ok(answer) } else { Err(CallError::TooLong(bounds.answer)) }
    }

    /// The same, but a body that is too long is cut; also returns whether the body is complete.
    ///
    /// # Errors
    /// [`CallError`], except [`CallError::TooLong`].
    pub fn send_and_cut(&self, request: Request<&[u8]>, bounds: Bounds) -> Result<(Answer, bool), CallError> {
        if let Some(guard) = &self.guard {
            guard.check(request.uri())?;
        }
        let answered = if request.body().is_empty() {
            let (head, _) = request.into_parts();
            self.run(Request::from_parts(head, ()), bounds.within)
        } else {
            self.run(request, bounds.within)
        };
        let (parts, body) = answered.map_err(CallError::of)?.into_parts();
        let (body, is_whole) = read(body.into_reader(), bounds.answer)?;
        Ok((Answer { status: parts.status.as_u16(), headers: parts.headers, body }, is_whole))
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        request: Request<B>,
        within: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request).timeout_global(Some(within)).build())
    }
}

impl ClientSettings {
    fn proxy(&self) -> Option<ureq::Proxy> {
        match self.proxy {
            Proxy::Never => None,
            Proxy::FromEnvironment => ureq::Proxy::try_from_env(),
        }
    }
}

fn config(settings: ClientSettings, proxy: Option<ureq::Proxy>) -> Config {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .root_certs(settings.roots.0)
        .build();
    Agent::config_builder()
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(HEADER_LIMIT)
        .max_idle_connections(settings.idle_connections)
        .max_idle_connections_per_host(settings.idle_connections)
        .user_agent(settings.user_agent)
        .tls_config(tls)
        .build()
}
