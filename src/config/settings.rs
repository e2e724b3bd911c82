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

/// Every setting, those of the original first.
pub const SETTINGS: &[Setting] = &[
    setting("PORT", "3000", "TCP port to listen on; 0 lets the system choose"),
    setting("NODE_ENV", "development", "`production` turns demo tokens off"),
    Setting {
        name: "MONGODB_URI",
        default: "",
        secret: true,
        about: "MongoDB to keep users in; without it they are kept in SQLite",
    },
    setting("SKIP_DATABASE", "false", "`true` runs without any database: no accounts"),
    setting("JWT_ISSUER", "jwt-generator-app", "`iss` of every token"),
    setting("JWT_AUDIENCE", "jwt-generator-api", "`aud` of every token that asks for no other"),
    setting("JWT_EXPIRATION", "1h", "How long a token lives: `3600`, `90s`, `15m`, `7 days`, `2w` …"),
    setting("BCRYPT_ROUNDS", "12", "bcrypt cost of password hashes, 4 to 15"),
    setting("KEYS_DIR", "./keys", "Folder of `private-key.pem` and `public-key.pem`"),
    setting("KEY_ID", "default-key-id", "`kid` of the key"),
    setting("ALLOWED_ORIGINS", "*", "Origins that browsers may call from, separated by commas"),
    setting("HOST", "", "Address to listen on; empty means all, IPv6 and IPv4"),
    setting("DATA_DIR", "./data", "Folder of the SQLite database; `:memory:` keeps nothing"),
    setting("JWT_ALGORITHM", "RS256", "`RS256`, `PS256`, `ES256` or `EdDSA`"),
    setting("KEY_BITS", "2048", "Size of a new RSA key: 2048, 3072 or 4096"),
    setting("MAX_TOKEN_LIFETIME", "24h", "The most that `expiresIn` may ask for"),
    setting("CLOCK_SKEW", "0", "Seconds by which `exp` and `nbf` may be missed, at most 300"),
    setting("SESSION_MAX_AGE", "30d", "How long after logging in a token may be refreshed"),
    setting("DEMO_TOKENS", "", "`true` or `false`: unauthenticated tokens; empty means not in production"),
    setting("PUBLIC_URL", "", "Where clients reach this server, for the API document's `servers`"),
    setting("MAX_CONNECTIONS", "16384", "Connections at once; the limit on open files may lower it"),
    setting("LOG_LEVEL", "info", "`error`, `warn`, `info`, `debug`, `trace`, or a filter by module"),
    setting("LOG_FORMAT", "auto", "`text`, `json`, or `auto`: text on a terminal, JSON elsewhere"),
];

impl Setting {
    /// The setting of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }
}
