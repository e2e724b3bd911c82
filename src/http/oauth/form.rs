//! The form of a request to an OAuth endpoint (RFC 6749 §3.2).

use http::Request;

use crate::domain::Caller;
use crate::http::body_memory::Share;
use crate::http::extract::form_params;
use crate::http::refusal::{OAuthFault, Refusal};
use crate::http::{Api, Body};
use crate::oauth::Params;

/// The parameters of a form.
pub(super) struct Form {
    pub(super) params: Params,
    /// The parameters use about as much memory as the body did. The share counts for as long as they live.
    _share: Share,
}

impl Form {
    /// Reads the body of a request. A body without bytes has no parameters.
    ///
    /// # Errors
    /// If the body is no form, cannot be read, or has a parameter twice.
    pub(super) async fn read(request: Request<Body>, caller: &Caller, api: &Api) -> Result<Self, Refusal> {
        let (pairs, share) = form_params(request, caller, api).await?;
        let params =
            Params::new(pairs).map_err(|error| OAuthFault::InvalidRequest(error.to_string().into()))?;
        Ok(Self { params, _share: share })
    }
}
