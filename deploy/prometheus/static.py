"""What the rules, the alerts, their tests, the dashboard and the documentation say of each other: static.py

Each metric that a rule or a panel names is one of docs/metrics.md or is recorded by a rule. Each alert has a section in
docs/operations.md, a test that fires it and one that does not.
"""

import json
import pathlib
import re

here = pathlib.Path(__file__).parent
root = here.parent.parent

RECORDED = re.compile(r"\b[a-z_]+:[a-z_]+:[a-z0-9_]+\b")
METRIC = re.compile(r"(?<![\w:])(?:http_server|jwt|process)_[a-z0-9_]+(?![\w:])")


def text(path):
    """A file of YAML without its comments."""
    return re.sub(r"^\s*#.*$", "", (root / path).read_text(encoding="utf-8"), flags=re.MULTILINE)


def documented():
    """The names of all samples that docs/metrics.md allows."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", text("docs/metrics.md"), flags=re.MULTILINE)
    assert rows, "docs/metrics.md lists no metrics"
    names = set()
    for name, kind in rows:
        names |= {f"{name}{end}" for end in ("_bucket", "_count", "_sum")} if kind == "histogram" else {name}
    return names


def queries():
    """The expressions of the dashboard with the titles of their panels."""
    dashboard = json.loads((root / "deploy/grafana/jwt-generator.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel, target


def check_names():
    rules = text("deploy/prometheus/rules.yml")
    alerts = "\n".join(line for line in text("deploy/prometheus/alerts.yml").splitlines() if "runbook_url" not in line)
    panels = "\n".join(target["expr"] for _, target in queries())
    known = documented()
    for where, said in (("rules.yml", rules), ("alerts.yml", alerts), ("the dashboard", panels)):
        unknown = set(METRIC.findall(said)) - known
        assert not unknown, f"{where}: docs/metrics.md does not list {', '.join(sorted(unknown))}"
    recorded = set(re.findall(r"record: (\S+)", rules))
    used = set(RECORDED.findall(alerts)) | set(RECORDED.findall(panels))
    assert used <= recorded, f"rules.yml does not record {', '.join(sorted(used - recorded))}"
    return len(known)


def check_alerts():
    alerts = re.findall(r"alert: (\w+)", text("deploy/prometheus/alerts.yml"))
    operations = (root / "docs/operations.md").read_text(encoding="utf-8")
    groups = [
        (name, re.findall(r"exp_samples: (.*)", body))
        for path in ("tests.yml", "tests-of-days.yml")
        for name, body in re.findall(r"- name: '(.*?)'\n(.*?)(?=\n  - name|\Z)", text(here / path), flags=re.DOTALL)
    ]
    for alert in alerts:
        assert f"\n### {alert}\n" in operations, f"docs/operations.md has no section for {alert}"
        assert f"runbook_url: docs/operations.md#{alert.lower()}\n" in text("deploy/prometheus/alerts.yml"), f"{alert} has no link"
        said = [samples for name, all_samples in groups if name.startswith(f"{alert}: ") for samples in all_samples]
        assert any(f'"{alert}"' in samples for samples in said), f"no test fires {alert}"
        assert any(f'"{alert}"' not in samples for samples in said), f"no test shows {alert} quiet"
    sections = re.findall(r"^### (JwtGenerator\w+)$", operations, flags=re.MULTILINE)
    assert sorted(sections) == sorted(alerts), f"docs/operations.md has sections for {set(sections) - set(alerts)}"
    return len(alerts)


if __name__ == "__main__":
    print(f"{check_alerts()} alerts have a section, a test that fires them and one that does not")
    print(f"rules, alerts and dashboard name only metrics of docs/metrics.md ({check_names()} names of samples)")
