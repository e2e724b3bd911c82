//! `users claims`: the standard claims of a user, which apps get.

use std::io::{self, Read};

use clap::Args;
use serde_json::Value;

use super::super::output::visible;
use super::super::{Failure, Output};
use super::{as_json, find};
use crate::accounts::Registry;
use crate::domain::{Initiator, StandardClaim, User, UserClaims};

#[derive(Debug, Args)]
pub(in crate::cli) struct Claims {
    /// Username or email address
    user: String,
    /// A JSON object, or - for standard input: each member replaces the claim with its
    /// name, and null removes it
    #[arg(long, value_name = "JSON")]
    set: Option<String>,
    /// Remove all claims that the user has, before --set adds others
    #[arg(long)]
    clear: bool,
}

impl Claims {
    pub(super) async fn run(self, registry: &Registry, output: &Output) -> Result<(), Failure> {
        let user = find(registry, &self.user).await?;
        let before = registry.find_claims(&user).await.map_err(Failure::because)?;
        let Some(change) = self.change()? else {
            print(&user, &before, output);
            return Ok(());
        };
        let before = if self.clear { UserClaims::none(before.updated_at) } else { before };
        let changed = before.changed_by(&change).map_err(Failure::usage)?;
        let changed = registry.set_claims(user.id, changed, &Initiator::OPERATOR).await;
        let changed = changed.map_err(Failure::because)?;
        print(&user, &changed, output);
        Ok(())
    }

    /// The change as JSON; `None` if there is nothing to change.
    fn change(&self) -> Result<Option<String>, Failure> {
        match self.set.as_deref() {
            Some("-") => {
                let mut text = String::new();
                let read = io::stdin().read_to_string(&mut text);
                read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
                Ok(Some(text))
            }
            Some(text) => Ok(Some(text.to_owned())),
            None => Ok(self.clear.then(|| "{}".to_owned())),
        }
    }
}

/// One line for each claim, in the order of the specification.
fn print(user: &User, claims: &UserClaims, output: &Output) {
    let mut json = as_json(user);
    json["claims"] = Value::from(claims.members.clone());
    let shown = StandardClaim::ALL.iter().filter_map(|claim| {
        let text = match claims.members.get(claim.name)? {
            Value::String(text) => visible(text).to_string(),
            other => other.to_string(),
        };
        Some(format!("{}: {text}", claim.name))
    });
    let mut lines: Vec<_> = shown.collect();
    if lines.is_empty() {
        lines.push(format!("{} has no claims", visible(user.username.as_str())));
    }
    output.print(&json, &lines.join("\n"));
}
