//! By how much metrics have grown since they were last looked at, for readers that add up what they get.

use std::collections::HashMap;

use super::{Buckets, Family, Point, Value};

/// What the latest look has seen.
#[derive(Debug, Default)]
pub struct Growth {
    seen: HashMap<(&'static str, Vec<&'static str>), Value>,
}

impl Growth {
    /// The value of this point less the one of the look before. It is the value itself at the first look.
    pub fn since_last(&mut self, family: &Family, point: &Point) -> Value {
        let key = (family.descriptor.name, point.labels.clone());
        match self.seen.insert(key, point.value.clone()) {
            Some(before) => less(&point.value, &before),
            None => point.value.clone(),
        }
    }
}

fn less(now: &Value, before: &Value) -> Value {
    match (now, before) {
        (Value::Count(now), Value::Count(before)) => Value::Count(now.saturating_sub(*before)),
        (Value::Level(now), Value::Level(before)) => Value::Level(now - before),
        (Value::Buckets(now), Value::Buckets(before)) => {
            let counts =
                now.counts.iter().zip(&before.counts).map(|(now, before)| now.saturating_sub(*before));
            let (counts, upper) = (counts.collect(), now.upper.clone());
            Value::Buckets(Buckets { upper, counts, sum: now.sum - before.sum })
        }
        _ => now.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::{Descriptor, Kind, Snapshot};

    const REQUESTS: Descriptor =
        Descriptor { name: "requests", kind: Kind::Counter, labels: &["code"], help: "Requests." };

    #[test]
    fn each_look_counts_from_the_one_before_for_each_choice_of_labels() {
        let mut growth = Growth::default();
        let mut look = |a: u64, b: u64| {
            let mut snapshot = Snapshot::default();
            snapshot.family(&REQUESTS).add(&["a"], a);
            snapshot.family(&REQUESTS).add(&["b"], b);
            let family = &snapshot.families()[0];
            family.points.iter().map(|point| growth.since_last(family, point)).collect::<Vec<_>>()
        };
        assert_eq!(look(3, 1), [Value::Count(3), Value::Count(1)]);
        assert_eq!(look(5, 1), [Value::Count(2), Value::Count(0)]);
        assert_eq!(look(5, 9), [Value::Count(0), Value::Count(8)]);
    }
}
