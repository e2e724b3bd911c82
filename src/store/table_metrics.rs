//! How full the tables were when they were last counted.

use arc_swap::ArcSwap;

use super::TableSize;
use crate::domain::Timestamp;
use crate::telemetry::metrics::{Descriptor, Kind, Snapshot, Source};

const ROWS: Descriptor = Descriptor {
    name: "jwt_store_rows",
    kind: Kind::Gauge,
    labels: &["table"],
    help: "Rows of a table of SQLite or documents of a collection of MongoDB. Missing while the database does not answer.",
};
const EXPIRED_FOR: Descriptor = Descriptor {
    name: "jwt_store_oldest_expired_seconds",
    kind: Kind::Gauge,
    labels: &["table"],
    help: "For how long the row that expired first should have been removed; 0 if no row has expired. Only for tables whose rows expire.",
};

/// The latest sizes, with the seconds for which the oldest expired row of each table was there too long.
#[derive(Debug, Default)]
pub struct TableMetrics(ArcSwap<Vec<(TableSize, f64)>>);

impl TableMetrics {
    /// Notes the sizes at `now`; none if they are not known.
    pub fn note(&self, sizes: Vec<TableSize>, now: Timestamp) {
        let expired_for = |size: &TableSize| {
            size.first_expires_at
                .map_or(0.0, |at| now.as_millis().saturating_sub(at.as_millis()) as f64 / 1e3)
        };
        let noted = sizes.into_iter().map(|size| (expired_for(&size), size)).map(|(age, size)| (size, age));
        self.0.store(noted.collect::<Vec<_>>().into());
    }
}

impl Source for TableMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let sizes = self.0.load();
        let rows = snapshot.family(&ROWS);
        sizes.iter().for_each(|(size, _)| rows.add(&[size.table], size.rows));
        let expired_for = snapshot.family(&EXPIRED_FOR);
        for (size, age) in sizes.iter().filter(|(size, _)| size.first_expires_at.is_some()) {
            expired_for.add(&[size.table], *age);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Value;

    #[test]
    fn a_row_counts_as_expired_from_its_instant_on() {
        let metrics = TableMetrics::default();
        let size = |at| TableSize { table: "t", rows: 3, first_expires_at: Some(Timestamp::from_secs(at)) };
        let expired_for = |at| {
            metrics.note(vec![size(at)], Timestamp::from_secs(100));
            let mut snapshot = Snapshot::default();
            metrics.collect(&mut snapshot);
            assert_eq!(snapshot.families()[0].points[0].value, Value::Count(3));
            snapshot.families()[1].points[0].value.clone()
        };
        assert_eq!((expired_for(160), expired_for(40)), (Value::Level(0.0), Value::Level(60.0)));
    }
}
