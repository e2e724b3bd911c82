//! What an export says of the service.

use super::OtlpSettings;
use super::protobuf::Message;

/// What describes the service, the same in every export.
#[derive(Debug)]
pub struct Resource(Vec<(String, String)>);

impl Resource {
    /// The service of these settings; `instance` tells its processes apart. What the operator says goes before what we say.
    pub fn of(settings: &OtlpSettings, instance: u32) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let usual = [
            ("service.version", version.to_owned()),
            ("service.instance.id", format!("{instance:08x}")),
            ("telemetry.sdk.name", "jwt-generator".to_owned()),
            ("telemetry.sdk.language", "rust".to_owned()),
            ("telemetry.sdk.version", version.to_owned()),
        ];
        let mut attributes = vec![("service.name".to_owned(), settings.service_name.clone())];
        attributes.extend(settings.resource.iter().filter(|(name, _)| name != "service.name").cloned());
        for (name, value) in usual {
            if !attributes.iter().any(|(set, _)| set == name) {
                attributes.push((name.to_owned(), value));
            }
        }
        Self(attributes)
    }

    /// Writes the fields of the message `Resource` (`resource/v1/resource.proto`).
    pub(in crate::telemetry) fn write(&self, message: &mut Message) {
        for (name, value) in &self.0 {
            text_attribute(message, 1, name, value);
        }
    }
}

/// A `KeyValue` whose value is a text, also an empty one.
pub(in crate::telemetry) fn text_attribute(message: &mut Message, field: u32, name: &str, value: &str) {
    message.message(field, |pair| {
        pair.bytes(1, name.as_bytes());
        pair.message(2, |any| any.present_bytes(1, value.as_bytes()));
    });
}
