//! The languages and the brand of the pages.

use http::Method;

use super::browser::{Browser, authorize, decoded, service, service_with, stays_here};

#[test]
fn the_app_chooses_the_language_before_the_browser() {
    let service = service();
    let browser = Browser::of(&service);
    let page = |more: &[(&str, &str)], accepted: &str| {
        let answer = browser.get(&authorize("own", more));
        let location = answer.header("location").unwrap().to_owned();
        browser.send(Method::GET, &location, String::new(), &[("accept-language", accepted)])
    };
    for (more, accepted, tag, part) in [
        (&[][..], "", "en", "Log in to continue to App <own>."),
        (&[], "de-CH, en;q=0.5", "de", "Melde dich an, um zu App <own> zu gelangen."),
        (&[("ui_locales", "xx fr-CA")], "de", "fr", "Connectez-vous pour continuer vers App <own>."),
        (&[("ui_locales", "xx")], "es", "es", "Inicia sesión para continuar a App <own>."),
        (&[], "ja", "ja", "App <own> に進むにはログインしてください。"),
    ] {
        let page = page(more, accepted);
        let text = decoded(page.text());
        assert!(text.contains(&format!("<html lang=\"{tag}\">")) && text.contains(part), "{text}");
    }
}

#[test]
fn a_refusal_is_a_page_in_the_language_of_the_browser() {
    let service = service();
    let browser = Browser::of(&service);
    let german = [("accept-language", "de")];
    let get = |path: &str| browser.send(Method::GET, path, String::new(), &german);
    stays_here(&get("/oauth/assets/other"), 404, "Diese Seite gibt es nicht.");
    stays_here(&get("/oauth/authorize"), 400, "eine fehlerhafte Anfrage gestellt");
    let answer = browser.send(Method::DELETE, "/oauth/login", String::new(), &german);
    stays_here(&answer, 405, "Diese Anfrage konnte nicht gelesen werden.");
    let limited =
        service_with(&[("RATE_LIMITS", "authorize=1/m per address"), ("TRUSTED_PROXIES", "127.0.0.1")]);
    let browser = Browser::of(&limited);
    let get =
        || browser.send(Method::GET, "/oauth/login", String::new(), &[("x-forwarded-for", "198.51.100.7")]);
    assert_eq!(get().status, 200);
    stays_here(&get(), 429, "Too many requests. Try again in");
}

#[test]
fn name_logo_and_colour_come_from_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let logo = folder.path().join("logo.svg");
    std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let service = service_with(&[
        ("BRAND_NAME", "Ada & Co"),
        ("BRAND_LOGO", logo.to_str().unwrap()),
        ("BRAND_COLOR", "#FFD500"),
    ]);
    let client = service.anonymous();
    assert!(client.get("/oauth/login").text().contains("Ada &#38; Co"));
    let style = client.get("/oauth/assets/pages.css");
    assert!(
        style.text().starts_with(":root { --brand: #ffd500; --on-brand: #000000; }\n"),
        "{}",
        style.text()
    );
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    let picture = client.get("/oauth/assets/logo");
    assert_eq!(
        (picture.header("content-type"), picture.text()),
        (Some("image/svg+xml"), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
    );
    let etag = picture.header("etag").unwrap().to_owned();
    let again = client.send(Method::GET, "/oauth/assets/logo", &[("if-none-match", &etag)], "");
    assert_eq!(again.status, 304);
}

/// By `lang` alone, a system in another language may write Japanese with Chinese forms of the characters.
#[test]
fn japanese_pages_name_japanese_fonts() {
    let service = service();
    let client = service.anonymous();
    let page = client.send(Method::GET, "/oauth/login", &[("accept-language", "ja")], "");
    assert!(page.text().contains("<html lang=\"ja\">"), "{}", page.text());
    let style = client.get("/oauth/assets/pages.css");
    let fonts = style.text().split_once("body:lang(ja) {").unwrap().1.split_once('}').unwrap().0;
    for family in ["Hiragino Sans", "Yu Gothic UI", "Noto Sans CJK JP"] {
        assert!(fonts.contains(family), "{family}: {fonts}");
    }
}

#[test]
fn without_an_issuer_there_are_no_pages() {
    let service = service_with(&[("NODE_ENV", "production"), ("JWT_ISSUER", "https-less")]);
    for path in ["/oauth/login", "/account", "/oauth/authorize?client_id=own"] {
        let answer = service.anonymous().get(path);
        stays_here(&answer, 404, "There is no such page.");
        assert!(answer.text().contains("its ISSUER_URL must be an https address"), "{}", answer.text());
    }
}
