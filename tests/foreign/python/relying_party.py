"""A client of OAuth 2.0 and OpenID Connect: Authlib with requests.

relying_party.py ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI: what to do a line in, what came of it a line out.
`code SCOPE` answers `open URL`, reads the URL to which the browser returned, and answers `done JSON`. `machine SCOPE` gets a
token for the client itself. CLIENT_SECRET is - for a public client.
"""

import json
import secrets
import sys

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

issuer, client_id, secret, redirect_uri = sys.argv[1:]
server = requests.get(issuer.rstrip("/") + "/.well-known/openid-configuration", timeout=60).json()
assert server["issuer"] == issuer, server["issuer"]


def session(scope):
    method = "none" if secret == "-" else "client_secret_basic"
    return OAuth2Session(
        client_id,
        None if secret == "-" else secret,
        scope=scope,
        redirect_uri=redirect_uri,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
    )


def claims_of(id_token, nonce, access_token):
    keys = KeySet.import_key_set(requests.get(server["jwks_uri"], timeout=60).json())
    algorithms = server["id_token_signing_alg_values_supported"]
    token = jwt.decode(id_token, keys, algorithms=algorithms)
    claims = CodeIDToken(
        token.claims,
        token.header,
        options={"iss": {"value": issuer}, "aud": {"value": client_id}},
        params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    claims.validate(leeway=5)
    return claims


def log_in(scope):
    client, nonce, verifier = session(scope), secrets.token_urlsafe(), generate_token(48)
    url, state = client.create_authorization_url(server["authorization_endpoint"], nonce=nonce, code_verifier=verifier)
    print("open", url, flush=True)
    returned = sys.stdin.readline().strip()
    token = client.fetch_token(
        server["token_endpoint"], authorization_response=returned, state=state, code_verifier=verifier
    )
    claims = claims_of(token["id_token"], nonce, token["access_token"])
    userinfo = client.get(server["userinfo_endpoint"]).json()
    result = {"sub": claims["sub"], "aud": claims["aud"], "userinfo": userinfo["sub"], "username": userinfo.get("preferred_username")}
    if "refresh_token" in token:
        client.refresh_token(server["token_endpoint"], token["refresh_token"])
        result["refreshed"] = client.get(server["userinfo_endpoint"]).json()["sub"]
        newest = client.token["refresh_token"]
        client.revoke_token(server["revocation_endpoint"], newest, token_type_hint="refresh_token").raise_for_status()
        try:
            client.refresh_token(server["token_endpoint"], newest)
            result["after_revocation"] = "still valid"
        except OAuthError as error:
            result["after_revocation"] = error.error
    return result


def authenticate_itself(scope):
    client = session(scope)
    token = client.fetch_token(server["token_endpoint"], grant_type="client_credentials")

    def introspect():
        return client.introspect_token(server["introspection_endpoint"], token["access_token"]).json()

    before = introspect()
    client.revoke_token(server["revocation_endpoint"], token["access_token"]).raise_for_status()
    after = introspect()
    return {
        "type": token["token_type"].lower(),
        "scope": token["scope"],
        "client_id": before["client_id"],
        "active": [before["active"], after["active"]],
    }


for line in sys.stdin:
    command, _, scope = line.strip().partition(" ")
    try:
        result = log_in(scope) if command == "code" else authenticate_itself(scope)
        print("done", json.dumps(result), flush=True)
    except OAuthError as error:
        print("failed", error.error, flush=True)
