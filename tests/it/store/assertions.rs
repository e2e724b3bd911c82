//! What every store promises of assertions (the prose of `store::Assertions`).

use std::sync::Arc;

use futures_util::future::join_all;
use jwt_generator::domain::{Timestamp, UsedAssertion};
use jwt_generator::store::Assertions;

use super::contract::{contract, side_by_side};

const AT: Timestamp = Timestamp::from_millis(1_900_000_000_123);

/// The n-th assertion.
pub(super) fn assertion(n: u128, expires_at: Timestamp) -> UsedAssertion {
    UsedAssertion { name: n.to_be_bytes(), expires_at }
}

async fn an_assertion_is_added_once(assertions: Arc<dyn Assertions>) {
    for n in [1, 2, u128::MAX] {
        assert!(assertions.create_assertion(&assertion(n, AT)).await.unwrap());
        assert!(!assertions.create_assertion(&assertion(n, AT.plus_secs(60))).await.unwrap());
    }
}

async fn of_many_uses_at_once_one_adds_the_assertion(assertions: Arc<dyn Assertions>) {
    let one = assertion(7, AT);
    let added = join_all((0..32).map(|_| assertions.create_assertion(&one))).await;
    assert_eq!(added.into_iter().filter(|added| *added.as_ref().unwrap()).count(), 1);
}

async fn assertions_that_have_expired_are_removed_in_portions(assertions: Arc<dyn Assertions>) {
    let create = async |n| assertions.create_assertion(&assertion(n, AT)).await.unwrap();
    assert!(side_by_side((0..1_001).map(create)).await.into_iter().all(|is_new| is_new));
    assert!(assertions.create_assertion(&assertion(2_000, AT.plus_secs(60))).await.unwrap());
    assert!(!assertions.purge_assertions(AT).await.unwrap(), "they expire behind this instant");
    assert!(!assertions.create_assertion(&assertion(1, AT)).await.unwrap());
    assert!(assertions.purge_assertions(AT.plus_secs(1)).await.unwrap(), "one may be left");
    assert!(!assertions.purge_assertions(AT.plus_secs(1)).await.unwrap());
    assert!(assertions.create_assertion(&assertion(1, AT)).await.unwrap(), "it was removed");
    assert!(!assertions.create_assertion(&assertion(2_000, AT)).await.unwrap(), "it has not expired");
}

contract! {
    of assertions:
    an_assertion_is_added_once,
    of_many_uses_at_once_one_adds_the_assertion,
    assertions_that_have_expired_are_removed_in_portions,
}
