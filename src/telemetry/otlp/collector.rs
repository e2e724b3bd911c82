//! The collector: takes the body of an export, or says why it does not.

use outbound::http::{Method, Request};
use outbound::{Bounds, Client, ClientSettings, Proxy, Roots};

use super::OtlpSettings;

/// The longest answer that is read, in bytes. It is not used.
const ANSWER_BYTES: usize = 64 * 1024;
/// Answers after which another try may help (OTLP, "Retryable Response Codes").
const RETRYABLE: [u16; 4] = [429, 502, 503, 504];

/// A collector. Clones share its connection.
#[derive(Clone, Debug)]
pub struct Collector {
    settings: OtlpSettings,
    client: Client,
}

/// Why an export failed.
#[derive(Debug)]
pub struct ExportFailure {
    /// For the log.
    pub text: String,
    /// Whether another try may help.
    pub retryable: bool,
}

impl Collector {
    /// The collector of these settings. Nothing is sent yet.
    pub fn new(settings: OtlpSettings) -> Self {
        let client = Client::new(ClientSettings {
            user_agent: concat!("jwt-generator/", env!("CARGO_PKG_VERSION")),
            roots: Roots::of_system(),
            proxy: Proxy::FromEnvironment,
            idle_connections: 1,
        });
        Self { settings, client }
    }

    /// Its address.
    pub fn endpoint(&self) -> &str {
        &self.settings.endpoint
    }

    /// Sends the body of an export, and waits for the answer.
    ///
    /// # Errors
    /// [`ExportFailure`]
    pub fn post(&self, body: &[u8]) -> Result<(), ExportFailure> {
        let lasting = |text: String| ExportFailure { text, retryable: false };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&self.settings.endpoint)
            .header("content-type", "application/x-protobuf");
        for (name, value) in &self.settings.headers {
            request = request.header(name, value.expose());
        }
        let request = request
            .body(body)
            .map_err(|_| lasting("the endpoint and OTEL_EXPORTER_OTLP_HEADERS make no request".to_owned()))?;
        let bounds = Bounds { within: self.settings.timeout, answer: ANSWER_BYTES };
        match self.client.send_and_cut(request, bounds) {
            Ok((answer, _)) if (200..300).contains(&answer.status) => Ok(()),
            Ok((answer, _)) => {
                let retryable = RETRYABLE.contains(&answer.status);
                Err(ExportFailure { text: format!("it answers with status {}", answer.status), retryable })
            }
            Err(error) => Err(ExportFailure { text: error.to_string(), retryable: true }),
        }
    }
}
