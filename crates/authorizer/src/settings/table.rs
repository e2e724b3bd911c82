//! The table of all settings. The document repeats it, and a test compares the two.

/// A variable that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// The value that is used if the variable is unset or empty. If this is empty, there is no default.
    pub default: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "AUTHORIZER_ISSUERS",
        default: "",
        about: "Required. The accepted issuers, separated by commas: each is the address of an issuer that publishes where its keys are, or `issuer=address of its key set`",
    },
    Setting {
        name: "AUTHORIZER_AUDIENCES",
        default: "",
        about: "Required. `aud` must name one of these, separated by commas; `*` accepts every token, with or without `aud`, and then scopes or claims are required",
    },
    Setting {
        name: "AUTHORIZER_SCOPES",
        default: "",
        about: "Scopes, separated by commas, all of which a token must have in `scope`, `scp` or `scopes`",
    },
    Setting {
        name: "AUTHORIZER_CLAIMS",
        default: "",
        about: "`name=value` pairs, separated by commas, all of which a token must have; a dot leads into an object, and a list matches if one of its elements does",
    },
    Setting {
        name: "AUTHORIZER_ALGORITHMS",
        default: "RS256,PS256,ES256,EdDSA",
        about: "The accepted algorithms, of these and `ML-DSA-44`, `ML-DSA-65` and `ML-DSA-87`; a key that does not name its algorithm is for the first one that fits it",
    },
    Setting {
        name: "AUTHORIZER_CLOCK_SKEW",
        default: "30",
        about: "Seconds by which clocks may differ, at most 300, for `exp` and `nbf`",
    },
    Setting {
        name: "AUTHORIZER_CONTEXT",
        default: "sub,iss,scope",
        about: "The claims that the authorizer passes on, separated by commas; a dot leads into an object; `-` passes on no claim",
    },
    Setting {
        name: "AUTHORIZER_RESPONSE",
        default: "simple",
        about: "The form of the response for HTTP APIs with payload format 2.0: `simple` or `policy`, as the authorizer is configured",
    },
    Setting {
        name: "AUTHORIZER_JWKS_MAX_AGE",
        default: "3600",
        about: "The most seconds for which a key set is kept, 30 to 86400, whatever its `max-age` says",
    },
    Setting {
        name: "AUTHORIZER_JWKS_STALE",
        default: "3600",
        about: "Seconds for which it is used after that if it cannot be read again, at most 86400",
    },
    Setting {
        name: "AUTHORIZER_JWKS_COOLDOWN",
        default: "30",
        about: "Seconds between two reads that tokens with an unknown key cause, 5 to 3600",
    },
    Setting {
        name: "AUTHORIZER_LOG_LEVEL",
        default: "info",
        about: "`error`, `warn`, `info` (each denial) or `debug` (each decision)",
    },
];

/// The number of letters by which a name may differ from the setting that is meant.
const NEAR: usize = 2;

/// The setting that this name spells, or nearly.
pub fn nearest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let near =
        SETTINGS.iter().map(|setting| (strsim::damerau_levenshtein(&upper, setting.name), setting.name));
    near.filter(|(distance, _)| *distance <= NEAR).min().map(|(_, name)| name)
}
