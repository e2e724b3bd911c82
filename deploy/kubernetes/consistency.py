"""What no schema knows of the manifests: do they agree with each other, and with the program?

python consistency.py RENDERED.yaml PROGRAM
"""

import base64
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

# How long the program lets requests under way end after SIGTERM (docs/api.md).
DRAIN = 9

rendered, program = sys.argv[1:]
documents = list(yaml.safe_load_all(pathlib.Path(rendered).read_text()))


def one(kind):
    found = [document for document in documents if document["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


namespaces = {document["metadata"].get("namespace") for document in documents if document["kind"] != "Namespace"}
assert namespaces == {one("Namespace")["metadata"]["name"]}, namespaces

deployment = one("Deployment")["spec"]
pod, labels = deployment["template"]["spec"], deployment["template"]["metadata"]["labels"]
(container,) = pod["containers"]


def selects(selector, whose):
    assert selector and selector.items() <= labels.items(), f"{whose} selects {selector}, and pods have {labels}"


selects(deployment["selector"]["matchLabels"], "Deployment")
selects(one("Service")["spec"]["selector"], "Service")
selects(one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"], "NetworkPolicy")
for constraint in pod.get("topologySpreadConstraints", []):
    selects(constraint["labelSelector"]["matchLabels"], "a topology spread constraint")
clustered = any(document["kind"] == "PodDisruptionBudget" for document in documents)
if clustered:
    selects(one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], "PodDisruptionBudget")
    autoscaler = one("HorizontalPodAutoscaler")["spec"]
    assert autoscaler["minReplicas"] >= 3 and "replicas" not in deployment
else:
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}

# Names meet.
config = one("ConfigMap")
assert container["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
assert pod["serviceAccountName"] == one("ServiceAccount")["metadata"]["name"]
(port,) = container["ports"]
assert (port["name"], str(port["containerPort"])) == ("http", config["data"]["PORT"])
assert one("Service")["spec"]["ports"][0]["targetPort"] == port["name"]
mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
dns = one("NetworkPolicy")["spec"]["egress"][0]["to"][0]["podSelector"]["matchLabels"]
assert dns == {"k8s-app": "kube-dns"}, f"DNS would be looked for at {dns}"

# A pod that leaves loses no request.
pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
probes = [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
assert pod["terminationGracePeriodSeconds"] >= pause + DRAIN + 5
assert {probe["httpGet"]["path"] for probe in probes} == {"/health"}
assert len({probe["periodSeconds"] * probe["failureThreshold"] for probe in probes}) == 3, "the probes do not differ"

# Pod Security: restricted.
assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
own = container["securityContext"]
assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"]
assert own["capabilities"] == {"drop": ["ALL"]}
assert container["image"].count(":") == 1 and not container["image"].endswith(":latest")

# The program takes the settings, with the volumes moved to a folder here.
with tempfile.TemporaryDirectory() as folder:
    root, cwd = pathlib.Path(folder), pathlib.Path(folder, "cwd")
    cwd.mkdir()
    for place in mounts.values():
        (root / place.strip("/")).mkdir(parents=True)
    settings = dict(config["data"])
    for name, value in settings.items():
        if name.endswith(("_FILE", "_DIR")):
            assert any(value.startswith(f"{place}/") for place in mounts.values()), f"{name} is on no volume"
            settings[name] = str(root / value.strip("/"))
        if name == "MONGODB_URI_FILE":
            pathlib.Path(settings[name]).write_text("mongodb://user:word@mongo.example.com/jwt")
        if name == "KEY_ENCRYPTION_KEY_FILE":
            pathlib.Path(settings[name]).write_text(base64.b64encode(os.urandom(32)).decode())
    checked = subprocess.run([program, "config", "check"], env=settings, cwd=cwd, capture_output=True, text=True)
    assert checked.returncode == 0 and "is no setting" not in checked.stderr, checked.stdout + checked.stderr
    if not clustered:
        # As the pod does it: a folder to start in that nobody may write to, and the state on its volume.
        cwd.chmod(0o555)
        settings["PORT"] = "39471"
        with subprocess.Popen([program, *container["args"]], env=settings, cwd=cwd, stderr=subprocess.PIPE) as served:
            url, answered = f"http://127.0.0.1:39471{probes[0]['httpGet']['path']}", None
            for _ in range(probes[0]["failureThreshold"] * 10):
                try:
                    answered = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2).status
                    break
                except OSError:
                    time.sleep(0.1)
            served.send_signal(signal.SIGTERM)
            log = served.stderr.read().decode()
        assert (answered, served.returncode) == (200, 0), log
        assert not list(cwd.iterdir()), "something was written beside the volume"
        assert (root / "var/lib/jwt-generator/keys/ring.json").exists()
