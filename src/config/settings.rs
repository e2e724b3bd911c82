//! The table of all settings. `config show` prints it, and tests compare the documentation with it.

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// The value if the variable is not set.
    pub default: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// What it does, in one line.
    pub about: &'static str,
}

const fn setting(name: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { name, default, secret: false, about }
}

const fn secret(name: &'static str, about: &'static str) -> Setting {
    Setting { name, default: "", secret: true, about }
}

/// Makes a constant for each setting, so that code can name it, and the table of all settings. If code
/// misspells a name, it does not compile.
macro_rules! settings {
    ($($name:ident = $kind:ident($($part:expr),+ $(,)?);)+) => {
        $(
            #[doc = concat!("`", stringify!($name), "`.")]
            pub const $name: &Setting = &$kind(stringify!($name), $($part),+);
        )+

        /// Every setting. The settings of the original come first.
        pub const SETTINGS: &[&Setting] = &[$($name),+];
    };
}

settings! {
    PORT = setting("3000", "TCP port to listen on; 0 lets the system choose");
    NODE_ENV = setting(
        "development",
        "`production` turns demo tokens off; so does every other word except `development` and `test`",
    );
    MONGODB_URI = secret("Address of the MongoDB that stores the users; if it is empty, SQLite stores them");
    SKIP_DATABASE = setting("false", "`true` runs the service without a database and without accounts");
    JWT_ISSUER = setting("jwt-generator-app", "The claim `iss` of every token except OAuth tokens");
    JWT_AUDIENCE = setting("jwt-generator-api", "The claim `aud` of every token, unless the request names another audience");
    JWT_EXPIRATION = setting("1h", "Lifetime of a token: `3600`, `90s`, `15m`, `7 days`, `2w` …");
    BCRYPT_ROUNDS = setting("12", "Cost of password hashes (bcrypt), 4 to 15");
    KEYS_DIR = setting("./keys", "Folder with `private-key.pem`, `public-key.pem` and the key ring");
    KEY_ID = setting(
        "",
        "Name (`kid`) of the first key; empty: `default-key-id`, but a new key in production gets its thumbprint (a hash of the public key)",
    );
    ALLOWED_ORIGINS = setting("*", "Origins whose pages may call the service from a browser, separated by commas; `*` means all");
    HOST = setting("", "Address to listen on; empty: all addresses, IPv6 and IPv4");
    DATA_DIR = setting("./data", "Folder of the SQLite database; `:memory:` stores nothing on disk");
    JWT_ALGORITHM = setting(
        "RS256",
        "Algorithms that sign, separated by commas, beginning with the default one: `RS256`, `PS256`, `ES256` or `EdDSA`; after the first one also `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87` (experimental)",
    );
    KEY_BITS = setting(
        "",
        "Size of a new RSA key in bits: 2048, 3072 or 4096; empty: 2048, and an existing key may have any size",
    );
    KEY_ROTATION = setting(
        "",
        "How long a key signs, such as `30d`, or `off`; empty: 30 days, but `off` for a key of the original",
    );
    JWKS_MAX_AGE = setting("24h", "How long verifiers may cache the key set (`Cache-Control: max-age`)");
    VERIFIER_CACHE = setting("2h", "Longest time for which a verifier that ignores `Cache-Control` caches the key set");
    KEY_REFRESH = setting("15s", "How often an instance reads the key ring, at most `1h`");
    KEY_CUSTODY = setting(
        "",
        "Place of the private keys: `directory`, `database`, `aws-kms`, `aws-secrets-manager` or `vault`; empty: `directory`, or `database` with MongoDB and a KEY_ENCRYPTION_KEY, or `aws-secrets-manager` with a KEYS_SECRET",
    );
    KEYS_SECRET = setting(
        "",
        "Name or ARN of the secret in AWS Secrets Manager that contains the key ring; empty: the key ring is in the database or in KEYS_DIR",
    );
    KEY_ENCRYPTION_KEY = secret(
        "Key that encrypts and authenticates the key ring in the database: 32 bytes in base64; several are separated by commas, and the first one encrypts",
    );
    SERVER_SECRET = secret(
        "Secret from which the service derives other keys, 32 bytes or more; several are separated by commas: the service uses the first one for new data, and all of them for existing data; `kept` means the secret that is stored with the private keys; empty: `kept`",
    );
    VAULT_ADDR = setting("", "Address of Vault or OpenBao, such as `https://vault.example.com:8200`");
    VAULT_NAMESPACE = setting("", "Namespace in Vault");
    VAULT_CACERT = setting(
        "",
        "File with root certificates (PEM) to check the certificate of Vault; empty: those of the system",
    );
    VAULT_TRANSIT_MOUNT = setting("transit", "Path at which the transit engine of Vault is mounted");
    VAULT_TRANSIT_KEY = setting("jwt-generator", "Beginning of the names of the transit keys");
    VAULT_AUTH = setting("", "Method to log in to Vault: `token`, `kubernetes` or `approle`; empty: `token`");
    VAULT_AUTH_MOUNT = setting("", "Path at which the log-in method is mounted; empty: the name of the method");
    VAULT_TOKEN = secret("Token, for `VAULT_AUTH=token`");
    VAULT_ROLE = setting("", "Role, for `VAULT_AUTH=kubernetes`");
    VAULT_JWT_FILE = setting(
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "File with the token of the service account, for `VAULT_AUTH=kubernetes`",
    );
    VAULT_ROLE_ID = setting("", "Id of the role, for `VAULT_AUTH=approle`");
    VAULT_SECRET_ID = secret("Secret of the role, for `VAULT_AUTH=approle`");
    MAX_TOKEN_LIFETIME = setting("24h", "Longest lifetime that a request for a demo token or a generated token may ask for (`expiresIn`)");
    CLOCK_SKEW = setting(
        "",
        "Seconds by which clocks may differ, at most 300; empty: 0 for `exp` and `nbf`, 60 for the key schedule",
    );
    SESSION_MAX_AGE = setting("30d", "How long after the log-in a user may refresh tokens");
    REFRESH_TOKEN_LIFETIME = setting("30d", "How long after the consent of the user refresh tokens work, however often they are used");
    REFRESH_TOKEN_IDLE_LIFETIME = setting("14d", "After how long without use a refresh token expires");
    BROWSER_SESSION_LIFETIME = setting("30d", "How long after the log-in on the log-in page the browser stays logged in");
    BROWSER_SESSION_IDLE_LIFETIME = setting("24h", "After how long without use the browser is logged out");
    STATUS_LIST_TTL = setting("60s", "After how long every verifier of status lists refuses a revoked token, `4s` to `1h`");
    EVENT_RETENTION = setting(
        "security=400d, other=30d",
        "For how many days events are kept, for each class: `security` and `other`",
    );
    AUDIT_CHECKPOINT_FILE = setting(
        "",
        "File to which the service appends each signed checkpoint of the events; empty: checkpoints are only in the database and in the log",
    );
    DEMO_TOKENS = setting("", "`true` or `false`: whether callers get demo tokens without a log-in; empty: `false` in production, else `true` until there is an OAuth client");
    WEBHOOKS_FILE = setting("", "File with endpoints for webhooks (JSON), which the start puts into the database; empty: only the endpoints of `webhooks create`");
    WEBHOOK_NETWORKS = setting("", "Networks that are not public, but to which webhooks may connect, separated by commas: `10.1.0.0/16`, `127.0.0.1` …; empty: only public addresses");
    WEBHOOK_HTTP = setting("false", "`true` permits endpoints for webhooks whose URL begins with `http://`");
    CLIENTS_FILE = setting("", "File with OAuth clients (JSON), which the start puts into the database; empty: only the clients of `clients create`");
    PASSWORD_MIN_LENGTH =
        setting("6", "Characters that a new password must have at least, 6 to 64; use 8 or more in production");
    PASSWORD_COMMON = setting(
        "",
        "`refuse` or `allow` the 100,000 most common passwords as new passwords; empty: `refuse`, or `allow` in \
         development, as in the original",
    );
    BRAND_NAME = setting("JWT Generator", "Name of your service on the pages on which users log in");
    BRAND_LOGO = setting("", "File with the logo for these pages: SVG, PNG or WebP, at most 256 KiB; empty: a key");
    BRAND_COLOR = setting("#1d4ed8", "Colour of the buttons on these pages, as `#` and six hex digits");
    PUBLIC_URL = setting("", "Address at which clients reach the service, for `servers` in the API document");
    ISSUER_URL = setting(
        "",
        "Issuer of OAuth tokens, the address at which clients and browsers reach the service; empty: JWT_ISSUER if it is an \
         address, else PUBLIC_URL, else `http://localhost:PORT` in development; in production OAuth is off without an https \
         address",
    );
    INTERNAL_URL = setting(
        "",
        "Address at which other servers reach the service, for the endpoints in the discovery document that browsers do not \
         need; empty: the issuer",
    );
    MAX_CONNECTIONS = setting("16384", "Largest number of open connections; the limit on open files may lower it");
    MAX_CONNECTIONS_PER_ADDRESS = setting(
        "",
        "Largest number of open connections of one peer address; empty: a quarter of MAX_CONNECTIONS, at most 1024",
    );
    TRUSTED_PROXIES = setting(
        "",
        "Your own proxies, as addresses or networks separated by commas: the service believes them when they name a client, and the limits for one address do not apply to them; empty: the service believes no proxy, and the limits do not apply to loopback and private addresses",
    );
    TRUSTED_PROXY_HEADER = setting(
        "X-Forwarded-For",
        "The one header in which these proxies name the client: `X-Forwarded-For`, `Forwarded` or `X-Real-IP`",
    );
    RATE_LIMITS = setting(
        "",
        "Rate limits that take the place of the usual ones, such as `login=10/m per account, 30/m per address; \
         generate=off`; `off` switches off all that the line does not name",
    );
    MAX_BODY_MEMORY = setting(
        "32MiB",
        "Memory for the bodies above 4 KiB of all running requests, and a quarter of it for one peer address; if it is full, the answer is 503 `busy`",
    );
    RSA_BATCH = setting(
        "auto",
        "`auto`: the service makes waiting RSA signatures in groups of eight if the processor has AVX-512 IFMA; `off`: one by one",
    );
    ADMIN_ADDRESS = setting(
        "",
        "Address and port of the listener for metrics, health and the log filter, which has no authentication; `off` opens none; empty: `127.0.0.1:9464`, if that is free",
    );
    LOG_LEVEL = setting("info", "`error`, `warn`, `info`, `debug`, `trace`, or a filter by module");
    LOG_FORMAT = setting("auto", "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere");
    ACCESS_LOG = setting("errors", "Requests that have a line in the log: `off`, `errors` (those that are refused) or `all`");
    ACCESS_LOG_SAMPLE = setting(
        "1",
        "With `ACCESS_LOG=all`: log one of N successful requests for tokens, checks, keys and health; `1`: each",
    );
    OTEL_EXPORTER_OTLP_ENDPOINT = setting(
        "",
        "Collector that takes traces and metrics by OTLP over HTTP, such as `http://localhost:4318`; empty: neither is sent",
    );
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = setting(
        "",
        "The complete address for traces; empty: the one above with `/v1/traces` behind it",
    );
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT = setting(
        "",
        "The complete address for metrics; empty: the common one with `/v1/metrics` behind it",
    );
    OTEL_METRIC_EXPORT_INTERVAL = setting("60000", "Milliseconds from one export of metrics to the next, at least 1000");
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE = setting(
        "cumulative",
        "What exported counters count from: `cumulative`: the start of the process; `delta` or `lowmemory`: the export before",
    );
    OTEL_EXPORTER_OTLP_PROTOCOL = setting("http/protobuf", "Protocol for the collector; only `http/protobuf`");
    OTEL_EXPORTER_OTLP_HEADERS = secret(
        "Headers for the collector, such as `api-key=…`, separated by commas; `%20` stands for a space",
    );
    OTEL_EXPORTER_OTLP_TIMEOUT = setting("10000", "Milliseconds that an export may take");
    OTEL_SERVICE_NAME = setting("jwt-generator", "`service.name` of the traces and metrics");
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
    OTEL_SDK_DISABLED = setting("false", "`true` turns traces and the export of metrics off");
}

impl Setting {
    /// The setting with this name, for a name that was read from somewhere.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name).copied()
    }
}
