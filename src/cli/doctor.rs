//! `doctor`: reads the arguments, has `crates/doctor` inspect the deployment, and prints its report.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use doctor::{Expected, Inspection, Report, Roots, Status, Target};

use super::{Failure, Output, setup};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;

/// The longest token that is read, in bytes.
const TOKEN_LIMIT: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Address of the deployment [default: PUBLIC_URL, or this machine at PORT]
    #[arg(conflicts_with = "jwks")]
    url: Option<String>,
    /// Check only a key set, of any issuer, at this address
    #[arg(long, value_name = "URL")]
    jwks: Option<String>,
    /// Issuer that tokens must have [default: JWT_ISSUER, if no address is given]
    #[arg(long)]
    issuer: Option<String>,
    /// Audience that tokens must have [default: JWT_AUDIENCE, if no address is given]
    #[arg(long)]
    audience: Option<String>,
    /// Token to check, or - to read it from standard input
    #[arg(long, conflicts_with = "token_file")]
    token: Option<String>,
    /// File with a token to check
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Id of a client, to check that a redirect URI of another is refused
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Redirect URI of that client, to check that PKCE with plain is refused
    #[arg(long, value_name = "URI", requires = "client_id")]
    redirect_uri: Option<String>,
    /// Origin of a web page that must be able to read answers, such as https://app.example.com
    #[arg(long)]
    origin: Option<String>,
    /// Also check the requirements of the JWT authorizers of API Gateway
    #[arg(long)]
    aws: bool,
    /// File with root certificates (PEM) to trust instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Port to check for plain HTTP beside HTTPS [default: 80, if the address names no port]
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
    /// Seconds that one answer may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=120))]
    timeout: u64,
    /// Count warnings as failures
    #[arg(long)]
    strict: bool,
    /// List all checks without sending a request
    #[arg(long)]
    list: bool,
}

impl Doctor {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        if self.list {
            output.print(&doctor::list_as_json(), &doctor::list_as_text());
            return Ok(());
        }
        let report = self.inspect(&setup::config()?)?;
        let (failed, warned) = (report.count(Status::Fail), report.count(Status::Warn));
        let healthy = failed == 0 && !(self.strict && warned > 0);
        output.print_painted(&report.as_json(healthy), &report.as_text(output.has_colours()));
        if healthy { Ok(()) } else { Err(Failure::refused(verdict(failed, warned))) }
    }

    fn inspect(&self, config: &Config) -> Result<Report, Failure> {
        let address = self.url.as_ref().or(self.jwks.as_ref());
        let address = address.cloned().unwrap_or_else(|| address_of(config));
        let target = Target::parse(&address).map_err(Failure::usage)?;
        let http_port = self.http_port.or(target.usual_http_port());
        let inspection = Inspection {
            target,
            only_key_set: self.jwks.is_some(),
            timeout: Duration::from_secs(self.timeout),
            roots: self.ca_file.as_deref().map(roots).transpose()?,
            token: self.token()?,
            expected: self.expected(config),
            clock_skew: config.key_clock_skew,
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            origin: self.origin.clone(),
            http_port,
            aws: self.aws,
            random: Entropy::System.bytes().map_err(Failure::refused)?,
        };
        let progress = progress();
        let report = inspection.run(&Clock::System, &progress).map_err(Failure::refused);
        progress("");
        report
    }

    /// What a verifier expects. The settings of this machine say nothing about a deployment elsewhere.
    fn expected(&self, config: &Config) -> Expected {
        let is_own = self.url.is_none() && self.jwks.is_none();
        let of = |given: &Option<String>, set: &str| given.clone().or_else(|| is_own.then(|| set.to_owned()));
        Expected {
            issuer: of(&self.issuer, &config.issuer),
            audience: of(&self.audience, &config.audience),
            leeway: config.clock_skew,
        }
    }

    /// The token to check, with or without the word `Bearer`.
    fn token(&self) -> Result<Option<String>, Failure> {
        let mut text = String::new();
        match (&self.token, &self.token_file) {
            (None, None) => return Ok(None),
            (Some(token), _) if token != "-" => text.clone_from(token),
            (Some(_), _) => {
                io::stdin().take(TOKEN_LIMIT).read_to_string(&mut text).map_err(Failure::usage)?;
            }
            (None, Some(path)) => {
                let read = File::open(path).and_then(|file| file.take(TOKEN_LIMIT).read_to_string(&mut text));
                read.map_err(|error| unreadable(path, &error))?;
            }
        }
        let token = text.trim();
        let scheme = token.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        let token = scheme.map_or(token, |scheme| token[scheme.len()..].trim());
        if token.is_empty() { Err(Failure::usage("the token is empty")) } else { Ok(Some(token.to_owned())) }
    }
}

impl doctor::Clock for Clock {
    fn since_1970(&self) -> Duration {
        Duration::from_millis(self.now().as_millis())
    }

    fn uptime(&self) -> Duration {
        Self::uptime(self)
    }
}

/// The address of the service with these settings.
fn address_of(config: &Config) -> String {
    config.public_url.clone().unwrap_or_else(|| format!("http://localhost:{}", config.port))
}

fn roots(path: &Path) -> Result<Roots, Failure> {
    let pem = fs::read(path).map_err(|error| unreadable(path, &error))?;
    Roots::from_pem(&pem)
        .map_err(|error| Failure::usage(format!("cannot use {} for --ca-file: {error}", path.display())))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}

fn verdict(failed: usize, warned: usize) -> String {
    let of = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (failed, warned) {
        (0, warned) => format!("{}, and --strict counts warnings as failures", of(warned, "warning")),
        (failed, 0) => of(failed, "failure"),
        (failed, warned) => format!("{}, {}", of(failed, "failure"), of(warned, "warning")),
    }
}

/// Shows on a terminal which group is being checked, in one line that disappears.
fn progress() -> impl Fn(&str) {
    let is_watched = io::stderr().is_terminal();
    move |title| {
        let what = if title.is_empty() { String::new() } else { format!("Checking: {title} …") };
        if is_watched {
            let _ = write!(io::stderr().lock(), "\r\x1b[K{what}");
        }
    }
}
