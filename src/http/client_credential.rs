//! The credentials of an OAuth client at an endpoint of the API: the header `Authorization`.

use std::ops::Deref;

use http::header::AUTHORIZATION;

use super::body_memory::{Share, UNCOUNTED};
use super::extract::bearer_token;
use super::refusal::Refusal;
use super::{Api, Call};
use crate::domain::Secret;
use crate::oauth::Credential;

/// A value that came with a request, with its share of the memory for bodies: it waits while a body arrives.
pub(super) struct Held<T> {
    value: T,
    _share: Share,
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What the header `Authorization` says about an OAuth client. A service without clients ignores it, as the original does. If
/// this instance knows of no client, it reads the stored clients first, because the first one may be new.
///
/// # Errors
/// If the value is long and the memory for bodies is full.
pub(super) async fn client_credential(call: &Call, api: &Api) -> Result<Option<Held<Credential>>, Refusal> {
    let headers = call.request.headers();
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_basic = authorization.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
    let value = if is_basic {
        Credential::Basic(Secret::new(authorization.to_owned()))
    } else if let Some(token) = bearer_token(headers) {
        Credential::Bearer(Secret::new(token.to_owned()))
    } else {
        return Ok(None);
    };
    if !api.generation.may_have_clients().await {
        return Ok(None);
    }
    let mut share = api.share(&call.caller);
    if authorization.len() > UNCOUNTED {
        share.hold(authorization.len())?;
    }
    Ok(Some(Held { value, _share: share }))
}
