"""PyJWT with its PyJWKClient, for the signed answers of endpoints (userinfo, introspection). They need not have `sub` and `exp`.

answer_verifier.py JWKS_URL ISSUER AUDIENCE: an answer a line in, "ok ALG KID" or "refused REASON" a line out.
"""

import sys

import jwt

if len(sys.argv) != 4:
    sys.exit("usage: answer_verifier.py JWKS_URL ISSUER AUDIENCE")
jwks_url, issuer, audience = sys.argv[1:]
keys = jwt.PyJWKClient(jwks_url)

for line in sys.stdin:
    token = line.strip()
    try:
        key = keys.get_signing_key_from_jwt(token)
        jwt.decode(
            token,
            key,
            algorithms=["RS256", "PS256", "ES256", "EdDSA"],
            issuer=issuer,
            audience=audience,
            options={"require": ["iss", "aud"]},
        )
        answer = f"ok {jwt.get_unverified_header(token)['alg']} {key.key_id}"
    except (jwt.PyJWTError, ValueError) as error:
        answer = "refused " + " ".join(str(error).split())
    print(answer, flush=True)
