//! An authorization request on its way through the pages.

use http::Request;

use super::to_client;
use super::visit::Visit;
use crate::domain::{Caller, Secret};
use crate::http::extract::form_params;
use crate::http::refusal::{Kind, Refusal};
use crate::http::{Answer, Api, Body};
use crate::oauth::{
    Authorization, AuthorizationRequest, AuthorizationStep, AuthorizeError, PageRequest, Params,
};

/// The most bytes of the parameters: browsers and proxies carry addresses of this length, also sealed.
const MAX_QUERY: usize = 6 * 1024;
/// The most parameters of a request.
const MAX_PARAMS: usize = 64;

/// A request that a page goes on with.
pub(super) struct Flow {
    /// The sealed request; empty if the page belongs to no request.
    pub(super) sealed: String,
    /// The request.
    pub(super) opened: Option<(PageRequest, AuthorizationRequest)>,
}

impl Flow {
    /// Opens the sealed request of a page, as this browser may go on with it; an empty text belongs to no request.
    ///
    /// # Errors
    /// If the page is too old, or if the request is no longer valid.
    pub(super) fn open(visit: &mut Visit, sealed: String) -> Result<Self, Refusal> {
        if sealed.is_empty() {
            return Ok(Self { sealed, opened: None });
        }
        let opened = visit.api.oauth.open_page_request(&sealed)?;
        let came = opened.ok_or(Refusal::from(Kind::ExpiredPage))?;
        let page = came.clone().in_browser(visit.mark(), visit.session.as_ref());
        let sealed = if page == came { sealed } else { visit.api.oauth.seal_page_request(&page)? };
        let read = AuthorizationRequest::read(&params(&page.query)?, &visit.api.clients);
        let request = read.map_err(|error| match error {
            AuthorizeError::Service(error) => error.into(),
            AuthorizeError::Untrusted(request) => Refusal::untrusted(request),
            // The client changed while the user was on our page.
            AuthorizeError::ToClient(_, error) => Refusal::untrusted(error.sentence),
        })?;
        visit.speak(request.ui_locales.as_deref());
        Ok(Self { sealed, opened: Some((page, request)) })
    }

    /// The same for a page that is only shown on the way to a client.
    ///
    /// # Errors
    /// As [`Flow::open`], and if the page belongs to no request.
    pub(super) fn required(
        visit: &mut Visit,
        sealed: String,
    ) -> Result<(String, PageRequest, AuthorizationRequest), Refusal> {
        let Self { sealed, opened } = Self::open(visit, sealed)?;
        let (page, request) = opened.ok_or(Refusal::from(Kind::ExpiredPage))?;
        Ok((sealed, page, request))
    }

    /// The query of a link to another page of the same request.
    pub(super) fn query(&self) -> String {
        query_of(&self.sealed)
    }
}

/// The query of a link to a page of this request.
pub(super) fn query_of(sealed: &str) -> String {
    if sealed.is_empty() { String::new() } else { format!("?request={sealed}") }
}

/// Begins with a request that came in a query.
pub(super) async fn begin(mut visit: Visit, query: &str) -> Answer {
    if query.len() > MAX_QUERY {
        return Err(untrusted("the request has too many bytes"));
    }
    let request = match visit.api.oauth.read_authorization(&params(query)?).await {
        Ok(request) => request,
        Err(error) => return refuse(&visit, error),
    };
    visit.speak(request.ui_locales.as_deref());
    let page = PageRequest {
        began_at: visit.api.clock.now(),
        browser: visit.mark(),
        seen_log_in: visit.session.as_ref().map(|live| live.session.key.mark()),
        is_account_chosen: false,
        query: query.to_owned(),
    };
    advance(&visit, &page, request).await
}

/// Goes to the next step of a request.
pub(super) async fn advance(visit: &Visit, page: &PageRequest, request: AuthorizationRequest) -> Answer {
    let session = visit.session.as_ref();
    let Authorization { request, step } = match visit.api.oauth.authorize(request, page, session).await {
        Ok(authorization) => authorization,
        Err(error) => return refuse(visit, error),
    };
    let path = match step {
        AuthorizationStep::LogIn => "/oauth/login",
        AuthorizationStep::ChooseAccount => "/oauth/choose",
        AuthorizationStep::AskConsent => "/oauth/consent",
        AuthorizationStep::Grant => return grant(visit, &request).await,
    };
    let sealed = visit.api.oauth.seal_page_request(page)?;
    visit.go_on_at(&format!("{path}{}", query_of(&sealed)))
}

/// Takes a code to the client.
pub(super) async fn grant(visit: &Visit, request: &AuthorizationRequest) -> Answer {
    match visit.api.oauth.grant(request, visit.live()?).await {
        Ok(code) => to_client::code(visit, &request.target, &code),
        Err(error) => to_client::error(visit, &request.target, &error),
    }
}

/// Tells the user or the client why a request is not granted.
pub(super) fn refuse(visit: &Visit, error: AuthorizeError) -> Answer {
    match error {
        AuthorizeError::Untrusted(request) => Err(Refusal::untrusted(request)),
        AuthorizeError::ToClient(target, error) => to_client::error(visit, &target, &error),
        AuthorizeError::Service(error) => Err(error.into()),
    }
}

/// The parameters of a query.
///
/// # Errors
/// If there are too many, or if one occurs twice.
pub(super) fn params(query: &str) -> Result<Params, Refusal> {
    let pairs = form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMS + 1);
    let pairs: Vec<_> =
        pairs.map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned()))).collect();
    if pairs.len() > MAX_PARAMS {
        return Err(untrusted("the request has too many parameters"));
    }
    Params::new(pairs).map_err(|error| Refusal::untrusted(error.to_string()))
}

/// The form of a request as a query: a form of another site comes without our cookies, and goes on by a GET of our own.
pub(super) async fn form_as_query(
    request: Request<Body>,
    caller: &Caller,
    api: &Api,
) -> Result<String, Refusal> {
    let (pairs, _share) = form_params(request, caller, api).await?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &pairs {
        query.append_pair(name, value.expose());
    }
    let query = query.finish();
    if query.len() > MAX_QUERY { Err(untrusted("the request has too many bytes")) } else { Ok(query) }
}

fn untrusted(sentence: &'static str) -> Refusal {
    Refusal::untrusted(sentence)
}
