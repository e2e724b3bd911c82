//! Events in the Common Event Format (CEF) of ArcSight, which most systems that collect security events read.

use std::fmt::Write;
use std::net::IpAddr;

use super::entry::{Entry, OpenRecord, millis, value_text};
use crate::domain::{EventField, EventKind, is_invisible};

/// The severity of CEF: 0 to 3 is low, 4 to 6 is medium, 7 and 8 are high, 9 and 10 are very high. A kind of a later version is
/// medium.
const fn severity(kind: Option<EventKind>) -> u8 {
    use EventKind::*;
    let Some(kind) = kind else { return 5 };
    match kind {
        // A stolen code or refresh token was used.
        CodeReused | RefreshTokenReused => 9,
        // An attack goes on, or an operator ends one.
        LoginLimited | KeyRevoked => 8,
        LoginThrottled | SettingsChanged | OperatorActed | LogFilterChanged => 6,
        LoginFailed | LoginUnlocked | PasswordChanged | UserClaimsChanged | UserDeleted | ClientCreated
        | ClientChanged | ClientSecretRotated | ClientDeleted | WebhookCreated | WebhookChanged
        | WebhookSecretRotated | WebhookGone | WebhookDeleted => 5,
        UserRegistered
        | UserLoggedIn
        | SessionsEnded
        | TokenRevoked
        | BrowserSessionStarted
        | BrowserSessionEnded
        | ConsentGiven
        | ConsentWithdrawn
        | GrantRevoked
        | KeyPublished
        | KeyActivated
        | KeyRetired
        | KeyRemoved => 3,
        HashStrengthened | DemoTokensMade | TokensGenerated | ClientTokensIssued | TokensRefreshed => 1,
    }
}

/// An event as one line of CEF. `with_personal` says whether personal data is a part of it.
pub fn cef_line(entry: &Entry, with_personal: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let severity = severity(EventKind::from_name(&entry.kind));
    let name = entry.kind.replace(['.', '_'], " ");
    let [id, name] = [header(&entry.kind), header(&name)];
    let mut line = format!("CEF:0|JWT Generator|jwt-generator|{version}|{id}|{name}|{severity}|");
    add(&mut line, "rt", &millis(entry).to_string());
    add(&mut line, "externalId", &entry.id);
    add(&mut line, "cn1", &entry.seq.to_string());
    add(&mut line, "cn1Label", "number");
    match &entry.record {
        Some(record) => add_record(&mut line, record, with_personal),
        None => add(&mut line, "msg", "the record has expired"),
    }
    line.trim_end().to_owned()
}

fn add_record(line: &mut String, record: &OpenRecord, with_personal: bool) {
    for (number, label, value) in [
        (1, "actor", Some(&record.actor)),
        (2, "subject", Some(&record.subject)),
        (3, "client", record.client.as_ref()),
        (4, "request", record.request_id.as_ref()),
        (5, "person", record.person.as_ref()),
    ] {
        if let Some(value) = value {
            add(line, &format!("cs{number}"), value);
            add(line, &format!("cs{number}Label"), label);
        }
    }
    let [address, username] = [EventField::Address.name(), EventField::Username.name()];
    let is_shown = |name: &str| with_personal || !record.sealed.contains(name);
    match record.address().filter(|_| is_shown(address)) {
        Some(IpAddr::V4(address)) => add(line, "src", &address.to_string()),
        Some(IpAddr::V6(v6)) => {
            add(line, "c6a2", &v6.to_string());
            add(line, "c6a2Label", "Source IPv6 Address");
        }
        None => {}
    }
    let mut rest = String::new();
    for (name, value) in record.data.iter().filter(|(name, _)| is_shown(name) && *name != address) {
        let text = value_text(value);
        if name == username {
            add(line, "duser", &text);
        } else {
            let _ = write!(rest, "{}{name}: {text}", if rest.is_empty() { "" } else { "; " });
        }
    }
    if !rest.is_empty() {
        add(line, "msg", &rest);
    }
}

fn add(line: &mut String, key: &str, value: &str) {
    let _ = write!(line, "{key}={} ", extension(value));
}

