//! All texts of the pages in all languages. The compiler demands each message of each language.

mod de;
mod en;
mod es;
mod fr;
mod ja;

use super::language::Language;

/// Makes the struct of all messages.
macro_rules! messages {
    ($($(#[$about:meta])* $name:ident,)+) => {
        /// The messages of one language.
        pub(in crate::http) struct Messages {
            $($(#[$about])* pub(super) $name: &'static str,)+
        }

        #[cfg(test)]
        impl Messages {
            fn each(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

messages! {
    /// Heading and button of the log-in page.
    log_in,
    /// Under the heading; `{}` is the app.
    log_in_to,
    /// If a request asks for a fresh log-in; `{}` is the app.
    log_in_again,
    /// Label.
    username_or_email,
    /// Label.
    username,
    /// Label.
    email,
    /// Label.
    password,
    /// Label.
    current_password,
    /// Label.
    new_password,
    /// Below the field.
    username_hint,
    /// Below the field; `{}` is a number.
    password_hint,
    /// Before the link to the registration.
    no_account,
    /// Heading, link and button of the registration page.
    register,
    /// Under the heading; `{}` is the app.
    register_for,
    /// Before the link to the log-in.
    have_account,
    /// `{}` is the user name.
    logged_in_as,
    /// Link or button to log in as another user.
    other_account,
    /// Heading of the page that asks for the account.
    choose_account,
    /// Under the heading; `{}` is the app.
    choose_account_for,
    /// Button; `{}` is the user name.
    continue_as,
    /// Heading; `{}` is the app.
    consent,
    /// Before the list; `{}` is the app.
    consent_list,
    /// What the scope `openid` permits.
    scope_openid,
    /// What the scope `profile` permits.
    scope_profile,
    /// What the scope `email` permits.
    scope_email,
    /// What the scope `address` permits.
    scope_address,
    /// What the scope `phone` permits.
    scope_phone,
    /// What the scope `offline_access` permits.
    scope_offline,
    /// Any other scope; `{}` is its name.
    scope_other,
    /// The service at which the app uses this; `{}` is its address.
    at_resource,
    /// Below the list; `{}` is the address of the app.
    consent_target,
    /// Button.
    allow,
    /// Button.
    deny,
    /// Heading and button.
    log_out,
    /// Heading.
    log_out_question,
    /// Button.
    stay,
    /// Heading.
    logged_out,
    /// Under it.
    logged_out_text,
    /// Heading.
    still_logged_in,
    /// Heading of the page that returns to an app by a form.
    one_moment,
    /// Under it; `{}` is the app.
    returning,
    /// Button.
    go_on,
    /// Heading.
    account,
    /// Heading of the list of sessions.
    sessions,
    /// Marks one of them.
    this_browser,
    /// If a browser said no name.
    unknown_browser,
    /// If a browser says a name that the pages do not know; `{}` is what it says.
    claimed_browser,
    /// `{1}` is the time of the log-in, `{2}` that of the last use.
    session_times,
    /// Label of a button; `{}` is the browser with the time of its log-in.
    end_session,
    /// What was done.
    session_ended,
    /// Button below the list of sessions.
    end_others,
    /// What was done.
    others_ended,
    /// Heading of the list of consents.
    apps,
    /// If the user has given no consent.
    no_apps,
    /// `{}` is a time.
    allowed_on,
    /// The same for an app that asks for no consent.
    access_since,
    /// Button.
    withdraw,
    /// Label of the button; `{}` is the app.
    withdraw_from,
    /// What was done.
    withdrawn,
    /// Heading and button.
    change_password,
    /// Under it.
    change_password_text,
    /// What was done.
    password_changed,
    /// Above a form with faults.
    check_fields,
    /// Fault of a field.
    fill_in,
    /// Fault of a log-in.
    wrong_credentials,
    /// Fault of the current password.
    wrong_password,
    /// Fault of a registration.
    exists,
    /// Fault of a user name.
    username_length,
    /// Fault of a user name.
    username_at,
    /// Fault of a user name.
    username_characters,
    /// Fault of a user name.
    username_scripts,
    /// Fault of an address.
    email_fault,
    /// Fault of a new password; `{}` is a number.
    password_short,
    /// Fault of a new password.
    password_long,
    /// Fault of a new password.
    password_nul,
    /// Fault of a new password.
    password_common,
    /// Fault of a log-in; `{}` is a length of time.
    throttled,
    /// Fault of a log-in.
    limited,
    /// Fault of a request; `{}` is a length of time.
    too_many,
    /// A length of time.
    one_second,
    /// A length of time; `{}` is a number above 1.
    seconds,
    /// A length of time.
    one_minute,
    /// A length of time; `{}` is a number above 1.
    minutes,
    /// Fault of the service.
    busy,
    /// Fault of the service.
    unavailable,
    /// Heading of an error page.
    error,
    /// If the request of an app is faulty.
    error_of_app,
    /// If a page was open for too long.
    error_expired,
    /// If the token of a form does not fit its cookie.
    error_form,
    /// If there is no such page.
    error_not_found,
    /// If a request cannot be read.
    error_request,
    /// Any other fault.
    error_internal,
    /// Before the technical text on an error page.
    details,
}

impl Messages {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::EN,
            Language::German => &de::DE,
            Language::French => &fr::FR,
            Language::Spanish => &es::ES,
            Language::Japanese => &ja::JA,
        }
    }
}

/// A message with this value at the place of `{}`.
pub(super) fn fill(message: &str, value: impl std::fmt::Display) -> String {
    message.replacen("{}", &value.to_string(), 1)
}

/// A length of time in words. From two minutes on, it is told in whole minutes, rounded up.
pub(super) fn length_of_time(m: &Messages, secs: u32) -> String {
    match secs {
        0 | 1 => m.one_second.to_owned(),
        60 => m.one_minute.to_owned(),
        2..120 => fill(m.seconds, secs),
        _ => fill(m.minutes, secs.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Messages, fill, length_of_time};

    /// The places for values in a message.
    fn places(message: &str) -> Vec<&str> {
        let mut places: Vec<_> =
            ["{}", "{1}", "{2}"].into_iter().filter(|place| message.contains(place)).collect();
        places.extend(message.matches("{}").skip(1));
        places
    }

    #[test]
    fn every_language_has_every_message_with_the_same_places_for_values() {
        let english = Messages::of(Language::English).each();
        for language in Language::ALL {
            let messages = Messages::of(language).each();
            for ((name, message), (_, original)) in messages.iter().zip(&english) {
                assert!(!message.trim().is_empty(), "{language:?} {name}");
                assert_eq!(places(message), places(original), "{language:?} {name}");
            }
        }
    }

    #[test]
    fn no_message_was_left_in_english() {
        let english = Messages::of(Language::English).each();
        for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
            for ((name, message), (_, original)) in Messages::of(language).each().iter().zip(&english) {
                assert_ne!(message, original, "{language:?} {name}");
            }
        }
    }

    #[test]
    fn a_length_of_time_has_its_unit_and_its_number() {
        let lengths = [0, 1, 2, 59, 60, 61, 119, 120, 121, 900];
        let english = Messages::of(Language::English);
        let words = [
            "1 second",
            "1 second",
            "2 seconds",
            "59 seconds",
            "1 minute",
            "61 seconds",
            "119 seconds",
            "2 minutes",
            "3 minutes",
            "15 minutes",
        ];
        assert_eq!(lengths.map(|secs| length_of_time(english, secs)), words);
        let german = Messages::of(Language::German);
        let said = fill(german.throttled, length_of_time(german, 1));
        assert!(said.ends_with("Versuche es in 1 Sekunde erneut."), "{said}");
    }

    #[test]
    fn a_value_is_inserted_once_and_is_not_read_as_a_message() {
        assert_eq!(fill("to {}", "{} {}"), "to {} {}");
    }
}
