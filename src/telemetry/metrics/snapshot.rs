//! The values of all metrics at one moment, in no format yet.

use super::Descriptor;

/// The values of all metrics at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    families: Vec<Family>,
}

/// One metric with the values that it has by its labels.
#[derive(Debug)]
pub struct Family {
    /// What it is.
    pub descriptor: &'static Descriptor,
    /// Its values.
    pub points: Vec<Point>,
}

/// The value for one choice of labels.
#[derive(Debug)]
pub struct Point {
    /// The values of the labels, in the order of [`Descriptor::labels`].
    pub labels: Vec<&'static str>,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// Any number.
    Level(f64),
    /// Observations.
    Buckets(Buckets),
}

/// The observations of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// The upper bounds of all ranges but the last one, in the metric's unit.
    pub upper: Vec<f64>,
    /// How many observations are in each range.
    pub counts: Vec<u64>,
    /// The sum of all observations, in the metric's unit.
    pub sum: f64,
}

impl Buckets {
    /// How many observations there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for Value {
    fn from(level: f64) -> Self {
        Self::Level(level)
    }
}

impl Snapshot {
    /// Every metric, in the order in which the sources told of them.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The family of this metric. It is there from now on, even if it gets no value; several sources may add values.
    pub fn family(&mut self, descriptor: &'static Descriptor) -> &mut Family {
        let known = self.families.iter().position(|family| family.descriptor == descriptor);
        let at = known.unwrap_or_else(|| {
            self.families.push(Family { descriptor, points: Vec::new() });
            self.families.len() - 1
        });
        &mut self.families[at]
    }
}

impl Family {
    /// Adds the value for these labels, which are in the order of the descriptor's.
    pub fn add(&mut self, labels: &[&'static str], value: impl Into<Value>) {
        self.points.push(Point { labels: labels.to_vec(), value: value.into() });
    }
}
