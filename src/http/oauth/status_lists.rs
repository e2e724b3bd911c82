//! The lists of the states of tokens (draft-ietf-oauth-status-list-21 §8), prepared in memory as the key set is.

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::http::refusal::{Kind, OAuthFault, Refusal};
use crate::http::{Answer, Api, Call, Response, conditional, respond};
use crate::oauth::StatusListSettings;

/// §8.2 of the draft.
const STATUS_LIST: HeaderValue = HeaderValue::from_static("application/statuslist+jwt");

/// One list.
pub(in crate::http) async fn get_status_list(api: Api, call: Call) -> Answer {
    is_on(&api)?;
    let number = call.parameter("number").and_then(number);
    let list = match number {
        Some(number) => api.oauth.status_list(number).await?,
        None => None,
    };
    let list = list.ok_or_else(|| Kind::NotFound(call.request.uri().path().to_owned()))?;
    // A key that was revoked just now is in no key set any more: the list is signed by the next one in a moment.
    let is_verifiable =
        api.keys.ring().as_ref().is_some_and(|ring| ring.verifying(list.kid.as_str()).is_some());
    if !is_verifiable {
        return Err(Refusal::no_keys());
    }
    let answer = respond::with_type(StatusCode::OK, STATUS_LIST, list.document.body.clone());
    Ok(conditional::tagged(call.request.headers(), &list.document.etag, kept(&api, answer)?))
}

/// The addresses of all lists (§9.3 of the draft).
pub(in crate::http) async fn get_status_lists(api: Api, call: Call) -> Answer {
    is_on(&api)?;
    let all = api.oauth.status_lists().aggregation().ok_or(Kind::NotReady)?;
    let answer = kept(&api, respond::json_bytes(all.body.clone()))?;
    Ok(conditional::tagged(call.request.headers(), &all.etag, answer))
}

fn is_on(api: &Api) -> Result<(), Refusal> {
    if api.oauth.issuer().is_none() {
        return Err(OAuthFault::Off.into());
    }
    if api.oauth.status_lists().is_loaded() { Ok(()) } else { Err(Kind::NotReady.into()) }
}

/// A number in its only spelling.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// `answer`, with the header that says how long a verifier may keep it: no longer than the claim `ttl` says, and no longer than
/// the key set.
fn kept(api: &Api, mut answer: Response) -> Answer {
    let ring = api.keys.ring();
    let ring = ring.as_ref().ok_or_else(Refusal::no_keys)?;
    let of_keys = ring.max_age(api.clock.uptime()).ok_or_else(Refusal::no_keys)?;
    let of_list = api.oauth.status_list_settings().map_or(0, StatusListSettings::kept);
    let max_age = of_list.min(of_keys);
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={max_age}")) {
        answer.headers_mut().insert(CACHE_CONTROL, value);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(number("12"), Some(12));
        for other in ["", "0x1", "+1", "01", "-1", "1.0", " 1", "18446744073709551616"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
