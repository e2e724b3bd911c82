//! The recipes of docs/oauth.md for apps with a browser, as a reader runs them.

use super::browser::{Browser, request};
use crate::oauth::recipes::shell;
use crate::readme::blocks_of;
use crate::support::{Program, eventually, read};

#[test]
fn the_clients_of_the_recipes_log_users_in() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[("KEY_REFRESH", "1s"), ("BCRYPT_ROUNDS", "4")]);
    program.client().register("alice");
    let browser = Browser::at(&program.client());
    let page = browser.open("/oauth/login").unwrap();
    browser.log_in(&page, "alice").unwrap();
    for (heading, id, redirect_uri) in [
        ("## Web app", "shop", "https://shop.example.com/callback"),
        ("## Single-page app", "spa", "https://spa.example.com/callback"),
        ("## Native app", "desktop", "http://127.0.0.1:51004/callback"),
        ("## Native app", "desktop", "com.example.desktop:/callback"),
    ] {
        let blocks = blocks_of(&read("docs/oauth.md"), heading);
        if !redirect_uri.starts_with("com.example.desktop") {
            shell(&program, folder.path(), &blocks[0]);
        }
        let path = format!("/oauth/authorize?{}", request(id, &[("redirect_uri", redirect_uri)]));
        // The running service learns of the client within `KEY_REFRESH`.
        let answer =
            eventually("the client", || Some(browser.get(&path)).filter(|answer| answer.status == 303));
        let page = browser.follow(answer).unwrap();
        let address = browser.submit(&page, &[("answer", "allow")]).unwrap_err();
        assert!(address.starts_with(&format!("{redirect_uri}?code=")), "{address}");
    }
}
