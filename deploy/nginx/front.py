"""nginx with the shipped settings, the program behind it, and clients that ask: what run.py and attacks.py need.

Both take NGINX PROGRAM FOLDER as their arguments. FOLDER has placed.conf and the certificate; see check.
"""

import collections
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_ports  # noqa: E402

nginx, program, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
NAME = "jwt.example.com"
MAX_AGE = 6
Answer = collections.namedtuple("Answer", "status headers body")
trusted = ssl.create_default_context(cafile=folder / f"{NAME}.crt")
TLS, PLAIN, ADDRESS, SERVICE, NEXT = free_ports(5)


class Connection(http.client.HTTPSConnection):
    """To nginx, whatever the name, from an address of this machine."""

    def __init__(self, client="127.0.0.1"):
        super().__init__(NAME, TLS)
        self.client = client

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", TLS), 30, (self.client, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = trusted.wrap_socket(plain, server_hostname=NAME)


def ask(path, method="GET", body=None, headers=(), host=NAME, connection=None):
    with contextlib.nullcontext(connection) if connection else contextlib.closing(Connection()) as connection:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host)
        body = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        if body is not None:
            if "Content-Type" not in dict(headers):
                connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", len(body))
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def until_open(port, process):
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)


@contextlib.contextmanager
def running(arguments, port, env=None):
    log = (folder / f"{pathlib.Path(arguments[0]).name}.stderr").open("ab")
    with subprocess.Popen(arguments, cwd=folder, env=env, stderr=log) as process:
        try:
            until_open(port, process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def service(port=SERVICE, **more):
    settings = {"HOST": "127.0.0.1", "PORT": port, "KEYS_DIR": folder / "keys", "DATA_DIR": folder / "data"}
    settings |= {"JWKS_MAX_AGE": f"{MAX_AGE}s", "KEY_REFRESH": "1s", "BCRYPT_ROUNDS": 4}
    settings |= {"ALLOWED_ORIGINS": "https://app.example.com", "TRUSTED_PROXIES": "127.0.0.1", "ADMIN_ADDRESS": "off"} | more
    return running([program], port, {name: str(value) for name, value in settings.items()})


COMMAND = [nginx, "-c", str(folder / "run.conf"), "-e", str(folder / "error.log")]


def proxy(services=(SERVICE,), more=""):
    """nginx with the shipped servers in front of these services, and with these directives for all of them."""
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Beside the shipped servers one that tells for whom the limits would count, with the address from a header.
    counted = f"""    server {{
        listen 127.0.0.1:{ADDRESS};
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Address;
        return 200 "$jwt_generator_client $jwt_generator_network";
    }}
"""
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "run.conf").write_text(
        f"{user}daemon off;\npid {folder}/run.pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n"
        f"    access_log off;\n{temporary}{more}    include {folder}/ports.conf;\n{counted}}}\n"
    )
    (folder / "servers").write_text("".join(f"server 127.0.0.1:{port} max_fails=0;\n" for port in services))
    placed = (folder / "placed.conf").read_text().replace("TLS_PORT", str(TLS)).replace("PLAIN_PORT", str(PLAIN))
    (folder / "ports.conf").write_text(placed)
    return running(COMMAND, TLS)


def in_words(answer, status, code):
    assert answer.status == status, answer
    said = json.loads(answer.body)
    assert said["success"] is False and said["code"] == code and said["error"], said
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8", answer
    assert len(answer.headers.get_all("Strict-Transport-Security")) == 1, answer
