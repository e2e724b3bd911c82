//! Two regions, each with two servers behind a load balancer, and a third region that has only a member of the replica set.

use std::process::Command;

use mongodb::bson::{Bson, Document};
use tempfile::TempDir;

use super::super::instances::{in_database, stored};
use super::super::rotation::token;
use crate::support::regions::Regions;
use crate::support::{Balancer, Client, Program, eventually, jwt_generator};

/// The region that stays with the majority.
pub const A: usize = 0;
/// The region that is cut off.
pub const B: usize = 1;

pub const JWKS_MAX_AGE: u64 = 8;
pub const VERIFIER_CACHE: u64 = 4;
/// Each copy of the ring must stay valid longer than an election takes. Otherwise servers of the majority may stop signing.
const KEY_REFRESH: u64 = 4;
pub const STALENESS: u64 = 4 * KEY_REFRESH;
/// How long a key signs, and how long it is published before that, in seconds.
pub const PERIOD: u64 = JWKS_MAX_AGE + VERIFIER_CACHE + STALENESS;
/// Seconds that a token lives.
pub const LIFETIME: u64 = 20;

const DATABASE: &str = "regions";
/// The options of the URI of each server in a region. The second server reads users from a secondary if there is no primary.
const OPTIONS: [&str; 2] = ["", "&readPreference=primaryPreferred"];

pub struct World {
    pub regions: Regions,
    /// The servers of A and of B.
    pub servers: [[Program; 2]; 2],
    /// Verifiers in A and in B fetch the key set from these.
    pub balancers: [Balancer; 2],
    /// The region that has the primary if it is reachable.
    pub home: usize,
    _folder: TempDir,
}

impl World {
    /// Starts all parts, with the primary in `home`, and waits until every server signs.
    pub fn start(home: usize) -> Self {
        let mut priorities = [2, 2, 0];
        priorities[home] = 3;
        let regions = Regions::start(priorities);
        let folder = tempfile::tempdir().unwrap();
        let servers = [A, B].map(|region| OPTIONS.map(|options| serve(&regions, region, options, &folder)));
        let balancers = [A, B].map(|region: usize| Balancer::before(addresses(&servers[region])));
        let world = Self { regions, servers, balancers, home, _folder: folder };
        for client in world.clients(A).chain(world.clients(B)) {
            eventually("every server signs", || token(&client));
            eventually("every server has the database", || {
                (client.get("/health").ok()["database_connected"] == true).then_some(())
            });
        }
        world
    }

    /// The servers of a region, each asked by itself.
    pub fn clients(&self, region: usize) -> impl Iterator<Item = Client> {
        self.servers[region].iter().map(Program::client)
    }

    /// One server of a region.
    pub fn client(&self, region: usize) -> Client {
        self.servers[region][0].client()
    }

    /// The URI of the database on one member.
    pub fn database(&self, region: usize) -> String {
        self.regions.member(region, DATABASE)
    }

    /// The ring in the database of the region `home`.
    pub fn ring(&self) -> Document {
        stored(&self.database(self.home))
    }

    /// Waits until a new key is published and every server knows it. Returns the second at which it becomes active.
    pub fn wait_for_a_publication(&self) -> u64 {
        let before = next(&self.ring());
        let (kid, turn) = eventually("the next key is published", || {
            next(&self.ring()).filter(|now| Some(now) != before.as_ref())
        });
        eventually("every server knows it", || {
            let knows = |client: Client| client.get("/api/jwks").text().contains(&kid);
            self.clients(A).chain(self.clients(B)).all(knows).then_some(())
        });
        turn
    }

    /// What every server has logged.
    pub fn logs(&self) -> String {
        let of = |region: usize| {
            let logs = self.servers[region].iter().enumerate();
            logs.map(|(index, server)| format!("{region}.{index}:\n{}", server.log())).collect::<String>()
        };
        of(A) + &of(B)
    }
}

fn serve(regions: &Regions, region: usize, options: &str, folder: &TempDir) -> Program {
    let mut settings = in_database(&(regions.uri(DATABASE) + options));
    let ours = [
        ("JWKS_MAX_AGE", format!("{JWKS_MAX_AGE}s")),
        ("VERIFIER_CACHE", format!("{VERIFIER_CACHE}s")),
        ("KEY_REFRESH", format!("{KEY_REFRESH}s")),
        ("KEY_ROTATION", format!("{PERIOD}s")),
        ("JWT_EXPIRATION", format!("{LIFETIME}s")),
        ("MAX_TOKEN_LIFETIME", format!("{LIFETIME}s")),
        ("BCRYPT_ROUNDS", "5".to_owned()),
    ];
    settings.retain(|(name, _)| ours.iter().all(|(our, _)| our != name));
    let mut command: Command = regions.command(region, jwt_generator(folder.path()).get_program());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(folder.path());
    command.env("HOST", "127.0.0.1").env("PORT", "0").envs(settings).envs(ours);
    Program::spawn(&mut command).unwrap_or_else(|log| panic!("no server in region {region}:\n{log}"))
}

fn addresses(servers: &[Program]) -> Vec<std::net::SocketAddr> {
    servers.iter().map(Program::address).collect()
}

/// The key that is published next, and the second at which it becomes active.
fn next(ring: &Document) -> Option<(String, u64)> {
    let mut keys = ring.get_array("keys").unwrap().iter().map(|key| key.as_document().unwrap());
    let key = keys.find(|key| key.get_str("state").unwrap() == "published")?;
    let turn = match key.get("activates_at")? {
        Bson::Int64(at) => *at,
        Bson::Int32(at) => i64::from(*at),
        other => panic!("activates_at: {other:?}"),
    };
    Some((key.get_str("kid").unwrap().to_owned(), turn as u64))
}
