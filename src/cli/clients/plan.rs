//! `clients plan`: what the next start changes because of `CLIENTS_FILE`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::output::visible;
use super::{Failure, Output};
use crate::app;
use crate::config::Config;
use crate::oauth::{ClientRegistry, MemberChange, PlannedChange};

#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// The file [default: CLIENTS_FILE]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Exit with 1 if something that works today stops working
    #[arg(long)]
    fail_if_breaking: bool,
}

impl Plan {
    pub(super) async fn run(
        self,
        registry: &ClientRegistry,
        config: &Config,
        output: &Output,
    ) -> Result<(), Failure> {
        let path = self.file.or_else(|| config.clients_file.clone());
        let path =
            path.ok_or_else(|| Failure::usage("there is no file: set CLIENTS_FILE, or give --file FILE"))?;
        let faulty = |faults| Failure::usage(format!("{} cannot be used:\n{faults}", path.display()));
        let file = app::read_clients_file(&path, &app::client_rules(config)).map_err(faulty)?;
        let changes = registry.plan(&file).await.map_err(Failure::because)?;
        let breaking = changes.iter().filter(|change| !change.breaks.is_empty()).count();
        let value: Vec<_> = changes.iter().map(as_json).collect();
        let mut text: Vec<_> = changes.iter().map(in_words).collect();
        text.push(match changes.len() {
            0 => "The clients are as the file says.".to_owned(),
            count => format!("{count} to change; {breaking} of them break something."),
        });
        output.print(&value.into(), &text.join("\n"));
        if self.fail_if_breaking && breaking > 0 {
            return Err(Failure::refused(format!("{breaking} changes break something")));
        }
        Ok(())
    }
}

fn in_words(change: &PlannedChange) -> String {
    let mut lines = vec![format!("{} {}", change.action.name(), change.id)];
    lines.extend(change.action.changes().iter().map(|changed| format!("  {}", member(changed))));
    lines.extend(change.breaks.iter().map(|line| format!("  breaks: {}", visible(line))));
    lines.join("\n")
}

fn member(changed: &MemberChange) -> String {
    let side = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "-".to_owned(), |value| visible(&value.to_string()).into_owned())
    };
    format!("{}: {} -> {}", changed.member, side(&changed.before), side(&changed.after))
}

fn as_json(change: &PlannedChange) -> Value {
    let changes: Vec<_> = change
        .action
        .changes()
        .iter()
        .map(|changed| json!({ "member": changed.member, "before": changed.before, "after": changed.after }))
        .collect();
    json!({
        "client_id": change.id.as_str(),
        "action": change.action.name(),
        "changes": changes,
        "breaks": change.breaks,
    })
}
