//! `ISSUER_URL`, and what stands for it if it is not set.

use super::reader::Reader;
use super::{parse, settings};

/// The issuer of OAuth tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthIssuer {
    /// This address.
    Address(String),
    /// The address of this machine, in development.
    Localhost,
    /// OAuth is off, for this reason.
    Off(String),
}

impl OAuthIssuer {
    /// The issuer of a server that listens on `port`; `None` if OAuth is off.
    pub fn on_port(&self, port: u16) -> Option<String> {
        match self {
            Self::Address(url) => Some(url.clone()),
            Self::Localhost => Some(format!("http://localhost:{port}")),
            Self::Off(_) => None,
        }
    }

    /// Why OAuth is off, if it is.
    pub fn why_off(&self) -> Option<&str> {
        match self {
            Self::Off(reason) => Some(reason),
            Self::Address(_) | Self::Localhost => None,
        }
    }
}

/// The first of `ISSUER_URL`, `JWT_ISSUER` and `PUBLIC_URL` that is an address. The header `Host` never decides.
pub(super) fn read(read: &mut Reader<'_>, production: bool) -> OAuthIssuer {
    let own = read.optional(settings::ISSUER_URL, parse::issuer_url);
    let of_tokens = parse::issuer_url(&read.text(settings::JWT_ISSUER)).ok();
    let public = read.optional(settings::PUBLIC_URL, parse::url);
    let known =
        [(settings::ISSUER_URL, own), (settings::JWT_ISSUER, of_tokens), (settings::PUBLIC_URL, public)];
    let found = known.into_iter().find_map(|(setting, url)| url.map(|url| (setting.name, url)));
    match found {
        Some((name, url)) if production && !url.starts_with("https://") => OAuthIssuer::Off(format!(
            "OAuth is off: in production the issuer must be an https address, and {name} is {url}; set ISSUER_URL"
        )),
        Some((_, url)) => OAuthIssuer::Address(url),
        None if production => OAuthIssuer::Off(
            "OAuth is off: in production it needs ISSUER_URL, the https address at which clients reach the service"
                .to_owned(),
        ),
        None => OAuthIssuer::Localhost,
    }
}
