"""Holds cloudformation/monitoring.yaml against docs/metrics.md: each metric that it shows or watches is one that a function writes,
with all its labels and no others, for CloudWatch finds a metric by exactly these. Each is of the function of the stack alone.

usage: monitoring.py
"""

import json
import re

from both import HERE, ROOT
from template import read

documented = (ROOT / "docs/metrics.md").read_text()
written = documented.split("## In AWS Lambda")[1].split("\n## ")[0]
rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", documented, re.MULTILINE)
known = {}
for name, kind, labels in rows:
    if f"`{name}" not in written:
        continue
    for end in ("_count", "_sum") if kind == "histogram" else ("",):
        known[name + end] = {"FunctionName", *re.findall(r"`(\w+)`", labels)}
assert known, "docs/metrics.md does not say what a function writes"

resources = read((HERE / "cloudformation/monitoring.yaml").read_text())["Resources"]
used = []
body = resources["Dashboard"]["Properties"]["DashboardBody"]
body = body if isinstance(body, str) else body["Fn::Sub"]
for widget in json.loads(body)["widgets"]:
    for metric in widget["properties"]["metrics"]:
        if isinstance(metric[0], dict):
            searched = r"\{JwtGenerator,([\w,]+)\} FunctionName=\"\$\{StackName\}\" MetricName=\"(\w+)\""
            labels, name = re.search(searched, metric[0]["expression"]).groups()
            used.append((name, set(labels.split(","))))
        elif metric[0] == "JwtGenerator":
            assert metric[2:4] == ["FunctionName", "${StackName}"], metric
            used.append((metric[1], {"FunctionName"}))
for name, resource in resources.items():
    properties = resource["Properties"]
    if resource["Type"] != "AWS::CloudWatch::Alarm":
        continue
    metrics = [entry["MetricStat"]["Metric"] for entry in properties.get("Metrics", []) if "MetricStat" in entry] or [properties]
    for metric in metrics:
        dimensions = {entry["Name"]: entry["Value"] for entry in metric["Dimensions"]}
        assert dimensions["FunctionName"] == {"Ref": "StackName"}, name
        used.append((metric["MetricName"], dimensions.keys()))
    operations = (ROOT / "docs/operations.md").read_text()
    for section in re.findall(r"JwtGenerator\w+", properties["AlarmDescription"]):
        assert f"\n### {section}\n" in operations, f"docs/operations.md has no section {section}"
for name, labels in used:
    assert known.get(name) == labels, f"{name} by {sorted(labels)}; a function writes {known.get(name)}"
print(f"  {len(used)} metrics of monitoring.yaml are what a function writes")
