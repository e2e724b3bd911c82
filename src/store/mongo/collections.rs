//! The table of collections: the purpose of each, its owner, its indexes, and what limits its size. The
//! preparation makes what the table says, docs/deploy.md repeats it, and the tests read it.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

/// A collection of the database.
#[derive(Debug)]
pub struct CollectionSpec {
    /// Its name.
    pub name: &'static str,
    /// The owner of its documents.
    pub owner: Owner,
    /// What one document contains.
    pub holds: &'static str,
    /// What limits the number of documents.
    pub bound: &'static str,
    /// Its indexes besides the one of `_id`.
    pub indexes: &'static [IndexSpec],
}

/// The owner of the documents of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The original: this program adds no members to them.
    Original,
    /// This program.
    Ours,
}

/// An index. The driver makes its name from its members, as the original's driver does.
#[derive(Debug)]
pub struct IndexSpec {
    /// The members, each in ascending order.
    pub members: &'static [&'static str],
    /// What the index does besides finding documents.
    pub rule: IndexRule,
}

/// What an index does besides finding documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexRule {
    /// Nothing else.
    Plain,
    /// No two documents have the same values.
    Unique,
    /// The same, but only among the documents that have the first member of the index.
    UniqueWherePresent,
    /// It contains only the documents that have this member.
    WherePresent(&'static str),
    /// It contains only the documents that do not have this member.
    WhereMissing(&'static str),
    /// A document is removed some time after the instant in the only member of the index. MongoDB checks this
    /// once a minute.
    Expires {
        /// The time after the instant.
        after: Duration,
        /// While a document has this member, it stays: a document is removed only after its events.
        unless_present: Option<&'static str>,
    },
}

/// Finds the documents that have events of changes that were made.
pub(super) const PENDING_EVENTS: IndexSpec =
    IndexSpec { members: &["pending._id"], rule: IndexRule::WherePresent("pending._id") };

/// The users.
pub const USERS: CollectionSpec = CollectionSpec {
    name: "users",
    owner: Owner::Original,
    holds: "a user",
    bound: "one for each user",
    indexes: &[
        IndexSpec { members: &["username"], rule: IndexRule::Unique },
        IndexSpec { members: &["email"], rule: IndexRule::Unique },
    ],
};

/// The data about users besides the original's documents.
pub const USER_STATES: CollectionSpec = CollectionSpec {
    name: "user_states",
    owner: Owner::Ours,
    holds: "what is known of a user besides the original's document, under the same `_id`, such as the claims that an \
            operator gave the user; one more says how far users of another program have been read",
    bound: "one for each user and one more; a registration that a crash cut short leaves one, which the next \
            registration of that name or address removes",
    indexes: &[
        IndexSpec { members: &["username_key", "username_twin"], rule: IndexRule::UniqueWherePresent },
        IndexSpec { members: &["email_key", "email_twin"], rule: IndexRule::UniqueWherePresent },
        IndexSpec { members: &["skeletons", "username_key"], rule: IndexRule::Plain },
        PENDING_EVENTS,
        IndexSpec { members: &["intents._id"], rule: IndexRule::WherePresent("intents._id") },
    ],
};

/// The ring of keys.
pub const SIGNING_RINGS: CollectionSpec = CollectionSpec {
    name: "signing_rings",
    owner: Owner::Ours,
    holds: "the ring of keys",
    bound: "one",
    indexes: &[],
};

/// The heartbeats of instances.
pub const SIGNING_INSTANCES: CollectionSpec = CollectionSpec {
    name: "signing_instances",
    owner: Owner::Ours,
    holds: "the last heartbeat of an instance",
    bound: "one for each instance; each heartbeat removes those that are older than a minute",
    indexes: &[],
};

/// What is remembered of log-ins.
pub const LOGIN_THROTTLES: CollectionSpec = CollectionSpec {
    name: "login_throttles",
    owner: Owner::Ours,
    holds: "what is remembered of the log-ins to an account: failures in a row, and keyed hashes of the addresses from which \
            the user has logged in, or of the names that no user has",
    bound: "one for each user, and 100,000 for names that no user has; removed after 30 days without a log-in, except while only \
            an operator can unlock the user",
    indexes: &[
        IndexSpec {
            members: &["forget_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: Some("pending") },
        },
        PENDING_EVENTS,
    ],
};

/// The OAuth clients.
pub const CLIENTS: CollectionSpec = CollectionSpec {
    name: "clients",
    owner: Owner::Ours,
    holds: "an OAuth client: its metadata as JSON, and the hashes of its secrets",
    bound: "one for each client; only an operator adds clients",
    indexes: &[PENDING_EVENTS],
};

/// The denials of tokens.
pub const DENIALS: CollectionSpec = CollectionSpec {
    name: "denials",
    owner: Owner::Ours,
    holds: "which tokens are refused before they expire: of a `jti`, a grant, a browser session, a user, a client, or of \
            what a client got for a user",
    bound: "one for each revoked token, grant or session, for each user and client, and for each withdrawal by a user from a \
            client; removed when the last of the tokens has expired",
    indexes: &[
        IndexSpec { members: &["at", "_id"], rule: IndexRule::Plain },
        IndexSpec {
            members: &["expires_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: Some("pending") },
        },
        PENDING_EVENTS,
    ],
};

/// The assertions of clients that count once on all instances.
pub const ASSERTIONS: CollectionSpec = CollectionSpec {
    name: "assertions",
    owner: Owner::Ours,
    holds: "an assertion (`private_key_jwt`) by which a client has authenticated for a change of a grant",
    bound: "one for each such change; removed when the assertion has expired, at most an hour later",
    indexes: &[IndexSpec {
        members: &["expires_at"],
        rule: IndexRule::Expires { after: Duration::ZERO, unless_present: None },
    }],
};

/// What users have permitted clients.
pub const GRANTS: CollectionSpec = CollectionSpec {
    name: "grants",
    owner: Owner::Ours,
    holds: "a grant: what a user has permitted a client, from the code to the last refresh token",
    bound: "120 for each user and client, however often they are refreshed, and 1,000 codes of the last minute that were not used; \
            removed when its code, its refresh tokens and its access tokens have expired",
    indexes: &[
        IndexSpec { members: &["user", "_id"], rule: IndexRule::Plain },
        IndexSpec { members: &["user", "client", "forget_at"], rule: IndexRule::Plain },
        IndexSpec {
            members: &["forget_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: Some("pending") },
        },
        PENDING_EVENTS,
    ],
};

/// The browsers in which users have logged in.
pub const BROWSER_SESSIONS: CollectionSpec = CollectionSpec {
    name: "browser_sessions",
    owner: Owner::Ours,
    holds: "the session of a user in one browser",
    bound: "100 for each user, and one for each browser; removed when the session has expired or the user logs out",
    indexes: &[
        IndexSpec { members: &["user", "expires_at"], rule: IndexRule::Plain },
        IndexSpec {
            members: &["expires_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: Some("pending") },
        },
        PENDING_EVENTS,
    ],
};

/// What users have permitted clients, so that they are not asked again.
pub const CONSENTS: CollectionSpec = CollectionSpec {
    name: "consents",
    owner: Owner::Ours,
    holds: "what a user has permitted a client, so that the user is not asked again",
    bound: "one for each user and client; removed when the user withdraws it",
    indexes: &[
        IndexSpec {
            members: &["withdrawn_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: Some("pending") },
        },
        PENDING_EVENTS,
    ],
};

/// What happened.
pub const EVENTS: CollectionSpec = CollectionSpec {
    name: "events",
    owner: Owner::Ours,
    holds: "an event: its record as JSON, the digest of the record, and, when it is sealed, its number and its link of the chain",
    bound: "one for each change that causes an event; an event that is older than `EVENT_RETENTION` loses its record, and is removed when \
            all events before it have lost theirs",
    indexes: &[
        IndexSpec { members: &["seq"], rule: IndexRule::UniqueWherePresent },
        IndexSpec { members: &["at", "_id"], rule: IndexRule::WhereMissing("seq") },
        IndexSpec { members: &["at"], rule: IndexRule::Plain },
        IndexSpec { members: &["person", "seq"], rule: IndexRule::WherePresent("person") },
        IndexSpec { members: &["client", "seq"], rule: IndexRule::WherePresent("client") },
        IndexSpec { members: &["kind", "seq"], rule: IndexRule::WherePresent("record") },
        IndexSpec { members: &["class", "at"], rule: IndexRule::WherePresent("record") },
    ],
};

/// The beginning and the end of the chain of events.
pub const EVENT_CHAIN: CollectionSpec = CollectionSpec {
    name: "event_chain",
    owner: Owner::Ours,
    holds: "the end of the chain of events (`head`, with the ids of the block that was sealed last) or the last event that was removed \
            from its beginning (`base`)",
    bound: "two",
    indexes: &[],
};

/// What is counted and not stored one by one.
pub const EVENT_COUNTS: CollectionSpec = CollectionSpec {
    name: "event_counts",
    owner: Owner::Ours,
    holds: "how often something happened, for each client, in some seconds of an instance",
    bound: "one for each instance and ten seconds with anything to count; removed after the time that `EVENT_RETENTION` has for other \
            events",
    indexes: &[IndexSpec { members: &["minute"], rule: IndexRule::Plain }],
};

/// The lists of the states of tokens.
pub const STATUS_LISTS: CollectionSpec = CollectionSpec {
    name: "status_lists",
    owner: Owner::Ours,
    holds: "a list of the states of tokens: how far its places are given out, and until when it has tokens",
    bound: "one for each 1,048,576 tokens of clients with `status_list`; removed when the last of them has expired, but never the \
            newest one",
    indexes: &[],
};

/// The tokens that have places in the lists.
pub const STATUS_ENTRIES: CollectionSpec = CollectionSpec {
    name: "status_entries",
    owner: Owner::Ours,
    holds: "a token with a place in a list of states: its `jti`, key, client, user, grant and session, by which a denial finds it",
    bound: "one for each token of a client with `status_list`; removed when the token has expired",
    indexes: &[
        IndexSpec { members: &["concerns", "_id"], rule: IndexRule::Plain },
        IndexSpec {
            members: &["expires_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: None },
        },
    ],
};

/// What was signed about the chain of events.
pub const CHECKPOINTS: CollectionSpec = CollectionSpec {
    name: "checkpoints",
    owner: Owner::Ours,
    holds: "a checkpoint: what was signed about the chain of events up to an event",
    bound: "one for each minute with a new event, and one for 1,000 new events; removed when a later checkpoint is about events that \
            were removed, too",
    indexes: &[IndexSpec { members: &["seq"], rule: IndexRule::Plain }],
};

/// The public halves of the keys that signed checkpoints.
pub const CHECKPOINT_KEYS: CollectionSpec = CollectionSpec {
    name: "checkpoint_keys",
    owner: Owner::Ours,
    holds: "the public half of a key that has signed checkpoints",
    bound: "one for each such key",
    indexes: &[],
};

/// The endpoints for webhooks.
pub const WEBHOOKS: CollectionSpec = CollectionSpec {
    name: "webhooks",
    owner: Owner::Ours,
    holds: "an endpoint for webhooks: its members as JSON, and its sealed secrets",
    bound: "one for each endpoint; only an operator adds endpoints",
    indexes: &[PENDING_EVENTS],
};

/// The number of the last event for which deliveries were made.
pub const WEBHOOK_CURSOR: CollectionSpec = CollectionSpec {
    name: "webhook_cursor",
    owner: Owner::Ours,
    holds: "the number of the last event for which deliveries were made",
    bound: "one",
    indexes: &[],
};

/// The queues of the endpoints.
pub const WEBHOOK_QUEUES: CollectionSpec = CollectionSpec {
    name: "webhook_queues",
    owner: Owner::Ours,
    holds: "when there is something to deliver to an endpoint, and which instance does it",
    bound: "one for each endpoint; removed after its endpoint",
    indexes: &[IndexSpec { members: &["due_at"], rule: IndexRule::WherePresent("due_at") }],
};

/// The deliveries of events to endpoints.
pub const WEBHOOK_DELIVERIES: CollectionSpec = CollectionSpec {
    name: "webhook_deliveries",
    owner: Owner::Ours,
    holds: "the delivery of an event to an endpoint: its state, and its latest attempts with the beginning of each answer",
    bound: "one for each event and each endpoint that wants it; removed three days after the delivery, or 17 days after the event",
    indexes: &[
        IndexSpec { members: &["webhook", "due_at", "seq"], rule: IndexRule::WherePresent("due_at") },
        IndexSpec { members: &["webhook", "subject", "seq"], rule: IndexRule::WherePresent("due_at") },
        IndexSpec { members: &["webhook", "seq"], rule: IndexRule::Plain },
        IndexSpec { members: &["webhook", "state", "seq"], rule: IndexRule::Plain },
        IndexSpec {
            members: &["expires_at"],
            rule: IndexRule::Expires { after: Duration::ZERO, unless_present: None },
        },
    ],
};

/// All collections, in the order in which their indexes are made.
pub const COLLECTIONS: &[&CollectionSpec] = &[
    &USERS,
    &USER_STATES,
    &SIGNING_RINGS,
    &SIGNING_INSTANCES,
    &LOGIN_THROTTLES,
    &CLIENTS,
    &DENIALS,
    &ASSERTIONS,
    &GRANTS,
    &BROWSER_SESSIONS,
    &CONSENTS,
    &EVENTS,
    &EVENT_CHAIN,
    &EVENT_COUNTS,
    &STATUS_LISTS,
    &STATUS_ENTRIES,
    &CHECKPOINTS,
    &CHECKPOINT_KEYS,
    &WEBHOOKS,
    &WEBHOOK_CURSOR,
    &WEBHOOK_QUEUES,
    &WEBHOOK_DELIVERIES,
];

impl IndexSpec {
    /// The index as the driver makes it.
    pub fn model(&self) -> IndexModel {
        let keys: Document =
            self.members.iter().map(|member| ((*member).to_owned(), Bson::Int32(1))).collect();
        let is_unique = matches!(self.rule, IndexRule::Unique | IndexRule::UniqueWherePresent);
        let expires = match self.rule {
            IndexRule::Expires { after, .. } => Some(after),
            _ => None,
        };
        let options = IndexOptions::builder()
            .unique(is_unique.then_some(true))
            .partial_filter_expression(self.filter())
            .expire_after(expires)
            .build();
        IndexModel::builder().keys(keys).options(options).build()
    }

    /// Which documents the index contains; all of them if there is no filter.
    fn filter(&self) -> Option<Document> {
        match self.rule {
            IndexRule::UniqueWherePresent => {
                self.members.first().map(|member| doc! { *member: { "$exists": true } })
            }
            IndexRule::WherePresent(member) => Some(doc! { member: { "$exists": true } }),
            IndexRule::WhereMissing(member) => Some(doc! { member: Bson::Null }),
            // Filters of indexes do not support `$exists: false`; a missing member is equal to null.
            IndexRule::Expires { unless_present, .. } => {
                unless_present.map(|member| doc! { member: Bson::Null })
            }
            IndexRule::Plain | IndexRule::Unique => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mongodb::bson::doc;

    use super::{COLLECTIONS, IndexRule, IndexSpec, Owner};

    fn options(rule: IndexRule) -> mongodb::options::IndexOptions {
        IndexSpec { members: &["a", "b"], rule }.model().options.unwrap()
    }

    #[test]
    fn an_index_is_made_as_its_rule_says() {
        let index = IndexSpec { members: &["a", "b"], rule: IndexRule::Plain };
        assert_eq!(index.model().keys, doc! { "a": 1, "b": 1 });
        let plain = options(IndexRule::Plain);
        assert_eq!((plain.unique, plain.partial_filter_expression, plain.expire_after), (None, None, None));
        let unique = options(IndexRule::Unique);
        assert_eq!((unique.unique, unique.partial_filter_expression), (Some(true), None));
        let present = options(IndexRule::UniqueWherePresent);
        let filter = doc! { "a": { "$exists": true } };
        assert_eq!((present.unique, present.partial_filter_expression), (Some(true), Some(filter)));
        let day = Duration::from_secs(86_400);
        let expires = options(IndexRule::Expires { after: day, unless_present: None });
        assert_eq!((expires.expire_after, expires.partial_filter_expression), (Some(day), None));
        let spares = options(IndexRule::Expires { after: day, unless_present: Some("pending") });
        let filter = doc! { "pending": null };
        assert_eq!((spares.expire_after, spares.partial_filter_expression), (Some(day), Some(filter)));
    }

    /// Other programs may write strange instants into the original's documents, and this program must not
    /// remove those.
    #[test]
    fn no_document_of_the_original_expires() {
        let original = COLLECTIONS.iter().filter(|collection| collection.owner == Owner::Original);
        let mut indexes = original.flat_map(|collection| collection.indexes);
        assert!(!indexes.any(|index| matches!(index.rule, IndexRule::Expires { .. })));
    }
}
