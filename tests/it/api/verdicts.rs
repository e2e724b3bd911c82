//! Guesses that fail at another instance while this one checks a password: the verdict here must stay unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jwt_generator::accounts::AccountError;
use jwt_generator::domain::{
    Event, Initiator, LoginName, LoginThrottle, ThrottleRecord, ThrottledAccount, Timestamp,
};
use jwt_generator::store::{LoginThrottles, StoreError};

use super::events::{START, World, ada, caller, password};

/// Passes each call on. After the first answer, five guesses from elsewhere fail.
struct Interrupted {
    inner: Arc<dyn LoginThrottles>,
    waits: AtomicBool,
}

#[async_trait]
impl LoginThrottles for Interrupted {
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError> {
        let found = self.inner.find_login_throttle(account).await?;
        if self.waits.swap(false, Ordering::SeqCst) {
            let (now, none) = (Timestamp::from_secs(START), LoginThrottle::default());
            let failed = (0..5).fold(none, |throttle, _| throttle.after_failure(&[], now).0);
            let record = ThrottleRecord::after(account, found.as_ref(), failed, now);
            let seen = found.as_ref().map(|found| found.revision);
            assert!(self.inner.replace_login_throttle_if(seen, &record, None).await?);
        }
        Ok(found)
    }

    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        self.inner.replace_login_throttle_if(seen, record, event).await
    }

    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.purge_login_throttles(now).await
    }
}

#[tokio::test]
async fn a_password_whose_check_is_overtaken_by_failures_elsewhere_has_no_verdict() {
    for typed in ["secret-ada", "secret-eve"] {
        let mut world = World::begin().await;
        world.registry(4).create_user(ada(), &Initiator::OPERATOR).await.unwrap();
        let inner = Arc::clone(&world.stores.login_throttles);
        world.stores.login_throttles = Arc::new(Interrupted { inner, waits: true.into() });
        let name = LoginName::from_text("ada");
        for _ in 0..2 {
            let answer = world.accounts(4).log_in(&caller(), &name, password(typed)).await;
            assert!(matches!(answer, Err(AccountError::Throttled(1))), "{typed}: {answer:?}");
        }
    }
}
