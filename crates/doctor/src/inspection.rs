//! The order of the inspection: which groups of requests there are, and why checks are skipped.

use std::time::Duration;

use serde_json::Value;

use crate::checks::{GROUPS, Group};
use crate::client::{Answer, Client};
use crate::clock::Clock;
use crate::finding::{Finding, Findings, Status};
use crate::instant::Instant;
use crate::key_schedule::ListedKey;
use crate::key_set::Keys;
use crate::raw_connection::RawConnector;
use crate::report::Report;
use crate::roots::{Roots, TrustError};
use crate::target::Target;
use crate::tokens::Expected;
use crate::{connection, keys};

/// What to inspect, and how.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The address of the deployment, or of the key set.
    pub target: Target,
    /// Inspects only a key set, of any issuer; the target is its address.
    pub only_key_set: bool,
    /// How long one answer may take. All requests together may take twelve times as long.
    pub timeout: Duration,
    /// The root certificates to trust; `None` for the system's.
    pub roots: Option<Roots>,
    /// A token to check as a verifier would.
    pub token: Option<String>,
    /// What tokens must say.
    pub expected: Expected,
    /// By how much the clocks of instances may differ, in seconds.
    pub clock_skew: u64,
    /// The id of a client, for requests that the service must refuse.
    pub client_id: Option<String>,
    /// A redirect URI of this client.
    pub redirect_uri: Option<String>,
    /// The origin of a web page that must be able to read answers.
    pub origin: Option<String>,
    /// The port to check for plain HTTP, if the target uses HTTPS.
    pub http_port: Option<u16>,
    /// Checks also what the JWT authorizers of API Gateway need.
    pub aws: bool,
    /// Random bytes for made-up names: two inspections never use the same ones, so no cache knows them.
    pub random: [u8; 32],
}

/// An inspection under way.
pub(crate) struct Inspector<'a> {
    pub settings: &'a Inspection,
    pub clock: &'a dyn Clock,
    pub client: Client<'a>,
    pub raw: RawConnector<'a>,
    /// In each made-up name.
    pub nonce: String,
}

/// What later requests need of earlier answers.
#[derive(Default)]
pub(crate) struct Facts {
    pub keys: Option<Keys>,
    /// The answer with the key set, and its address.
    pub key_set: Option<(Answer, String)>,
    /// The keys as `/api/key-info` lists them.
    pub listed_keys: Vec<ListedKey>,
    /// The service's own time.
    pub now: Option<Instant>,
    /// A token that any caller gets.
    pub demo_token: Option<String>,
}

type Step<'a> = fn(&Inspector<'a>, &mut Facts) -> Vec<Finding>;

impl Inspection {
    /// Makes all checks, in the order of the list, and calls `progress` with the title of each group before its requests.
    ///
    /// # Errors
    /// [`TrustError`] if the root certificates cannot be used.
    pub fn run(&self, clock: &dyn Clock, progress: &dyn Fn(&str)) -> Result<Report, TrustError> {
        let inspector = Inspector {
            settings: self,
            clock,
            client: Client::new(self.roots.as_ref(), self.timeout, clock),
            raw: RawConnector::new(&self.target, self.roots.as_ref(), self.timeout, clock)?,
            nonce: self.random[..6].iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Ok(inspector.run(progress))
    }
}

impl<'a> Inspector<'a> {
    fn run(self, progress: &dyn Fn(&str)) -> Report {
        let (mut facts, mut findings) = (Facts::default(), Findings::default());
        let mut reached = true;
        for (title, step) in self.steps() {
            if reached {
                progress(title);
                findings.add(step(&self, &mut facts));
                reached = findings.of(connection::REACHABLE).is_none_or(|found| found.status != Status::Fail);
            }
        }
        if reached {
            findings.add(self.client.fastest.get().map(connection::latency));
            findings.add([connection::rate_limit(&self.client)]);
        }
        for Group { title, checks } in GROUPS {
            findings.skip(checks, self.reason_to_skip(title, reached, &facts));
        }
        let keys = facts.keys.as_ref();
        let keys =
            keys.map_or_else(|| Value::Array(Vec::new()), |keys| keys::as_json(keys, &facts.listed_keys));
        Report { address: self.settings.target.base.clone(), findings, keys }
    }

    fn steps(&self) -> impl Iterator<Item = (&'static str, Step<'a>)> {
        let of_key_set: [(&str, Step<'a>); 4] = [
            ("Connection", Self::connection),
            ("Key set", Self::key_set),
            ("Keys", Self::keys),
            ("Caching", Self::caching),
        ];
        let of_service: [(&str, Step<'a>); 7] = [
            ("Key schedule", Self::service),
            ("Tokens", Self::demo_token),
            ("OAuth", Self::oauth),
            ("Host names", Self::host_names),
            ("Browsers", Self::browsers),
            ("Responses", Self::responses),
            ("Unusual requests", Self::unusual_requests),
        ];
        let at_the_end: [(&str, Step<'a>); 2] = [("Tokens", Self::token), ("AWS", Self::aws)];
        let is_service = !self.settings.only_key_set;
        let of_service = of_service.into_iter().filter(move |_| is_service);
        of_key_set.into_iter().chain(of_service).chain(at_the_end)
    }

    /// Why a check of this group has no finding.
    fn reason_to_skip(&self, group: &str, reached: bool, facts: &Facts) -> &'static str {
        let settings = self.settings;
        match group {
            _ if !reached => "The address does not answer.",
            "AWS" if !settings.aws => "The option --aws was not given.",
            "TLS" | "Connection" if !settings.target.tls => "The address uses plain HTTP.",
            "Connection" => "The port for plain HTTP is not known. Give --http-port to check it.",
            "Key set" | "Keys" | "Caching" | "AWS" if facts.keys.is_none() => "There is no key set to check.",
            "Tokens" if settings.token.is_none() && facts.demo_token.is_none() => {
                "There is no token to check. Give one with --token-file."
            }
            "Tokens" => "An earlier check of the token failed.",
            "OAuth" if !settings.only_key_set && self.client.has_time() => {
                "An earlier check of OAuth failed."
            }
            "Browsers" if settings.origin.is_none() && !settings.only_key_set => {
                "The option --origin was not given."
            }
            _ if settings.only_key_set => "This check needs a service, but only a key set was given.",
            _ if !self.client.has_time() => "The time for all requests is over. Give more with --timeout.",
            _ => "The request for this check got no answer.",
        }
    }
}
