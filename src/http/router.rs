//! Finds the operation for a method and a path.

use std::borrow::Cow;
use std::collections::HashMap;

use http::Method;

use super::dialect::Dialect;
use super::operation::{Operation, Origins};
use super::path;

/// The operations at a path, one for each method.
type Resource = Vec<&'static Operation>;

/// Finds operations. A path without parameters comes before one with parameters.
#[derive(Debug, Default)]
pub(super) struct Router {
    operations: &'static [Operation],
    literal: HashMap<Cow<'static, str>, Resource>,
    templates: Vec<(&'static str, Resource)>,
}

/// The target of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route<'r> {
    /// This operation.
    To(&'static Operation),
    /// The path has these operations, which have other methods.
    NoMethod(&'r [&'static Operation]),
    /// Nothing is at this path. If there are operations beside it, this is the first of them.
    Nowhere(Option<&'static Operation>),
}

impl Router {
    pub(super) fn of(operations: &'static [Operation]) -> Self {
        let mut router = Self { operations, ..Self::default() };
        for operation in operations {
            router.resource(operation.path).push(operation);
        }
        router
    }

    fn resource(&mut self, path: &'static str) -> &mut Resource {
        if !path::is_template(path) {
            return self.literal.entry(path::canonical(path)).or_default();
        }
        let known = self.templates.iter().position(|(template, _)| *template == path);
        let at = known.unwrap_or_else(|| {
            self.templates.push((path, Resource::new()));
            self.templates.len() - 1
        });
        &mut self.templates[at].1
    }

    /// `HEAD` is found if `GET` is (RFC 9110 §9.3.2).
    pub(super) fn find(&self, method: &Method, path: &str) -> Route<'_> {
        let path = path::canonical(path);
        let of_template = || self.templates.iter().find(|(template, _)| path::fits(template, &path));
        let resource = self.literal.get(&*path).or_else(|| of_template().map(|(_, resource)| resource));
        let Some(resource) = resource else {
            return Route::Nowhere(self.beside(&path));
        };
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        match resource.iter().find(|operation| operation.method == *method) {
            Some(operation) => Route::To(operation),
            None => Route::NoMethod(resource),
        }
    }

    /// The first operation of the group that a path belongs to: its path begins with the same segment.
    fn beside(&self, path: &str) -> Option<&'static Operation> {
        self.operations.iter().find(|operation| path::group(operation.path) == path::group(path))
    }
}

impl Route<'_> {
    /// The operation, if there is one.
    pub(super) fn operation(&self) -> Option<&'static Operation> {
        match self {
            Self::To(operation) => Some(operation),
            Self::NoMethod(_) | Self::Nowhere(_) => None,
        }
    }

    /// How a refusal is written here: in the dialect of the operation, or in that of the operations at the
    /// path or beside it.
    pub(super) fn dialect(&self) -> Dialect {
        let operation = match self {
            Self::To(operation) => Some(*operation),
            Self::NoMethod(resource) => resource.first().copied(),
            Self::Nowhere(beside) => *beside,
        };
        operation.map_or(Dialect::Api, |operation| operation.dialect)
    }

    /// The path for the log. It never comes from the request: a path that does not exist may contain
    /// anything, even a token.
    pub(super) fn path(&self) -> &'static str {
        match self {
            Self::To(operation) => operation.path,
            Self::NoMethod(resource) => resource.first().map_or("-", |operation| operation.path),
            Self::Nowhere(_) => "-",
        }
    }

    /// Whether only servers call what is at the path, so that no origin may read it.
    pub(super) fn is_for_no_origin(&self) -> bool {
        match self {
            Self::To(operation) => operation.origins == Origins::Nowhere,
            Self::NoMethod(resource) => {
                resource.iter().all(|operation| operation.origins == Origins::Nowhere)
            }
            Self::Nowhere(_) => false,
        }
    }

    /// Whether every origin may read what is at the path.
    pub(super) fn is_for_all_origins(&self) -> bool {
        match self {
            Self::To(operation) => operation.origins == Origins::All,
            Self::NoMethod(resource) => resource.iter().any(|operation| operation.origins == Origins::All),
            Self::Nowhere(_) => false,
        }
    }
}

/// The methods of a resource, for `Allow` (RFC 9110 §10.2.1).
pub(super) fn allowed(resource: &[&'static Operation]) -> String {
    let mut methods = Vec::new();
    for operation in resource {
        methods.push(operation.method.as_str());
        if operation.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.join(",")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Route, Router, allowed};
    use crate::http::operations;

    #[test]
    fn every_operation_is_found_by_its_own_method_and_path_and_by_no_other_method() {
        let router = Router::of(operations());
        for operation in operations() {
            for path in [operation.path.to_owned(), format!("{}/", operation.path.to_uppercase())] {
                let found = router.find(&operation.method, &path);
                assert_eq!(found.operation().map(|found| found.id), Some(operation.id), "{path}");
                let Route::NoMethod(resource) = router.find(&Method::DELETE, &path) else { panic!("{path}") };
                assert!(resource.iter().any(|one| one.id == operation.id), "{path}");
            }
        }
        let head = router.find(&Method::HEAD, "/health").operation().unwrap();
        assert_eq!(head.id, "get_health");
        for nowhere in ["", "*", "/nope", "/api", "/api/docs/assets", "/api/docs/assets/a/b", "/health/x"] {
            assert!(matches!(router.find(&Method::GET, nowhere), Route::Nowhere(_)), "{nowhere}");
        }
    }

    #[test]
    fn a_path_without_an_operation_belongs_to_the_operations_beside_it() {
        let router = Router::of(operations());
        let beside = |path| match router.find(&Method::GET, path) {
            Route::Nowhere(beside) => beside.map(|operation| operation.id),
            _ => panic!("{path}"),
        };
        assert_eq!(beside("/api/nope"), Some("generate_token"));
        assert_eq!(beside("/API/auth/nope/"), Some("generate_token"));
        assert_eq!(beside("/health/x"), Some("get_health"));
        for alone in ["/nope", "/apix/jwks", "", "*", "x/api"] {
            assert_eq!(beside(alone), None, "{alone}");
        }
    }

    #[test]
    fn a_wrong_method_is_refused_in_the_dialect_of_the_path_and_a_wrong_path_in_that_of_its_group() {
        let router = Router::of(operations());
        let group = |path: &'static str| path.trim_start_matches('/').split('/').next();
        for operation in operations() {
            let wrong_method = router.find(&Method::DELETE, operation.path);
            assert_eq!(wrong_method.dialect(), operation.dialect, "{}", operation.id);
            let wrong_path = format!("{}/nope/nope", operation.path.trim_end_matches('/'));
            let wrong_path = router.find(&Method::GET, &wrong_path);
            let first = operations().iter().find(|other| group(other.path) == group(operation.path)).unwrap();
            assert_eq!(wrong_path.dialect(), first.dialect, "{}", operation.id);
        }
    }

    #[test]
    fn allow_lists_head_beside_get() {
        let router = Router::of(operations());
        let of = |path| match router.find(&Method::DELETE, path) {
            Route::NoMethod(resource) => allowed(resource),
            _ => String::new(),
        };
        assert_eq!((of("/health"), of("/api/token/generate")), ("GET,HEAD".to_owned(), "POST".to_owned()));
    }
}
