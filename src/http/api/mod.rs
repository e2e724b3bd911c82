//! The original's endpoints, one file each.

mod generate_token;
mod get_health;
mod get_profile;
mod get_root;
mod login_user;
mod refresh_token;
mod register_user;
mod shapes;
mod validate_token;

pub(super) use generate_token::generate_token;
pub(super) use get_health::get_health;
pub(super) use get_profile::get_profile;
pub(super) use get_root::get_root;
pub(super) use login_user::login_user;
pub(super) use refresh_token::refresh_token;
pub(super) use register_user::register_user;
pub(super) use validate_token::validate_token;
