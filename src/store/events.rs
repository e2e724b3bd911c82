//! Where the event of a change goes.

use std::fmt;

use crate::domain::Event;

/// Receives the event of each change that a store writes, once, at the place where the store writes the change: on SQLite
/// inside the transaction, on MongoDB beside the write that makes the change visible. A change that is refused has no event.
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Takes the event of a change that is written now. It must not wait: on SQLite it is called on the writing thread.
    fn take(&self, event: &Event);
}

/// Keeps no events.
#[derive(Clone, Copy, Debug)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn take(&self, _: &Event) {}
}
