#!/usr/bin/env python3
"""Writes the dashboard: deploy/grafana/dashboard.py >deploy/grafana/jwt-generator.json

Change this file, not the JSON. ./check compares the two, and asks a real Prometheus each query.
"""

import json
import sys

WIDTH, HEIGHT = 24, 8
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# The choice at the top of the dashboard.
CHOSEN = 'job="$job",instance=~"$instance"'
NO_PROBES = 'operation!~"get_(health|livez|readyz|startupz)"'


def rate(metric, labels="", by="", how="sum"):
    """The rate of a counter by these labels."""
    chosen = ",".join(filter(None, (CHOSEN, labels)))
    by = f" by ({by})" if by else ""
    return f"{how}{by} (rate({metric}{{{chosen}}}[$__rate_interval]))"


def gauge(metric, labels="", by="", how="max"):
    chosen = ",".join(filter(None, (CHOSEN, labels)))
    by = f" by ({by})" if by else ""
    return f"{how}{by} ({metric}{{{chosen}}})"


def quantile(share, metric, labels="", by=""):
    inner = rate(f"{metric}_bucket", labels, ", ".join(filter(None, (by, "le"))))
    return f"histogram_quantile({share}, {inner})"


def panel(title, kind, queries, unit="short", description="", width=8, height=HEIGHT, **more):
    """A panel. `queries` are pairs of an expression and the name of its series."""
    targets = [
        {"datasource": DATASOURCE, "expr": expr, "legendFormat": legend, "refId": chr(ord("A") + at), "range": True}
        for at, (expr, legend) in enumerate(queries)
    ]
    return {
        "title": title,
        "description": description,
        "type": kind,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0} | more.pop("defaults", {}), "overrides": []},
        "targets": targets,
    } | more


def lines(title, queries, unit="short", description="", stacked=False, **more):
    """How values went."""
    custom = {"fillOpacity": 20 if stacked else 5, "lineWidth": 1, "showPoints": "never"}
    if stacked:
        custom["stacking"] = {"mode": "normal"}
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    defaults = {"custom": custom} | more.pop("defaults", {})
    return panel(title, "timeseries", queries, unit, description, defaults=defaults, options=options, **more)


def steps(*colours):
    """Colours from these values on: ("green", None), ("red", 1)."""
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for colour, value in colours]}


def number(title, expr, unit="short", thresholds=None, description="", **more):
    """The value of now."""
    defaults = {"thresholds": thresholds or steps(("green", None)), "color": {"mode": "thresholds"}}
    options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    defaults |= more.pop("defaults", {})
    return panel(
        title, "stat", [(expr, "")], unit, description, width=4, height=4, defaults=defaults, options=options, **more
    )


