//! `openapi`: the description of the API, for code generators and gateways.

use clap::Args;

use super::{Failure, Output};
use crate::http::{openapi_json, openapi_yaml};

#[derive(Debug, Args)]
pub(super) struct Openapi;

impl Openapi {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        output.raw(&openapi_json(), &openapi_yaml());
        Ok(())
    }
}
