//! What AWS hands to a function in the place of an HTTP request, and what it takes for an answer: events of API Gateway
//! (REST and HTTP APIs, payloads 1.0 and 2.0), of load balancers and of function URLs. Pure, and without a word of tokens.

mod event;
mod invocation;
mod path;
mod reply;
mod request;
mod source;

pub use event::{Event, EventError};
pub use invocation::Invocation;
pub use reply::{Form, Reply};
