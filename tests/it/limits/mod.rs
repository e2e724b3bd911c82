//! Rate limits, through real requests.

mod accounts;
mod answers;
mod clients;
mod crowds;
mod instances;
mod settings;

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Service};

const GENERATE: &str = "/api/token/generate";
const LOGIN: &str = "/api/auth/login";

/// A service behind a trusted proxy, whose buckets fill only when the test says so.
struct Limited {
    service: Service,
    began_at: Duration,
}

impl Limited {
    fn with(limits: &str) -> Self {
        let service = Service::with(&[("RATE_LIMITS", limits), ("TRUSTED_PROXIES", "127.0.0.0/8")]);
        let began_at = service.clock.uptime();
        service.clock.set_uptime(began_at);
        Self { service, began_at }
    }

    /// Moves the uptime to so many seconds after the start.
    fn at(&self, seconds: f64) {
        self.service.clock.set_uptime(self.began_at + Duration::from_secs_f64(seconds));
    }

    /// Asks as the client of this address.
    fn ask(&self, address: &str, path: &str, body: &Value) -> Answer {
        ask(&self.service.anonymous(), address, path, body)
    }

    fn generate(&self, address: &str) -> u16 {
        self.ask(address, GENERATE, &json!({})).status
    }

    /// Tries to log in with a wrong password.
    fn guess(&self, address: &str, name: &str) -> Answer {
        self.ask(address, LOGIN, &json!({ "username": name, "password": "a wrong one" }))
    }
}

fn ask(client: &Client, address: &str, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
    client.send(Method::POST, path, &headers, body.to_string())
}

/// What an answer tells of budgets.
fn told(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}
