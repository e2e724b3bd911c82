//! The function's life: settings, keys, then the gateway's events from the Lambda runtime API.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use outbound::{Bounds, CallError, Client, ClientSettings, Proxy, Roots};
use serde_json::value::RawValue;
use tracing::Level;

use crate::handler::Handler;
use crate::judge::Judge;
use crate::keys::{Fetcher, Provider};
use crate::settings::{Faults, Settings};
use crate::telemetry;

/// Lambda sets these variables. Without them there is no runtime API.
const SURROUNDINGS: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];
/// How long the function tries to tell Lambda that it cannot start.
const REPORT: Bounds = Bounds { within: Duration::from_secs(2), answer: 64 * 1024 };

/// Runs until Lambda ends it.
pub fn run() -> ExitCode {
    let settings = Settings::read(std::env::vars_os());
    telemetry::start(settings.as_ref().map_or(Level::INFO, |settings| settings.log_level));
    if let Some(missing) = SURROUNDINGS.into_iter().find(|name| std::env::var_os(name).is_none()) {
        tracing::error!("{missing} is not set: this is an AWS Lambda function, see docs/authorizer.md");
        return ExitCode::from(2);
    }
    let ended = settings.map_err(|faults| report(&faults).into()).and_then(serve);
    if let Err(error) = &ended {
        tracing::error!("the authorizer cannot run: {error}");
    }
    ExitCode::from(u8::from(ended.is_err()))
}

fn serve(settings: Settings) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let fetcher = Fetcher::new();
    let providers = settings
        .sources
        .into_iter()
        .map(|source| Provider::new(source, settings.algorithms.clone(), settings.ages, fetcher.clone()))
        .collect();
    let judge = Judge { providers, rules: settings.rules };
    let handler = Arc::new(Handler { judge, style: settings.style });
    runtime.block_on(async move {
        warm(&handler).await;
        let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let handler = Arc::clone(&handler);
            async move { handler.answer(event.payload.get(), &event.context.request_id).await }
        });
        Runtime::new(service).run_concurrent().await
    })
}

/// Reads all keys before the first request. If a key cannot be read, the request that needs it tries again.
async fn warm(handler: &Arc<Handler>) {
    let mut reading = tokio::task::JoinSet::new();
    for position in 0..handler.judge.providers.len() {
        let handler = Arc::clone(handler);
        reading.spawn(async move { handler.judge.providers[position].keys().await.map(|_| ()) });
    }
    let _unread = reading.join_all().await;
}

/// Tells Lambda why the function does not start.
fn report(faults: &Faults) -> String {
    let message = faults.to_string();
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    let api = api.strip_prefix("http://").unwrap_or(&api); // Lambda's has no scheme, that of `cargo lambda` has
    let body = serde_json::json!({ "errorType": "Runtime.InvalidSettings", "errorMessage": message });
    let client = Client::new(ClientSettings {
        user_agent: concat!("jwt-authorizer/", env!("CARGO_PKG_VERSION")),
        roots: Roots::of_system(),
        proxy: Proxy::Never,
        idle_connections: 0,
    });
    let body = body.to_string();
    let request = Request::post(format!("http://{api}/2018-06-01/runtime/init/error"))
        .header("lambda-runtime-function-error-type", "Runtime.InvalidSettings")
        .body(body.as_bytes());
    let sent = request.map_err(CallError::Request).and_then(|request| client.send(request, REPORT));
    if let Err(error) = sent {
        tracing::warn!("cannot report to Lambda: {error}");
    }
    message
}
