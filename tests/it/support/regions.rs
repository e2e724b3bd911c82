//! Three regions with a replica set across them. Each region has one member. It reaches the members of the other regions
//! through slow connections, which a test can cut.
//!
//! A member has one name everywhere. Each region resolves the name in its own way, as with private DNS: the programs of a
//! region have their own `/etc/hosts`.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use mongodb::bson::{Document, doc};
use tempfile::TempDir;

use super::eventually;
use super::mongod::{command, end, free_port, spawn};
use super::wire::Wire;

/// The names of the regions. The last has none of our servers. It exists so that two of three members are a majority.
pub const NAMES: [&str; 3] = ["a", "b", "c"];
/// How long a byte takes from one region to another.
pub const DELAY: Duration = Duration::from_millis(150);
/// How long the members of a set wait for a primary before they elect another, in milliseconds.
const ELECTION: i32 = 5_000;

/// Three regions; they end with the value.
pub struct Regions {
    folder: TempDir,
    ports: Vec<u16>,
    members: Vec<Child>,
    wires: Vec<(usize, usize, Wire)>,
}

impl Regions {
    /// Starts a member in each region with these priorities, and waits until the one with the highest is primary for all. From then
    /// on, the connections between the regions are slow.
    pub fn start(priorities: [i32; 3]) -> Self {
        let ports: Vec<_> = NAMES.iter().map(|_| free_port()).collect();
        let mut regions =
            Self { folder: tempfile::tempdir().unwrap(), ports, members: Vec::new(), wires: Vec::new() };
        for region in 0..NAMES.len() {
            regions.lay_wires(region);
            let shell = regions.command(region, "bash");
            regions.members.push(spawn(shell, regions.folder.path(), regions.ports[region], false));
        }
        regions.initiate(priorities);
        regions.wires.iter().for_each(|(.., wire)| wire.slow_down(DELAY));
        regions
    }

    /// A command that runs in a region.
    pub fn command(&self, region: usize, program: impl AsRef<OsStr>) -> Command {
        const SCRIPT: &str = r#"mount --bind "$1" /etc/hosts || exit 9; shift; exec "$@""#;
        let mut command = Command::new("unshare");
        command.arg("--mount").args((!rustix::process::geteuid().is_root()).then_some("--map-root-user"));
        command.args(["sh", "-c", SCRIPT, "sh"]).arg(self.hosts(region)).arg(program);
        command
    }

    /// The URI of a database on the whole set, as it is in every region.
    pub fn uri(&self, database: &str) -> String {
        let hosts: Vec<_> = (0..NAMES.len()).map(|region| self.host(region)).collect();
        format!("mongodb://{}/{database}?replicaSet=rs", hosts.join(","))
    }

    /// The URI of a database on the one member of a region, for the test itself, which is in no region.
    pub fn member(&self, region: usize, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}?directConnection=true", self.ports[region])
    }

    /// Cuts every connection of a region.
    pub fn cut_off(&self, region: usize) {
        self.wires_of(region).for_each(Wire::cut);
    }

    /// Restores every connection of a region.
    pub fn join(&self, region: usize) {
        self.wires_of(region).for_each(Wire::mend);
    }

    /// Whether the member of a region says that it leads.
    pub fn leads(&self, region: usize) -> bool {
        self.says(region, "isWritablePrimary")
    }

    /// Makes the member of a region the primary, as an operator does who does not wait for the priorities. The member refuses as
    /// long as it lacks writes that the others have.
    pub fn lead(&self, region: usize) {
        let member = self.member(region, "admin");
        eventually("the member leads", || {
            let leads = self.leads(region);
            if !leads {
                let _ = command(&member, doc! { "replSetStepUp": 1 });
            }
            leads.then_some(())
        });
    }

    fn says(&self, region: usize, what: &str) -> bool {
        let hello = command(&self.member(region, "admin"), doc! { "hello": 1 });
        hello.is_ok_and(|hello| hello.get_bool(what).unwrap_or_default())
    }

    fn wires_of(&self, region: usize) -> impl Iterator<Item = &Wire> {
        let touched = self.wires.iter().filter(move |(from, to, _)| *from == region || *to == region);
        touched.map(|(.., wire)| wire)
    }

    fn host(&self, region: usize) -> String {
        format!("{}.example:{}", NAMES[region], self.ports[region])
    }

    fn hosts(&self, region: usize) -> PathBuf {
        self.folder.path().join(format!("hosts-{}", NAMES[region]))
    }

    /// The way from a region to the members of the others, and the names that lead there.
    fn lay_wires(&mut self, region: usize) {
        let mut hosts = "127.0.0.1 localhost\n".to_owned();
        for (other, name) in NAMES.iter().enumerate() {
            let home = Ipv4Addr::LOCALHOST;
            let near = Ipv4Addr::new(127, 0, region as u8 + 1, 1);
            let address = if other == region { home } else { near };
            hosts += &format!("{address} {name}.example\n");
            if other != region {
                let port = self.ports[other];
                let wire = Wire::lay(SocketAddr::from((near, port)), SocketAddr::from((home, port)));
                self.wires.push((region, other, wire));
            }
        }
        std::fs::write(self.hosts(region), hosts).unwrap();
    }

    fn initiate(&self, priorities: [i32; 3]) {
        let first = (0..NAMES.len()).max_by_key(|region| priorities[*region]).unwrap();
        let members: Vec<_> = (0i32..)
            .zip(priorities)
            .map(|(id, priority)| doc! { "_id": id, "host": self.host(id as usize), "priority": priority })
            .collect();
        // A short limit for members that are cut off. Otherwise a new primary waits for them to catch up.
        let settings = doc! { "electionTimeoutMillis": ELECTION, "heartbeatIntervalMillis": 500, "heartbeatTimeoutSecs": 4 };
        let config: Document = doc! { "_id": "rs", "members": members, "settings": settings };
        eventually("mongod takes the set's configuration", || {
            command(&self.member(first, "admin"), doc! { "replSetInitiate": config.clone() }).ok()
        });
        eventually("the set is complete", || {
            let follow = |region| region == first || self.says(region, "secondary");
            (self.leads(first) && (0..NAMES.len()).all(follow)).then_some(())
        });
    }
}

impl Drop for Regions {
    fn drop(&mut self) {
        self.members.drain(..).for_each(end);
    }
}
