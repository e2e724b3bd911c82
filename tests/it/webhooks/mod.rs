//! Webhooks.

mod commands;
mod delivery;
mod interleavings;
mod receiver;
mod recipes;
mod world;
