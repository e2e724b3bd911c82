//! The name of a browser for people.

/// Browsers, each with a word in `User-Agent` that only it and those above it have.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari/", "Safari"),
];
/// Systems, in the same way.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// The name of a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BrowserName {
    /// One that we know: the browser and its system.
    Known(String),
    /// What another browser says of itself. It may be any text, so the page must mark it.
    Claimed(String),
    /// It says nothing.
    Absent,
}

/// The name of the browser that sent this `User-Agent`.
pub(super) fn browser_name(user_agent: &str) -> BrowserName {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => BrowserName::Known(format!("{browser} · {system}")),
        (Some(browser), None) => BrowserName::Known(browser.to_owned()),
        _ if user_agent.is_empty() => BrowserName::Absent,
        _ => BrowserName::Claimed(user_agent.chars().take(60).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::{BrowserName, browser_name};

    #[test]
    fn common_browsers_have_their_names_and_others_what_they_say() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                "Chrome · Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0",
                "Edge · Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari · iPhone",
            ),
            ("Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0", "Firefox · Android"),
        ] {
            assert_eq!(browser_name(user_agent), BrowserName::Known(name.to_owned()), "{user_agent}");
        }
        assert_eq!(browser_name("curl/8.0"), BrowserName::Claimed("curl/8.0".to_owned()));
        assert_eq!(browser_name(""), BrowserName::Absent);
    }
}
