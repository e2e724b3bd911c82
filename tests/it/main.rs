//! The tests of the service from outside, in one binary.

#![cfg(test)]

mod access_log;
mod adoption;
mod api;
mod architecture;
mod audit;
mod backup;
mod browser;
mod callers;
mod cli;
mod clients;
mod clocks;
mod completions;
mod connections;
mod contract;
mod doctor;
mod documents;
mod foreign;
mod guessing;
mod keys;
mod lambda;
mod language;
mod lifecycle;
mod limits;
mod metrics;
mod migration;
mod oauth;
mod openapi;
mod operations;
mod pages;
mod post_quantum;
mod probes;
mod readme;
mod secrets;
mod store;
mod support;
mod systemd;
mod terminal;
mod traces;
mod webhooks;
