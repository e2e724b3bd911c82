//! Other libraries that make keys and sign: programs of `tests/foreign/`, asked a line at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{repository, tool};

/// A running signer.
pub struct Signer {
    pub name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Signer {
    /// npm jose.
    pub fn jose() -> Self {
        let mut command = Command::new("node");
        command.arg("signer.js").current_dir(repository().join("tests/foreign/node"));
        Self::start("jose", command)
    }

    /// PyJWT.
    pub fn pyjwt() -> Self {
        let mut command = Command::new(tool("venv/bin/python"));
        command.arg(repository().join("tests/foreign/python/signer.py"));
        Self::start("PyJWT", command)
    }

    fn start(name: &'static str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { name, child, input, output }
    }

    /// A token of the key `kid`, with the header that the library writes.
    pub fn token(&mut self, alg: &str, kid: &str, claims: &Value) -> String {
        self.ask(&json!({ "alg": alg, "kid": kid, "header": {}, "claims": claims }))
    }

    /// The same with more in the header; without a kid, the header has none.
    pub fn headed(&mut self, alg: &str, kid: Option<&str>, header: &Value, claims: &Value) -> String {
        let mut asked = json!({ "alg": alg, "header": header, "claims": claims });
        if let Some(kid) = kid {
            asked["kid"] = kid.into();
        }
        self.ask(&asked)
    }

    /// The key set of these kids, as the library exports it.
    pub fn jwks(&mut self, kids: &[Option<&str>]) -> String {
        self.ask(&json!({ "jwks": kids }))
    }

    fn ask(&mut self, asked: &Value) -> String {
        writeln!(self.input, "{asked}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "{} has no answer to {asked}", self.name);
        answer.trim_end().to_owned()
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
