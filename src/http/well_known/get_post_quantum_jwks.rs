//! The key set of the post-quantum keys (RFC 7517 §5, RFC 9964), separate from the other one: some verifiers
//! refuse a whole set if it contains a `kty` that they do not know.

use crate::http::{Answer, Api, Call};
use crate::keys::Ring;

pub(in crate::http) async fn get_post_quantum_jwks(api: Api, call: Call) -> Answer {
    super::key_set(&api, &call, Ring::post_quantum_jwks)
}
