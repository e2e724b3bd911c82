//! `/oauth/logout` (OpenID Connect RP-Initiated Logout).

use http::StatusCode;

use super::flow::{form_as_query, params};
use super::messages::fill;
use super::policy::{Needs, see_other};
use super::templates::{LogOutPage, MessagePage};
use super::visit::{FormOf, Visit};
use crate::domain::RedirectUri;
use crate::http::extract::Fields;
use crate::http::refusal::{Kind, Refusal};
use crate::http::{Answer, Api, Call};
use crate::oauth::{HintedSession, LiveSession, LogoutError, LogoutRequest, PageRequest};

/// The most bytes of the parameters.
const MAX_QUERY: usize = 6 * 1024;

pub(in crate::http) async fn log_out(api: Api, call: Call) -> Answer {
    let mut visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let query = call.request.uri().query().unwrap_or_default();
    if query.len() > MAX_QUERY {
        return Err(Refusal::untrusted("the request has too many bytes"));
    }
    let request = read(&mut visit, query)?;
    let Some(live) = &visit.session else { return leave(&visit, &request) };
    if request.hinted.as_ref().is_some_and(|hinted| means(hinted, live)) {
        return end_and_leave(&visit, live, &request).await;
    }
    ask(&visit, live, query, &request)
}

/// A form of a client's page comes without the cookie of the session.
pub(in crate::http) async fn log_out_by_post(api: Api, call: Call) -> Answer {
    let visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let query = form_as_query(call.request, &call.caller, &api).await?;
    visit.go_to(&format!("/oauth/logout?{query}"))
}

/// The user's answer.
pub(in crate::http) async fn answer_log_out(api: Api, call: Call) -> Answer {
    let Call { caller, request, .. } = call;
    let mut visit = Visit::begin(&api, &caller, request.headers()).await?;
    let fields = Fields::read(request, &caller, &api).await?;
    visit.check_form(FormOf::Session, fields.text("csrf")?.as_deref())?;
    let sealed = fields.text("request")?.unwrap_or_default();
    let page = api.oauth.open_page_request(&sealed)?.ok_or(Refusal::from(Kind::ExpiredPage))?;
    let request = read(&mut visit, &page.query)?;
    if fields.text("answer")?.as_deref() == Some("log_out") {
        return end_and_leave(&visit, visit.live()?, &request).await;
    }
    message(&visit, visit.messages().still_logged_in, "")
}

fn read(visit: &mut Visit, query: &str) -> Result<LogoutRequest, Refusal> {
    let params = params(query)?;
    visit.speak(params.get("ui_locales"));
    visit.api.oauth.read_logout(&params).map_err(|error| match error {
        LogoutError::Untrusted(sentence) => Refusal::untrusted(sentence),
        LogoutError::Service(error) => error.into(),
    })
}

/// Whether the id token was issued to this user in this session.
fn means(hinted: &HintedSession, live: &LiveSession) -> bool {
    hinted.subject == live.user.id.to_string()
        && hinted.session.is_none_or(|session| session == live.session.details.id)
}

async fn end_and_leave(visit: &Visit, live: &LiveSession, request: &LogoutRequest) -> Answer {
    visit.api.oauth.end_session(&visit.caller, &live.session).await?;
    let mut response = leave(visit, request)?;
    visit.forget_session(&mut response);
    Ok(response)
}

/// Goes to the address of the client, or says that the user is logged out.
fn leave(visit: &Visit, request: &LogoutRequest) -> Answer {
    match &request.return_to {
        Some(address) => see_other(address),
        None => message(visit, visit.messages().logged_out, visit.messages().logged_out_text),
    }
}

fn ask(visit: &Visit, live: &LiveSession, query: &str, request: &LogoutRequest) -> Answer {
    let (m, api) = (visit.messages(), &visit.api);
    let page = PageRequest {
        began_at: api.clock.now(),
        browser: visit.mark(),
        seen_log_in: Some(live.session.key.mark()),
        is_account_chosen: false,
        query: query.to_owned(),
    };
    let page = LogOutPage {
        frame: &visit.frame(FormOf::Session)?,
        m,
        logged_in_as: fill(m.logged_in_as, &live.user.username),
        request: &api.oauth.seal_page_request(&page)?,
    };
    let origin = request.return_to.as_deref().map(RedirectUri::origin);
    visit.page(StatusCode::OK, &page, Needs { form_target: origin.as_deref(), posts_form: false })
}

fn message(visit: &Visit, heading: &str, text: &str) -> Answer {
    let frame = visit.frame(FormOf::Browser)?;
    let page = MessagePage {
        frame: &frame,
        m: visit.messages(),
        heading,
        text,
        details: &[],
        has_account_link: false,
    };
    visit.page(StatusCode::OK, &page, Needs::default())
}
