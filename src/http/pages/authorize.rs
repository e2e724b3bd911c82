//! `/oauth/authorize` (RFC 6749 §3.1), and the way back to it from the other pages.

use super::flow::{Flow, advance, begin, form_as_query, params};
use super::visit::{FormOf, Visit};
use crate::http::extract::Fields;
use crate::http::{Answer, Api, Call};
use crate::oauth::PageRequest;

pub(in crate::http) async fn authorize(api: Api, call: Call) -> Answer {
    let visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    begin(visit, call.request.uri().query().unwrap_or_default()).await
}

/// A form of a client's page comes without the cookie of the session.
pub(in crate::http) async fn authorize_by_post(api: Api, call: Call) -> Answer {
    let visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let query = form_as_query(call.request, &call.caller, &api).await?;
    visit.go_to(&format!("/oauth/authorize?{query}"))
}

/// After a log-in or a registration.
pub(in crate::http) async fn continue_authorization(api: Api, call: Call) -> Answer {
    let mut visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let (_, page, request) = Flow::required(&mut visit, request_in_query(&call)?)?;
    advance(&visit, &page, request).await
}

/// The user goes on with the account of the session.
pub(in crate::http) async fn choose_account(api: Api, call: Call) -> Answer {
    let Call { caller, request, .. } = call;
    let mut visit = Visit::begin(&api, &caller, request.headers()).await?;
    let fields = Fields::read(request, &caller, &api).await?;
    visit.check_form(FormOf::Session, fields.text("csrf")?.as_deref())?;
    let (_, page, request) = Flow::required(&mut visit, fields.text("request")?.unwrap_or_default())?;
    advance(&visit, &PageRequest { is_account_chosen: true, ..page }, request).await
}

/// The sealed request in the query of a page; empty if the page belongs to no request.
pub(super) fn request_in_query(call: &Call) -> Result<String, crate::http::refusal::Refusal> {
    let params = params(call.request.uri().query().unwrap_or_default())?;
    Ok(params.get("request").unwrap_or_default().to_owned())
}
