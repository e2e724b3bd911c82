//! Which client a request counts for.

use std::net::SocketAddr;

use serde_json::json;

use super::{GENERATE, Limited, told};
use crate::support::Service;
use crate::support::client::registration;
use crate::support::socket::{connect_from, send, until_closed};

/// The status of a request from this address of the machine, with these headers.
fn from(source: &str, to: SocketAddr, headers: &str) -> String {
    let mut stream = connect_from(source, to);
    let head = format!(
        "POST {GENERATE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n"
    );
    send(&mut stream, head);
    until_closed(&mut stream).split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_client_cannot_change_its_budget_with_headers() {
    let settings = [("RATE_LIMITS", "generate=2/d per address"), ("TRUSTED_PROXIES", "127.0.0.9")];
    let service = Service::with(&settings);
    let names =
        ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"];
    let spoofed = |number: u32| {
        let one = |name: &&str| {
            let start = if *name == "Forwarded" { "for=" } else { "" };
            format!("{name}: {start}203.0.113.{number}\r\n")
        };
        names.iter().map(one).collect::<String>()
    };
    let status = |source, number| from(source, service.address(), &spoofed(number));
    assert_eq!([1, 2, 3, 4].map(|number| status("127.0.0.2", number)), ["200", "200", "429", "429"]);
    assert_eq!(status("127.0.0.3", 1), "200", "another client has a budget of its own");
}

#[test]
fn a_hop_that_is_not_trusted_is_the_client_whatever_it_names() {
    let settings = [("RATE_LIMITS", "generate=2/d per address"), ("TRUSTED_PROXIES", "127.0.0.9")];
    let service = Service::with(&settings);
    let through = |number: u32| {
        from(
            "127.0.0.9",
            service.address(),
            &format!("X-Forwarded-For: 198.51.100.{number}, 203.0.113.1\r\n"),
        )
    };
    assert_eq!([1, 2, 3].map(through), ["200", "200", "429"]);
    let direct = |number: u32| {
        from("127.0.0.9", service.address(), &format!("X-Forwarded-For: 198.51.100.{number}\r\n"))
    };
    assert_eq!(
        [1, 2, 3].map(direct),
        ["200"; 3],
        "clients that the trusted proxy names have their own budgets"
    );
}

#[test]
fn the_addresses_of_one_ipv6_subscriber_share_a_budget() {
    let limited = Limited::with("generate=2/m per address");
    let of = |address: &str| limited.generate(address);
    assert_eq!(["2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:db8:0:1::2"].map(of), [200, 200, 429]);
    assert_eq!(
        ["2001:db8:0:2::1", "198.51.100.1", "::ffff:198.51.100.1", "198.51.100.1"].map(of),
        [200, 200, 200, 429]
    );
}

/// One subscriber can have 65,536 of these /64s.
#[test]
fn the_addresses_of_one_ipv6_network_have_eight_times_the_budget_of_one_together() {
    let limited = Limited::with("generate=2/d per address");
    let statuses = |network: &str| {
        let of = |n: u32| limited.generate(&format!("2001:db8:{network}:{n:x}::1"));
        (1..=20).map(of).filter(|status| *status == 200).count()
    };
    assert_eq!((statuses("1"), statuses("2")), (16, 16), "of two networks with twenty /64s each");
    let refused = limited.ask("2001:db8:1:ffff::1", GENERATE, &json!({}));
    refused.is_refused(429, "rate_limited", "Too many requests from this address; try again in 5400 s");
    assert_eq!(told(&refused).1, Some("\"generate-address\";r=0;t=5400"));
    assert_eq!(limited.generate("198.51.100.1"), 200);
}

/// Seen: registrations without a field used up the budget of all clients.
#[test]
fn requests_that_name_nothing_take_nothing_of_the_global_budget_for_registrations_and_log_ins() {
    let limited = Limited::with("register=1/d global, off per address; login=1/d global, off per address");
    for path in ["/api/auth/register", "/api/auth/login"] {
        let empty = (1..=5).map(|n| limited.ask(&format!("198.51.100.{n}"), path, &json!({})).status);
        assert_eq!(empty.collect::<Vec<_>>(), [400; 5], "{path}");
    }
    let register = |name| limited.ask("203.0.113.1", "/api/auth/register", &registration(name)).status;
    assert_eq!(["ada", "eve"].map(register), [201, 429]);
    assert_eq!(["ada", "eve"].map(|name| limited.guess("203.0.113.1", name).status), [401, 429]);
}

/// A drop-in user's nginx is a peer on this machine: one budget for all of its clients would lock them all out.
#[test]
fn until_the_proxies_are_named_a_near_peer_has_no_limit_by_address_and_the_other_limits_hold() {
    let limits = "generate=1/d per address; login=1/d per address, 2/d per account; validate=2/d global";
    let service = Service::with(&[("RATE_LIMITS", limits)]);
    let client = service.anonymous();
    for _ in 0..3 {
        let answer = client.post(GENERATE, &json!({}));
        assert_eq!((answer.status, told(&answer)), (200, (None, None)));
    }
    let guess = || client.post("/api/auth/login", &json!({ "username": "ada", "password": "wrong" }));
    assert_eq!([(); 3].map(|()| guess().status), [401, 401, 429]);
    let validate = || client.post("/api/token/validate", &json!({ "token": "x" }));
    assert_eq!([(); 3].map(|()| validate().status), [401, 401, 429]);
}

#[test]
fn a_global_limit_is_for_all_clients_and_its_state_is_not_told() {
    let limited = Limited::with("generate=2/m global, off per address");
    assert_eq!(["198.51.100.1", "198.51.100.2"].map(|client| limited.generate(client)), [200, 200]);
    let refused = limited.ask("198.51.100.3", GENERATE, &json!({}));
    refused.is_refused(429, "rate_limited", "Too many requests of this kind; try again in 30 s");
    assert_eq!((refused.header("retry-after"), told(&refused)), (Some("30"), (None, None)));
    limited.at(30.5);
    assert_eq!(["198.51.100.4", "198.51.100.1"].map(|client| limited.generate(client)), [200, 429]);
}

#[test]
fn a_request_that_its_own_address_may_not_make_takes_nothing_of_what_all_share() {
    let limited = Limited::with("generate=1/d per address, 2/d global");
    assert_eq!([(); 5].map(|()| limited.generate("198.51.100.1")), [200, 429, 429, 429, 429]);
    assert_eq!(limited.generate("198.51.100.2"), 200);
}

#[test]
fn verdicts_are_counted_by_group_and_scope() {
    let settings =
        [("RATE_LIMITS", "generate=1/d per address, 9/d global"), ("TRUSTED_PROXIES", "127.0.0.9")];
    let service = Service::with(&settings);
    let statuses = [1, 2, 3].map(|_| from("127.0.0.2", service.address(), ""));
    assert_eq!(statuses, ["200", "429", "429"]);
    let metrics = service.admin().get("/metrics");
    for (scope, verdict, count) in [
        ("address", "admitted", 1),
        ("address", "refused", 2),
        ("global", "admitted", 1),
        ("global", "refused", 0),
    ] {
        let line = format!(
            "\njwt_rate_limit_verdicts_total{{group=\"generate\",scope=\"{scope}\",verdict=\"{verdict}\"}} {count}\n"
        );
        assert!(metrics.text().contains(&line), "{line}\n{}", metrics.text());
    }
}
