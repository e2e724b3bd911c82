//! A server without a database: each verb of each aggregate says so.

use jwt_generator::domain::{EventId, EventKind, EventRetention, ThrottledAccount, Timestamp, UserClaims};
use jwt_generator::store::{Absent, EventFilter, StoreError, Stores};

use super::assertions::assertion;
use super::browser_sessions::session;
use super::checkpoints::{checkpoint, key};
use super::clients::{client, event as client_event};
use super::consents::consent;
use super::contract::{changed, hash, registered, user};
use super::deliveries::{delivery, queue};
use super::denials::{denial, denied};
use super::grants::grant;
use super::instances::instance;
use super::login_throttles::record;
use super::rings::ring;
use super::status_lists::entry;
use super::webhooks::webhook;

#[track_caller]
fn all_absent(answers: &[Result<(), StoreError>]) {
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Absent))), "{answers:?}");
}

#[tokio::test]
async fn without_a_database_each_verb_says_so() {
    let Stores {
        users,
        rings,
        instances,
        login_throttles,
        clients,
        denials,
        assertions,
        grants,
        browser_sessions,
        consents,
        status_lists,
        events,
        checkpoints,
        webhooks,
        deliveries,
        database,
    } = Stores::of(Absent);
    let (user, now) = (user(1), Timestamp::from_secs(1));
    let event = changed(EventKind::PasswordChanged, 1);
    all_absent(&[
        users.create_user(&user, &registered(1)).await,
        users.find_user_by_id(user.id).await.map(drop),
        users.find_user_by_username(&user.username).await.map(drop),
        users.find_user_by_email(&user.email).await.map(drop),
        users.list_users(None, 1).await.map(drop),
        users.replace_hash_if(user.id, &hash(1), &hash(2), &event).await.map(drop),
        users.replace_password_if(user.id, &hash(1), &hash(2), now, &event).await.map(drop),
        users.end_sessions(user.id, now, &event).await.map(drop),
        users.find_user_claims(user.id).await.map(drop),
        users.record_user_claims(user.id, &UserClaims::none(now), &event).await.map(drop),
        users.delete_user(user.id, &event).await.map(drop),
    ]);
    all_absent(&[
        rings.find_ring().await.map(drop),
        rings.replace_ring_if(None, &ring(1, 1)).await.map(drop),
    ]);
    all_absent(&[
        instances.record_instance(&instance("a", 1)).await,
        instances.list_instances().await.map(drop),
        instances.purge_instances(now).await,
    ]);
    let account = ThrottledAccount::UnknownName(1);
    all_absent(&[
        login_throttles.find_login_throttle(account).await.map(drop),
        login_throttles.replace_login_throttle_if(None, &record(account, 1), None).await.map(drop),
        login_throttles.purge_login_throttles(now).await.map(drop),
    ]);
    let (a, changed) = (client("a", 1), client_event(EventKind::ClientChanged, "a", 1));
    all_absent(&[
        clients.create_client(&a, &changed).await.map(drop),
        clients.find_client(&a.id).await.map(drop),
        clients.list_clients(None, 1).await.map(drop),
        clients.replace_client_if(1, &a, &changed).await.map(drop),
        clients.delete_client(&a.id, &changed).await.map(drop),
    ]);
    let (grant, session) = (grant(1, 1), session(1, 1));
    all_absent(&[
        grants.create_grant(&grant, None).await.map(drop),
        grants.find_grant(grant.id).await.map(drop),
        grants.find_grant_and_user(grant.id).await.map(drop),
        grants.list_grants_of_user(user.id, None, 1).await.map(drop),
        grants.end_unused_grants((user.id, &grant.client), now, 1).await,
        grants.replace_grant_if(1, &grant, None).await.map(drop),
        grants.purge_grants(now).await.map(drop),
    ]);
    all_absent(&[
        browser_sessions.create_browser_session(&session, &event).await,
        browser_sessions.find_browser_session(session.key).await.map(drop),
        browser_sessions.list_browser_sessions(user.id, 1).await.map(drop),
        browser_sessions.replace_browser_session_if(1, &session).await.map(drop),
        browser_sessions.replace_browser_session_key_if(session.key, &session, &event).await.map(drop),
        browser_sessions.end_browser_session(session.key, &event).await.map(drop),
        browser_sessions.purge_browser_sessions(now).await.map(drop),
    ]);
    let consent = consent(1, "app", "openid");
    all_absent(&[
        consents.find_consent(user.id, &consent.client).await.map(drop),
        consents.list_consents(user.id, 1).await.map(drop),
        consents.record_consent(&consent, &event).await,
        consents.delete_consent(user.id, &consent.client, &event).await.map(drop),
    ]);
    let (denial, denied_event) = (denial(1, now), denied(1));
    all_absent(&[
        denials.record_denial(&denial, Some(&denied_event)).await,
        denials.list_denials(now, None, 1).await.map(drop),
        denials.purge_denials(now).await.map(drop),
    ]);
    all_absent(&[
        assertions.create_assertion(&assertion(1, now)).await.map(drop),
        assertions.purge_assertions(now).await.map(drop),
    ]);
    let (entry, of_key) = (entry(1), entry(1).kid);
    all_absent(&[
        status_lists.lease_status_positions("a", now).await.map(drop),
        status_lists.list_status_lists().await.map(drop),
        status_lists.create_status_entry(&entry).await.map(drop),
        status_lists.list_denied_places(&[denial]).await.map(drop),
        status_lists.list_places_of_key(&of_key, None, 1).await.map(drop),
        status_lists.purge_status_entries(now).await.map(drop),
    ]);
    let filter = EventFilter::default();
    all_absent(&[
        events.append_event(&event).await.map(drop),
        events.list_events(&filter, 0, 1).await.map(drop),
        events.list_latest_events(&filter, None, 1).await.map(drop),
        events.relay_events(now).await.map(drop),
        events.seal_events().await.map(drop),
        events.find_oldest_unsealed_event().await.map(drop),
        events.find_chain().await.map(drop),
        events.purge_events(now, &EventRetention::default()).await.map(drop),
        events.list_person_keys(&[user.id]).await.map(drop),
        events.add_event_counts(EventId::from_bytes([1; 16]), &[]).await.map(drop),
        events.list_event_counts(now, now).await.map(drop),
    ]);
    all_absent(&[
        checkpoints.create_checkpoint(&checkpoint(1, 1), &key("a")).await.map(drop),
        checkpoints.find_last_checkpoint().await.map(drop),
        checkpoints.list_checkpoints(0, 1).await.map(drop),
        checkpoints.list_checkpoint_keys().await.map(drop),
        checkpoints.purge_checkpoints(1).await.map(drop),
    ]);
    let (a, one, queue) = (webhook("a", 1), delivery("a", 1, "user:1"), queue("a", 1));
    all_absent(&[
        webhooks.create_webhook(&a, &event).await.map(drop),
        webhooks.find_webhook(&a.id).await.map(drop),
        webhooks.list_webhooks(None, 1).await.map(drop),
        webhooks.replace_webhook_if(1, &a, &event).await.map(drop),
        webhooks.delete_webhook(&a.id, &event).await.map(drop),
    ]);
    all_absent(&[
        deliveries.find_delivery_cursor().await.map(drop),
        deliveries.create_deliveries_if(None, 1, &[]).await.map(drop),
        deliveries.record_deliveries(&[]).await,
        deliveries.list_due_queues(now, 1).await.map(drop),
        deliveries.find_delivery_queue(&a.id).await.map(drop),
        deliveries.replace_delivery_queue_if(1, &queue).await.map(drop),
        deliveries.list_due_deliveries(&a.id, now, 1).await.map(drop),
        deliveries.list_first_deliveries(&a.id, &[]).await.map(drop),
        deliveries.replace_delivery_if(1, &one).await.map(drop),
        deliveries.list_held_deliveries(&a.id, 1).await.map(drop),
        deliveries.record_held_deliveries(&a.id, &[]).await,
        deliveries.find_delivery(&a.id, one.event).await.map(drop),
        deliveries.list_deliveries(&a.id, None, None, 1).await.map(drop),
        deliveries.delete_deliveries(&a.id).await.map(drop),
        deliveries.purge_deliveries(now).await.map(drop),
    ]);
    all_absent(&[database.ping().await, database.prepare().await, database.list_tables().await.map(drop)]);
}
