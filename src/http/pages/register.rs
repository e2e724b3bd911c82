//! `/oauth/register`: a new user.

use http::StatusCode;

use super::authorize::request_in_query;
use super::flow::Flow;
use super::log_in::open_session;
use super::messages::{Messages, fill};
use super::policy::Needs;
use super::refused::reason;
use super::templates::{RegisterFaults, RegisterPage};
use super::visit::{FormOf, Visit};
use crate::accounts::{AccountError, Authenticated, Registration};
use crate::domain::{Email, Password, PasswordError, PasswordPolicy, Secret, Username, UsernameError};
use crate::http::extract::Fields;
use crate::http::middleware::limits;
use crate::http::operation::Operation;
use crate::http::refusal::{Refusal, ToldRefusal};
use crate::http::{Answer, Api, Call};
use crate::limits::Verdict;
use crate::oauth::origin_of;
use crate::telemetry::traces::{Span, SpanKind};

/// What the user typed.
#[derive(Default)]
struct Typed {
    username: String,
    email: String,
    password: Secret<String>,
}

pub(in crate::http) async fn get_registration_page(api: Api, call: Call) -> Answer {
    let mut visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let flow = Flow::open(&mut visit, request_in_query(&call)?)?;
    show(&visit, &flow, StatusCode::OK, &Typed::default(), None, RegisterFaults::default())
}

pub(in crate::http) async fn register_on_page(api: Api, call: Call) -> Answer {
    let Call { caller, operation, request } = call;
    let mut visit = Visit::begin(&api, &caller, request.headers()).await?;
    let fields = Fields::read(request, &caller, &api).await?;
    visit.check_form(FormOf::Browser, fields.text("csrf")?.as_deref())?;
    let flow = Flow::open(&mut visit, fields.text("request")?.unwrap_or_default())?;
    let typed = Typed {
        username: fields.text("username")?.unwrap_or_default(),
        email: fields.text("email")?.unwrap_or_default(),
        password: fields.secret("password")?.unwrap_or_default(),
    };
    match register(&visit, operation, &typed).await {
        Ok((log_in, of_account)) => {
            limits::with_account(open_session(&visit, &log_in, &flow.sealed).await, of_account)
        }
        Err(NotRegistered::Faults(faults)) => {
            let alert = Some(visit.messages().check_fields.to_owned());
            let mut response = show(&visit, &flow, StatusCode::BAD_REQUEST, &typed, alert, faults)?;
            ToldRefusal::mark(&mut response, "invalid_field");
            Ok(response)
        }
        Err(NotRegistered::Refused(refusal)) => {
            let (status, alert) = (refusal.kind.face().status, reason(visit.messages(), &refusal.kind));
            let mut response = show(&visit, &flow, status, &typed, Some(alert), RegisterFaults::default())?;
            refusal.mark(&mut response);
            Ok(response)
        }
    }
}

/// Why no user was registered.
enum NotRegistered {
    /// Fields are faulty.
    Faults(RegisterFaults),
    /// Another reason.
    Refused(Refusal),
}

impl From<Refusal> for NotRegistered {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AccountError> for NotRegistered {
    fn from(error: AccountError) -> Self {
        Self::Refused(error.into())
    }
}

async fn register(
    visit: &Visit,
    operation: &Operation,
    typed: &Typed,
) -> Result<(Authenticated, Option<Verdict>), NotRegistered> {
    let (api, caller) = (&visit.api, &visit.caller);
    let registration = parse(visit.messages(), typed, api.settings.password_policy);
    let registration = registration.map_err(NotRegistered::Faults)?;
    let of_account = limits::admit_registration(api, operation, caller, &registration)?;
    let registered = api.accounts.register_in_browser(caller, registration);
    Ok((Span::begin("register", SpanKind::Internal).run(registered).await?, of_account))
}

/// The registration, or all that is wrong with it.
fn parse(
    m: &'static Messages,
    typed: &Typed,
    policy: PasswordPolicy,
) -> Result<Registration, RegisterFaults> {
    let username = Username::parse(&typed.username);
    let email = Email::parse(&typed.email);
    let password = Password::parse(typed.password.expose(), policy);
    match (username, email, password) {
        (Ok(username), Ok(email), Ok(password)) => Ok(Registration { username, email, password }),
        (username, email, password) => Err(RegisterFaults {
            username: username.err().map(|error| username_fault(m, error, &typed.username)),
            email: email
                .err()
                .map(|_| if typed.email.is_empty() { m.fill_in } else { m.email_fault }.to_owned()),
            password: password.err().map(|error| password_fault(m, error, typed.password.expose())),
        }),
    }
}

fn username_fault(m: &'static Messages, error: UsernameError, typed: &str) -> String {
    match error {
        _ if typed.is_empty() => m.fill_in,
        UsernameError::Length => m.username_length,
        UsernameError::At => m.username_at,
        UsernameError::Character => m.username_characters,
        UsernameError::Scripts => m.username_scripts,
    }
    .to_owned()
}

/// What is wrong with a new password.
pub(super) fn password_fault(m: &'static Messages, error: PasswordError, typed: &str) -> String {
    match error {
        _ if typed.is_empty() => m.fill_in.to_owned(),
        PasswordError::TooShort(least) => fill(m.password_short, least),
        PasswordError::TooLong => m.password_long.to_owned(),
        PasswordError::Nul => m.password_nul.to_owned(),
        PasswordError::Common => m.password_common.to_owned(),
    }
}

fn show(
    visit: &Visit,
    flow: &Flow,
    status: StatusCode,
    typed: &Typed,
    alert: Option<String>,
    faults: RegisterFaults,
) -> Answer {
    let (m, request) = (visit.messages(), flow.opened.as_ref().map(|(_, request)| request));
    let page = RegisterPage {
        frame: &visit.frame(FormOf::Browser)?,
        m,
        lead: request.map(|request| fill(m.register_for, request.client.display_name())),
        alert,
        request: &flow.sealed,
        query: flow.query(),
        username: &typed.username,
        email: &typed.email,
        password_hint: fill(m.password_hint, visit.api.settings.password_policy.min_length),
        faults,
    };
    let origin = request.map(|request| origin_of(&request.target));
    visit.page(status, &page, Needs { form_target: origin.as_deref(), posts_form: false })
}
