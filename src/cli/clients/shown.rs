//! How clients look: a table, one client, and JSON. No secret and no hash of one is shown.

use serde_json::{Value, json};

use super::super::output::visible;
use super::super::{Output, table};
use super::valid_secrets;
use crate::domain::{Client, ClientOrigin, Timestamp};
use crate::oauth::as_object;

/// The column of the name in the table, which is shortened.
const NAME: usize = 1;
/// The longest id in the table, in characters.
const ID_WIDTH: usize = 32;

pub(super) fn list(clients: &[Client], output: &Output) {
    let value: Vec<_> = clients.iter().map(as_json).collect();
    if clients.is_empty() {
        return output.print(&json!([]), "there are no clients; `clients create` adds one");
    }
    let header = ["CLIENT", "NAME", "USES", "MADE BY"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(clients.iter().map(row)).collect();
    let widths = table::widths(&rows, table::width(), NAME);
    let lines: Vec<_> = rows.iter().map(|row| table::row(row, &widths)).collect();
    output.print(&value.into(), &lines.join("\n"));
}

fn row(client: &Client) -> [String; 4] {
    let name = client.metadata.client_name.as_deref().unwrap_or("-");
    let short = |value: &Value| match value.as_str() {
        Some("authorization_code") => "code".to_owned(),
        Some("refresh_token") => "refresh".to_owned(),
        Some("client_credentials") => "credentials".to_owned(),
        _ => String::new(),
    };
    let grants = as_object(&client.metadata).remove("grant_types");
    let mut uses: Vec<_> =
        grants.as_ref().and_then(Value::as_array).into_iter().flatten().map(short).collect();
    uses.extend(client.metadata.generate.as_ref().map(|_| "generate".to_owned()));
    let id = table::shorten(client.id.as_str(), ID_WIDTH);
    [id, visible(name).into_owned(), uses.join(","), origin(client).to_owned()]
}

fn origin(client: &Client) -> &'static str {
    match client.origin {
        ClientOrigin::CommandLine => "command",
        ClientOrigin::File => "file",
    }
}

pub(super) fn show(client: &Client, now: Timestamp, output: &Output) {
    let mut lines = vec![
        format!("client_id: {}", client.id),
        format!("made by: {} at {}", origin(client), client.created_at),
        format!("changed at: {} (revision {})", client.updated_at, client.revision),
        format!("secrets: {} valid", valid_secrets(client, now)),
    ];
    for (name, value) in as_object(&client.metadata) {
        match &value {
            Value::String(text) => lines.push(format!("{name}: {}", visible(text))),
            Value::Array(entries) if entries.iter().all(Value::is_string) => {
                lines.push(format!("{name}:"));
                lines.extend(
                    entries.iter().filter_map(Value::as_str).map(|entry| format!("  {}", visible(entry))),
                );
            }
            other => lines.push(format!("{name}: {}", visible(&other.to_string()))),
        }
    }
    output.print(&as_json(client), &lines.join("\n"));
}

/// The metadata with RFC 7591's names, and what we know besides.
pub(super) fn as_json(client: &Client) -> Value {
    let mut members = as_object(&client.metadata);
    let secrets: Vec<_> = client
        .secrets
        .iter()
        .map(|secret| {
            let expires_at = secret.expires_at.map(|at| at.to_string());
            json!({ "created_at": secret.created_at.to_string(), "expires_at": expires_at })
        })
        .collect();
    members.insert("client_id".to_owned(), client.id.as_str().into());
    members.insert("client_id_issued_at".to_owned(), client.created_at.as_secs().into());
    members.insert("managed_by".to_owned(), origin(client).into());
    members.insert("revision".to_owned(), client.revision.into());
    members.insert("updated_at".to_owned(), client.updated_at.to_string().into());
    members.insert("secrets".to_owned(), secrets.into());
    Value::Object(members)
}
