//! Typed settings, from the environment, from `.env` and from the files that `NAME_FILE` variables name. All
//! errors are reported at once. Only `cli` and `app` see this module; other modules receive small structs of
//! their own.

mod custody;
mod dotenv;
mod oauth_issuer;
mod otlp;
mod parse;
mod reader;
pub mod settings;
mod shown;
mod source;
mod warnings;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::domain::{
    Brand, BrowserSessionLifetimes, DemoTokens, EventRetention, GrantLifetimes, Kid, Lifetime,
    PasswordPolicy, ProxyHeader, Rotation, Secret, TrustedProxies,
};
use crate::keys::custody::VaultSettings;
use crate::limits::Policies;
use crate::server_secret::ServerSecretSettings;
use crate::telemetry::AccessLog;
use crate::telemetry::metrics::MetricExportSettings;
use crate::telemetry::traces::TraceSettings;
use crate::webhooks::WebhookRules;
use reader::Reader;

pub use custody::CustodyChoice;
pub use oauth_issuer::OAuthIssuer;
pub use settings::{SETTINGS, Setting};
pub use shown::secret_name;
pub use source::{Origin, SourceError, Sources};

/// Everything that an operator can set.
#[derive(Clone, Debug)]
pub struct Config {
    /// `HOST`; `None` means all addresses, IPv6 if the system has it.
    pub host: Option<IpAddr>,
    /// `PORT`.
    pub port: u16,
    /// Whether `NODE_ENV` means production.
    pub production: bool,
    /// `MONGODB_URI`, `DATA_DIR` and `SKIP_DATABASE`.
    pub store: StoreChoice,
    /// `JWT_ISSUER`, the `iss` of every token.
    pub issuer: String,
    /// `JWT_AUDIENCE`, the `aud` of every token for which the caller asks for no other.
    pub audience: String,
    /// `JWT_EXPIRATION`.
    pub token_lifetime: Lifetime,
    /// `MAX_TOKEN_LIFETIME`, the most that `expiresIn` may ask for.
    pub max_token_lifetime: Lifetime,
    /// `CLOCK_SKEW`, in seconds.
    pub clock_skew: u64,
    /// `CLOCK_SKEW` if it is set, else a minute: by how much clocks may differ, in seconds, for the schedule
    /// of the keys.
    pub key_clock_skew: u64,
    /// `SESSION_MAX_AGE`.
    pub session_max_age: Lifetime,
    /// `REFRESH_TOKEN_LIFETIME`, `REFRESH_TOKEN_IDLE_LIFETIME` and `JWT_EXPIRATION`.
    pub grant_lifetimes: GrantLifetimes,
    /// `BROWSER_SESSION_LIFETIME` and `BROWSER_SESSION_IDLE_LIFETIME`.
    pub browser_session_lifetimes: BrowserSessionLifetimes,
    /// `STATUS_LIST_TTL`, in seconds.
    pub status_list_ttl: u64,
    /// `EVENT_RETENTION`.
    pub event_retention: EventRetention,
    /// Every setting whose value is not the default, by its name, and the text of its value.
    pub given: BTreeMap<&'static str, Secret<String>>,
    /// `AUDIT_CHECKPOINT_FILE`.
    pub audit_checkpoint_file: Option<PathBuf>,
    /// `JWT_ALGORITHM`, each algorithm once. The first one signs if the caller asks for no algorithm.
    pub algorithms: Vec<jose::Algorithm>,
    /// `KEY_BITS`, the size of new RSA keys. If it is not set, they have 2048 bits, and an existing key may
    /// have any size.
    pub key_bits: Option<u32>,
    /// `KEYS_DIR`.
    pub keys_dir: PathBuf,
    /// `KEY_ID`. If it is not set in production, the name of a new key is its thumbprint.
    pub kid: Option<Kid>,
    /// `KEY_ROTATION`.
    pub key_rotation: Rotation,
    /// `JWKS_MAX_AGE`, in seconds.
    pub jwks_max_age: u64,
    /// `VERIFIER_CACHE`, in seconds.
    pub verifier_cache: u64,
    /// `KEY_REFRESH`, in seconds.
    pub key_refresh: u64,
    /// `KEY_CUSTODY` and what belongs to it.
    pub custody: CustodyChoice,
    /// `KEYS_SECRET`, by name or ARN.
    pub keys_secret: Option<String>,
    /// The `VAULT_*` settings, if keys are made there or may still be there.
    pub vault: Option<VaultSettings>,
    /// `KEY_ENCRYPTION_KEY`.
    pub key_encryption_key: Option<Secret<String>>,
    /// `SERVER_SECRET`.
    pub server_secret: ServerSecretSettings,
    /// `BCRYPT_ROUNDS`.
    pub bcrypt_rounds: u32,
    /// `PASSWORD_MIN_LENGTH` and `PASSWORD_COMMON`.
    pub password_policy: PasswordPolicy,
    /// `ALLOWED_ORIGINS`; `None` means any.
    pub allowed_origins: Option<Vec<String>>,
    /// `DEMO_TOKENS`. If it is not set, demo tokens are off in production, and else once there is a client.
    pub demo_tokens: DemoTokens,
    /// `CLIENTS_FILE`.
    pub clients_file: Option<PathBuf>,
    /// `WEBHOOKS_FILE`.
    pub webhooks_file: Option<PathBuf>,
    /// `WEBHOOK_HTTP` and `WEBHOOK_NETWORKS`.
    pub webhook_rules: WebhookRules,
    /// `BRAND_NAME`, `BRAND_LOGO` and `BRAND_COLOR`.
    pub brand: Brand,
    /// `PUBLIC_URL`, without a slash at its end.
    pub public_url: Option<String>,
    /// `ISSUER_URL`, or what stands for it.
    pub oauth_issuer: OAuthIssuer,
    /// `INTERNAL_URL`, without a slash at its end.
    pub internal_url: Option<String>,
    /// `MAX_CONNECTIONS`.
    pub max_connections: usize,
    /// `MAX_CONNECTIONS_PER_ADDRESS`. If it is not set, it follows from the number of all connections.
    pub max_connections_per_address: Option<usize>,
    /// `TRUSTED_PROXIES`; empty if it is not set.
    pub trusted_proxies: TrustedProxies,
    /// `TRUSTED_PROXY_HEADER`.
    pub trusted_proxy_header: ProxyHeader,
    /// `RATE_LIMITS`.
    pub rate_limits: Policies,
    /// `MAX_BODY_MEMORY`, in bytes.
    pub max_body_memory: usize,
    /// `RSA_BATCH`: whether the service makes waiting RSA signatures in batches, if the processor can.
    pub rsa_batch: bool,
    /// `ADMIN_ADDRESS`.
    pub admin: AdminChoice,
    /// `LOG_LEVEL`, a filter of `tracing-subscriber`.
    pub log_level: String,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `ACCESS_LOG` and `ACCESS_LOG_SAMPLE`.
    pub access_log: AccessLog,
    /// The `OTEL_*` settings, if they name a place for traces.
    pub traces: Option<TraceSettings>,
    /// The `OTEL_*` settings, if they name a place for metrics.
    pub metric_export: Option<MetricExportSettings>,
}

