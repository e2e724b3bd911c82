"""The server of moto (https://docs.getmoto.org) as a stand-in for AWS, with the gaps closed that ../check meets:

 * AWS::ApiGateway::RestApi takes its BodyS3Location; moto ignores it, and a deployment then has no methods.
 * AWS::ElasticLoadBalancingV2::LoadBalancer has its Type; to moto each is one for applications.
 * AWS::Lambda::Function has its architecture, its kind of package and its traces; moto leaves them out.
 * AWS::SecretsManager::Secret is there, without a value.
 * A task on Fargate may leave memory to its definition, needs subnets and groups, and ends at once. moto wants memory of each
   container, and takes a network of nothing.
 * A list has no AWS::NoValue in it.
 * Conditions compare numbers as the text that they are to CloudFormation.
 * Outputs whose condition does not hold are left out; to moto a condition that was not looked at yet holds.
 * A second change set for a stack in review belongs to that stack; moto makes another one of the same name.
 * A stack that a change set makes has the outputs of its template.
 * Templates and parameters above CloudFormation's quotas are refused (./quotas.py); moto takes any size.
 * x-amz-expected-bucket-owner is heeded: who names an owner that a bucket does not have is refused.
 * ValidateTemplate refuses what cfn-lint calls an error; moto refuses warnings, too, also those that a template turns off.

What kinds of resources of a template moto does not know, it leaves out with no more than a warning. ../check counts them.

usage: python moto.py -H 127.0.0.1 -p PORT
"""

import json
import sys

# This file has the name of the package that it starts, and Python searches the folder of this file first.
folder = sys.path.pop(0)

import yaml  # noqa: E402
from moto.apigateway.models import RestAPI, apigateway_backends  # noqa: E402
from moto.cloudformation import models as cloudformation  # noqa: E402
from moto.awslambda.models import LambdaFunction  # noqa: E402
from moto.cloudformation import parsing  # noqa: E402
from moto.cloudformation.exceptions import ValidationError  # noqa: E402
from moto.cloudformation.responses import CloudFormationResponse  # noqa: E402
from moto.core.common_models import CloudFormationModel  # noqa: E402
from moto.ecs.exceptions import InvalidParameterException  # noqa: E402
from moto.ecs.models import EC2ContainerServiceBackend  # noqa: E402
from moto.elbv2.models import FakeLoadBalancer, elbv2_backends  # noqa: E402
from moto.moto_api import state_manager  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from moto.s3.responses import S3Response  # noqa: E402
from moto.secretsmanager.models import secretsmanager_backends  # noqa: E402
from moto.server import main  # noqa: E402

create_plainly = RestAPI.create_from_cloudformation_json.__func__


