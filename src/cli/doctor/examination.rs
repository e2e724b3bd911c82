//! The examination: which steps there are, and what is skipped where one cannot be taken.

use serde_json::Value;

use super::catalogue::{self, Group};
use super::client::{Answer, Client};
use super::finding::{Finding, Findings, Status};
use super::key_set::Keys;
use super::schedule::Told;
use super::target::Target;
use super::tokens::Expected;
use super::wire::Wire;
use super::{connection, keys};
use crate::clock::Clock;
use crate::domain::Timestamp;

/// What is to be looked at, and how.
pub(super) struct Examination<'a> {
    pub target: &'a Target,
    pub client: Client,
    pub wire: Wire<'a>,
    pub clock: Clock,
    /// Whether there is a key set alone, of any issuer; the target is its address.
    pub only_keys: bool,
    pub token: Option<String>,
    pub expected: Expected,
    /// By how much clocks may differ, in seconds.
    pub skew: u64,
    pub origin: Option<String>,
    pub http_port: Option<u16>,
    pub aws: bool,
    /// In the names that are made up: no two examinations use the same, and no cache knows them.
    pub nonce: String,
    pub random: [u8; 32],
    /// Told of each group before it is looked at.
    pub progress: &'a dyn Fn(&str),
}

/// What came of it.
pub(super) struct Examined {
    pub findings: Findings,
    /// What can be told of each key.
    pub keys: Value,
}

/// What later steps need of earlier ones.
#[derive(Default)]
pub(super) struct Known {
    pub keys: Option<Keys>,
    /// The answer that they came in, and its address.
    pub set: Option<(Answer, String)>,
    /// The keys as the service tells of them.
    pub told: Vec<Told>,
    /// The service's own time.
    pub now: Option<Timestamp>,
    /// A token that anybody gets.
    pub demo: Option<String>,
}

type Step<'a> = fn(&Examination<'a>, &mut Known) -> Vec<Finding>;

impl<'a> Examination<'a> {
    /// Looks at everything, in the order of the catalogue; what could not be looked at is skipped.
    pub(super) fn run(self) -> Examined {
        let (mut known, mut findings) = (Known::default(), Findings::default());
        let keys_of_any: [(&str, Step<'a>); 4] = [
            ("Connection", Self::connection),
            ("Key set", Self::key_set),
            ("Keys", Self::keys),
            ("Caching", Self::caching),
        ];
        let of_service: [(&str, Step<'a>); 6] = [
            ("Schedule", Self::service),
            ("Tokens", Self::demo),
            ("Names", Self::names),
            ("Browsers", Self::browsers),
            ("Manners", Self::manners),
            ("Manners", Self::odd_requests),
        ];
        let at_last: [(&str, Step<'a>); 2] = [("Tokens", Self::token), ("AWS", Self::amazon)];
        let of_service = of_service.into_iter().filter(|_| !self.only_keys);
        let mut reached = true;
        for (title, step) in keys_of_any.into_iter().chain(of_service).chain(at_last) {
            if reached {
                (self.progress)(title);
                findings.add(step(&self, &mut known));
                reached = findings.of(connection::REACHABLE).is_none_or(|found| found.status != Status::Fail);
            }
        }
        if reached {
            findings.add(self.client.quickest.get().map(connection::latency));
            findings.add([connection::limits(&self.client)]);
        }
        for Group { title, checks } in catalogue::GROUPS {
            findings.skip(checks, self.why_not(title, reached, &known));
        }
        let keys = known
            .keys
            .as_ref()
            .map_or_else(|| Value::Array(Vec::new()), |keys| keys::as_json(keys, &known.told));
        Examined { findings, keys }
    }

    /// Why nothing was said of a check.
    fn why_not(&self, group: &str, reached: bool, known: &Known) -> &'static str {
        match group {
            _ if !reached => "the address is not answered",
            "AWS" if !self.aws => "--aws was not given",
            "TLS" if !self.target.tls => "the address is plain HTTP",
            "Connection" if self.target.tls => "--http-port says where to look",
            "Connection" => "the address is plain HTTP",
            "Key set" | "Keys" | "Caching" | "AWS" if known.keys.is_none() => "there is no key set",
            "Tokens" if self.token.is_none() && known.demo.is_none() => {
                "there is no token: --token gives one"
            }
            "Tokens" => "the token did not come so far",
            "Browsers" if self.origin.is_none() && !self.only_keys => "--origin was not given",
            _ if self.only_keys => "it is of the service, and there is a key set alone",
            _ if !self.client.has_time() => "the time for all questions is over; --timeout gives more",
            _ => "it was not answered",
        }
    }
}
