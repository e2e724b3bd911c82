//! The use of a code (RFC 6749 §4.1.3, RFC 7636 §4.6).

use super::{CodeProof, Grant, GrantLifetimes, GrantStage};
use crate::domain::Timestamp;

/// What comes with a code.
#[derive(Clone, Copy, Debug)]
pub struct PresentedCode<'a> {
    /// The redirect URI of the request for tokens.
    pub redirect_uri: Option<&'a str>,
    /// The S256 challenge of the verifier that the request contains.
    pub challenge: Option<&'a str>,
    /// Whether the client gets a refresh token.
    pub refreshes: bool,
}

/// Why a code gives no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeemError {
    /// Its 60 seconds are over.
    Expired,
    /// The request for the code named another redirect URI.
    RedirectUri,
    /// The verifier does not fit the challenge, or one of both is missing (RFC 9700 §4.8.2).
    Verifier,
    /// It was used before, and came again with all that its client has: what it gave must end.
    Reused,
    /// The grant has ended.
    Ended,
}

impl CodeProof {
    /// Whether this comes from the client that the code was given to.
    fn check(&self, presented: PresentedCode<'_>) -> Result<(), RedeemError> {
        if self.redirect_uri.as_deref() != presented.redirect_uri {
            return Err(RedeemError::RedirectUri);
        }
        if self.code_challenge.as_deref() != presented.challenge {
            return Err(RedeemError::Verifier);
        }
        Ok(())
    }
}

impl Grant {
    /// The grant after its code was used.
    ///
    /// # Errors
    /// [`RedeemError`]
    pub fn redeem(
        &self,
        presented: PresentedCode<'_>,
        lifetimes: GrantLifetimes,
        now: Timestamp,
    ) -> Result<Self, RedeemError> {
        match &self.stage {
            // A stranger who finds an old code cannot end the grant: the verifier is only with the client.
            GrantStage::Active { proof, .. } => {
                proof.as_ref().map_or(Ok(()), |proof| proof.check(presented))?;
                Err(RedeemError::Reused)
            }
            GrantStage::Ended { .. } => Err(RedeemError::Ended),
            GrantStage::Code { expires_at, .. } if now >= *expires_at => Err(RedeemError::Expired),
            GrantStage::Code { proof, .. } => {
                proof.check(presented)?;
                Ok(self.active(u64::from(presented.refreshes), now, lifetimes, now))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Refreshed;
    use super::super::tests::{GIVEN, LIFETIMES, grant, proof};
    use super::*;

    const PRESENTED: PresentedCode<'static> = PresentedCode {
        redirect_uri: Some("https://app.example/cb"),
        challenge: Some("challenge"),
        refreshes: true,
    };

    fn at(secs: u64) -> Timestamp {
        GIVEN.plus_secs(secs)
    }

    #[test]
    fn a_code_is_good_for_sixty_seconds() {
        let last = Timestamp::from_millis(at(60).as_millis() - 1);
        assert!(grant().redeem(PRESENTED, LIFETIMES, last).is_ok());
        assert_eq!(grant().redeem(PRESENTED, LIFETIMES, at(60)), Err(RedeemError::Expired));
    }

    #[test]
    fn redirect_uri_and_verifier_must_be_those_of_the_request() {
        for redirect_uri in [None, Some("https://app.example/cb/"), Some("https://APP.example/cb")] {
            let presented = PresentedCode { redirect_uri, ..PRESENTED };
            assert_eq!(grant().redeem(presented, LIFETIMES, at(1)), Err(RedeemError::RedirectUri));
        }
        for challenge in [None, Some(""), Some("Challenge")] {
            let presented = PresentedCode { challenge, ..PRESENTED };
            assert_eq!(grant().redeem(presented, LIFETIMES, at(1)), Err(RedeemError::Verifier));
        }
        let proof = CodeProof { redirect_uri: None, code_challenge: None };
        let stage = GrantStage::Code { proof, expires_at: at(60) };
        let bare = Grant { stage, ..grant() };
        let presented = PresentedCode { redirect_uri: None, challenge: None, ..PRESENTED };
        assert!(bare.redeem(presented, LIFETIMES, at(1)).is_ok());
        let downgraded = PresentedCode { challenge: Some("challenge"), ..presented };
        assert_eq!(bare.redeem(downgraded, LIFETIMES, at(1)), Err(RedeemError::Verifier));
        let named = PresentedCode { redirect_uri: Some("https://app.example/cb"), ..presented };
        assert_eq!(bare.redeem(named, LIFETIMES, at(1)), Err(RedeemError::RedirectUri));
    }

    #[test]
    fn a_second_use_is_one_if_it_could_be_the_first_one() {
        let used = grant().redeem(PRESENTED, LIFETIMES, at(1)).unwrap();
        let Ok(Refreshed::Changed(refreshed)) = used.refresh(1, true, LIFETIMES, at(100)) else { panic!() };
        for grant in [&used, &*refreshed] {
            for now in [at(1), at(500)] {
                assert_eq!(grant.redeem(PRESENTED, LIFETIMES, now), Err(RedeemError::Reused));
                let wrong = PresentedCode { challenge: None, ..PRESENTED };
                assert_eq!(grant.redeem(wrong, LIFETIMES, now), Err(RedeemError::Verifier));
                let wrong = PresentedCode { redirect_uri: None, ..PRESENTED };
                assert_eq!(grant.redeem(wrong, LIFETIMES, now), Err(RedeemError::RedirectUri));
            }
        }
        let stage = GrantStage::Active { counter: 1, rotated_at: at(1), used_at: at(1), proof: None };
        let older = Grant { stage, ..used.clone() };
        let wrong = PresentedCode { challenge: None, ..PRESENTED };
        assert_eq!(older.redeem(wrong, LIFETIMES, at(2)), Err(RedeemError::Reused), "of an older record");
        let ended = used.ended(at(2)).unwrap();
        assert_eq!(ended.redeem(PRESENTED, LIFETIMES, at(3)), Err(RedeemError::Ended));
    }

    #[test]
    fn the_grant_is_remembered_as_long_as_any_of_its_tokens_counts() {
        let used = grant().redeem(PRESENTED, LIFETIMES, at(1)).unwrap();
        let stage =
            |counter| GrantStage::Active { counter, rotated_at: at(1), used_at: at(1), proof: proof() };
        assert_eq!(used.stage, stage(1));
        assert_eq!((used.revision, used.forget_at), (2, at(1_001)));
        assert_eq!(used.refresh_until(LIFETIMES), Some(at(1_001)));
        let once = PresentedCode { refreshes: false, ..PRESENTED };
        let used = grant().redeem(once, LIFETIMES, at(1)).unwrap();
        assert_eq!(used.stage, stage(0));
        assert_eq!((used.forget_at, used.refresh_until(LIFETIMES)), (at(361), None));
    }
}
