//! The endpoints of OAuth that answer in JSON.

mod discovery;
mod form;
mod introspect;
mod revoke;
mod status_lists;
mod token;
mod userinfo;

use http::header::HeaderMap;

use super::client_credential::only_authorization;
use super::middleware::limits;
use super::refusal::{OAuthFault, Refusal};
use super::{Answer, Api, Call, respond};
use crate::domain::{Caller, ClientAuthMethod, Peer, Secret};
use crate::limits::Verdict;
use crate::oauth::AuthenticatedClient;
use form::Form;

pub(super) use discovery::get_discovery;
pub(super) use introspect::introspect_token;
pub(super) use revoke::revoke_token;
pub(super) use status_lists::{get_status_list, get_status_lists};
pub(super) use token::issue_tokens;
pub(super) use userinfo::{get_userinfo, post_userinfo};

/// A request whose client has authenticated.
struct ClientCall {
    caller: Caller,
    client: AuthenticatedClient,
    form: Form,
    /// The budget of the client, if it has one.
    budget: Option<Verdict>,
}

impl ClientCall {
    /// Reads the form, authenticates the client, and admits the request by the client's budget.
    ///
    /// # Errors
    /// If OAuth is off, or if one of these steps fails.
    async fn begin(api: &Api, call: Call) -> Result<Self, Refusal> {
        if api.oauth.issuer().is_none() {
            return Err(OAuthFault::Off.into());
        }
        let Call { caller, operation, request } = call;
        let authorization = authorization(request.headers())?;
        let form = Form::read(request, &caller, api).await?;
        let authorization = authorization.as_ref().map(|text| text.expose().as_str());
        let client = api.oauth.authenticate_client(authorization, &form.params).await?;
        let is_only_named = client.client.metadata.token_endpoint_auth_method == Some(ClientAuthMethod::None);
        let named_from = is_only_named.then(|| Peer::of(caller.address));
        let budget = limits::admit_client(api, operation, client.client.id.as_str(), named_from)?;
        Ok(Self { caller, client, form, budget })
    }
}

/// A copy of the header `Authorization`: the parts of the head keep the buffer that they were read into. A value that is not
/// text is empty here: it authenticates no client, but it is not absent.
///
/// # Errors
/// If there are two.
fn authorization(headers: &HeaderMap) -> Result<Option<Secret<String>>, Refusal> {
    let value = only_authorization(headers)?;
    Ok(value.map(|value| Secret::new(value.to_str().unwrap_or_default().to_owned())))
}
