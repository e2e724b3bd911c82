//! What every store promises of grants (the prose of `store::Grants`).

use std::sync::Arc;

use jwt_generator::domain::{
    ClientId, CodeProof, Event, EventKind, Grant, GrantId, GrantStage, GrantTerms, RegistrationId, Scopes,
    SessionId, Timestamp,
};
use jwt_generator::store::{GrantCreated, Grants, StoreError};

use super::browser_sessions::session;
use super::contract::{Opened, changed, contract, registered, side_by_side, user};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn id(n: u8) -> GrantId {
    GrantId::from_bytes([n; 16])
}

/// The grant `n` of a user at the stage of a code.
pub(super) fn grant(n: u8, of_user: u8) -> Grant {
    Grant {
        id: id(n),
        revision: 1,
        client: ClientId::parse("https://client.example/metadata.json").unwrap(),
        user: user(of_user).id,
        forget_at: Timestamp::from_millis(NOW.as_millis() + 123),
        terms: GrantTerms {
            registration: Some(RegistrationId::from_bytes([8; 16])),
            session: SessionId::from_bytes([9; 16]),
            scopes: Scopes::parse("openid offline_access").unwrap(),
            resources: vec!["https://api.example".to_owned()],
            auth_time: NOW.as_secs(),
            amr: vec!["pwd".to_owned()],
            acr: Some("urn:example:acr".to_owned()),
            nonce: Some("$n.once".to_owned()),
            id_token_claims: vec!["email".to_owned()],
            userinfo_claims: vec!["name".to_owned()],
            created_at: NOW,
        },
        stage: GrantStage::Code { proof: proof(), expires_at: NOW.plus_secs(60) },
    }
}

fn proof() -> CodeProof {
    CodeProof {
        redirect_uri: Some("https://client.example/cb".to_owned()),
        code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
    }
}

/// The same grant after `revision - 1` changes: active, with the refresh token of that number.
fn active(n: u8, of_user: u8, revision: u64) -> Grant {
    let stage =
        GrantStage::Active { counter: revision - 1, rotated_at: NOW, used_at: NOW, proof: Some(proof()) };
    Grant { revision, stage, forget_at: NOW.plus_secs(revision), ..grant(n, of_user) }
}

async fn a_grant_is_found_as_it_was_written(grants: Arc<dyn Grants>) {
    let bare = GrantTerms { registration: None, acr: None, nonce: None, amr: vec![], ..grant(2, 1).terms };
    let code =
        GrantStage::Code { proof: CodeProof { redirect_uri: None, code_challenge: None }, expires_at: NOW };
    let bare = Grant { terms: bare, stage: code, ..grant(2, 1) };
    let ended = Grant { stage: GrantStage::Ended { at: NOW }, ..grant(3, 1) };
    assert_eq!(grants.find_grant(id(1)).await.unwrap(), None);
    for grant in [&grant(1, 1), &bare, &ended] {
        grants.create_grant(grant, None).await.unwrap();
        assert_eq!(grants.find_grant(grant.id).await.unwrap().as_ref(), Some(grant));
    }
    assert_eq!(grants.find_grant(id(4)).await.unwrap(), None);
}

async fn only_the_revision_that_was_seen_is_replaced(grants: Arc<dyn Grants>) {
    let replace =
        async |seen, revision| grants.replace_grant_if(seen, &active(1, 1, revision), None).await.unwrap();
    assert!(!replace(1, 2).await, "there is no grant");
    grants.create_grant(&grant(1, 1), None).await.unwrap();
    assert!(!replace(2, 3).await);
    assert!(replace(1, 2).await);
    assert!(!replace(1, 2).await);
    assert!(replace(2, 3).await);
    assert_eq!(grants.find_grant(id(1)).await.unwrap(), Some(active(1, 1, 3)));
}