/// A field of the header: `|` and `\` are escaped, and there is no line break.
fn header(text: &str) -> String {
    escaped(text, '|', [" ", " "])
}

/// A value of the extension: `=` and `\` are escaped, and line breaks are written `\n` and `\r`.
fn extension(text: &str) -> String {
    escaped(text, '=', ["\\n", "\\r"])
}

/// `text` with a `\` in front of `special` and of `\`. What is invisible is written as JSON writes it, so that no terminal and no
/// reader is misled.
fn escaped(text: &str, special: char, [line_feed, carriage_return]: [&str; 2]) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str(line_feed),
            '\r' => escaped.push_str(carriage_return),
            '\\' => escaped.push_str("\\\\"),
            c if c == special => escaped.extend(['\\', c]),
            c if is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\\\u{unit:04x}");
                }
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Personal;
    use crate::domain::EventValue;

    fn entry(data: &[(&str, &str)]) -> Entry {
        let record = OpenRecord {
            actor: "operator".to_owned(),
            subject: "user:0707".to_owned(),
            client: None,
            request_id: None,
            person: Some("0707".to_owned()),
            data: data.iter().map(|(name, text)| ((*name).to_owned(), EventValue::from(*text))).collect(),
            personal: Personal::Open,
            sealed: ["address", "username"].map(str::to_owned).into(),
        };
        Entry {
            seq: 7,
            id: "01a3185c-507b-7101-8101-010101010101".to_owned(),
            at: "2027-01-15T08:00:00.123Z".to_owned(),
            kind: "user.password_changed".to_owned(),
            record: Some(record),
        }
    }

    #[test]
    fn an_event_is_one_line_with_the_keys_that_cef_has() {
        let version = env!("CARGO_PKG_VERSION");
        let begin = format!(
            "CEF:0|JWT Generator|jwt-generator|{version}|user.password_changed|user password changed|5|rt=1800000000123 \
             externalId=01a3185c-507b-7101-8101-010101010101 cn1=7 cn1Label=number cs1=operator cs1Label=actor \
             cs2=user:0707 cs2Label=subject cs5=0707 cs5Label=person"
        );
        let entry = entry(&[("address", "192.0.2.1"), ("reason", "a=b"), ("username", "ada")]);
        let personal = " src=192.0.2.1 duser=ada msg=reason: a\\=b";
        assert_eq!(cef_line(&entry, true), format!("{begin}{personal}"));
        assert_eq!(cef_line(&entry, false), format!("{begin} msg=reason: a\\=b"));
        let v6 = cef_line(&super::tests::entry(&[("address", "2001:db8::1")]), true);
        assert!(v6.ends_with("c6a2=2001:db8::1 c6a2Label=Source IPv6 Address"), "{v6}");
        let expired = Entry { record: None, ..super::tests::entry(&[]) };
        assert!(cef_line(&expired, true).ends_with("cn1Label=number msg=the record has expired"));
        for (kind, expected) in
            [("refresh_token.reused", 9), ("login.limited", 8), ("login.succeeded", 3), ("new.kind", 5)]
        {
            let line = cef_line(&Entry { kind: kind.to_owned(), ..expired.clone() }, false);
            assert_eq!(line.split('|').nth(6), Some(expected.to_string().as_str()), "{line}");
        }
    }

    #[test]
    fn what_has_a_meaning_in_cef_or_steers_a_terminal_is_escaped() {
        assert_eq!(header("a|b\\c=d\ne\r\u{1b}"), "a\\|b\\\\c=d e \\\\u001b");
        assert_eq!(extension("a|b\\c=d\ne\rf\u{9b}\u{202e}ä"), "a|b\\\\c\\=d\\ne\\rf\\\\u009b\\\\u202eä");
        let line = cef_line(&entry(&[("reason", "x\nCEF:0|evil|\r\u{1b}[2J\u{e0041}")]), true);
        assert!(line.ends_with("msg=reason: x\\nCEF:0|evil|\\r\\\\u001b[2J\\\\udb40\\\\udc41"), "{line}");
        assert!(!line.contains(is_invisible));
    }
}
