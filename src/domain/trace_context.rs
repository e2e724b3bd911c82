//! Which trace a request belongs to: W3C Trace Context (`traceparent`, `tracestate`) and AWS X-Ray's `X-Amzn-Trace-Id`.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// The name of a trace: 16 bytes, not all of them zero (W3C Trace Context §3.2.2.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceId(NonZeroU128);

/// The name of a span in its trace: 8 bytes, not all of them zero (W3C Trace Context §3.2.2.4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SpanId(NonZeroU64);

/// The place of a request in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The innermost span that is known; `None` if X-Ray names a trace alone.
    pub span_id: Option<SpanId>,
    /// Whether the trace is recorded; `None` if X-Ray leaves the decision to others.
    pub sampled: Option<bool>,
}

/// The flag of a trace that is recorded (W3C Trace Context §3.2.2.5.1).
const SAMPLED: u8 = 1;
/// The length of `traceparent` in version 00, in bytes.
const TRACEPARENT_BYTES: usize = 55;
/// The longest `tracestate` that is passed on, in bytes (W3C Trace Context §3.3.1.5).
const MAX_TRACESTATE_BYTES: usize = 512;
/// The most members of a `tracestate` (W3C Trace Context §3.3.1.1).
const MAX_TRACESTATE_MEMBERS: usize = 32;

impl TraceId {
    /// The trace of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        NonZeroU128::new(u128::from_be_bytes(bytes)).map(Self)
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }

    fn parse(hex: &[u8]) -> Option<Self> {
        number(hex).and_then(NonZeroU128::new).map(Self)
    }
}

impl SpanId {
    /// The span of these bytes.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        NonZeroU64::new(u64::from_be_bytes(bytes)).map(Self)
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }

    fn parse(hex: &[u8]) -> Option<Self> {
        let number = u64::try_from(number(hex)?).ok()?;
        NonZeroU64::new(number).map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

impl TraceContext {
    /// Reads the value of the header `traceparent` (W3C Trace Context §3.2). Nothing if it breaks a rule. A later version
    /// may have more behind the parts that version 00 has.
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(TRACEPARENT_BYTES)?;
        let [version @ .., b'-'] = &head[..3] else { return None };
        let version = number(version)?;
        if version == 0xff || (version == 0 && !rest.is_empty()) || !(rest.is_empty() || rest[0] == b'-') {
            return None;
        }
        let (trace_id, span_id, flags) = (&head[3..35], &head[36..52], &head[53..]);
        if head[35] != b'-' || head[52] != b'-' {
            return None;
        }
        let flags = number(flags)? as u8;
        Some(Self {
            trace_id: TraceId::parse(trace_id)?,
            span_id: Some(SpanId::parse(span_id)?),
            sampled: Some(flags & SAMPLED != 0),
        })
    }

    /// Reads the value of the header `X-Amzn-Trace-Id`: `Root=1-SECONDS-RANDOM;Parent=SPAN;Sampled=1`, in any order. The
    /// two parts of `Root` together are the trace id. Nothing if `Root` is missing or malformed.
    pub fn from_xray(value: &[u8]) -> Option<Self> {
        let (mut trace_id, mut span_id, mut sampled) = (None, None, None);
        for part in value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|part| !part.is_empty())
        {
            match part.split_at_checked(part.iter().position(|byte| *byte == b'=')? + 1)? {
                (b"Root=", root) => trace_id = Some(xray_root(root)?),
                (b"Parent=", parent) => span_id = Some(SpanId::parse(parent).filter(|_| parent.len() == 16)?),
                (b"Sampled=", b"1") => sampled = Some(true),
                (b"Sampled=", b"0") => sampled = Some(false),
                _ => {}
            }
        }
        Some(Self { trace_id: trace_id?, span_id, sampled })
    }

    /// The value of `traceparent` for a request that belongs to this span. Nothing if no span is known.
    pub fn traceparent(&self) -> Option<String> {
        let flags = u8::from(self.sampled == Some(true));
        Some(format!("00-{}-{}-{flags:02x}", self.trace_id, self.span_id?))
    }

    /// The value of `X-Amzn-Trace-Id` for a request that belongs to this span.
    pub fn xray(&self) -> String {
        let trace = self.trace_id.to_string();
        let (seconds, random) = trace.split_at(8);
        let parent = self.span_id.map(|id| format!(";Parent={id}")).unwrap_or_default();
        let sampled =
            self.sampled.map(|sampled| format!(";Sampled={}", u8::from(sampled))).unwrap_or_default();
        format!("Root=1-{seconds}-{random}{parent}{sampled}")
    }
}

/// The number that lower-case hex digits write.
fn number(hex: &[u8]) -> Option<u128> {
    let digit = |number: u128, byte: &u8| {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    };
    hex.iter().try_fold(0, digit)
}

