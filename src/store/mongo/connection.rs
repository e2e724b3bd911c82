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

/// Choosing a server may take so long; a database that is down is known by then.
const SERVER_SELECTION_TIMEOUT: Duration = Duration::from_millis(1000);
/// The database of a URI that names none, as the original's driver has it.
const DEFAULT_DATABASE: &str = "test";

/// From which servers a collection is read; writes always go to the primary.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadFrom {
    /// Where the URI prefers.
    Preferred,
    /// The primary. Only if there is none, another member, and only if the URI does not insist on the primary.
    PrimaryFirst,
    /// The primary: what decides whether something is written must not be an old copy.
    Primary,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) database: mongodb::Database,
}

impl Connection {
    /// Looks up the names of a `mongodb+srv` URI; the driver connects by itself, when it is asked something.
    pub(super) async fn open(uri: &str) -> Result<Self, Error> {
        let mut options = ClientOptions::parse(uri).await?;
        options.server_selection_timeout = Some(SERVER_SELECTION_TIMEOUT);
        options.connect_timeout.get_or_insert(SERVER_SELECTION_TIMEOUT);
        options.app_name.get_or_insert_with(|| "jwt-generator".to_owned());
        // What is found must last, too: a server that was cut off takes itself for the primary for some seconds. The users
        // that it stores then were acknowledged to no client, and are gone when it is back.
        options.read_concern.get_or_insert_with(ReadConcern::majority);
        let name = options.default_database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        Ok(Self { database: Client::with_options(options)?.database(&name) })
    }

    /// A collection. What is answered with success survives the loss of any one server; it is journalled where there is
    /// only one.
    pub(super) fn collection(&self, of: &CollectionSpec, from: ReadFrom) -> Collection<Document> {
        let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        let criteria = match from {
            ReadFrom::Preferred => None,
            ReadFrom::PrimaryFirst if self.reads_from_others() => {
                Some(ReadPreference::PrimaryPreferred { options: Some(ReadPreferenceOptions::default()) })
            }
            ReadFrom::PrimaryFirst | ReadFrom::Primary => Some(ReadPreference::Primary),
        };
        let criteria = criteria.map(SelectionCriteria::ReadPreference);
        // A comparison must begin with the latest write, and not with the latest one that a majority is known to have.
        let latest = matches!(from, ReadFrom::PrimaryFirst).then(ReadConcern::local);
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
