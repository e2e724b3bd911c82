//! How long an operation takes in each region, for docs/multi-region.md.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ledger::log_in;
use super::world::{A, B, World};
use crate::support::client::registration;
use crate::support::{Client, eventually, unique};

/// How often each operation is measured.
const TIMES: usize = 3;

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
    let registrations = often(|| {
        let name = unique("cost");
        let status = client.post("/api/auth/register", &registration(&name)).status;
        names.extend((status == 201).then_some(name));
        status
    });
    let mut registered = names.iter().cycle();
    let log_ins = often(|| log_in(client, registered.next().unwrap()).status);
    // Tokens live long enough for what is left.
    let user = client.bearing(&eventually("a user logs in", || {
        let answer = log_in(client, &names[0]);
        let json = (answer.status == 200).then(|| answer.json())?;
        Some(json["data"]["token"]["access_token"].as_str().unwrap().to_owned())
    }));
    let token = json!({ "token": user.token() });
    let parts = [
        ("register", registrations),
        ("log in", log_ins),
        ("refresh", often(|| user.post("/api/auth/refresh", &json!({})).status)),
        ("profile", often(|| user.get("/api/auth/profile").status)),
        ("generate", often(|| client.post("/api/token/generate", &json!({})).status)),
        ("validate", often(|| client.post("/api/token/validate", &token).status)),
        ("key set", often(|| client.get("/.well-known/jwks.json").status)),
    ];
    parts.map(|(what, took)| told(what, took)).join(", ")
}

fn told(what: &str, mut took: [Duration; TIMES]) -> String {
    took.sort();
    let [median, longest] = [took[TIMES / 2], took[TIMES - 1]].map(|took| took.as_secs_f64() * 1e3);
    format!("{what} {median:.1} ms ({longest:.1})")
}

/// How long each success takes.
fn often(mut ask: impl FnMut() -> u16) -> [Duration; TIMES] {
    [(); TIMES].map(|()| time(&mut ask))
}

/// How long the first success takes, without the tries before it: on a busy machine, the first connections to another region take
/// longer than the service waits for its database.
fn time(mut ask: impl FnMut() -> u16) -> Duration {
    eventually("it succeeds", || {
        let began = Instant::now();
        let status = ask();
        let took = began.elapsed();
        assert!([200, 201, 503].contains(&status), "{status}");
        (status != 503).then_some(took)
    })
}
