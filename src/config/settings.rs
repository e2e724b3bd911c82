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

/// Every setting, those of the original first.
pub const SETTINGS: &[Setting] = &[
    setting("PORT", "3000", "TCP port to listen on; 0 lets the system choose"),
    setting(
        "NODE_ENV",
        "development",
        "`production` turns demo tokens off, and so does any word but `development` and `test`",
    ),
    secret("MONGODB_URI", "MongoDB to keep users in; without it they are kept in SQLite"),
    setting("SKIP_DATABASE", "false", "`true` runs without any database: no accounts"),
    setting("JWT_ISSUER", "jwt-generator-app", "`iss` of every token"),
    setting("JWT_AUDIENCE", "jwt-generator-api", "`aud` of every token that asks for no other"),
    setting("JWT_EXPIRATION", "1h", "How long a token lives: `3600`, `90s`, `15m`, `7 days`, `2w` …"),
    setting("BCRYPT_ROUNDS", "12", "bcrypt cost of password hashes, 4 to 15"),
    setting("KEYS_DIR", "./keys", "Folder of `private-key.pem`, `public-key.pem` and the ring of keys"),
    setting(
        "KEY_ID",
        "",
        "`kid` of the first key; empty: `default-key-id`, or in production, where the key is new, its thumbprint",
    ),
    setting("ALLOWED_ORIGINS", "*", "Origins that browsers may call from, separated by commas"),
    setting("HOST", "", "Address to listen on; empty means all, IPv6 and IPv4"),
    setting("DATA_DIR", "./data", "Folder of the SQLite database; `:memory:` keeps nothing"),
    setting(
        "JWT_ALGORITHM",
        "RS256",
        "`RS256`, `PS256`, `ES256` or `EdDSA`, or several separated by commas, the default one first; then also `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87` (experimental)",
    ),
    setting(
        "KEY_BITS",
        "",
        "Size of a new RSA key: 2048, 3072 or 4096; empty: 2048, and a key that is there may have any",
    ),
    setting(
        "KEY_ROTATION",
        "",
        "How long a key signs, such as `30d`, or `off`; empty: 30 days, or off for a key of the original",
    ),
    setting("JWKS_MAX_AGE", "24h", "How long verifiers may keep the key set (`Cache-Control: max-age`)"),
    setting(
        "VERIFIER_CACHE",
        "2h",
        "How long the slowest verifier keeps it that ignores what the header says",
    ),
    setting("KEY_REFRESH", "15s", "How often an instance looks at the ring of keys, at most `1h`"),
    setting(
        "KEY_CUSTODY",
        "",
        "Where keys live: `directory`, `database`, `aws-kms`, `aws-secrets-manager` or `vault`; empty: `directory`, or `database` with MongoDB and a KEY_ENCRYPTION_KEY, or `aws-secrets-manager` with a KEYS_SECRET",
    ),
    setting(
        "KEYS_SECRET",
        "",
        "Secret in AWS Secrets Manager, by name or ARN, that the ring of keys is in; empty: it is in the database, or in KEYS_DIR",
    ),
    secret(
        "KEY_ENCRYPTION_KEY",
        "Seals and authenticates the ring of keys in the database: 32 bytes in base64; of several, separated by commas, the first seals",
    ),
    setting("VAULT_ADDR", "", "Address of Vault or OpenBao, such as `https://vault.example.com:8200`"),
    setting("VAULT_NAMESPACE", "", "Its namespace"),
    setting(
        "VAULT_CACERT",
        "",
        "File with the certificates (PEM) that its certificate is checked by; empty: the system's",
    ),
    setting("VAULT_TRANSIT_MOUNT", "transit", "Where its transit engine is mounted"),
    setting("VAULT_TRANSIT_KEY", "jwt-generator", "How the names of the transit keys begin"),
    setting("VAULT_AUTH", "", "How to log in: `token`, `kubernetes` or `approle`; empty: `token`"),
    setting("VAULT_AUTH_MOUNT", "", "Where that is mounted; empty: under its own name"),
    secret("VAULT_TOKEN", "The token of `VAULT_AUTH=token`"),
    setting("VAULT_ROLE", "", "The role of `VAULT_AUTH=kubernetes`"),
    setting(
        "VAULT_JWT_FILE",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "The service account's token for `VAULT_AUTH=kubernetes`",
    ),
    setting("VAULT_ROLE_ID", "", "The role of `VAULT_AUTH=approle`"),
    secret("VAULT_SECRET_ID", "Its secret"),
    setting("MAX_TOKEN_LIFETIME", "24h", "The most that `expiresIn` may ask for"),
    setting(
        "CLOCK_SKEW",
        "",
        "Seconds by which clocks may differ, at most 300; empty: 0 for `exp` and `nbf`, 60 for the keys' schedule",
    ),
    setting("SESSION_MAX_AGE", "30d", "How long after logging in a token may be refreshed"),
    setting("DEMO_TOKENS", "", "`true` or `false`: unauthenticated tokens; empty means not in production"),
    setting("PUBLIC_URL", "", "Where clients reach this server, for the API document's `servers`"),
    setting("MAX_CONNECTIONS", "16384", "Connections at once; the limit on open files may lower it"),
    setting(
        "MAX_CONNECTIONS_PER_ADDRESS",
        "",
        "Connections of one peer address at once; empty: a quarter of all, at most 1024",
    ),
    setting(
        "TRUSTED_PROXIES",
        "",
        "Your own proxies, as networks separated by commas: they are believed when they name a client, and the limits for \
         one address do not hold for them; empty: no proxy is believed, and the limits do not hold for loopback and \
         private addresses",
    ),
    setting(
        "TRUSTED_PROXY_HEADER",
        "X-Forwarded-For",
        "The one header in which these proxies name the client: `X-Forwarded-For`, `Forwarded` or `X-Real-IP`",
    ),
    setting(
        "MAX_BODY_MEMORY",
        "32MiB",
        "Memory for the bodies above 4 KiB of all requests under way, a quarter of it for one peer address; above it: \
         503 `busy`",
    ),
    setting("LOG_LEVEL", "info", "`error`, `warn`, `info`, `debug`, `trace`, or a filter by module"),
    setting("LOG_FORMAT", "auto", "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere"),
];

impl Setting {
    /// The setting of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }
}
