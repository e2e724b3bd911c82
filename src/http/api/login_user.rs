//! `POST /api/auth/login`: by name or address.

use http::StatusCode;

use super::shapes::LoggedInBody;
use crate::domain::{Caller, LoginName, Password, Peer};
use crate::http::extract::Fields;
use crate::http::middleware::limits;
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
    let of_account = limits::admit_log_in(&api, operation, &caller, &name).await?;
    let answer = log_in(&api, &caller, &name, Password::attempt(password.expose())).await;
    if answer.is_ok() {
        api.limits.note_familiar(&name.key(), Peer::of(caller.address));
    }
    limits::with_account(answer, of_account)
}

async fn log_in(api: &Api, caller: &Caller, name: &LoginName, password: Password) -> Answer {
    let logged_in = api.accounts.log_in(caller, name, password);
    let logged_in = Span::begin("log_in", SpanKind::Internal).run(logged_in).await?;
    respond::success(StatusCode::OK, LoggedInBody::from(logged_in), "Login successful")
}
