//! Requests that every endpoint refuses: by path, method or body.

use http::Method;

use crate::support::Service;
use jwt_generator::http::{Auth, Operation, operations};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn nothing_at_a_path_is_a_json_404_in_the_originals_words() {
    let service = Service::start();
    for path in ["/nope", "/nope?x=1", "/api/", "/api/jwks/x", "/NOPE/", "/%2e%2e/etc/passwd"] {
        let sentence = format!("Route {path} not found");
        for method in [Method::GET, Method::POST, Method::DELETE] {
            service.anonymous().send(method, path, &[], "").is_refused(404, "not_found", &sentence);
        }
    }
}

#[test]
fn an_asset_that_is_not_there_is_a_json_404() {
    let service = Service::start();
    for path in ["/api/docs/assets/nothing.js", "/api/docs/assets/%ff", "/api/docs/assets/Nothing.JS?a=1"] {
        let sentence = format!("Route {path} not found");
        service.anonymous().get(path).is_refused(404, "not_found", &sentence);
    }
}

#[test]
fn a_wrong_method_is_a_json_405_that_lists_the_right_ones() {
    let service = Service::start();
    for (path, method, allow) in [
        ("/api/token/generate", Method::GET, "POST"),
        ("/api/auth/login", Method::PUT, "POST"),
        ("/api/jwks", Method::POST, "GET,HEAD"),
        ("/health", Method::DELETE, "GET,HEAD"),
        ("/api/auth/profile", Method::PATCH, "GET,HEAD"),
    ] {
        let answer = service.anonymous().send(method.clone(), path, &[], "");
        let sentence = format!("{method} is not allowed on {path}; the Allow header lists what is");
        answer.is_refused(405, "method_not_allowed", &sentence);
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

#[test]
fn head_works_wherever_get_does() {
    let service = Service::start();
    let without_token = |one: &&Operation| one.method == Method::GET && one.auth != Auth::Required;
    for operation in operations().iter().filter(without_token) {
        let path = operation.path.replace("{file}", "docs.css");
        let (get, head) =
            (service.anonymous().get(&path), service.anonymous().send(Method::HEAD, &path, &[], ""));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
    }
}

#[test]
fn options_works_everywhere() {
    let service = Service::start();
    for operation in operations() {
        let path = operation.path.replace("{file}", "docs.css");
        let answer = service.anonymous().send(Method::OPTIONS, &path, &[], "");
        let here = operations().iter().filter(|other| other.path == operation.path);
        let methods = here.map(|other| if other.method == Method::GET { "GET,HEAD" } else { "POST" });
        let allow = format!("{},OPTIONS", methods.collect::<Vec<_>>().join(","));
        assert_eq!(
            (answer.status, answer.header("allow"), answer.body.len()),
            (204, Some(allow.as_str()), 0),
            "{path}"
        );
    }
    service.anonymous().send(Method::OPTIONS, "/nope", &[], "").is_refused(
        404,
        "not_found",
        "Route /nope not found",
    );
}

#[test]
fn a_body_above_100_kib_is_413_whether_it_says_so_or_not() {
    let service = Service::start();
    let sized = |bytes: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(bytes - 8));
    for path in ["/api/token/generate", "/api/token/validate", "/api/auth/register", "/api/auth/login"] {
        let fits = service.anonymous().send(Method::POST, path, &[JSON], sized(100 * 1024));
        assert_ne!(fits.status, 413, "{path}");
        let answer = service.anonymous().send(Method::POST, path, &[JSON], sized(100 * 1024 + 1));
        answer.is_refused(413, "body_too_large", "The request body must be at most 102400 bytes");
    }
}

#[test]
fn what_is_neither_json_nor_a_form_is_415() {
    let service = Service::start();
    let kinds = "The request body must be application/json or application/x-www-form-urlencoded, in UTF-8";
    for content_type in [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "",
    ] {
        let headers = [("content-type", content_type)];
        let answer = service.anonymous().send(Method::POST, "/api/token/generate", &headers, "{}");
        answer.is_refused(415, "unsupported_media_type", kinds);
    }
    let compressed = [JSON, ("content-encoding", "gzip")];
    let answer = service.anonymous().send(Method::POST, "/api/token/generate", &compressed, "{}");
    answer.is_refused(415, "unsupported_media_type", "The request body must not be compressed");
    for fine in ["application/json; charset=UTF-8", "APPLICATION/JSON", "application/json;charset=\"utf-8\""]
    {
        let answer =
            service.anonymous().send(Method::POST, "/api/token/generate", &[("content-type", fine)], "{}");
        assert_eq!(answer.status, 200, "{fine}");
    }
}

#[test]
fn h11_what_is_no_json_object_with_each_member_once_is_400() {
    let service = Service::start();
    let crowd = format!("{{{}}}", (0..65).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(","));
    for (body, sentence) in [
        ("{\"username\":", "The request body is not valid JSON (line 1, column 12)"),
        ("{\n \"a\": 1,\n}", "The request body is not valid JSON (line 3, column 1)"),
        ("[]", "The request body must be a JSON object"),
        ("null", "The request body must be a JSON object"),
        ("\"text\"", "The request body must be a JSON object"),
        ("{\"a\":1,\"a\":2}", "The request body has a member twice"),
        ("{\"a\":1,\"\\u0061\":2}", "The request body has a member twice"),
        (crowd.as_str(), "The request body has more than 64 members"),
    ] {
        for path in ["/api/token/generate", "/api/token/validate", "/api/auth/register", "/api/auth/login"] {
            let answer = service.anonymous().send(Method::POST, path, &[JSON], body);
            answer.is_refused(400, "malformed_body", sentence);
        }
    }
    let answer =
        service.anonymous().send(Method::POST, "/api/auth/login", &[JSON], b"{\"username\":\"\xff\"}");
    answer.is_refused(400, "malformed_body", "The request body must be JSON in UTF-8");
}

#[test]
fn a_form_has_plain_fields_each_of_them_once() {
    let service = Service::start();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let send = |body: &str| service.anonymous().send(Method::POST, "/api/auth/login", &[form], body);
    let nested = "username must be a string; send nested values as JSON";
    send("username[$regex]=.*&password=x").is_refused(400, "invalid_field", nested);
    send("x=1&x=2&y[z]=3&username=a&password=b").is_refused(
        401,
        "invalid_credentials",
        "Invalid credentials",
    );
    send("username=a&username=b").is_refused(400, "malformed_body", "The request body has a member twice");
    let crowd = (0..65).map(|n| format!("m{n}=1")).collect::<Vec<_>>().join("&");
    send(&crowd).is_refused(400, "malformed_body", "The request body has more than 64 members");
    send("username=a&password=b").is_refused(401, "invalid_credentials", "Invalid credentials");
    // Seen: each byte that was not UTF-8 became three bytes of memory, which were not counted.
    let answer =
        service.anonymous().send(Method::POST, "/api/auth/login", &[form], b"username=\xff&password=b");
    answer.is_refused(400, "malformed_body", "The request body must be a form in UTF-8");
}

#[test]
fn paths_are_taken_as_express_takes_them() {
    let service = Service::start();
    for path in ["/HEALTH", "/health/", "/Api/Jwks", "/api/docs", "/api/docs/", "/API/docs/Assets/Docs.CSS//"]
    {
        assert_eq!(service.anonymous().get(path).status, 200, "{path}");
    }
}
