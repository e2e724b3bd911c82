//! The steps of the examination: each asks the deployment and hands what came back to the rules. All questions are here.

use http::Method;

use super::client::{Answer, Answered};
use super::examination::{Examination, Known};
use super::finding::Finding;
use super::{
    aws, caching, connection, cors, health, hosts, key_set, keys, manners, schedule, tls, tokens, wire,
};

const JSON: (&str, &str) = ("content-type", "application/json");
/// Above what the service takes, in bytes.
const LARGE: usize = 72 * 1024;

impl Examination<'_> {
    pub(super) fn connection(&self, _: &mut Known) -> Vec<Finding> {
        let mut findings = vec![connection::https(self.target)];
        if !self.target.tls {
            return findings;
        }
        findings.extend(tls::shaken(&self.wire.handshake(), self.clock.now()));
        if let Ok(spoken) = self.wire.speaks_old_tls(self.random) {
            findings.push(tls::old(spoken));
        }
        if let Some(port) = self.http_port {
            let answer = self.wire.say_plainly(port, &self.by_hand("GET", "HTTP/1.1", ""));
            findings.push(connection::plain(answer.ok().as_deref()));
        }
        findings
    }

    pub(super) fn key_set(&self, known: &mut Known) -> Vec<Finding> {
        let first = if self.only_keys { "" } else { key_set::WELL_KNOWN };
        let mut asked = vec![(first, self.ask_keys(&self.target.at(first)))];
        let mut findings = vec![connection::reached(&asked[0].1)];
        if asked[0].1.is_err() {
            return findings;
        }
        if !self.only_keys {
            asked.extend(key_set::OTHER_PATHS.map(|path| (path, self.ask_keys(&self.target.at(path)))));
        }
        // Where the first path has none, the rest is told of another that has.
        let found = asked.iter().position(|(_, answered)| key_set::read(answered).1.is_some());
        let (path, answered) = asked.remove(found.unwrap_or(0));
        let (read, keys) = key_set::read(&answered);
        findings.extend(connection::redirect(&answered));
        findings.extend(read);
        if let (Some(keys), false) = (&keys, self.only_keys) {
            findings.extend(key_set::paths(keys, &asked));
        }
        if let Ok(answer) = answered {
            findings.extend(cors::key_set(&answer));
            if self.target.tls {
                findings.push(connection::hsts(&answer));
            }
            known.set = keys.is_some().then(|| (answer, self.target.at(path)));
        }
        known.keys = keys;
        findings
    }

    /// As a verifier in a browser would, that can read no compressed answer.
    fn ask_keys(&self, url: &str) -> Answered {
        self.client.get(url, &[("origin", cors::STRANGER), ("accept-encoding", "identity")])
    }

    pub(super) fn keys(&self, known: &mut Known) -> Vec<Finding> {
        known.keys.as_ref().map_or_else(Vec::new, keys::look)
    }

    pub(super) fn caching(&self, known: &mut Known) -> Vec<Finding> {
        let Some((answer, url)) = &known.set else { return Vec::new() };
        let again = answer.header("etag").map(|tag| self.client.get(url, &[("if-none-match", tag)]));
        caching::look(answer, again.as_ref())
    }

    pub(super) fn service(&self, known: &mut Known) -> Vec<Finding> {
        let mut findings = Vec::new();
        let id = format!("doctor-{}", self.nonce);
        match self.client.get(&self.target.at("/health"), &[("x-request-id", &id)]) {
            Ok(answer) => {
                known.now = health::time(&answer);
                findings.extend(health::look(&answer));
                findings.push(health::clock(&answer, self.skew));
                findings.extend(manners::headers(&answer));
                findings.push(manners::request_id(&answer, &id));
            }
            Err(error) => findings.push(health::HEALTH.warn(error)),
        }
        let told = schedule::told(&self.client.get(&self.target.at("/api/key-info"), &[]));
        match (told, &known.keys) {
            (Ok(told), Some(keys)) => {
                let max_age = known.set.as_ref().and_then(|(answer, _)| caching::max_age(answer));
                let now = known.now.unwrap_or_else(|| self.clock.now());
                findings.extend(schedule::look(&told, keys, max_age, now));
                known.told = told;
            }
            (Err(why), _) => findings.push(schedule::KEY_INFO.skip(why)),
            (Ok(_), None) => {}
        }
        findings
    }

    pub(super) fn demo(&self, known: &mut Known) -> Vec<Finding> {
        let answered = self.ask_token(&[JSON]);
        known.demo = answered.as_ref().ok().and_then(tokens::demo_token);
        tokens::demo(&answered, self.target.is_here())
    }

    fn ask_token(&self, headers: &[(&str, &str)]) -> Answered {
        self.client.ask(&Method::POST, &self.target.at("/api/token/generate"), headers, "{}")
    }

    pub(super) fn names(&self, known: &mut Known) -> Vec<Finding> {
        let host = [("host", hosts::SPOOFED)];
        let twice = self.by_hand("GET", "HTTP/1.1", &format!("Host: {}\r\n", hosts::SPOOFED));
        let twice = self.wire.say(&twice).ok().and_then(|answer| wire::status(&answer));
        vec![
            hosts::look(hosts::HOST, &self.answers_to(&host, known)),
            hosts::look(hosts::FORWARDED, &self.answers_to(&hosts::FORWARDED_HEADERS, known)),
            hosts::twice(twice),
        ]
    }

    /// What is answered to these headers. The query keeps caches from giving it to others.
    fn answers_to(&self, headers: &[(&str, &str)], known: &Known) -> Vec<(&'static str, Answer)> {
        const PATHS: [&str; 5] =
            ["/", "/api/docs/openapi.json", "/api/docs/", key_set::WELL_KNOWN, "/no-such-path"];
        let mut answers = Vec::new();
        for path in PATHS {
            let url = self.target.at(&format!("{path}?doctor={}", self.nonce));
            answers.extend(self.client.get(&url, headers).ok().map(|answer| (path, answer)));
        }
        if known.demo.is_some()
            && let Ok(answer) = self.ask_token(&[&[JSON], headers].concat())
        {
            let claims = tokens::demo_token(&answer).and_then(|token| jose::decode_unverified(&token).ok());
            let body = claims.map(|(_, claims)| claims.into_bytes()).unwrap_or_default();
            answers.push(("/api/token/generate", Answer { body, ..answer }));
        }
        answers
    }

    pub(super) fn browsers(&self, _: &mut Known) -> Vec<Finding> {
        let url = self.target.at("/api/key-info");
        let mut findings = Vec::new();
        let mut reader = self.origin.clone();
        if let Ok(answer) = self.client.get(&url, &[("origin", cors::STRANGER)]) {
            findings.extend(cors::stranger(&answer, self.target.is_here()));
            if cors::may_read(&answer, cors::STRANGER) {
                reader = reader.or_else(|| Some(cors::STRANGER.to_owned()));
            }
        }
        if let Some(origin) = &self.origin
            && let Ok(answer) = self.client.get(&url, &[("origin", origin)])
        {
            findings.extend(cors::invited(&answer, origin));
        }
        if let Some(origin) = reader {
            let asked = [
                ("origin", origin.as_str()),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,content-type"),
            ];
            let url = self.target.at("/api/token/validate");
            findings.push(cors::preflight(&self.client.ask(&Method::OPTIONS, &url, &asked, ""), &origin));
        }
        findings
    }

    pub(super) fn manners(&self, _: &mut Known) -> Vec<Finding> {
        let unknown = self.client.get(&self.target.at(&format!("/api/no-such-path-{}", self.nonce)), &[]);
        let wrong_method = self.client.ask(&Method::DELETE, &self.target.at("/api/jwks"), &[], "");
        let text = [("content-type", "text/plain")];
        let wrong_type =
            self.client.ask(&Method::POST, &self.target.at("/api/token/validate"), &text, "text");
        let mut findings = manners::errors(&[
            ("an unknown path", 404, "not_found", unknown),
            ("a wrong method", 405, "method_not_allowed", wrong_method),
            ("a body of text", 415, "unsupported_media_type", wrong_type),
        ]);
        let profile = self.client.get(&self.target.at("/api/auth/profile"), &[]);
        findings.extend(profile.ok().map(|answer| manners::challenge(&answer)));
        findings
    }

    pub(super) fn odd_requests(&self, _: &mut Known) -> Vec<Finding> {
        if !self.client.has_time() {
            return Vec::new();
        }
        let said = |request: &[u8]| self.wire.say(request).ok();
        let status = |request: &[u8]| said(request).and_then(|answer| wire::status(&answer));
        let mark = format!("mark-{}", self.nonce);
        let traced = said(&self.by_hand("TRACE", "HTTP/1.1", &format!("X-Doctor: {mark}\r\n")));
        let old = status(&self.by_hand("GET", "HTTP/1.0", ""));
        let filler = "x".repeat(LARGE);
        let large = status(&self.by_hand("GET", "HTTP/1.1", &format!("X-Doctor: {filler}\r\n")));
        let next = self.client.get(&self.target.at("/health"), &[]);
        vec![manners::trace(traced.as_deref(), &mark), manners::http_1_0(old), manners::large(large, &next)]
    }

    pub(super) fn token(&self, known: &mut Known) -> Vec<Finding> {
        let Some(token) = self.token.as_ref().or(known.demo.as_ref()) else { return Vec::new() };
        let Some(keys) = &known.keys else { return Vec::new() };
        tokens::verify(token, &keys::verifying(keys), &self.expected, self.clock.now())
    }

    pub(super) fn amazon(&self, known: &mut Known) -> Vec<Finding> {
        let (Some(keys), Some((set, _)), true) = (&known.keys, &known.set, self.aws) else {
            return Vec::new();
        };
        let (issuer, document) = aws::issuer(self.expected.issuer.as_deref());
        let mut findings =
            vec![aws::rsa(keys), issuer, aws::lead(schedule::lead(&known.told)), aws::limits(set)];
        findings.push(match (document, &self.expected.issuer) {
            (Some(url), Some(issuer)) => match aws::discovery(&self.client.get(&url, &[]), issuer) {
                Ok(jwks) => aws::discovered(&self.ask_keys(&jwks)),
                Err(finding) => finding,
            },
            _ => aws::DISCOVERY.skip("no issuer is known that could be asked"),
        });
        findings
    }

    /// A request as bytes, for what no client would send.
    fn by_hand(&self, method: &str, version: &str, headers: &str) -> Vec<u8> {
        let (prefix, host) = (&self.target.prefix, self.target.authority());
        format!("{method} {prefix}/health {version}\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
            .into_bytes()
    }
}
