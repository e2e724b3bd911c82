//! `serve`: the server.

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::notify::Notify;
use super::{Failure, Output, reload, setup};
use crate::app::{App, passed_listener};
use crate::clock::Clock;
use crate::config::{Config, StoreChoice};
use crate::entropy::Entropy;
use crate::limits::Scope;
use crate::telemetry::{LogFilter, flush_log};

/// How long the end waits for the reader of the log.
const LOG_PATIENCE: Duration = Duration::from_millis(500);
/// The exit code that a shell reports for a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let (config, log) = setup::config_and_log()?;
    let passed = passed_listener().map_err(Failure::refused)?;
    let runtime = setup::runtime()?;
    let served = runtime.block_on(serve(&config, log, passed, output));
    flush_log(LOG_PATIENCE);
    // When the server ends, it does not wait for a signature or a hash whose client is gone.
    runtime.shutdown_background();
    served
}

async fn serve(
    config: &Config,
    log: LogFilter,
    passed: Option<TcpListener>,
    output: &Output,
) -> Result<(), Failure> {
    // This comes first, so that no signal is lost while the stores open.
    let (term, int) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (mut term, mut int) = (term.map_err(Failure::refused)?, int.map_err(Failure::refused)?);
    reload::on_hangup(log.clone())?;
    let notify = Notify::from_environment();
    notify.starting();
    let app = tokio::select! {
        app = App::build(config, passed, Clock::System, Entropy::System) => {
            app.map_err(Failure::refused)?.with_log_filter(log)
        }
        () = first_of(&mut term, &mut int) => return Ok(()),
    };
    let address = app.address().map_err(Failure::refused)?;
    announce(config, &app, address, output);
    if config.demo_tokens.are_on(app.has_clients()) {
        warn_of_demo_tokens(address);
    }
    if let Some(reason) = config.oauth_issuer.why_off() {
        tracing::info!("{reason}");
    }
    tell_exempt_addresses(config);
    notify.ready(&format!("Listening on {address}"));
    let life = notify.live();
    app.run(async move {
        first_of(&mut term, &mut int).await;
        notify.stopping();
        tokio::spawn(async move {
            first_of(&mut term, &mut int).await;
            std::process::exit(INTERRUPTED);
        });
    })
    .await;
    if let Some(life) = life {
        life.abort();
    }
    tracing::info!("stopped");
    Ok(())
}

async fn first_of(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Prints a few lines at a terminal; otherwise logs one line.
fn announce(config: &Config, app: &App, address: SocketAddr, output: &Output) {
    let ring = app.keys().ring();
    let active = ring.as_ref().and_then(|ring| ring.active());
    let kid = active.map_or("none yet", |active| active.kid().as_str());
    let algorithm = active.map(|active| active.verifying().algorithm());
    let algorithm = algorithm.or(config.algorithms.first().copied());
    let rsa_batch = app.keys().signer().uses_rsa_batches();
    let algorithm = algorithm.map_or("", jose::Algorithm::name);
    let url = config.public_url.clone().unwrap_or_else(|| url(address));
    let store = match &config.store {
        StoreChoice::Absent => "none, so there are no accounts (SKIP_DATABASE)".to_owned(),
        StoreChoice::Sqlite(folder) => format!("SQLite in {}", folder.display()),
        StoreChoice::Mongo(_) => "MongoDB".to_owned(),
    };
    let oauth = config.oauth_issuer.on_port(address.port());
    let oauth = oauth.as_deref().unwrap_or("off; config check says why");
    if io::stdout().is_terminal() {
        output.line(&format!(
            "\n  JWT Generator {version}\n\n  API    {url}\n  Docs   {url}/api/docs/\n  Keys   {url}/api/jwks\n  \
             Key    {kid} ({algorithm}) in {keys}\n  Store  {store}\n  OAuth  {oauth}\n\n  Press Ctrl-C to stop.\n",
            version = env!("CARGO_PKG_VERSION"),
            keys = app.keys_place(),
        ));
    } else {
        tracing::info!(%address, url, issuer = oauth, store, kid, algorithm, rsa_batch, "listening");
    }
}

/// With demo tokens, a server that other machines reach signs any claims for them.
fn warn_of_demo_tokens(address: SocketAddr) {
    if !address.ip().to_canonical().is_loopback() {
        tracing::warn!(
            "demo tokens are on, and this server can be reached from other machines: everyone there can get tokens with any claims, signed with its key. NODE_ENV=production or DEMO_TOKENS=false turns them off; HOST=127.0.0.1 keeps \
             other machines out"
        );
    }
}

/// Without `TRUSTED_PROXIES`, a proxy's address would be one budget for all clients.
fn tell_exempt_addresses(config: &Config) {
    const TEXT: &str = "rate limits by address do not hold for loopback and private addresses, because one of them may be a \
         proxy with many clients. Set TRUSTED_PROXIES to the addresses of your proxies, or to 127.0.0.1 if you have no \
         proxy: then each client has its own limits";
    if !config.trusted_proxies.is_empty() || !config.rate_limits.limit_any(Scope::Address) {
        return;
    }
    if config.production {
        tracing::warn!("{TEXT}");
    } else {
        tracing::info!("{TEXT}");
    }
}

/// An address of the server for clients on this machine.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}
