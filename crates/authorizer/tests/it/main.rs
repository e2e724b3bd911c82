//! The authorizer from outside: the real program between a Lambda runtime API and issuers, both played by the tests.

// Tells clippy that the helpers are test code too.
#![cfg(test)]

mod documents;
mod events;
mod foreign;
mod hostile;
mod keys;
mod outage;
mod settings;
mod support;
