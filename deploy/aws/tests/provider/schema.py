#!/usr/bin/env python3
"""Reads the schema of a Terraform provider (names, types, required, optional, computed, blocks and how many of them) out of
an unpacked package @cdktf/provider-*: its .js files carry the generated TypeScript in an inline source map.

usage: schema.py FOLDER OUT.json
"""
import base64, json, os, re, sys

def source(path):
    js = open(path, encoding="utf-8").read()
    m = re.search(r"sourceMappingURL=data:application/json[^,]*;base64,([A-Za-z0-9+/=]+)", js)
    return json.loads(base64.b64decode(m.group(1)))["sourcesContent"][0], js

SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
def tftype(kind, storage):
    if storage in SIMPLE: return SIMPLE[storage]
    m = re.match(r"(string|number|boolean|any)(List|Set|Map)(List|Map)?$", storage)
    if m:
        el = SIMPLE[m.group(1)]
        if m.group(3): el = [m.group(2).lower(), el]
        return [{"list": "list", "set": "set", "map": "map"}.get(kind, m.group(2).lower()), el]
    return "dynamic"

def parse_attrs(body):
    out = {}
    for m in re.finditer(r"(?m)^\s+(?:'|\")?([a-z0-9_]+)(?:'|\")?: \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\",", body):
        out[m.group(1)] = dict(value=m.group(2), block=m.group(3) == "true", kind=m.group(4), storage=m.group(5))
    return out

def flags(cls):
    """name -> (computed, optional, required) from the generator's comments, plus the getter type of computed-only ones"""
    f, g = {}, {}
    for m in re.finditer(r"// ([a-z0-9_]+) - computed: (true|false), optional: (true|false), required: (true|false)\n(?=((?:(?!\s*// [a-z0-9_]+ - computed).*\n){1,6}))", cls):
        f[m.group(1)] = tuple(x == "true" for x in m.groups()[1:4])
        t = re.search(r"return this\.get(\w+?)Attribute\('", m.group(5)) or re.search(r"return this\.interpolationForAttribute|get(Any)Attribute", m.group(5))
        c = re.search(r"new (\w+)\(this, \"%s\"(?:, (true|false))?\)" % m.group(1), m.group(5))
        g[m.group(1)] = (t.group(1) if t and t.groups() else None, (c.group(1), c.group(2)) if c else None)
    return f, g
GET = {"String": "string", "Number": "number", "Boolean": "bool", "List": ["list", "string"], "NumberList": ["list", "number"],
       "StringMap": ["map", "string"], "NumberMap": ["map", "number"], "BooleanMap": ["map", "bool"], "AnyMap": ["map", "string"]}

