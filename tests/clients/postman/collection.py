#!/usr/bin/env python3
"""Prints a Postman collection (format 2.1) of all operations for programs: collection.py FILE

The file is what `jwt-generator openapi --json` prints.

A folder for each tag, in the order of the document. Each request has a test: the status is one that the document lists as a
success. The requests share variables, so a run of the whole collection registers a user and uses its token. The pages for
browsers are left out, because they need cookies and the token of a form.
"""
import json
import sys

# The bodies of requests, by path. Their variables are those of the collection.
USER = {"username": "{{username}}", "email": "{{username}}@example.com", "password": "{{password}}"}
BODIES = {
    "/api/token/generate": {"username": "testuser", "email": "test@example.com"},
    "/api/token/validate": {"token": "{{access_token}}"},
    "/api/auth/validate": {"token": "{{access_token}}"},
    "/api/auth/register": USER,
    "/api/auth/login": {name: USER[name] for name in ("username", "password")},
    "/oauth/token": {"grant_type": "client_credentials"},
    "/oauth/introspect": {"token": "{{client_token}}"},
    "/oauth/revoke": {"token": "{{client_token}}"},
    "/oauth/userinfo": {},
}
ALIASES = {"/token/generate": "/api/token/generate", "/token/validate": "/api/token/validate"}
# Where a response has a token, and the variable that keeps it.
TOKENS = {
    "/api/token/generate": ("access_token", "data.access_token"),
    "/api/auth/register": ("access_token", "data.token.access_token"),
    "/api/auth/login": ("access_token", "data.token.access_token"),
    "/oauth/token": ("client_token", "access_token"),
}
# A client without users gets these refusals: there is no status list, and its token is of no user.
REFUSALS = {"/oauth/status-lists/{number}": [404], "/oauth/userinfo": [401, 403]}
# What a user of the collection may set.
VARIABLES = {
    "baseUrl": "http://localhost:3000",
    "username": "postman",
    "password": "correct horse battery",
    "access_token": "",
    "client_token": "",
    "client_id": "",
    "client_secret": "",
}
# A run registers a user of its own, so that the collection can run again.
BEFORE = ["if (!pm.collectionVariables.get('run')) {",
          "    pm.collectionVariables.set('run', Date.now().toString(36));",
          "    pm.collectionVariables.set('username', 'postman-' + pm.collectionVariables.get('run'));",
          "}"]
SKIPPED_TAGS = {"Pages"}
ORDER = ["Service", "Tokens", "Accounts", "Keys", "OAuth", "Documentation"]


def resolve(document, value):
    if "$ref" not in value:
        return value
    _, group, kind, name = value["$ref"].split("/")
    return document[group][kind][name]


def authentication(operation, path):
    kinds = [name for choice in operation.get("security", []) for name in choice]
    if path.startswith("/oauth/") and "clientBasic" in kinds:
        return {"type": "basic", "basic": [text("username", "{{client_id}}"), text("password", "{{client_secret}}")]}
    if "bearerAuth" in kinds and {} not in operation["security"]:
        return {"type": "bearer", "bearer": [text("token", "{{access_token}}")]}
    return {"type": "noauth"}


def text(key, value):
    return {"key": key, "value": value, "type": "text"}


def body(document, operation, path):
    declared = operation.get("requestBody")
    if declared is None:
        return {}
    values = BODIES[ALIASES.get(path, path)]
    if "application/json" in resolve(document, declared)["content"]:
        header = [{"key": "Content-Type", "value": "application/json"}]
        return {"header": header, "body": {"mode": "raw", "raw": json.dumps(values, indent=2)}}
    return {"body": {"mode": "urlencoded", "urlencoded": [text(*pair) for pair in values.items()]}}


def script(operation, path):
    statuses = [int(status) for status in operation["responses"] if status < "400"] + REFUSALS.get(path, [])
    lines = [f"pm.test('the status is one of {statuses}', () => pm.expect(pm.response.code).to.be.oneOf({statuses}));"]
    if path in TOKENS:
        variable, place = TOKENS[path]
        lines += ["if (pm.response.code < 300) {",
                  f"    pm.collectionVariables.set('{variable}', pm.response.json().{place});", "}"]
    return [{"listen": "test", "script": {"type": "text/javascript", "exec": lines}}]


def url(document, operation, path):
    parameters = [resolve(document, one) for one in operation.get("parameters", [])]
    values = {one["name"]: str(one["example"]) for one in parameters if one["in"] == "path"}
    parts = [f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")]
    whole = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    return {**whole, "variable": [{"key": key, "value": value} for key, value in values.items()]} if values else whole


def request(document, path, method, operation):
    return {
        "name": operation["summary"],
        "event": script(operation, path),
        "request": {
            "method": method.upper(),
            "description": operation.get("description", "").strip(),
            "auth": authentication(operation, path),
            **body(document, operation, path),
            "url": url(document, operation, path),
        },
    }


def collection(document):
    folders = {tag["name"]: {"name": tag["name"], "item": []} for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method in ("get", "post"):
            operation = operations.get(method)
            if operation and not SKIPPED_TAGS & set(operation["tags"]):
                folders[operation["tags"][0]]["item"].append(request(document, path, method, operation))
    # A token is validated after the request that made it, and the user's token comes from a registration.
    folders["Accounts"]["item"].sort(key=lambda item: "validate" in item["request"]["url"]["path"])
    return {
        "info": {
            "name": document["info"]["title"],
            "description": "Made from openapi.yaml by tests/clients/postman/collection.py. Set `baseUrl`, and for the folder OAuth "
            "`client_id` and `client_secret`.",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "item": [folders[name] for name in ORDER],
        "event": [{"listen": "prerequest", "script": {"type": "text/javascript", "exec": BEFORE}}],
        "variable": [{"key": key, "value": value} for key, value in VARIABLES.items()],
    }


with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps(collection(json.load(file)), indent=1, ensure_ascii=False))
