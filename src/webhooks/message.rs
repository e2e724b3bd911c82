//! What is sent: the body of an event, and the headers of Standard Webhooks with its signatures.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::secret::{WebhookSecret, WebhookSecretError};
use crate::domain::{EventValue, Timestamp};
use crate::event_record::EventRecord;

/// The type of the message that `webhooks test` sends. No event has this kind.
pub const SAMPLE_TYPE: &str = "webhook.test";

/// A message to an endpoint. Each attempt sends the same bytes under the same id.
#[derive(Clone, Debug)]
pub struct Message {
    id: String,
    body: Vec<u8>,
}

/// The headers of an attempt, each with its value.
pub type SignedHeaders = [(&'static str, String); 3];

#[derive(Serialize)]
struct Body<'a, T> {
    r#type: &'a str,
    timestamp: &'a str,
    data: T,
}

#[derive(Serialize)]
struct EventBody<'a> {
    id: &'a str,
    number: u64,
    actor: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<&'a str, &'a EventValue>,
    /// The details of the person are gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
}

impl Message {
    /// The message of an event. `opened` are the details of the person; `None` if their key was destroyed.
    ///
    /// # Errors
    /// If a value is no JSON.
    pub fn of_event(
        record: &EventRecord,
        number: u64,
        opened: Option<&BTreeMap<String, EventValue>>,
    ) -> Result<Self, serde_json::Error> {
        let personal = opened.into_iter().flatten();
        let details =
            record.data.iter().chain(personal).map(|(name, value)| (name.as_str(), value)).collect();
        let data = EventBody {
            id: &record.id,
            number,
            actor: &record.actor,
            subject: &record.subject,
            client: record.client.as_deref(),
            request_id: record.request_id.as_deref(),
            person: record.person.as_deref(),
            details,
            erased: record.sealed.is_some() && opened.is_none(),
        };
        let body = Body { r#type: &record.kind, timestamp: &record.at, data };
        Ok(Self { id: record.id.clone(), body: serde_json::to_vec(&body)? })
    }

    /// A message that tells of no event.
    ///
    /// # Errors
    /// None in practice.
    pub fn sample(id: String, now: Timestamp) -> Result<Self, serde_json::Error> {
        let data = json!({ "note": "This message tests the endpoint. Nothing has happened." });
        let body = Body { r#type: SAMPLE_TYPE, timestamp: &now.to_string(), data };
        let body = serde_json::to_vec(&body)?;
        Ok(Self { id, body })
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The headers of an attempt at `now`, with a signature for each secret.
    ///
    /// # Errors
    /// [`WebhookSecretError::Refused`].
    pub fn headers(
        &self,
        now: Timestamp,
        secrets: &[WebhookSecret],
    ) -> Result<SignedHeaders, WebhookSecretError> {
        let timestamp = now.as_secs().to_string();
        let mut signed = format!("{}.{timestamp}.", self.id).into_bytes();
        signed.extend_from_slice(&self.body);
        let signatures: Result<Vec<_>, _> = secrets.iter().map(|secret| secret.sign(&signed)).collect();
        Ok([
            ("webhook-id", self.id.clone()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signatures?.join(" ")),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> EventRecord {
        let text = r#"{"id":"01a3185c-507b-7101-8101-010101010101","at":"2027-01-15T08:00:00.123Z","kind":"user.registered",
            "actor":"system","subject":"user:07","client":"app","data":{"a":1},"person":"07","sealed":"x"}"#;
        EventRecord::parse(text).unwrap()
    }

    #[test]
    fn the_body_of_an_event_has_the_details_of_the_person_until_they_are_erased() {
        let body = |opened: Option<&BTreeMap<_, _>>| {
            String::from_utf8(Message::of_event(&record(), 7, opened).unwrap().body).unwrap()
        };
        let begin = r#"{"type":"user.registered","timestamp":"2027-01-15T08:00:00.123Z","data":{"id":"01a3185c-507b-7101-8101-010101010101","number":7,"actor":"system","subject":"user:07","client":"app","person":"07","details":"#;
        let opened = BTreeMap::from([("username".to_owned(), EventValue::from("ada"))]);
        assert_eq!(body(Some(&opened)), format!(r#"{begin}{{"a":1,"username":"ada"}}}}}}"#));
        assert_eq!(body(None), format!(r#"{begin}{{"a":1}},"erased":true}}}}"#));
    }

    #[test]
    fn each_secret_signs_the_id_the_time_and_the_body() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            body: b"{\"test\": 2432232314}".to_vec(),
        };
        let headers =
            message.headers(Timestamp::from_millis(1_614_265_330_999), &[secret.clone(), secret]).unwrap();
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(
            headers,
            [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()),
                ("webhook-timestamp", "1614265330".to_owned()),
                ("webhook-signature", format!("{one} {one}")),
            ]
        );
    }
}
