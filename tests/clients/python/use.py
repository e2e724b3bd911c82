"""Registers a user, logs in, and reads the profile with the token, all by the generated client."""
import sys

import openapi_client as client

base, username = sys.argv[1:]
password = "correct horse battery"


def api(kind, token=None):
    return kind(client.ApiClient(client.Configuration(host=base, access_token=token)))


accounts = api(client.AccountsApi)
accounts.register_user(client.RegisterRequest(username=username, email=f"{username}@example.com", password=password))
token = accounts.login_user(client.LoginRequest(username=username, password=password)).data.token.access_token
assert api(client.AccountsApi, token).get_profile().data.username == username
validation = api(client.TokensApi).validate_token(client.ValidateTokenRequest(token=token)).data
assert validation.valid
assert validation.decoded.header.kid in [key.kid for key in api(client.KeysApi).get_jwks().keys]
try:
    accounts.login_user(client.LoginRequest(username=username, password="wrong"))
    sys.exit("a wrong password was accepted")
except client.ApiException as error:
    assert error.status == 401, error
print("ok")
