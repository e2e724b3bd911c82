//! The templates in `web/pages/`, with the values that each of them shows. They are compiled into the program, and escape every value.

use askama::Template;

use super::brand::Brand;
use super::language::Language;
use super::messages::Messages;

/// The values of every page.
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    pub(super) brand: &'a Brand,
    /// The path of the issuer, in front of every path of the service. It may be empty.
    pub(super) root: &'a str,
    /// The token of the forms of this page.
    pub(super) csrf: String,
}

/// The log-in.
#[derive(Template)]
#[template(path = "log_in.html")]
pub(super) struct LogInPage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) lead: Option<String>,
    pub(super) alert: Option<String>,
    /// The sealed request that continues after the log-in; empty if the page belongs to no request.
    pub(super) request: &'a str,
    /// The same as the query of a link.
    pub(super) query: String,
    pub(super) username: &'a str,
    pub(super) username_fault: Option<String>,
    pub(super) password_fault: Option<String>,
}

/// The registration.
#[derive(Template)]
#[template(path = "register.html")]
pub(super) struct RegisterPage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) lead: Option<String>,
    pub(super) alert: Option<String>,
    pub(super) request: &'a str,
    pub(super) query: String,
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) password_hint: String,
    pub(super) faults: RegisterFaults,
}

/// What is wrong with the fields of a registration.
#[derive(Clone, Debug, Default)]
pub(super) struct RegisterFaults {
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
}

/// The choice between the user of the session and another one.
#[derive(Template)]
#[template(path = "choose.html")]
pub(super) struct ChoosePage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) lead: String,
    pub(super) request: &'a str,
    pub(super) query: String,
    pub(super) continue_as: String,
}

/// The question whether an app may use the account.
#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) heading: String,
    pub(super) logged_in_as: String,
    pub(super) list_lead: String,
    pub(super) scopes: Vec<String>,
    /// The scopes and resources that the page shows.
    pub(super) shown: String,
    pub(super) target: String,
    pub(super) request: &'a str,
    pub(super) query: String,
}

/// The question whether the user wants to log out.
#[derive(Template)]
#[template(path = "log_out.html")]
pub(super) struct LogOutPage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) logged_in_as: String,
    pub(super) request: &'a str,
}

/// A heading and a text, for errors and for results.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) heading: &'a str,
    pub(super) text: &'a str,
    /// Lines in English for the people who run the app.
    pub(super) details: &'a [String],
    /// Whether the page leads to the user's account.
    pub(super) has_account_link: bool,
}

/// The form that takes the answer to an app (OAuth 2.0 Form Post Response Mode).
#[derive(Template)]
#[template(path = "form_post.html")]
pub(super) struct FormPostPage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) returning: String,
    pub(super) redirect_uri: &'a str,
    pub(super) fields: &'a [(&'static str, String)],
    pub(super) script: &'static str,
}

/// The sessions of a user, the apps that have access, and the change of the password.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) m: &'static Messages,
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) done: Option<&'static str>,
    pub(super) alert: Option<String>,
    pub(super) has_other_sessions: bool,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) apps: Vec<AppRow>,
    pub(super) password_hint: String,
    pub(super) faults: PasswordFaults,
}

/// One session in the list.
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) browser: String,
    pub(super) is_this: bool,
    pub(super) times: String,
    pub(super) label: String,
}

/// One app in the list.
pub(super) struct AppRow {
    pub(super) client_id: String,
    pub(super) client: String,
    pub(super) since: String,
    pub(super) scopes: Vec<String>,
    pub(super) label: String,
}

/// What is wrong with the fields of a change of the password.
#[derive(Clone, Debug, Default)]
pub(super) struct PasswordFaults {
    pub(super) current: Option<String>,
    pub(super) new: Option<String>,
}
