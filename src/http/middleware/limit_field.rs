//! Writes lists of structured fields (RFC 9651 §3.1) of limits, without an allocation until the value is whole: every token
//! that is issued has one.

use http::header::HeaderValue;

use crate::limits::{Group, Quota, Scope, Verdict};

/// More than two items need.
const MOST_BYTES: usize = 128;

/// A value that is being written.
pub(super) struct Field {
    bytes: [u8; MOST_BYTES],
    length: usize,
}

impl Default for Field {
    fn default() -> Self {
        Self { bytes: [0; MOST_BYTES], length: 0 }
    }
}

impl Field {
    /// `"login-address";q=60;w=60`.
    pub(super) fn add_policy(&mut self, group: Group, scope: Scope, quota: Quota) {
        self.add_name(group, scope);
        self.add_parameter(";q=", quota.requests());
        self.add_parameter(";w=", quota.window());
    }

    /// `"login-address";r=59;t=1`.
    pub(super) fn add_limit(&mut self, verdict: &Verdict) {
        self.add_name(verdict.group, verdict.scope);
        self.add_parameter(";r=", verdict.remaining);
        self.add_parameter(";t=", verdict.more_in);
    }

    /// The value; `None` if nothing was added.
    pub(super) fn value(&self) -> Option<HeaderValue> {
        let bytes = self.bytes.get(..self.length).filter(|bytes| !bytes.is_empty())?;
        HeaderValue::from_bytes(bytes).ok()
    }

    fn add_name(&mut self, group: Group, scope: Scope) {
        let start = if self.length == 0 { "\"" } else { ", \"" };
        for part in [start, group.name(), "-", scope.name(), "\""] {
            self.add(part.as_bytes());
        }
    }

    fn add_parameter(&mut self, name: &str, number: u32) {
        self.add(name.as_bytes());
        let (mut digits, mut left, mut at) = ([0; 10], number, 10);
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.add(&digits[at..]);
    }

    /// What has no room is left out.
    fn add(&mut self, part: &[u8]) {
        let end = self.length + part.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(part);
            self.length = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_a_list_of_strings_with_parameters() {
        let mut field = Field::default();
        assert_eq!(field.value(), None);
        let (group, scope) = (Group::Register, Scope::Address);
        let verdict = |scope, remaining, more_in| Verdict { group, scope, allowed: true, remaining, more_in };
        field.add_limit(&verdict(scope, 0, 86_400));
        assert_eq!(field.value().unwrap(), "\"register-address\";r=0;t=86400");
        field.add_limit(&verdict(Scope::Account, u32::MAX, u32::MAX));
        let both = "\"register-address\";r=0;t=86400, \"register-account\";r=4294967295;t=4294967295";
        assert_eq!(field.value().unwrap(), both);
        let mut policy = Field::default();
        policy.add_policy(group, scope, Quota::per_hour(60));
        assert_eq!(policy.value().unwrap(), "\"register-address\";q=60;w=3600");
    }
}
