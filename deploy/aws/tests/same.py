"""Holds what is said twice against each other: CloudFormation, Terraform, the two ways to the gateway's document, docs/keys.md,
openapi.yaml, and what moto has of the stack.

usage: same.py STATE.json PLAN.json ENDPOINT STACK MOTO.log [BINARY]
"""

import ast
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import boto3
import yaml

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
state_file, plan_file, endpoint, stack, moto_log = sys.argv[1:6]
binary = sys.argv[6] if len(sys.argv) > 6 else ""


class Template(yaml.SafeLoader):
    """Reads !Ref X as {"Ref": X}, and !Other X as {"Fn::Other": X}."""


def tag(loader, suffix, node):
    value = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
        yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True),
    }[type(node)](node)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


Template.add_multi_constructor("!", tag)
template = yaml.load((HERE / "cloudformation/template.yaml").read_text(), Template)
openapi = yaml.safe_load((ROOT / "openapi.yaml").read_text())
configuration = json.loads(pathlib.Path(plan_file).read_text())["configuration"]["root_module"]
resources = json.loads(pathlib.Path(state_file).read_text())["values"]["root_module"]["resources"]
state = {resource["address"]: resource["values"] for resource in resources}
aws = {name: boto3.client(name, endpoint_url=endpoint) for name in ("apigateway", "cloudformation", "ecs", "iam", "logs", "secretsmanager")}
logical = {
    item["LogicalResourceId"]: item["PhysicalResourceId"]
    for page in aws["cloudformation"].get_paginator("list_stack_resources").paginate(StackName=stack)
    for item in page["StackResourceSummaries"]
    if item.get("LogicalResourceId")
}


def equal(what, left, right):
    """Ends with the innermost place at which the two differ."""
    place = what
    while left != right:
        if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
            key = next(key for key in left if left[key] != right[key])
            place, left, right = f"{place}: {key}", left[key], right[key]
            continue
        if isinstance(left, dict) and isinstance(right, dict):
            left, right = left.keys() - right.keys(), right.keys() - left.keys()
        sys.exit(f"{place}:\n  {left!r}\nis not\n  {right!r}")
    print(f"  {what}")


def snake(name):
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def plain(value):
    """A default of one as it is written in the other."""
    return "" if value in ([], "") else str(value).lower() if isinstance(value, bool) else str(value)


def policy(role, name):
    document = aws["iam"].get_role_policy(RoleName=logical[role], PolicyName=name)["PolicyDocument"]
    # moto keeps what a template gives as Python writes it, and AWS::NoValue in a list as None.
    document = ast.literal_eval(document) if isinstance(document, str) else document
    return document | {"Statement": [statement for statement in document["Statement"] if statement]}


def without_ids(text):
    text = re.sub(r"https://[^./]+\.execute-api", "https://API.execute-api", text)
    return re.sub(r":secret:[^\"]*", ":secret:NAME", text)


# --- Parameters, outputs, the document

parameters = {snake(name): plain(value.get("Default", "")) for name, value in template["Parameters"].items() if not name.startswith("ApiDocument")}
variables = {name: plain(value.get("default", "")) for name, value in configuration["variables"].items() if name != "name"}
equal("parameters and their defaults", parameters, variables)
equal("outputs", sorted(map(snake, template["Outputs"])), sorted(configuration["outputs"]))
rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\|", (HERE / "README.md").read_text(), re.MULTILINE)
equal("the README's table of parameters", {name.lower(): default for name, default in rows}, parameters)

printed = subprocess.run([HERE / "document", "vpc_link"], check=True, capture_output=True).stdout
equal("the gateway's document", yaml.safe_load(printed), json.loads(state["aws_api_gateway_rest_api.this"]["body"]))

# --- What is cached is what openapi.yaml gives a place in the cache

spaced = {path for path, item in openapi["paths"].items() if "cacheNamespace" in item.get("get", {}).get("x-amazon-apigateway-integration", {})}
settings = template["Resources"]["ApiStage"]["Properties"]["MethodSettings"]
in_template = {entry["ResourcePath"].replace("~1", "/")[1:] for entry in settings if entry["CachingEnabled"] is not False}
in_state = {
    values["method_path"].removesuffix("/GET").replace("~1", "/")
    for address, values in state.items()
    if address.startswith("aws_api_gateway_method_settings.cached[")
}
equal("cached paths", in_template, spaced)
equal("cached paths, in Terraform", in_state, spaced)

# --- Permissions

section = (ROOT / "docs/keys.md").read_text().split("#### The permissions")[1]
documented = json.loads(section.split("```json")[1].split("```")[0])
documented = json.loads(json.dumps(documented).replace(":REGION:ACCOUNT:", ":eu-central-1:123456789012:"))
equal("what the task may do is what docs/keys.md says", policy("TaskRole", "signing-keys"), documented)
equal("and in Terraform", json.loads(state["aws_iam_role_policy.signing_keys[0]"]["policy"]), documented)
equal(
    "what may be done to start it",
    json.loads(without_ids(json.dumps(policy("ExecutionRole", "start")))),
    json.loads(without_ids(state["aws_iam_role_policy.execution[0]"]["policy"])),
)

# --- The container

made = aws["ecs"].describe_task_definition(taskDefinition=stack)["taskDefinition"]["containerDefinitions"][0]
planned = json.loads(state["aws_ecs_task_definition.this[0]"]["container_definitions"])[0]
environment = {item["name"]: item["value"] for item in made["environment"]}
equal(
    "environment of the container",
    without_ids(json.dumps(environment, sort_keys=True)),
    without_ids(json.dumps({item["name"]: item["value"] for item in planned["environment"]}, sort_keys=True)),
)
for name in ("readonlyRootFilesystem", "user", "stopTimeout", "ulimits", "linuxParameters"):
    equal(f"{name} of the container", made[name], planned[name])
equal("its secrets", [item["name"] for item in made["secrets"]], [item["name"] for item in planned["secrets"]])

if binary:
    secrets = {item["name"]: aws["secretsmanager"].get_secret_value(SecretId=item["valueFrom"])["SecretString"] for item in made["secrets"]}
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run([binary, "config", "check"], cwd=folder, env=environment | secrets, capture_output=True, text=True)
    if told.returncode != 0:
        sys.exit(f"jwt-generator config check refuses this environment:\n{told.stdout}{told.stderr}")
    print("  jwt-generator config check is content with that environment and the secrets")
else:
    print("  not checked: jwt-generator config check, for there is no binary (JWT_TEST_BINARY, or target/release)")

# --- How far moto went

equal("log groups are kept for 90 days", {group.get("retentionInDays") for group in aws["logs"].describe_log_groups()["logGroups"]}, {90})
unknown = set(re.findall(r"No Moto CloudFormation support for (\S+)", pathlib.Path(moto_log).read_text()))
asked_for = {"Fargate", "OwnNetwork", "Firewall", "GatewayAccount"}
wanted = {name: entry["Type"] for name, entry in template["Resources"].items() if entry.get("Condition") in {None, *asked_for}}
left_out = {kind for kind in wanted.values() if kind in unknown}
count = sum(kind not in unknown for kind in wanted.values())
print(f"  moto made {count} of the {len(wanted)} resources; kinds that it does not know: {', '.join(sorted(left_out))}")
api = logical["RestApi"]
methods = sum(len(item.get("resourceMethods", {})) for item in aws["apigateway"].get_resources(restApiId=api, limit=500)["items"])
operations = sum(1 for item in openapi["paths"].values() for entry in item.values() if isinstance(entry, dict) and "x-amazon-apigateway-integration" in entry)
equal("methods of the stack's API", methods, operations)