def states(title, queries, description="", **more):
    """Which of a few states held when: 0 is good, 1 is half good, 2 is bad."""
    names = {"0": ("ok", "green"), "1": ("degraded", "orange"), "2": ("down", "red")}
    mapping = {key: {"text": text, "color": colour} for key, (text, colour) in names.items()}
    defaults = {"mappings": [{"type": "value", "options": mapping}], "custom": {"fillOpacity": 80}}
    options = {"showValue": "never", "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}}
    return panel(title, "state-timeline", queries, "none", description, defaults=defaults, options=options, **more)


REQUESTS = "http_server_request_duration_seconds"
REFUSED = "http_server_refusals_total"

ROWS = {
    "Now": [
        number("Instances", f'count(up{{{CHOSEN}}} == 1) or vector(0)', thresholds=steps(("red", None), ("green", 1))),
        number("Requests", rate(f"{REQUESTS}_count", NO_PROBES), "reqps"),
        number(
            "Failed requests",
            f"""(({rate(f'{REQUESTS}_count', f'{NO_PROBES},status_class="5xx"')}) or vector(0)) / {rate(f'{REQUESTS}_count', NO_PROBES)}""",
            "percentunit",
            steps(("green", None), ("orange", 0.001), ("red", 0.0144)),
            "The share of requests that got a status 5xx. The goal is less than 0.1 % in 30 days.",
        ),
        number(
            "Tokens, 99 %",
            quantile(
                0.99,
                REQUESTS,
                'operation=~"generate_token|generate_token_alias|refresh_token|issue_oauth_tokens|introspect_token"',
            ),
            "s",
            steps(("green", None), ("orange", 0.1), ("red", 0.5)),
            "99 of 100 requests for a token, a refreshed token or an introspection took no longer.",
        ),
        number("Tokens issued", rate("jwt_tokens_issued_total"), "ops"),
        number(
            "Next step of the rotation",
            f"min(jwt_key_next_step_seconds{{{CHOSEN}}})",
            "s",
            steps(("orange", None), ("green", 1)),
            "How long it is until the next step of the key rotation. 0 means that a step is due.",
        ),
        states(
            "What the instances can do",
            [
                (
                    "max by (capability) ("
                    + f'2 * jwt_capability{{{CHOSEN},status="down"}} or jwt_capability{{{CHOSEN},status="degraded"}})',
                    "{{capability}}",
                )
            ],
            "The worst status that an instance has. mint: sign tokens. verify: check tokens. publish: the key set.",
            width=WIDTH,
            height=7,
        ),
    ],
    "Traffic": [
        lines("Requests by operation", [(rate(f"{REQUESTS}_count", by="operation"), "{{operation}}")], "reqps", stacked=True),
        lines(
            "Errors by operation",
            [(rate(f"{REQUESTS}_count", 'status_class="5xx"', "operation"), "{{operation}}")],
            "reqps",
            "Responses with a status 5xx. /readyz answers 503 on purpose while an instance is not ready.",
        ),
        lines("Refusals by code", [(f"{rate(REFUSED, by='code')} > 0", "{{code}}")], "reqps", "docs/api.md lists the codes."),
        lines(
            "Durations of all requests",
            [(quantile(share, REQUESTS, NO_PROBES), f"{share * 100:g} %") for share in (0.5, 0.95, 0.99)],
            "s",
            width=6,
        ),
        lines(
            "Durations by operation, 99 %",
            [(quantile(0.99, REQUESTS, by="operation"), "{{operation}}")],
            "s",
            "Log-ins and registrations take long on purpose: a password hash takes a quarter of a second.",
            width=6,
        ),
        lines(
            "Requests in progress",
            [(gauge("http_server_active_requests", by="instance"), "{{instance}}")],
            description="The head has arrived, and the answer is not ready. A number that grows and does not fall again means that the "
            "database, the custody or the processors are too slow.",
            width=6,
        ),
        lines(
            "Connections",
            [
                (gauge("http_server_open_connections", by="instance"), "open at {{instance}}"),
                (rate("http_server_connections_total", 'outcome!="accepted"', "outcome"), "{{outcome}} a second"),
            ],
            width=6,
        ),
    ],
    "Tokens": [
        lines("Tokens issued", [(rate("jwt_tokens_issued_total", by="kind, algorithm"), "{{kind}} {{algorithm}}")], "ops", stacked=True),
        lines(
            "Tokens not issued",
            [(f"{rate('jwt_tokens_refused_total', by='kind, reason')} > 0", "{{kind}} {{reason}}")],
            "ops",
        ),
        lines(
            "Tokens checked",
            [(f"{rate('jwt_tokens_checked_total', by='result')} > 0", "{{result}}")],
            "ops",
            "Tokens that were validated or that came with a request.",
        ),
    ],
    "Keys": [
        lines("Keys by state", [(gauge("jwt_keys", by="state, algorithm"), "{{state}} {{algorithm}}")], "none"),
        lines("Age of the active key", [(gauge("jwt_active_key_age_seconds", by="algorithm"), "{{algorithm}}")], "s"),
        lines("Time until the next step", [(gauge("jwt_key_next_step_seconds", by="instance"), "{{instance}}")], "s"),
        lines(
            "Age of the copy of the key ring",
            [(gauge("jwt_key_ring_age_seconds", by="instance"), "{{instance}}")],
            "s",
            "It grows while an instance cannot read the ring.",
        ),
        lines(
            "Calls to the custody",
            [(rate("jwt_custody_call_duration_seconds_count", by="verb, outcome"), "{{verb}} {{outcome}}")],
            "ops",
            "Calls to the place of the ring and of the private keys.",
        ),
        lines("Calls to the custody, 99 %", [(quantile(0.99, "jwt_custody_call_duration_seconds", by="verb"), "{{verb}}")], "s"),
    ],
    "Log-ins and limits": [
        lines(
            "Log-ins by outcome",
            [(f"""{rate("jwt_account_attempts_total", 'action="login"', "outcome")} > 0""", "{{outcome}}")],
            "ops",
            "login_throttled and login_limited: attempts that were refused because too many before them had failed (docs/operations.md).",
        ),
        lines(
            "Registrations and refreshes by outcome",
            [(f"""{rate("jwt_account_attempts_total", 'action!="login"', "action, outcome")} > 0""", "{{action}} {{outcome}}")],
            "ops",
        ),
        lines(
            "Requests that exceed a limit",
            [
                (rate("jwt_rate_limit_verdicts_total", 'verdict="refused"', "group, scope"), "{{group}} per {{scope}}"),
                (rate(REFUSED, 'code=~"login_throttled|login_limited"', "code"), "{{code}}"),
            ],
            "reqps",
        ),
    ],
    "Database": [
        lines("Calls by verb", [(rate("jwt_store_call_duration_seconds_count", by="verb"), "{{verb}}")], "ops", stacked=True),
        lines(
            "Calls that failed",
            [(rate("jwt_store_call_duration_seconds_count", 'outcome=~"unavailable|failed"', "verb, outcome"), "{{verb}} {{outcome}}")],
            "ops",
        ),
        lines("Calls, 99 %", [(quantile(0.99, "jwt_store_call_duration_seconds", by="verb"), "{{verb}}")], "s"),
        lines("Rows", [(gauge("jwt_store_rows", by="table"), "{{table}}")], "none", width=12),
        lines(
            "Oldest expired row",
            [(gauge("jwt_store_oldest_expired_seconds", by="table"), "{{table}}")],
            "s",
            "For how long a row that should have been removed is still there.",
            width=12,
        ),
    ],
    "Events and webhooks": [
        lines(
            "Attempts to deliver events",
            [(rate("jwt_webhook_attempts_total", by="outcome"), "{{outcome}}")],
            "ops",
            "dead: events that were given up after three days. webhooks deliveries lists them.",
        ),
        lines(
            "Oldest event that is not in the chain",
            [(gauge("jwt_events_oldest_unsealed_seconds", by="instance"), "{{instance}}")],
            "s",
            "It grows while no instance seals events. Webhooks and the audit trail are late by this time.",
        ),
        lines(
            "Events since the last checkpoint",
            [(gauge("jwt_events_since_checkpoint", by="instance"), "{{instance}}")],
            "none",
            "It grows while no instance can sign a checkpoint.",
        ),
    ],
    "Queues": [
        lines(
            "How full the queues are",
            [
                (
                    f"max by (queue) (jwt_queue_length{{{CHOSEN}}} / jwt_queue_capacity{{{CHOSEN}}})",
                    "{{queue}}",
                )
            ],
            "percentunit",
            "The fullest queue of all instances. A queue that is full refuses work.",
            width=6,
        ),
        lines("Time in the queue, 99 %", [(quantile(0.99, "jwt_queue_wait_seconds", by="queue"), "{{queue}}")], "s", width=6),
        lines("Work refused", [(rate("jwt_queue_refused_total", by="queue"), "{{queue}}")], "ops", "The queue was full.", width=6),
        lines(
            "Signatures made at once",
            [(f"{rate('jwt_queue_batch_size_sum', by='queue')} / {rate('jwt_queue_batch_size_count', by='queue')}", "{{queue}}")],
            "none",
            "A mean. A processor with AVX-512 IFMA makes up to eight RSA signatures at once.",
            width=6,
        ),
    ],
    "Tasks and process": [
        lines("Lateness of tasks", [(gauge("jwt_task_lateness_seconds", by="task"), "{{task}}")], "s", width=6),
        lines("Failed turns of tasks", [(rate("jwt_task_failures_total", by="task"), "{{task}}")], "ops", width=6),
        lines("Duration of tasks", [(gauge("jwt_task_duration_seconds", by="task"), "{{task}}")], "s", width=6),
        lines(
            "Last success of tasks",
            [(f"time() - ({gauge('jwt_task_last_success_timestamp_seconds', by='task', how='min')} > 0)", "{{task}}")],
            "s",
            "For how long the task has not succeeded, at the instance where that is longest.",
            width=6,
        ),
        lines("Processor", [(rate("process_cpu_seconds_total", by="instance"), "{{instance}}")], "none", "Cores in use.", width=6),
        lines("Memory", [(gauge("process_resident_memory_bytes", by="instance"), "{{instance}}")], "bytes", width=6),
        lines(
            "Open files",
            [(f"{gauge('process_open_fds', by='instance')} / {gauge('process_max_fds', by='instance')}", "{{instance}}")],
            "percentunit",
            width=6,
        ),
        lines(
            "Time since the start",
            [
                (
                    f"time() - process_start_time_seconds{{{CHOSEN}}} + on (instance) group_left (version) 0 * jwt_build_info{{{CHOSEN}}}",
                    "{{instance}} {{version}}",
                )
            ],
            "s",
            width=6,
        ),
    ],
}


def variable(name, label, query, several):
    """A choice at the top of the dashboard, from the values of a label."""
    chosen = {"text": ["All"], "value": ["$__all"]} if several else {}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "current": chosen,
    }


