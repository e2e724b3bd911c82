//! Events on SQLite, which are written in the transaction of the change that causes them.

use std::fmt;

use rusqlite::Connection;

use crate::domain::Event;
use crate::store::NoEvents;

/// Writes the event of each change, or refuses the event and with it the change.
pub trait EventWriter: fmt::Debug + Send + Sync {
    /// Writes `event`. Called once for each change that was made, on the writing thread, in the savepoint of
    /// the change: the event and the change are committed together. It must not wait.
    ///
    /// # Errors
    /// Any error undoes the change, which returns this error.
    fn write(&self, connection: &Connection, event: &Event) -> rusqlite::Result<()>;
}

impl EventWriter for NoEvents {
    fn write(&self, _: &Connection, _: &Event) -> rusqlite::Result<()> {
        Ok(())
    }
}
