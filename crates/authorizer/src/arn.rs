//! The ARN of the method that is called (`arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`).

/// A policy is about a stage of an API, with all its methods.
///
/// The gateway caches a policy for the token, not for the method, and applies it to the next calls with the
/// same token. A policy about one method would refuse all others until it is forgotten. The decision depends
/// only on the token, so it is valid for the whole stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageArn(String);

impl StageArn {
    /// The stage of the method's ARN. The result is `None` if the text is not such an ARN.
    pub fn of_method(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [scheme, partition, service, region, account, resource] = parts[..] else { return None };
        let mut resource = resource.split('/');
        let (api, stage, method) = (resource.next()?, resource.next()?, resource.next()?);
        let plain = [partition, region, account, api, stage].into_iter().all(is_plain);
        let named = scheme == "arn" && service == "execute-api" && plain && !method.is_empty();
        named.then(|| Self(format!("arn:{partition}:{service}:{region}:{account}:{api}/{stage}/*")))
    }

    /// The pattern of the policy.
    pub fn pattern(&self) -> &str {
        &self.0
    }
}

/// Without the wildcards and variables of policies; `$default` is a stage of HTTP APIs.
fn is_plain(part: &str) -> bool {
    let name = part.strip_prefix('$').unwrap_or(part);
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_methods_stage_is_found_in_every_partition() {
        for (arn, stage) in [
            (
                "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/users/7:8",
                "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/*",
            ),
            (
                "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3/$default/POST/",
                "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3/$default/*",
            ),
            (
                "arn:aws:execute-api:us-east-1:1:a/test-invoke-stage/GET",
                "arn:aws:execute-api:us-east-1:1:a/test-invoke-stage/*",
            ),
        ] {
            assert_eq!(StageArn::of_method(arn).unwrap().pattern(), stage);
        }
    }

    #[test]
    fn what_is_no_methods_arn_has_no_stage() {
        for arn in [
            "",
            "*",
            "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3",
            "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod",
            "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/",
            "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/*/GET/",
            "arn:aws:execute-api:eu-west-1:123456789012:*/prod/GET/",
            "arn:aws:execute-api:*:123456789012:a1b2c3/prod/GET/",
            "arn:aws:execute-api::123456789012:a1b2c3/prod/GET/",
            "arn:aws:s3:eu-west-1:123456789012:a1b2c3/prod/GET/",
            "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/${aws:x}/GET/",
            "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3//GET/",
        ] {
            assert_eq!(StageArn::of_method(arn), None, "{arn}");
        }
    }
}
