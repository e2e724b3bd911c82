//! The page that says why a request is refused.

use askama::Template;
use http::StatusCode;

use super::language::Language;
use super::messages::{Messages, fill, length_of_time};
use super::policy::{Needs, page};
use super::templates::{Frame, MessagePage};
use crate::domain::RequestId;
use crate::http::refusal::{Face, Kind, OAuthFault, Refusal};
use crate::http::{Api, Response};
use crate::oauth::UntrustedRequest;

/// The response to a refused request for a page.
pub(in crate::http) fn refusal_page(
    api: &Api,
    language: Language,
    refusal: &Refusal,
    face: &Face<'_>,
    request_id: &RequestId,
) -> Response {
    let m = Messages::of(language);
    let root = api.oauth.issuer().map_or("", |issuer| issuer.path());
    let frame = Frame { language, brand: api.brand(), root, csrf: String::new() };
    let (text, details) = match &refusal.kind {
        Kind::UntrustedRequest(request) => (m.error_of_app.to_owned(), details(request, request_id)),
        // The operator reads this and must set the issuer.
        Kind::OAuth(OAuthFault::Off) => (m.error_not_found.to_owned(), vec![face.sentence.to_string()]),
        kind => (reason(m, kind), Vec::new()),
    };
    // The page of the account is a safe target: it asks for a log-in if there is no session.
    let is_ours = matches!(refusal.kind, Kind::NotFound(_) | Kind::ExpiredPage | Kind::ForeignForm);
    let has_account_link = is_ours && api.oauth.issuer().is_some();
    let template =
        MessagePage { frame: &frame, m, heading: m.error, text: &text, details: &details, has_account_link };
    let html = template.render().unwrap_or_default();
    let mut response = page(face.status, html, Needs::default()).unwrap_or_else(|_| {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    });
    refusal.add_headers(response.headers_mut());
    response
}

/// What the people who run the app need, a line each.
fn details(request: &UntrustedRequest, request_id: &RequestId) -> Vec<String> {
    let UntrustedRequest { sentence, client, redirect_uri } = request;
    let mut lines = vec![sentence.to_string()];
    lines.extend(client.as_ref().map(|client| format!("client_id: {client}")));
    lines.extend(redirect_uri.as_ref().map(|address| format!("redirect_uri: {address}")));
    lines.push(format!("request_id: {request_id}"));
    lines
}

/// Why a request is refused, in the words of the pages.
pub(super) fn reason(m: &'static Messages, kind: &Kind) -> String {
    match kind {
        Kind::Credentials => m.wrong_credentials.to_owned(),
        Kind::UserExists => m.exists.to_owned(),
        Kind::LoginThrottled(secs) => fill(m.throttled, length_of_time(m, (*secs).into())),
        Kind::LoginLimited => m.limited.to_owned(),
        Kind::RateLimited(verdict) => fill(m.too_many, length_of_time(m, verdict.more_in)),
        Kind::Busy => m.busy.to_owned(),
        Kind::NoKeys | Kind::NotReady | Kind::NoDatabase | Kind::DatabaseUnavailable => {
            m.unavailable.to_owned()
        }
        Kind::NotFound(_) => m.error_not_found.to_owned(),
        Kind::ExpiredPage => m.error_expired.to_owned(),
        Kind::ForeignForm => m.error_form.to_owned(),
        Kind::Internal => m.error_internal.to_owned(),
        _ => m.error_request.to_owned(),
    }
}
