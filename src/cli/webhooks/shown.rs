//! How endpoints are printed.

use serde_json::{Value, json};

use super::super::output::visible;
use super::super::{Output, table};
use crate::domain::{Webhook, WebhookOrigin};
use crate::webhooks::WebhookHealth;

/// The column of the URL in the table, which is shortened.
const URL: usize = 2;

/// A row for each endpoint.
pub(super) fn list(webhooks: &[(Webhook, WebhookHealth)], output: &Output) {
    if webhooks.is_empty() {
        return output.print(&json!([]), "there are no endpoints; `webhooks create` adds one");
    }
    let value: Vec<_> = webhooks.iter().map(|(webhook, health)| with_health(webhook, health)).collect();
    let header = ["ENDPOINT", "STATE", "URL", "KINDS", "MADE BY"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(webhooks.iter().map(row)).collect();
    let widths = table::widths(&rows, table::width(), URL);
    let lines: Vec<_> = rows.iter().map(|row| table::row(row, &widths)).collect();
    output.print(&value.into(), &lines.join("\n"));
}

fn row((webhook, health): &(Webhook, WebhookHealth)) -> [String; 5] {
    let kinds = match webhook.kinds.len() {
        0 => "all".to_owned(),
        count => count.to_string(),
    };
    let failing = if health.failures > 0 { ", failing" } else { "" };
    let (id, state) = (webhook.id.to_string(), format!("{}{failing}", webhook.state.name()));
    [id, state, visible(webhook.url.as_str()).into_owned(), kinds, origin(webhook).to_owned()]
}

/// All that is known of an endpoint, and the public keys of its secrets.
pub(super) fn show(webhook: &Webhook, keys: &[String], health: &WebhookHealth, output: &Output) {
    let mut lines = vec![
        format!("id: {}", webhook.id),
        format!("url: {}", visible(webhook.url.as_str())),
        format!("state: {}", webhook.state.name()),
        format!("deliveries: {}", sentence(health)),
        format!("managed by: {}", origin(webhook)),
    ];
    if !webhook.description.is_empty() {
        lines.push(format!("description: {}", visible(&webhook.description)));
    }
    let kinds = if webhook.kinds.is_empty() { "all".to_owned() } else { webhook.kinds.join(", ") };
    lines.push(format!("kinds: {kinds}"));
    for secret in webhook.secrets.iter().filter(|secret| secret.is_valid(health.now)) {
        let until = secret.expires_at.map_or_else(String::new, |at| format!(", signs until {at}"));
        lines.push(format!("secret: {}, made {}{until}", secret.scheme.name(), secret.created_at));
    }
    lines.extend(keys.iter().map(|key| format!("public key: {key}")));
    lines.push(format!("created: {}\nupdated: {}", webhook.created_at, webhook.updated_at));
    let mut value = with_health(webhook, health);
    if let Some(members) = value.as_object_mut() {
        members.insert("public_keys".to_owned(), keys.into());
    }
    output.print(&value, &lines.join("\n"));
}

/// How the latest attempts ended.
fn sentence(health: &WebhookHealth) -> String {
    let latest = match health.failures {
        0 => "the latest attempt succeeded, or there was none".to_owned(),
        1 => "the latest attempt failed".to_owned(),
        failures => format!("the latest {failures} attempts failed"),
    };
    let rest = health.rests_until().map_or_else(String::new, |until| format!("; the next one is at {until}"));
    latest + &rest
}

fn with_health(webhook: &Webhook, health: &WebhookHealth) -> Value {
    let mut value = as_json(webhook);
    if let Some(members) = value.as_object_mut() {
        members.insert("failures_in_a_row".to_owned(), health.failures.into());
        members.insert("rests_until".to_owned(), health.rests_until().map(|at| at.to_string()).into());
    }
    value
}

pub(super) fn as_json(webhook: &Webhook) -> Value {
    let secrets: Vec<_> = webhook
        .secrets
        .iter()
        .map(|secret| {
            let expires_at = secret.expires_at.map(|at| at.to_string());
            json!({
                "scheme": secret.scheme.name(),
                "created_at": secret.created_at.to_string(),
                "expires_at": expires_at,
            })
        })
        .collect();
    json!({
        "id": webhook.id.as_str(),
        "url": webhook.url.as_str(),
        "state": webhook.state.name(),
        "kinds": webhook.kinds,
        "description": webhook.description,
        "managed_by": origin(webhook),
        "revision": webhook.revision,
        "secrets": secrets,
        "created_at": webhook.created_at.to_string(),
        "updated_at": webhook.updated_at.to_string(),
    })
}

fn origin(webhook: &Webhook) -> &'static str {
    match webhook.origin {
        WebhookOrigin::CommandLine => "command",
        WebhookOrigin::File => "file",
    }
}
