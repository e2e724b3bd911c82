"""nginx with the shipped settings, and the program behind it: is what the settings promise what happens?

python run.py NGINX PROGRAM FOLDER
"""

import base64
import collections
import contextlib
import html
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse

from front import ADDRESS, COMMAND, MAX_AGE, NAME, NEXT, PLAIN, SERVICE, TLS, Connection, ask, folder, in_words, proxy, service

JWKS = ["/api/jwks", "/api/jwks.json", "/api/.well-known/jwks.json", "/.well-known/jwks.json", "/API/JWKS/", "/api/jwks?x=1"]


def logged(answers):
    """The lines of nginx's log on these answers. nginx writes them after it has answered."""
    wanted = {answer.headers["X-Request-Id"] for answer in answers}
    deadline = time.monotonic() + 30
    while True:
        whole_lines = (folder / "jwt-generator.log").read_text().rpartition("\n")[0].splitlines()
        found = [entry for entry in map(json.loads, whole_lines) if entry["request_id"] in wanted]
        if len(found) == len(wanted):
            return found
        assert time.monotonic() < deadline, f"{len(found)} of {len(wanted)} answers are in the log"
        time.sleep(0.01)


def count(answers):
    entries = logged(answers)
    caches = collections.Counter(entry["cache"] for entry in entries)
    asked = collections.Counter(entry["upstream_status"] for entry in entries if entry["upstream_status"])
    return dict(caches), dict(asked)


def names_and_protocols():
    curl = ["curl", "-sS", "--noproxy", "*", "--cacert", folder / f"{NAME}.crt", "--resolve", f"{NAME}:{TLS}:127.0.0.1"]
    written = ["-o", os.devnull, "-w", "%{http_version} %{response_code}"]
    told = subprocess.run([*curl, *written, f"https://{NAME}:{TLS}/health"], capture_output=True, text=True, check=True)
    assert told.stdout == "2 200", told.stdout
    refused = subprocess.run([*curl, "-k", f"https://127.0.0.1:{TLS}/health"], capture_output=True, check=False)
    assert refused.returncode == 35, "a handshake for another name is refused"
    assert ask("/health", host="evil.example.com").status == 421
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", PLAIN)) as plain:
        plain.request("GET", "/api/docs/?a=b", headers={"Host": NAME})
        moved = plain.getresponse()
        assert (moved.status, moved.headers["Location"]) == (301, f"https://{NAME}/api/docs/?a=b")
    print("HTTP/2; plain HTTP moves to HTTPS; other names are refused")


def challenges_are_answered():
    """An authority comes by plain HTTP and, at this path, is not sent elsewhere."""
    challenges = folder / "acme/.well-known/acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "t0ken").write_text("t0ken.thumbprint")
    told = []
    for name in ("t0ken", "unknown"):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", PLAIN)) as plain:
            plain.request("GET", f"/.well-known/acme-challenge/{name}", headers={"Host": NAME})
            answer = plain.getresponse()
            told.append((answer.status, answer.read() if answer.status == 200 else None))
    assert told == [(200, b"t0ken.thumbprint"), (404, None)], told


def headers_stand_once():
    for path in ("/health", "/api/jwks", "/api/docs/docs", "/nothing"):
        headers = ask(path).headers
        for name in ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options", "X-Request-Id"):
            assert len(headers.get_all(name, [])) == 1, f"{path}: {name}: {headers.get_all(name)}"
    assert ask("/health", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    assert ask("/health", headers={"X-Request-Id": "no good"}).headers["X-Request-Id"] != "no good"


def key_set_is_cached():
    time.sleep(MAX_AGE + 2)  # what other steps have asked for is old by now
    with contextlib.closing(Connection()) as fast:
        answers = [ask(path, connection=fast) for path in JWKS for _ in range(5)]
        again = ask("/api/jwks", headers={"If-None-Match": answers[0].headers["ETag"]}, connection=fast)
        head = ask("/api/jwks", "HEAD", connection=fast)
    assert (again.status, head.status) == (304, 200)
    assert {answer.status for answer in answers} == {200} and len({answer.body for answer in answers}) == 1
    assert {answer.headers["Cache-Control"] for answer in answers} == {"public, max-age=300"}
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in answers} == {"*"}
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers), "an id is told twice"
    caches, asked = count([*answers, again, head])
    # The first may be a 200 or, if the copy is only old, a 304. It is one request in both cases.
    assert caches.get("HIT") == len(answers) + 1 and sum(asked.values()) == 1, (caches, asked)
    print(f"key set: {len(answers) + 2} requests, {caches['HIT']} hits, 1 question to the service")
    later = []
    for _ in range(2):
        time.sleep(MAX_AGE + 2)
        later.append(ask("/api/jwks"))
    assert {answer.body for answer in later} == {answers[0].body}
    caches, asked = count(later)
    assert (caches, asked) == ({"REVALIDATED": 2}, {"304": 2}), (caches, asked)
    print("key set: after its max-age, 2 questions by ETag, 2 answers 304")


