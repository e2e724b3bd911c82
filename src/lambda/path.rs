//! The part of an event's path that belongs to the service. Some senders put the stage in front of it, others
//! the path of a domain's mapping, and others nothing.

use super::event::Event;

/// The path as the service knows it; `base` is the path that the service is published under.
pub(super) fn own<'a>(event: &'a Event, base: &str) -> &'a str {
    let path = event.raw_path.as_deref().or(event.path.as_deref()).unwrap_or("/");
    if let Some(own) = template(event).and_then(|template| matched(path, template, event)) {
        return own;
    }
    let context = &event.request_context;
    // Under a name of AWS the first segment is the stage; a custom domain has mappings instead.
    let named_by_aws = context.domain_name.as_deref().is_some_and(|name| name.contains(".execute-api."));
    match context.stage.as_deref() {
        Some(stage) if named_by_aws && stage != "$default" => beneath(path, stage),
        _ => beneath(path, base.trim_start_matches('/')),
    }
}

/// The resource (REST) or route (HTTP) that the gateway found, such as `/api/{proxy+}`.
fn template(event: &Event) -> Option<&str> {
    let resource = event.resource.as_deref();
    let route = || event.route_key.as_deref().and_then(|key| key.split_once(' ')).map(|(_, path)| path);
    resource.or_else(route).filter(|template| template.starts_with('/'))
}

/// The last segments of the path, as many as the template has, if they match it. Segments before them do not belong to the
/// template. One segment of the gateway may be several here, because some gateways decode `%2F`.
fn matched<'a>(path: &'a str, template: &str, event: &Event) -> Option<&'a str> {
    let mut expected = Vec::new();
    for segment in template.split('/').filter(|segment| !segment.is_empty()) {
        match segment.strip_prefix('{').and_then(|parameter| parameter.strip_suffix('}')) {
            Some(name) => {
                let value = event.path_parameters.as_ref()?.get(name.trim_end_matches('+'))?;
                expected.extend(value.trim_matches('/').split('/').map(|_| None));
            }
            None => expected.push(Some(segment)),
        }
    }
    if expected.is_empty() {
        return Some("/");
    }
    let end = path.trim_end_matches('/');
    let own = end.rmatch_indices('/').nth(expected.len() - 1).map(|(at, _)| &path[at..])?;
    let found = own.trim_end_matches('/').split('/').skip(1);
    let fits = found.zip(&expected).all(|(found, expected)| expected.is_none_or(|literal| literal == found));
    fits.then_some(own)
}

/// The part behind the first segments of `path` if these are `prefix`, else the whole path.
fn beneath<'a>(path: &'a str, prefix: &str) -> &'a str {
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(prefix));
    match rest {
        _ if prefix.is_empty() => path,
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &serde_json::Value) -> Event {
        serde_json::from_value(json.clone()).unwrap()
    }

    #[test]
    fn what_stands_before_the_resource_is_not_ours() {
        let at = |resource: &str, path: &str, proxy: &str| {
            let parameters = serde_json::json!({ "proxy": proxy, "file": proxy });
            let json =
                serde_json::json!({ "resource": resource, "path": path, "pathParameters": parameters });
            own(&event(&json), "/nowhere").to_owned()
        };
        assert_eq!(at("/api/jwks", "/api/jwks", ""), "/api/jwks");
        assert_eq!(at("/api/jwks", "/auth/v1/api/jwks", ""), "/api/jwks");
        assert_eq!(at("/api/docs", "/auth/api/docs/", ""), "/api/docs/");
        assert_eq!(at("/", "/", ""), "/");
        assert_eq!(at("/", "/auth", ""), "/");
        assert_eq!(at("/{proxy+}", "/api/api/jwks", "api/jwks"), "/api/jwks");
        assert_eq!(at("/{proxy+}", "/auth/api/docs/", "api/docs/"), "/api/docs/");
        assert_eq!(
            at("/api/docs/assets/{file}", "/api/docs/assets/a.css", "a.css"),
            "/api/docs/assets/a.css"
        );
        assert_eq!(at("/a/b/c", "/c", ""), "/c", "a path that cannot be the resource's stays as it is");
        assert_eq!(
            at("/open/{file}", "/open/api/jwks", "api/jwks"),
            "/open/api/jwks",
            "no other route is reached"
        );
        assert_eq!(at("/open/{file}", "/open/api/jwks", "jwks"), "/open/api/jwks");
    }

    #[test]
    fn a_stage_is_taken_off_under_awss_own_name_and_a_published_path_under_ones_own() {
        let at = |path: &str, stage: &str, domain: &str| {
            let context = serde_json::json!({ "stage": stage, "domainName": domain });
            let json =
                serde_json::json!({ "rawPath": path, "routeKey": "$default", "requestContext": context });
            own(&event(&json), "/auth").to_owned()
        };
        let aws = "abc123.execute-api.eu-west-1.amazonaws.com";
        assert_eq!(at("/prod/api/jwks", "prod", aws), "/api/jwks");
        assert_eq!(at("/api/api/jwks", "api", aws), "/api/jwks");
        assert_eq!(at("/prod", "prod", aws), "/");
        assert_eq!(at("/product/api/jwks", "prod", aws), "/product/api/jwks");
        assert_eq!(at("/api/jwks", "$default", aws), "/api/jwks");
        assert_eq!(at("/api/jwks", "api", "tokens.example.com"), "/api/jwks");
        assert_eq!(at("/auth/api/jwks", "prod", "tokens.example.com"), "/api/jwks");
        assert_eq!(at("/auth", "prod", "tokens.example.com"), "/");
        assert_eq!(at("/authority", "prod", "tokens.example.com"), "/authority");
    }
}
