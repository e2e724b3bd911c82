//! Where the event of a change goes.

/// Keeps no events. What receives them on a store is a trait of that store, because the event must be in the same write as
/// the change: `sqlite::EventWriter` and `mongo::EventDocuments`. Either can refuse an event, and with it the change.
#[derive(Clone, Copy, Debug)]
pub struct NoEvents;
