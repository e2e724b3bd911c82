//! `/account`: the user's sessions, the apps that have access, and the change of the password.

use http::StatusCode;

use super::browsers::{BrowserName, browser_name};
use super::consent::permissions_in_words;
use super::log_in::open_session;
use super::messages::fill;
use super::policy::Needs;
use super::refused::reason;
use super::register::password_fault;
use super::templates::{AccountPage, AppRow, PasswordFaults, SessionRow};
use super::visit::{FormOf, Visit};
use crate::domain::{BrowserSession, ClientId, LoginName, Password, Secret, SessionId, Timestamp};
use crate::http::extract::Fields;
use crate::http::middleware::limits;
use crate::http::middleware::log_in_limits::limited_log_in;
use crate::http::operation::Operation;
use crate::http::refusal::{Kind, Refusal, ToldRefusal};
use crate::http::{Answer, Api, Call};
use crate::oauth::{AppAccess, LiveSession};

/// Stands for the sessions of all other browsers, in the place of the id of one.
const ALL_OTHERS: &str = "others";

/// What the page says above the lists.
#[derive(Default)]
struct Said {
    done: Option<&'static str>,
    alert: Option<String>,
    faults: PasswordFaults,
}

pub(in crate::http) async fn get_account_page(api: Api, call: Call) -> Answer {
    let visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    if visit.session.is_none() {
        return visit.go_to("/oauth/login");
    }
    let m = visit.messages();
    let done = match call.request.uri().query() {
        Some("done=session") => Some(m.session_ended),
        Some("done=others") => Some(m.others_ended),
        Some("done=consent") => Some(m.withdrawn),
        Some("done=password") => Some(m.password_changed),
        _ => None,
    };
    show(&visit, StatusCode::OK, Said { done, ..Said::default() }).await
}

pub(in crate::http) async fn end_session_on_page(api: Api, call: Call) -> Answer {
    let (visit, fields, _) = submitted(&api, call).await?;
    let live = visit.live()?;
    let named = fields.text("session")?;
    let id = named.as_deref().and_then(SessionId::parse);
    let listed = api.oauth.list_sessions(&live.user).await?;
    if named.as_deref() == Some(ALL_OTHERS) {
        for session in listed.iter().filter(|session| session.key != live.session.key) {
            api.oauth.end_session(&visit.caller, session).await?;
        }
        return visit.go_to("/account?done=others");
    }
    let Some(session) = listed.into_iter().find(|session| Some(session.details.id) == id) else {
        // It has ended already.
        return visit.go_to("/account?done=session");
    };
    api.oauth.end_session(&visit.caller, &session).await?;
    if session.key != live.session.key {
        return visit.go_to("/account?done=session");
    }
    let mut response = visit.go_to("/oauth/logout")?;
    visit.forget_session(&mut response);
    Ok(response)
}

pub(in crate::http) async fn withdraw_consent(api: Api, call: Call) -> Answer {
    let (visit, fields, _) = submitted(&api, call).await?;
    if let Some(client) = fields.text("client_id")?.and_then(|id| ClientId::parse(&id).ok()) {
        api.oauth.withdraw_consent(&visit.caller, visit.live()?, &client).await?;
    }
    visit.go_to("/account?done=consent")
}

pub(in crate::http) async fn change_password(api: Api, call: Call) -> Answer {
    let (visit, fields, operation) = submitted(&api, call).await?;
    let (m, policy) = (visit.messages(), api.settings.password_policy);
    let (current, new) =
        (fields.secret("current_password")?, fields.secret("new_password")?.unwrap_or_default());
    let parsed = Password::parse(new.expose(), policy);
    let faults = PasswordFaults {
        current: current.is_none().then(|| m.fill_in.to_owned()),
        new: parsed.as_ref().err().map(|error| password_fault(m, *error, new.expose())),
    };
    let (Some(current), Ok(new)) = (current, parsed) else {
        let alert = Some(m.check_fields.to_owned());
        let said = Said { alert, faults, ..Said::default() };
        let mut response = show(&visit, StatusCode::BAD_REQUEST, said).await?;
        ToldRefusal::mark(&mut response, "invalid_field");
        return Ok(response);
    };
    match replace_password(&visit, operation, &current, new).await {
        Ok(response) => Ok(response),
        Err(refusal) => show_refused(&visit, &refusal).await,
    }
}

