//! The documentation's pages: JSON for programs, pages for browsers, nothing from elsewhere.

use std::io::Read;

use flate2::read::GzDecoder;
use http::Method;

use crate::support::{Service, repository};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[test]
fn the_hub_is_json_for_programs_and_a_page_for_browsers() {
    let service = Service::start();
    let json = service.anonymous().get("/api/docs/");
    assert_eq!(json.ok()["documentation"]["swagger_ui"], "/api/docs/docs");
    let page = service.anonymous().send(Method::GET, "/api/docs/", &[BROWSER], "");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for answer in [&json, &page] {
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "Accept"));
    }
}

#[test]
fn the_hub_leads_to_discovery_and_to_the_account_if_oauth_is_on() {
    for (settings, is_on) in [(&[][..], true), (&[("NODE_ENV", "production")], false)] {
        let service = Service::with(settings);
        for (path, root) in [("/", ""), ("/api/docs/", "../../")] {
            let page = service.anonymous().send(Method::GET, path, &[BROWSER], "");
            for link in [".well-known/openid-configuration", "account"] {
                assert_eq!(page.text().contains(&format!("href=\"{root}{link}\"")), is_on, "{path} {link}");
            }
        }
    }
}

/// Seen: the page showed a step with a demo token on servers that refuse it, and "good for a day" whatever JWKS_MAX_AGE said.
#[test]
fn the_first_steps_fit_the_server() {
    let page = |settings: &[(&str, &str)]| {
        let service = Service::with(settings);
        service.anonymous().send(Method::GET, "/api/docs/", &[BROWSER], "").text().to_owned()
    };
    let (demo, account, operator) = ("/api/token/generate", "/api/auth/register", "jwt-generator token mint");
    for (settings, shown, cache) in [
        (&[][..], demo, "for 1 day."),
        (&[("DEMO_TOKENS", "false"), ("JWKS_MAX_AGE", "90m")], account, "for 90 minutes."),
        (
            &[("NODE_ENV", "production"), ("SKIP_DATABASE", "true"), ("JWKS_MAX_AGE", "1h")],
            operator,
            "for 1 hour.",
        ),
    ] {
        let text = page(settings);
        for step in [demo, account, operator] {
            assert_eq!(text.contains(step), step == shown, "{settings:?} {step}");
        }
        assert!(text.contains(&format!("Verifiers may cache it {cache}")), "{settings:?}: {text}");
        assert!(!text.contains("{{"), "{settings:?}: {text}");
    }
}

#[test]
fn the_root_is_a_page_for_browsers_and_the_recorded_json_for_programs() {
    let service = Service::start();
    let root = |accept: &[(&str, &str)]| service.anonymous().send(Method::GET, "/", accept, "");
    let page = root(&[BROWSER]);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("href=\"api/docs/docs\"") && page.text().contains("href=\"api/jwks\""));
    for accept in [&[][..], &[("accept", "*/*")], &[("accept", "application/json, text/plain, */*")]] {
        let json = root(accept);
        assert_eq!(json.ok()["message"], "JWT Generator API", "{accept:?}");
        assert!(json.headers.get_all("vary").iter().any(|value| value == "Accept"));
    }
}

#[test]
fn the_hub_without_its_slash_sends_browsers_to_where_its_links_work() {
    let service = Service::start();
    let answer = service.anonymous().send(Method::GET, "/api/docs", &[BROWSER], "");
    assert_eq!((answer.status, answer.header("location")), (308, Some("docs/")));
    assert_eq!(service.anonymous().send(Method::GET, "/api/docs?next=/", &[BROWSER], "").status, 308);
    assert_eq!(service.anonymous().send(Method::GET, "/api/docs/?x=1", &[BROWSER], "").status, 200);
    assert_eq!(
        service.anonymous().get("/api/docs").status,
        200,
        "programs read JSON, which has no relative links"
    );
}

#[test]
fn pages_may_load_from_this_server_alone_and_hold_no_inline_code() {
    let service = Service::start();
    for path in ["/", "/api/docs/", "/api/docs/docs", "/api/docs/docs-inline", "/api/docs/debug"] {
        let page = service.anonymous().send(Method::GET, path, &[BROWSER], "");
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let text = page.text();
        for fragment in text.split("<script").skip(1) {
            let tag = fragment.split('>').next().unwrap();
            assert!(tag.contains("src=") || tag.contains("application/json"), "{path}: <script{tag}>");
        }
        assert!(!text.contains("src=\"http") && !text.contains("onclick="), "{path}");
    }
}

/// The program keeps these files compressed.
#[test]
fn a_client_that_reads_gzip_gets_swagger_ui_compressed_and_others_get_the_same_file() {
    let service = Service::start();
    for file in ["swagger-ui.css", "swagger-ui-bundle.js"] {
        let path = format!("/api/docs/assets/{file}");
        let ask = |headers: &[(&str, &str)]| service.anonymous().send(Method::GET, &path, headers, "");
        let (plain, gzip) = (ask(&[]), ask(&[("accept-encoding", "br, gzip")]));
        assert_eq!(plain.body, std::fs::read(repository().join("web/swagger-ui").join(file)).unwrap());
        assert_eq!((plain.header("content-encoding"), gzip.header("content-encoding")), (None, Some("gzip")));
        assert!(gzip.body.len() * 3 < plain.body.len(), "{}", gzip.body.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(&gzip.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        assert_ne!(gzip.header("etag"), plain.header("etag"), "they are different bytes");
        for answer in [&plain, &gzip] {
            assert!(answer.headers.get_all("vary").iter().any(|value| value == "Accept-Encoding"));
        }
    }
}

#[test]
fn assets_are_tagged_and_cacheable() {
    let service = Service::start();
    for (file, kind) in [
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("docs.css", "text/css; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("hub.js", "text/javascript; charset=utf-8"),
        ("debug.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml"),
    ] {
        let path = format!("/api/docs/assets/{file}");
        let asset = service.anonymous().get(&path);
        assert_eq!((asset.status, asset.header("content-type")), (200, Some(kind)), "{file}");
        let tag = asset.header("etag").unwrap();
        let again = service.anonymous().send(Method::GET, &path, &[("if-none-match", tag)], "");
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
}
