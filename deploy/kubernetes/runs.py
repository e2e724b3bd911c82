"""The program, run as the pods run it: do the probes tell a broken release from a good one, and does a backup go in again?

python runs.py RENDERED.yaml PROGRAM

Every folder of a volume is in a temporary folder here; all else is as the manifests and README.md have it.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from ports import free_ports  # noqa: E402

rendered, program = sys.argv[1:]
documents = list(yaml.safe_load_all(pathlib.Path(rendered).read_text()))
PORT, ADMIN_PORT = free_ports(2)
STATE = "/var/lib/jwt-generator"
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def one(kind):
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def metrics():
    """What a scrape gets."""
    with direct.open(f"http://127.0.0.1:{ADMIN_PORT}/metrics", timeout=60) as answer:
        return answer.read().decode()


def ask(path, body=None):
    """The status and the JSON of an answer, or None if nothing listens."""
    data = body and json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, {"Content-Type": "application/json"})
    try:
        with direct.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)
    except OSError:
        return None


class Pod:
    """The container with its settings, and its volumes in a folder."""

    def __init__(self, folder, uri="mongodb://user:word@127.0.0.1:9/jwt"):
        (self.container,) = one("Deployment")["spec"]["template"]["spec"]["containers"]
        self.root, self.cwd = folder, folder / "cwd"
        self.cwd.mkdir()
        places = [mount["mountPath"] for mount in self.container["volumeMounts"]]
        for place in places:
            (folder / place.strip("/")).mkdir(parents=True)
        self.settings = dict(one("ConfigMap")["data"])
        for name, value in self.settings.items():
            if name.endswith(("_FILE", "_DIR")):
                assert any(value.startswith(f"{place}/") for place in places), f"{name} is on no volume"
                self.settings[name] = str(folder / value.strip("/"))
        secrets = {"MONGODB_URI_FILE": uri, "KEY_ENCRYPTION_KEY_FILE": base64.b64encode(os.urandom(32)).decode()}
        for name in secrets.keys() & self.settings.keys():
            pathlib.Path(self.settings[name]).write_text(secrets[name])
        # A folder to start in that the pod's user may not write to.
        self.cwd.chmod(0o555)

    def run(self, *arguments):
        told = subprocess.run([program, *arguments], env=self.settings, cwd=self.cwd, capture_output=True, check=False)
        assert told.returncode == 0, told.stdout.decode(errors="replace") + told.stderr.decode()
        return told

    def probe(self, name):
        return ask(self.container[f"{name}Probe"]["httpGet"]["path"])

    @contextlib.contextmanager
    def serving(self):
        """The pod once it is alive, until it has ended by SIGTERM."""
        env = self.settings | {"PORT": str(PORT), "ADMIN_ADDRESS": f"127.0.0.1:{ADMIN_PORT}"}
        with open(self.root / "log", "wb") as log, subprocess.Popen(
            [program, *self.container["args"]], env=env, cwd=self.cwd, stderr=log
        ) as process:
            try:
                self.until("liveness", process)
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
        assert process.returncode == 0 and not list(self.cwd.iterdir()), "it did not end well, or wrote beside the volume"

    def until(self, name, process):
        """Waits until the probe passes. What is neither a pass nor a refusal is a fault of the manifests."""
        deadline = time.monotonic() + 60
        while (told := self.probe(name)) is None or told[0] == 503:
            assert process.poll() is None and time.monotonic() < deadline, f"{name}: {told}; {(self.root / 'log').read_text()}"
            time.sleep(0.05)
        assert told[0] == 200, f"{name}: {told}"


def restore_of_readme():
    """The shell that README.md runs in the pod of restore.yaml."""
    (found,) = re.findall(r"exec -i restore -- sh -ec '(.*?)' <jwt-generator\.tar", pathlib.Path("README.md").read_text(), re.S)
    assert STATE in found
    return found


def way_back_of_readme():
    """The shell that takes a restore back; its argument is the name of the folder."""
    (found,) = re.findall(r"exec restore -- sh -ec '(.*?)' - before-", pathlib.Path("README.md").read_text(), re.S)
    assert STATE in found
    return found


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def a_good_release_passes(pod):
    with pod.serving() as process:
        pod.until("startup", process)
        pod.until("readiness", process)
        user = {"username": "ada", "password": "correct horse"}
        assert ask("/api/auth/register", user | {"email": "ada@example.com"})[0] == 201
        assert 'jwt_capability{capability="mint",status="ok"} 1' in metrics(), metrics()
        archive = pod.run("backup", "--to", "-").stdout
        return ask("/api/jwks"), user, archive


def a_backup_goes_in_again(other, keys, user, archive):
    """Into a volume that has another key and other users."""
    with other.serving() as process:
        other.until("startup", process)
        assert ask("/api/jwks") != keys
    volume = other.root / STATE.strip("/")
    script, back = (shell.replace(STATE, str(volume)) for shell in (restore_of_readme(), way_back_of_readme()))
    before = contents(volume)
    # Cut off inside the database, and at the end of a file. tar does not notice the second, but keys are missing.
    for cut in (len(archive) // 2, archive.index(b"keys/ring.json")):
        told = subprocess.run(["sh", "-ec", script], input=archive[:cut], capture_output=True, check=False)
        left = {name: data for name, data in contents(volume).items() if not name.startswith("restored/")}
        assert told.returncode != 0 and left == before, f"a truncated archive changed something: {told}"
    # A second restore ended with "mkdir: 'before': File exists". Each can be taken back.
    for _ in range(2):
        told = subprocess.run(["sh", "-ec", script], input=archive, capture_output=True, check=True)
        name = told.stdout.split()[-1].decode()
    subprocess.run(["sh", "-ec", back, "-", name], check=True)
    (first,) = [path for path in volume.glob("before-*") if list(path.iterdir())]
    subprocess.run(["sh", "-ec", back, "-", first.name], check=True)
    assert contents(volume) == before, "the way back leads to something else"
    subprocess.run(["sh", "-ec", script], input=archive, check=True, stdout=subprocess.DEVNULL)
    with other.serving() as process:
        other.until("startup", process)
        assert ask("/api/jwks") == keys, "the keys of the backup are not there"
        assert ask("/api/auth/login", user)[0] == 200, "the user of the backup is not there"
    print(f"backup: {len(archive) // 1024} KiB by way of standard output; truncated ones change nothing; restored twice, taken back, and restored as README.md says: the key and the user are there")


def a_broken_release_gets_no_request(pod):
    """Its database cannot be reached. It is alive, and that is all."""
    with pod.serving():
        for _ in range(20):
            told = {name: pod.probe(name)[0] for name in ("liveness", "startup", "readiness")}
            assert told == {"liveness": 200, "startup": 503, "readiness": 503}, told
            assert 'jwt_capability{capability="publish",status="down"} 1' in metrics(), metrics()
            time.sleep(0.05)
    print(f"a release without its database: {told}")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        pods = [pathlib.Path(temporary, name) for name in ("one", "two")]
        for folder in pods:
            folder.mkdir()
        pod = Pod(pods[0])
        checked = pod.run("config", "check")
        assert b"is not a setting" not in checked.stderr, checked.stderr
        if "MONGODB_URI_FILE" in pod.settings:
            a_broken_release_gets_no_request(pod)
        else:
            a_backup_goes_in_again(Pod(pods[1]), *a_good_release_passes(pod))


main()
