//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core §5.3).

use http::StatusCode;
use http::header::HeaderValue;

use super::{Answer, Api, Call, Form, respond};
use crate::domain::{Caller, Secret};
use crate::http::extract::Bearer;
use crate::http::refusal::{Kind, OAuthFault};
use crate::oauth::Userinfo;
use crate::telemetry::traces::{Span, SpanKind};

const JWT: HeaderValue = HeaderValue::from_static("application/jwt");

pub(in crate::http) async fn get_userinfo(api: Api, call: Call) -> Answer {
    let token = Bearer::of(&call, &api)?.required()?;
    userinfo(&api, &call.caller, &token).await
}

/// The token may be in the form instead (RFC 6750 §2.2), but not in both places.
pub(in crate::http) async fn post_userinfo(api: Api, call: Call) -> Answer {
    let bearer = Bearer::of(&call, &api)?.optional();
    let Call { caller, request, .. } = call;
    let form = Form::read(request, &caller, &api).await?;
    let in_form = form.params.get("access_token").map(|token| Secret::new(token.to_owned()));
    match (bearer, in_form) {
        (Some(_), Some(_)) => {
            let sentence = "The access token must be in the header Authorization or in the form, not in both";
            Err(OAuthFault::InvalidRequest(sentence.into()).into())
        }
        (Some(token), None) | (None, Some(token)) => userinfo(&api, &caller, &token).await,
        (None, None) => Err(Kind::TokenRequired.into()),
    }
}

async fn userinfo(api: &Api, caller: &Caller, token: &Secret<String>) -> Answer {
    if api.oauth.issuer().is_none() {
        return Err(OAuthFault::Off.into());
    }
    let claims = api.oauth.userinfo(caller, token.expose());
    match Span::begin("userinfo", SpanKind::Internal).run(claims).await? {
        Userinfo::Json(claims) => respond::json(StatusCode::OK, &claims),
        Userinfo::Signed(jwt) => Ok(respond::with_type(StatusCode::OK, JWT, jwt.expose().clone().into())),
    }
}
