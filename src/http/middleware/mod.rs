//! The steps for every request, whatever its operation is: [`super::HttpService`] calls them in order.

pub(super) mod access_log;
pub(super) mod client;
pub(super) mod cors;
mod limit_field;
pub(super) mod limits;
mod line_pace;
pub(super) mod log_in_limits;
pub(super) mod options;
pub(super) mod panic;
pub(super) mod request_id;
pub(super) mod security_headers;
pub(super) mod trace;
