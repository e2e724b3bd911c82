//! The limits of log-ins: by the account, and by the budgets of all clients and of known addresses.

use super::limits::judged;
use crate::domain::{Caller, LoginName, Peer};
use crate::http::Api;
use crate::http::operation::Operation;
use crate::http::refusal::{Kind, Refusal};
use crate::limits::{Crowd, Group, Verdict};

/// A log-in that asks to be admitted.
struct LogIn<'a> {
    api: &'a Api,
    group: Group,
    account: String,
    caller: &'a Caller,
    name: &'a LoginName,
}

/// Makes a log-in if the budgets of all clients and of its account admit it. If attackers have used them up, an address that the
/// account knows gets budgets of its own, even if this instance has not seen a log-in from there. After a success, the address is
/// familiar to the account. The budget of the account comes with the result, if there is one.
///
/// # Errors
/// 429, or the refusal of the attempt.
pub(in crate::http) async fn limited_log_in<T, E: Into<Refusal>>(
    api: &Api,
    operation: &Operation,
    caller: &Caller,
    name: &LoginName,
    attempt: impl Future<Output = Result<T, E>>,
) -> Result<(T, Option<Verdict>), Refusal> {
    let Some(group) = operation.limit else {
        return Ok((attempt.await.map_err(Into::into)?, None));
    };
    let log_in = LogIn { api, group, account: name.key(), caller, name };
    let (crowd, of_account) = log_in.admit().await?;
    let result = attempt.await.map_err(Into::into);
    log_in.note_end(crowd, result.as_ref().err());
    match result {
        Ok(done) => Ok((done, of_account)),
        Err(refusal) => Err(Refusal { verdict: of_account, ..refusal }),
    }
}

impl LogIn<'_> {
    async fn admit(&self) -> Result<(Crowd, Option<Verdict>), Refusal> {
        let crowd = self.admit_to_crowd().await?;
        let take = || self.api.limits.take_of_account(self.group, &self.account, self.peer());
        let mut verdict = take();
        if verdict.is_some_and(|verdict| !verdict.allowed) && self.is_known().await {
            verdict = take();
        }
        let judged = self.judged(verdict);
        if judged.is_err() {
            // Otherwise a flood of guesses at one account could use up what all accounts share.
            self.api.limits.give_back_to_crowd(self.group, crowd);
        }
        Ok((crowd, judged?))
    }

    /// Takes a log-in from the budget of all clients, or else from that of known addresses. An address that may be that of many
    /// clients is no known one here: attackers may have it, too.
    async fn admit_to_crowd(&self) -> Result<Crowd, Refusal> {
        let limits = &self.api.limits;
        let of_all = limits.take_of_crowd(self.group, Crowd::Everyone);
        if of_all.is_some_and(|verdict| !verdict.allowed)
            && let Some(peer) = self.caller.peer
            && self.is_known().await
        {
            self.judged(limits.take_of_familiar(self.group, peer))?;
            return Ok(Crowd::Familiar);
        }
        self.judged(of_all)?;
        Ok(Crowd::Everyone)
    }

    /// Looks for the address in what the store knows of the account, at most once a minute for one that it does not know, and not
    /// if the network has caused many look-ups. If the store does not answer, the address is not known now.
    async fn is_known(&self) -> bool {
        let (limits, account, peer) = (&self.api.limits, &self.account, self.peer());
        if limits.is_familiar(account, peer) {
            return true;
        }
        if limits.is_strange(account, peer) || !limits.may_look_up(peer) {
            return false;
        }
        match self.api.accounts.knows_address(self.caller, self.name).await {
            Ok(true) => limits.note_familiar(account, peer),
            Ok(false) => limits.note_strange(account, peer),
            Err(_) => {}
        }
        limits.is_familiar(account, peer)
    }

    /// A log-in that the throttling of failed log-ins refused costs no hash, so it takes nothing of what known addresses share:
    /// their owners could not log in if an attacker used it up with accounts that must wait.
    fn note_end(&self, crowd: Crowd, refusal: Option<&Refusal>) {
        let limits = &self.api.limits;
        match refusal.map(|refusal| &refusal.kind) {
            None => limits.note_familiar(&self.account, self.peer()),
            Some(Kind::LoginThrottled(_) | Kind::LoginLimited) if crowd == Crowd::Familiar => {
                limits.give_back_to_crowd(self.group, crowd);
            }
            Some(_) => {}
        }
    }

    fn judged(&self, verdict: Option<Verdict>) -> Result<Option<Verdict>, Refusal> {
        verdict.map(|verdict| judged(&self.api.limits, verdict)).transpose()
    }

    fn peer(&self) -> Peer {
        Peer::of(self.caller.address)
    }
}
