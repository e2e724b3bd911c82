//! A browser without a screen and without scripts, of which a test does each step.

use std::cell::RefCell;
use std::collections::BTreeMap;

use http::Method;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use crate::clients::{SECRET, SECRET_HASH};
use crate::support::{Answer, Client, Service, mongod};

/// The verifier and the challenge of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The address to which the client `web` returns.
pub const CALLBACK: &str = "https://app.example/cb";

/// A service with a client `web`, which asks for consent, a client `own` of the operator, a client `small`
/// that may have few scopes, a client `shop` with resources, and a native client `native`.
pub fn service() -> Service {
    service_with(&[])
}

pub fn service_with(settings: &[(&str, &str)]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.json");
    let client = |id: &str, more: Value| {
        let mut client = json!({
            "client_id": id,
            "client_name": format!("App <{id}>"),
            "token_endpoint_auth_method": "none",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access orders.read",
            "post_logout_redirect_uris": ["https://app.example/out?x=1"],
        });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client
    };
    let clients = json!([
        client("web", json!({})),
        client("own", json!({ "first_party": true })),
        client("small", json!({ "scope": "openid profile" })),
        client("shop", json!({ "resources": ["https://stock.example", "https://orders.example"] })),
        client("two", json!({ "redirect_uris": [CALLBACK, "https://app.example/other?y=2"] })),
        client("native", json!({ "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"] })),
        client(
            "machine",
            json!({ "grant_types": ["client_credentials"], "redirect_uris": [],
            "post_logout_redirect_uris": [], "token_endpoint_auth_method": "client_secret_basic", "scope": "orders.read",
            "client_secret_sha256": SECRET_HASH })
        ),
    ]);
    std::fs::write(&file, clients.to_string()).unwrap();
    let mut all = vec![("CLIENTS_FILE", file.to_str().unwrap())];
    all.extend(settings);
    Service::with(&all)
}

/// A service on each store; the folder keeps the SQLite file.
pub fn on_each_store(test: impl Fn(&Service)) {
    on_each_store_with(&[], test);
}

/// The same with these settings.
pub fn on_each_store_with(settings: &[(&str, &str)], test: impl Fn(&Service)) {
    let (folder, database) = (tempfile::tempdir().unwrap(), mongod::new_database());
    for place in [("DATA_DIR", folder.path().to_str().unwrap()), ("MONGODB_URI", &*database)] {
        test(&service_with(&[&[place][..], settings].concat()));
    }
}

