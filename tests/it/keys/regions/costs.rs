//! How long an operation takes in each region, for docs/multi-region.md.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ledger::log_in;
use super::world::{A, B, World};
use crate::support::client::registration;
use crate::support::{Client, unique};

/// How often each operation is measured.
const TIMES: usize = 5;

/// Prints the medians, and the longest behind them.
pub fn print(world: &World) {
    std::thread::scope(|scope| {
        for region in [A, B] {
            let client = world.client(region);
            let place = if world.regions.leads(region) { "with the primary" } else { "without it" };
            scope.spawn(move || println!("region {place}: {}", measure(&client)));
        }
    });
}

fn measure(client: &Client) -> String {
    let names: Vec<_> = (0..TIMES).map(|_| unique("cost")).collect();
    let of = |what: &str, ask: &dyn Fn(&str) -> u16| {
        let mut took: Vec<_> = names.iter().map(|name| time(|| ask(name))).collect();
        took.sort();
        let [median, longest] = [took[TIMES / 2], took[TIMES - 1]].map(|took| took.as_secs_f64() * 1e3);
        format!("{what} {median:.1} ms ({longest:.1})")
    };
    let mut parts = vec![
        of("register", &|name| client.post("/api/auth/register", &registration(name)).status),
        of("log in", &|name| log_in(client, name).status),
    ];
    // Tokens live long enough for what is left.
    let user = client.register(&unique("cost"));
    let token = json!({ "token": user.token() });
    parts.extend([
        of("refresh", &|_| user.post("/api/auth/refresh", &json!({})).status),
        of("profile", &|_| user.get("/api/auth/profile").status),
        of("generate", &|_| client.post("/api/token/generate", &json!({})).status),
        of("validate", &|_| client.post("/api/token/validate", &token).status),
        of("key set", &|_| client.get("/.well-known/jwks.json").status),
    ]);
    parts.join(", ")
}

fn time(ask: impl FnOnce() -> u16) -> Duration {
    let began = Instant::now();
    let status = ask();
    let took = began.elapsed();
    assert!([200, 201].contains(&status), "{status}");
    took
}
