"""Draws the panels of the dashboard as one page of HTML, to look at where no Grafana is. It shows what the queries give and
where the panels are, not how Grafana looks."""

import html
import json
import re

from static import root

COLOURS = ("#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#96d98d", "#ffa6b0", "#37872d")
STATES = {0: "#73bf69", 1: "#ff9830", 2: "#f2495c"}
ROW, COLUMN = 30, 60  # pixels of one unit of Grafana's grid
STYLE = f"""body {{ background: #111217; color: #ccccdc; font: 12px sans-serif; width: {24 * COLUMN}px; position: relative }}
div {{ position: absolute; box-sizing: border-box; overflow: hidden; padding: 4px }}
.panel {{ background: #181b1f; border: 1px solid #2c3235 }} b {{ display: block }} .now {{ font-size: 28px; color: #73bf69 }}"""
LENGTHS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6))


def written(value, unit):
    """A value with its unit."""
    if unit == "s" and value:
        name, size = next((pair for pair in LENGTHS if abs(value) >= pair[1]), LENGTHS[-1])
        return f"{value / size:.3g} {name}"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    return f"{value:.4g}" + {"reqps": " req/s", "ops": " /s"}.get(unit, "")


def legend(target, labels):
    return re.sub(r"{{(\w+)}}", lambda name: labels.get(name[1], ""), target["legendFormat"])


def curves(series, unit, width, height):
    """Lines over time, with the largest value at the left edge and the names below."""
    points = [(float(at), float(value)) for _, values in series for at, value in values if value != "NaN"]
    if not points:
        return "no data"
    first, last = min(at for at, _ in points), max(at for at, _ in points)
    top = max((value for _, value in points), default=0) or 1
    drawn, names = [], []
    for number, (name, values) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{(float(at) - first) / ((last - first) or 1) * width:.1f},{height - float(value) / top * height:.1f}"
            for at, value in values
            if value != "NaN"
        )
        drawn.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        names.append(f'<span style="color:{colour}">■ {html.escape(name)}</span> ')
    return f'{written(top, unit)}<br><svg width="{width}" height="{height}">{"".join(drawn)}</svg><br>{"".join(names)}'


def bars(series, width):
    """One bar over time for each series, in the colours of its states."""
    rows = []
    for name, values in series:
        wide = width / max(len(values), 1)
        parts = "".join(
            f'<rect x="{at * wide:.1f}" width="{wide + 0.5:.1f}" height="18" fill="{STATES[int(float(value))]}"/>'
            for at, (_, value) in enumerate(values)
        )
        rows.append(f'{html.escape(name)}<br><svg width="{width}" height="18">{parts}</svg><br>')
    return "".join(rows) or "no data"


def drawn(panel, ask):
    place, unit = panel["gridPos"], panel["fieldConfig"]["defaults"]["unit"]
    width, height = place["w"] * COLUMN - 14, place["h"] * ROW - 110
    series = [(legend(target, found["metric"]), found["values"]) for target in panel["targets"] for found in ask(target["expr"])]
    if panel["type"] == "stat":
        return f'<span class="now">{written(float(series[0][1][-1][1]), unit) if series else "no data"}</span>'
    return bars(series, width) if panel["type"] == "state-timeline" else curves(series, unit, width, height)


def write(path, ask):
    """Draws all panels with what `ask` answers to an expression: the result of a range query."""
    dashboard = json.loads((root / "deploy/grafana/jwt-generator.json").read_text(encoding="utf-8"))
    parts = [f"<!doctype html><meta charset=utf-8><title>{dashboard['title']}</title><style>{STYLE}</style>"]
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        box = f"left:{place['x'] * COLUMN}px;top:{place['y'] * ROW}px;width:{place['w'] * COLUMN}px;height:{place['h'] * ROW}px"
        is_row = panel["type"] == "row"
        inner = "" if is_row else drawn(panel, ask)
        parts.append(f'<div class="{"row" if is_row else "panel"}" style="{box}"><b>{html.escape(panel["title"])}</b>{inner}</div>')
    path.write_text("\n".join(parts), encoding="utf-8")
    print(f"{path}: drawn")