/// The status of userinfo for an access token, and whether introspection says that it is active.
#[track_caller]
pub fn counts(service: &Service, access_token: &str) -> (u16, bool) {
    let status = service.anonymous().bearing(access_token).get("/oauth/userinfo").status;
    let machine = service.anonymous().with_secret("machine", SECRET);
    let form = [(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
    let told = machine.send(Method::POST, "/oauth/introspect", &form, format!("token={access_token}")).ok();
    (status, told["active"] == true)
}

/// The query of a request of this client, with more parameters; an empty value removes one.
pub fn request(client: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let pairs = kept.chain(more).filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The path that begins a request.
pub fn authorize(client: &str, more: &[(&str, &str)]) -> String {
    format!("/oauth/authorize?{}", request(client, more))
}

pub struct Browser {
    client: Client,
    pub cookies: RefCell<BTreeMap<String, String>>,
}

/// A form of a page.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    pub fn of(service: &Service) -> Self {
        Self::at(&service.anonymous())
    }

    pub fn at(client: &Client) -> Self {
        Self { client: client.clone(), cookies: RefCell::default() }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, String::new(), &[])
    }

    #[track_caller]
    pub fn send(&self, method: Method, path: &str, body: String, headers: &[(&str, &str)]) -> Answer {
        let cookies: Vec<_> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all = vec![(COOKIE.as_str(), cookies.as_str())];
        if method == Method::POST {
            all.push((CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"));
        }
        all.extend(headers);
        let answer = self.client.send(method, path, &all, body);
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Follows redirects within the server. Returns the page, or the address outside that comes in the end.
    #[track_caller]
    pub fn follow(&self, mut answer: Answer) -> Result<Answer, String> {
        for _ in 0..10 {
            let Some(location) = answer.headers.get(LOCATION) else { return Ok(answer) };
            assert_eq!(answer.status, 303);
            let location = location.to_str().unwrap().to_owned();
            if !location.starts_with('/') {
                return Err(location);
            }
            answer = self.get(&location);
        }
        panic!("the pages lead in a circle")
    }

    #[track_caller]
    pub fn open(&self, path: &str) -> Result<Answer, String> {
        let answer = self.get(path);
        self.follow(answer)
    }

    /// Submits a form with these values in its fields, and follows the redirects.
    #[track_caller]
    pub fn submit(&self, page: &Answer, values: &[(&str, &str)]) -> Result<Answer, String> {
        let answer = self.post(&Form::of(page), values);
        self.follow(answer)
    }

    #[track_caller]
    pub fn post(&self, form: &Form, values: &[(&str, &str)]) -> Answer {
        let kept = form.fields.iter().filter(|(name, _)| !values.iter().any(|(other, _)| other == name));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let body =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).extend_pairs(values).finish();
        self.send(Method::POST, &form.action, body, &[])
    }

    /// Logs in on the page.
    #[track_caller]
    pub fn log_in(&self, page: &Answer, name: &str) -> Result<Answer, String> {
        self.submit(page, &[("username", name), ("password", &format!("secret-{name}"))])
    }

    /// A browser in which this user, who is new, has logged in on a page.
    #[track_caller]
    pub fn of_user(service: &Service, name: &str) -> Self {
        service.user(name);
        let browser = Self::of(service);
        let page = browser.open("/oauth/login").unwrap();
        browser.log_in(&page, name).unwrap();
        browser
    }

    /// The code of a request that needs no question.
    #[track_caller]
    pub fn code(&self, path: &str) -> String {
        let address = self.open(path).expect_err("the browser returns to the client");
        answer_of(&address)["code"].clone()
    }

    /// The tokens of a code.
    #[track_caller]
    pub fn redeem(&self, client: &str, code: &str) -> Value {
        self.try_redeem(client, code).ok()
    }

    /// The answer to the use of a code.
    #[track_caller]
    pub fn try_redeem(&self, client: &str, code: &str) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ])
            .finish();
        self.send(Method::POST, "/oauth/token", body, &[])
    }

    /// The answer to the use of a refresh token.
    #[track_caller]
    pub fn refresh(&self, client: &str, token: &Value) -> Answer {
        let token = token.as_str().unwrap();
        let body = format!("grant_type=refresh_token&client_id={client}&refresh_token={token}");
        self.send(Method::POST, "/oauth/token", body, &[])
    }
}

impl Form {
    #[track_caller]
    pub fn of(page: &Answer) -> Self {
        Self::all(page).into_iter().next().unwrap_or_else(|| panic!("no form: {}", page.text()))
    }

    /// The form with this action.
    #[track_caller]
    pub fn to(page: &Answer, action: &str) -> Self {
        Self::all(page)
            .into_iter()
            .find(|form| form.action == action)
            .unwrap_or_else(|| panic!("{}", page.text()))
    }

    pub fn all(page: &Answer) -> Vec<Self> {
        let text = page.text();
        let forms = text.split("<form").skip(1).map(|form| form.split_once("</form>").unwrap().0);
        forms
            .map(|form| {
                let (opening, content) = form.split_once('>').unwrap();
                let inputs = content.split("<input").skip(1).map(|tag| tag.split_once('>').unwrap().0);
                let fields = inputs.filter_map(|tag| {
                    Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
                });
                Self { action: attribute(opening, "action").unwrap(), fields: fields.collect() }
            })
            .collect()
    }

    pub fn value(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap().1
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(decoded(rest.split_once('"')?.0))
}

/// The text of HTML with its character references.
pub fn decoded(html: &str) -> String {
    let known = [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
    ];
    let text = known.iter().fold(html.to_owned(), |text, (name, c)| text.replace(name, c));
    text.replace("&#38;", "&").replace("&amp;", "&")
}

/// The parameters that an address gives to the client.
#[track_caller]
pub fn answer_of(address: &str) -> BTreeMap<String, String> {
    let query = address.strip_prefix(CALLBACK).and_then(|rest| rest.strip_prefix('?'));
    let query = query.unwrap_or_else(|| panic!("not the address of the client: {address}"));
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Asserts that the client reads this error.
#[track_caller]
pub fn is_told(opened: Result<Answer, String>, error: &str) {
    let address = opened.map(|page| page.text().to_owned()).expect_err("the browser returns to the client");
    let answer = answer_of(&address);
    assert_eq!(answer.get("error").map(String::as_str), Some(error), "{address}");
    assert_eq!(answer.get("state").map(String::as_str), Some("a b&c"));
    assert!(answer.contains_key("iss") && !answer.contains_key("code"));
}

/// Asserts that the user reads an error page, and that the browser stays.
#[track_caller]
pub fn stays_here(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.headers.get(LOCATION).is_none());
    assert!(decoded(answer.text()).contains(part), "{}", answer.text());
}
