"""PyJWT with its PyJWKClient as it comes: the key set is fetched anew after 5 minutes, or for an unknown kid but then
not within 30 seconds of the last fetch. No leeway. Knows RS256, PS256, ES256 and EdDSA.

verifier.py JWKS_URL ISSUER AUDIENCE: a token a line in, "ok SUB KID" or "refused REASON" a line out.
"""

import sys

import jwt

if len(sys.argv) != 4:
    sys.exit("usage: verifier.py JWKS_URL ISSUER AUDIENCE")
jwks_url, issuer, audience = sys.argv[1:]
keys = jwt.PyJWKClient(jwks_url)

for line in sys.stdin:
    token = line.strip()
    try:
        key = keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256", "PS256", "ES256", "EdDSA"],
            issuer=issuer,
            audience=audience,
            options={"require": ["sub", "exp", "iss", "aud"]},
        )
        answer = f"ok {claims['sub']} {key.key_id}"
    except (jwt.PyJWTError, ValueError) as error:  # a key set that is no JSON is a bare ValueError
        answer = "refused " + " ".join(str(error).split())
    print(answer, flush=True)