/// The trace id of `1-SSSSSSSS-RRRRRRRRRRRRRRRRRRRRRRRR`.
fn xray_root(root: &[u8]) -> Option<TraceId> {
    let (seconds, random) = root.strip_prefix(b"1-")?.split_at_checked(8)?;
    let random = random.strip_prefix(b"-").filter(|random| random.len() == 24)?;
    NonZeroU128::new(number(seconds)? << 96 | number(random)?).map(TraceId)
}

/// Whether a value of the header `tracestate` may be passed on: at most 32 members in at most 512 bytes, each `key=value`,
/// each key once (W3C Trace Context §3.3.1).
pub fn is_tracestate(value: &str) -> bool {
    if value.is_empty() || value.len() > MAX_TRACESTATE_BYTES {
        return false;
    }
    let mut keys = Vec::new();
    for member in value.split(',').map(|member| member.trim_matches([' ', '\t'])) {
        if member.is_empty() {
            continue;
        }
        let Some((key, value)) = member.split_once('=') else { return false };
        if !is_state_key(key) || !is_state_value(value) || keys.contains(&key) {
            return false;
        }
        keys.push(key);
    }
    (1..=MAX_TRACESTATE_MEMBERS).contains(&keys.len())
}

fn is_state_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let starts = key.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    starts && key.len() <= 256 && key.bytes().all(plain)
}

fn is_state_value(value: &str) -> bool {
    let plain = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{TraceContext, is_tracestate};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn w3c(text: &str) -> Option<TraceContext> {
        TraceContext::from_traceparent(text.as_bytes())
    }

    fn xray(text: &str) -> Option<TraceContext> {
        TraceContext::from_xray(text.as_bytes())
    }

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        for text in [PARENT, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"] {
            assert_eq!(w3c(text).unwrap().traceparent().as_deref(), Some(text));
        }
        assert_eq!(w3c(PARENT).unwrap().sampled, Some(true));
        assert_eq!(w3c(&PARENT.replace("-01", "-02")).unwrap().sampled, Some(false), "another flag is set");
    }

    #[test]
    fn a_later_version_may_say_more_behind_what_is_known() {
        for text in [PARENT.replacen("00", "cc", 1), PARENT.replacen("00", "01", 1) + "-what-comes"] {
            assert_eq!(w3c(&text), w3c(PARENT), "{text}");
        }
    }

    #[test]
    fn a_traceparent_that_breaks_a_rule_is_ignored() {
        for text in [
            "".to_owned(),
            PARENT[..54].to_owned(),
            format!("{PARENT}-"),
            format!("{PARENT}0"),
            format!(" {PARENT}"),
            PARENT.replacen("00", "ff", 1),
            PARENT.replacen("00", "0x", 1),
            PARENT.replacen("00", "01", 1) + ".more",
            PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            PARENT.to_uppercase(),
            PARENT.replace('-', "_"),
            PARENT.replace("4bf9", "4bg9"),
            PARENT.replace("-01", "-+1"),
        ] {
            assert_eq!(w3c(&text), None, "{text:?}");
        }
        assert_eq!(TraceContext::from_traceparent(&[0xff; 55]), None);
    }

    #[test]
    fn a_trace_of_xray_has_the_same_id_in_the_form_of_w3c() {
        let full = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let found = xray(full).unwrap();
        assert_eq!(found.traceparent().unwrap(), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
        assert_eq!(found.xray(), full);
        let found =
            xray("Self=1-5759e987-0;Root=1-5759e988-bd862e3fe1be46a994272793;CalledFrom=app").unwrap();
        assert_eq!((found.span_id, found.sampled, found.traceparent()), (None, None, None));
        assert_eq!(found.xray(), "Root=1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(xray("Root=1-5759e988-bd862e3fe1be46a994272793; Sampled=?").unwrap().sampled, None);
    }

    #[test]
    fn a_malformed_header_of_xray_is_ignored() {
        for text in [
            "",
            "Root=",
            "Sampled=1",
            "Root=1-00000000-000000000000000000000000",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-5759e988-bd862e3fe1be46a9942727933",
            "Root=1-5759E988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad",
            "Root=1-5759e988-bd862e3fe1be46a994272793;nonsense",
        ] {
            assert_eq!(xray(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_tracestate_is_passed_on_if_it_is_well_formed() {
        let many = |count: usize| (0..count).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
        for text in
            ["rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE,rojo=1", "a=1, b=2", "1a@b-c_d*e/f=~!", &many(32)]
        {
            assert!(is_tracestate(text), "{text}");
        }
        let long = format!("a={}", "x".repeat(257));
        for text in
            ["", ",", "a", "a=", "=b", "A=1", "a=1,a=2", "a=b=c", "a=\u{e4}", "a=b\n", &long, &many(33)]
        {
            assert!(!is_tracestate(text), "{text:?}");
        }
        assert!(
            !is_tracestate(&format!("a={},b={}", "x".repeat(255), "y".repeat(255))),
            "more than 512 bytes"
        );
    }
}
