//! The metadata of a client as an operator writes it, and what is wrong with it.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::ClientMetadata;

/// A member that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFault {
    /// The member, as RFC 7591 names it.
    pub member: String,
    /// What it must be.
    pub problem: String,
}

/// All faults of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFaults(pub Vec<ClientFault>);

impl fmt::Display for ClientFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, ClientFault { member, problem }) in self.0.iter().enumerate() {
            let end = if position == 0 { "" } else { "\n" };
            write!(f, "{end}{member}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ClientFaults {}

/// Collects faults.
#[derive(Default)]
pub(super) struct Check(Vec<ClientFault>);

impl Check {
    pub(super) fn refuse_if(&mut self, breaks: bool, member: &str, problem: impl Into<String>) {
        if breaks {
            self.0.push(ClientFault { member: member.to_owned(), problem: problem.into() });
        }
    }

    pub(super) fn done(self) -> Result<(), ClientFaults> {
        if self.0.is_empty() { Ok(()) } else { Err(ClientFaults(self.0)) }
    }
}

/// Reads metadata that an operator wrote: an object with the names of RFC 7591.
///
/// # Errors
/// [`ClientFaults`], one for each member that cannot be read.
pub fn read_metadata(mut members: Map<String, Value>) -> Result<ClientMetadata, ClientFaults> {
    let mut check = Check::default();
    // Registration documents have it; this service knows no other value.
    if let Some(types) = members.remove("response_types") {
        let known = [serde_json::json!(["code"]), serde_json::json!([])];
        check.refuse_if(!known.contains(&types), "response_types", "must be [\"code\"]");
    }
    let mut readable = Map::new();
    for (name, value) in members {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        match serde_json::from_value::<ClientMetadata>(Value::Object(alone)) {
            Ok(metadata) if !metadata.other.is_empty() => {
                check.refuse_if(
                    true,
                    &name,
                    "is no member that this version knows (docs/clients.md lists them)",
                );
            }
            Ok(_) => {
                readable.insert(name, value);
            }
            Err(error) => check.refuse_if(true, &name, error.to_string()),
        }
    }
    check.done()?;
    let read = serde_json::from_value(Value::Object(readable));
    read.map_err(|error| {
        ClientFaults(vec![ClientFault { member: "metadata".to_owned(), problem: error.to_string() }])
    })
}
