//! The actor that makes a change, and the request.

use std::fmt;
use std::net::IpAddr;

use super::{Caller, RequestId, UserId};

/// The actor that makes a change, its address, and the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initiator {
    /// The actor.
    pub actor: Actor,
    /// The client of the request; `None` if there is no request, or if its address is unknown.
    pub address: Option<IpAddr>,
    /// The request in which the change is made; `None` if there is no request.
    pub request_id: Option<RequestId>,
}

/// The actor that makes a change: a user, an operator or the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user, through the API.
    User(UserId),
    /// A person at the command line, who needs no account.
    Operator,
    /// The service itself: a task, or a rule of the service within a request.
    System,
}

/// The kind, and for a user a colon and the id, as it is stored.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

impl Initiator {
    /// An operator at the command line: there is no request.
    pub const OPERATOR: Self = Self { actor: Actor::Operator, address: None, request_id: None };

    /// `actor`, within the request of `caller`.
    pub fn in_request(actor: Actor, caller: &Caller) -> Self {
        let address = Some(caller.address).filter(|address| !address.is_unspecified());
        Self { actor, address, request_id: Some(caller.request_id) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Actor, Initiator};
    use crate::domain::{Caller, RequestId};

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
