//! Webhooks: events are sent to endpoints, signed as Standard Webhooks says. `FanOut` makes deliveries of events, `Dispatcher`
//! sends them, and `WebhookRegistry` has the use cases of an operator. Nothing here is a part of a request: a log-in waits for no
//! endpoint.

mod answer;
mod attempt;
mod dispatcher;
mod endpoint_health;
mod error;
mod fan_out;
mod file;
mod lease;
mod message;
mod metrics;
mod order;
mod reconciliation;
mod registry;
mod replay;
mod retry;
mod secret;
mod sender;
mod stop;

pub use dispatcher::{Dispatcher, DispatcherParts};
pub use endpoint_health::WebhookHealth;
pub use error::WebhookError;
pub use fan_out::FanOut;
pub use file::{FileWebhook, WebhooksFile, WebhooksFileError};
pub use message::{SAMPLE_TYPE, SignedHeaders};
pub use metrics::WebhookMetrics;
pub use registry::{ChangedWebhook, NewWebhook, Sample, WebhookChange, WebhookRegistry};
pub use replay::Replay;
pub use secret::{WebhookSecret, WebhookSecretError};
pub use sender::{NetworkSender, Reply, WebhookRules, WebhookSender};
