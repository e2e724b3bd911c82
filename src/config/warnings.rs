//! Settings that are valid and probably a mistake.

use super::{Sources, parse, settings};
use crate::limits::{Group, Policies, Quota};

impl Sources {
    /// A sentence for each setting that is probably a mistake: names that are almost right, a `NODE_ENV` that
    /// counts as `production` but is another word, `TRUSTED_PROXIES` with public networks, an admin listener that other machines
    /// reach, and limits that do not protect the service.
    pub fn warnings(&self) -> Vec<String> {
        let environment = self.get(settings::NODE_ENV);
        let environment = environment.filter(|found| parse::is_nearly_production(found.text.expose()));
        let environment = environment.map(|found| {
            format!(
                "NODE_ENV={:?} ({}) counts as production: only development and test do not; set it to production",
                found.text.expose(),
                found.origin
            )
        });
        let warnings = self.suspects.iter().cloned().chain(environment).chain(self.trusts_the_public());
        warnings.chain(self.shows_admin()).chain(self.misses_limits()).collect()
    }

    fn shows_admin(&self) -> Option<String> {
        let found = self.get(settings::ADMIN_ADDRESS)?;
        let address = parse::admin_address(found.text.expose()).ok()??;
        (!address.ip().to_canonical().is_loopback()).then(|| {
            format!(
                "ADMIN_ADDRESS={address} ({}) is no loopback address: the metrics have no authentication, so a firewall must let only your monitoring reach this port",
                found.origin
            )
        })
    }

    fn misses_limits(&self) -> Vec<String> {
        let Some(found) = self.get(settings::RATE_LIMITS) else { return Vec::new() };
        let (text, origin) = (found.text.expose(), &found.origin);
        let Ok(policies) = parse::rate_limits(text) else { return Vec::new() };
        let environment = self.get(settings::NODE_ENV).map(|found| found.text.expose().as_str());
        if policies == Policies::off() && !parse::is_development(environment.unwrap_or_default()) {
            return vec![format!(
                "RATE_LIMITS={text:?} ({origin}) switches all limits off, in production: any client can use up the processor"
            )];
        }
        let warn = |(group, of_all): (Group, Quota)| {
            format!(
                "RATE_LIMITS={text:?} ({origin}) has the limit {of_all} global for {}, which one IPv6 subscriber can use up, and then all other clients are refused: it must be more than eight times the limit per address",
                group.name()
            )
        };
        policies.global_for_one_client().map(warn).collect()
    }

    fn trusts_the_public(&self) -> Option<String> {
        let found = self.get(settings::TRUSTED_PROXIES)?;
        let text = found.text.expose();
        let network = parse::trusted_proxies(text).ok()?.too_large()?;
        Some(format!(
            "TRUSTED_PROXIES={text:?} ({}) has the network {network}, which contains public addresses: no address in it has a limit on its connections, and each can claim to be any client; name only your own proxies",
            found.origin
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Sources};

    fn sources(environment: &[(&str, &str)]) -> Sources {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sources::read(environment, std::path::Path::new("/nonexistent")).unwrap()
    }

    /// Seen: `prod` and `Prodution` counted as development, so that everyone could get tokens with any
    /// claims.
    #[test]
    fn only_development_and_test_are_not_production() {
        let demo_tokens =
            |set: &[(&str, &str)]| Config::read(&sources(set)).unwrap().demo_tokens.are_on(false);
        for development in
            [&[][..], &[("NODE_ENV", "")], &[("NODE_ENV", "development")], &[("NODE_ENV", "test")]]
        {
            assert!(demo_tokens(development), "{development:?}");
            assert!(sources(development).warnings().is_empty(), "{development:?}");
        }
        for other in ["prod", "Prodution", "PRODUCTION", "Development", "TEST", "staging", "dev", "0"] {
            let set = [("NODE_ENV", other)];
            assert!(!demo_tokens(&set), "{other}");
            assert!(demo_tokens(&[("NODE_ENV", other), ("DEMO_TOKENS", "true")]), "{other}");
            let told = format!(
                "NODE_ENV={other:?} (from the environment) counts as production: only development and test do not; \
                 set it to production"
            );
            assert_eq!(sources(&set).warnings(), [told]);
        }
        let exact = [("NODE_ENV", "production")];
        assert!(!demo_tokens(&exact) && sources(&exact).warnings().is_empty());
    }

    /// Seen: with `0.0.0.0/0` no address had a limit, and no message said so.
    #[test]
    fn proxies_that_may_be_strangers_are_pointed_out() {
        let warnings = |proxies| sources(&[("TRUSTED_PROXIES", proxies)]).warnings();
        assert!(warnings("10.0.0.0/8,fd00::/8").is_empty());
        for network in ["0.0.0.0/0", "::/0"] {
            let told = format!(
                "TRUSTED_PROXIES={network:?} (from the environment) has the network {network}, which contains public addresses: no address in it has a limit on its connections, and each can claim to be any client; name only \
                 your own proxies"
            );
            assert_eq!(warnings(network), [told]);
        }
    }

    #[test]
    fn an_admin_listener_for_other_machines_and_limits_that_do_not_protect_are_pointed_out() {
        let warnings = |set: &[(&str, &str)]| sources(set).warnings();
        for quiet in [("ADMIN_ADDRESS", "[::1]:9464"), ("ADMIN_ADDRESS", "off"), ("RATE_LIMITS", "off")] {
            assert!(warnings(&[quiet]).is_empty(), "{quiet:?}");
        }
        let admin = warnings(&[("ADMIN_ADDRESS", "0.0.0.0:9464")]);
        assert!(admin[0].starts_with("ADMIN_ADDRESS=0.0.0.0:9464 (from the environment) is no loopback"));
        let off = warnings(&[("RATE_LIMITS", "off"), ("NODE_ENV", "production")]);
        assert!(off[0].contains("switches all limits off, in production"), "{off:?}");
        let small = warnings(&[("RATE_LIMITS", "login=100/m global")]);
        assert!(small[0].contains("has the limit 100/m global for login"), "{small:?}");
        assert_eq!([admin.len(), off.len(), small.len()], [1; 3]);
    }
}
