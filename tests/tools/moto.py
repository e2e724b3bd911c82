"""The server of moto (https://docs.getmoto.org) as a stand-in for AWS KMS, Secrets Manager and STS, with the gaps closed in
which these themselves behave otherwise and our code would notice:

 * Sign and Verify honour MessageType=DIGEST; moto hashes the digest once more.
 * RSASSA_PSS signatures have a salt as long as the hash, as AWS documents and PS256 wants (RFC 7518 section 3.5); moto makes it
   as long as it can be.
 * Sign answers DisabledException for a key that is disabled and KMSInvalidStateException for one that awaits deletion;
   DisableKey, EnableKey and ScheduleKeyDeletion answer the latter as well. moto minds neither.
 * DisableKey, EnableKey and ScheduleKeyDeletion take a key's ARN; moto takes only its id, and breaks on the ARN.
 * The first GetPublicKey for a new key answers NotFoundException: KMS is eventually consistent, and may.
 * What changes a secret happens in one step; moto's threads come between each other.
 * Each line `CALL CODE` of the file MOTO_REFUSALS, such as `Sign ThrottlingException`, has that call answer so, for as long
   as the line is there.

usage: MOTO_REFUSALS=FILE python tests/tools/moto.py -H 127.0.0.1 -p PORT
"""

import contextvars
import os
import pathlib
import sys
import threading

# This file bears the name of the package that it serves, and its folder is where Python looks first.
sys.path.pop(0)

from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed  # noqa: E402
from moto.core.exceptions import JsonRESTError  # noqa: E402
from moto.kms.models import KmsBackend  # noqa: E402
from moto.kms.responses import KmsResponse  # noqa: E402
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey  # noqa: E402
from moto.secretsmanager.models import SecretsManagerBackend  # noqa: E402
from moto.secretsmanager.responses import SecretsManagerResponse  # noqa: E402
from moto.server import main  # noqa: E402

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
message_type = contextvars.ContextVar("message_type", default="RAW")
asked_for = set()


def hash_of(signing_algorithm):
    algorithm = HASHES[signing_algorithm[-3:]]()
    return Prehashed(algorithm) if message_type.get() == "DIGEST" else algorithm


def rsa_padding(signing_algorithm):
    if "PKCS1" in signing_algorithm:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(HASHES[signing_algorithm[-3:]]()), padding.PSS.DIGEST_LENGTH)


def rsa_sign(self, message, algorithm):
    return self.private_key.sign(message, rsa_padding(algorithm), hash_of(algorithm))


def rsa_verify(self, message, signature, algorithm):
    try:
        self.private_key.public_key().verify(signature, message, rsa_padding(algorithm), hash_of(algorithm))
        return True
    except InvalidSignature:
        return False


def ec_sign(self, message, algorithm):
    return self.private_key.sign(message, ec.ECDSA(hash_of(algorithm)))


def ec_verify(self, message, signature, algorithm):
    try:
        self.private_key.public_key().verify(signature, message, ec.ECDSA(hash_of(algorithm)))
        return True
    except InvalidSignature:
        return False


def require_state(key, enabled):
    if key.key_state == "PendingDeletion":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if enabled and not key.enabled:
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")


def refusing(responses, call, name):
    """Wraps an operation that may have to answer what MOTO_REFUSALS says."""
    original = getattr(responses, name)

    def operation(self):
        for line in pathlib.Path(os.environ["MOTO_REFUSALS"]).read_text().splitlines():
            if line.split()[0] == call:
                raise JsonRESTError(line.split()[1], f"{call} is refused by the test")
        return original(self)

    setattr(responses, name, operation)


def in_one_step(name, lock=threading.RLock()):
    """Wraps an operation on secrets."""
    original = getattr(SecretsManagerBackend, name)

    def operation(self, *arguments, **named):
        with lock:
            return original(self, *arguments, **named)

    setattr(SecretsManagerBackend, name, operation)


def using_a_key(name):
    """Wraps an operation that uses a key: it must be enabled, and the message may be a digest."""
    original = getattr(KmsResponse, name)

    def operation(self):
        key_id = self._get_param("KeyId")
        self._validate_key_id(key_id)
        require_state(self.kms_backend.describe_key(key_id), enabled=True)
        token = message_type.set(self._get_param("MessageType") or "RAW")
        try:
            return original(self)
        finally:
            message_type.reset(token)

    setattr(KmsResponse, name, operation)


def changing_a_key(name):
    """Wraps an operation that changes a key's state: by its ARN too, and not once it awaits deletion."""
    original = getattr(KmsBackend, name)

    def operation(self, key_id, *arguments):
        key = self.describe_key(key_id)
        require_state(key, enabled=False)
        return original(self, key.id, *arguments)

    setattr(KmsBackend, name, operation)


def get_public_key(self, original=KmsResponse.get_public_key):
    key_id = self._get_param("KeyId")
    self._validate_key_id(key_id)
    key = self.kms_backend.describe_key(key_id)
    if key.id not in asked_for:
        asked_for.add(key.id)
        raise JsonRESTError("NotFoundException", f"Key '{key.arn}' does not exist")
    return original(self)


RSAPrivateKey.sign, RSAPrivateKey.verify = rsa_sign, rsa_verify
ECDSAPrivateKey.sign, ECDSAPrivateKey.verify = ec_sign, ec_verify
KmsResponse.get_public_key = get_public_key
for name in ("sign", "verify"):
    using_a_key(name)
for name in ("disable_key", "enable_key", "schedule_key_deletion"):
    changing_a_key(name)
for call, name in {
    "CreateKey": "create_key",
    "GetPublicKey": "get_public_key",
    "Sign": "sign",
    "DisableKey": "disable_key",
    "ScheduleKeyDeletion": "schedule_key_deletion",
}.items():
    refusing(KmsResponse, call, name)
for name in ("create_secret", "put_secret_value", "update_secret_version_stage"):
    in_one_step(name)
for call, name in {
    "CreateSecret": "create_secret",
    "GetSecretValue": "get_secret_value",
    "PutSecretValue": "put_secret_value",
    "UpdateSecretVersionStage": "update_secret_version_stage",
}.items():
    refusing(SecretsManagerResponse, call, name)

if __name__ == "__main__":
    main(sys.argv[1:])
