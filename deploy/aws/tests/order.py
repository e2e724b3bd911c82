"""What must be made before what, in both stacks. Without such an order CloudFormation and Terraform make things at the same time,
and delete them in any order; a stack then fails on one day and not on another, which no emulator shows.

CloudFormation orders by Ref, Fn::GetAtt and Fn::Sub, in Properties and in Metadata, and by DependsOn ("DependsOn attribute" in the
AWS CloudFormation Template Reference). DependsOn knows no conditions, and cfn-lint refuses it on what may not be there (E3005); so a
conditional order is a conditional Ref in Metadata. Terraform orders by references and depends_on: `terraform graph` has them.

usage: order.py GRAPH.dot
"""

import pathlib
import re
import sys

from both import template

# (later, earlier) in CloudFormation, the same in Terraform, and why.
ORDERS = (
    (
        ("ApiStage", "GatewayAccountSetting"),
        ("aws_api_gateway_stage.this", "aws_api_gateway_account.this"),
        "API Gateway refuses a stage with logs: 'CloudWatch Logs role ARN must be set in account settings to enable logging'",
    ),
    (
        ("ApiStage", "ExecutionLogs"),
        ("aws_api_gateway_stage.this", "aws_cloudwatch_log_group.execution"),
        "the stage would make the group by itself, without retention, and ours would fail because it exists",
    ),
    (
        ("ApiStage", "FunctionFromGateway"),
        ("aws_api_gateway_stage.this", "aws_lambda_permission.gateway"),
        "a stage that may not call the function answers 500",
    ),
    (
        ("GatewayAccountSetting", "RestApi"),
        ("aws_api_gateway_account.this", "aws_api_gateway_rest_api.this"),
        "in an account that never had an API, the setting is refused until there is one (AWS::ApiGateway::Account in the Template Reference)",
    ),
    (
        ("GatewayAccountSetting", "GatewayLogsRole"),
        ("aws_api_gateway_account.this", "aws_iam_role_policy_attachment.gateway_logs"),
        "API Gateway tries the role, and refuses one that may not write logs",
    ),
    (
        ("NatAddress", "InternetGatewayAttachment"),
        ("aws_eip.nat", "aws_internet_gateway.this"),
        "an address in a VPC needs its gateway ('When a DependsOn attribute is required')",
    ),
    (
        ("PublicDefaultRoute", "InternetGatewayAttachment"),
        ("aws_route.public_default", "aws_internet_gateway.this"),
        "a route to a gateway needs it attached (the same page)",
    ),
    (
        ("NatGateway", "PublicDefaultRoute"),
        ("aws_nat_gateway.this", "aws_route.public_default"),
        "a NAT gateway without a way to the Internet is one in name only",
    ),
    (
        ("NatGateway", "PublicSubnetRoutes"),
        ("aws_nat_gateway.this", "aws_route_table_association.public"),
        "the same: the way is that of its subnet",
    ),
    (
        ("Service", "Listener"),
        ("aws_ecs_service.this", "aws_lb_listener.this"),
        "ECS refuses a target group that no listener of a load balancer has",
    ),
    (
        ("Service", "NatGateway"),
        ("aws_ecs_service.this", "aws_nat_gateway.this"),
        "tasks start at once, and reach neither registry nor KMS nor MongoDB; three that fail end the deployment",
    ),
    (
        ("Service", "PrivateDefaultRoute"),
        ("aws_ecs_service.this", "aws_route.private_default"),
        "the same: the way to the NAT gateway",
    ),
    (
        ("Service", "PrivateSubnet1Routes"),
        ("aws_ecs_service.this", "aws_route_table_association.private"),
        "the same: a subnet without it has the main table of the VPC, which leads nowhere",
    ),
    (
        ("Service", "PrivateSubnet2Routes"),
        ("aws_ecs_service.this", "aws_route_table_association.private"),
        "the same, in the other zone",
    ),
    (
        ("Service", "S3Endpoint"),
        ("aws_ecs_service.this", "aws_vpc_endpoint.s3"),
        "an endpoint that comes later breaks connections to S3 that are open, and layers of images come from there",
    ),
    (
        ("Service", "TasksFromLoadBalancer"),
        ("aws_ecs_service.this", "aws_vpc_security_group_ingress_rule.tasks"),
        "health checks do not arrive, and tasks that are well are replaced",
    ),
    (
        ("Service", "LoadBalancerToTasks"),
        ("aws_ecs_service.this", "aws_vpc_security_group_egress_rule.load_balancer"),
        "health checks do not leave, likewise",
    ),
    (
        ("Service", "TaskGroup"),
        ("aws_ecs_service.this", "aws_vpc_security_group_egress_rule.tasks"),
        "tasks may reach nothing (in CloudFormation the rules are in the group)",
    ),
    (
        ("Service", "ExecutionRole"),
        ("aws_ecs_service.this", "aws_iam_role_policy.execution"),
        "ECS may not pull the image (in CloudFormation policies are in the role)",
    ),
    (
        ("Service", "ServiceRole"),
        ("aws_ecs_service.this", "aws_iam_role_policy.service"),
        "the service may not read its secrets, and ends",
    ),
    (
        ("Service", "ServiceRole"),
        ("aws_ecs_service.this", "aws_iam_role_policy.signing_keys"),
        "the service may not make its key, and ends",
    ),
    (
        ("Service", "ServiceLogs"),
        ("aws_ecs_service.this", "aws_cloudwatch_log_group.service"),
        "a task whose group is not there does not start",
    ),
    (
        ("Function", "ServiceRole"),
        ("aws_lambda_function.this", "aws_iam_role_policy.service"),
        "the function may not read its secrets when it is first called",
    ),
    (
        ("Function", "ServiceRole"),
        ("aws_lambda_function.this", "aws_iam_role_policy.function_network"),
        "Lambda refuses a function in a VPC whose role may not make interfaces",
    ),
    (
        ("Function", "FunctionGroup"),
        ("aws_lambda_function.this", "aws_vpc_security_group_egress_rule.function"),
        "the function may reach nothing",
    ),
    (
        ("FlowLog", "FlowLogRole"),
        ("aws_flow_log.this", "aws_iam_role_policy.flow_log"),
        "flow logs find no permission, and say 'Access error' until they try again",
    ),
    (
        ("ScalableTarget", "Service"),
        ("aws_appautoscaling_target.this", "aws_ecs_service.this"),
        "there is nothing to scale",
    ),
    (
        ("WebAclAssociation", "ApiStage"),
        ("aws_wafv2_web_acl_association.this", "aws_api_gateway_stage.this"),
        "a firewall is put before a stage that is there",
    ),
)

