//! Writes the few kinds of Protocol Buffers fields that OTLP's messages have
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// A message that is being written.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Message(Vec<u8>);

/// The kinds of fields on the wire.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

impl Message {
    /// A field of any number of bytes: `bytes` or `string`. As in proto3, an empty one is left out.
    pub(in crate::telemetry) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.present_bytes(field, bytes);
        }
    }

    /// The same for a field of which it counts whether it is there (`oneof`): an empty one is written.
    pub(in crate::telemetry) fn present_bytes(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A field that is a message. It is written also if it is empty.
    pub(in crate::telemetry) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.present_bytes(field, &inner.0);
    }

    /// A field of the type `int64` or `enum`.
    pub(in crate::telemetry) fn number(&mut self, field: u32, number: i64) {
        self.key(field, VARINT);
        self.varint(number as u64);
    }

    pub(in crate::telemetry) fn fixed64(&mut self, field: u32, number: u64) {
        self.key(field, FIXED_64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(in crate::telemetry) fn fixed32(&mut self, field: u32, number: u32) {
        self.key(field, FIXED_32);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// All that was written.
    pub(in crate::telemetry) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::Message;

    /// The examples of the description of the encoding.
    #[test]
    fn fields_are_written_as_the_encoding_describes_them() {
        let written = |fill: &dyn Fn(&mut Message)| {
            let mut message = Message::default();
            fill(&mut message);
            message.into_bytes()
        };
        assert_eq!(written(&|message| message.number(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(written(&|message| message.bytes(2, b"testing")), *b"\x12\x07testing");
        assert_eq!(
            written(&|message| message.message(3, |inner| inner.number(1, 150))),
            [0x1a, 0x03, 0x08, 0x96, 0x01]
        );
        assert_eq!(written(&|message| message.number(1, -2)).len(), 11, "ten bytes behind the key");
        assert_eq!(written(&|message| message.fixed32(1, 1)), [0x0d, 1, 0, 0, 0]);
        assert_eq!(written(&|message| message.fixed64(1, 1)), [0x09, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert!(written(&|message| message.bytes(1, b"")).is_empty());
    }
}
