//! The documentation of the API: the OpenAPI document, Swagger UI, and pages for people. All of it is in this binary.

mod asset;
mod compressed;
mod document;
mod hub;
mod page;

pub(super) use asset::get_docs_asset;
pub(super) use document::Documents;
pub(super) use document::{get_openapi_json, get_openapi_yaml};
pub use document::{openapi_json, openapi_yaml};
pub(super) use hub::{HubPath, hub_page};
pub(super) use page::{accepts_html, get_docs, get_docs_debug_page, get_docs_inline_page, get_docs_page};

/// The address of this server for examples.
fn server_address(api: &super::Api) -> &str {
    api.settings.public_url.as_deref().unwrap_or("http://localhost:3000")
}
