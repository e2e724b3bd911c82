"""Three instances, clients that use them, and a real Prometheus that scrapes them with the shipped files.

python3 live.py PROMETHEUS PROGRAM FOLDER [PICTURE]    (FOLDER is empty; PICTURE is a file of HTML with the panels)
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from static import METRIC, queries, root, text

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_ports  # noqa: E402

prometheus, program, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
picture = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
INSTANCES = 3
WINDOW = "15s"  # what Grafana would put for $__rate_interval
# Panels that show something only after an incident, and metrics that exist only then.
EMPTY_WITHOUT_INCIDENT = {
    "Errors by operation": "no request failed",
    "Calls that failed": "no call to the database failed",
    "Tokens not issued": "the keys were there",
}
started, faults = {}, []
open_directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ports = free_ports(2 * INSTANCES + 1)
SERVICES, ADMINS, PROMETHEUS = ports[:INSTANCES], ports[INSTANCES:-1], ports[-1]


def eventually(what, question):
    """The first answer that is not empty. A slow machine may take its time."""
    deadline, said = time.monotonic() + 180, None
    while time.monotonic() < deadline:
        ended = [name for name, process in started.items() if process.poll() is not None]
        assert not ended and not faults, f"waited for {what}; ended: {ended}; clients: {faults}"
        try:
            if found := question():
                return found
        except (OSError, ValueError, KeyError, IndexError) as error:
            said = error
        time.sleep(0.2)
    raise AssertionError(f"waited in vain for {what}: {said}")


def fetch(url):
    with open_directly.open(url, timeout=30) as response:
        return response.read().decode()


def post(port, path, body, token=None):
    """The status and the body. A refusal is an answer, too."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    try:
        with open_directly.open(request, timeout=30) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def ask(path, **query):
    answer = json.loads(fetch(f"http://127.0.0.1:{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(query)}"))
    assert answer["status"] == "success", answer
    return answer["data"]


def value_of(expr):
    return [(sample["metric"], float(sample["value"][1])) for sample in ask("query", query=expr)["result"]]


@contextlib.contextmanager
def running(name, arguments, env=None):
    with (folder / f"{name}.log").open("ab") as log, subprocess.Popen(arguments, cwd=folder, env=env, stderr=log) as process:
        started[name] = process
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def instance(number):
    place = folder / f"instance-{number}"
    place.mkdir()
    settings = {"HOST": "127.0.0.1", "PORT": SERVICES[number], "ADMIN_ADDRESS": f"127.0.0.1:{ADMINS[number]}"}
    settings |= {"KEYS_DIR": place / "keys", "DATA_DIR": place / "data", "BCRYPT_ROUNDS": 4, "LOG_FORMAT": "json"}
    return running(f"instance-{number}", [program], {name: str(value) for name, value in settings.items()})


def scraping():
    """The shipped files, of which only addresses and intervals are replaced."""
    for name in ("rules.yml", "alerts.yml"):
        shutil.copy(root / "deploy/prometheus" / name, folder)
    shipped = text("deploy/prometheus/prometheus.yml")
    for before, after in (
        ('["10.0.0.11:9464", "10.0.0.12:9464", "10.0.0.13:9464"]', json.dumps([f"127.0.0.1:{port}" for port in ADMINS])),
        ("scrape_interval: 15s", "scrape_interval: 2s"),
        ("scrape_timeout: 5s", "scrape_timeout: 2s"),
        ("evaluation_interval: 30s", "evaluation_interval: 1s"),
    ):
        assert before in shipped, before
        shipped = shipped.replace(before, after)
    (folder / "prometheus.yml").write_text(shipped, encoding="utf-8")
    address = f"--web.listen-address=127.0.0.1:{PROMETHEUS}"
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    files = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    return running("prometheus", [prometheus, *files, address], env)


