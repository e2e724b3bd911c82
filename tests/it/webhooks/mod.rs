//! Webhooks.

mod commands;
mod delivery;
mod receiver;
mod recipes;
mod world;
