//! The actor that makes a change, and the request.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Caller, ClientId, RequestId, UserId};

/// The actor that makes a change, its address, and the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiator {
    /// The actor.
    pub actor: Actor,
    /// The client of the request; `None` if there is no request, or if its address is unknown.
    pub address: Option<IpAddr>,
    /// The request in which the change is made; `None` if there is no request.
    pub request_id: Option<RequestId>,
}

/// The actor that makes a change: a user, an OAuth client, an operator or the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, through the API.
    User(UserId),
    /// An OAuth client, with its credentials.
    Client(ClientId),
    /// A person at the command line, who needs no account; with a name if the system knows one.
    Operator(Option<OperatorName>),
    /// The service itself: a task, or a rule of the service within a request.
    System,
}

/// The person at the command line, and the place: the account of the operating system, an `@`, and the name of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorName(Arc<str>);

impl OperatorName {
    /// The longest part of a name that is kept, in characters.
    const MAX_PART: usize = 64;

    /// The name of an account on a machine. Of each, what is longer or invisible is left out.
    pub fn new(account: &str, machine: &str) -> Self {
        let part = |text: &str| {
            let visible = text.chars().filter(|c| !c.is_control() && !c.is_whitespace());
            visible.take(Self::MAX_PART).collect::<String>()
        };
        Self(format!("{}@{}", part(account), part(machine)).into())
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kind, and for a user, a client and an operator with a name, a colon and the id, as it is stored.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Operator(Some(name)) => write!(f, "operator:{name}"),
            Self::Operator(None) => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

impl Initiator {
    /// An operator at the command line whose name is not known: there is no request.
    pub const OPERATOR: Self = Self::outside_requests(Actor::Operator(None));

    /// The service itself, outside of any request.
    pub const SYSTEM: Self = Self::outside_requests(Actor::System);

    /// `actor`, without a request.
    pub const fn outside_requests(actor: Actor) -> Self {
        Self { actor, address: None, request_id: None }
    }

    /// `actor`, within the request of `caller`.
    pub fn in_request(actor: Actor, caller: &Caller) -> Self {
        let address = Some(caller.address).filter(|address| !address.is_unspecified());
        Self { actor, address, request_id: Some(caller.request_id) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Actor, Initiator, OperatorName};
    use crate::domain::{Caller, RequestId};

    #[test]
    fn the_name_of_an_operator_is_short_and_visible() {
        let named = |account: &str, machine: &str| Actor::Operator(Some(OperatorName::new(account, machine)));
        assert_eq!(named("ada", "db-1").to_string(), "operator:ada@db-1");
        assert_eq!(named("a d\na", "\u{1b}[1m").to_string(), "operator:ada@[1m");
        assert_eq!(named(&"a".repeat(99), "m").to_string(), format!("operator:{}@m", "a".repeat(64)));
    }

    #[test]
    fn a_change_within_a_request_has_the_requests_id_and_its_clients_address_if_one_is_known() {
        let request_id = RequestId::numbered(1, 2);
        let caller = |address| Caller {
            address: IpAddr::V4(address),
            peer: None,
            request_id,
            operation: "-",
            trace: None,
        };
        let known = Initiator::in_request(Actor::System, &caller(Ipv4Addr::LOCALHOST));
        let address = Some(Ipv4Addr::LOCALHOST.into());
        assert_eq!(known, Initiator { actor: Actor::System, address, request_id: Some(request_id) });
        let unknown = Initiator::in_request(Actor::System, &caller(Ipv4Addr::UNSPECIFIED));
        assert_eq!(unknown, Initiator { address: None, ..known });
    }
}
