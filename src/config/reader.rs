//! Reads settings one by one, and collects their errors.

use super::{Fault, Faults, Origin, Setting, Sources, shown};
use crate::domain::{Lifetime, LifetimeError, Secret};

/// Reads settings one by one, and collects their errors.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, faults: Vec::new() }
    }

    /// The faults, each once: two parts of the settings may read the same one.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        for fault in self.faults {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        faults
    }

    /// A text, or its default; an empty one counts as unset, as in the original.
    pub(super) fn text(&self, setting: &'static Setting) -> String {
        self.set_text(setting).unwrap_or(setting.default).to_owned()
    }

    /// Whether there is a value that is not the default of the table.
    pub(super) fn is_set(&self, setting: &'static Setting) -> bool {
        self.set_text(setting).is_some()
    }

    /// A text; `None` if the setting is not set and has no default.
    pub(super) fn optional_text(&self, setting: &'static Setting) -> Option<String> {
        Some(self.text(setting)).filter(|text| !text.is_empty())
    }

    /// A value that may be unset; an empty text counts as unset, as in the original.
    pub(super) fn optional<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.set_text(setting)?;
        self.present(setting, parse)
    }

    /// The same for a value that must not be shown.
    pub(super) fn optional_secret(
        &mut self,
        setting: &'static Setting,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Option<Secret<String>> {
        self.optional(setting, |text| check(text).map(|()| Secret::new(text.to_owned())))
    }

    /// A value, or its default in the table; an empty text counts as unset, as in the original.
    ///
    /// # Errors
    /// [`Faults`] if the default in the table cannot be read, which is an error in this program. Errors in a
    /// value are collected.
    pub(super) fn required<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Faults> {
        let value = self.optional(setting, &parse);
        value.map_or_else(|| default_of(setting, parse), Ok)
    }

    /// A length of time. An empty text is an error: a typing error must not decide how long tokens live.
    ///
    /// # Errors
    /// As [`Reader::required`].
    pub(super) fn lifetime(&mut self, setting: &'static Setting) -> Result<Lifetime, Faults> {
        let parse = |text: &str| text.parse().map_err(|error: LifetimeError| error.to_string());
        let value = self.present(setting, parse);
        value.map_or_else(|| default_of(setting, parse), Ok)
    }

    /// An error that does not belong to one value alone.
    pub(super) fn fault(&mut self, setting: &'static Setting, allowed: &str) {
        let found = self.sources.get(setting);
        let origin = found.map_or(Origin::Table, |found| found.origin.clone());
        let text = found.map_or(setting.default, |found| found.text.expose());
        let value = if text.is_empty() { String::new() } else { shown_value(setting, text) };
        self.faults.push(Fault { name: setting.name, value, origin, allowed: allowed.to_owned() });
    }

    /// The value that is set, unless it is empty.
    fn set_text(&self, setting: &'static Setting) -> Option<&'a str> {
        self.sources.get(setting).map(|found| found.text.expose().as_str()).filter(|text| !text.is_empty())
    }

    fn present<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let found = self.sources.get(setting)?;
        let text = found.text.expose();
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(allowed) => {
                let (name, value) = (setting.name, shown_value(setting, text));
                self.faults.push(Fault { name, value, origin: found.origin.clone(), allowed });
                None
            }
        }
    }
}

/// The default in the table.
fn default_of<T>(setting: &'static Setting, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Faults> {
    parse(setting.default).map_err(|allowed| {
        let (name, value) = (setting.name, shown_value(setting, setting.default));
        Faults(vec![Fault { name, value, origin: Origin::Table, allowed }])
    })
}

/// A value as a message may show it.
fn shown_value(setting: &Setting, text: &str) -> String {
    let value = shown::value(setting, text);
    if setting.secret { value.into_owned() } else { format!("{value:?}") }
}
