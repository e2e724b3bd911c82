//! The JSON Web Key Set (RFC 7517 §5), on all the paths of the original and at the root.

use crate::http::{Answer, Api, Call};
use crate::keys::Ring;

pub(in crate::http) async fn get_jwks(api: Api, call: Call) -> Answer {
    super::key_set(&api, &call, Ring::jwks)
}
