//! Registers a user, logs in, and reads the profile with the token, all by the generated client.

use openapi::apis::configuration::Configuration;
use openapi::apis::{Error, accounts_api, keys_api, tokens_api};
use openapi::models::{LoginRequest, RegisterRequest, ValidateTokenRequest};

const PASSWORD: &str = "correct horse battery";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(base_path), Some(username)) = (arguments.next(), arguments.next()) else { return Err("URL USERNAME".into()) };
    let plain = Configuration { base_path, ..Configuration::default() };

    let registration = RegisterRequest::new(username.clone(), format!("{username}@example.com"), PASSWORD.into());
    accounts_api::register_user(&plain, registration).await?;
    let login = accounts_api::login_user(&plain, LoginRequest::new(username.clone(), PASSWORD.into())).await?;
    let token = login.data.token.access_token;
    let with_token = Configuration { bearer_access_token: Some(token.clone()), ..plain.clone() };
    assert_eq!(accounts_api::get_profile(&with_token).await?.data.username, username);
    let request = ValidateTokenRequest { token: Some(token), ..ValidateTokenRequest::new() };
    let validation = tokens_api::validate_token(&plain, Some(request)).await?.data;
    assert!(validation.valid);
    let keys = keys_api::get_jwks(&plain, None).await?.keys;
    let kid = validation.decoded.header.kid;
    assert!(keys.iter().any(|key| key.kid == kid), "the key is not in the key set");
    match accounts_api::login_user(&plain, LoginRequest::new(username, "wrong".into())).await {
        Err(Error::ResponseError(refused)) => assert_eq!(refused.status.as_u16(), 401),
        other => return Err(format!("a wrong password: {other:?}").into()),
    }
    println!("ok");
    Ok(())
}