def convert(path):
    ts, js = source(path)
    funcs = {m.group(1): m.group(2) for m in re.finditer(r"export function (\w+)ToHclTerraform\(.*?\n((?:.*\n)*?)\}\n", ts)}
    classes = {}
    for m in re.finditer(r"export class (\w+) extends cdktf\.(\w+) \{\n((?:.*\n)*?)\}\n", ts):
        classes[m.group(1)] = (m.group(2), m.group(3))
    lower = lambda s: s[0].lower() + s[1:]
    def objtype(clsname):
        """cty type of a computed nested object from its OutputReference class"""
        ref = clsname[:-4] + "OutputReference" if clsname.endswith("List") else clsname if clsname.endswith("OutputReference") else clsname + "OutputReference"
        if ref not in classes: return "dynamic"
        f, g = flags(classes[ref][1])
        return ["object", {n: attr_type(g[n], None) for n in f}]
    def attr_type(gt, decl):
        getter, comp = gt
        if decl and not decl["block"]:
            t = tftype(decl["kind"], decl["storage"])
            if t != "dynamic": return t
        if comp:
            c, is_set = comp
            if c.startswith("cdktf."): c = c[6:]
            if c in ("StringMap", "NumberMap", "BooleanMap", "AnyMap"): return GET[c]
            el = objtype(c)
            return ["set" if is_set == "true" else "list", el] if c.endswith("List") else el
        return GET.get(getter, "string")
    def block(decls, cls, stem):
        f, g = flags(cls)
        attrs, blocks = {}, {}
        for n in sorted(set(f) | set(decls)):
            c, o, r = f.get(n, (False, True, False)); d = decls.get(n)
            if d and d["block"]:
                fn = re.search(r"(\w+)ToHclTerraform(?!\w)", d["value"].replace("cdktf.", "")); many = "listMapper" in d["value"] or "List(" in d["value"]
                m = [x for x in re.findall(r"(\w+)ToHclTerraform", d["value"])]
                inner = m[0] if m else None
                ref = inner[0].upper() + inner[1:] + "OutputReference" if inner else None
                sub = block(parse_attrs(funcs.get(inner, "")), classes.get(ref, ("", ""))[1], inner)
                if n == "timeouts": blocks[n] = dict(nesting="single", block=sub); continue
                kind = {"list": "list", "set": "set", "struct": "single", "map": "map"}.get(d["kind"], "list")
                blocks[n] = dict(nesting=kind, block=sub, min_items=1 if r else 0, max_items=0 if "listMapper" in d["value"] else 1)
                if kind in ("single", "map"): blocks[n].pop("max_items"); blocks[n].pop("min_items")
            else:
                attrs[n] = dict(type=attr_type(g.get(n, (None, None)), d), required=r, optional=o and not r, computed=(c and not r) or not (r or o))
        return dict(attributes=attrs, blocks=blocks)
    for name, (base, body) in classes.items():
        if base in ("TerraformResource", "TerraformDataSource", "TerraformProvider"):
            tf = re.search(r"tfResourceType = \"(\w+)\"", body).group(1)
            hcl = body[body.find("synthesizeHclAttributes"):]
            return base, tf, block(parse_attrs(hcl), body, name)

def blocks_of(text, **blocks):
    """A block with optional attributes, each NAME:TYPE, and blocks of which there may be any number."""
    attributes = {n: dict(type=t, required=False, optional=True, computed=False) for n, t in (w.split(":") for w in text.split())}
    return dict(attributes=attributes, blocks={n: dict(nesting="list", block=b, min_items=0, max_items=0) for n, b in blocks.items()})

def add_recursive_blocks(resources):
    """If a schema names itself, the package has `any` in that place. This is as much of it as we use."""
    acl = resources.get("aws_wafv2_web_acl")
    if acl:
        rule = acl["blocks"]["rule"]["block"]
        del rule["attributes"]["statement"]
        regex = blocks_of("regex_string:string", field_to_match=blocks_of("", uri_path=blocks_of("")), text_transformation=blocks_of("priority:number type:string"))
        rate = blocks_of("aggregate_key_type:string evaluation_window_sec:number limit:number", scope_down_statement=blocks_of("", regex_match_statement=regex))
        rule["blocks"]["statement"] = dict(nesting="list", block=blocks_of("", rate_based_statement=rate), min_items=1, max_items=1)

def main(pkg, out):
    res = {"resources": {}, "data": {}, "provider": None}
    for d in sorted(os.listdir(pkg + "/lib")):
        p = f"{pkg}/lib/{d}/index.js"
        if not os.path.exists(p): continue
        try: r = convert(p)
        except Exception as e: print("skip", d, repr(e)[:100], file=sys.stderr); continue
        if not r: continue
        base, tf, b = r
        if base == "TerraformProvider": res["provider"] = b
        elif base == "TerraformDataSource": res["data"][re.sub("^data_", "", tf)] = b
        else: res["resources"][tf] = b
    add_recursive_blocks(res["resources"])
    json.dump(res, open(out, "w"), separators=(",", ":"))
    print(len(res["resources"]), "resources", len(res["data"]), "data sources", bool(res["provider"]))
main(*sys.argv[1:])
