//! An HTTP client with a role: anonymous, or the bearer of a token.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};

/// Keeps its connections; clones share them.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    /// The value of `Authorization`.
    authorization: Option<String>,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self { agent, base: base.to_owned(), authorization: None }
    }

    /// The same client with a token.
    pub fn bearing(&self, token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// The same client with the credentials of an OAuth client.
    pub fn with_secret(&self, id: &str, secret: &str) -> Self {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let both = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
        Self { authorization: Some(format!("Basic {both}")), ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[(CONTENT_TYPE.as_str(), "application/json")], body.to_string())
    }

    /// Any request, with the bearer's token.
    #[track_caller]
    pub fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Any request; an error is an error of the connection.
    pub fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let (parts, body) = self.agent.run(request.body(body.into()).unwrap())?.into_parts();
        let body = body.into_with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// A demo token.
    #[track_caller]
    pub fn demo_token(&self, request: &Value) -> String {
        self.post("/api/token/generate", request).ok()["data"]["access_token"].as_str().unwrap().to_owned()
    }

    /// A client with the token of a new user of this name.
    #[track_caller]
    pub fn register(&self, username: &str) -> Self {
        let answer = self.post("/api/auth/register", &registration(username));
        assert_eq!(answer.status, 201, "{}", answer.text());
        self.bearing(answer.json()["data"]["token"]["access_token"].as_str().unwrap())
    }

    /// The token that goes with each request.
    pub fn token(&self) -> &str {
        let token = self.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        token.expect("this client has no token")
    }
}

/// The registration of a user with this name; the password is `secret-` and the name.
pub fn registration(username: &str) -> Value {
    json!({ "username": username, "email": format!("{username}@example.com"), "password": format!("secret-{username}") })
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    /// The value of the header, if it occurs once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok();
        assert!(values.next().is_none(), "{name} stands there twice");
        value
    }

    /// The body of a successful response.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Asserts exactly this refusal.
    #[track_caller]
    pub fn is_refused(&self, status: u16, code: &str, sentence: &str) {
        let expected = json!({ "success": false, "error": sentence, "code": code });
        assert_eq!((self.status, self.json()), (status, expected));
    }

    /// Asserts a refusal with this status, whatever it says.
    #[track_caller]
    pub fn is_refused_with(&self, status: u16) {
        assert_eq!((self.status, &self.json()["success"]), (status, &Value::Bool(false)), "{}", self.text());
    }

    /// Asserts that `/api/token/validate` refused a token, and why.
    #[track_caller]
    pub fn refuses_token(&self, code: &str) {
        let expected = json!({
            "success": false,
            "error": "Token validation failed",
            "code": "invalid_token",
            "data": { "valid": false, "error": "Token verification failed", "code": code },
        });
        assert_eq!((self.status, self.json()), (401, expected));
    }
}