async fn of_64_changes_at_once_one_is_made(grants: Arc<dyn Grants>) {
    grants.create_grant(&grant(1, 1), None).await.unwrap();
    for seen in [1, 2] {
        let racers: Vec<_> = (0..64)
            .map(|n| {
                let grants = Arc::clone(&grants);
                let stage = GrantStage::Active { counter: n, rotated_at: NOW, used_at: NOW, proof: None };
                let next = Grant { stage, ..active(1, 1, seen + 1) };
                tokio::spawn(async move {
                    grants.replace_grant_if(seen, &next, None).await.unwrap().then_some(next)
                })
            })
            .collect();
        let mut made = Vec::new();
        for racer in racers {
            made.extend(racer.await.unwrap());
        }
        let [made] = made.as_slice() else { panic!("{} changes of revision {seen}", made.len()) };
        assert_eq!(grants.find_grant(id(1)).await.unwrap().as_ref(), Some(made));
    }
}

async fn the_grants_of_a_user_are_listed_in_pages(grants: Arc<dyn Grants>) {
    for n in [3, 1, 2, 0xf0] {
        grants.create_grant(&grant(n, 1), None).await.unwrap();
    }
    grants.create_grant(&grant(4, 2), None).await.unwrap();
    let page = async |after: Option<u8>, limit| {
        let page = grants.list_grants_of_user(user(1).id, after.map(id), limit).await.unwrap();
        page.iter().map(|grant| grant.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3).await, [id(1), id(2), id(3)]);
    assert_eq!(page(Some(3), 3).await, [id(0xf0)]);
    assert_eq!(page(Some(0xf0), 3).await, []);
    assert_eq!(grants.list_grants_of_user(user(2).id, None, 9).await.unwrap(), [grant(4, 2)]);
}

async fn the_grants_that_were_not_used_for_the_longest_time_end_and_codes_do_not(grants: Arc<dyn Grants>) {
    let other = ClientId::parse("other").unwrap();
    let used = |n, secs| {
        let stage =
            GrantStage::Active { counter: 1, rotated_at: NOW, used_at: NOW.plus_secs(secs), proof: None };
        Grant { stage, forget_at: NOW.plus_secs(1000), ..grant(n, 1) }
    };
    let given = |n, secs| {
        let terms = GrantTerms { created_at: NOW.plus_secs(secs), ..grant(n, 1).terms };
        Grant { terms, forget_at: NOW.plus_secs(1000), ..grant(n, 1) }
    };
    let code = Grant { forget_at: NOW.plus_secs(60), ..grant(6, 1) };
    let foreign = [Grant { user: user(2).id, ..used(7, 1) }, Grant { client: other, ..used(8, 1) }];
    for grant in [&used(1, 30), &given(2, 40), &used(3, 20), &given(4, 10), &code, &foreign[0], &foreign[1]] {
        grants.create_grant(grant, None).await.unwrap();
    }
    let ended = Grant { stage: GrantStage::Ended { at: NOW.plus_secs(90) }, ..given(9, 90) };
    grants.create_grant(&ended, None).await.unwrap();
    let left_with = async |keep| {
        let owner = (user(1).id, &grant(1, 1).client);
        grants.end_unused_grants(owner, NOW.plus_secs(60), keep).await.unwrap();
        let left = grants.list_grants_of_user(user(1).id, None, 9).await.unwrap();
        left.into_iter().map(|grant| grant.id).collect::<Vec<_>>()
    };
    assert_eq!(left_with(4).await, [1, 2, 3, 4, 6, 8].map(id));
    assert_eq!(left_with(2).await, [1, 2, 6, 8].map(id));
    assert_eq!(left_with(0).await, [6, 8].map(id));
    assert_eq!(grants.find_grant(id(7)).await.unwrap(), Some(foreign[0].clone()));
}

