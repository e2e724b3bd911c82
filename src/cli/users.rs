//! `users`: the stored accounts. Works beside a running server, on the same store.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::output::visible;
use super::setup;
use super::{Failure, Output};
use crate::accounts::{Registration, Registry};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::domain::{Actor, LoginName, Password, Secret, User};
use crate::entropy::Entropy;

/// Users that one question to the store brings.
const PAGE: usize = 500;
/// What is read of standard input for a password, in bytes.
const LONGEST_INPUT: usize = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Add a user; the password comes from standard input or a file
    Create {
        /// The name
        username: String,
        /// The e-mail address
        email: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// List all users in the order of their ids
    List,
    /// Show a user
    Show {
        /// The name or the e-mail address
        user: String,
    },
    /// Give a user another password and end their sessions; it comes from standard input or a file
    Password {
        /// The name or the e-mail address
        user: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// End a user's sessions: the tokens that they have open nothing here from then on
    LogOut {
        /// The name or the e-mail address
        user: String,
    },
    /// Remove a user; their tokens open nothing here from then on
    Delete {
        /// The name or the e-mail address
        user: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct PasswordSource {
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Users {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let stores = app::open_stores(&config, self.if_missing()).map_err(Failure::refused)?;
            let registry = app::open_registry(&config, &stores, Clock::System, Entropy::System);
            self.run_on(&registry.map_err(Failure::refused)?, output).await
        })
    }

    /// A database that a command made on the way to look at it would pass for the one that is missing.
    fn if_missing(&self) -> IfMissing {
        if let Self::Create { .. } = self { IfMissing::Create } else { IfMissing::Refuse }
    }

    async fn run_on(self, registry: &Registry, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Create { username, email, password } => {
                let registration = Registration::parse(&username, &email, password.read()?.expose());
                let registration = registration.map_err(Failure::usage)?;
                let user =
                    registry.create_user(registration, Actor::Operator).await.map_err(Failure::because)?;
                print(&user, output);
            }
            Self::List => list(registry, output).await?,
            Self::Show { user } => print(&find(registry, &user).await?, output),
            Self::Password { user, password } => {
                let password = Password::parse(password.read()?.expose()).map_err(Failure::usage)?;
                let name = LoginName::from_text(&user);
                let user = registry.set_password(&name, password, Actor::Operator).await;
                print(&user.map_err(Failure::because)?, output);
            }
            Self::LogOut { user } => {
                let user = registry.log_out(&LoginName::from_text(&user), Actor::Operator).await;
                print(&user.map_err(Failure::because)?, output);
            }
            Self::Delete { user } => {
                let user = find(registry, &user).await?;
                registry.delete_user(user.id, Actor::Operator).await.map_err(Failure::because)?;
                output.print(
                    &json!({ "deleted": as_json(&user) }),
                    &format!("deleted {}", visible(user.username.as_str())),
                );
            }
        }
        Ok(())
    }
}

impl PasswordSource {
    /// The first line, without its end.
    fn read(&self) -> Result<Secret<String>, Failure> {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_INPUT));
        match &self.password_file {
            Some(path) => {
                let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
                *text = fs::read_to_string(path).map_err(unreadable)?;
            }
            None if io::stdin().is_terminal() => {
                let how = "pipe the password in, or name a file with --password-file; \
                           typed at a terminal it would be shown";
                return Err(Failure::usage(how));
            }
            None => {
                io::stdin().take(LONGEST_INPUT as u64).read_to_string(&mut text).map_err(Failure::refused)?;
            }
        }
        let text = text.trim_start_matches('\u{feff}');
        Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
    }
}

async fn find(registry: &Registry, name: &str) -> Result<User, Failure> {
    let found = registry.find_user(&LoginName::from_text(name)).await.map_err(Failure::because)?;
    found.ok_or_else(|| Failure::refused(format!("there is no user {name}")))
}

async fn list(registry: &Registry, output: &Output) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let users = registry.list_users(after, PAGE).await.map_err(Failure::because)?;
        users.iter().for_each(|user| print(user, output));
        match users.last() {
            Some(last) if users.len() == PAGE => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}

fn print(user: &User, output: &Output) {
    // The original let any character into a name, the end of a line among them.
    let (name, email) = (visible(user.username.as_str()), visible(user.email.as_str()));
    let text = format!("{}  {name:30}  {}  {email}", user.id, user.created_at);
    output.print(&as_json(user), &text);
}

fn as_json(user: &User) -> Value {
    json!({
        "_id": user.id.to_string(),
        "username": user.username.as_str(),
        "email": user.email.as_str(),
        "createdAt": user.created_at.to_string(),
        "updatedAt": user.updated_at.to_string(),
    })
}
