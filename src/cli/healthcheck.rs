//! `healthcheck`: asks a server whether it is healthy, for containers and probes without `curl`.

use std::time::Duration;

use clap::Args;
use doctor::Target;
use outbound::{Bounds, Client, ClientSettings, Proxy, Roots};
use serde_json::{Value, json};

use super::setup;
use super::{Failure, Output};

/// For one request. A key set of ten keys with certificates has about 20 KiB.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(5), answer: 1024 * 1024 };

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Address of the server [default: this machine at PORT]
    #[arg(long, value_parser = address)]
    url: Option<String>,
    /// Also fail if the database does not answer
    #[arg(long)]
    database: bool,
    /// Also fail if the server cannot sign tokens
    #[arg(long)]
    signing: bool,
    /// Ask instead whether the server can verify tokens and publish its keys
    #[arg(long, conflicts_with_all = ["database", "signing", "started"])]
    ready: bool,
    /// Ask instead whether the server has started: the keys are loaded, and the
    /// active key can sign
    #[arg(long, conflicts_with_all = ["database", "signing"])]
    started: bool,
}

impl Healthcheck {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let base = self.base()?;
        if self.ready {
            return probe(&base, "/readyz", "the server is not ready", output);
        }
        if self.started {
            return probe(&base, "/startupz", "the server has not started", output);
        }
        let (status, body) = fetch(&format!("{base}/health"), Proxy::Never)?;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let connected = body["database_connected"] == json!(true);
        if status != 200 || body["success"] != json!(true) {
            return Err(Failure::refused(format!("{base}/health answered with status {status}")));
        }
        if self.database && !connected {
            return Err(Failure::refused("the database does not answer"));
        }
        let signing = body["signing"] != json!(false);
        if self.signing && !signing {
            return Err(Failure::refused("the server cannot sign tokens"));
        }
        let text = format!("healthy; the database {}", if connected { "answers" } else { "does not answer" });
        output.print(&json!({ "healthy": true, "database_connected": connected, "signing": signing }), &text);
        Ok(())
    }

    /// The address of the server, without a slash at its end.
    fn base(&self) -> Result<String, Failure> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let config = setup::config()?;
        let host = config.host.filter(|ip| !ip.is_unspecified());
        let host = host.map_or_else(
            || "127.0.0.1".to_owned(),
            |ip| if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() },
        );
        Ok(format!("http://{host}:{}", config.port))
    }
}

/// An HTTP or HTTPS address, without a slash at its end.
fn address(text: &str) -> Result<String, String> {
    Target::parse(text).map(|_| text.trim_end_matches('/').to_owned()).map_err(|error| error.to_string())
}

/// Asks what a probe asks. `refusal` begins the message if the answer is no.
fn probe(base: &str, path: &str, refusal: &str, output: &Output) -> Result<(), Failure> {
    let (status, body) = fetch(&format!("{base}{path}"), Proxy::Never)?;
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    match (status, body["status"].as_str(), body["reason"].as_str()) {
        (200, Some(status), _) => {
            output.print(&json!({ "status": status }), status);
            Ok(())
        }
        (503, _, Some(reason)) => Err(Failure::refused(format!("{refusal}: {reason}"))),
        _ => Err(Failure::refused(format!("{base}{path} answered with status {status}"))),
    }
}

/// The status and the body of the answer to a GET request. Redirects are not followed.
pub(super) fn fetch(url: &str, proxy: Proxy) -> Result<(u16, String), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::refused(format!("cannot fetch {url}: {error}"));
    let client = Client::new(ClientSettings {
        user_agent: concat!("jwt-generator/", env!("CARGO_PKG_VERSION")),
        roots: Roots::of_system(),
        proxy,
        idle_connections: 1,
    });
    let answer = client.get(url, BOUNDS).map_err(|error| failed(&error))?;
    if answer.is_redirect() {
        return Err(failed(
            &"the answer is a redirect, and this command follows none; give the address that it leads to",
        ));
    }
    let body = std::str::from_utf8(&answer.body).map_err(|error| failed(&error))?;
    Ok((answer.status, body.to_owned()))
}
