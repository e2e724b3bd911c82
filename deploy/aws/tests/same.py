"""Compares the results of CloudFormation and of Terraform with tasks: outputs, permissions, the container, the alarms.
Parameters, alarms and settings of the gateway come from ../shared.yaml for both. function.py does so for a function.

usage: same.py STATE.json PLAN.json ENDPOINT STACK MOTO.log [BINARY]
"""

import json
import pathlib
import re
import sys

from both import ROOT, Stack, config_check, documented_policy, equal, equal_alarms, holds_no_secret, left_out, openapi, snake, state_of, statements, template, without_ids

state_file, plan_file, endpoint, name, moto_log = sys.argv[1:6]
binary = sys.argv[6] if len(sys.argv) > 6 else ""
stack = Stack(endpoint, name)
state = state_of(state_file)
configuration = json.loads(pathlib.Path(plan_file).read_text())["configuration"]["root_module"]

# --- Outputs

equal("outputs", sorted(map(snake, template["Outputs"])), sorted(configuration["outputs"]))

# --- What Terraform caches is what openapi.yaml gives a place in the cache

spaced = {path for path, item in openapi["paths"].items() if "cacheNamespace" in item.get("get", {}).get("x-amazon-apigateway-integration", {})}
in_state = {
    values["method_path"].removesuffix("/GET").replace("~1", "/")
    for address, values in state.items()
    if address.startswith("aws_api_gateway_method_settings.cached[")
}
equal("cached paths", in_state, spaced)

# --- Alarms

equal_alarms(state, ["Fargate", "RunsHere"])

# --- Permissions

documented = documented_policy()
equal("what the task may do is what docs/keys.md says", stack.policy("ServiceRole", "signing-keys"), documented)
equal("and in Terraform", json.loads(state["aws_iam_role_policy.signing_keys[0]"]["policy"]), documented)
equal(
    "what may be done to start it",
    without_ids(stack.policy("ExecutionRole", "start")),
    without_ids(json.loads(state["aws_iam_role_policy.execution[0]"]["policy"])),
)

run = statements(stack.policy("ServiceRole", "run"))
equal("of secrets, it may read its two", [without_ids(item["Resource"]) for item in run], [["SECRET key-encryption-key", "SECRET mongodb-uri"]])
equal("and do no more with them", [item["Action"] for item in run], ["secretsmanager:GetSecretValue"])
equal("and in Terraform", without_ids(run), without_ids(statements(json.loads(state["aws_iam_role_policy.service[0]"]["policy"]))))

# --- The container

made = stack.client("ecs").describe_task_definition(taskDefinition=stack.name)["taskDefinition"]["containerDefinitions"][0]
planned = json.loads(state["aws_ecs_task_definition.this[0]"]["container_definitions"])[0]
environment = {item["name"]: item["value"] for item in made["environment"]}
equal(
    "environment of the container",
    without_ids(environment),
    without_ids({item["name"]: item["value"] for item in planned["environment"]}),
)
# Whether its keys are loaded decides whether a release replaces the one before; /health is 200 without keys. The command has the
# address, so that it does not read the settings and with them the secrets, every ten seconds.
command = made["healthCheck"]["command"]
equal("a task is well when it has started", command[:1] + command[2:], ["CMD", "healthcheck", "--started", "--url", f"http://127.0.0.1:{environment['PORT']}"])
equal("the program that it asks is that of the image", f'ENTRYPOINT ["{command[1]}"]' in (ROOT / "deploy/docker/Dockerfile").read_text(), True)
targets = stack.client("elbv2").describe_target_groups()["TargetGroups"]
asked = state["aws_lb_target_group.this[0]"]["health_check"][0]["path"]
equal("the load balancer asks whether it is ready", ({target["HealthCheckPath"] for target in targets}, asked), ({"/readyz"}, "/readyz"))
service = template["Resources"]["Service"]["Properties"]
equal("a new task has as long as it needs", service["HealthCheckGracePeriodSeconds"] >= made["healthCheck"]["startPeriod"], True)
equal("and in Terraform", state["aws_ecs_service.this[0]"]["health_check_grace_period_seconds"], service["HealthCheckGracePeriodSeconds"])
equal("a release that does not get well is taken back", service["DeploymentConfiguration"]["DeploymentCircuitBreaker"], {"Enable": True, "Rollback": True})
for name in ("healthCheck", "readonlyRootFilesystem", "user", "stopTimeout", "ulimits", "linuxParameters"):
    equal(f"{name} of the container", made[name], planned[name])
# What connections and bodies may take fits; the least that the template allows fits, too.
sys.path.append(str(ROOT / "deploy/tools"))
from memory import check_fit, default, size  # noqa: E402

least = template["Parameters"]["TaskMemory"]
print(" ", check_fit("a task", least["Default"] + "m", environment))
equal("a task of less memory is refused", [bool(re.fullmatch(least["AllowedPattern"], mib)) for mib in ("512", "1024", "30720")], [False, True, True])
bodies = size(default("MAX_BODY_MEMORY")) + (24 << 20)
equal("bodies fit into a function, which has no connections", template["Parameters"]["FunctionMemory"]["MinValue"] << 20 >= bodies, True)
equal("the key set outlives an outage of an hour", template["Parameters"]["JwksMaxAge"]["MinValue"] >= 3600, True)
# With `secrets`, ECS would put their values into the environment of the container: docs/deploy.md advises against it.
equal("no secret is put into its environment", (made.get("secrets", []), planned.get("secrets", [])), ([], []))
holds_no_secret(stack, made, planned)
if binary:
    config_check(binary, "tasks", environment)
else:
    print("  not checked: jwt-generator config check, for there is no binary (JWT_TEST_BINARY, or target/release)")

# --- How far moto went

groups = stack.client("logs").describe_log_groups()["logGroups"]
equal("log groups are kept for 90 days", {group.get("retentionInDays") for group in groups}, {90})
left_out(moto_log, ["Fargate", "RunsHere", "OwnNetwork", "Firewall", "GatewayAccount"])
found = stack.client("apigateway").get_resources(restApiId=stack.logical["RestApi"], limit=500)["items"]
operations = sum(1 for item in openapi["paths"].values() for entry in item.values() if isinstance(entry, dict) and "x-amazon-apigateway-integration" in entry)
equal("methods of the stack's API", sum(len(item.get("resourceMethods", {})) for item in found), operations)