class Clients:
    """They use each instance until they are stopped: most do it right, some guess passwords."""

    def __init__(self):
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(port,)) for port in SERVICES]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def client(self, port):
        turn = 0
        while not self.ending.is_set() and not faults:
            try:
                self.use(port, turn)
            except (OSError, AssertionError, KeyError) as error:
                faults.append(repr(error))
            turn += 1

    def use(self, port, turn):
        name, password = f"user{turn}", "a long and rare pass phrase"
        self.expect(201, post(port, "/api/auth/register", {"username": name, "email": f"{name}@example.com", "password": password}))
        logged_in = self.expect(200, post(port, "/api/auth/login", {"username": name, "password": password}))
        token = logged_in["data"]["token"]["access_token"]
        self.expect(200, post(port, "/api/auth/profile", None, token))
        self.expect(200, post(port, "/api/auth/refresh", {}, token))
        self.expect(409, post(port, "/api/auth/register", {"username": name, "email": f"again{turn}@example.com", "password": password}))
        for guess in range(2):
            status, _ = post(port, "/api/auth/login", {"username": "victim", "password": f"guess-{turn}-{guess}"})
            assert status in (401, 403, 429), status
        for _ in range(5):
            token = self.expect(200, post(port, "/api/token/generate", {}))["data"]["access_token"]
            self.expect(200, post(port, "/api/token/validate", {"token": token}))
        self.expect(401, post(port, "/api/token/validate", {"token": f"{token[:-8]}AAAAAAAA"}))
        self.expect(404, post(port, "/nothing", {}))
        fetch(f"http://127.0.0.1:{port}/api/jwks")

    @staticmethod
    def expect(status, answer):
        assert answer[0] == status, answer
        return answer[1]


def filled(expr):
    """An expression of the dashboard with what Grafana fills in."""
    return expr.replace("$__rate_interval", WINDOW).replace("$job", "jwt-generator").replace("$instance", ".+")


def check_rules():
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["health"] == "ok", f"{rule['name']}: {rule['health']} {rule.get('lastError')}"
    firing = [rule["name"] for rule in rules if rule["type"] == "alerting" and rule["state"] == "firing"]
    print(f"Prometheus has evaluated {len(rules)} rules; these alerts fire: {', '.join(firing) or 'none'}")


def check_names():
    """What the shipped files name is in what was scraped."""
    scraped = set(ask("label/__name__/values"))
    alerts = "\n".join(line for line in text("deploy/prometheus/alerts.yml").splitlines() if "runbook_url" not in line)
    said = "\n".join([text("deploy/prometheus/rules.yml"), alerts, *(target["expr"] for _, target in queries())])
    missing = set(METRIC.findall(said)) - scraped
    assert not missing, f"Prometheus has not scraped {', '.join(sorted(missing))}"
    print(f"each metric that rules, alerts and dashboard name was scraped, {len(scraped)} in all")


def check_panels():
    """Each query of the dashboard has data. One that lacks data now may have had it since the start."""
    count = 0
    for panel, target in queries():
        title, expr = panel["title"], filled(target["expr"])
        if title in EMPTY_WITHOUT_INCIDENT:
            ask("query", query=expr)
            continue
        eventually(f"data of the panel {title}: {expr}", lambda expr=expr: value_of(expr))
        count += 1
    print(f"{count} queries of the dashboard have data, {len(EMPTY_WITHOUT_INCIDENT)} panels need an incident")


def check_loss(process):
    """An instance ends. Its alert waits for its five minutes, with all it will say."""
    del started[f"instance-{INSTANCES - 1}"]
    process.send_signal(signal.SIGTERM)
    process.wait()

    def pending():
        alerts = [alert for alert in ask("alerts")["alerts"] if alert["labels"]["alertname"] == "JwtGeneratorInstanceDown"]
        return alerts and alerts[0]

    alert = eventually("the alert of the instance that ended", pending)
    assert alert["state"] == "pending" and alert["labels"]["instance"] == f"127.0.0.1:{ADMINS[-1]}", alert
    assert f"127.0.0.1:{ADMINS[-1]}" in alert["annotations"]["description"], alert
    print(f"an instance ended: {alert['annotations']['description']}")


def main():
    began = time.time()
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(instance(number)) for number in range(INSTANCES)]
        for port in ADMINS:
            eventually(f"the instance at {port}", lambda port=port: fetch(f"http://127.0.0.1:{port}/readyz"))
        with Clients():
            stack.enter_context(scraping())
            eventually("three instances that are up", lambda: sum(value for _, value in value_of("up")) == INSTANCES)
            eventually("rules with values", lambda: value_of("job:http_errors:ratio_rate5m") and value_of("job:jwt_logins_failed:rate5m > 0"))
            check_names()
            check_panels()
            if picture:
                time.sleep(120)  # so that there is something to look at
        assert not faults, faults
        assert [value for _, value in value_of("up")] == [1] * INSTANCES
        check_rules()
        if picture:
            import render

            render.write(picture, lambda expr: ask("query_range", query=filled(expr), start=began, end=time.time(), step=1)["result"])
        check_loss(processes[-1])


main()
