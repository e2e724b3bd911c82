//! `POST /api/auth/register`.

use http::StatusCode;

use super::shapes::LoggedInBody;
use crate::accounts::Registration;
use crate::domain::Caller;
use crate::http::extract::Fields;
use crate::http::middleware::limits;
use crate::http::refusal::Missing;
use crate::http::{Answer, Api, Call, respond};
use crate::telemetry::traces::{Span, SpanKind};

pub(in crate::http) async fn register_user(api: Api, call: Call) -> Answer {
    let Call { caller, operation, request } = call;
    let fields = Fields::read(request, &caller, &api).await?;
    let given = (fields.filled("username")?, fields.filled("email")?, fields.secret("password")?);
    let (Some(username), Some(email), Some(password)) = given else {
        return Err(Missing::Registration.into());
    };
    let policy = api.settings.password_policy;
    let registration = Registration::parse(&username, &email, password.expose(), policy)?;
    let of_account = limits::admit_registration(&api, operation, &caller, &registration)?;
    limits::with_account(register(&api, &caller, registration).await, of_account)
}

async fn register(api: &Api, caller: &Caller, registration: Registration) -> Answer {
    let registered = api.accounts.register(caller, registration);
    let body = LoggedInBody::from(Span::begin("register", SpanKind::Internal).run(registered).await?);
    respond::success(StatusCode::CREATED, body, "User registered successfully")
}
