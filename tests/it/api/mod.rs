//! The endpoints, through the service's own HTTP service.

mod accounts;
mod enumeration;
mod events;
mod every_answer;
mod generate;
mod hostile;
mod lookups;
mod pages;
mod passwords;
mod published;
mod refusals;
mod sessions;
mod turns;
mod user_claims;
mod validate;
mod verdicts;
