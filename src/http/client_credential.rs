//! The credentials of an OAuth client at an endpoint of the API: the header `Authorization`.

use std::ops::Deref;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::body_memory::{Share, UNCOUNTED};
use super::extract::bearer_token;
use super::refusal::{OAuthFault, Refusal};
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
/// If there are clients, and the header cannot say anything about one; also if the value is long and the memory for bodies is full.
pub(super) async fn client_credential(call: &Call, api: &Api) -> Result<Option<Held<Credential>>, Refusal> {
    let headers = call.request.headers();
    if !headers.contains_key(AUTHORIZATION) || !api.generation.may_have_clients().await {
        return Ok(None);
    }
    let Some(authorization) = only_authorization(headers)? else { return Ok(None) };
    let authorization = authorization.to_str().unwrap_or_default();
    let is_basic = authorization.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
    let value = if is_basic {
        Credential::Basic(Secret::new(authorization.to_owned()))
    } else if let Some(token) = bearer_token(headers) {
        Credential::Bearer(Secret::new(token.to_owned()))
    } else {
        return Err(OAuthFault::OtherScheme("Basic or Bearer").into());
    };
    let mut share = api.share(&call.caller);
    if authorization.len() > UNCOUNTED {
        share.hold(authorization.len())?;
    }
    Ok(Some(Held { value, _share: share }))
}

/// The header `Authorization` of a request, if there is one.
///
/// # Errors
/// If there are two: a proxy and the service could each count another one.
pub(super) fn only_authorization(headers: &HeaderMap) -> Result<Option<&HeaderValue>, OAuthFault> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (only, None) => Ok(only),
        _ => Err(OAuthFault::InvalidRequest("The request must have one header Authorization".into())),
    }
}