/// The place where users are stored.
#[derive(Clone, Debug)]
pub enum StoreChoice {
    /// No place.
    Absent,
    /// In SQLite, in this folder.
    Sqlite(PathBuf),
    /// In the MongoDB of this URI.
    Mongo(Secret<String>),
}

impl StoreChoice {
    /// Whether there is no store.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// The address of the admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminChoice {
    /// There is none. A function never has one.
    Off,
    /// At the usual address. If that is taken, there is none.
    Usual,
    /// At this address.
    At(SocketAddr),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A setting that cannot be used, with its value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {allowed}", what_is_set(.name, .value, .origin))]
pub struct Fault {
    /// The variable.
    pub name: &'static str,
    /// Its value, empty if it is not set. A secret is not shown.
    pub value: String,
    /// The source of the value.
    pub origin: Origin,
    /// What is allowed.
    pub allowed: String,
}

fn what_is_set(name: &str, value: &str, origin: &Origin) -> String {
    if value.is_empty() { format!("{name} is not set") } else { format!("{name}={value} ({origin})") }
}

/// All errors of the settings.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// Clocks that NTP sets differ by less.
const USUAL_SKEW: u64 = 60;

impl Config {
    /// Reads every setting.
    ///
    /// # Errors
    /// [`Faults`], all at once.
    pub fn read(sources: &Sources) -> Result<Self, Faults> {
        let mut read = Reader::new(sources);
        let store = store_choice(&mut read, sources.is_function())?;
        let key_encryption_key = read.optional_secret(settings::KEY_ENCRYPTION_KEY, parse::sealing_keys);
        let keys_secret = read.optional(settings::KEYS_SECRET, parse::secret_id);
        let custody = custody::choice(&mut read, &store, key_encryption_key.is_some(), keys_secret.is_some());
        if sources.is_function() {
            custody::check_function(&mut read, custody, &store, keys_secret.is_some());
        }
        let clock_skew = read.optional(settings::CLOCK_SKEW, parse::skew);
        let production = !parse::is_development(&read.text(settings::NODE_ENV));
        let kid = read.optional(settings::KEY_ID, parse::kid);
        let config = Self {
            host: read.optional(settings::HOST, parse::host),
            port: read.required(settings::PORT, parse::port)?,
            production,
            vault: custody::vault_settings(&mut read, sources, custody),
            custody,
            keys_secret,
            key_encryption_key,
            server_secret: read.optional(settings::SERVER_SECRET, parse::server_secrets).unwrap_or_default(),
            store,
            issuer: read.text(settings::JWT_ISSUER),
            audience: read.text(settings::JWT_AUDIENCE),
            token_lifetime: read.lifetime(settings::JWT_EXPIRATION)?,
            max_token_lifetime: read.lifetime(settings::MAX_TOKEN_LIFETIME)?,
            clock_skew: clock_skew.unwrap_or(0),
            key_clock_skew: clock_skew.unwrap_or(USUAL_SKEW),
            session_max_age: read.lifetime(settings::SESSION_MAX_AGE)?,
            grant_lifetimes: GrantLifetimes {
                refresh: read.required(settings::REFRESH_TOKEN_LIFETIME, parse::length)?,
                idle: read.required(settings::REFRESH_TOKEN_IDLE_LIFETIME, parse::length)?,
                access_token: read.lifetime(settings::JWT_EXPIRATION)?.as_secs(),
            },
            browser_session_lifetimes: BrowserSessionLifetimes {
                absolute: read.required(settings::BROWSER_SESSION_LIFETIME, parse::length)?,
                idle: read.required(settings::BROWSER_SESSION_IDLE_LIFETIME, parse::length)?,
            },
            status_list_ttl: read.required(settings::STATUS_LIST_TTL, parse::status_list_ttl)?,
            event_retention: read.required(settings::EVENT_RETENTION, parse::event_retention)?,
            given: sources.given(),
            audit_checkpoint_file: read.optional_text(settings::AUDIT_CHECKPOINT_FILE).map(PathBuf::from),
            algorithms: read.required(settings::JWT_ALGORITHM, parse::algorithms)?,
            key_bits: read.optional(settings::KEY_BITS, parse::key_bits),
            keys_dir: read.text(settings::KEYS_DIR).into(),
            kid: kid.or_else(|| (!production).then(Kid::original)),
            key_rotation: read.optional(settings::KEY_ROTATION, parse::rotation).unwrap_or(Rotation::Usual),
            jwks_max_age: read.lifetime(settings::JWKS_MAX_AGE)?.as_secs(),
            verifier_cache: read.required(settings::VERIFIER_CACHE, parse::length_or_none)?,
            key_refresh: read.required(settings::KEY_REFRESH, parse::refresh)?,
            bcrypt_rounds: read.required(settings::BCRYPT_ROUNDS, parse::bcrypt_rounds)?,
            password_policy: password_policy(&mut read, production)?,
            allowed_origins: read.required(settings::ALLOWED_ORIGINS, parse::origins)?,
            demo_tokens: demo_tokens(&mut read, production),
            clients_file: read.optional_text(settings::CLIENTS_FILE).map(PathBuf::from),
            webhooks_file: read.optional_text(settings::WEBHOOKS_FILE).map(PathBuf::from),
            webhook_rules: WebhookRules {
                allow_http: read.required(settings::WEBHOOK_HTTP, parse::switch)?,
                networks: read.optional(settings::WEBHOOK_NETWORKS, parse::networks).unwrap_or_default(),
            },
            brand: brand(&mut read)?,
            public_url: read.optional(settings::PUBLIC_URL, parse::url),
            oauth_issuer: oauth_issuer::read(&mut read, production),
            internal_url: read.optional(settings::INTERNAL_URL, parse::url),
            max_connections: read.required(settings::MAX_CONNECTIONS, parse::count)?,
            max_connections_per_address: read.optional(settings::MAX_CONNECTIONS_PER_ADDRESS, parse::count),
            trusted_proxies: read
                .optional(settings::TRUSTED_PROXIES, parse::trusted_proxies)
                .unwrap_or_default(),
            trusted_proxy_header: read.required(settings::TRUSTED_PROXY_HEADER, parse::proxy_header)?,
            rate_limits: read.optional(settings::RATE_LIMITS, parse::rate_limits).unwrap_or_default(),
            max_body_memory: read.required(settings::MAX_BODY_MEMORY, parse::body_memory)?,
            rsa_batch: read.required(settings::RSA_BATCH, parse::rsa_batch)?,
            admin: admin_choice(&mut read, sources.is_function()),
            log_level: read.required(settings::LOG_LEVEL, parse::log_level)?,
            log_format: read.required(settings::LOG_FORMAT, parse::log_format)?,
            access_log: access_log(&mut read)?,
            traces: otlp::traces(&mut read)?,
            metric_export: otlp::metrics(&mut read)?,
        };
        let faults = read.into_faults();
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }
}

/// In development, new passwords may be common, as in the original: its clients and their tests use such passwords.
fn password_policy(read: &mut Reader<'_>, production: bool) -> Result<PasswordPolicy, Faults> {
    Ok(PasswordPolicy {
        min_length: read.required(settings::PASSWORD_MIN_LENGTH, parse::password_min_length)?,
        allows_common: read
            .optional(settings::PASSWORD_COMMON, parse::common_passwords)
            .unwrap_or(!production),
    })
}

fn brand(read: &mut Reader<'_>) -> Result<Brand, Faults> {
    Ok(Brand {
        name: read.required(settings::BRAND_NAME, parse::brand_name)?,
        color: read.required(settings::BRAND_COLOR, parse::color)?,
        logo: read.optional(settings::BRAND_LOGO, parse::logo),
    })
}

fn demo_tokens(read: &mut Reader<'_>, production: bool) -> DemoTokens {
    match read.optional(settings::DEMO_TOKENS, parse::switch) {
        Some(true) => DemoTokens::On,
        Some(false) => DemoTokens::Off,
        None if production => DemoTokens::Off,
        None => DemoTokens::UntilClients,
    }
}

/// `LOG_LEVEL` alone, for a program that runs.
///
/// # Errors
/// [`Faults`]
pub fn log_level(sources: &Sources) -> Result<String, Faults> {
    let mut read = Reader::new(sources);
    let level = read.required(settings::LOG_LEVEL, parse::log_level)?;
    let faults = read.into_faults();
    if faults.is_empty() { Ok(level) } else { Err(Faults(faults)) }
}

fn access_log(read: &mut Reader<'_>) -> Result<AccessLog, Faults> {
    let one_of = read.required(settings::ACCESS_LOG_SAMPLE, parse::sample)?;
    read.required(settings::ACCESS_LOG, |text| match text {
        "off" => Ok(AccessLog::Off),
        "errors" => Ok(AccessLog::Errors),
        "all" => Ok(AccessLog::All { one_of }),
        _ => Err("must be off, errors or all".to_owned()),
    })
}

/// A function has no permanent folder: without MongoDB it stores no users.
fn store_choice(read: &mut Reader<'_>, function: bool) -> Result<StoreChoice, Faults> {
    let skip = read.required(settings::SKIP_DATABASE, parse::switch)?;
    let uri = read.optional_secret(settings::MONGODB_URI, parse::mongodb_uri);
    Ok(match uri {
        _ if skip => StoreChoice::Absent,
        Some(uri) => StoreChoice::Mongo(uri),
        None if function => StoreChoice::Absent,
        None => StoreChoice::Sqlite(read.text(settings::DATA_DIR).into()),
    })
}

fn admin_choice(read: &mut Reader<'_>, function: bool) -> AdminChoice {
    match read.optional(settings::ADMIN_ADDRESS, parse::admin_address) {
        _ if function => AdminChoice::Off,
        Some(Some(address)) => AdminChoice::At(address),
        Some(None) => AdminChoice::Off,
        None => AdminChoice::Usual,
    }
}
