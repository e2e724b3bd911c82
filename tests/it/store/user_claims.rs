//! What every store promises about the claims that an operator gives users.

use std::sync::Arc;

use jwt_generator::domain::{EventKind, Timestamp, UserClaims};
use jwt_generator::store::Users;

use super::contract::{changed, contract, hash, registered, user};

fn claims(change: &str, at: u64) -> UserClaims {
    let at = Timestamp::from_secs(at);
    UserClaims::none(at).changed_by(change).unwrap()
}

async fn a_users_claims_are_replaced_as_a_whole(users: Arc<dyn Users>) {
    let (ada, event) = (user(1).id, changed(EventKind::UserClaimsChanged, 1));
    users.create_user(&user(1), &registered(1)).await.unwrap();
    users.create_user(&user(2), &registered(2)).await.unwrap();
    assert_eq!(users.find_user_claims(ada).await.unwrap(), None);
    let odd = r#"{"name":"$name.x","address":{"formatted":"a\nb"},"phone_number":"+44123","phone_number_verified":true}"#;
    for claims in [claims(odd, 7), claims(r#"{"given_name":"李"}"#, 8), claims("{}", 9)] {
        assert!(users.record_user_claims(ada, &claims, &event).await.unwrap());
        assert_eq!(users.find_user_claims(ada).await.unwrap(), Some(claims));
    }
    assert_eq!(users.find_user_claims(user(2).id).await.unwrap(), None);
    assert_eq!(users.find_user_by_id(ada).await.unwrap(), Some(user(1)), "the user is the same");
}

async fn claims_stay_with_the_user_and_go_with_the_user(users: Arc<dyn Users>) {
    let (ada, event) = (user(1).id, changed(EventKind::UserClaimsChanged, 1));
    let claims = claims(r#"{"name":"Ada"}"#, 7);
    assert!(!users.record_user_claims(ada, &claims, &event).await.unwrap(), "there is no such user");
    assert_eq!(users.find_user_claims(ada).await.unwrap(), None);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(users.find_user_claims(ada).await.unwrap(), None, "nothing was left behind");
    assert!(users.record_user_claims(ada, &claims, &event).await.unwrap());
    let (from, ended) = (Timestamp::from_secs(1_900_000_001), changed(EventKind::SessionsEnded, 1));
    assert!(users.end_sessions(ada, from, &ended).await.unwrap());
    let password = changed(EventKind::PasswordChanged, 1);
    assert!(users.replace_password_if(ada, &hash(1), &hash(2), from, &password).await.unwrap());
    assert_eq!(users.find_user_claims(ada).await.unwrap(), Some(claims));
    assert!(users.delete_user(ada, &changed(EventKind::UserDeleted, 1)).await.unwrap());
    assert_eq!(users.find_user_claims(ada).await.unwrap(), None);
    users.create_user(&user(1), &registered(1)).await.unwrap();
    assert_eq!(users.find_user_claims(ada).await.unwrap(), None, "a new user has nothing of an earlier one");
}

contract! {
    of users:
    a_users_claims_are_replaced_as_a_whole,
    claims_stay_with_the_user_and_go_with_the_user,
}
