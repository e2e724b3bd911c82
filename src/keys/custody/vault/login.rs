//! Logging in, and its result: a token and its lifetime.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Fault;
use super::client::{Call, Client, Pace};
use crate::domain::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// If Vault cannot say how long a token is valid, it is asked again after this time.
const UNKNOWN_LEASE: Duration = Duration::from_secs(60);

/// How to log in.
#[derive(Clone, Debug)]
pub enum VaultLogin {
    /// With an existing token.
    Token(Secret<String>),
    /// With the token of a Kubernetes service account, which the cluster replaces from time to time.
    Kubernetes {
        /// The role.
        role: String,
        /// The file with the account's token.
        jwt_file: PathBuf,
    },
    /// With a role and its secret.
    AppRole {
        /// The role.
        role_id: String,
        /// Its secret.
        secret_id: Secret<String>,
    },
}

/// A token. Instants are those of the system's uptime.
pub(super) struct Lease {
    pub(super) token: Secret<String>,
    /// When the token needs another lease.
    pub(super) renews_at: Option<Duration>,
    /// When the token expires.
    pub(super) ends_at: Option<Duration>,
    renewable: bool,
    /// The length of the lease when it was new.
    full: u64,
}

#[derive(Serialize)]
struct Account<'a> {
    role: &'a str,
    jwt: &'a str,
}

#[derive(Serialize)]
struct Role<'a> {
    role_id: &'a str,
    secret_id: &'a str,
}

#[derive(Deserialize)]
struct Authenticated {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret<String>,
    /// In seconds; 0 means that the token does not expire.
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct LookedUp {
    data: Lookup,
}

#[derive(Deserialize)]
struct Lookup {
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

impl VaultLogin {
    /// Whether logging in gives another token than before.
    pub(super) fn gives_new_tokens(&self) -> bool {
        !matches!(self, Self::Token(_))
    }

    /// Logs in at `mount`. `now` is the time when this began.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn log_in(&self, client: &Client, mount: &str, now: Duration) -> Result<Lease, Fault> {
        let path = format!("auth/{mount}/login");
        let call = match self {
            Self::Token(token) => return look_up(client, token, now).await,
            Self::Kubernetes { role, jwt_file } => {
                let jwt = read_jwt(jwt_file).await?;
                Call::post(path, &Account { role, jwt: jwt.expose().trim() }, Pace::QUICK)
            }
            Self::AppRole { role_id, secret_id } => {
                Call::post(path, &Role { role_id, secret_id: secret_id.expose() }, Pace::QUICK)
            }
        };
        let Authenticated { auth } = client.ask(call).await?.read()?;
        Ok(Lease::new(auth.client_token, auth.lease_duration, auth.renewable, now))
    }
}

impl Lease {
    fn new(token: Secret<String>, secs: u64, renewable: bool, now: Duration) -> Self {
        let length = Some(Duration::from_secs(secs)).filter(|length| !length.is_zero());
        Self {
            token,
            renews_at: length.map(|length| now + length * 2 / 3),
            ends_at: length.map(|length| now + length),
            renewable,
            full: secs,
        }
    }

    /// Whether the token can be renewed; this tries it.
    pub(super) fn is_renewable(&self) -> bool {
        self.renewable
    }

    /// The same token with a new lease. If the new lease is shorter, the token reaches an end that no renewal
    /// moves. Then, if `again` is possible, the next step is a new token.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn renew(&self, client: &Client, again: bool, now: Duration) -> Result<Self, Fault> {
        let call = Call::post("auth/token/renew-self".to_owned(), &json!({}), Pace::QUICK);
        let Authenticated { auth } = client.ask(call.bearing(&self.token)).await?.read()?;
        let shrunk = again && auth.lease_duration < self.full / 2;
        let renewed = Self::new(self.token.clone(), auth.lease_duration, auth.renewable && !shrunk, now);
        Ok(Self { full: self.full, ..renewed })
    }
}

/// The lease of a token that the operator gave us. If the token may not ask about itself, it is used as it
/// is.
async fn look_up(client: &Client, token: &Secret<String>, now: Duration) -> Result<Lease, Fault> {
    let call = Call::get("auth/token/lookup-self".to_owned(), Pace::QUICK).bearing(token);
    let lease = match client.ask(call).await {
        Ok(answer) => {
            let LookedUp { data } = answer.read()?;
            Lease::new(token.clone(), data.ttl, data.renewable, now)
        }
        Err(Fault::Forbidden(_)) => {
            let unknown = Lease::new(token.clone(), 0, false, now);
            return Ok(Lease { renews_at: Some(now + UNKNOWN_LEASE), ..unknown });
        }
        Err(fault) => return Err(fault),
    };
    // A token that cannot be renewed is valid until its lease ends.
    let renews_at = lease.renews_at.filter(|_| lease.renewable);
    Ok(Lease { renews_at, ..lease })
}

async fn read_jwt(file: &Path) -> Result<Secret<String>, Fault> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(&path).map(Secret::new)).await;
    let unreadable = |cause: std::io::Error| {
        Fault::Refused(format!("cannot read VAULT_JWT_FILE {}: {cause}", file.display()))
    };
    read.map_err(|error| unreadable(error.into()))?.map_err(unreadable)
}
