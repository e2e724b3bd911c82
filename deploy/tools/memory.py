"""Does what the service may take fit into the memory that it is given?

memory.py WHERE LIMIT [NAME=VALUE]…    such as: memory.py compose 128m MAX_CONNECTIONS=2048 MAX_BODY_MEMORY=16MiB

Of the settings, those count that are given; of others, the defaults in docs/settings.md.
"""

import pathlib
import re
import sys

# Measured: 14,000 idle connections took 235 MiB, so 16 KiB each; 6,000 with half of a head took 244 MiB, so up to 40 KiB each.
CONNECTION = 40 * 1024
# What the service takes besides: program, keys, key set, caches of SQLite, at most 3 MiB for rate limits.
SERVICE = 24 * 1024**2
UNITS = {"": 0, "k": 10, "m": 20, "g": 30}


def size(text):
    """Bytes of such as 256Mi, 64m, 512M, 8MiB."""
    number, unit = re.fullmatch(r"(\d+)([kmg]?)(?:i?b?)", str(text).lower()).groups()
    return int(number) << UNITS[unit]


def default(name):
    settings = pathlib.Path(__file__).parents[2] / "docs/settings.md"
    return re.search(rf"^\| `{name}` \| `([^`]+)`", settings.read_text(), re.MULTILINE).group(1)


def check_fit(where, limit, settings):
    connections = int(settings.get("MAX_CONNECTIONS") or default("MAX_CONNECTIONS"))
    bodies = size(settings.get("MAX_BODY_MEMORY") or default("MAX_BODY_MEMORY"))
    needed = connections * CONNECTION + bodies + SERVICE
    told = f"{where}: {connections} connections and all else may take {needed >> 20} MiB, of {size(limit) >> 20} MiB"
    assert needed <= size(limit), told
    return told


if __name__ == "__main__":
    try:
        print(check_fit(sys.argv[1], sys.argv[2], dict(each.split("=", 1) for each in sys.argv[3:] if "=" in each)))
    except AssertionError as refusal:
        sys.exit(f"does not fit: {refusal}")
