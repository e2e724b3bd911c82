//! The receiver of the event of a change.

/// Keeps no events. Each store has its own trait for a receiver, because the event must be in the same write
/// as the change: `sqlite::EventWriter` and `mongo::EventDocuments`. Either can refuse an event, and with it
/// the change.
#[derive(Clone, Copy, Debug)]
pub struct NoEvents;
