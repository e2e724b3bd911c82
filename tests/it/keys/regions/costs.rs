//! How long an operation takes in each region, for docs/multi-region.md.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ledger::log_in;
use super::world::{A, B, World};
use crate::support::client::registration;
use crate::support::{Client, eventually, unique};

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
    let mut names = Vec::new();
    let mut registrations = Vec::new();
    for _ in 0..TIMES {
        let name = unique("cost");
        let took = time(|| client.post("/api/auth/register", &registration(&name)).status);
        if let Some(took) = took {
            registrations.push(took);
            names.push(name);
        }
    }
    let log_ins = names.iter().filter_map(|name| time(|| log_in(client, name).status)).collect();
    // Tokens live long enough for what is left.
    let user = eventually("a user registers", || {
        let answer = client.post("/api/auth/register", &registration(&unique("cost")));
        let json = (answer.status == 201).then(|| answer.json())?;
        Some(client.bearing(json["data"]["token"]["access_token"].as_str().unwrap()))
    });
    let token = json!({ "token": user.token() });
    let often = |ask: &dyn Fn() -> u16| (0..TIMES).filter_map(|_| time(ask)).collect();
    let parts = [
        ("register", registrations),
        ("log in", log_ins),
        ("refresh", often(&|| user.post("/api/auth/refresh", &json!({})).status)),
        ("profile", often(&|| user.get("/api/auth/profile").status)),
        ("generate", often(&|| client.post("/api/token/generate", &json!({})).status)),
        ("validate", often(&|| client.post("/api/token/validate", &token).status)),
        ("key set", often(&|| client.get("/.well-known/jwks.json").status)),
    ];
    parts.map(|(what, took)| told(what, took)).join(", ")
}

fn told(what: &str, mut took: Vec<Duration>) -> String {
    took.sort();
    match (took.get(took.len() / 2), took.last()) {
        (Some(median), Some(longest)) => {
            let [median, longest] = [median, longest].map(|took| took.as_secs_f64() * 1e3);
            format!("{what} {median:.1} ms ({longest:.1})")
        }
        _ => format!("{what} refused"),
    }
}

/// How long it takes; `None` if it is refused because the database is too slow: on a busy machine, the first connections to another
/// region take longer than the service waits.
fn time(ask: impl FnOnce() -> u16) -> Option<Duration> {
    let began = Instant::now();
    let status = ask();
    let took = began.elapsed();
    assert!([200, 201, 503].contains(&status), "{status}");
    (status != 503).then_some(took)
}
