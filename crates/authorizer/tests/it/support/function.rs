//! The program as Lambda runs it: the runtime API is played here, and the clock is moved by libfaketime.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{http, tool};

/// The outcome of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An answer.
    Answer(Value),
    /// An error, by its message.
    Error(String),
}

/// The runtime API. Events wait until the function fetches them. Each outcome goes to the test that waits for it.
struct Api {
    events: Mutex<Receiver<(String, String)>>,
    waiting: Mutex<BTreeMap<String, Sender<Outcome>>>,
    refusal: Sender<String>,
}

/// A running function.
pub struct Function {
    child: Child,
    folder: TempDir,
    events: Sender<(String, String)>,
    api: Arc<Api>,
    refusal: Receiver<String>,
    count: Mutex<u32>,
}

/// The wall clock of a running function.
pub struct Clock(PathBuf);

impl Function {
    /// The program with these settings and nothing else in its environment.
    pub fn start<'a>(settings: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (events, waiting_events) = mpsc::channel();
        let (refused, refusal) = mpsc::channel();
        let api =
            Arc::new(Api { events: Mutex::new(waiting_events), waiting: Mutex::default(), refusal: refused });
        let served = Arc::clone(&api);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let api = Arc::clone(&served);
                std::thread::spawn(move || api.serve(connection));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let child = Self::command(&folder, &address.to_string()).envs(settings).spawn().unwrap();
        Self { child, folder, events, api, refusal, count: Mutex::new(0) }
    }

    fn command(folder: &TempDir, api: &str) -> Command {
        let clock = folder.path().join("clock");
        fs::write(&clock, "+0").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwt-authorizer"));
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("LD_PRELOAD", tool("lib/libfaketime.so.1"))
            .env("FAKETIME_TIMESTAMP_FILE", clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap());
        command
    }

    /// Moves its wall clock to this many seconds after the real time.
    pub fn set_clock(&self, ahead: u64) {
        self.clock().set(ahead);
    }

    /// Its wall clock.
    pub fn clock(&self) -> Clock {
        Clock(self.folder.path().join("clock"))
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Sends an event and waits for its outcome.
    pub fn ask(&mut self, event: &Value) -> Outcome {
        self.ask_text(&event.to_string())
    }

    /// The same, with an event that need not be JSON.
    pub fn ask_text(&mut self, event: &str) -> Outcome {
        let outcome = self.send(event);
        self.wait(&outcome)
    }

    /// Sends an event.
    pub fn send(&self, event: &str) -> Receiver<Outcome> {
        let (outcome, waiting) = mpsc::channel();
        let id = {
            let mut count = self.count.lock().unwrap();
            *count += 1;
            format!("event-{count}")
        };
        self.api.waiting.lock().unwrap().insert(id.clone(), outcome);
        self.events.send((id, event.to_owned())).unwrap();
        waiting
    }

    /// Waits for the outcome, for as long as the program runs.
    #[track_caller]
    pub fn wait<T>(&mut self, coming: &Receiver<T>) -> T {
        loop {
            match coming.recv_timeout(Duration::from_millis(50)) {
                Ok(come) => return come,
                Err(RecvTimeoutError::Disconnected) => panic!("nothing more can come: {}", self.log()),
                Err(RecvTimeoutError::Timeout) => {
                    let ended = self.child.try_wait().unwrap();
                    assert!(ended.is_none(), "the program ended, {ended:?}: {}", self.log());
                }
            }
        }
    }

    /// Whether a bearer of this token is let in by a TOKEN authorizer, else why not: `401`, `403` with the reason, or
    /// an error.
    pub fn judge(&mut self, token: &str) -> String {
        match self.ask(&super::token_event(token)) {
            Outcome::Answer(answer) if answer["policyDocument"]["Statement"][0]["Effect"] == "Allow" => {
                "allowed".to_owned()
            }
            Outcome::Answer(answer) => format!("403 {}", answer["context"]["reason"].as_str().unwrap()),
            Outcome::Error(error) if error == "Unauthorized" => "401".to_owned(),
            Outcome::Error(error) => error,
        }
    }

    /// The reason that it gave Lambda for not starting, and its exit code.
    pub fn refusal(mut self) -> (String, i32) {
        let ended = self.child.wait().unwrap();
        (self.refusal.try_recv().unwrap(), ended.code().unwrap())
    }
}

impl Clock {
    /// Moves it to this many seconds after the real time.
    pub fn set(&self, ahead: u64) {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("+{ahead}")).unwrap();
        fs::rename(new, &self.0).unwrap();
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Api {
    fn serve(&self, connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let mut connection = connection;
        while let Some(request) = http::next(&mut reader) {
            let path = request.path.strip_prefix("/2018-06-01/runtime/").unwrap();
            let mut answer = |status, body: &str, headers: &[(String, String)]| {
                http::answer(&mut connection, status, headers, body);
            };
            match (request.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
                ("GET", ["invocation", "next"]) => {
                    let Ok((id, event)) = self.events.lock().unwrap().recv() else { return };
                    let headers = [
                        ("lambda-runtime-aws-request-id", id.as_str()),
                        ("lambda-runtime-deadline-ms", "9999999999999"),
                        (
                            "lambda-runtime-invoked-function-arn",
                            "arn:aws:lambda:eu-west-1:1:function:authorizer",
                        ),
                        ("content-type", "application/json"),
                    ]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()));
                    answer(200, &event, &headers);
                }
                ("POST", ["invocation", id, what]) => {
                    let body: Value = serde_json::from_str(&request.body).unwrap();
                    let outcome = match *what {
                        "response" => Outcome::Answer(body),
                        _ => Outcome::Error(body["errorMessage"].as_str().unwrap().to_owned()),
                    };
                    let waiting = self.waiting.lock().unwrap().remove(*id).unwrap();
                    let _gone = waiting.send(outcome);
                    answer(202, "{}", &[]);
                }
                ("POST", ["init", "error"]) => {
                    let body: Value = serde_json::from_str(&request.body).unwrap();
                    assert_eq!(body["errorType"], json!("Runtime.InvalidSettings"));
                    self.refusal.send(body["errorMessage"].as_str().unwrap().to_owned()).unwrap();
                    answer(202, "{}", &[]);
                }
                _ => answer(404, "{}", &[]),
            }
        }
    }
}
