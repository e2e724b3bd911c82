//! What the program tells its operator: the log and traces. [`scope`] knows which request the running code works for.

mod log;
mod scope;
pub mod traces;

pub use log::{ACCESS_TARGET, AccessLog, Format, LogFilter, LogFilterError, flush_log, start_log};
pub use scope::{InRequest, Propagation, RequestScope, in_request, note_user, propagation, user};