def nothing_stale_is_served(process):
    time.sleep(MAX_AGE + 2)
    asked_at = time.monotonic()
    assert ask("/api/jwks").status == 200
    fetched_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait()
    last = None
    for path in ("/health", "/api/auth/profile"):
        in_words(ask(path), 503, "unavailable")
    while (answer := ask("/api/jwks")).status == 200:
        last = time.monotonic()
        time.sleep(0.1)
    in_words(answer, 503, "unavailable")
    assert answer.headers["Cache-Control"] is None and answer.headers["Retry-After"] == "5"
    # nginx counts whole seconds.
    assert last - asked_at > MAX_AGE - 2, "it was not served for as long as it may be"
    assert last - fetched_at <= MAX_AGE + 1, f"it was served for {last - fetched_at:.1f} s"
    print(f"key set: served for {last - fetched_at:.1f} s after the service had gone (max-age {MAX_AGE} s), then 503")


def first_refusal(path, method, client, code):
    """How many requests passed before one was refused for this reason. What a client says of its address changes nothing."""
    with contextlib.closing(Connection(client)) as fast:
        for passed in range(2000):
            spoofed = {"X-Forwarded-For": f"203.0.113.{passed % 250}"}
            answer = ask(path, method, None if method == "GET" else {}, spoofed, connection=fast)
            if answer.status == 429:
                in_words(answer, 429, code)
                assert int(answer.headers["Retry-After"]) >= 1, answer
                return passed, [ask(other, method, {}, connection=fast).status for other in (path.upper(), f"{path}//")]
    raise AssertionError(f"{path}: 2000 requests of {client} passed")


def flood(count):
    """How many of so many requests at once passed nginx. It answers them by itself, so that they are fast on any machine."""
    assert ask("/api/jwks").status == 200
    with contextlib.closing(Connection("127.0.1.1")) as connection:
        connection.connect()
        request = f"GET /api/jwks HTTP/1.1\r\nHost: {NAME}\r\n"
        connection.sock.sendall((f"{request}\r\n" * (count - 1) + f"{request}Connection: close\r\n\r\n").encode())
        answers = b"".join(iter(lambda: connection.sock.recv(65536), b""))
    statuses = collections.Counter(re.findall(rb"HTTP/1.1 (\d+)", answers))
    assert statuses.keys() == {b"200", b"429"} and statuses.total() == count, statuses
    assert b'"code":"too_many_requests"' in answers
    return statuses[b"200"]


def limits_hold():
    """Those of the service know each client behind nginx; that of nginx keeps a flood away."""
    passed = flood(400)
    assert passed >= 100, passed
    print(f"a flood: {passed} of 400 requests passed, the others got 429 from nginx")
    for number, path in enumerate(("/api/auth/login", "/api/auth/register"), 2):
        client = f"127.0.1.{number}"
        passed, spelled = first_refusal(path, "POST", client, "rate_limited")
        assert passed >= 60, f"{path}: {passed}"
        assert 429 in spelled, f"another spelling of {path} is a way round the limit"
        with contextlib.closing(Connection("127.0.1.250")) as another:
            assert ask(path, "POST", {}, connection=another).status == 400, "another client shares the limit"
        assert ask("/health").status == 200
        print(f"limit: {path}: {passed} passed, then the service answered 429")


def limits_count_networks():
    def counted(address):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", ADDRESS)) as connection:
            connection.request("GET", "/", headers={"X-Address": address})
            return tuple(connection.getresponse().read().decode().split(" "))

    # For its address or /64, and for its /48.
    assert counted("203.0.113.7") == ("203.0.113.7", "")
    assert counted("2001:db8:1:2:3:4:5:6") == counted("2001:db8:1:2:ffff::1") == ("2001:db8:1:2:", "2001:db8:1:")
    assert counted("2001:db8:1:2::9") == ("2001:db8:1:2:", "2001:db8:1:") and counted("2001:db8:1:3::9") == ("2001:db8:1:3:", "2001:db8:1:")
    assert counted("2001:db8::1") == counted("2001:db8::2") == ("2001:db8::", "2001:db8::") != counted("2001:db9::1")
    # NAT64: the IPv4 address is in the last 32 bits.
    assert counted("64:ff9b::203.0.113.7") == ("64:ff9b::cb00:7107", "") != counted("64:ff9b::198.51.100.7")


