//! Clients in other languages log a user in and get tokens for themselves, each as its documentation says, on both stores.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::mongod::{free_port, new_database};
use crate::support::{BrowserForms, Program, jwt_generator, repository, run, tool};

const REDIRECT_URI: &str = "http://127.0.0.1:4101/cb";

/// A running client, which reads what to do and answers, a line each.
struct RelyingParty {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl RelyingParty {
    fn all(issuer: &str, client: &RegisteredClient) -> Vec<Self> {
        let node = repository().join("tests/foreign/node");
        let openid_client = || {
            let mut command = Command::new("node");
            command.arg("relying_party.js").current_dir(&node);
            command
        };
        let mut authlib = Command::new(tool("venv/bin/python"));
        authlib
            .arg(repository().join("tests/foreign/python/relying_party.py"))
            .env("AUTHLIB_INSECURE_TRANSPORT", "1");
        let mut nimbus = Command::new("java");
        nimbus.arg("-cp").arg(tool("foreign/java-verifier.jar")).arg("foreign.RelyingParty");
        let [mut node_openid, mut node_oauth] = [openid_client(), openid_client()];
        node_openid.arg("openid-client");
        node_oauth.arg("oauth4webapi");
        let commands = [
            ("openid-client", node_openid),
            ("oauth4webapi", node_oauth),
            ("Authlib", authlib),
            ("Nimbus", nimbus),
            ("go-oidc", Command::new(tool("foreign/go-relying-party"))),
            ("openidconnect", Command::new(tool("foreign/rust-relying-party"))),
        ];
        let start = |(name, command)| Self::start(name, command, issuer, client);
        commands.into_iter().map(start).collect()
    }

    fn start(name: &'static str, mut command: Command, issuer: &str, client: &RegisteredClient) -> Self {
        let mut child = command
            .args([issuer, &client.id, client.secret.as_deref().unwrap_or("-"), REDIRECT_URI])
            .env("NO_PROXY", "127.0.0.1,localhost")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { name, child, input, output }
    }

    fn tell(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// The JSON with which it is done.
    #[track_caller]
    fn done(&self, answer: &str) -> Value {
        let json = answer.strip_prefix("done ").unwrap_or_else(|| panic!("{}: {answer}", self.name));
        serde_json::from_str(json).unwrap()
    }

    #[track_caller]
    fn authenticate_itself(&mut self, scope: &str) -> Value {
        let answer = self.tell(&format!("machine {scope}"));
        self.done(&answer)
    }

    #[track_caller]
    fn log_in(&mut self, scope: &str, browser: &mut BrowserForms) -> Value {
        let answer = self.tell(&format!("code {scope}"));
        let url = answer.strip_prefix("open ").unwrap_or_else(|| panic!("{}: {answer}", self.name));
        let returned = browser.open(url);
        let answer = self.tell(&returned);
        self.done(&answer)
    }
}

impl Drop for RelyingParty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client as the command that made it shows it.
struct RegisteredClient {
    id: String,
    secret: Option<String>,
}

/// A server whose issuer is its own address.
struct Server {
    program: Program,
    issuer: String,
    client: RegisteredClient,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Makes a client as an operator does, and starts the server.
    fn start(mongodb: Option<String>, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let issuer = format!("http://127.0.0.1:{port}");
        let mut settings = vec![
            ("PORT", port.to_string()),
            ("ISSUER_URL", issuer.clone()),
            ("BCRYPT_ROUNDS", "4".to_owned()),
        ];
        settings.extend(mongodb.map(|uri| ("MONGODB_URI", uri)));
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut create = jwt_generator(folder.path());
        create.envs(settings.iter().copied()).env("LOG_LEVEL", "error").args(["clients", "create", "--json"]);
        let made: Value = serde_json::from_str(&run(create.args(options))).unwrap();
        let text = |name: &str| made[name].as_str().map(str::to_owned);
        let client = RegisteredClient { id: text("client_id").unwrap(), secret: text("client_secret") };
        let program = Program::start(folder.path(), &settings);
        Self { program, issuer, client, _folder: folder }
    }

    fn parties(&self) -> Vec<RelyingParty> {
        RelyingParty::all(&self.issuer, &self.client)
    }
}

const MACHINE: [&str; 4] = ["--grant", "client_credentials", "--scope", "mail:send"];
const WEB: [&str; 8] = [
    "--grant",
    "authorization_code",
    "--grant",
    "refresh_token",
    "--redirect-uri",
    REDIRECT_URI,
    "--scope",
    "openid profile offline_access",
];

#[test]
fn clients_get_tokens_for_themselves_with_six_libraries_on_sqlite() {
    machines_get_tokens(None);
}

#[test]
fn clients_get_tokens_for_themselves_with_six_libraries_on_mongodb() {
    machines_get_tokens(Some(new_database()));
}

fn machines_get_tokens(mongodb: Option<String>) {
    let server = Server::start(mongodb, &MACHINE);
    for mut party in server.parties() {
        let result = party.authenticate_itself("mail:send");
        assert_eq!(
            (&result["type"], &result["scope"]),
            (&json!("bearer"), &json!("mail:send")),
            "{}",
            party.name
        );
        let (introspected, revoked) = match party.name {
            "go-oidc" => continue,
            "openidconnect" => (&result["active"], None),
            _ => (&result["active"][0], Some(&result["active"][1])),
        };
        assert_eq!(
            (introspected, &result["client_id"]),
            (&json!(true), &json!(server.client.id)),
            "{}",
            party.name
        );
        assert!(revoked.is_none_or(|active| *active == json!(false)), "{}: {result}", party.name);
    }
}

#[test]
fn users_log_in_to_confidential_clients_with_six_libraries_on_sqlite() {
    users_log_in(None, &WEB);
}

#[test]
fn users_log_in_to_confidential_clients_with_six_libraries_on_mongodb() {
    users_log_in(Some(new_database()), &WEB);
}

#[test]
fn users_log_in_to_public_clients_with_six_libraries() {
    users_log_in(None, &[&WEB[..], &["--auth-method", "none"]].concat());
}

fn users_log_in(mongodb: Option<String>, options: &[&str]) {
    let server = Server::start(mongodb, options);
    let client = server.program.client();
    client.register("ada");
    let mut browser = BrowserForms::of(&client, "ada", "secret-ada");
    for mut party in server.parties() {
        let result = party.log_in("openid profile offline_access", &mut browser);
        let name = party.name;
        let sub = result["sub"].as_str().unwrap();
        assert_eq!(result["aud"], server.client.id.as_str(), "{name}");
        assert_eq!((&result["username"], &result["userinfo"]), (&json!("ada"), &json!(sub)), "{name}");
        assert_eq!(result["refreshed"], sub, "{name}");
        if !matches!(name, "go-oidc" | "openidconnect") {
            assert_eq!(result["after_revocation"], "invalid_grant", "{name}");
        }
    }
}
