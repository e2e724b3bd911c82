//! The connection to the server, and how collections are read and written through it.

use std::time::Duration;

use mongodb::bson::Document;
use mongodb::error::Error;
use mongodb::options::{
    Acknowledgment, ClientOptions, CollectionOptions, ReadConcern, ReadPreference, ReadPreferenceOptions,
    SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection};

use super::collections::CollectionSpec;

/// The longest time for choosing a server. If a database is down, that is known by then.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_millis(1000);
/// The most connections to one server, and how many of them are opened at once. With ten, and two at once, thirty log-ins in a
/// region far from the primary waited for connections until their deadlines. Each such log-in then left its connection unusable, so
/// a server did not recover. With a hundred, writes of one document hinder each other for longer than their deadlines.
const MAX_POOL_SIZE: u32 = 32;
const MAX_CONNECTING: u32 = 16;
/// The database if the URI names none, as in the original's driver.
const DEFAULT_DATABASE: &str = "test";

/// The servers from which a collection is read; writes always go to the primary.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadFrom {
    /// The server that the URI prefers.
    Preferred,
    /// The primary. Only if there is none, another member, and only if the URI does not insist on the primary.
    PrimaryFirst,
    /// The primary: a read that decides about a write must not see old data.
    Primary,
    /// The primary, with what a majority does not have yet: a later write that a majority has confirms what was read.
    PrimaryAlone,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) database: mongodb::Database,
}

impl Connection {
    /// Resolves the names of a `mongodb+srv` URI. The driver connects by itself at its first request.
    pub(super) async fn open(uri: &str) -> Result<Self, Error> {
        let mut options = ClientOptions::parse(uri).await?;
        options.server_selection_timeout = Some(SERVER_SELECTION_TIMEOUT);
        options.connect_timeout.get_or_insert(SERVER_SELECTION_TIMEOUT);
        options.max_pool_size.get_or_insert(MAX_POOL_SIZE);
        options.max_connecting.get_or_insert(MAX_CONNECTING);
        options.app_name.get_or_insert_with(|| "jwt-generator".to_owned());
        // Data that a read finds must be durable, too. A server that was cut off believes for some seconds
        // that it is the primary. No client got a success for the users that it stores then, and they are
        // gone when it is back.
        options.read_concern.get_or_insert_with(ReadConcern::majority);
        let name = options.default_database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        Ok(Self { database: Client::with_options(options)?.database(&name) })
    }

    /// A collection. A write that succeeded survives the loss of any one server. If there is only one server,
    /// the write is in its journal.
    pub(super) fn collection(&self, of: &CollectionSpec, from: ReadFrom) -> Collection<Document> {
        let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        let criteria = match from {
            ReadFrom::Preferred => None,
            ReadFrom::PrimaryFirst if self.reads_from_others() => {
                Some(ReadPreference::PrimaryPreferred { options: Some(ReadPreferenceOptions::default()) })
            }
            ReadFrom::PrimaryFirst | ReadFrom::Primary | ReadFrom::PrimaryAlone => {
                Some(ReadPreference::Primary)
            }
        };
        let criteria = criteria.map(SelectionCriteria::ReadPreference);
        // A comparison must begin with the latest write, and not with the latest one that a majority is known to have.
        let latest = matches!(from, ReadFrom::PrimaryFirst | ReadFrom::PrimaryAlone).then(ReadConcern::local);
        let options = CollectionOptions::builder()
            .write_concern(concern)
            .selection_criteria(criteria)
            .read_concern(latest)
            .build();
        self.database.collection_with_options(of.name, options)
    }

    /// Whether the URI lets users be read from members other than the primary.
    fn reads_from_others(&self) -> bool {
        let preferred = self.database.selection_criteria();
        !matches!(preferred, None | Some(SelectionCriteria::ReadPreference(ReadPreference::Primary)))
    }
}
