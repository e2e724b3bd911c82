//! What `config show` and messages may show of a setting's value.

use std::borrow::Cow;

use super::{Setting, parse};

/// The text that is shown instead of a secret.
const HIDDEN: &str = "(hidden)";
/// The length of the shortest server secret. If the name of a secret is at least as long, it may be a secret
/// itself.
const LIKE_A_SECRET: usize = 32;
/// How much of such a name is shown, in characters.
const SHOWN: usize = 8;

/// A value as people may see it: that of a secret is hidden, and so are a `KEY_ENCRYPTION_KEY` that was put into another
/// setting, and the user and the password in an address.
pub(super) fn value<'a>(setting: &Setting, text: &'a str) -> Cow<'a, str> {
    if setting.secret || parse::sealing_keys(text.trim()).is_ok() {
        return HIDDEN.into();
    }
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(host)) if scheme < host => {
            format!("{}{HIDDEN}{}", &text[..scheme + 3], &text[host..]).into()
        }
        _ => text.into(),
    }
}

/// The name of a secret of AWS. The secret itself may stand there by mistake: a long name is not shown in full.
pub fn secret_name(id: &str) -> Cow<'_, str> {
    if id.starts_with("arn:") || id.len() < LIKE_A_SECRET {
        return id.into();
    }
    format!("{}…", id.chars().take(SHOWN).collect::<String>()).into()
}

#[cfg(test)]
mod tests {
    use super::{secret_name, value};
    use crate::config::settings;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let sealing_key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        assert_eq!(value(settings::MONGODB_URI, "mongodb://db"), "(hidden)");
        assert_eq!(value(settings::KEYS_SECRET, sealing_key), "(hidden)");
        assert_eq!(value(settings::KEYS_SECRET, "prod/keys"), "prod/keys");
        for (text, shown) in [
            ("https://me:pass@vault:8200/", "https://(hidden)@vault:8200/"),
            ("https://me:p@ss/word@vault", "https://(hidden)@vault"),
            ("https://vault:8200", "https://vault:8200"),
            ("mailto:me@example.com", "mailto:me@example.com"),
        ] {
            assert_eq!(value(settings::VAULT_ADDR, text), shown);
        }
    }

    #[test]
    fn a_name_that_may_be_the_secret_itself_is_shortened() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/server-a1b2c3";
        assert_eq!((secret_name("prod/uri"), secret_name(arn)), ("prod/uri".into(), arn.into()));
        assert_eq!(secret_name("a-server-secret-0123456789abcdef"), "a-server…");
    }
}
