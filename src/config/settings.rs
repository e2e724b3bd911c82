//! The table of all settings: what `config show` prints, and what the documentation is held to.

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// What holds where it is unset.
    pub default: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// What it does, in a line.
    pub about: &'static str,
}

const fn setting(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { name, default, secret: false, about }
}

const fn secret(name: &'static str, about: &'static str) -> Setting {
    Setting { name, default: "", secret: true, about }
}

/// Makes a constant of each setting, by which code names it, and the table of all. A name that is misspelt in code does not
/// compile.
macro_rules! settings {
    ($($name:ident = $kind:ident($($part:expr),+ $(,)?);)+) => {
        $(
            #[doc = concat!("`", stringify!($name), "`.")]
            pub const $name: &Setting = &$kind(stringify!($name), $($part),+);
        )+

        /// Every setting, those of the original first.
        pub const SETTINGS: &[&Setting] = &[$($name),+];
    };
}

settings! {
    PORT = setting("3000", "TCP port to listen on; 0 lets the system choose");
    NODE_ENV = setting(
        "development",
        "`production` turns demo tokens off, and so does any word but `development` and `test`",
    );
    MONGODB_URI = secret("MongoDB to keep users in; without it they are kept in SQLite");
    SKIP_DATABASE = setting("false", "`true` runs without any database: no accounts");
    JWT_ISSUER = setting("jwt-generator-app", "`iss` of every token");
    JWT_AUDIENCE = setting("jwt-generator-api", "`aud` of every token that asks for no other");
    JWT_EXPIRATION = setting("1h", "How long a token lives: `3600`, `90s`, `15m`, `7 days`, `2w` …");
    BCRYPT_ROUNDS = setting("12", "bcrypt cost of password hashes, 4 to 15");
    KEYS_DIR = setting("./keys", "Folder of `private-key.pem`, `public-key.pem` and the ring of keys");
    KEY_ID = setting(
        "",
        "`kid` of the first key; empty: `default-key-id`, or in production, where the key is new, its thumbprint",
    );
    ALLOWED_ORIGINS = setting("*", "Origins that browsers may call from, separated by commas");
    HOST = setting("", "Address to listen on; empty means all, IPv6 and IPv4");
    DATA_DIR = setting("./data", "Folder of the SQLite database; `:memory:` keeps nothing");
    JWT_ALGORITHM = setting(
        "RS256",
        "`RS256`, `PS256`, `ES256` or `EdDSA`, or several separated by commas, the default one first; then also `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87` (experimental)",
    );
    KEY_BITS = setting(
        "",
        "Size of a new RSA key: 2048, 3072 or 4096; empty: 2048, and a key that is there may have any",
    );
    KEY_ROTATION = setting(
        "",
        "How long a key signs, such as `30d`, or `off`; empty: 30 days, or off for a key of the original",
    );
    JWKS_MAX_AGE = setting("24h", "How long verifiers may keep the key set (`Cache-Control: max-age`)");
    VERIFIER_CACHE = setting("2h", "How long the slowest verifier keeps it that ignores what the header says");
    KEY_REFRESH = setting("15s", "How often an instance looks at the ring of keys, at most `1h`");
    KEY_CUSTODY = setting(
        "",
        "Where keys live: `directory`, `database`, `aws-kms`, `aws-secrets-manager` or `vault`; empty: `directory`, or `database` with MongoDB and a KEY_ENCRYPTION_KEY, or `aws-secrets-manager` with a KEYS_SECRET",
    );
    KEYS_SECRET = setting(
        "",
        "Secret in AWS Secrets Manager, by name or ARN, that the ring of keys is in; empty: it is in the database, or in KEYS_DIR",
    );
    KEY_ENCRYPTION_KEY = secret(
        "Seals and authenticates the ring of keys in the database: 32 bytes in base64; of several, separated by commas, the first seals",
    );
    SERVER_SECRET = secret(
        "Secret from which the service derives other keys, 32 bytes or more; of several, separated by commas, the first is used for what is new and all for what exists; `kept` is the one beside the private keys; empty: `kept`",
    );
    VAULT_ADDR = setting("", "Address of Vault or OpenBao, such as `https://vault.example.com:8200`");
    VAULT_NAMESPACE = setting("", "Its namespace");
    VAULT_CACERT = setting(
        "",
        "File with the certificates (PEM) that its certificate is checked by; empty: the system's",
    );
    VAULT_TRANSIT_MOUNT = setting("transit", "Where its transit engine is mounted");
    VAULT_TRANSIT_KEY = setting("jwt-generator", "How the names of the transit keys begin");
    VAULT_AUTH = setting("", "How to log in: `token`, `kubernetes` or `approle`; empty: `token`");
    VAULT_AUTH_MOUNT = setting("", "Where that is mounted; empty: under its own name");
    VAULT_TOKEN = secret("The token of `VAULT_AUTH=token`");
    VAULT_ROLE = setting("", "The role of `VAULT_AUTH=kubernetes`");
    VAULT_JWT_FILE = setting(
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "The service account's token for `VAULT_AUTH=kubernetes`",
    );
    VAULT_ROLE_ID = setting("", "The role of `VAULT_AUTH=approle`");
    VAULT_SECRET_ID = secret("Its secret");
    MAX_TOKEN_LIFETIME = setting("24h", "The most that `expiresIn` may ask for");
    CLOCK_SKEW = setting(
        "",
        "Seconds by which clocks may differ, at most 300; empty: 0 for `exp` and `nbf`, 60 for the keys' schedule",
    );
    SESSION_MAX_AGE = setting("30d", "How long after logging in a token may be refreshed");
    DEMO_TOKENS = setting("", "`true` or `false`: unauthenticated tokens; empty means not in production");
    PUBLIC_URL = setting("", "Where clients reach this server, for the API document's `servers`");
    MAX_CONNECTIONS = setting("16384", "Connections at once; the limit on open files may lower it");
    MAX_CONNECTIONS_PER_ADDRESS = setting(
        "",
        "Connections of one peer address at once; empty: a quarter of all, at most 1024",
    );
    TRUSTED_PROXIES = setting(
        "",
        "Your own proxies, as networks separated by commas: they are believed when they name a client, and the limits for \
         one address do not hold for them; empty: no proxy is believed, and the limits do not hold for loopback and \
         private addresses",
    );
    TRUSTED_PROXY_HEADER = setting(
        "X-Forwarded-For",
        "The one header in which these proxies name the client: `X-Forwarded-For`, `Forwarded` or `X-Real-IP`",
    );
    MAX_BODY_MEMORY = setting(
        "32MiB",
        "Memory for the bodies above 4 KiB of all requests under way, a quarter of it for one peer address; above it: \
         503 `busy`",
    );
    RSA_BATCH = setting(
        "auto",
        "`auto`: RSA signatures that wait together are made eight at once, if the processor has AVX-512 IFMA; or `off`",
    );
    LOG_LEVEL = setting("info", "`error`, `warn`, `info`, `debug`, `trace`, or a filter by module");
    LOG_FORMAT = setting("auto", "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere");
    ACCESS_LOG = setting("errors", "Requests that have a line in the log: `off`, `errors` (those that are refused) or `all`");
    ACCESS_LOG_SAMPLE = setting(
        "1",
        "With `ACCESS_LOG=all`: of so many successful requests for tokens, checks, keys and health, one has a line; `1`: each",
    );
    OTEL_EXPORTER_OTLP_ENDPOINT = setting(
        "",
        "Collector that takes traces by OTLP over HTTP, such as `http://localhost:4318`; empty: no traces",
    );
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = setting(
        "",
        "The complete address for traces; empty: the one above with `/v1/traces` behind it",
    );
    OTEL_EXPORTER_OTLP_PROTOCOL = setting("http/protobuf", "How the collector is spoken to: `http/protobuf`, and nothing else");
    OTEL_EXPORTER_OTLP_HEADERS = secret(
        "Headers for the collector, such as `api-key=…`, separated by commas; `%20` stands for a space",
    );
    OTEL_EXPORTER_OTLP_TIMEOUT = setting("10000", "Milliseconds that an export may take");
    OTEL_SERVICE_NAME = setting("jwt-generator", "`service.name` of the traces");
    OTEL_RESOURCE_ATTRIBUTES = setting(
        "",
        "More about this service for the collector: `name=value`, separated by commas",
    );
    OTEL_TRACES_SAMPLER = setting(
        "parentbased_always_on",
        "Which requests are recorded: `always_on`, `always_off`, `traceidratio`, or one of these with `parentbased_` in front, \
         which first asks the client's `traceparent`",
    );
    OTEL_TRACES_SAMPLER_ARG = setting("1", "The part of the requests that a `traceidratio` records, from 0 to 1");
    OTEL_SDK_DISABLED = setting("false", "`true` turns traces off");
}

impl Setting {
    /// The setting of this name, for a name that was read from somewhere.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name).copied()
    }
}