def placed():
    """All panels, with their places on the dashboard."""
    panels, top = [], 0
    for title, members in ROWS.items():
        row = {"type": "row", "title": title, "collapsed": False, "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}
        panels.append(row | {"panels": []})
        top, left, tallest = top + 1, 0, 0
        for member in members:
            size = member["gridPos"]
            if left + size["w"] > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            member["gridPos"] = {"x": left, "y": top, **size}
            left, tallest = left + size["w"], max(tallest, size["h"])
            panels.append(member)
        top += tallest
    return [{"id": number} | member for number, member in enumerate(panels, 1)]


def dashboard():
    return {
        "uid": "jwt-generator",
        "title": "JWT Generator",
        "description": "Traffic, tokens, keys, log-ins, database, queues and processes. docs/operations.md says what to look for.",
        "tags": ["jwt-generator"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}},
                variable("job", "Service", "label_values(jwt_build_info, job)", several=False),
                variable("instance", "Instance", 'label_values(jwt_build_info{job="$job"}, instance)', several=True),
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "Starts",
                    "datasource": DATASOURCE,
                    "enable": True,
                    "hide": False,
                    "iconColor": "blue",
                    "expr": f"changes(process_start_time_seconds{{{CHOSEN}}}[$__rate_interval]) > 0",
                },
                {
                    "name": "Alerts",
                    "datasource": DATASOURCE,
                    "enable": True,
                    "hide": False,
                    "iconColor": "red",
                    "expr": 'ALERTS{alertname=~"JwtGenerator.*",alertstate="firing"}',
                },
            ]
        },
        "panels": placed(),
    }


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1, ensure_ascii=False)
    print()
