"""Verifies webhooks with standardwebhooks, the Python library of the specification, and those of the scheme v1a with
cryptography, by the text of the specification. A line of JSON in, a line out:

  {"secret", "headers", "body"}  "ok" or "refused REASON"; the secret begins with whsec_ or whpk_
"""

import base64
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verify_asymmetric(secret, headers, body):
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(secret.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    for signature in headers["webhook-signature"].split(" "):
        scheme, _, encoded = signature.partition(",")
        if scheme != "v1a":
            continue
        try:
            return key.verify(base64.b64decode(encoded), signed)
        except InvalidSignature:
            continue
    raise WebhookVerificationError("no matching signature found")


def verify(secret, headers, body):
    try:
        if secret.startswith("whpk_"):
            verify_asymmetric(secret, headers, body)
        else:
            Webhook(secret).verify(body, headers)
    except WebhookVerificationError as error:
        return f"refused {error}"
    return "ok"


for line in sys.stdin:
    asked = json.loads(line)
    print(verify(asked["secret"], asked["headers"], asked["body"]), flush=True)
