//! Which requests are recorded (`OTEL_TRACES_SAMPLER`).

use crate::domain::{TraceContext, TraceId};

/// Decides by the trace, so that all services decide alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Whether the decision of the client counts, if it has made one.
    follows_parent: bool,
    /// The part of the other traces that is recorded, from 0 to 1.
    ratio: f64,
}

impl Sampler {
    /// The sampler of this name, with this argument (`OTEL_TRACES_SAMPLER_ARG`).
    ///
    /// # Errors
    /// The names that there are.
    pub fn parse(name: &str, ratio: f64) -> Result<Self, String> {
        let sampler = |follows_parent, ratio| Ok(Self { follows_parent, ratio });
        match name {
            "always_on" => sampler(false, 1.0),
            "always_off" => sampler(false, 0.0),
            "traceidratio" => sampler(false, ratio),
            "parentbased_always_on" => sampler(true, 1.0),
            "parentbased_always_off" => sampler(true, 0.0),
            "parentbased_traceidratio" => sampler(true, ratio),
            _ => Err("must be always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                      parentbased_traceidratio"
                .to_owned()),
        }
    }

    /// Whether a request of this trace is recorded. `parent` is what the client said.
    pub(super) fn records(self, trace_id: TraceId, parent: Option<TraceContext>) -> bool {
        let decided = parent.and_then(|parent| parent.sampled).filter(|_| self.follows_parent);
        decided.unwrap_or_else(|| is_within(trace_id, self.ratio))
    }
}

/// The last eight bytes of a trace id are random, so they are a number from 0 to 1 for each trace.
fn is_within(trace_id: TraceId, ratio: f64) -> bool {
    let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
    // The largest numbers round up to the end of the range.
    ratio >= 1.0 || (number as f64) < ratio * (1_u64 << 63) as f64
}

#[cfg(test)]
mod tests {
    use super::{Sampler, TraceContext, TraceId};

    fn id(last: u64) -> TraceId {
        let mut bytes = [1; 16];
        bytes[8..].copy_from_slice(&last.to_be_bytes());
        TraceId::from_bytes(bytes).unwrap()
    }

    #[test]
    fn a_parent_decides_if_the_sampler_asks_it_and_the_ratio_decides_otherwise() {
        let parent = |sampled| Some(TraceContext { trace_id: id(0), span_id: None, sampled });
        for (name, alone, of_recorded, of_unrecorded) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
            ("traceidratio", false, false, false),
            ("parentbased_traceidratio", false, true, false),
        ] {
            let sampler = Sampler::parse(name, 0.25).unwrap();
            let records = |parent| sampler.records(id(u64::MAX), parent);
            assert_eq!(records(None), alone, "{name}");
            assert_eq!(records(parent(None)), alone, "{name}: the client has not decided");
            assert_eq!(records(parent(Some(true))), of_recorded, "{name}");
            assert_eq!(records(parent(Some(false))), of_unrecorded, "{name}");
        }
        assert!(Sampler::parse("jaeger_remote", 1.0).is_err());
    }

    #[test]
    fn a_ratio_is_the_part_of_the_traces_that_are_recorded() {
        let records = |ratio, last| Sampler::parse("traceidratio", ratio).unwrap().records(id(last), None);
        assert!(records(0.25, u64::MAX / 4 - 1000) && !records(0.25, u64::MAX / 4 + 1000));
        assert!(records(1.0, u64::MAX) && !records(0.0, 0));
    }
}
