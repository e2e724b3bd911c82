"""Whether Grafana knows each member of the dashboard: schema.py DASHBOARD.JSON

Grafana's own library reads it and writes it again. What it does not know is lost, and what it needs is added.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

UNKNOWN = object()


def lost(before, after, path=""):
    """Paths of what was in `before` and is not in `after`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from lost(value, after.get(name, UNKNOWN), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}[{at}]")
    elif before != after:
        yield path


register_default_plugins()
dashboard = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))
faults = list(lost(dashboard, again))
assert not faults, "Grafana's schema does not know " + ", ".join(faults)
print(f"{sys.argv[1]}: Grafana's schema knows each member")
