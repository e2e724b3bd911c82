//! `POST /oauth/introspect` (RFC 7662, RFC 9701).

use http::StatusCode;
use http::header::{ACCEPT, HeaderMap, HeaderValue};

use super::{Answer, Api, Call, ClientCall, limits, respond};
use crate::oauth::Introspection;
use crate::telemetry::traces::{Span, SpanKind};

const SIGNED: &str = "application/token-introspection+jwt";

pub(in crate::http) async fn introspect_token(api: Api, call: Call) -> Answer {
    let wants_signed = wants_signed(call.request.headers());
    let ClientCall { caller, client, form, budget } = ClientCall::begin(&api, call).await?;
    let told = api.oauth.introspect(&caller, &client, &form.params, wants_signed);
    let told = Span::begin("introspect", SpanKind::Internal).run(told).await;
    let answer = told.map_err(Into::into).and_then(|told| match told {
        Introspection::Json(body) => respond::json(StatusCode::OK, &body),
        Introspection::Signed(jwt) => {
            let body = jwt.expose().clone().into();
            Ok(respond::with_type(StatusCode::OK, HeaderValue::from_static(SIGNED), body))
        }
    });
    limits::with_account(answer, budget)
}

/// Whether the request names the media type of a signed answer (RFC 9701 §4).
fn wants_signed(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types =
        accepted.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or(one));
    types.any(|one| one.trim().eq_ignore_ascii_case(SIGNED))
}
