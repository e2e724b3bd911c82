"""Compares the gateway's document of a plan of Terraform with the one that ../document prints: they are two programs, because
../deploy.sh needs no Python, and Terraform cannot run a program without another provider.

usage: document.py KIND [api_key] <PLAN.json      the arguments of ../document
"""

import json
import subprocess
import sys

import yaml

from both import HERE, equal

resources = json.load(sys.stdin)["planned_values"]["root_module"]["resources"]
(planned,) = [resource["values"]["body"] for resource in resources if resource["address"] == "aws_api_gateway_rest_api.this"]
printed = subprocess.run([HERE / "document", *sys.argv[1:]], check=True, capture_output=True).stdout
equal(f"the gateway's document: {' '.join(sys.argv[1:])}", yaml.safe_load(printed), json.loads(planned))
