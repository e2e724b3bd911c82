//! `POST /api/auth/login`: by name or address.

use http::StatusCode;

use super::shapes::LoggedInBody;
use crate::domain::{LoginName, Password};
use crate::http::extract::Fields;
use crate::http::middleware::limits;
use crate::http::middleware::log_in_limits::limited_log_in;
use crate::http::refusal::Missing;
use crate::http::{Answer, Api, Call, respond};
use crate::telemetry::traces::{Span, SpanKind};

pub(in crate::http) async fn login_user(api: Api, call: Call) -> Answer {
    let Call { caller, operation, request } = call;
    let fields = Fields::read(request, &caller, &api).await?;
    let (Some(username), Some(password)) = (fields.filled("username")?, fields.secret("password")?) else {
        return Err(Missing::LogIn.into());
    };
    let name = LoginName::from_text(&username);
    let log_in = api.accounts.log_in(&caller, &name, Password::attempt(password.expose()));
    let log_in = Span::begin("log_in", SpanKind::Internal).run(log_in);
    let (logged_in, of_account) = limited_log_in(&api, operation, &caller, &name, log_in).await?;
    let answer = respond::success(StatusCode::OK, LoggedInBody::from(logged_in), "Login successful");
    limits::with_account(answer, of_account)
}
