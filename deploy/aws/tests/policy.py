"""What the example policy of docs/keys.md lets the service do with KMS, request by request. same.py and function.py hold both
stacks to that policy.

The conditions that AWS puts with a request are those of "Actions, resources, and condition keys for AWS Key Management Service"
(Service Authorization Reference): tags that a request brings, tags and usage of the key that it is about. "Controlling access to
tags" (AWS KMS Developer Guide) says that a key can be made with tags only by who may tag all keys.

usage: policy.py
"""

import fnmatch
import sys

from both import documented_policy

OURS, USAGE, KEY = "jwt-generator", "kms:KeyUsage", "arn:aws:kms:eu-central-1:123456789012:key/1"
NEW_TAGS = {f"aws:RequestTag/{OURS}": "signing-key", "aws:RequestTag/algorithm": "RS256", "aws:TagKeys": [OURS, "algorithm"]}
SIGNS, ENCRYPTS = {USAGE: "SIGN_VERIFY"}, {USAGE: "ENCRYPT_DECRYPT"}
OUR_KEY = {f"aws:ResourceTag/{OURS}": "signing-key"}

# (request, its conditions, whether it is let through)
REQUESTS = (
    ("kms:CreateKey", NEW_TAGS | SIGNS, True),
    ("kms:TagResource", NEW_TAGS, True),  # as a part of it
    ("kms:CreateKey", SIGNS, False),
    ("kms:CreateKey", NEW_TAGS | ENCRYPTS, False),
    ("kms:TagResource", NEW_TAGS | ENCRYPTS, False),  # a key of another program that encrypts
    ("kms:TagResource", NEW_TAGS | SIGNS | {"aws:TagKeys": [OURS, "team"]}, False),
    ("kms:TagResource", {"aws:RequestTag/team": "ours", "aws:TagKeys": ["team"]} | SIGNS, False),
    *((action, OUR_KEY | SIGNS, True) for action in ("kms:GetPublicKey", "kms:Sign", "kms:DisableKey", "kms:ScheduleKeyDeletion")),
    *((action, SIGNS, False) for action in ("kms:GetPublicKey", "kms:Sign", "kms:DisableKey", "kms:ScheduleKeyDeletion")),
    ("kms:ListResourceTags", SIGNS, True),  # the service looks at the tags of a key before it deletes it
    # A key that encrypts, even if it has our tag.
    *((action, OUR_KEY | ENCRYPTS, False) for action in ("kms:GetPublicKey", "kms:DisableKey", "kms:ScheduleKeyDeletion")),
    *((action, OUR_KEY | SIGNS, False) for action in ("kms:UntagResource", "kms:PutKeyPolicy", "kms:CreateGrant", "kms:EnableKey")),
)


def as_list(value):
    return value if isinstance(value, list) else [value]


def met(operator, key, wanted, context):
    """Whether one condition of a statement is met, as "IAM JSON policy elements: Condition operators" has it."""
    there = key in context
    match operator:
        case "StringEquals":
            return there and context[key] in as_list(wanted)
        case "StringEqualsIfExists":
            return not there or context[key] in as_list(wanted)
        case "ForAllValues:StringEquals":
            return set(as_list(context.get(key, []))) <= set(as_list(wanted))
    sys.exit(f"an operator that this does not know: {operator}")


def allowed(policy, action, context):
    return any(
        statement["Effect"] == "Allow"
        and action in as_list(statement["Action"])
        and fnmatch.fnmatchcase(KEY, statement["Resource"])
        and all(met(operator, key, wanted, context) for operator, keys in statement.get("Condition", {}).items() for key, wanted in keys.items())
        for statement in policy["Statement"]
    )


policy, wrong = documented_policy(), []
for action, context, expected in REQUESTS:
    if allowed(policy, action, context) != expected:
        wrong.append(f"docs/keys.md: {action} is {'refused' if expected else 'let through'} with {context}")
if wrong:
    sys.exit("\n".join(wrong))
print(f"  {len(REQUESTS)} requests to KMS are let through or refused as they are to be")