async fn a_user_has_a_limited_number_of_codes_and_used_ones_do_not_count(grants: Arc<dyn Grants>) {
    let other = ClientId::parse("other").unwrap();
    let code_at = |n: u128, secs| {
        let terms = GrantTerms { created_at: NOW.plus_secs(secs), ..grant(1, 1).terms };
        let id = GrantId::from_bytes(n.to_be_bytes());
        Grant { id, terms, forget_at: NOW.plus_secs(secs + 60), ..grant(1, 1) }
    };
    let create = async |grant: &Grant| grants.create_grant(grant, None).await.unwrap();
    let created = side_by_side((0..1_000).map(async |n| create(&code_at(n, 0)).await)).await;
    assert!(created.iter().all(|created| *created == GrantCreated::Added { lasting: 0 }), "{created:?}");
    let one_more = code_at(1_000, 1);
    assert_eq!(create(&one_more).await, GrantCreated::TooManyCodes);
    assert_eq!(grants.find_grant(one_more.id).await.unwrap(), None);
    let foreign =
        [Grant { client: other, ..code_at(2_000, 1) }, Grant { user: user(2).id, ..code_at(3_000, 1) }];
    for foreign in &foreign {
        assert_eq!(create(foreign).await, GrantCreated::Added { lasting: 0 });
    }
    let used = Grant { id: code_at(0, 0).id, forget_at: NOW.plus_secs(1_000), ..active(1, 1, 2) };
    assert!(grants.replace_grant_if(1, &used, None).await.unwrap());
    assert_eq!(create(&one_more).await, GrantCreated::Added { lasting: 1 });
    assert_eq!(create(&code_at(1_001, 1)).await, GrantCreated::TooManyCodes);
    let later = code_at(1_002, 60);
    assert_eq!(
        create(&later).await,
        GrantCreated::Added { lasting: 1 },
        "the codes of the first second have expired"
    );
}

async fn grants_that_may_be_forgotten_are_removed_and_no_others(grants: Arc<dyn Grants>) {
    for (n, forget_at) in [(1, NOW), (2, NOW.plus_secs(1))] {
        grants.create_grant(&Grant { forget_at, ..grant(n, 1) }, None).await.unwrap();
    }
    assert!(!grants.purge_grants(NOW.plus_secs(1)).await.unwrap());
    assert_eq!(grants.find_grant(id(1)).await.unwrap(), None);
    assert!(grants.find_grant(id(2)).await.unwrap().is_some());
}

async fn many_grants_are_removed_by_several_calls(grants: Arc<dyn Grants>) {
    let create = async |n: u128| {
        let id = GrantId::from_bytes(n.to_be_bytes());
        grants.create_grant(&Grant { id, forget_at: NOW, ..grant(1, 1) }, None).await.unwrap();
    };
    side_by_side((0..1_001).map(create)).await;
    assert!(grants.purge_grants(NOW.plus_secs(1)).await.unwrap(), "one is left");
    assert!(!grants.purge_grants(NOW.plus_secs(1)).await.unwrap());
    assert_eq!(grants.list_grants_of_user(user(1).id, None, 9).await.unwrap(), []);
}

async fn a_user_who_is_deleted_leaves_no_grants(Opened { stores, events }: Opened) {
    let (users, grants) = (stores.users, stores.grants);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    for (n, of_user) in [(1, 1), (2, 1), (3, 2)] {
        grants.create_grant(&grant(n, of_user), None).await.unwrap();
    }
    let revoked = changed(EventKind::GrantRevoked, 1);
    assert!(grants.replace_grant_if(1, &active(2, 1, 2), Some(&revoked)).await.unwrap());
    events.recorded.take_all();
    users.delete_user(user(1).id, &changed(EventKind::UserDeleted, 1)).await.unwrap();
    for n in [1, 2] {
        assert_eq!(grants.find_grant(id(n)).await.unwrap(), None);
        assert!(!grants.replace_grant_if(n.into(), &active(n, 1, 3), None).await.unwrap());
    }
    assert_eq!(grants.list_grants_of_user(user(1).id, None, 9).await.unwrap(), []);
    assert!(grants.find_grant(id(3)).await.unwrap().is_some(), "it is of another user");
}