def sizes_fit():
    in_words(ask("/api/token/generate", "POST", b"x" * (100 * 1024 + 1)), 413, "body_too_large")
    in_words(ask("/api/auth/profile", headers={"Authorization": f"Bearer {'x' * 16000}"}), 401, "invalid_token")


class Browser:
    """Keeps cookies, follows redirects within the service, and submits the form of a page."""

    def __init__(self):
        self.cookies = {}

    def open(self, path, fields=None):
        """The last address and its answer. An address outside of the service has no answer."""
        method, body = ("GET", None) if fields is None else ("POST", urllib.parse.urlencode(fields).encode())
        while path.startswith("/"):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            if body is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = ask(path, method, body, headers)
            for cookie in answer.headers.get_all("Set-Cookie", []):
                assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            if answer.status != 303:
                return path, answer
            path, method, body = answer.headers["Location"], "GET", None
        return path, None

    def submit(self, page, **typed):
        text = page.body.decode()
        form = re.search(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', text, re.DOTALL)
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[2])
        return self.open(html.unescape(form[1]), {name: html.unescape(value) for name, value in hidden} | typed)


def a_user_logs_in():
    """With a request as long as the service accepts one, so that headers and addresses are as long as they can be."""
    user = {"username": "alice", "email": "alice@example.com", "password": "a long secret of alice"}
    assert ask("/api/auth/register", "POST", user).status == 201
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # and its challenge: RFC 7636, appendix B
    client = {"client_id": "app", "redirect_uri": "https://app.example.com/callback"}
    asked = client | {"response_type": "code", "scope": "openid", "code_challenge_method": "S256"}
    asked |= {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "state": "s" * 5600}
    browser = Browser()
    path, page = browser.open("/oauth/authorize?" + urllib.parse.urlencode(asked))
    assert page.status == 200 and path.startswith("/oauth/login?") and len(path) > 7500, (page.status, path[:80])
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    _, consent = browser.submit(page, username="alice", password=user["password"])
    assert set(browser.cookies) == {"__Host-form", "__Host-session"}, browser.cookies
    returned, _ = browser.submit(consent, answer="allow")
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(returned).query))
    assert (answer["state"], answer["iss"]) == (asked["state"], f"https://{NAME}"), returned
    form = client | {"grant_type": "authorization_code", "code": answer["code"], "code_verifier": verifier}
    told = ask("/oauth/token", "POST", urllib.parse.urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    assert told.status == 200 and "id_token" in json.loads(told.body), told
    assert answer["code"] not in (folder / "jwt-generator.log").read_text(), "the log contains a code"
    print(f"a user logged in by the pages, with an address of {len(path)} bytes")


SPOOFED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example.com",
    "X-Real-IP": "203.0.113.9",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "Forwarded": "for=203.0.113.9;host=evil.example.com",
    "Proxy": "http://evil.example.com",
    "X-Request-Id": "r1",
}


def spoofed_headers_change_nothing():
    for path in ("/api/docs/openapi.json", "/api/docs/", "/health", "/"):
        honest, spoofed = ask(path, headers={"X-Request-Id": "r1"}), ask(path, headers=SPOOFED)
        same = [[answer.status, answer.headers["Location"], answer.headers["ETag"]] for answer in (honest, spoofed)]
        assert same[0] == same[1] and b"evil" not in spoofed.body, path


def spoofed_headers_do_not_arrive():
    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(sorted([name.lower(), value] for name, value in self.headers.items())).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", SERVICE), Echo) as echo:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
        honest, spoofed = ask("/x", headers={"X-Request-Id": "r1"}), ask("/x", headers=SPOOFED)
        echo.shutdown()
    assert json.loads(honest.body) == json.loads(spoofed.body), (honest.body, spoofed.body)
    arrived = dict(json.loads(spoofed.body))
    assert arrived["host"] == arrived["x-forwarded-host"] == NAME and arrived["x-forwarded-proto"] == "https"
    assert arrived["x-forwarded-for"] == arrived["x-real-ip"] == "127.0.0.1"
    print(f"{len(SPOOFED) - 1} spoofed headers: the service sees the same as without them")


