"""Keys and tokens of PyJWT. A line of JSON in, a line out:

  {"alg", "kid", "header", "claims"}  a token, signed by the key of this alg and kid, which is made when it is first asked
                                      for; without a kid the header has none
  {"jwks": [kid, …]}                  the set of the public keys of these names, as the library exports them
"""

import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}
keys = {}


def new_key(alg):
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if alg in CURVES:
        return ec.generate_private_key(CURVES[alg]())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def token(asked):
    alg, kid = asked["alg"], asked.get("kid")
    if (alg, kid) not in keys:
        keys[alg, kid] = new_key(alg)
    header = asked.get("header", {}) | ({} if kid is None else {"kid": kid})
    return jwt.encode(asked["claims"], keys[alg, kid], algorithm=alg, headers=header)


def public_jwk(alg, kid):
    jwk = jwt.get_algorithm_by_name(alg).to_jwk(keys[alg, kid].public_key(), as_dict=True)
    return jwk | {"alg": alg} | ({} if kid is None else {"kid": kid})


for line in sys.stdin:
    asked = json.loads(line)
    if "jwks" in asked:
        answer = json.dumps({"keys": [public_jwk(alg, kid) for alg, kid in keys if kid in asked["jwks"]]})
    else:
        answer = token(asked)
    print(answer, flush=True)
