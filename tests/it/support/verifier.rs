//! Verifiers in other languages. Each is a program that reads one token per line and answers with one line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{repository, tool};

/// A running verifier.
pub struct Verifier {
    pub name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Its standard error. If it had that of the tests, Node would make it non-blocking for them, too, and the end of a failing
    /// test's output could be lost.
    errors: File,
}

impl Verifier {
    /// npm jose, PyJWT, go-oidc and Nimbus, each fetching its keys from this address.
    pub fn all(jwks_url: &str, issuer: &str, audience: &str) -> Vec<Self> {
        let node = repository().join("tests/foreign/node");
        let python = repository().join("tests/foreign/python/verifier.py");
        let mut jose = Command::new("node");
        jose.arg("verifier.js").current_dir(node);
        let mut pyjwt = Command::new(tool("venv/bin/python"));
        pyjwt.arg(python);
        let mut nimbus = Command::new("java");
        nimbus.arg("-jar").arg(tool("foreign/java-verifier.jar"));
        let go_oidc = Command::new(tool("foreign/go-verifier"));
        [("jose", jose), ("PyJWT", pyjwt), ("go-oidc", go_oidc), ("Nimbus", nimbus)]
            .into_iter()
            .map(|(name, command)| Self::start(name, command, [jwks_url, issuer, audience]))
            .collect()
    }

    /// @noble/post-quantum, which fetches its keys from this address.
    pub fn post_quantum(jwks_url: &str, issuer: &str, audience: &str) -> Self {
        let mut noble = Command::new("node");
        noble.arg("post_quantum_verifier.js").current_dir(repository().join("tests/foreign/node"));
        Self::start("@noble/post-quantum", noble, [jwks_url, issuer, audience])
    }

    /// npm jose with @sd-jwt/jwt-status-list, which fetches its keys from this address and reads the lists that tokens name.
    pub fn of_status_lists(jwks_url: &str, issuer: &str, audience: &str) -> Self {
        let mut node = Command::new("node");
        node.arg("status_list_verifier.js").current_dir(repository().join("tests/foreign/node"));
        Self::start("@sd-jwt/jwt-status-list", node, [jwks_url, issuer, audience])
    }

    /// The libraries of Standard Webhooks, which answer `ok` or `refused REASON` to a line of JSON with `secret`, `headers` and
    /// `body`.
    pub fn of_webhooks() -> [Self; 2] {
        let mut python = Command::new(tool("venv/bin/python"));
        python.arg(repository().join("tests/foreign/python/webhook_verifier.py"));
        let mut node = Command::new("node");
        node.arg("webhook_verifier.js").current_dir(repository().join("tests/foreign/node"));
        [("PyPI standardwebhooks", python), ("npm standardwebhooks", node)]
            .map(|(name, command)| Self::start(name, command, [""; 3]))
    }

    /// PyJWT for the signed answers of endpoints, which answers `ok ALGORITHM KID`.
    pub fn of_answers(jwks_url: &str, issuer: &str, audience: &str) -> Self {
        let mut pyjwt = Command::new(tool("venv/bin/python"));
        pyjwt.arg(repository().join("tests/foreign/python/answer_verifier.py"));
        Self::start("PyJWT", pyjwt, [jwks_url, issuer, audience])
    }

    fn start(name: &'static str, mut command: Command, arguments: [&str; 3]) -> Self {
        let errors = tempfile::tempfile().unwrap();
        let mut child = command
            .args(arguments)
            .env("NO_PROXY", "127.0.0.1,localhost")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { name, child, input, output, errors }
    }

    /// Its answer: `ok SUB KID` or `refused REASON`.
    pub fn ask(&mut self, token: &str) -> String {
        let mut answer = String::new();
        let asked = writeln!(self.input, "{token}").and_then(|()| self.output.read_line(&mut answer));
        if !asked.is_ok_and(|length| length > 0) {
            panic!("{} ended: {}", self.name, self.errors());
        }
        answer.trim_end().to_owned()
    }

    fn errors(&self) -> String {
        let (mut file, mut errors) = (&self.errors, String::new());
        file.rewind().unwrap();
        file.read_to_string(&mut errors).unwrap();
        errors
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
