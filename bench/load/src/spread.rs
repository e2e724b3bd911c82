//! A figure over all rounds: its median, and how far it strayed.

use serde::Serialize;

/// Median, lowest and highest of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the middle two.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Spread {
    /// The spread of `values`. The result is `None` if there are no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median, min, max })
    }

    /// For a cell of a table, with the figures as `write` writes them.
    pub fn text(self, write: fn(f64) -> String) -> String {
        let (median, min, max) = (write(self.median), write(self.min), write(self.max));
        if min == max { median } else { format!("{median} ({min} to {max})") }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_single_round_has_no_range() {
        let text = |values: &[f64]| {
            Spread::of(values.iter().copied()).map(|spread| spread.text(|v| format!("{v:.1}")))
        };
        assert_eq!(text(&[1.0, 2.0, 3.0]).as_deref(), Some("2.0 (1.0 to 3.0)"));
        assert_eq!(text(&[1.0]).as_deref(), Some("1.0"));
    }
}
