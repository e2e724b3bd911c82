"""The server of moto (https://docs.getmoto.org) as a stand-in for AWS, with the gaps closed that ../check meets:

 * AWS::ApiGateway::RestApi takes its Body or BodyS3Location; moto ignores both, and a deployment then has no methods.

What kinds of resources of a template moto does not know, it leaves out with no more than a warning. ../check counts them.

usage: python moto.py -H 127.0.0.1 -p PORT
"""

import sys

# This file bears the name of the package that it serves, and its folder is where Python looks first.
sys.path.pop(0)

import yaml  # noqa: E402
from moto.apigateway.models import RestAPI, apigateway_backends  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from moto.server import main  # noqa: E402

create_plainly = RestAPI.create_from_cloudformation_json.__func__


def create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    api = create_plainly(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
    place = properties.get("BodyS3Location")
    body = properties.get("Body")
    if place:
        stored = s3_backends[account_id]["aws"].get_object(place["Bucket"], place["Key"])
        body = yaml.safe_load(stored.value)
    if body:
        apigateway_backends[account_id][region_name].put_rest_api(api.id, body, fail_on_warnings=True, mode="merge")
    return api


RestAPI.create_from_cloudformation_json = classmethod(create)

if __name__ == "__main__":
    main(sys.argv[1:])
