//! A request of a browser for one of the pages: its language, its cookies, its session.

use askama::Template;
use http::StatusCode;
use http::header::{HeaderMap, SET_COOKIE, USER_AGENT};

use super::cookies::{CookieNames, value_of};
use super::language::Language;
use super::messages::Messages;
use super::policy::{Needs, page, see_other};
use super::templates::Frame;
use crate::domain::{Caller, Secret};
use crate::http::refusal::{Kind, OAuthFault, Refusal};
use crate::http::{Answer, Api, Response};
use crate::oauth::{BrowserMark, Issuer, LiveSession};

/// A request of a browser.
pub(super) struct Visit {
    pub(super) api: Api,
    pub(super) caller: Caller,
    pub(super) language: Language,
    pub(super) session: Option<LiveSession>,
    /// The browser as it names itself.
    pub(super) user_agent: String,
    names: CookieNames,
    root: String,
    session_cookie: Option<Secret<String>>,
    form_cookie: Secret<String>,
    is_new_form_cookie: bool,
}

/// The cookie to which the token of a form belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormOf {
    /// The cookie of the browser: for the log-in, also if there is a session.
    Browser,
    /// The cookie of the session: what another user was shown in this browser does not count.
    Session,
}

/// The most characters of the name of a browser that are looked at.
const MAX_USER_AGENT: usize = 300;

/// The issuer; without one, there are no pages.
fn issuer(api: &Api) -> Result<&Issuer, Refusal> {
    api.oauth.issuer().ok_or_else(|| OAuthFault::Off.into())
}

impl Visit {
    /// Reads the cookies, and finds the session.
    ///
    /// # Errors
    /// If the pages are off, or if the database does not answer.
    pub(super) async fn begin(api: &Api, caller: &Caller, headers: &HeaderMap) -> Result<Self, Refusal> {
        let issuer = issuer(api)?;
        let (names, root) = (CookieNames::of(issuer), issuer.path().to_owned());
        let session_cookie = value_of(headers, names.session);
        let session = match &session_cookie {
            Some(cookie) => api.oauth.find_session(cookie).await?,
            None => None,
        };
        let known = value_of(headers, names.form);
        let is_new_form_cookie = known.is_none();
        let form_cookie = known.map_or_else(|| api.oauth.new_cookie(), Ok)?;
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self {
            api: api.clone(),
            caller: caller.clone(),
            language: Language::accepted(headers),
            session_cookie: session_cookie.filter(|_| session.is_some()),
            session,
            user_agent: user_agent.chars().take(MAX_USER_AGENT).collect(),
            names,
            root,
            form_cookie,
            is_new_form_cookie,
        })
    }

    /// The issuer.
    ///
    /// # Errors
    /// Never for a visit that has begun.
    pub(super) fn issuer(&self) -> Result<&Issuer, Refusal> {
        issuer(&self.api)
    }

    /// Tells this browser from others.
    pub(super) fn mark(&self) -> BrowserMark {
        BrowserMark::of(&self.form_cookie)
    }

    /// Sends the browser to a path of ours where a sealed request goes on, with the cookie that the request belongs to.
    ///
    /// # Errors
    /// If the path cannot be written.
    pub(super) fn go_on_at(&self, path: &str) -> Answer {
        let mut response = self.go_to(path)?;
        if self.is_new_form_cookie {
            self.add_cookie(&mut response, self.names.form, &self.form_cookie);
        }
        Ok(response)
    }

    /// The messages in the visitor's language.
    pub(super) fn messages(&self) -> &'static Messages {
        Messages::of(self.language)
    }

    /// Takes the first language of `ui_locales` that the pages have.
    pub(super) fn speak(&mut self, ui_locales: Option<&str>) {
        if let Some(language) = ui_locales.and_then(Language::of_locales) {
            self.language = language;
        }
    }

    /// The session.
    ///
    /// # Errors
    /// If the visitor has none.
    pub(super) fn live(&self) -> Result<&LiveSession, Refusal> {
        self.session.as_ref().ok_or_else(|| Kind::ForeignForm.into())
    }

    /// What every page shows.
    ///
    /// # Errors
    /// If there is no server secret yet.
    pub(super) fn frame(&self, form_of: FormOf) -> Result<Frame<'_>, Refusal> {
        let cookie = self.cookie(form_of)?;
        let csrf = self.api.oauth.form_token(cookie)?;
        Ok(Frame { language: self.language, brand: self.api.brand(), root: &self.root, csrf })
    }

    /// Refuses a form that does not come from our page in this browser.
    ///
    /// # Errors
    /// [`Kind::ForeignForm`].
    pub(super) fn check_form(&self, form_of: FormOf, token: Option<&str>) -> Result<(), Refusal> {
        let cookie = self.cookie(form_of)?;
        if self.api.oauth.accepts_form(cookie, token.unwrap_or_default())? {
            Ok(())
        } else {
            Err(Kind::ForeignForm.into())
        }
    }

    fn cookie(&self, form_of: FormOf) -> Result<&Secret<String>, Refusal> {
        match form_of {
            FormOf::Browser => Ok(&self.form_cookie),
            FormOf::Session => self.session_cookie.as_ref().ok_or_else(|| Kind::ForeignForm.into()),
        }
    }

    /// A page, with the cookie for its forms.
    ///
    /// # Errors
    /// If the template fails.
    pub(super) fn page(&self, status: StatusCode, template: &impl Template, needs: Needs<'_>) -> Answer {
        let html = template.render().map_err(Refusal::internal)?;
        let mut response = page(status, html, needs)?;
        if self.is_new_form_cookie {
            self.add_cookie(&mut response, self.names.form, &self.form_cookie);
        }
        Ok(response)
    }

    /// Sends the browser to a path of ours.
    ///
    /// # Errors
    /// If the path cannot be written.
    pub(super) fn go_to(&self, path: &str) -> Answer {
        see_other(&format!("{}{path}", self.root))
    }

    /// The same with the cookie of a new session.
    ///
    /// # Errors
    /// If the path cannot be written.
    pub(super) fn go_to_with_session(&self, path: &str, cookie: &Secret<String>) -> Answer {
        let mut response = self.go_to(path)?;
        self.add_cookie(&mut response, self.names.session, cookie);
        Ok(response)
    }

    /// Removes the cookie of the session from the browser.
    pub(super) fn forget_session(&self, response: &mut Response) {
        if let Some(header) = self.names.removed(self.names.session) {
            response.headers_mut().append(SET_COOKIE, header);
        }
    }

    fn add_cookie(&self, response: &mut Response, name: &str, value: &Secret<String>) {
        if let Some(header) = self.names.set(name, value) {
            response.headers_mut().append(SET_COOKIE, header);
        }
    }
}
