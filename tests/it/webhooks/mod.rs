//! Webhooks.

mod commands;
mod delivery;
mod interleavings;
mod queues;
mod receiver;
mod recipes;
mod world;
