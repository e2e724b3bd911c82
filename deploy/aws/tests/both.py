"""What ../cloudformation and ../terraform say, and what moto and the double of a provider have made of it; and how two of
these are held against each other.
"""

import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import boto3
import yaml

from template import read

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent


template = read((HERE / "cloudformation/template.yaml").read_text())
openapi = yaml.safe_load((ROOT / "openapi.yaml").read_text())


def state_of(file):
    """Terraform's resources, by address."""
    resources = json.loads(pathlib.Path(file).read_text())["values"]["root_module"]["resources"]
    return {resource["address"]: resource["values"] for resource in resources}


class Stack:
    """What moto has of a stack."""

    def __init__(self, endpoint, name):
        self.endpoint = endpoint
        self.name = name
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        items = [item for page in pages for item in page["StackResourceSummaries"] if item.get("LogicalResourceId")]
        self.logical = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in items}

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint)

    def policy(self, role, name):
        document = self.client("iam").get_role_policy(RoleName=self.logical[role], PolicyName=name)["PolicyDocument"]
        # moto keeps what a template gives as Python writes it.
        return ast.literal_eval(document) if isinstance(document, str) else document


def documented_policy():
    """What docs/keys.md says that a service with keys in KMS may do."""
    section = (ROOT / "docs/keys.md").read_text().split("#### The permissions")[1]
    text = section.split("```json")[1].split("```")[0]
    return json.loads(text.replace(":REGION:ACCOUNT:", ":eu-central-1:123456789012:"))


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


def equal_alarms(state, conditions):
    """Terraform makes of ../shared.yaml the alarms that the template has under these conditions."""
    resources = template["Resources"].items()
    theirs = {
        name.removeprefix("Alarm").lower(): entry["Properties"]
        for name, entry in resources
        if entry["Type"] == "AWS::CloudWatch::Alarm" and entry.get("Condition") in {None, *conditions}
    }
    begin = "aws_cloudwatch_metric_alarm.this["
    ours = {address.split('"')[1]: values for address, values in state.items() if address.startswith(begin)}
    equal("alarms", sorted(ours), sorted(theirs))
    members = ("Threshold", "ComparisonOperator", "EvaluationPeriods", "TreatMissingData", "Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period")
    for name, alarm in theirs.items():
        wanted = {snake(member): alarm.get(member) for member in members if not isinstance(alarm.get(member), dict)}
        equal(f"alarm: {name}", {member: ours[name].get(member) or None for member in wanted}, {member: value or None for member, value in wanted.items()})
        equal(f"its words: {name}", snake(ours[name]["alarm_description"]), snake(alarm["AlarmDescription"]))
        shares = [entry["MetricStat"] for entry in alarm.get("Metrics", []) if "MetricStat" in entry]
        metrics = [metric for query in ours[name].get("metric_query") or [] for metric in query["metric"] or []]
        equal(
            f"its metrics: {name}",
            [(metric["namespace"], metric["metric_name"], metric["stat"], metric["period"]) for metric in metrics],
            [(share["Metric"]["Namespace"], share["Metric"]["MetricName"], share["Stat"], share["Period"]) for share in shares],
        )


def statements(policy):
    """Each with its lists in order, and one of one as that one."""
    tidy = [{key: sorted(value) if isinstance(value, list) else value for key, value in item.items()} for item in policy["Statement"]]
    return [{key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in item.items()} for item in tidy]


def config_check(binary, whose, environment):
    """`jwt-generator config check` with that environment. As in AWS, it asks AWS for the secrets that are named there."""
    around = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run([binary, "config", "check"], cwd=folder, env=around | environment, capture_output=True, text=True)
    if told.returncode != 0:
        sys.exit(f"jwt-generator config check refuses the environment of {whose}:\n{told.stdout}{told.stderr}")
    print(f"  jwt-generator config check accepts the environment of {whose}, and finds its secrets")


def holds_no_secret(stack, *texts):
    """The value of none of our secrets is in the stack's parameters, nor in what is given besides."""
    vault = stack.client("secretsmanager")
    parameters = stack.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]["Parameters"]
    for secret in vault.list_secrets()["SecretList"]:
        if secret["Name"].endswith(("/mongodb-uri", "/key-encryption-key")):
            value = vault.get_secret_value(SecretId=secret["ARN"])["SecretString"]
            found = any(value in json.dumps(text) for text in [parameters, *texts])
            equal(f"the value of {secret['Name']} is in no parameter, no environment and no state", found, False)


def snake(name):
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def without_ids(value):
    """The same, where what differs from one that made it to another has one name."""
    text = json.dumps(value, sort_keys=True)
    text = re.sub(r"https://[^./]+\.execute-api", "https://API.execute-api", text)
    text = re.sub(r"(:execute-api:[^:]+:[0-9]+:)[^/]+", r"\1API", text)
    text = re.sub(r"arn:aws:secretsmanager:[^\"]*:secret:[a-z0-9-]+/([a-z-]+)-[A-Za-z0-9]{6}", r"SECRET \1", text)
    text = text.replace("aws_secretsmanager_secret-arn", "SECRET keys")
    return json.loads(text)


def left_out(moto_log, conditions):
    """Prints how far moto went, of the resources under these conditions."""
    unknown = set(re.findall(r"No Moto CloudFormation support for (\S+)", pathlib.Path(moto_log).read_text()))
    wanted = [entry["Type"] for entry in template["Resources"].values() if entry.get("Condition") in {None, *conditions}]
    made = sum(kind not in unknown for kind in wanted)
    kinds = ", ".join(sorted({kind for kind in wanted if kind in unknown}))
    print(f"  moto made {made} of the {len(wanted)} resources; kinds that it does not know: {kinds}")
