//! `webhooks`: the endpoints to which events are sent. The commands use the store of the settings, also while servers run.

mod deliveries;
mod shown;

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::consent::Consent;
use super::operator::operator;
use super::setup;
use super::{Failure, Output};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Lifetime, WebhookId, WebhookScheme, WebhookUrl};
use crate::entropy::Entropy;
use crate::webhooks::{
    ChangedWebhook, NetworkSender, NewWebhook, Reply, Sample, WebhookChange, WebhookError, WebhookRegistry,
};

#[derive(Debug, Subcommand)]
pub(super) enum Webhooks {
    /// Add an endpoint, and print its id and its secret, which is never shown again
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Create),
    /// List all endpoints, ordered by id
    List,
    /// Show an endpoint
    Show {
        /// The endpoint's id
        id: WebhookId,
    },
    /// Change the address, the kinds or the description of an endpoint
    Update(Update),
    /// Send a signed sample to an endpoint, and show what happened
    Test {
        /// The endpoint's id
        id: WebhookId,
    },
    /// Send nothing to an endpoint until it is resumed; events wait for three days
    Pause {
        /// The endpoint's id
        id: WebhookId,
    },
    /// Send events to an endpoint again that was paused or that answered 410 (Gone)
    Resume {
        /// The endpoint's id
        id: WebhookId,
    },
    /// Give an endpoint another secret; the one before also signs for a while
    RotateSecret(RotateSecret),
    /// Delete an endpoint and its deliveries; the command asks first
    Delete {
        /// The endpoint's id
        id: WebhookId,
        #[command(flatten)]
        consent: Consent,
    },
    /// List the latest deliveries to an endpoint, or show one with its attempts
    Deliveries(deliveries::Deliveries),
    /// Send events to an endpoint once more
    Replay(deliveries::ReplayEvents),
}

const CREATE_EXAMPLES: &str = "\
The receiver verifies messages with the secret and a library of Standard Webhooks.

Examples:
  All events:
    jwt-generator webhooks create https://crm.example.com/hooks
  Only some kinds of events:
    jwt-generator webhooks create https://crm.example.com/hooks --id crm \\
      --kind user.registered --kind user.deleted";

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The address to which events are sent
    url: String,
    /// The endpoint's id [default: 16 random hex digits]
    #[arg(long)]
    id: Option<WebhookId>,
    /// A kind of event that is sent, such as user.registered; repeat the option for
    /// several [default: all kinds]
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// A text for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// How messages are signed: v1 (HMAC-SHA256, a secret that both sides have) or v1a
    /// (Ed25519, the receiver has only a public key)
    #[arg(long, value_name = "SCHEME", default_value = "v1", value_parser = scheme)]
    signature: WebhookScheme,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
#[command(override_usage = "jwt-generator webhooks update [OPTIONS] <ID>")]
pub(super) struct Update {
    /// The endpoint's id
    id: WebhookId,
    /// The address to which events are sent from now on, also those that wait
    #[arg(long, value_name = "URL", group = "change")]
    url: Option<String>,
    /// A kind of event that is sent from now on, instead of the kinds before; repeat the
    /// option for several
    #[arg(long, value_name = "KIND", group = "change", conflicts_with = "all_kinds")]
    kind: Vec<String>,
    /// Send all kinds of events from now on
    #[arg(long, group = "change")]
    all_kinds: bool,
    /// A text for people
    #[arg(long, value_name = "TEXT", group = "change")]
    description: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// The endpoint's id
    id: WebhookId,
    /// How long the secret of today also signs; 0 ends it at once
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = overlap)]
    keep: u64,
}

fn scheme(text: &str) -> Result<WebhookScheme, String> {
    [WebhookScheme::V1, WebhookScheme::V1a]
        .into_iter()
        .find(|scheme| scheme.name() == text)
        .ok_or_else(|| "must be v1 or v1a".to_owned())
}

/// Seconds.
fn overlap(text: &str) -> Result<u64, String> {
    match text {
        "0" | "0s" => Ok(0),
        _ => text.parse::<Lifetime>().map(Lifetime::as_secs).map_err(|error| error.to_string()),
    }
}

