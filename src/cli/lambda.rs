//! `lambda`: the service as an AWS Lambda function.

use std::env;
use std::sync::Arc;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};

use super::Failure;
use super::setup;
use crate::app::Function;
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::lambda::{Event, EventError};

/// The variable with the name of the function.
const NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";
/// Variables that AWS sets and the runtime needs.
const NEEDED: [&str; 4] =
    ["AWS_LAMBDA_RUNTIME_API", NAME, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"];

/// Whether AWS Lambda has started this process.
pub(super) fn is_here() -> bool {
    env::var_os(NEEDED[0]).is_some()
}

pub(super) fn run() -> Result<(), Failure> {
    if let Some(name) = NEEDED.iter().find(|name| env::var_os(name).is_none()) {
        let text = format!("{name} is not set. AWS Lambda sets it; outside AWS Lambda, use `serve`");
        return Err(Failure::usage(text));
    }
    let config = setup::config()?;
    // It is there, as the check above has shown. AWS allows only ASCII.
    let name = env::var(NAME).unwrap_or_default();
    setup::runtime()?.block_on(answer(&config, &name))
}

async fn answer(config: &Config, name: &str) -> Result<(), Failure> {
    let built = Function::build(config, name, Clock::freeze_aware(), Entropy::System).await;
    let function = Arc::new(built.map_err(Failure::refused)?);
    let answer = service_fn(move |event: LambdaEvent<Event>| {
        let function = Arc::clone(&function);
        async move {
            let xray = event.context.xray_trace_id.as_deref();
            function.invoke(event.payload, xray).await.map_err(|error| told(&error))
        }
    });
    lambda_runtime::run(answer).await.map_err(Failure::refused)
}

/// The error for AWS. The log has it too, with the id of the invocation.
fn told(error: &EventError) -> Diagnostic {
    tracing::error!(%error, "invocation refused");
    Diagnostic { error_type: "EventError".to_owned(), error_message: error.to_string() }
}
