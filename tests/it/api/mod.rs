//! The endpoints, through the service's own door.

mod accounts;
mod generate;
mod hostile;
mod lookups;
mod manners;
mod pages;
mod published;
mod refusals;
mod sessions;
mod validate;
