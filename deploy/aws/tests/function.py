"""Compares the results of CloudFormation and of Terraform with a function, and both with docs/keys.md.

usage: function.py STATE.json ENDPOINT STACK MOTO.log CONDITION…     the conditions of the template that hold in that stack
"""

import json
import os
import sys

from both import Stack, config_check, documented_policy, equal, equal_alarms, holds_no_secret, left_out, state_of, statements, template, without_ids

state_file, endpoint, name, moto_log = sys.argv[1:5]
conditions = set(sys.argv[5:])
stack = Stack(endpoint, name)
state = state_of(state_file)
planned = state["aws_lambda_function.this[0]"]
lambda_ = stack.client("lambda")
found = lambda_.get_function(FunctionName=name)
made = found["Configuration"]


def chosen(value):
    """What the template says under the conditions, with what has no value left out."""
    if isinstance(value, dict) and "Fn::If" in value:
        condition, yes, no = value["Fn::If"]
        return chosen(yes if condition in conditions else no)
    if isinstance(value, dict):
        members = {key: chosen(inner) for key, inner in value.items()}
        return {key: inner for key, inner in members.items() if inner != {"Ref": "AWS::NoValue"}}
    return [chosen(inner) for inner in value] if isinstance(value, list) else value


def permission(sid):
    statement = json.loads(lambda_.get_policy(FunctionName=name)["Policy"])["Statement"]
    return next(item for item in statement if sid in json.dumps(item))


# --- The function

# moto keeps a number as one.
environment = {key: str(value) for key, value in made["Environment"]["Variables"].items()}
equal("its environment", without_ids(environment), without_ids(planned["environment"][0]["variables"]))
if os.environ.get("BINARY"):
    config_check(os.environ["BINARY"], "the function", environment | {"AWS_LAMBDA_RUNTIME_API": "none"})
holds_no_secret(stack, made, planned)
vault = stack.client("secretsmanager")
for theirs, ours in {
    "Description": "description",
    "MemorySize": "memory_size",
    "Timeout": "timeout",
    "Architectures": "architectures",
    "PackageType": "package_type",
}.items():
    equal(f"its {ours}", made[theirs], planned[ours])
equal("its image", found["Code"]["ImageUri"], planned["image_uri"])
equal("its traces", made["TracingConfig"]["Mode"], planned["tracing_config"][0]["mode"])
reserved = found.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1)
equal("what is reserved for it", int(reserved), planned["reserved_concurrent_executions"])
written = chosen(template["Resources"]["Function"]["Properties"])
equal("how it logs", written["LoggingConfig"]["LogFormat"], planned["logging_config"][0]["log_format"])
equal("where it logs", written["LoggingConfig"]["LogGroup"], {"Ref": "ServiceLogs"})
equal("and in Terraform", planned["logging_config"][0]["log_group"], state["aws_cloudwatch_log_group.service[0]"]["name"])
equal("the gateway waits longer than it may take", made["Timeout"] < 29, True)
subnets = made.get("VpcConfig", {}).get("SubnetIds", [])
equal("its subnets", sorted(subnets), sorted(subnet for vpc in planned["vpc_config"] for subnet in vpc["subnet_ids"]))

# --- The callers of the function, and its permissions

called_by = {"FunctionFromGateway": "gateway", "FunctionFromSchedule": "schedule"}
for logical, address in called_by.items():
    ours = state[f"aws_lambda_permission.{address}[0]"]
    theirs = chosen(template["Resources"][logical]["Properties"])
    equal(f"what lets the {address} call it", (theirs["Action"], theirs["Principal"]), (ours["action"], ours["principal"]))
arn = permission("execute-api")["Condition"]["ArnLike"]["AWS:SourceArn"]
equal("of the gateway, this API and stage alone", without_ids(arn), without_ids(state["aws_lambda_permission.gateway[0]"]["source_arn"]))
rule = next(item for item in stack.client("events").list_rules()["Rules"] if item["Name"].startswith(name))
equal("of schedules, this one alone", permission("events.amazonaws.com")["Condition"]["ArnLike"]["AWS:SourceArn"], rule["Arn"])
equal("how often it is called", rule["ScheduleExpression"], state["aws_cloudwatch_event_rule.schedule[0]"]["schedule_expression"])
targets = stack.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
equal("and nothing else is", [target["Arn"] for target in targets], [made["FunctionArn"]])
policies = {"run": "service"} | ({"network": "function_network"} if "FunctionInVpc" in conditions else {})
for policy, address in policies.items():
    ours = json.loads(state[f"aws_iam_role_policy.{address}[0]"]["policy"])
    equal(f"what it may do: {policy}", without_ids(statements(stack.policy("ServiceRole", policy))), without_ids(statements(ours)))
run = statements(stack.policy("ServiceRole", "run"))
unbound = [item["Action"] for item in run if item["Resource"] == "*"]
equal("with everything there is, but traces, it may do nothing", unbound, [["xray:PutTelemetryRecords", "xray:PutTraceSegments"]])
written_to = [without_ids(item["Resource"]) for item in run if "secretsmanager:PutSecretValue" in item["Action"]]
equal("it may write the secret of its keys alone", written_to, ["SECRET keys"] if "KeysInSecret" in conditions else [])
names = stack.client("iam").list_role_policies(RoleName=stack.logical["ServiceRole"])["PolicyNames"]
equal("and nothing else", sorted(names), sorted([*policies, *(["signing-keys"] if "Kms" in conditions else [])]))
if "Kms" in conditions:
    equal("signing, as docs/keys.md says", stack.policy("ServiceRole", "signing-keys"), documented_policy())
    equal("and in Terraform", json.loads(state["aws_iam_role_policy.signing_keys[0]"]["policy"]), documented_policy())

# --- The gateway, the alarms, and what there is not

variables = chosen(template["Resources"]["ApiStage"]["Properties"]["Variables"])
equal("the stage names the function, and nothing else", variables, {"function": {"Ref": "Function"}})
equal("and in Terraform", state["aws_api_gateway_stage.this"]["variables"], {"function": name})
equal_alarms(state, conditions)
kinds = {address.split(".")[0] for address in state}
tasks = {kind for kind in kinds if kind.startswith(("aws_ecs", "aws_lb", "aws_nat", "aws_vpc", "aws_appautoscaling", "aws_api_gateway_vpc"))}
equal("no tasks, no load balancer, no network", tasks - {"aws_vpc_security_group_egress_rule"}, set())
kept = any(address.startswith("aws_secretsmanager_secret.") for address in state)
equal("a secret for keys is made where none is given", ("KeysSecret" in stack.logical, kept), ("MakeKeysSecret" in conditions,) * 2)
if "MakeKeysSecret" in conditions:
    secret = vault.describe_secret(SecretId=stack.logical["KeysSecret"])
    equal("by the stack's name, without a value", (secret["Name"], secret.get("VersionIdsToStages", {})), (f"{name}/keys", {}))
left_out(moto_log, conditions)
