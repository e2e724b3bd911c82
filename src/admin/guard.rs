//! Which requests come from whom they should. A page in a browser on the same machine can send requests to it: by the address
//! (CSRF), or by a name of its own that it makes point here (DNS rebinding). Neither may read or change anything.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

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
    /// Whether a request with these headers may have an answer.
    ///
    /// # Errors
    /// [`Distrust`]
    pub(super) fn check(self, path: &str, headers: &HeaderMap) -> Result<(), Distrust> {
        let changes = path.starts_with("/debug/");
        let names_loopback = host_of(headers).is_some_and(is_loopback);
        let is_local = |address: IpAddr| address.to_canonical().is_loopback();
        if is_from_page(headers) {
            return Err(Distrust::FromPage);
        }
        if changes && !(is_local(self.peer) && names_loopback) {
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
    let site = headers.get("sec-fetch-site");
    headers.contains_key(ORIGIN) || site.is_some_and(|site| site != "none" && site != "same-origin")
}

/// The one `Host`, without its port.
fn host_of(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    }
}

fn is_loopback(host: &str) -> bool {
    let is_address = host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    is_address || host.eq_ignore_ascii_case("localhost")
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
        reach.check(path, &map)
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
        for host in
            ["evil.example", "localhost.evil.example:9464", "127.0.0.1.evil.example", "10.0.0.7", "", "[::2]"]
        {
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
    }
}
