//! The pages on which users log in, register, permit apps to use their accounts, log out, and look after their accounts. Each
//! page is made by the server and works without scripts.

mod account;
mod authorize;
mod brand;
mod browsers;
mod choose;
mod consent;
mod cookies;
mod flow;
mod language;
mod log_in;
mod log_out;
mod messages;
mod policy;
mod refused;
mod register;
mod templates;
mod to_client;
mod visit;

pub(super) use account::{change_password, end_session_on_page, get_account_page, withdraw_consent};
pub(super) use authorize::{authorize, authorize_by_post, choose_account, continue_authorization};
pub(super) use brand::{Brand, get_page_asset};
pub(super) use choose::get_account_choice_page;
pub(super) use consent::{answer_consent, get_consent_page};
pub(super) use language::Language;
pub(super) use log_in::{get_log_in_page, log_in_on_page};
pub(super) use log_out::{answer_log_out, log_out, log_out_by_post};
pub(super) use refused::refusal_page;
pub(super) use register::{get_registration_page, register_on_page};
