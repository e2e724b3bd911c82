//! Which requests come from whom they should. A page in a browser on the same machine can send requests to it: by the address
//! (CSRF), or by a name of its own that it makes point here (DNS rebinding). Neither may read or change anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

/// Between which ends a connection is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Our address of the connection, if it is known.
    pub(super) listener: Option<IpAddr>,
    /// The client's address.
    pub(super) peer: IpAddr,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Distrust {
    /// A client of a proxy names the host there. This listener is no proxy, and compares the `Host` header.
    #[error("This listener is no proxy: the request must name a path, and not a whole URL")]
    WholeUrl,
    /// On a loopback address, a client asks for a loopback address.
    #[error(
        "This listener answers only requests for localhost or a loopback address: the Host header names another host"
    )]
    OtherHost,
    /// `/debug/` changes the process.
    #[error("Only clients on the same machine may use /debug/, by a loopback address or localhost")]
    NotLocal,
    /// A page in a browser asks.
    #[error(
        "Pages in a browser may not use this listener: the request has an Origin header or comes from another site"
    )]
    FromPage,
}

impl Reach {
    /// Whether a request with this target and these headers may have an answer.
    ///
    /// # Errors
    /// [`Distrust`]
    pub(super) fn check(self, target: &Uri, headers: &HeaderMap) -> Result<(), Distrust> {
        if target.authority().is_some() || target.scheme().is_some() {
            return Err(Distrust::WholeUrl);
        }
        let changes = target.path().starts_with("/debug/");
        let names_loopback = host_of(headers).is_some_and(is_loopback);
        let is_local = |address: IpAddr| address.to_canonical().is_loopback();
        if is_from_page(headers) {
            return Err(Distrust::FromPage);
        }
        // Proxies of a service mesh connect from a loopback address to that of the pod, for clients anywhere.
        let is_between_loopbacks = is_local(self.peer) && self.listener.is_some_and(is_local);
        if changes && !(is_between_loopbacks && names_loopback) {
            return Err(Distrust::NotLocal);
        }
        if self.listener.is_some_and(is_local) && !names_loopback {
            return Err(Distrust::OtherHost);
        }
        Ok(())
    }
}

/// A browser says so of what scripts and forms send (Fetch, "Origin header"; Fetch Metadata, "Sec-Fetch-Site"). A person who
/// types the address sends `none`.
fn is_from_page(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    headers.contains_key(ORIGIN) || sites.any(|site| site != "none" && site != "same-origin")
}

/// The one `Host`.
fn host_of(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

/// Whether a `Host` is `localhost` or a loopback address, with or without a port (RFC 3986 §3.2.2).
fn is_loopback(host: &str) -> bool {
    let (name, is_bracketed, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, true, port),
        None => host.find(':').map_or((host, false, ""), |colon| (&host[..colon], false, &host[colon..])),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return false;
    }
    if is_bracketed {
        return name
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| IpAddr::from(address).to_canonical().is_loopback());
    }
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1";
    const POD: &str = "10.0.0.7";

    fn check(
        listener: &str,
        peer: &str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(), Distrust> {
        let reach = Reach { listener: Some(listener.parse().unwrap()), peer: peer.parse().unwrap() };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        reach.check(&path.parse().unwrap(), &map)
    }

    #[test]
    fn on_loopback_only_loopback_names_are_answered() {
        for host in
            ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "127.8.9.1", "[::1]:9464", "[::ffff:127.0.0.1]"]
        {
            for path in ["/metrics", "/debug/log"] {
                assert_eq!(check(HERE, HERE, path, &[("host", host)]), Ok(()), "{host} {path}");
            }
        }
        for host in [
            "evil.example",
            "localhost.evil.example:9464",
            "127.0.0.1.evil.example",
            "10.0.0.7",
            "",
            "[::2]",
            "[127.0.0.1]evil",
            "[127.0.0.1]",
            "[::1]evil",
            "[::1",
            "::1",
            "localhost:",
            "localhost:evil",
            "localhost:+80",
            "localhost:80:80",
            "localhost:99999",
            "evil@localhost",
            "localhost ",
            "localhost/",
        ] {
            assert_eq!(check(HERE, HERE, "/metrics", &[("host", host)]), Err(Distrust::OtherHost), "{host}");
            assert_eq!(check(HERE, HERE, "/debug/log", &[("host", host)]), Err(Distrust::NotLocal), "{host}");
        }
        assert_eq!(check(HERE, HERE, "/metrics", &[]), Err(Distrust::OtherHost));
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(check(HERE, HERE, "/metrics", &twice), Err(Distrust::OtherHost));
    }

    #[test]
    fn on_another_address_scrapers_may_use_any_name_and_nothing_is_changed_from_outside() {
        let name = [("host", "pod.namespace.svc:9464")];
        assert_eq!(check(POD, "10.0.0.9", "/metrics", &name), Ok(()));
        assert_eq!(check(POD, "10.0.0.9", "/debug/log", &name), Err(Distrust::NotLocal));
        assert_eq!(check(POD, "10.0.0.9", "/debug/log", &[("host", "127.0.0.1")]), Err(Distrust::NotLocal));
    }

    #[test]
    fn a_proxy_of_a_service_mesh_is_no_client_on_the_same_machine() {
        let name = [("host", "localhost:9464")];
        assert_eq!(check(POD, "127.0.0.6", "/debug/log", &name), Err(Distrust::NotLocal));
        assert_eq!(check(POD, "127.0.0.6", "/metrics", &name), Ok(()));
        assert_eq!(
            check(HERE, "127.0.0.6", "/debug/log", &name),
            Ok(()),
            "`kubectl port-forward` connects so"
        );
        let unknown = Reach { listener: None, peer: HERE.parse().unwrap() };
        let headers = HeaderMap::from_iter([(HOST, "localhost".parse().unwrap())]);
        assert_eq!(unknown.check(&"/debug/log".parse().unwrap(), &headers), Err(Distrust::NotLocal));
    }

    #[test]
    fn a_target_with_a_host_of_its_own_is_refused() {
        for target in ["http://evil.example/metrics", "http://localhost/debug/log", "localhost:9464"] {
            assert_eq!(
                check(HERE, HERE, target, &[("host", "localhost")]),
                Err(Distrust::WholeUrl),
                "{target}"
            );
        }
    }

    #[test]
    fn a_page_in_a_browser_gets_nothing() {
        for header in
            [("origin", "null"), ("origin", "http://localhost:9464"), ("sec-fetch-site", "cross-site")]
        {
            for path in ["/metrics", "/debug/log"] {
                assert_eq!(
                    check(HERE, HERE, path, &[("host", "localhost"), header]),
                    Err(Distrust::FromPage)
                );
            }
        }
        assert_eq!(
            check(HERE, HERE, "/metrics", &[("host", "localhost"), ("sec-fetch-site", "none")]),
            Ok(())
        );
        let sites = [("host", "localhost"), ("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
        assert_eq!(check(HERE, HERE, "/metrics", &sites), Err(Distrust::FromPage));
    }
}
