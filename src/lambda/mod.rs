//! The events that AWS sends to a function instead of HTTP requests, and the responses that it accepts:
//! events of API Gateway (REST and HTTP APIs, payloads 1.0 and 2.0), of load balancers and of function URLs.
//! The functions are pure and know nothing about tokens.

mod event;
mod invocation;
mod path;
mod reply;
mod request;
mod source;

pub use event::{Event, EventError};
pub use invocation::Invocation;
pub use reply::{Form, Reply};
