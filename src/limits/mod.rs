//! Rate limits: how many requests of a group of operations one client, one account and all together may make. Pure rules over
//! tables of bounded size; the time comes from [`crate::clock`]. `http` asks before it reads a body, and again when it knows
//! the name of an account.

mod line;
mod live_instances;
mod metrics;
mod pace;
mod policies;
mod quota;
mod rate_limits;
mod table;
mod verdict;

pub use line::RateLimitsError;
pub use live_instances::LiveInstances;
pub use policies::{DEFAULTS, Group, Policies, Scope};
pub use quota::{Quota, QuotaError};
pub use rate_limits::{Crowd, RateLimits};
pub use verdict::Verdict;
