//! The `OTEL_*` settings, in the form that OpenTelemetry's specification gives them.

use super::settings;
use super::{Faults, Reader, Setting, parse};
use crate::domain::Secret;
use crate::telemetry::metrics::MetricExportSettings;
use crate::telemetry::otlp::{OtlpSettings, parse_pairs};
use crate::telemetry::traces::{Sampler, TraceSettings};

/// The destination of traces. Nothing if no endpoint is set, or if `OTEL_SDK_DISABLED` says so.
///
/// # Errors
/// As [`Reader::required`].
pub(super) fn traces(read: &mut Reader<'_>) -> Result<Option<TraceSettings>, Faults> {
    let ratio = read.required(settings::OTEL_TRACES_SAMPLER_ARG, parse::ratio)?;
    let sampler = read.required(settings::OTEL_TRACES_SAMPLER, |text| Sampler::parse(text, ratio))?;
    let otlp = collector(read, settings::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, "/v1/traces")?;
    Ok(otlp.map(|otlp| TraceSettings { otlp, sampler }))
}

/// The destination of metrics, in the same way.
///
/// # Errors
/// As [`Reader::required`].
pub(super) fn metrics(read: &mut Reader<'_>) -> Result<Option<MetricExportSettings>, Faults> {
    let interval = read.required(settings::OTEL_METRIC_EXPORT_INTERVAL, parse::export_interval)?;
    let temporality =
        read.required(settings::OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE, parse::temporality)?;
    let otlp = collector(read, settings::OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, "/v1/metrics")?;
    Ok(otlp.map(|otlp| MetricExportSettings { otlp, interval, temporality }))
}

/// The collector of a signal, which has an endpoint of its own or a path below the common one.
fn collector(
    read: &mut Reader<'_>,
    endpoint: &'static Setting,
    path: &str,
) -> Result<Option<OtlpSettings>, Faults> {
    let common = read.optional(settings::OTEL_EXPORTER_OTLP_ENDPOINT, parse::url);
    let own = read.optional(endpoint, parse::url);
    let timeout = read.required(settings::OTEL_EXPORTER_OTLP_TIMEOUT, parse::milliseconds)?;
    let headers = read.optional_secret(settings::OTEL_EXPORTER_OTLP_HEADERS, parse::headers);
    let resource = read.optional(settings::OTEL_RESOURCE_ATTRIBUTES, parse_pairs).unwrap_or_default();
    let is_off = read.required(settings::OTEL_SDK_DISABLED, parse::switch)?;
    let Some(endpoint) = own.or_else(|| common.map(|base| base + path)).filter(|_| !is_off) else {
        return Ok(None);
    };
    // Without an endpoint, what the protocol is does not matter.
    read.required(settings::OTEL_EXPORTER_OTLP_PROTOCOL, parse::otlp_protocol)?;
    let headers = headers.map(|text| parse_pairs(text.expose()).unwrap_or_default()).unwrap_or_default();
    let headers = headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
    let service_name = service_name(read, &resource);
    Ok(Some(OtlpSettings { endpoint, headers, timeout, service_name, resource }))
}

/// `OTEL_SERVICE_NAME`, or what `OTEL_RESOURCE_ATTRIBUTES` calls the service, or our own name.
fn service_name(read: &Reader<'_>, resource: &[(String, String)]) -> String {
    let named = resource.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.clone());
    let set = read.is_set(settings::OTEL_SERVICE_NAME).then(|| read.text(settings::OTEL_SERVICE_NAME));
    set.or(named).unwrap_or_else(|| read.text(settings::OTEL_SERVICE_NAME))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};
    use crate::telemetry::traces::TraceSettings;

    fn read(set: &[(&str, &str)]) -> Result<Option<TraceSettings>, String> {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources::read(set, std::path::Path::new("/nonexistent")).unwrap();
        Config::read(&sources).map(|config| config.traces).map_err(|faults| faults.to_string())
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn traces_are_off_without_an_endpoint_and_by_the_switch() {
        assert!(read(&[]).unwrap().is_none());
        assert!(
            read(&[("OTEL_SERVICE_NAME", "auth"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])
                .unwrap()
                .is_none()
        );
        assert!(read(&[BASE, ("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
    }

    #[test]
    fn the_endpoint_for_traces_goes_before_the_common_one_and_is_taken_as_it_is() {
        let endpoint = |set: &[(&str, &str)]| read(set).unwrap().unwrap().otlp.endpoint;
        assert_eq!(endpoint(&[BASE]), "http://collector:4318/v1/traces");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example.com/otlp");
        assert_eq!(endpoint(&[BASE, own]), "https://traces.example.com/otlp");
    }

    #[test]
    fn the_service_is_named_by_its_setting_or_else_by_the_attributes() {
        let name = |set: &[(&str, &str)]| read(&[&[BASE], set].concat()).unwrap().unwrap().otlp.service_name;
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=login,team=auth");
        assert_eq!(name(&[]), "jwt-generator");
        assert_eq!(name(&[attributes]), "login");
        assert_eq!(name(&[attributes, ("OTEL_SERVICE_NAME", "auth")]), "auth");
    }

    #[test]
    fn what_cannot_be_used_is_refused_and_headers_are_not_shown() {
        for (name, value, told) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "must be http/protobuf"),
            ("OTEL_TRACES_SAMPLER", "xray", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.1", "from 0 to 1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "from 1 to 600000"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2", "OTEL_EXPORTER_OTLP_HEADERS=(hidden)"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hunter2", "OTEL_EXPORTER_OTLP_HEADERS=(hidden)"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2%0a", "OTEL_EXPORTER_OTLP_HEADERS=(hidden)"),
        ] {
            let faults = read(&[BASE, (name, value)]).unwrap_err();
            assert!(faults.contains(told) && !faults.contains("hunter2"), "{faults}");
        }
    }
}
