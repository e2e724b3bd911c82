//! The parameters of a request in a form (RFC 6749, appendix B).

use crate::domain::Secret;

/// The parameters of a request. Each occurs once; only `resource` may occur more often (RFC 8707 §2). A parameter without a
/// value counts as absent, and an unknown one is ignored (RFC 6749 §3.2). They are wiped when they are dropped: a secret may
/// be in them.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, Secret<String>)>);

/// A parameter occurs twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parameter must not occur twice")]
pub struct RepeatedParam;

impl Params {
    /// The parameter that may occur more than once.
    const REPEATABLE: &'static str = "resource";

    /// Takes names and values in the order of the request.
    ///
    /// # Errors
    /// [`RepeatedParam`], also for a parameter that the service does not know: what it means must not depend on the reader.
    pub fn new(params: Vec<(String, Secret<String>)>) -> Result<Self, RepeatedParam> {
        let is_repeated = |(at, (name, _)): (usize, &(String, _))| {
            name != Self::REPEATABLE && params[..at].iter().any(|(before, _)| before == name)
        };
        if params.iter().enumerate().any(is_repeated) { Err(RepeatedParam) } else { Ok(Self(params)) }
    }

    /// The value of a parameter, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Each value of a parameter that may occur more than once.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = self.0.iter().filter(move |(known, _)| known == name);
        of_name.map(|(_, value)| value.expose().as_str()).filter(|value| !value.is_empty())
    }

    /// The resources that a request names (RFC 8707 §2), each once.
    pub(super) fn resources(&self) -> Vec<&str> {
        let mut resources = Vec::new();
        for resource in self.all(Self::REPEATABLE) {
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        resources
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, RepeatedParam};
    use crate::domain::Secret;

    fn params(pairs: &[(&str, &str)]) -> Result<Params, RepeatedParam> {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        Params::new(owned.collect())
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_absent() {
        let params = params(&[("scope", ""), ("code", "x")]).unwrap();
        assert_eq!((params.get("scope"), params.get("code"), params.get("state")), (None, Some("x"), None));
    }

    #[test]
    fn only_resource_may_occur_twice() {
        let both = params(&[("resource", "a"), ("resource", ""), ("resource", "b")]).unwrap();
        assert_eq!(both.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        let twice = params(&[("resource", "a"), ("resource", "b"), ("resource", "a")]).unwrap();
        assert_eq!(twice.resources(), ["a", "b"]);
        for name in ["scope", "client_id", "unknown"] {
            assert_eq!(params(&[(name, "a"), ("x", ""), (name, "")]).err(), Some(RepeatedParam), "{name}");
        }
    }
}
