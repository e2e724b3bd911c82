//! Real MongoDB servers: one replica set that the tests share, and single ones that a test may hurt.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use mongodb::Client;
use mongodb::bson::{Document, doc};
use tempfile::TempDir;

use super::{eventually, tool, unique};

static SHARED: LazyLock<ReplicaSet> = LazyLock::new(|| ReplicaSet::of(3, true));

/// The URI of a new, empty database on the replica set of three that all tests share.
pub fn new_database() -> String {
    SHARED.uri(&unique("db"))
}

/// A replica set on this machine; it ends with the value, or with this process.
pub struct ReplicaSet {
    folder: TempDir,
    members: Vec<Member>,
    lasts: bool,
}

struct Member {
    port: u16,
    child: Option<Child>,
}

impl ReplicaSet {
    /// Starts this many servers and waits until one of them is the primary.
    pub fn start(members: usize) -> Self {
        Self::of(members, false)
    }

    /// One that lasts is never dropped: its data go when this process does.
    fn of(members: usize, lasts: bool) -> Self {
        let ports: Vec<_> = (0..members).map(|_| free_port()).collect();
        let members = ports.iter().map(|&port| Member { port, child: None }).collect();
        let mut set = Self { folder: tempfile::tempdir().unwrap(), members, lasts };
        (0..ports.len()).for_each(|index| set.start_member(index));
        let hosts: Vec<_> = (0i32..)
            .zip(&ports)
            .map(|(id, port)| doc! { "_id": id, "host": format!("127.0.0.1:{port}") })
            .collect();
        // On a busy machine, the shared set must keep its primary. In the other sets, a new primary should come soon.
        let election = if lasts { 10_000 } else { 1_000 };
        let config =
            doc! { "_id": "rs", "members": hosts, "settings": { "electionTimeoutMillis": election } };
        let first = format!("mongodb://127.0.0.1:{}/?directConnection=true", ports[0]);
        eventually("mongod takes the set's configuration", || {
            command(&first, doc! { "replSetInitiate": config.clone() }).ok()
        });
        set.wait_for_primary();
        set
    }

    /// The URI of a database on the whole set.
    pub fn uri(&self, database: &str) -> String {
        let hosts: Vec<_> = self.members.iter().map(|member| format!("127.0.0.1:{}", member.port)).collect();
        format!("mongodb://{}/{database}?replicaSet=rs", hosts.join(","))
    }

    /// The address on which a member listens.
    pub fn address(&self, index: usize) -> SocketAddr {
        ([127, 0, 0, 1], self.members[index].port).into()
    }

    /// The folder in which a member keeps its files.
    pub fn data(&self, index: usize) -> PathBuf {
        self.folder.path().join(self.members[index].port.to_string())
    }

    /// Ends a member with SIGKILL.
    pub fn kill_member(&mut self, index: usize) {
        end(self.members[index].child.take().expect("the member runs"));
    }

    /// Starts a member again with its data on disk.
    pub fn start_member(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.child = Some(spawn(Command::new("bash"), self.folder.path(), member.port, self.lasts));
    }

    /// Waits until a member takes writes.
    pub fn wait_for_primary(&self) {
        let uri = self.uri("admin");
        eventually("the replica set has a primary", || {
            command(&uri, doc! { "hello": 1 })
                .ok()
                .filter(|hello| hello.get_bool("isWritablePrimary").unwrap_or_default())
        });
    }
}

impl Drop for ReplicaSet {
    fn drop(&mut self) {
        for index in 0..self.members.len() {
            if self.members[index].child.is_some() {
                self.kill_member(index);
            }
        }
    }
}

/// Ends a server with SIGKILL: its guard kills it when its own input ends, and goes then.
pub(super) fn end(mut guard: Child) {
    drop(guard.stdin.take());
    guard.wait().unwrap();
}

/// A shell guards each server. When the shell's standard input closes, the shell ends the server. It closes when this
/// process ends, however that happens.
pub(super) fn spawn(mut shell: Command, folder: &Path, port: u16, cleans_up: bool) -> Child {
    const GUARD: &str =
        r#""$@" & server=$!; read -r _; kill -9 $server; wait $server 2>/dev/null; rm -rf "$CLEAN""#;
    let data = folder.join(port.to_string());
    std::fs::create_dir_all(&data).unwrap();
    let log = File::options().create(true).append(true).open(folder.join(format!("{port}.log"))).unwrap();
    shell
        .args(["-c", GUARD, "guard"])
        .arg(tool("mongod/libexec/mongod"))
        .args(["--replSet", "rs", "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"])
        .args(["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "16", "--port", &port.to_string()])
        .arg("--dbpath")
        .arg(&data)
        .env("CLEAN", if cleans_up { folder.as_os_str() } else { OsStr::new("") })
        .env("LD_LIBRARY_PATH", tool("mongod/lib"))
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A port that is free, and that nothing else takes until its user listens: the system itself gives out ports from 32768 up,
/// and no two calls give the same one.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + std::process::id() % 200 * 100;
    loop {
        let port = u16::try_from(first).unwrap() + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Runs a command on the database of `uri`.
pub fn command(uri: &str, command: Document) -> mongodb::error::Result<Document> {
    on_database(uri, async |database| database.run_command(command).await)
}

/// Whether no operation runs on the database of `uri`.
pub fn is_quiet(uri: &str) -> mongodb::error::Result<bool> {
    let running = on_database(uri, async |database| {
        let on_database = doc! { "$regex": format!("^{}[.]", database.name()) };
        let operations = doc! { "currentOp": 1, "ns": on_database };
        database.client().database("admin").run_command(operations).await
    });
    Ok(running?.get_array("inprog").is_ok_and(Vec::is_empty))
}

/// Works with the database of `uri` through the official driver.
pub fn on_database<T>(
    uri: &str,
    work: impl AsyncFnOnce(mongodb::Database) -> mongodb::error::Result<T>,
) -> mongodb::error::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = mongodb::options::ClientOptions::parse(uri).await?;
        options.server_selection_timeout = Some(std::time::Duration::from_secs(5));
        let name = options.default_database.clone().unwrap_or_else(|| "admin".to_owned());
        work(Client::with_options(options)?.database(&name)).await
    })
}
