//! A stand-in for AWS: moto, its KMS brought closer to the real one by `tests/tools/moto.py`.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use super::mongod::free_port;
use super::{Answer, Client, eventually, repository, tool};

static SHARED: LazyLock<Moto> = LazyLock::new(|| Moto::of(true));

/// A server; it ends with the value, or with this process.
pub struct Moto {
    folder: TempDir,
    port: u16,
    guard: Child,
}

impl Moto {
    /// The server that tests share if they do not disturb it.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// A server that one test may disturb.
    pub fn start() -> Self {
        Self::of(false)
    }

    /// A shared server is never dropped: its folder is removed when this process ends.
    fn of(lasts: bool) -> Self {
        const GUARD: &str =
            r#""$@" & server=$!; read -r _; kill -9 $server; wait $server 2>/dev/null; rm -rf "$CLEAN""#;
        let folder = tempfile::tempdir().unwrap();
        let refusals = folder.path().join("refusals");
        fs::write(&refusals, "").unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let port = free_port();
        let guard = Command::new("bash")
            .args(["-c", GUARD, "guard"])
            .arg(tool("venv/bin/python"))
            .arg(repository().join("tests/tools/moto.py"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_REFUSALS", refusals)
            .env("CLEAN", if lasts { folder.path().as_os_str() } else { "".as_ref() })
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let moto = Self { folder, port, guard };
        let client = Client::new(&moto.endpoint());
        eventually("moto answers", || client.try_send(Method::GET, "/moto-api/", &[], "").ok());
        moto
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The value for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// From now on, calls answer these codes: `[("Sign", "ThrottlingException")]`.
    pub fn refuse(&self, refusals: &[(&str, &str)]) {
        let lines: String = refusals.iter().map(|(call, code)| format!("{call} {code}\n")).collect();
        let new = self.folder.path().join("refusals.new");
        fs::write(&new, lines).unwrap();
        fs::rename(new, self.folder.path().join("refusals")).unwrap();
    }

    /// A call to KMS in a region, past everything that a test puts between.
    #[track_caller]
    pub fn kms(&self, region: &str, call: &str, request: &Value) -> Answer {
        self.call(("kms", "TrentService"), region, call, request)
    }

    /// A call to Secrets Manager.
    #[track_caller]
    pub fn secrets(&self, region: &str, call: &str, request: &Value) -> Answer {
        self.call(("secretsmanager", "secretsmanager"), region, call, request)
    }

    #[track_caller]
    fn call(&self, (scope, target): (&str, &str), region: &str, call: &str, request: &Value) -> Answer {
        let target = format!("{target}.{call}");
        // moto does not check the signature. It takes the region from the scope.
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{scope}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            ("authorization", authorization.as_str()),
        ];
        Client::new(&self.endpoint()).send(Method::POST, "/", &headers, request.to_string())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // The guard kills the server when its input ends, and itself then.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
