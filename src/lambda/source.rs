//! The address that connected to the sender of an event; it corresponds to the peer of a socket.

use std::net::{IpAddr, Ipv4Addr};

use super::Form;
use super::event::Event;
use crate::domain::node_address;

/// AWS sets these parts of an event itself: `sourceIp` of API Gateway and function URLs, and the last address
/// of `X-Forwarded-For` behind a load balancer in its usual mode, `append`. All other parts are as the client
/// sent them.
pub(super) fn of(event: &Event, form: Form) -> IpAddr {
    let context = &event.request_context;
    let text = match form {
        Form::Two => context.http.as_ref().and_then(|http| http.source_ip.as_deref()),
        Form::One => context.identity.as_ref().and_then(|identity| identity.source_ip.as_deref()),
        Form::Balancer | Form::BalancerWithMany => appended(event),
    };
    text.and_then(node_address).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// The last element of the last line.
fn appended(event: &Event) -> Option<&str> {
    let is_it = |name: &str| name.eq_ignore_ascii_case("x-forwarded-for");
    let many = event.multi_value_headers.iter().flatten().find(|(name, _)| is_it(name));
    let single = event.headers.iter().flatten().find(|(name, _)| is_it(name));
    let line = match event.multi_value_headers {
        Some(_) => many.and_then(|(_, lines)| lines.last()),
        None => single.map(|(_, line)| line),
    };
    line?.rsplit(',').next()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Event, Form};
    use super::of;

    fn source(form: Form, event: Value) -> String {
        of(&serde_json::from_value::<Event>(event).unwrap(), form).to_string()
    }

    #[test]
    fn api_gateway_and_function_urls_say_which_address_connected_and_headers_do_not_count() {
        let headers = json!({ "X-Forwarded-For": "203.0.113.9", "x-real-ip": "203.0.113.9" });
        let one =
            json!({ "headers": headers, "requestContext": { "identity": { "sourceIp": "198.51.100.7" } } });
        let http = json!({ "method": "GET", "sourceIp": "2001:db8::1" });
        let two = json!({ "headers": headers, "requestContext": { "http": http } });
        assert_eq!(source(Form::One, one), "198.51.100.7");
        assert_eq!(source(Form::Two, two), "2001:db8::1");
        for form in [Form::One, Form::Two] {
            for context in [json!({}), json!({ "identity": null }), json!({ "identity": {} })] {
                assert_eq!(source(form, json!({ "headers": headers, "requestContext": context })), "0.0.0.0");
            }
        }
    }

    #[test]
    fn a_load_balancer_appends_the_address_and_the_context_does_not_count() {
        let context = json!({ "elb": {}, "identity": { "sourceIp": "203.0.113.9" } });
        let single = |line: &str| {
            source(
                Form::Balancer,
                json!({ "headers": { "x-forwarded-for": line }, "requestContext": context }),
            )
        };
        assert_eq!(single("198.51.100.7"), "198.51.100.7");
        assert_eq!(single("203.0.113.9, 10.0.0.1,198.51.100.7:4711"), "198.51.100.7");
        assert_eq!(single("203.0.113.9, \"[2001:db8::1]\""), "0.0.0.0");
        assert_eq!(single(""), "0.0.0.0");
        let many = |lines: &[&str]| {
            let headers = json!({ "x-forwarded-for": lines });
            source(Form::BalancerWithMany, json!({ "multiValueHeaders": headers, "requestContext": context }))
        };
        assert_eq!(many(&["203.0.113.9", "203.0.113.9, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(many(&[]), "0.0.0.0");
        assert_eq!(source(Form::Balancer, json!({ "requestContext": context })), "0.0.0.0");
    }
}
