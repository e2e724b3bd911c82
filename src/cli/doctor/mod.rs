//! `doctor`: looks at a deployment from outside, as verifiers, browsers and strangers do, and says what to do about what it
//! finds. Rules are functions of what was answered, one group of checks a file; `steps` asks, and nothing else does.

mod aws;
mod caching;
mod catalogue;
mod certificate;
mod client;
mod connection;
mod cors;
mod examination;
mod finding;
mod health;
mod hosts;
mod key_set;
mod keys;
mod manners;
mod report;
mod schedule;
mod steps;
mod target;
mod tls;
mod tokens;
mod wire;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts};

use super::{Failure, Output, setup};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;

use client::Client;
use examination::{Examination, Examined};
use finding::Status;
use target::Target;
use tokens::Expected;
use wire::Wire;

/// A longer token is none, in bytes.
const TOKEN_LIMIT: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The deployment's address [default: PUBLIC_URL, else this machine at PORT]
    #[arg(conflicts_with = "jwks")]
    url: Option<String>,
    /// Look at a key set alone, of any issuer, at this address
    #[arg(long, value_name = "URL")]
    jwks: Option<String>,
    /// The issuer that tokens must have [default: JWT_ISSUER, where no address is given]
    #[arg(long)]
    issuer: Option<String>,
    /// The audience that tokens must have [default: JWT_AUDIENCE, where no address is given]
    #[arg(long)]
    audience: Option<String>,
    /// A token to check, or - to read it from standard input
    #[arg(long, conflicts_with = "token_file")]
    token: Option<String>,
    /// A file with a token to check
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The origin of a page that is to read answers, such as https://app.example.com
    #[arg(long)]
    origin: Option<String>,
    /// Look for what API Gateway's JWT authorizers need, too
    #[arg(long)]
    aws: bool,
    /// Certificates (PEM) that the server's is checked by, in the place of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Where plain HTTP is looked for beside HTTPS [default: 80, where the address names no port]
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
    /// How many seconds an answer may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=120))]
    timeout: u64,
    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,
    /// List all checks, and ask nothing
    #[arg(long)]
    list: bool,
}

impl Doctor {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        if self.list {
            output.print(&report::catalogue_json(), &report::catalogue_text());
            return Ok(());
        }
        let config = setup::config()?;
        let given = self.url.as_ref().or(self.jwks.as_ref());
        let address = given.cloned().unwrap_or_else(|| address_of(&config));
        let target = Target::parse(&address).map_err(Failure::usage)?;
        let examined = self.examine(&config, &target)?;
        let (failed, warned) = (examined.findings.count(Status::Fail), examined.findings.count(Status::Warn));
        let healthy = failed == 0 && !(self.strict && warned > 0);
        output.print_painted(
            &report::as_json(&target.base, &examined, healthy),
            &report::as_text(&target.base, &examined, report::colours()),
        );
        if healthy { Ok(()) } else { Err(Failure::refused(verdict(failed, warned))) }
    }

    fn examine(&self, config: &Config, target: &Target) -> Result<Examined, Failure> {
        let roots = self.ca_file.as_deref().map(certificates).transpose()?;
        let (clock, timeout) = (Clock::System, Duration::from_secs(self.timeout));
        let verifier = wire::verifier(roots.as_deref()).map_err(Failure::refused)?;
        let roots = roots.map_or(RootCerts::PlatformVerifier, |roots| {
            roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>().into()
        });
        let random: [u8; 32] = Entropy::System.bytes().map_err(Failure::refused)?;
        let http_port = self.http_port.or((target.tls && !target.names_port).then_some(80));
        let progress = progress();
        let examination = Examination {
            client: Client::new(roots, timeout, clock.clone()),
            wire: Wire { target, timeout, clock: clock.clone(), verifier },
            clock,
            only_keys: self.jwks.is_some(),
            token: self.token()?,
            expected: self.expected(config),
            skew: config.key_clock_skew,
            origin: self.origin.clone(),
            http_port: http_port.filter(|_| target.tls),
            aws: self.aws,
            nonce: random[..6].iter().map(|byte| format!("{byte:02x}")).collect(),
            random,
            progress: &progress,
            target,
        };
        let examined = examination.run();
        progress("");
        Ok(examined)
    }

    /// What a verifier expects. Settings of this machine say nothing of a deployment elsewhere.
    fn expected(&self, config: &Config) -> Expected {
        let own = self.url.is_none() && self.jwks.is_none();
        let of = |given: &Option<String>, set: &str| given.clone().or_else(|| own.then(|| set.to_owned()));
        Expected {
            issuer: of(&self.issuer, &config.issuer),
            audience: of(&self.audience, &config.audience),
            leeway: config.clock_skew,
        }
    }

    /// The token to check, with or without the name of its scheme.
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

/// Where the service of these settings is reached.
fn address_of(config: &Config) -> String {
    config.public_url.clone().unwrap_or_else(|| format!("http://localhost:{}", config.port))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let pem = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failure::usage(format!("{} holds no certificate as PEM", path.display()))),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}

fn verdict(failed: usize, warned: usize) -> String {
    let of = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (failed, warned) {
        (0, warned) => format!("{}, and --strict was given", of(warned, "warning")),
        (failed, 0) => of(failed, "failure"),
        (failed, warned) => format!("{}, {}", of(failed, "failure"), of(warned, "warning")),
    }
}

/// Tells a person at a terminal what is being looked at, in one line that goes away.
fn progress() -> impl Fn(&str) {
    let watched = io::stderr().is_terminal();
    move |title| {
        let what = if title.is_empty() { String::new() } else { format!("looking: {title} …") };
        if watched {
            let _ = write!(io::stderr().lock(), "\r\x1b[K{what}");
        }
    }
}
