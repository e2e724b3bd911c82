//! A browser without a screen and without scripts: it follows redirects, keeps cookies, and submits the first form of a page.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method};

use super::{Answer, Client};

/// More redirects and forms than any log-in has.
const MAX_STEPS: usize = 20;

/// The forms of a log-in are filled with this name and password, and whatever is asked is allowed.
pub struct BrowserForms {
    client: Client,
    username: String,
    password: String,
    cookies: BTreeMap<String, String>,
}

/// A form of a page.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl BrowserForms {
    /// A browser of a user at the server of `client`.
    pub fn of(client: &Client, username: &str, password: &str) -> Self {
        let (username, password) = (username.to_owned(), password.to_owned());
        Self { client: client.clone(), username, password, cookies: BTreeMap::new() }
    }

    /// Opens an address of the server, fills every form that follows, and returns the address outside of the server to which it
    /// is sent in the end.
    #[track_caller]
    pub fn open(&mut self, url: &str) -> String {
        let mut answer = self.send(Method::GET, url, String::new());
        for _ in 0..MAX_STEPS {
            let next = match answer.headers.get(LOCATION) {
                Some(location) => {
                    let location = location.to_str().unwrap().to_owned();
                    match self.path_of(&location) {
                        Some(path) => self.send(Method::GET, &path, String::new()),
                        None => return location,
                    }
                }
                None => {
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let form = Form::first_of(answer.text());
                    let filled = self.filled(&form);
                    self.send(Method::POST, &form.action, filled)
                }
            };
            answer = next;
        }
        panic!("the pages lead nowhere: {}", answer.text())
    }

    /// The path of an address of the server; `None` for another server.
    fn path_of(&self, location: &str) -> Option<String> {
        match location.strip_prefix(self.client.base()) {
            Some(path) => Some(path.to_owned()),
            None => location.starts_with('/').then(|| location.to_owned()),
        }
    }

    #[track_caller]
    fn send(&mut self, method: Method, url: &str, body: String) -> Answer {
        let path = self.path_of(url).unwrap_or_else(|| panic!("not an address of the server: {url}"));
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let form = (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded");
        let answer = self.client.send(method, &path, &[(COOKIE.as_str(), &cookies), form], body);
        self.keep_cookies(&answer.headers);
        answer
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The form as a browser sends it after the user has typed and pressed the first button.
    fn filled(&self, form: &Form) -> String {
        let fields = form.fields.iter().map(|(name, value)| {
            let typed = match name.as_str() {
                "username" => &self.username,
                "password" => &self.password,
                _ => value,
            };
            (name, typed)
        });
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
    }
}

impl Form {
    #[track_caller]
    fn first_of(page: &str) -> Self {
        let (_, form) = page.split_once("<form").unwrap_or_else(|| panic!("no form: {page}"));
        let (form, _) = form.split_once("</form>").unwrap();
        let (opening, content) = form.split_once('>').unwrap();
        let action = attribute(opening, "action").unwrap();
        let tags = content.split('<').filter_map(|tag| tag.split_once('>').map(|(tag, _)| tag));
        let mut is_pressed = false;
        let fields = tags.filter_map(|tag| {
            let is_button = tag.starts_with("button");
            let counts = tag.starts_with("input") || (is_button && !std::mem::replace(&mut is_pressed, true));
            let name = attribute(tag, "name").filter(|_| counts)?;
            Some((name, attribute(tag, "value").unwrap_or_default()))
        });
        Self { action, fields: fields.collect() }
    }
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let value =
        value.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&#x27;", "'");
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&#38;", "&").replace("&amp;", "&"))
}
