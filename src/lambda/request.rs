//! Turns an event into a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};

use super::event::{Event, Many, Single};
use super::{Form, path};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The part of an event that cannot belong to a request, although the sender accepted it.
pub(super) struct Malformed(pub(super) &'static str);

/// The request that the event describes.
pub(super) fn of(mut event: Event, form: Form, base: &str) -> Result<Request<Bytes>, Malformed> {
    let context = event.request_context.http.as_ref().map(|http| http.method.as_str());
    let method = context.or(event.http_method.as_deref()).unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Malformed("method"))?;
    let mut target = legal(path::own(&event, base));
    let query = query(&event, form);
    if !query.is_empty() {
        target.push('?');
        target.extend(encoded(&query, b"?"));
    }
    let uri = Uri::try_from(target).map_err(|_| Malformed("path"))?;
    let headers = headers(&event)?;
    let body = match event.body.take() {
        Some(text) if event.is_base64_encoded => {
            Bytes::from(STANDARD.decode(text).map_err(|_| Malformed("body"))?)
        }
        Some(text) => Bytes::from(text),
        None => Bytes::new(),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    // The gateway has made sure that there is one host. As in HTTP/2, it need not be among the headers.
    *request.version_mut() = Version::HTTP_2;
    Ok(request)
}

/// Each header with all its values, and the gateway's own id if the caller gives none.
fn headers(event: &Event) -> Result<HeaderMap, Malformed> {
    let mut headers = HeaderMap::new();
    match (&event.multi_value_headers, &event.headers) {
        (Some(many), _) => {
            let pairs = many.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
            pairs.into_iter().try_for_each(|(name, value)| append(&mut headers, name, value))?;
        }
        (None, Some(single)) => {
            single.iter().try_for_each(|(name, value)| append(&mut headers, name, value))?;
        }
        (None, None) => {}
    }
    if let Some(cookies) = &event.cookies {
        append(&mut headers, COOKIE.as_str(), &cookies.join("; "))?;
    }
    let id = event.request_context.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
    if let Some(id) = id {
        headers.entry(REQUEST_ID).or_insert(id);
    }
    Ok(headers)
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Malformed> {
    let name = HeaderName::try_from(name).map_err(|_| Malformed("headers"))?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Malformed("headers"))?;
    headers.append(name, value);
    Ok(())
}

/// The query as the client sent it. Payload 1.0 of API Gateway contains it decoded; a load balancer does not
/// change it.
fn query(event: &Event, form: Form) -> String {
    if let Some(raw) = &event.raw_query_string {
        return raw.clone();
    }
    let parameters =
        pairs(event.multi_value_query_string_parameters.as_ref(), event.query_string_parameters.as_ref());
    match form {
        Form::Balancer | Form::BalancerWithMany => {
            let as_sent: Vec<_> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
            as_sent.join("&")
        }
        Form::One | Form::Two => {
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
        }
    }
}

fn pairs<'a>(many: Option<&'a Many>, single: Option<&'a Single>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_many = many.into_iter().flatten();
    let of_many = of_many.flat_map(|(name, values)| values.iter().map(move |value| (&**name, &**value)));
    let of_single = single.filter(|_| many.is_none()).into_iter().flatten();
    of_many.chain(of_single.map(|(name, value)| (&**name, &**value)))
}

/// The path in the characters that a URI may contain (RFC 3986 §3.3).
fn legal(path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    slash.chars().chain(encoded(path, b"")).collect()
}

/// Keeps the characters that a path may contain, and those in `more`, so that text which is encoded already
/// stays as it is. Encodes all others.
fn encoded(text: &str, more: &'static [u8]) -> impl Iterator<Item = char> {
    text.bytes()
        .flat_map(move |byte| {
            let plain = byte.is_ascii_alphanumeric() || b"/%-._~!$&'()*+,;=:@".contains(&byte);
            let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
            if plain || more.contains(&byte) {
                [Some(char::from(byte)), None, None]
            } else {
                [Some('%'), Some(hex(byte >> 4)), Some(hex(byte & 15))]
            }
        })
        .flatten()
}
