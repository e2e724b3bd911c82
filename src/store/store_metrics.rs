//! What is counted of the verbs of all aggregates.

use std::time::Duration;

use super::StoreError;
use crate::telemetry::metrics::{Descriptor, Durations, Kind, Snapshot, Source};

const CALLS: Descriptor = Descriptor {
    name: "jwt_store_call_duration_seconds",
    kind: Kind::Histogram,
    labels: &["verb", "outcome"],
    help: "Calls to the database, by how long they took. `conflict` means that something is taken.",
};

/// How a call ends, in the order of the numbers of [`outcome`].
const OUTCOMES: &[&str] = &["ok", "conflict", "unavailable", "failed"];

/// The verbs of all traits, each with the collection that it works on. The number of each is its place here.
macro_rules! verbs {
    ($($name:ident in $collection:literal),+ $(,)?) => {
        const VERBS: &[&str] = &[$(stringify!($name)),+];
        const COLLECTIONS: &[&str] = &[$($collection),+];

        #[expect(non_camel_case_types, reason = "each is the name of a verb")]
        #[derive(Clone, Copy)]
        pub(super) enum Verb {
            $($name),+
        }
    };
}

verbs! {
    create_user in "users",
    find_user_by_id in "users",
    find_user_by_username in "users",
    find_user_by_email in "users",
    list_users in "users",
    replace_hash_if in "users",
    replace_password_if in "users",
    end_sessions in "users",
    find_user_claims in "users",
    record_user_claims in "users",
    delete_user in "users",
    find_ring in "rings",
    replace_ring_if in "rings",
    record_instance in "instances",
    list_instances in "instances",
    purge_instances in "instances",
    find_login_throttle in "login_throttles",
    replace_login_throttle_if in "login_throttles",
    purge_login_throttles in "login_throttles",
    create_client in "clients",
    find_client in "clients",
    list_clients in "clients",
    replace_client_if in "clients",
    delete_client in "clients",
    record_denial in "denials",
    list_denials in "denials",
    purge_denials in "denials",
    create_assertion in "assertions",
    purge_assertions in "assertions",
    create_grant in "grants",
    find_grant in "grants",
    find_grant_and_user in "grants",
    list_grants_of_user in "grants",
    end_unused_grants in "grants",
    replace_grant_if in "grants",
    purge_grants in "grants",
    create_browser_session in "browser_sessions",
    find_browser_session in "browser_sessions",
    list_browser_sessions in "browser_sessions",
    replace_browser_session_if in "browser_sessions",
    replace_browser_session_key_if in "browser_sessions",
    end_browser_session in "browser_sessions",
    purge_browser_sessions in "browser_sessions",
    find_consent in "consents",
    list_consents in "consents",
    record_consent in "consents",
    delete_consent in "consents",
    append_event in "events",
    list_events in "events",
    list_latest_events in "events",
    relay_events in "events",
    seal_events in "events",
    find_oldest_unsealed_event in "events",
    find_chain in "events",
    purge_events in "events",
    list_person_keys in "users",
    add_event_counts in "event_counts",
    list_event_counts in "event_counts",
    lease_status_positions in "status_lists",
    list_status_lists in "status_lists",
    create_status_entry in "status_entries",
    list_denied_places in "status_entries",
    list_places_of_key in "status_entries",
    purge_status_entries in "status_entries",
    create_checkpoint in "checkpoints",
    find_last_checkpoint in "checkpoints",
    list_checkpoints in "checkpoints",
    list_checkpoint_keys in "checkpoint_keys",
    purge_checkpoints in "checkpoints",
    create_webhook in "webhooks",
    find_webhook in "webhooks",
    list_webhooks in "webhooks",
    replace_webhook_if in "webhooks",
    delete_webhook in "webhooks",
    find_delivery_cursor in "webhook_cursor",
    create_deliveries_if in "webhook_deliveries",
    record_deliveries in "webhook_deliveries",
    list_due_queues in "webhook_queues",
    find_delivery_queue in "webhook_queues",
    replace_delivery_queue_if in "webhook_queues",
    list_due_deliveries in "webhook_deliveries",
    list_first_deliveries in "webhook_deliveries",
    replace_delivery_if in "webhook_deliveries",
    list_held_deliveries in "webhook_deliveries",
    record_held_deliveries in "webhook_deliveries",
    find_delivery in "webhook_deliveries",
    list_deliveries in "webhook_deliveries",
    delete_deliveries in "webhook_deliveries",
    purge_deliveries in "webhook_deliveries",
    ping in "",
    prepare in "",
    list_tables in "",
}

impl Verb {
    pub(super) fn name(self) -> &'static str {
        VERBS[self as usize]
    }

    /// Empty if the verb is about the whole database.
    pub(super) fn collection(self) -> &'static str {
        COLLECTIONS[self as usize]
    }
}

/// The instruments.
#[derive(Debug)]
pub struct StoreMetrics(Durations);

impl Default for StoreMetrics {
    fn default() -> Self {
        Self(Durations::new(VERBS, OUTCOMES))
    }
}

impl StoreMetrics {
    /// Counts a call that took so long, and ended with this error or with none. A call to a store that does not exist asks no
    /// database and is not counted.
    pub(super) fn count(&self, verb: Verb, error: Option<&StoreError>, took: Duration) {
        if let Some(outcome) = outcome(error) {
            self.0.observe(verb as usize, outcome, took);
        }
    }
}

fn outcome(error: Option<&StoreError>) -> Option<usize> {
    match error {
        None => Some(0),
        Some(StoreError::Conflict(_)) => Some(1),
        Some(StoreError::Unavailable(_)) => Some(2),
        Some(StoreError::Newer { .. } | StoreError::Corrupt(_) | StoreError::Backend(_)) => Some(3),
        Some(StoreError::Absent) => None,
    }
}

impl Source for StoreMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        self.0.add_to(snapshot.family(&CALLS));
    }
}
