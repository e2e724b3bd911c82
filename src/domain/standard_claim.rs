//! The standard claims that an operator may give a user (OpenID Connect Core §5.1): their scopes, and the form of their values.

use serde_json::{Map, Value};

/// A claim that an operator may give a user. The claims `sub`, `preferred_username`, `email`, `email_verified` and `updated_at`
/// are not among them: the service knows them itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardClaim {
    /// Its name.
    pub name: &'static str,
    /// The scope that gives it (§5.4).
    pub scope: &'static str,
    form: Form,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Url,
    Birthdate,
    TimeZone,
    Locale,
    Phone,
    Flag,
    Address,
}

/// The most characters of a text.
const MAX_TEXT: usize = 256;
/// The most bytes of an address on the web.
const MAX_URL: usize = 2000;
/// The members of `address` (§5.1.1); the first two may have several lines.
const ADDRESS: &[&str] = &["formatted", "street_address", "locality", "region", "postal_code", "country"];

const fn claim(name: &'static str, scope: &'static str, form: Form) -> StandardClaim {
    StandardClaim { name, scope, form }
}

impl StandardClaim {
    /// All of them, in the order of the specification.
    pub const ALL: &'static [Self] = &[
        claim("name", "profile", Form::Text),
        claim("given_name", "profile", Form::Text),
        claim("family_name", "profile", Form::Text),
        claim("middle_name", "profile", Form::Text),
        claim("nickname", "profile", Form::Text),
        claim("profile", "profile", Form::Url),
        claim("picture", "profile", Form::Url),
        claim("website", "profile", Form::Url),
        claim("gender", "profile", Form::Text),
        claim("birthdate", "profile", Form::Birthdate),
        claim("zoneinfo", "profile", Form::TimeZone),
        claim("locale", "profile", Form::Locale),
        claim("phone_number", "phone", Form::Phone),
        claim("phone_number_verified", "phone", Form::Flag),
        claim("address", "address", Form::Address),
    ];

    /// The claim with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|claim| claim.name == name)
    }

    /// Whether the claim may have this value.
    pub fn admits(&self, value: &Value) -> bool {
        match (self.form, value) {
            (Form::Flag, value) => value.is_boolean(),
            (Form::Address, Value::Object(members)) => is_address(members),
            (Form::Address, _) => false,
            (form, Value::String(text)) => form.admits(text),
            _ => false,
        }
    }

    /// What the value must be, for a sentence that begins with the name of the claim.
    pub fn requirement(&self) -> &'static str {
        match self.form {
            Form::Text => "must be a text of 1 to 256 characters on one line",
            Form::Url => "must be an https or http address of at most 2000 visible ASCII characters",
            Form::Birthdate => {
                "must be a date such as 1985-12-10, a year such as 1985, or 0000-12-10 without the year"
            }
            Form::TimeZone => "must be the name of a time zone, such as Europe/Berlin",
            Form::Locale => "must be a language tag, such as en or de-AT",
            Form::Phone => "must be an international telephone number, such as +1 425 555 1212",
            Form::Flag => "must be true or false",
            Form::Address => {
                "must be an object with some of the texts formatted, street_address, locality, region, postal_code and country"
            }
        }
    }
}

impl Form {
    fn admits(self, text: &str) -> bool {
        match self {
            Self::Text => is_text(text, false),
            Self::Url => is_url(text),
            Self::Birthdate => is_birthdate(text),
            Self::TimeZone => is_time_zone(text),
            Self::Locale => is_locale(text),
            Self::Phone => is_phone(text),
            Self::Flag | Self::Address => false,
        }
    }
}

fn is_text(text: &str, may_have_lines: bool) -> bool {
    let fits = |c: char| !c.is_control() || (may_have_lines && (c == '\n' || c == '\r'));
    !text.trim().is_empty() && text.chars().count() <= MAX_TEXT && text.chars().all(fits)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty());
    has_host && text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `YYYY`, `YYYY-MM-DD`, or `0000-MM-DD`.
