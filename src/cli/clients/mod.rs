//! `clients`: the stored OAuth clients. The commands use the store of the settings, also while servers run, which see a change
//! when they read the clients again.

mod options;
mod plan;
mod shown;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::consent::Consent;
use super::operator::operator;
use super::setup;
use super::{Failure, Output};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Client, ClientId, ClientMetadata, DemoTokens, Lifetime};
use crate::entropy::Entropy;
use crate::oauth::{ChangedClient, ClientChangeError, ClientRegistry, breaks_of_change, breaks_of_deletion};
use options::Members;

#[derive(Debug, Subcommand)]
pub(super) enum Clients {
    /// Add a client, and print its id and its secret, which is never shown again
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Create),
    /// List all clients, ordered by id
    List,
    /// Show a client
    Show {
        /// The client's id
        id: ClientId,
    },
    /// Change a client; the command asks first if something stops working
    #[command(after_help = "Without an option, its member stays unchanged.")]
    Update(Update),
    /// Give a client another secret; the one before stays valid for a while
    RotateSecret(RotateSecret),
    /// Delete a client; the command asks first
    Delete {
        /// The client's id
        id: ClientId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Show what the next start changes because of CLIENTS_FILE, and what that breaks
    Plan(plan::Plan),
}

const CREATE_EXAMPLES: &str = "\
Without --grant, a client has the grant authorization_code if it has a
--redirect-uri. Otherwise it has client_credentials, or no grant with --generate.
Without --scope, a client with a --redirect-uri gets openid profile email.
Without --auth-method, it may send its secret in the header (client_secret_basic)
or in the form (client_secret_post). Without --resource, its access tokens have
the audience JWT_AUDIENCE. Without --access-token-lifetime, they live for
JWT_EXPIRATION.

Examples:
  A service that has tokens signed for any subject and audience:
    jwt-generator clients create mailer --generate --generate-subject '*' \\
      --generate-audience '*'
  A service that calls other services (client_credentials):
    jwt-generator clients create billing --scope 'orders:read'
  A web application whose users log in:
    jwt-generator clients create shop --scope 'openid profile email' \\
      --redirect-uri https://shop.example.com/callback";

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The client's id [default: 32 random hex digits]
    id: Option<ClientId>,
    #[command(flatten)]
    members: Members,
}

#[derive(Debug, Args)]
pub(super) struct Update {
    /// The client's id
    id: ClientId,
    #[command(flatten)]
    members: Members,
    /// Remove a member, such as generate or jwks_uri; repeat the option for several
    #[arg(long, value_name = "MEMBER")]
    unset: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The client's id
    id: ClientId,
    /// How long the secret of today stays valid; 0 ends it at once
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = overlap)]
    keep: u64,
}

/// Seconds.
fn overlap(text: &str) -> Result<u64, String> {
    match text {
        "0" | "0s" => Ok(0),
        _ => text.parse::<Lifetime>().map(Lifetime::as_secs).map_err(|error| error.to_string()),
    }
}

impl Clients {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let (stores, new_database) = match &self {
                // It reads the file first, and tells of its faults.
                Self::Plan(_) => {
                    let stores = app::open_stores(&config, IfMissing::Refuse, &Entropy::System);
                    (stores.map_err(Failure::refused)?, None)
                }
                _ => setup::stores(&config, self.if_missing())?,
            };
            let registry = app::open_clients(&config, &stores, Clock::System, Entropy::System);
            self.run_on(&registry, &Place { config, new_database }, output).await
        })
    }

    /// Only `create` may make a database.
    fn if_missing(&self) -> IfMissing {
        if let Self::Create(_) = self { IfMissing::Create } else { IfMissing::Refuse }
    }

    async fn run_on(self, registry: &ClientRegistry, place: &Place, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(registry, place, output).await?,
            Self::List => shown::list(&registry.list().await.map_err(Failure::because)?, output),
            Self::Show { id } => {
                shown::show(&registry.find(&id).await.map_err(failure)?, Clock::System.now(), output);
            }
            Self::Update(update) => update.run(registry, place, output).await?,
            Self::RotateSecret(rotate) => rotate.run(registry, place, output).await?,
            Self::Delete { id, consent } => delete(&id, &consent, registry, place, output).await?,
            Self::Plan(plan) => plan.run(registry, &place.config, output).await?,
        }
        Ok(())
    }
}

