"""All that costs is in README.md's tables: each kind of resource of the template, and each setting that AWS charges for, has a row
there or is known to be free. Each row says where its price is from, and the sum is the sum.

usage: costs.py
"""

import re
import sys

from both import HERE, template

# What makes a row necessary, and a word of that row. A new kind of resource needs a line here or in FREE.
CHARGED = {
    "AWS::ECS::Service": "two tasks",
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::EIP": "public IPv4 address",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "network load balancer",
    "AWS::WAFv2::WebACL": "firewall",
    "AWS::CloudWatch::Alarm": "alarms",
    "AWS::Logs::MetricFilter": "metric of errors",
    "AWS::KMS::Key": "keys in KMS",
    "AWS::SecretsManager::Secret": "secrets",
    "AWS::ApiGateway::RestApi": "API Gateway",
    "AWS::Logs::LogGroup": "logs of gateway",
    "AWS::EC2::FlowLog": "and network",
    "AWS::Lambda::Function": "requests to the function",
    "AWS::Events::Rule": "of the schedule",
    "AWS::SNS::Topic": "e-mail of alarms",
    "AWS::CertificateManager::Certificate": "a certificate",
    "AWS::Route53::RecordSet": "Route 53",
    # Settings: kind of resource, and the text that turns it on.
    ("AWS::ApiGateway::Stage", "'TracingEnabled': True"): "X-Ray",
    ("AWS::ApiGateway::Stage", "'CacheClusterEnabled'"): "gateway cache",
    ("AWS::ECS::Cluster", "'containerInsights', 'Value': 'enabled'"): "Container Insights",
    ("AWS::Lambda::Function", "'Mode': 'Active'"): "X-Ray",
}
FREE = set(
    """AWS::ApiGateway::Account AWS::ApiGateway::ApiKey AWS::ApiGateway::BasePathMapping AWS::ApiGateway::Deployment
    AWS::ApiGateway::DomainName AWS::ApiGateway::Stage AWS::ApiGateway::UsagePlan AWS::ApiGateway::UsagePlanKey AWS::ApiGateway::VpcLink
    AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy AWS::EC2::InternetGateway AWS::EC2::Route
    AWS::EC2::RouteTable AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress AWS::EC2::SecurityGroupIngress AWS::EC2::Subnet
    AWS::EC2::SubnetRouteTableAssociation AWS::EC2::VPC AWS::EC2::VPCEndpoint AWS::EC2::VPCGatewayAttachment AWS::ECS::Cluster
    AWS::ECS::TaskDefinition AWS::ElasticLoadBalancingV2::Listener AWS::ElasticLoadBalancingV2::TargetGroup AWS::IAM::Role
    AWS::Lambda::Permission AWS::SNS::Subscription AWS::WAFv2::LoggingConfiguration AWS::WAFv2::WebACLAssociation""".split()
)

section = (HERE / "README.md").read_text().split("## What it costs")[1].split("\n## ")[0]
rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]
rows = [row for row in rows if row[0]]
wrong = []

for name, entry in template["Resources"].items():
    kind = entry["Type"]
    if kind not in CHARGED and kind not in FREE:
        wrong.append(f"{name}: whether {kind} costs anything is not said in costs.py")
    if kind == "AWS::EC2::VPCEndpoint" and entry["Properties"]["VpcEndpointType"] != "Gateway":
        wrong.append(f"{name}: only endpoints of the type Gateway are free")
    needed = [(what, word) for what, word in CHARGED.items() if what == kind or (what[0] == kind and what[1] in str(entry["Properties"]))]
    wrong += [f"{name}: README.md has no row with “{word}”" for _, word in needed if not any(word in row[0] for row in rows)]
wrong += [f"the row “{row[0]}” does not say where its price is from" for row in rows if len(row) < 3 or not re.search("pricing|AWS blog|whitepaper", row[-1])]
if not re.search(r"\b20\d\d-\d\d-\d\d\b", section):
    wrong.append("the prices have no date")
fixed = sum(float(row[2]) for row in rows if len(row) == 4)
said = re.search(r"about (\d+) a month without requests:", section)
if not said or abs(fixed - float(said.group(1))) > 0.5:
    wrong.append(f"the rows are {fixed:.2f} together, and the text says {said.group(1) if said else 'nothing'}")
if wrong:
    sys.exit("\n".join(wrong))
print(f"  {len(rows)} rows of costs, {fixed:.2f} a month for tasks without requests")
