//! `webhooks deliveries` and `webhooks replay`.

use clap::Args;
use serde_json::{Value, json};

use super::super::output::visible;
use super::{Failure, Output, failure};
use crate::clock::Clock;
use crate::domain::{Delivery, DeliveryAttempt, DeliveryState, EventId, Lifetime, WebhookId};
use crate::webhooks::{Replay, WebhookHealth, WebhookRegistry};

#[derive(Debug, Args)]
pub(in crate::cli) struct Deliveries {
    /// The endpoint's id
    id: WebhookId,
    /// Show the delivery of this event, with its attempts
    #[arg(long, value_name = "EVENT", value_parser = event, conflicts_with_all = ["state", "limit"])]
    event: Option<EventId>,
    /// Only deliveries in this state: waiting, delivered or dead
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DeliveryState>,
    /// The most deliveries to list
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
#[command(override_usage = "jwt-generator webhooks replay <--event ID|--dead|--since TIME> <ID>")]
pub(in crate::cli) struct ReplayEvents {
    /// The endpoint's id
    id: WebhookId,
    /// Send this event again
    #[arg(long, value_name = "EVENT", value_parser = event, group = "which")]
    event: Option<EventId>,
    /// Send all events again that were given up
    #[arg(long, group = "which")]
    dead: bool,
    /// Send all events again that are not older than this, such as 2h
    #[arg(long, value_name = "TIME", group = "which")]
    since: Option<Lifetime>,
}

fn event(text: &str) -> Result<EventId, String> {
    EventId::parse(text).ok_or_else(|| "must be the id of an event".to_owned())
}

fn state(text: &str) -> Result<DeliveryState, String> {
    DeliveryState::from_name(text).ok_or_else(|| "must be waiting, delivered or dead".to_owned())
}

impl Deliveries {
    pub(super) async fn run(self, registry: &WebhookRegistry, output: &Output) -> Result<(), Failure> {
        let health = registry.health(&self.id).await.map_err(Failure::because)?;
        if let Some(event) = self.event {
            let delivery = registry.find_delivery(&self.id, event).await.map_err(failure)?;
            let mut lines = vec![row(&delivery, &health)];
            lines.extend(delivery.attempts.iter().flat_map(lines_of));
            output.print(&as_json(&delivery, &health), &lines.join("\n"));
            return Ok(());
        }
        let listed =
            registry.list_deliveries(&self.id, self.state, self.limit.into()).await.map_err(failure)?;
        let value: Vec<_> = listed.iter().map(|delivery| as_json(delivery, &health)).collect();
        let lines: Vec<_> = listed.iter().map(|delivery| row(delivery, &health)).collect();
        let text =
            if lines.is_empty() { "there are no such deliveries".to_owned() } else { lines.join("\n") };
        output.print(&value.into(), &text);
        Ok(())
    }
}

impl ReplayEvents {
    pub(super) async fn run(self, registry: &WebhookRegistry, output: &Output) -> Result<(), Failure> {
        let which = match (self.event, self.since) {
            (Some(event), _) => Replay::Event(event),
            (None, Some(since)) => Replay::Since(Clock::System.now().minus_secs(since.as_secs())),
            (None, None) => Replay::Dead,
        };
        let count = registry.replay(&self.id, which).await.map_err(failure)?;
        output.print(&json!({ "replayed": count }), &format!("{count} events are sent again"));
        Ok(())
    }
}

fn row(delivery: &Delivery, health: &WebhookHealth) -> String {
    let last = match delivery.attempts.last() {
        None => "not tried yet".to_owned(),
        Some(attempt) => format!("{} of {}", outcome(attempt), attempt.at),
    };
    let next = match delivery.state {
        DeliveryState::Waiting if delivery.is_held() => ", waits for the event before it".to_owned(),
        DeliveryState::Waiting => match health.next_try(delivery) {
            Some(at) => format!(", next try {at}"),
            None => ", due now".to_owned(),
        },
        DeliveryState::Delivered | DeliveryState::Dead => String::new(),
    };
    let (event, state) = (delivery.event, delivery.state.name());
    format!("{event}  {state:9}  {:24}  {} tries  {last}{next}", visible(&delivery.kind), delivery.tries)
}

fn outcome(attempt: &DeliveryAttempt) -> String {
    match (attempt.status, &attempt.error) {
        (Some(status), _) => format!("status {status}"),
        (None, error) => visible(error.as_deref().unwrap_or("no answer")).into_owned(),
    }
}

/// An attempt, and the beginning of the answer.
fn lines_of(attempt: &DeliveryAttempt) -> Vec<String> {
    let mut lines = vec![format!("  {}  {}  after {} ms", attempt.at, outcome(attempt), attempt.took_ms)];
    lines.extend(attempt.answer.lines().map(|line| format!("    {}", visible(line))));
    if attempt.person.is_some() {
        lines.push("    (the answer was erased with its user)".to_owned());
    }
    lines
}

fn as_json(delivery: &Delivery, health: &WebhookHealth) -> Value {
    let attempts: Vec<_> = delivery
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "at": attempt.at.to_string(),
                "took_ms": attempt.took_ms,
                "status": attempt.status,
                "error": attempt.error,
                // `null`: it was erased with its user.
                "answer": attempt.person.is_none().then_some(&attempt.answer),
            })
        })
        .collect();
    let next_try_at = health.next_try(delivery).map(|at| at.to_string());
    json!({
        "event": delivery.event.to_string(),
        "number": delivery.seq,
        "kind": delivery.kind,
        "subject": delivery.subject,
        "state": delivery.state.name(),
        "next_try_at": next_try_at,
        "created_at": delivery.created_at.to_string(),
        "tries": delivery.tries,
        "attempts": attempts,
    })
}