async fn a_grant_is_found_with_its_user_if_there_is_one(Opened { stores, events: _ }: Opened) {
    let (users, grants) = (stores.users, stores.grants);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(grants.find_grant_and_user(id(1)).await.unwrap(), None);
    for (n, found) in [(1, Some(user(1))), (2, None)] {
        grants.create_grant(&grant(n, n), None).await.unwrap();
        assert_eq!(grants.find_grant_and_user(id(n)).await.unwrap(), Some((grant(n, n), found)));
    }
}

async fn a_session_that_has_ended_gets_no_grant(Opened { stores, events: _ }: Opened) {
    let (sessions, grants) = (stores.browser_sessions, stores.grants);
    let [started, ended] =
        [EventKind::BrowserSessionStarted, EventKind::BrowserSessionEnded].map(|kind| changed(kind, 1));
    let session = session(1, 1);
    sessions.create_browser_session(&session, &started).await.unwrap();
    let created = grants.create_grant(&grant(1, 1), Some(session.key)).await.unwrap();
    assert_eq!(created, GrantCreated::Added { lasting: 0 });
    sessions.end_browser_session(session.key, &ended).await.unwrap();
    let created = grants.create_grant(&grant(2, 1), Some(session.key)).await.unwrap();
    assert_eq!(created, GrantCreated::SessionEnded);
}

async fn a_change_hands_over_its_event_or_is_not_made(Opened { stores, events }: Opened) {
    let grants = stores.grants;
    grants.create_grant(&grant(1, 1), None).await.unwrap();
    let (revoked, reused) = (changed(EventKind::GrantRevoked, 1), changed(EventKind::CodeReused, 1));
    let replace = async |seen, revision, event: Option<&Event>| {
        grants.replace_grant_if(seen, &active(1, 1, revision), event).await
    };
    assert!(replace(1, 2, Some(&revoked)).await.unwrap());
    assert_eq!(events.take_all().await, std::slice::from_ref(&revoked));
    assert!(replace(2, 3, None).await.unwrap());
    assert!(!replace(2, 3, Some(&reused)).await.unwrap(), "another change came first");
    assert_eq!(events.take_all().await, []);
    events.recorded.refuse(true);
    let refused = replace(3, 4, Some(&reused)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    events.recorded.refuse(false);
    assert_eq!(grants.find_grant(id(1)).await.unwrap(), Some(active(1, 1, 3)));
    assert!(replace(3, 4, Some(&reused)).await.unwrap());
    assert_eq!(events.take_all().await, std::slice::from_ref(&reused));
}

mod of_grants {
    use super::contract;
    use super::{
        a_grant_is_found_as_it_was_written, a_user_has_a_limited_number_of_codes_and_used_ones_do_not_count,
        grants_that_may_be_forgotten_are_removed_and_no_others, many_grants_are_removed_by_several_calls,
        of_64_changes_at_once_one_is_made, only_the_revision_that_was_seen_is_replaced,
        the_grants_of_a_user_are_listed_in_pages,
        the_grants_that_were_not_used_for_the_longest_time_end_and_codes_do_not,
    };

    contract! {
        of grants:
        a_grant_is_found_as_it_was_written,
        only_the_revision_that_was_seen_is_replaced,
        of_64_changes_at_once_one_is_made,
        the_grants_of_a_user_are_listed_in_pages,
        the_grants_that_were_not_used_for_the_longest_time_end_and_codes_do_not,
        a_user_has_a_limited_number_of_codes_and_used_ones_do_not_count,
        grants_that_may_be_forgotten_are_removed_and_no_others,
        many_grants_are_removed_by_several_calls,
    }
}

mod of_events {
    use super::contract;
    use super::{
        a_change_hands_over_its_event_or_is_not_made, a_grant_is_found_with_its_user_if_there_is_one,
        a_session_that_has_ended_gets_no_grant, a_user_who_is_deleted_leaves_no_grants,
    };

    contract! {
        of all:
        a_grant_is_found_with_its_user_if_there_is_one,
        a_session_that_has_ended_gets_no_grant,
        a_user_who_is_deleted_leaves_no_grants,
        a_change_hands_over_its_event_or_is_not_made,
    }
}
