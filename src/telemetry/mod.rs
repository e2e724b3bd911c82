//! Logs, metrics and traces. Logs (`LOG_LEVEL`, `LOG_FORMAT`) go to standard error; they and the traces contain no
//! secret at any level. `scope` knows which request the running code works for.

mod log;
mod log_filter;
pub mod metrics;
pub mod otlp;
mod scope;
pub mod traces;

pub use log::{ACCESS_TARGET, AccessLog, Format, flush_log, start};
pub use log_filter::{FilterError, LogFilter, check_filter};
pub use scope::{
    InRequest, Propagation, RequestScope, client, in_request, note_client, note_user, propagation, user,
};
