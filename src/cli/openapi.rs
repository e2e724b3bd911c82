//! `openapi`: the description of the API, for code generators and gateways.

use clap::Args;

use super::{Failure, Output};

#[derive(Debug, Args)]
pub(super) struct Openapi;

impl Openapi {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        output.raw(crate::http::OPENAPI_JSON, crate::http::OPENAPI_YAML);
        Ok(())
    }
}
