//! `POST /api/token/validate`: says whether a token passes our own checks, and what it contains.

use crate::http::extract::{Bearer, Fields};
use crate::http::refusal::Missing;
use crate::http::{Answer, Api, Call, respond};
use crate::telemetry::traces::{Span, SpanKind};
use crate::token::Checked;

pub(in crate::http) async fn validate_token(api: Api, call: Call) -> Answer {
    let bearer = Bearer::of(&call, &api)?;
    let Call { caller, request, .. } = call;
    let fields = Fields::read(request, &caller, &api).await?;
    let audience = fields.filled("audience")?;
    let token = fields.secret("token")?.or(bearer.optional()).ok_or(Missing::Token)?;
    let checked = Span::begin("validate", SpanKind::Internal)
        .run_now(|| api.tokens.validate(&caller, token.expose(), audience.as_deref()))?;
    Ok(respond::json_bytes(body(&checked).into()))
}

/// Header and claims are copied as they were signed: the check has shown that they are valid JSON.
fn body(checked: &Checked) -> String {
    let (header, claims) = (checked.header(), checked.claims());
    [
        r#"{"success":true,"data":{"valid":true,"payload":"#,
        claims,
        r#","decoded":{"header":"#,
        header,
        r#","payload":"#,
        claims,
        r#"}},"message":"Token is valid"}"#,
    ]
    .concat()
}