impl Webhooks {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let (stores, new_database) = setup::stores(&config, self.if_missing())?;
            let secret = app::read_server_secret(&config, &stores).await.map_err(Failure::because)?;
            let registry = app::open_webhooks(&config, &stores, secret, Clock::System, Entropy::System);
            self.run_on(&registry, &config, output).await?;
            if let Some(file) = new_database {
                setup::tell_of_new_database(&file, output);
            }
            Ok(())
        })
    }

    /// Only `create` may make a database.
    fn if_missing(&self) -> IfMissing {
        if let Self::Create(_) = self { IfMissing::Create } else { IfMissing::Refuse }
    }

    async fn run_on(
        self,
        registry: &WebhookRegistry,
        config: &Config,
        output: &Output,
    ) -> Result<(), Failure> {
        let by = &operator();
        match self {
            Self::Create(create) => create.run(registry, output).await?,
            Self::List => {
                let mut rows = Vec::new();
                for webhook in registry.list().await.map_err(Failure::because)? {
                    let health = registry.health(&webhook.id).await.map_err(Failure::because)?;
                    rows.push((webhook, health));
                }
                shown::list(&rows, output);
            }
            Self::Show { id } => {
                let webhook = registry.find(&id).await.map_err(failure)?;
                let keys = registry.public_keys(&webhook).unwrap_or_default();
                let health = registry.health(&id).await.map_err(Failure::because)?;
                shown::show(&webhook, &keys, &health, output);
            }
            Self::Update(update) => update.run(registry, output).await?,
            Self::Test { id } => test(&id, registry, config, output).await?,
            Self::Pause { id } => {
                let webhook = registry.pause(&id, by).await.map_err(failure)?;
                let text =
                    format!("paused {id}: events wait for three days; `webhooks resume {id}` sends them");
                output.print(&shown::as_json(&webhook), &text);
            }
            Self::Resume { id } => {
                let webhook = registry.resume(&id, by).await.map_err(failure)?;
                output.print(&shown::as_json(&webhook), &format!("resumed {id}"));
            }
            Self::RotateSecret(RotateSecret { id, keep }) => {
                let changed = registry.rotate_secret(&id, keep, by).await.map_err(failure)?;
                print_changed(&changed, output)?;
            }
            Self::Delete { id, consent } => {
                let webhook = registry.find(&id).await.map_err(failure)?;
                consent
                    .ask(&format!("This deletes the endpoint {id} ({}) and its deliveries.", webhook.url))?;
                let deleted = registry.delete(&id, by).await.map_err(failure)?;
                output.print(&json!({ "deleted": shown::as_json(&deleted) }), &format!("deleted {id}"));
            }
            Self::Deliveries(deliveries) => deliveries.run(registry, output).await?,
            Self::Replay(replay) => replay.run(registry, output).await?,
        }
        Ok(())
    }
}

fn url(text: &str) -> Result<WebhookUrl, Failure> {
    WebhookUrl::parse(text).map_err(|error| Failure::usage(format!("the URL {error}")))
}

impl Update {
    async fn run(self, registry: &WebhookRegistry, output: &Output) -> Result<(), Failure> {
        let kinds = (self.all_kinds || !self.kind.is_empty()).then_some(self.kind);
        let url = self.url.as_deref().map(url).transpose()?;
        let change = WebhookChange { url, kinds, description: self.description };
        let webhook = registry.update(&self.id, change, &operator()).await.map_err(failure)?;
        output.print(&shown::as_json(&webhook), &format!("changed {}", webhook.id));
        Ok(())
    }
}

impl Create {
    async fn run(self, registry: &WebhookRegistry, output: &Output) -> Result<(), Failure> {
        let new = NewWebhook {
            id: self.id,
            url: url(&self.url)?,
            kinds: self.kind,
            description: self.description,
            scheme: self.signature,
        };
        let created = registry.create(new, &operator()).await.map_err(failure)?;
        print_changed(&created, output)
    }
}

/// The endpoint, and what its receiver needs to verify.
fn print_changed(
    ChangedWebhook { webhook, secret }: &ChangedWebhook,
    output: &Output,
) -> Result<(), Failure> {
    let mut value = shown::as_json(webhook);
    let mut text = format!("id      {}\nurl     {}", webhook.id, webhook.url);
    if let Some(secret) = secret {
        let verifier = secret.verifier().map_err(Failure::because)?;
        let (member, label, note) = match secret.scheme() {
            WebhookScheme::V1 => {
                ("secret", "secret", "Keep the secret: it is stored sealed, and never shown again.")
            }
            WebhookScheme::V1a => ("public_key", "key   ", "The receiver verifies with this public key."),
        };
        text.push_str(&format!("\n{label}  {}\n\n{note}", verifier.expose()));
        if let Some(members) = value.as_object_mut() {
            members.insert(member.to_owned(), verifier.expose().as_str().into());
        }
    }
    output.print(&value, &text);
    Ok(())
}

async fn test(
    id: &WebhookId,
    registry: &WebhookRegistry,
    config: &Config,
    output: &Output,
) -> Result<(), Failure> {
    let sender = Arc::new(NetworkSender::new(&config.webhook_rules, None));
    let Sample { headers, body, reply, took_ms } = registry.send_sample(id, sender).await.map_err(failure)?;
    let sent: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let (status, error, answer) = match reply {
        Reply::Answered { status, body, .. } => (Some(status), None, body),
        Reply::Failed(error) => (None, Some(error), String::new()),
        Reply::Busy => (None, Some("too many other calls are under way".to_owned()), String::new()),
    };
    let value = json!({
        "headers": sent, "body": body, "status": status, "error": error, "answer": answer, "took_ms": took_ms,
    });
    let mut lines: Vec<_> = headers.iter().map(|(name, value)| format!("> {name}: {value}")).collect();
    lines.push(format!("> {body}"));
    lines.push(match (status, &error) {
        (Some(status), _) => format!("< status {status} after {took_ms} ms"),
        (None, error) => format!("< no answer: {}", error.as_deref().unwrap_or_default()),
    });
    lines.extend(answer.lines().map(|line| format!("< {line}")));
    output.print(&value, &lines.join("\n"));
    match status {
        Some(200..=299) => Ok(()),
        _ => Err(Failure::refused("the endpoint did not accept the sample")),
    }
}

/// Faults of the input are faults of the command line.
fn failure(error: WebhookError) -> Failure {
    if error.is_of_input() { Failure::usage(error) } else { Failure::because(error) }
}