async fn replace_password(
    visit: &Visit,
    operation: &Operation,
    current: &Secret<String>,
    new: Password,
) -> Answer {
    let (api, caller, user) = (&visit.api, &visit.caller, &visit.live()?.user);
    let name = LoginName::from_text(user.username.as_str());
    let change = api.accounts.change_password(caller, user, Password::attempt(current.expose()), new);
    let (log_in, of_account) = limited_log_in(api, operation, caller, &name, change).await?;
    // The change ended all sessions, also this one.
    let mut response = open_session(visit, &log_in, "").await?;
    let location = visit.go_to("/account?done=password")?;
    if let Some(location) = location.headers().get(http::header::LOCATION) {
        response.headers_mut().insert(http::header::LOCATION, location.clone());
    }
    limits::with_account(Ok(response), of_account)
}

async fn show_refused(visit: &Visit, refusal: &Refusal) -> Answer {
    let m = visit.messages();
    let said = match refusal.kind {
        Kind::Credentials => {
            let faults = PasswordFaults { current: Some(m.wrong_password.to_owned()), new: None };
            Said { alert: Some(m.check_fields.to_owned()), faults, ..Said::default() }
        }
        ref kind => Said { alert: Some(reason(m, kind)), ..Said::default() },
    };
    let status = match refusal.kind {
        Kind::Credentials => StatusCode::BAD_REQUEST,
        _ => refusal.kind.face().status,
    };
    let mut response = show(visit, status, said).await?;
    refusal.mark(&mut response);
    Ok(response)
}

/// A form of the page.
async fn submitted(api: &Api, call: Call) -> Result<(Visit, Fields, &'static Operation), Refusal> {
    let Call { caller, operation, request } = call;
    let visit = Visit::begin(api, &caller, request.headers()).await?;
    let fields = Fields::read(request, &caller, api).await?;
    visit.check_form(FormOf::Session, fields.text("csrf")?.as_deref())?;
    Ok((visit, fields, operation))
}

async fn show(visit: &Visit, status: StatusCode, said: Said) -> Answer {
    let (m, live) = (visit.messages(), visit.live()?);
    let sessions = visit.api.oauth.list_sessions(&live.user).await?;
    let apps = visit.api.oauth.list_access(&live.user).await?;
    let page = AccountPage {
        frame: &visit.frame(FormOf::Session)?,
        m,
        username: live.user.username.as_str(),
        email: live.user.email.as_str(),
        done: said.done,
        alert: said.alert,
        has_other_sessions: sessions.len() > 1,
        sessions: sessions.iter().map(|session| session_row(visit, live, session)).collect(),
        apps: apps.iter().map(|app| app_row(visit, app)).collect(),
        password_hint: fill(m.password_hint, visit.api.settings.password_policy.min_length),
        faults: said.faults,
    };
    visit.page(status, &page, Needs::default())
}

fn session_row(visit: &Visit, live: &LiveSession, session: &BrowserSession) -> SessionRow {
    let (m, details) = (visit.messages(), &session.details);
    let browser = match browser_name(&details.user_agent) {
        BrowserName::Known(name) => name,
        BrowserName::Claimed(text) => fill(m.claimed_browser, text),
        BrowserName::Absent => m.unknown_browser.to_owned(),
    };
    let (begun, used) = (minute(details.created_at), minute(details.used_at));
    SessionRow {
        id: details.id.to_string(),
        is_this: session.key == live.session.key,
        times: m.session_times.replace("{1}", &begun).replace("{2}", &used),
        label: fill(m.end_session, format!("{browser}, {begun}")),
        browser,
    }
}

fn app_row(visit: &Visit, app: &AppAccess) -> AppRow {
    let m = visit.messages();
    let known = visit.api.clients.find(app.client.as_str()).ok().flatten();
    let client = known.map_or(app.client.to_string(), |client| client.display_name().to_owned());
    AppRow {
        client_id: app.client.to_string(),
        since: fill(if app.is_consent { m.allowed_on } else { m.access_since }, minute(app.since)),
        scopes: permissions_in_words(m, &app.scopes, &app.resources),
        label: fill(m.withdraw_from, &client),
        client,
    }
}

/// An instant without its seconds: `2026-11-30 18:05 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}
