//! `users`: the stored users. The commands use the store of the settings, also while a server runs.

mod claims;

use clap::Subcommand;
use serde_json::{Value, json};

use super::consent::Consent;
use super::operator::operator;
use super::output::visible;
use super::password::PasswordSource;
use super::setup;
use super::{Failure, Output};
use crate::accounts::{FailedLogIns, Registration, Registry};
use crate::app::{self, IfMissing};
use crate::clock::Clock;
use crate::domain::{Admission, LoginName, Password, PasswordPolicy, User};
use crate::entropy::Entropy;

/// Users that one query reads.
const PAGE: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Add a user; on a terminal, the command asks for the password
    Create {
        /// Username
        username: String,
        /// Email address
        email: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// List all users, ordered by id
    List,
    /// Show a user
    Show {
        /// Username or email address
        user: String,
    },
    /// Show or change the claims about a user that apps get, such as a name and a
    /// telephone number
    Claims(claims::Claims),
    /// Set a new password and end the sessions of the user; on a terminal, the command
    /// asks for the password
    Password {
        /// Username or email address
        user: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// End the sessions of a user: this service then refuses the tokens that the user has
    LogOut {
        /// Username or email address
        user: String,
    },
    /// Unlock a user after failed log-ins: every address may try to log in again
    Unlock {
        /// Username or email address
        user: String,
    },
    /// Delete a user, whose tokens this service then refuses; the command asks first
    Delete {
        /// Username or email address
        user: String,
        #[command(flatten)]
        consent: Consent,
    },
}

impl Users {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let config = setup::config()?;
        setup::runtime()?.block_on(async {
            let (stores, new_database) = setup::stores(&config, self.if_missing())?;
            let registry = app::open_registry(&config, &stores, Clock::System, Entropy::System);
            self.run_on(&registry.map_err(Failure::refused)?, config.password_policy, output).await?;
            if let Some(file) = new_database {
                setup::tell_of_new_database(&file, output);
            }
            Ok(())
        })
    }

    /// Only `create` may make a database.
    fn if_missing(&self) -> IfMissing {
        if let Self::Create { .. } = self { IfMissing::Create } else { IfMissing::Refuse }
    }

    async fn run_on(
        self,
        registry: &Registry,
        policy: PasswordPolicy,
        output: &Output,
    ) -> Result<(), Failure> {
        match self {
            Self::Create { username, email, password } => {
                let registration = Registration::parse(&username, &email, password.read()?.expose(), policy)
                    .map_err(Failure::usage)?;
                let user = registry.create_user(registration, &operator()).await.map_err(Failure::because)?;
                print(&user, output);
            }
            Self::List => list(registry, output).await?,
            Self::Show { user } => show(registry, &find(registry, &user).await?, output).await?,
            Self::Claims(claims) => claims.run(registry, output).await?,
            Self::Password { user, password } => {
                find(registry, &user).await?;
                let password = Password::parse(password.read()?.expose(), policy).map_err(Failure::usage)?;
                let name = LoginName::from_text(&user);
                let user = registry.set_password(&name, password, &operator()).await;
                print(&user.map_err(Failure::because)?, output);
            }
            Self::LogOut { user } => {
                let user = registry.log_out(&LoginName::from_text(&user), &operator()).await;
                let user = user.map_err(Failure::because)?;
                let name = visible(user.username.as_str());
                let text = format!("logged out {name}: this service refuses the tokens that the user has");
                output.print(&as_json(&user), &text);
            }
            Self::Unlock { user } => {
                let unlocked = registry.unlock_user(&LoginName::from_text(&user), &operator()).await;
                let (user, failures) = unlocked.map_err(Failure::because)?;
                let (name, mut json) = (visible(user.username.as_str()), as_json(&user));
                json["forgottenFailures"] = failures.into();
                let text = match failures {
                    0 => format!("{name} had no failed log-ins: nothing was changed"),
                    _ => format!("unlocked {name} ({failures} failures forgotten)"),
                };
                output.print(&json, &text);
            }
            Self::Delete { user, consent } => {
                let user = find(registry, &user).await?;
                let (name, email) = (visible(user.username.as_str()), visible(user.email.as_str()));
                consent.ask(&format!("This deletes the user {name} ({email})."))?;
                registry.delete_user(user.id, &operator()).await.map_err(Failure::because)?;
                output.print(&json!({ "deleted": as_json(&user) }), &format!("deleted {name}"));
            }
        }
        Ok(())
    }
}

async fn find(registry: &Registry, name: &str) -> Result<User, Failure> {
    let found = registry.find_user(&LoginName::from_text(name)).await.map_err(Failure::because)?;
    found.ok_or_else(|| Failure::refused(format!("there is no user {name}")))
}

/// The user, and what failed log-ins have begun.
async fn show(registry: &Registry, user: &User, output: &Output) -> Result<(), Failure> {
    let FailedLogIns { count, next_from_elsewhere } =
        registry.failed_log_ins(user).await.map_err(Failure::because)?;
    let (is_limited, wait) = match next_from_elsewhere {
        Admission::Admitted => (false, 0),
        Admission::Wait(secs) => (false, secs),
        Admission::Limited => (true, 0),
    };
    let mut json = as_json(user);
    json["failedLogIns"] = json!({ "count": count, "waitSeconds": wait, "limited": is_limited });
    let log_ins = match next_from_elsewhere {
        Admission::Admitted => format!("failed log-ins: {count}"),
        Admission::Wait(secs) => {
            format!(
                "failed log-ins: {count}; from an address that is not known, the next one must wait {secs} s"
            )
        }
        Admission::Limited => {
            format!("failed log-ins: {count}; only known addresses may try; `users unlock` ends this")
        }
    };
    output.print(&json, &format!("{}\n{log_ins}", row(user)));
    Ok(())
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
    output.print(&as_json(user), &row(user));
}

fn row(user: &User) -> String {
    // In the original, a name can contain any character, also the end of a line.
    let (name, email) = (visible(user.username.as_str()), visible(user.email.as_str()));
    format!("{}  {name:30}  {}  {email}", user.id, user.created_at)
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
