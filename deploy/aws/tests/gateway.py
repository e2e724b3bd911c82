"""Imports openapi.yaml and what ../document makes of it, with --fail-on-warnings, and reads every integration back.

usage: gateway.py ENDPOINT
"""

import pathlib
import subprocess
import sys

import boto3
import yaml

HERE = pathlib.Path(__file__).resolve().parent.parent
gateway = boto3.client("apigateway", endpoint_url=sys.argv[1])
documents = {"openapi.yaml": (HERE.parent.parent / "openapi.yaml").read_bytes()}
functions = "arn:aws:lambda:eu-central-1:123456789012"
for arguments in (["vpc_link"], ["https"], ["vpc_link", "api_key"], [functions], [functions, "api_key"]):
    made = subprocess.run([HERE / "document", *arguments], check=True, capture_output=True)
    documents["document " + " ".join(arguments)] = made.stdout

# moto does not keep the connectionId; same.py and terraform test look at it.
MEMBERS = ("type", "uri", "httpMethod", "connectionType", "timeoutInMillis")

for name, text in documents.items():
    document = yaml.safe_load(text)
    api = gateway.import_rest_api(failOnWarnings=True, body=text)["id"]
    resources = {item["path"]: item["id"] for item in gateway.get_resources(restApiId=api, limit=500)["items"]}
    count = 0
    for path, item in document["paths"].items():
        # openapi.yaml itself has a path with a slash at its end, which moto takes for the root. ../document has it without.
        if name == "openapi.yaml" and path in ("/", "/api/docs/"):
            continue
        for method, operation in item.items():
            wanted = operation["x-amazon-apigateway-integration"]
            found = gateway.get_integration(restApiId=api, resourceId=resources[path], httpMethod=method.upper())
            for member in MEMBERS:
                if found.get(member) != wanted.get(member):
                    sys.exit(f"{name}: {method} {path}: {member} is {found.get(member)}, not {wanted.get(member)}")
            count += 1
    print(f"  {name}: {count} integrations, as they are written")
