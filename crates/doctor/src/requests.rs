//! The requests of each group of checks. Each function sends requests and hands the answers to the rules.

use http::Method;

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Finding, no_answer};
use crate::inspection::{Facts, Inspector};
use crate::{
    aws, caching, clock, connection, cors, discovery, health, host_names, key_schedule, key_set, keys,
    raw_connection, responses, tls, tokens, unusual_requests,
};

const JSON: (&str, &str) = ("content-type", "application/json");
/// More bytes than the service accepts in a header.
const LARGE_HEADER: usize = 72 * 1024;

impl Inspector<'_> {
    pub(crate) fn connection(&self, _: &mut Facts) -> Vec<Finding> {
        let target = &self.settings.target;
        let mut findings = vec![connection::https(target)];
        if !target.tls {
            return findings;
        }
        findings.extend(tls::handshake(&self.raw.handshake(), clock::now(self.clock)));
        if let Ok(accepted) = self.raw.accepts_old_tls(self.settings.random) {
            findings.push(tls::old_versions(accepted));
        }
        if let Some(port) = self.settings.http_port {
            let answer = self.raw.send_plainly(port, &self.raw_request("GET", "HTTP/1.1", ""));
            findings.push(connection::plain_http(answer.ok().as_deref()));
        }
        findings
    }

    pub(crate) fn key_set(&self, facts: &mut Facts) -> Vec<Finding> {
        let only_key_set = self.settings.only_key_set;
        let first = if only_key_set { "" } else { key_set::WELL_KNOWN };
        let mut answers = vec![(first, self.get_key_set(&self.at(first)))];
        let mut findings = vec![connection::reachable(&answers[0].1)];
        if answers[0].1.is_err() {
            return findings;
        }
        if !only_key_set {
            answers.extend(key_set::OTHER_PATHS.map(|path| (path, self.get_key_set(&self.at(path)))));
        }
        // If the first path has no keys, the checks use another path that has some.
        let usable = answers.iter().position(|(_, answer)| key_set::read(answer).1.is_some());
        let (path, answer) = answers.remove(usable.unwrap_or(0));
        let (read, keys) = key_set::read(&answer);
        findings.extend(connection::redirect(&answer));
        findings.extend(read);
        if let (Some(keys), false) = (&keys, only_key_set) {
            findings.extend(key_set::paths(keys, &answers));
        }
        if let Ok(answer) = answer {
            findings.extend(cors::key_set(&answer));
            if self.settings.target.tls {
                findings.push(connection::hsts(&answer));
            }
            facts.key_set = keys.is_some().then(|| (answer, self.at(path)));
        }
        facts.keys = keys;
        findings
    }

    /// Asks as a verifier in a browser that cannot read a compressed answer.
    fn get_key_set(&self, url: &str) -> AnswerOrError {
        self.client.get(url, &[("origin", cors::UNKNOWN_ORIGIN), ("accept-encoding", "identity")])
    }

    pub(crate) fn keys(&self, facts: &mut Facts) -> Vec<Finding> {
        facts.keys.as_ref().map_or_else(Vec::new, keys::check)
    }

    pub(crate) fn caching(&self, facts: &mut Facts) -> Vec<Finding> {
        let Some((answer, url)) = &facts.key_set else { return Vec::new() };
        let second = answer.header("etag").map(|tag| self.client.get(url, &[("if-none-match", tag)]));
        caching::check(answer, second.as_ref())
    }

    pub(crate) fn service(&self, facts: &mut Facts) -> Vec<Finding> {
        let mut findings = Vec::new();
        let id = format!("doctor-{}", self.nonce);
        match self.client.get(&self.at("/health"), &[("x-request-id", &id)]) {
            Ok(answer) => {
                facts.now = health::time(&answer);
                findings.extend(health::check(&answer));
                findings.push(health::clock(&answer, self.settings.clock_skew));
                findings.extend(responses::headers(&answer));
                findings.push(responses::request_id(&answer, &id));
            }
            Err(error) => findings.push(health::HEALTH.warn(no_answer("/health", error))),
        }
        let listed = key_schedule::listed_keys(&self.client.get(&self.at("/api/key-info"), &[]));
        match (listed, &facts.keys) {
            (Ok(listed), Some(keys)) => {
                let max_age = facts.key_set.as_ref().and_then(|(answer, _)| caching::max_age(answer));
                let now = facts.now.unwrap_or_else(|| clock::now(self.clock));
                findings.extend(key_schedule::check(&listed, keys, max_age, now));
                facts.listed_keys = listed;
            }
            (Err(reason), _) => findings.push(key_schedule::KEY_INFO.skip(reason)),
            (Ok(_), None) => {}
        }
        findings
    }

    pub(crate) fn demo_token(&self, facts: &mut Facts) -> Vec<Finding> {
        let answer = self.post_token_request(&[JSON]);
        facts.demo_token = answer.as_ref().ok().and_then(tokens::demo_token);
        let is_this_machine = self.settings.target.is_this_machine();
        let mut findings = tokens::demo(&answer, is_this_machine);
        findings.extend(answer.ok().map(|answer| health::client_limit(&answer, is_this_machine)));
        findings
    }

    fn post_token_request(&self, headers: &[(&str, &str)]) -> AnswerOrError {
        self.client.send(&Method::POST, &self.at("/api/token/generate"), headers, "{}")
    }

    pub(crate) fn host_names(&self, facts: &mut Facts) -> Vec<Finding> {
        let host = [("host", host_names::FALSE_HOST)];
        let twice = self.raw_request("GET", "HTTP/1.1", &format!("Host: {}\r\n", host_names::FALSE_HOST));
        let twice = self.raw.send(&twice).ok().and_then(|answer| raw_connection::status(&answer));
        vec![
            host_names::host(&self.answers_to(&host, facts)),
            host_names::forwarded(&self.answers_to(&host_names::FORWARDED_HEADERS, facts)),
            host_names::twice(twice),
        ]
    }

    /// The answers to requests with these headers. The query keeps caches from giving them to other callers.
    fn answers_to(&self, headers: &[(&str, &str)], facts: &Facts) -> Vec<(&'static str, Answer)> {
        const PATHS: [&str; 6] = [
            "/",
            "/api/docs/openapi.json",
            "/api/docs/",
            key_set::WELL_KNOWN,
            discovery::OPENID,
            "/no-such-path",
        ];
        let mut answers = Vec::new();
        for path in PATHS {
            let url = self.at(&format!("{path}?doctor={}", self.nonce));
            answers.extend(self.client.get(&url, headers).ok().map(|answer| (path, answer)));
        }
        if facts.demo_token.is_some()
            && let Ok(answer) = self.post_token_request(&[&[JSON], headers].concat())
        {
            let claims = tokens::demo_token(&answer).and_then(|token| jose::decode_unverified(&token).ok());
            let body = claims.map(|(_, claims)| claims.into_bytes()).unwrap_or_default();
            answers.push(("/api/token/generate", Answer { body, ..answer }));
        }
        answers
    }

    pub(crate) fn browsers(&self, _: &mut Facts) -> Vec<Finding> {
        let url = self.at("/api/key-info");
        let mut findings = Vec::new();
        let mut reader = self.settings.origin.clone();
        if let Ok(answer) = self.client.get(&url, &[("origin", cors::UNKNOWN_ORIGIN)]) {
            findings.extend(cors::unknown_origin(&answer, self.settings.target.is_this_machine()));
            if cors::may_read(&answer, cors::UNKNOWN_ORIGIN) {
                reader = reader.or_else(|| Some(cors::UNKNOWN_ORIGIN.to_owned()));
            }
        }
        if let Some(origin) = &self.settings.origin
            && let Ok(answer) = self.client.get(&url, &[("origin", origin)])
        {
            findings.extend(cors::invited_origin(&answer, origin));
        }
        if let Some(origin) = reader {
            let headers = [
                ("origin", origin.as_str()),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,content-type"),
            ];
            let url = self.at("/api/token/validate");
            findings.push(cors::preflight(&self.client.send(&Method::OPTIONS, &url, &headers, ""), &origin));
        }
        findings
    }

    pub(crate) fn responses(&self, _: &mut Facts) -> Vec<Finding> {
        let unknown = self.client.get(&self.at(&format!("/api/no-such-path-{}", self.nonce)), &[]);
        let wrong_method = self.client.send(&Method::DELETE, &self.at("/api/jwks"), &[], "");
        let text = [("content-type", "text/plain")];
        let wrong_type = self.client.send(&Method::POST, &self.at("/api/token/validate"), &text, "text");
        let mut findings = responses::errors(&[
            ("A request for an unknown path", 404, "not_found", unknown),
            ("A request with a wrong method", 405, "method_not_allowed", wrong_method),
            ("A request with a text body", 415, "unsupported_media_type", wrong_type),
        ]);
        let profile = self.client.get(&self.at("/api/auth/profile"), &[]);
        findings.extend(profile.ok().map(|answer| responses::challenge(&answer)));
        findings
    }

    pub(crate) fn unusual_requests(&self, _: &mut Facts) -> Vec<Finding> {
        if !self.client.has_time() {
            return Vec::new();
        }
        let send = |request: &[u8]| self.raw.send(request).ok();
        let status = |request: &[u8]| send(request).and_then(|answer| raw_connection::status(&answer));
        let mark = format!("mark-{}", self.nonce);
        let trace = send(&self.raw_request("TRACE", "HTTP/1.1", &format!("X-Doctor: {mark}\r\n")));
        let old = status(&self.raw_request("GET", "HTTP/1.0", ""));
        let filler = "x".repeat(LARGE_HEADER);
        let large = status(&self.raw_request("GET", "HTTP/1.1", &format!("X-Doctor: {filler}\r\n")));
        let next = self.client.get(&self.at("/health"), &[]);
        vec![
            unusual_requests::trace(trace.as_deref(), &mark),
            unusual_requests::http_1_0(old),
            unusual_requests::large_header(large, &next),
        ]
    }

    pub(crate) fn token(&self, facts: &mut Facts) -> Vec<Finding> {
        let Some(token) = self.settings.token.as_ref().or(facts.demo_token.as_ref()) else {
            return Vec::new();
        };
        let Some(keys) = &facts.keys else { return Vec::new() };
        tokens::verify(token, &keys::verifying(keys), &self.settings.expected, clock::now(self.clock))
    }

    pub(crate) fn aws(&self, facts: &mut Facts) -> Vec<Finding> {
        let (Some(keys), Some((set, _)), true) = (&facts.keys, &facts.key_set, self.settings.aws) else {
            return Vec::new();
        };
        let expected = &self.settings.expected.issuer;
        let (issuer, document) = aws::issuer(expected.as_deref());
        let lead = key_schedule::lead(&facts.listed_keys);
        let mut findings = vec![aws::rsa(keys), issuer, aws::lead(lead), aws::limits(set)];
        findings.push(match (document, expected) {
            (Some(url), Some(issuer)) => match aws::discovery(&self.client.get(&url, &[]), issuer) {
                Ok(jwks_uri) => aws::discovered_key_set(&self.get_key_set(&jwks_uri)),
                Err(finding) => finding,
            },
            _ => aws::DISCOVERY.skip("The issuer has no address that could serve a discovery document."),
        });
        findings
    }

    pub(crate) fn at(&self, path: &str) -> String {
        self.settings.target.at(path)
    }

    /// A request as bytes, because no HTTP client would send it.
    fn raw_request(&self, method: &str, version: &str, headers: &str) -> Vec<u8> {
        let (prefix, host) = (&self.settings.target.prefix, self.settings.target.authority());
        format!("{method} {prefix}/health {version}\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
            .into_bytes()
    }
}
