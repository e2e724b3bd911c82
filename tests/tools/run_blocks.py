"""Shellcheck for the `run` blocks of the workflows that are named."""

import subprocess
import sys
from pathlib import Path

import yaml

SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def run_blocks(node):
    """Every `run` in a document, as a node that knows its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "run" and isinstance(value, yaml.ScalarNode):
                yield value
            else:
                yield from run_blocks(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from run_blocks(value)


def findings(script):
    # The runner pastes an expression into the script before the shell reads it, so its value can contain commands.
    pasted = [row for row, line in enumerate(script.splitlines()) if "${{" in line]
    if pasted:
        for row in pasted:
            yield row, "an expression in a script: hand it over by `env`"
        return
    # How the forge runs it, given `shell: bash`.
    whole = "#!/bin/bash\nset -eo pipefail\n" + script
    checked = subprocess.run([SHELLCHECK, "-f", "gcc", "-"], input=whole, text=True, capture_output=True)
    for line in checked.stdout.splitlines():
        _, row, _, message = line.split(":", 3)
        yield int(row) - 3, message.strip()


found = 0
for name in sys.argv[1:]:
    for block in run_blocks(yaml.compose(Path(name).read_text())):
        first = block.start_mark.line + (2 if block.style == "|" else 1)
        for row, message in findings(block.value):
            found += 1
            print(f"{name}:{first + row}: {message}")
sys.exit(1 if found else 0)