fn is_birthdate(text: &str) -> bool {
    let number = |digits: &str, count: usize| {
        let all = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit());
        if all { digits.parse::<u32>().ok() } else { None }
    };
    let mut parts = text.split('-');
    let year = parts.next().and_then(|year| number(year, 4));
    let (month, day, more) = (parts.next(), parts.next(), parts.next());
    match (year, month, day, more) {
        (Some(1..), None, None, None) => true,
        (Some(year), Some(month), Some(day), None) => {
            let (month, day) = (number(month, 2).unwrap_or(0), number(day, 2).unwrap_or(0));
            (1..=days_of(year, month)).contains(&day)
        }
        _ => false,
    }
}

/// The year 0 stands for any year.
fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn is_time_zone(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    text.len() <= 64 && text.split('/').all(is_part)
}

/// The shape of a language tag (RFC 5646); §5.1 also knows the form `en_US`.
fn is_locale(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let is_language =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 64 && parts.next().is_some_and(is_language) && parts.all(is_part)
}

/// E.164, with separators as people write them, and perhaps an extension (RFC 3966).
fn is_phone(text: &str) -> bool {
    let (number, extension) =
        text.split_once(";ext=").map_or((text, None), |(number, ext)| (number, Some(ext)));
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let fits = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit() || b" ().-".contains(&byte));
    let is_number =
        number.strip_prefix('+').is_some_and(|rest| fits(rest) && (3..=15).contains(&digits(rest)));
    let is_extension = |ext: &str| (1..=15).contains(&ext.len()) && digits(ext) == ext.len();
    is_number && number.len() <= 32 && extension.is_none_or(is_extension)
}

fn is_address(members: &Map<String, Value>) -> bool {
    let fits = |(name, value): (&String, &Value)| {
        let place = ADDRESS.iter().position(|known| known == name);
        place.is_some_and(|place| value.as_str().is_some_and(|text| is_text(text, place < 2)))
    };
    !members.is_empty() && members.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::StandardClaim;

    #[track_caller]
    fn check(name: &str, right: &[Value], wrong: &[Value]) {
        let claim = StandardClaim::named(name).unwrap();
        for value in right {
            assert!(claim.admits(value), "{name} {value}");
        }
        for value in wrong {
            assert!(!claim.admits(value), "{name} {value}");
        }
    }

    #[test]
    fn each_claim_has_values_of_one_form() {
        let texts = [json!("Ada"), json!("李"), json!("x".repeat(256))];
        check("name", &texts, &[json!(""), json!(" "), json!("a\nb"), json!(1), json!("x".repeat(257))]);
        let urls = [json!("https://example.com/a?b#c"), json!("http://localhost:8080")];
        let no_urls = ["https://", "https:///x", "javascript:x", "example.com", "https://a b", "https://é"];
        check("picture", &urls, &no_urls.map(Value::from));
        let dates = ["1815-12-10", "1815", "0000-02-29", "2000-02-29"].map(Value::from);
        let no_dates =
            ["0000", "1900-02-29", "1815-13-01", "1815-12-32", "1815-12", "15-1-1", "+815", "1815-12-10-1"];
        check("birthdate", &dates, &no_dates.map(Value::from));
        let zones = ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"].map(Value::from);
        check("zoneinfo", &zones, &["", "Europe/", "+01:00", "Europe Berlin"].map(Value::from));
        let locales = ["en", "de-AT", "zh-Hant-TW", "en_US"].map(Value::from);
        check("locale", &locales, &["", "e", "en-", "en US", "12"].map(Value::from));
        let phones = ["+14255551212", "+1 (425) 555-1212", "+56 (2) 687 2400;ext=5678"].map(Value::from);
        let no_phones =
            ["14255551212", "+", "+12", "+1234567890123456", "+1 425 CALL", "+1234;ext=", "+1234;ext=x"];
        check("phone_number", &phones, &no_phones.map(Value::from));
        check("phone_number_verified", &[json!(true), json!(false)], &[json!("true"), json!(1)]);
        let addresses =
            [json!({ "formatted": "1 High St\nLondon" }), json!({ "locality": "London", "country": "GB" })];
        let no_addresses = [
            json!({}),
            json!("London"),
            json!({ "city": "x" }),
            json!({ "locality": "a\nb" }),
            json!({ "region": 1 }),
        ];
        check("address", &addresses, &no_addresses);
    }
}