def create_api(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    api = create_plainly(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
    if "Body" in properties:
        body = properties["Body"]
    else:
        place = properties["BodyS3Location"]
        body = yaml.safe_load(s3_backends[account_id]["aws"].get_object(place["Bucket"], place["Key"]).value)
    apigateway_backends[account_id][region_name].put_rest_api(api.id, body, fail_on_warnings=True, mode="merge")
    return api


RestAPI.create_from_cloudformation_json = classmethod(create_api)


def create_load_balancer(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    return elbv2_backends[account_id][region_name].create_load_balancer(
        resource_name,
        properties["SecurityGroups"],
        properties["Subnets"],
        scheme=properties["Scheme"],
        loadbalancer_type=properties["Type"],
    )


FakeLoadBalancer.create_from_cloudformation_json = classmethod(create_load_balancer)

create_function_plainly = LambdaFunction.create_from_cloudformation_json.__func__


def create_function(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    function = create_function_plainly(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
    function.package_type = properties["PackageType"]
    function.architectures = properties["Architectures"]
    function.tracing_config = properties["TracingConfig"]
    function.logs_group_name = properties["LoggingConfig"]["LogGroup"]
    return function


LambdaFunction.create_from_cloudformation_json = classmethod(create_function)


class Secret(CloudFormationModel):
    __module__ = "moto.secretsmanager.models"  # where moto reads which service it is of

    def __init__(self, arn):
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_name_type():
        return "Name"

    @staticmethod
    def cloudformation_type():
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        made = secretsmanager_backends[account_id][region_name].create_secret(
            name=properties["Name"],
            secret_string=None,
            secret_binary=None,
            description=properties["Description"],
            tags=None,
            kms_key_id=properties.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(made)["ARN"])


EC2ContainerServiceBackend._calculate_task_resource_requirements = staticmethod(
    lambda task_definition: {"CPU": 0, "MEMORY": 0, "PORTS": [], "PORTS_UDP": []}
)
state_manager.set_transition("ecs::task", {"progression": "immediate"})
run_task_plainly = EC2ContainerServiceBackend.run_task


def run_task(self, cluster, definition, count, overrides, started_by, tags, launch_type, networking=None, *more):
    network = (networking or {}).get("awsvpcConfiguration", {})
    for member, begin in (("subnets", "subnet-"), ("securityGroups", "sg-")):
        given = network.get(member, [])
        if not given or not all(name.startswith(begin) for name in given):
            raise InvalidParameterException(f"{member} can not be empty.")
    return run_task_plainly(self, cluster, definition, count, overrides, started_by, tags, launch_type, networking, *more)


EC2ContainerServiceBackend.run_task = run_task

clean_plainly = parsing.clean_json


def clean_json(value, resources_map):
    cleaned = clean_plainly(value, resources_map)
    return [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned


parsing.clean_json = clean_json

lint = cloudformation.validate_template_cfn_lint
cloudformation.validate_template_cfn_lint = lambda template: [match for match in lint(template) if match.rule.id.startswith("E")]

parse_plainly = parsing.parse_condition


def parse_condition(condition, resources_map, condition_map):
    if isinstance(condition, dict) and "Fn::Equals" in condition:
        left, right = (str(parsing.clean_json(value, resources_map)) for value in condition["Fn::Equals"])
        return left == right
    return parse_plainly(condition, resources_map, condition_map)

apply_plainly = cloudformation.ChangeSet.apply


def apply(self):
    apply_plainly(self)
    self.stack.output_map = parsing.OutputMap(self.stack.resource_map, self.template_dict, self.stack.stack_id)


cloudformation.ChangeSet.apply = apply


create_change_set_plainly = cloudformation.CloudFormationBackend.create_change_set


def create_change_set(self, stack_name, *args, **kwargs):
    in_review = [key for key, stack in self.stacks.items() if stack.name == stack_name and stack.status == "REVIEW_IN_PROGRESS"]
    for key in in_review:
        del self.stacks[key]
    return create_change_set_plainly(self, stack_name, *args, **kwargs)


cloudformation.CloudFormationBackend.create_change_set = create_change_set


def parse_output(name, output, resources_map):
    if "Condition" in output and not resources_map.lazy_condition_map[output["Condition"]]:
        return None
    return parse_output_plainly(name, output, resources_map)


sys.path.append(folder)
import quotas  # noqa: E402
from template import read  # noqa: E402


def within_quotas(operation):
    """The operation, after a look at the size of its template and its parameters."""

    def look(self):
        refusals, text, url = [], self._get_param("TemplateBody"), self._get_param("TemplateURL")
        if text:
            refusals += quotas.of_body(text)
        elif url:
            text = self._get_stack_from_s3_url(url)
            refusals += quotas.of_object(text)
        if text and not refusals:
            refusals += quotas.of_content(read(text))
        given = self._get_param("Parameters") or []
        refusals += quotas.of_parameters({entry["ParameterKey"]: entry.get("ParameterValue", "") for entry in given})
        if refusals:
            raise ValidationError(message=refusals[0])
        return operation(self)

    return look


for name in ("create_stack", "update_stack", "create_change_set", "validate_template", "get_template_summary"):
    setattr(CloudFormationResponse, name, within_quotas(getattr(CloudFormationResponse, name)))


def with_owner(answer):
    """The answer of S3, unless the request expects another owner of the bucket."""

    def look(self, request, full_url, headers):
        self.setup_class(request)
        bucket = self.parse_bucket_name_from_url(request, full_url)
        expected, owner = request.headers.get("x-amz-expected-bucket-owner"), s3_backends.bucket_accounts.get(bucket, (None, None))[1]
        if expected and owner and expected != owner:
            body = "" if request.method == "HEAD" else "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            return 403, {"content-type": "application/xml"}, body
        return answer(self, request, full_url, headers)

    return look


for name in ("bucket_response", "key_response"):
    setattr(S3Response, name, with_owner(getattr(S3Response, name)))

parsing.parse_condition = parse_condition
parse_output_plainly, parsing.parse_output = parsing.parse_output, parse_output

if __name__ == "__main__":
    main(sys.argv[1:])
