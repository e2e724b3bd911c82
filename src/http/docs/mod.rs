//! The API's documentation: the document itself, Swagger UI over it, and a page for people. All from this binary.

mod asset;
mod document;
mod page;

pub(super) use asset::get_docs_asset;
pub(super) use document::Documents;
pub use document::{OPENAPI_JSON, OPENAPI_YAML};
pub(super) use document::{get_openapi_json, get_openapi_yaml};
pub(super) use page::{get_docs, get_docs_debug_page, get_docs_inline_page, get_docs_page};
