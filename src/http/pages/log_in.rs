//! `/oauth/login`: the user logs in. A log-in on the page takes the same turns and has the same limits as one at the API.

use http::StatusCode;

use super::authorize::request_in_query;
use super::flow::{Flow, query_of};
use super::messages::fill;
use super::policy::Needs;
use super::refused::reason;
use super::templates::LogInPage;
use super::visit::{FormOf, Visit};
use crate::accounts::Authenticated;
use crate::domain::{LoginName, Password};
use crate::http::extract::Fields;
use crate::http::middleware::limits;
use crate::http::middleware::log_in_limits::limited_log_in;
use crate::http::operation::Operation;
use crate::http::refusal::{Kind, Refusal, ToldRefusal};
use crate::http::{Answer, Api, Call};
use crate::limits::Verdict;
use crate::oauth::{AuthorizationRequest, FreshLogIn, origin_of};
use crate::telemetry::traces::{Span, SpanKind};

/// What the page shows besides its request.
#[derive(Default)]
struct Shown {
    alert: Option<String>,
    username: Option<String>,
    username_fault: Option<String>,
    password_fault: Option<String>,
}

pub(in crate::http) async fn get_log_in_page(api: Api, call: Call) -> Answer {
    let mut visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let flow = Flow::open(&mut visit, request_in_query(&call)?)?;
    show(&visit, &flow, StatusCode::OK, Shown::default())
}

pub(in crate::http) async fn log_in_on_page(api: Api, call: Call) -> Answer {
    let Call { caller, operation, request } = call;
    let mut visit = Visit::begin(&api, &caller, request.headers()).await?;
    let fields = Fields::read(request, &caller, &api).await?;
    visit.check_form(FormOf::Browser, fields.text("csrf")?.as_deref())?;
    let flow = Flow::open(&mut visit, fields.text("request")?.unwrap_or_default())?;
    let (username, password) = (fields.filled("username")?, fields.secret("password")?);
    let (Some(username), Some(password)) = (&username, &password) else {
        let missing = |is_missing: bool| is_missing.then(|| visit.messages().fill_in.to_owned());
        let (username_fault, password_fault) = (missing(username.is_none()), missing(password.is_none()));
        let alert = Some(visit.messages().check_fields.to_owned());
        let shown = Shown { alert, username, username_fault, password_fault };
        let mut response = show(&visit, &flow, StatusCode::BAD_REQUEST, shown)?;
        ToldRefusal::mark(&mut response, "missing_field");
        return Ok(response);
    };
    match authenticate(&visit, operation, username, Password::attempt(password.expose())).await {
        Ok((log_in, of_account)) => {
            limits::with_account(open_session(&visit, &log_in, &flow.sealed).await, of_account)
        }
        Err(refusal) => show_refused(&visit, &flow, username.clone(), &refusal),
    }
}

async fn authenticate(
    visit: &Visit,
    operation: &Operation,
    username: &str,
    password: Password,
) -> Result<(Authenticated, Option<Verdict>), Refusal> {
    let (api, caller, name) = (&visit.api, &visit.caller, LoginName::from_text(username));
    let log_in = api.accounts.authenticate(caller, &name, password);
    let log_in = Span::begin("log_in", SpanKind::Internal).run(log_in);
    limited_log_in(api, operation, caller, &name, log_in).await
}

/// Gives the browser a session, and goes on with the request of the page, or else to the user's account.
pub(super) async fn open_session(visit: &Visit, log_in: &Authenticated, sealed: &str) -> Answer {
    let fresh = FreshLogIn { user: &log_in.user, auth_time: log_in.auth_time, user_agent: &visit.user_agent };
    let cookie = visit.api.oauth.begin_session(&visit.caller, fresh, visit.session.as_ref()).await?;
    match sealed {
        "" => visit.go_to_with_session("/account", &cookie),
        _ => visit.go_to_with_session(&format!("/oauth/continue{}", query_of(sealed)), &cookie),
    }
}

fn show_refused(visit: &Visit, flow: &Flow, username: String, refusal: &Refusal) -> Answer {
    let status = match refusal.kind {
        // 401 would ask the browser to authenticate by itself.
        Kind::Credentials => StatusCode::BAD_REQUEST,
        _ => refusal.kind.face().status,
    };
    let alert = Some(reason(visit.messages(), &refusal.kind));
    let mut response =
        show(visit, flow, status, Shown { alert, username: Some(username), ..Shown::default() })?;
    refusal.mark(&mut response);
    Ok(response)
}

fn show(visit: &Visit, flow: &Flow, status: StatusCode, shown: Shown) -> Answer {
    let (m, request) = (visit.messages(), flow.opened.as_ref().map(|(_, request)| request));
    let again = |request: &&AuthorizationRequest| {
        visit.session.is_some() && (request.prompt.login || request.max_age.is_some())
    };
    let lead = request.map(|request| {
        let message = if again(&request) { m.log_in_again } else { m.log_in_to };
        fill(message, request.client.display_name())
    });
    let known = visit.session.as_ref().filter(|_| request.as_ref().is_some_and(again));
    let hint = request.and_then(|request| request.login_hint.clone());
    let username = shown.username.or(hint).or_else(|| known.map(|live| live.user.username.to_string()));
    let page = LogInPage {
        frame: &visit.frame(FormOf::Browser)?,
        m,
        lead,
        alert: shown.alert,
        request: &flow.sealed,
        query: flow.query(),
        username: username.as_deref().unwrap_or_default(),
        username_fault: shown.username_fault,
        password_fault: shown.password_fault,
    };
    let origin = request.map(|request| origin_of(&request.target));
    visit.page(status, &page, Needs { form_target: origin.as_deref(), posts_form: false })
}
