"""This moto refuses what AWS refuses for its size or its owner, and accepts what is just within. Without that, a stack that AWS
refuses would pass ../check, as one did whose template had 55,116 bytes.

usage: limits.py ENDPOINT
"""

import json
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

import quotas

endpoint = sys.argv[1]
stacks, buckets = (boto3.client(service, endpoint_url=endpoint) for service in ("cloudformation", "s3"))
count = 0


def template(resources=1, **sections):
    return {"Resources": {f"Handle{n}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for n in range(resources)}, **sections}


def padded(size):
    text = json.dumps(template())
    return text + " " * (size - len(text))


def create(**request):
    global count
    count += 1
    if isinstance(request.get("TemplateBody"), dict):
        request["TemplateBody"] = json.dumps(request["TemplateBody"])
    stacks.create_stack(StackName=f"limits-{count}", **request)


def by_url(size):
    buckets.put_object(Bucket="limits", Key=f"template-{size}", Body=padded(size))
    create(TemplateURL=f"{endpoint}/limits/template-{size}")


def with_value(length):
    given = [{"ParameterKey": "One", "ParameterValue": "x" * length}]
    create(TemplateBody=template(Parameters={"One": {"Type": "String"}}), Parameters=given)


def named(kind, entry):
    return lambda number: create(TemplateBody=template(**{kind: {f"Entry{n}": entry for n in range(number)}}))


def refused(what, code, words, action, *arguments):
    try:
        action(*arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != code or words not in error.response["Error"]["Message"]:
            sys.exit(f"{what}: refused in other words: {error}")
        print(f"  refused: {what}")
        return
    sys.exit(f"{what}: accepted")


buckets.create_bucket(Bucket="limits", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
for what, most, words, action in (
    ("bytes of a body", quotas.BODY_BYTES, "Member must have length less than or equal to 51200", lambda size: create(TemplateBody=padded(size))),
    ("bytes of a template in S3", quotas.OBJECT_BYTES, "Template may not exceed 1000000 bytes in size.", by_url),
    ("bytes of a parameter", quotas.PARAMETER_VALUE_BYTES, "Member must have length less than or equal to 4096", with_value),
    ("bytes of a description", quotas.DESCRIPTION_BYTES, "'Description' length is greater than 1024.", lambda size: create(TemplateBody=template(Description="x" * size))),
    ("resources", quotas.SECTIONS["Resources"], "Number of resources, 501, is greater than maximum allowed, 500", lambda number: create(TemplateBody=template(number))),
    ("parameters", quotas.SECTIONS["Parameters"], "Number of parameters, 201, is greater", named("Parameters", {"Type": "String", "Default": ""})),
    ("outputs", quotas.SECTIONS["Outputs"], "Number of outputs, 201, is greater", named("Outputs", {"Value": "x"})),
    ("mappings", quotas.SECTIONS["Mappings"], "Number of mappings, 201, is greater", named("Mappings", {"a": {"b": "c"}})),
):
    action(most)
    refused(f"{most + 1} {what}", "ValidationError", words, action, most + 1)
for operation in (
    lambda: stacks.validate_template(TemplateBody=padded(51_201)),
    lambda: stacks.create_change_set(StackName="limits-set", ChangeSetName="set", ChangeSetType="CREATE", TemplateBody=padded(51_201)),
    lambda: stacks.update_stack(StackName="limits-1", TemplateBody=padded(51_201)),
):
    refused("51201 bytes, by every operation", "ValidationError", "less than or equal to 51200", operation)

# moto takes a request for that of the account in this header.
place = urllib.request.Request(f"{endpoint}/of-another-account", method="PUT", headers={"x-moto-account-id": "999999999999"})
urllib.request.urlopen(place).close()
buckets.put_object(Bucket="limits", Key="ours", Body=b"", ExpectedBucketOwner="123456789012")
foreign = dict(Bucket="of-another-account", Key="ours", Body=b"", ExpectedBucketOwner="123456789012")
refused("a bucket of another owner", "AccessDenied", "Access Denied", lambda: buckets.put_object(**foreign))
