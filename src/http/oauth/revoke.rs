//! `POST /oauth/revoke` (RFC 7009).

use bytes::Bytes;

use super::{Answer, Api, Call, ClientCall, limits};
use crate::http::Response;
use crate::telemetry::traces::{Span, SpanKind};

pub(in crate::http) async fn revoke_token(api: Api, call: Call) -> Answer {
    let ClientCall { caller, client, form, budget } = ClientCall::begin(&api, call).await?;
    let revoked = api.oauth.revoke(&caller, &client, &form.params);
    let revoked = Span::begin("revoke", SpanKind::Internal).run(revoked).await;
    limits::with_account(revoked.map(|()| Response::new(Bytes::new())).map_err(Into::into), budget)
}