impl Create {
    async fn run(self, registry: &ClientRegistry, place: &Place, output: &Output) -> Result<(), Failure> {
        let metadata = self.members.of_new_client(output)?;
        let created = registry.create(self.id, metadata, &operator()).await.map_err(failure)?;
        place.tell_of_change(output);
        let is_first = registry.list().await.is_ok_and(|clients| clients.len() == 1);
        if is_first && place.config.demo_tokens == DemoTokens::UntilClients {
            output.progress(
                "Demo tokens are now off, because there is a client; DEMO_TOKENS=true keeps them on.",
            );
        }
        print_changed(&created, place, output);
        Ok(())
    }
}

impl Update {
    async fn run(self, registry: &ClientRegistry, place: &Place, output: &Output) -> Result<(), Failure> {
        let before = registry.find(&self.id).await.map_err(failure)?;
        let after = self.members.applied_to(&before.metadata, &self.unset)?;
        let breaks = breaks_of_change(&before.metadata, &after);
        if !breaks.is_empty() {
            self.consent.ask(&consequences(&format!("This changes the client {}.", self.id), &breaks))?;
        }
        let change = |metadata: &mut ClientMetadata| *metadata = after.clone();
        let updated =
            registry.update(&self.id, before.revision, change, &operator()).await.map_err(failure)?;
        place.tell_of_change(output);
        print_changed(&updated, place, output);
        Ok(())
    }
}

impl RotateSecret {
    async fn run(self, registry: &ClientRegistry, place: &Place, output: &Output) -> Result<(), Failure> {
        let rotated = registry.rotate_secret(&self.id, self.keep, &operator()).await;
        let rotated = rotated.map_err(failure)?;
        place.tell_of_change(output);
        print_changed(&rotated, place, output);
        Ok(())
    }
}

async fn delete(
    id: &ClientId,
    consent: &Consent,
    registry: &ClientRegistry,
    place: &Place,
    output: &Output,
) -> Result<(), Failure> {
    let client = registry.find(id).await.map_err(failure)?;
    consent.ask(&consequences(&format!("This deletes the client {id}."), &breaks_of_deletion(&client)))?;
    let deleted = registry.delete(id, &operator()).await.map_err(failure)?;
    place.tell_of_change(output);
    output.print(&json!({ "deleted": shown::as_json(&deleted) }), &format!("deleted {id}"));
    Ok(())
}

/// A change, and what stops working.
fn consequences(change: &str, breaks: &[String]) -> String {
    let lines: String = breaks.iter().map(|line| format!("\n  - {line}")).collect();
    format!("{change} Then:{lines}")
}

/// The settings, and the database that the command works on.
struct Place {
    config: Config,
    /// The file of the database, if this command made it.
    new_database: Option<PathBuf>,
}

impl Place {
    /// Says which servers see a change, and when. Servers that run read the clients again and again.
    fn tell_of_change(&self, output: &Output) {
        match &self.new_database {
            Some(file) => setup::tell_of_new_database(file, output),
            None => {
                let refresh = self.config.key_refresh;
                output.progress(&format!("Servers that run see this within {refresh} s (KEY_REFRESH)."));
            }
        }
    }

    /// The issuer, which the client's library asks for.
    fn issuer(&self) -> Option<String> {
        self.config.oauth_issuer.on_port(self.config.port)
    }
}

/// The client, its new secret if it has one, and what else its library needs.
fn print_changed(ChangedClient { client, secret }: &ChangedClient, place: &Place, output: &Output) {
    let mut value = shown::as_json(client);
    let mut text = format!("client_id      {}", client.id);
    if client.is_public() {
        text.push_str("\nclient_secret  none: this is a public client");
    }
    if let Some(secret) = secret {
        text.push_str(&format!("\nclient_secret  {}", secret.expose()));
    }
    let uses_oauth = !client.metadata.grant_types.is_empty();
    if let Some(issuer) = place.issuer().filter(|_| uses_oauth) {
        text.push_str(&format!("\nissuer         {issuer}"));
    }
    if let (Some(secret), Some(members)) = (secret, value.as_object_mut()) {
        members.insert("client_secret".to_owned(), secret.expose().as_str().into());
        text.push_str("\n\nKeep the secret: it is stored as a hash, and never shown again.");
    }
    output.print(&value, &text);
}

/// Faults of the metadata are faults of the command line.
fn failure(error: ClientChangeError) -> Failure {
    match error {
        ClientChangeError::Faults(_) => Failure::usage(error),
        error => Failure::because(error),
    }
}

/// How many secrets are valid now.
fn valid_secrets(client: &Client, now: crate::domain::Timestamp) -> usize {
    client.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| now < at)).count()
}