class Load:
    """Clients that ask without end, each from an address of its own, so that no limit is reached."""

    CLIENTS, PAUSE = 8, 0.1
    REQUESTS = (("/api/token/generate", "POST", {}, 200), ("/api/key-info", "GET", None, 200))

    def __init__(self):
        self.done, self.lost, self.slowest, self.ending = 0, [], 0.0, threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(n,)) for n in range(self.CLIENTS)]

    def client(self, number):
        while not self.ending.wait(self.PAUSE):
            for path, method, body, status in self.REQUESTS:
                began = time.monotonic()
                try:
                    with contextlib.closing(Connection(f"127.0.0.{number + 2}")) as connection:
                        told = ask(path, method, body, connection=connection).status
                except OSError as error:
                    told = repr(error)
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.done += 1
                if told != status:
                    self.lost.append((method, path, told))

    def go_on(self, requests=100):
        """Returns when so many more have been answered."""
        until = self.done + requests
        while self.done < until:
            time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()


def switch(port, seconds, command=" ".join(COMMAND)):
    env = os.environ | {"SERVERS": folder / "servers", "PID_FILE": folder / "run.pid", "NGINX_COMMAND": command, "SECONDS_TO_RELOAD": "2"}
    env |= {"SECONDS_TO_READY": str(seconds)}
    script = pathlib.Path(__file__).with_name("switch")
    told = subprocess.run([script, f"127.0.0.1:{port}"], env=env, capture_output=True, text=True, check=False)
    return told.returncode, told.stdout + told.stderr


def a_reload_that_fails_is_said():
    """nginx takes the settings when they are tested, and does not reload them: switch waited for ever, or said that all is well."""
    servers = (folder / "servers").read_text()
    deaf = folder / "deaf-nginx"
    deaf.write_text("#!/bin/sh\ncase $* in *reload*) exit 0 ;; esac\nexec " + " ".join(COMMAND) + ' "$@"\n')
    deaf.chmod(0o755)
    code, told = switch(NEXT, 30, str(deaf))
    assert code == 1 and "nginx was not changed: it did not reload" in told, (code, told)
    assert (folder / "servers").read_text() == servers, "the list of services was not put back"


def a_broken_release_loses_no_request():
    """Two releases that cannot load the keys are started at the next port, and a good one after them."""
    sealing, wrong = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    ring = {"KEY_CUSTODY": "database", "DATA_DIR": folder / "shared"}
    # The first is alive, and says so at /health; the second ends at once.
    broken = {
        "a database that cannot be reached": ({"KEY_ENCRYPTION_KEY": sealing, "MONGODB_URI": "mongodb://127.0.0.1:9/jwt"}, True),
        "a wrong KEY_ENCRYPTION_KEY": ({"KEY_ENCRYPTION_KEY": wrong}, False),
    }
    good = ring | {"KEY_ENCRYPTION_KEY": sealing}
    with service(**good) as before, Load() as load:
        load.go_on()
        for what, (settings, alive) in broken.items():
            with service(NEXT, **ring | settings) as process:
                code, told = switch(NEXT, 3)
                assert (process.poll() is None) == alive, what
            assert code == 1 and "is not ready" in told, (what, code, told)
            load.go_on()
            assert not load.lost, (what, load.lost)
        refused = load.done
        with service(NEXT, **good):
            a_reload_that_fails_is_said()
            code, told = switch(NEXT, 30)
            assert code == 0, told
            before.send_signal(signal.SIGTERM)
            before.wait()
            load.go_on()
            load.ending.set()
            for thread in load.threads:
                thread.join()
    assert not load.lost, load.lost
    print(f"rollout: {refused} requests while {len(broken)} broken releases were held back, {load.done - refused} while a good one "
          f"took over: none lost, the slowest took {load.slowest:.2f} s")


with proxy():
    app = {"client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example.com/callback"]}
    app |= {"grant_types": ["authorization_code"], "scope": "openid"}
    (folder / "clients.json").write_text(json.dumps([app]))
    with service(ISSUER_URL=f"https://{NAME}", CLIENTS_FILE=folder / "clients.json", DEMO_TOKENS="true") as process:
        a_user_logs_in()
        names_and_protocols()
        challenges_are_answered()
        headers_stand_once()
        sizes_fit()
        key_set_is_cached()
        spoofed_headers_change_nothing()
        nothing_stale_is_served(process)
    spoofed_headers_do_not_arrive()
    a_broken_release_loses_no_request()
    with service():
        (folder / "servers").write_text(f"server 127.0.0.1:{SERVICE} max_fails=0;\n")
        assert switch(SERVICE, 30)[0] == 0
        assert ask("/api/jwks").status == 200, "the service is back"
        limits_count_networks()
        limits_hold()
