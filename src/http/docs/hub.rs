//! The page that a browser gets at `/` and at `/api/docs/`: the first steps with this server, and links.

use super::page::page;
use crate::http::{Api, Response};

const HUB: &str = include_str!("../../../web/docs/hub.html");
const WITH_DEMO_TOKEN: &str = include_str!("../../../web/docs/steps/demo.html");
const WITH_ACCOUNT: &str = include_str!("../../../web/docs/steps/account.html");
const WITH_OPERATOR: &str = include_str!("../../../web/docs/steps/operator.html");
const OAUTH_LINKS: &str = include_str!("../../../web/docs/oauth_links.html");

/// The path of the page. Its links are relative, so that they work behind any prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum HubPath {
    /// `/`
    Root,
    /// `/api/docs/`
    Docs,
}

/// The page, as it fits this server now.
pub(in crate::http) fn hub_page(api: &Api, path: HubPath) -> Response {
    let (here, docs, root) = match path {
        HubPath::Root => ("./", "api/docs/", ""),
        HubPath::Docs => ("./", "", "../../"),
    };
    let first_step = match (api.has_demo_tokens(), api.health.is_database_connected()) {
        (true, _) => WITH_DEMO_TOKEN,
        (false, true) => WITH_ACCOUNT,
        (false, false) => WITH_OPERATOR,
    };
    let html = HUB
        .replace("{{first-step}}", first_step)
        .replace("{{oauth}}", if api.oauth.issuer().is_some() { OAUTH_LINKS } else { "" })
        .replace("{{server}}", super::server_address(api))
        .replace("{{here}}", here)
        .replace("{{docs}}", docs)
        .replace("{{root}}", root)
        .replace(
            "{{max-age}}",
            &key_set_max_age(api).map_or("the time in its Cache-Control".to_owned(), in_words),
        );
    page(html.into())
}

/// How long verifiers may cache the key set now, in seconds; `None` if there is no key set.
pub(super) fn key_set_max_age(api: &Api) -> Option<u64> {
    api.keys.ring().as_ref().and_then(|ring| ring.max_age(api.clock.uptime()))
}

/// A length of time in the largest unit that needs no fraction.
fn in_words(secs: u64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let fits = |(_, size): &(&str, u64)| secs >= *size && secs.is_multiple_of(*size);
    let (unit, size) = units.into_iter().find(fits).unwrap_or(("second", 1));
    let count = secs / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_length_of_time_is_told_without_fractions() {
        let lengths = [0, 1, 90, 300, 3_600, 5_400, 86_400, 7 * 86_400];
        let words =
            ["0 seconds", "1 second", "90 seconds", "5 minutes", "1 hour", "90 minutes", "1 day", "7 days"];
        assert_eq!(lengths.map(in_words), words);
    }
}