GIVEN = {"Image": "image", "MongodbUriSecretArn": "arn:uri", "KeyEncryptionKeySecretArn": "arn:key", "AWS::Region": "eu-central-1"}
STACKS = {
    "tasks": {},
    "tasks in a network that is there": {"VpcId": "vpc", "PrivateSubnetIds": "one,two"},
    "a function": {"Backend": "lambda"},
    "a function without a database": {"Backend": "lambda", "MongodbUriSecretArn": "", "KeyEncryptionKeySecretArn": ""},
    "a function in a network": {"Backend": "lambda", "VpcId": "vpc", "PrivateSubnetIds": "one,two"},
    "a backend elsewhere": {"Backend": "url", "BackendUrl": "https://backend.example.com"},
    "tasks, no account setting": {"ManageApiGatewayAccount": "false"},
}


def holds(condition, values):
    """Whether a condition of the template holds with these parameters."""
    if isinstance(condition, str):
        return holds(template["Conditions"][condition], values)
    (name, content), = condition.items()
    match name:
        case "Condition":
            return holds(content, values)
        case "Fn::Not":
            return not holds(content[0], values)
        case "Fn::And":
            return all(holds(part, values) for part in content)
        case "Fn::Or":
            return any(holds(part, values) for part in content)
        case "Fn::Equals":
            left, right = (str(values[part["Ref"]]) if isinstance(part, dict) else str(part) for part in content)
            return left == right
    sys.exit(f"a condition of an unknown kind: {name}")


def named(value, values):
    """The names that a value refers to, with these parameters."""
    if isinstance(value, list):
        return {name for item in value for name in named(item, values)}
    if not isinstance(value, dict):
        return set()
    if "Fn::If" in value:
        condition, yes, no = value["Fn::If"]
        return named(yes if holds(condition, values) else no, values)
    found = {name for item in value.values() for name in named(item, values)}
    found |= {value["Ref"]} if isinstance(value.get("Ref"), str) else set()
    if attribute := value.get("Fn::GetAtt"):
        found.add(attribute.split(".")[0] if isinstance(attribute, str) else attribute[0])
    if text := value.get("Fn::Sub"):
        found |= set(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", text if isinstance(text, str) else text[0]))
    return found


def cloudformation_graph(values):
    """For each resource that is there with these parameters, those that it waits for."""
    there = {name: entry for name, entry in template["Resources"].items() if "Condition" not in entry or holds(entry["Condition"], values)}
    graph = {}
    for name, entry in there.items():
        given = entry.get("DependsOn", [])
        waits = named([entry.get("Properties", {}), entry.get("Metadata", {})], values) | set([given] if isinstance(given, str) else given)
        if absent := {other for other in waits if other in template["Resources"]} - there.keys():
            sys.exit(f"{name} refers to {sorted(absent)}, which is not there with {values}")
        graph[name] = waits & there.keys()
    return graph


def terraform_graph(file):
    graph = {}
    for later, earlier in re.findall(r'"([^"]+)" -> "([^"]+)"', pathlib.Path(file).read_text()):
        graph.setdefault(later, set()).add(earlier)
        graph.setdefault(earlier, set())
    return graph


def waits_for(graph, later):
    """All that one waits for, at any distance."""
    found, ahead = set(), [later]
    while ahead:
        for name in graph[ahead.pop()] - found:
            found.add(name)
            ahead.append(name)
    return found


def main():
    missing, seen = [], set()
    defaults = {name: entry.get("Default", "") for name, entry in template["Parameters"].items()} | GIVEN
    for stack, parameters in STACKS.items():
        graph = cloudformation_graph(defaults | parameters)
        missing += [f"{stack}: {name} waits for itself" for name in graph if name in waits_for(graph, name)]
        for (later, earlier), _, why in ORDERS:
            if later in graph and earlier in graph:
                seen.add((later, earlier))
                if earlier not in waits_for(graph, later):
                    missing.append(f"CloudFormation, {stack}: {later} does not wait for {earlier}: {why}")
    missing += [f"CloudFormation: no stack has both {later} and {earlier}" for (later, earlier), _, _ in ORDERS if (later, earlier) not in seen]
    graph = terraform_graph(sys.argv[1])
    for _, (later, earlier), why in ORDERS:
        if later not in graph or earlier not in waits_for(graph, later):
            missing.append(f"Terraform: {later} does not wait for {earlier}: {why}")
    if missing:
        sys.exit("\n".join(missing))
    print(f"  {len(ORDERS)} orders hold in Terraform, and in CloudFormation for {len(STACKS)} kinds of stack")


main()
