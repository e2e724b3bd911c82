//! What a metric is, whatever its values are.

/// One metric. `docs/metrics.md` has a row for each.
#[derive(Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its name, without `_total` and `_info`.
    pub name: &'static str,
    /// How its values behave.
    pub kind: Kind,
    /// The names of its labels. Each has few values, and requests choose none of them freely.
    pub labels: &'static [&'static str],
    /// What it counts or measures, as a sentence.
    pub help: &'static str,
}

/// How the values of a metric behave (OpenMetrics 1.0, "Metric Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It grows and shrinks.
    Gauge,
    /// How many observations are in each range.
    Histogram,
    /// It is always 1; its labels tell.
    Info,
}

impl Descriptor {
    /// The base unit of its values, which is the end of its name; nothing if it only counts.
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes"].into_iter().find(|unit| {
            let before = self.name.strip_suffix(unit);
            before.is_some_and(|before| before.ends_with('_'))
        })
    }

    /// The name that its samples have; those of a histogram have more behind it.
    pub fn sample_name(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Info => format!("{}_info", self.name),
            Kind::Gauge | Kind::Histogram => self.name.to_owned(),
        }
    }
}

impl Kind {
    /// Its name in OpenMetrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Descriptor, Kind};

    #[test]
    fn the_unit_is_the_last_word_of_the_name() {
        let unit = |name| Descriptor { name, kind: Kind::Gauge, labels: &[], help: "" }.unit();
        assert_eq!(unit("task_duration_seconds"), Some("seconds"));
        assert_eq!(unit("resident_memory_bytes"), Some("bytes"));
        assert_eq!((unit("seconds"), unit("nanoseconds"), unit("queue_length")), (None, None, None));
    }
}
