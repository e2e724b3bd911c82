"""Takes from a provider's schema what a folder of Terraform files uses, so that the provider starts quickly. A kind of resource
that the schema does not have stays unknown.

usage: subset.py SCHEMA.json FOLDER OUT.json
"""

import json
import pathlib
import re
import sys

schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
text = "".join(path.read_text() for path in pathlib.Path(sys.argv[2]).glob("*.tf"))
for kind, word in (("resources", "resource"), ("data", "data")):
    used = set(re.findall(rf'^{word} "(\w+)"', text, re.MULTILINE))
    schema[kind] = {name: block for name, block in schema[kind].items() if name in used}
pathlib.Path(sys.argv[3]).write_text(json.dumps(schema))
