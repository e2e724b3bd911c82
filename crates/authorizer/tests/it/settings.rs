//! What the program says about its settings, and when it is started outside Lambda.

use std::process::{Command, Stdio};

use crate::support::Function;

#[test]
fn lambda_is_told_all_that_is_wrong_with_the_settings() {
    let (message, code) = Function::start([
        ("AUTHORIZER_ISSUERS", "http://id.example.com".to_owned()),
        ("AUTHORIZER_SCOPE", "read".to_owned()),
    ])
    .refusal();
    let expected = "the settings cannot be used:
  AUTHORIZER_SCOPE=read: there is no such setting; did you mean AUTHORIZER_SCOPES?
  AUTHORIZER_ISSUERS=http://id.example.com: \"http://id.example.com\": it must begin with https://, because keys that came over plain HTTP prove nothing; or write issuer=address of its key set
  AUTHORIZER_AUDIENCES=: name at least one \"aud\" of the tokens for this API";
    assert_eq!((message.as_str(), code), (expected, 1));
}

#[test]
fn outside_lambda_it_says_what_it_is() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_jwt-authorizer")).env_clear().stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("AWS_LAMBDA_RUNTIME_API is not set: this is an AWS Lambda function"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}
