"""Renders the chart in every mode with every option: are the objects those of ../kubernetes, and are wrong values refused?

python cases.py FOLDER

It writes the objects of each case to FOLDER, without the kinds that are not part of Kubernetes.
"""

import copy
import itertools
import pathlib
import re
import subprocess
import sys

import yaml

folder = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).resolve().parent
KUBERNETES, ROOT = here.parent / "kubernetes", here.parents[1]
NAME = "jwt-generator"
FOREIGN = ("external-secrets.io", "gateway.networking.k8s.io", "monitoring.coreos.com")
# Option of the chart: the component of kustomize that does the same.
OPTIONS = {
    "loadBalancer": "load-balancer",
    "ingress": "ingress",
    "gateway": "gateway",
    "externalSecret": "external-secret",
    "serviceMonitor": "service-monitor",
}
ONLY_CLUSTER = {"externalSecret"}

# Only the chart has these labels, also in selectors.
CHART_LABELS = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}


def helm(*arguments):
    return subprocess.run([here.parent / "tools/helm", *arguments], capture_output=True, text=True)


def values(mode, *options, extra=()):
    chosen = [f"mode={mode}", *(f"{option}.enabled=true" for option in options), *extra]
    return [argument for value in chosen for argument in ("--set", value)]


def render(mode, *options):
    answer = helm("template", NAME, str(here), "--namespace", NAME, *values(mode, *options))
    assert answer.returncode == 0, answer.stderr
    return [document for document in yaml.safe_load_all(answer.stdout) if document]


def kustomize(mode, *options):
    own = folder / "own"
    own.mkdir(exist_ok=True)
    (own / "kustomization.yaml").write_text(yaml.safe_dump({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [f"../kubernetes/{mode}"],
        "components": [f"../kubernetes/components/{OPTIONS[option]}" for option in options if option in OPTIONS],
    }))
    answer = subprocess.run([here.parent / "tools/kustomize", "build", own], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    documents = list(yaml.safe_load_all(answer.stdout))
    # What README.md of kubernetes/ applies apart belongs to the chart.
    apart = ["volume-claim"] * (mode == "single") + ["pod-monitor"] * ("podMonitor" in options)
    return documents + [yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text()) for name in apart]


def without_chart_labels(node):
    """Removes the labels in every place that has labels or asks for them."""
    if isinstance(node, list):
        return [without_chart_labels(item) for item in node]
    if isinstance(node, dict):
        return {key: without_chart_labels(value) for key, value in node.items() if key not in CHART_LABELS}
    return node


def comparable(documents):
    """By kind and name, without the differences that are allowed:

    - labels of the chart (CHART_LABELS), and labels of objects that carry only the name of the service
    - the name of the ConfigMap has a hash in kustomize; in the chart, the pods have an annotation with it
    - the annotation that makes helm keep the volume claim
    - the pod of `helm test`
    - the words in which checkov is told why the image has a tag
    - the order of lists whose order means nothing
    """
    found = {}
    for document in without_chart_labels(copy.deepcopy(documents)):
        metadata, kind = document["metadata"], document["kind"]
        annotations = metadata.get("annotations", {})
        if annotations.get("helm.sh/hook") == "test":
            continue
        if kind == "PersistentVolumeClaim":
            annotations.pop("helm.sh/resource-policy", None)
        if kind == "ConfigMap":
            metadata["name"] = NAME
        if kind == "Deployment":
            pods = document["spec"]["template"]
            pods["metadata"]["annotations"].pop("checksum/settings", None)
            (container,) = pods["spec"]["containers"]
            annotations.pop("checkov.io/skip1")
            container["envFrom"][0]["configMapRef"]["name"] = NAME
            pods["spec"].get("topologySpreadConstraints", []).sort(key=lambda one: one["topologyKey"])
        if kind == "NetworkPolicy":
            for direction in ("ingress", "egress"):
                document["spec"][direction].sort(key=str)
        # In kustomize, a component's own objects have no labels, and the others have this one.
        metadata.setdefault("labels", {}).setdefault("app.kubernetes.io/name", NAME)
        if not annotations:
            metadata.pop("annotations", None)
        key = (kind, metadata["name"])
        assert key not in found, f"twice: {key}"
        found[key] = document
    return found


def differences(chart, overlay, path=""):
    if isinstance(chart, dict) and isinstance(overlay, dict):
        for key in sorted({*chart, *overlay}, key=str):
            missing = object()
            one, other = chart.get(key, missing), overlay.get(key, missing)
            if one is missing or other is missing:
                yield f"{path}/{key}: only in {'kustomize' if one is missing else 'the chart'}"
            else:
                yield from differences(one, other, f"{path}/{key}")
    elif chart != overlay:
        yield f"{path}: the chart has {chart!r}, and kustomize has {overlay!r}"


def the_chart_equals_the_overlays():
    cases = 0
    for mode, option in itertools.product(("single", "cluster"), (None, *OPTIONS, "podMonitor")):
        if mode == "single" and option in ONLY_CLUSTER:
            continue
        options = [option] if option else []
        documents = render(mode, *options)
        found = list(differences(comparable(documents), comparable(kustomize(mode, *options))))
        assert not found, f"{mode} {option}:\n" + "\n".join(found)
        tests = [one for one in documents if one["metadata"].get("annotations", {}).get("helm.sh/hook")]
        assert [(one["kind"], one["metadata"]["name"]) for one in tests] == [("Pod", f"{NAME}-test")], tests
        (folder / f"{mode}-{option or 'plain'}.yaml").write_text(
            yaml.safe_dump_all([one for one in documents if not one["apiVersion"].startswith(FOREIGN)]))
        cases += 1
    print(f"{cases} cases: equal to the overlays")


def a_difference_is_found():
    chart, overlay = comparable(render("cluster")), comparable(kustomize("cluster"))
    chart[("Deployment", NAME)]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Gi"
    del chart[("PodDisruptionBudget", NAME)]
    assert len(list(differences(chart, overlay))) == 2


def two_releases_share_nothing():
    """The selectors name the release, and the pod of the test is no pod of the service."""
    pods = [one for one in render("cluster") if one["kind"] == "Deployment"][0]["spec"]
    selector = pods["selector"]["matchLabels"]
    assert selector["app.kubernetes.io/instance"] == NAME and selector.items() <= pods["template"]["metadata"]["labels"].items()
    for one in render("cluster", "serviceMonitor"):
        own = one["spec"].get("selector") if one["kind"] in ("Service", "PodDisruptionBudget") else None
        if own:
            assert selector.items() <= own.get("matchLabels", own).items(), one
        if one["kind"] == "Pod":
            assert not selector.items() <= one["metadata"]["labels"].items()


def changed_values_arrive():
    digest = "sha256:" + "0" * 64
    answer = helm("template", "other", str(here), "--namespace", "tokens", *values("cluster", "ingress", "externalSecret", extra=(
        f"image.digest={digest}", "settings.PUBLIC_URL=https://tokens.example.org:8443/auth", "settings.KEY_CUSTODY=aws-kms",
        "secret.name=own", "networkPolicy.egress[0].ports[0].port=443", "networkPolicy.mongodbPort=27018")))
    assert answer.returncode == 0, answer.stderr
    objects = {one["kind"]: one for one in yaml.safe_load_all(answer.stdout) if one}
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"registry.invalid/jwt-generator@{digest}"
    assert pod["volumes"][0]["secret"]["secretName"] == objects["ExternalSecret"]["spec"]["target"]["name"] == "own"
    assert objects["Ingress"]["spec"]["rules"][0]["host"] == "tokens.example.org"
    assert objects["ConfigMap"]["data"]["KEY_CUSTODY"] == "aws-kms", "the mode's setting has won"
    ports = [port["port"] for rule in objects["NetworkPolicy"]["spec"]["egress"] for port in rule["ports"]]
    assert ports == [53, 53, 27018, 443], ports
    assert {one["metadata"]["namespace"] for one in objects.values()} == {"tokens"}
    kinds = {one["kind"] for one in map(dict, yaml.safe_load_all(
        helm("template", NAME, str(here), "--set", "storage.existingClaim=mine").stdout))}
    assert "PersistentVolumeClaim" not in kinds


def wrong_values_are_refused():
    settings = (ROOT / "src/config/settings.rs").read_text()
    secrets = re.findall(r"^\s*([A-Z_]+) = secret\(", settings, re.MULTILINE)
    assert "MONGODB_URI" in secrets, secrets
    wrong = {
        "mode=both": "/mode",
        "mode=single,externalSecret.enabled=true": "the mode single reads no Secret",
        "ingress.enabled=true,gateway.enabled=true": "ingress.enabled and gateway.enabled are both true",
        "serviceMonitor.enabled=true,podMonitor.enabled=true": "serviceMonitor.enabled and podMonitor.enabled are both true",
        "autoscaling.minReplicas=1": "/autoscaling/minReplicas",
        "mode=cluster,autoscaling.minReplicas=5,autoscaling.maxReplicas=4": "autoscaling.maxReplicas is smaller",
        "image.tag=latest": "/image/tag",
        "image.digest=sha256:12": "/image/digest",
        "image.repository=registry.example.com/jwt-generator:1.0.0": "/image/repository",
        "settings.MAX_CONNECTIONS=5": "/settings/MAX_CONNECTIONS",
        "settings.PUBLIC_URL=jwt.example.com": "/settings/PUBLIC_URL",
        "settings.JWT_ISSUER=null": "JWT_ISSUER",
        "settings.jwt_issuer=x": "jwt_issuer",
        "replicas=2": "replicas",
        "ingress.host=x": "host",
        **{f"settings.{name}=x": name for name in (*secrets, "PORT", "ADMIN_ADDRESS", "KEYS_DIR", "DATA_DIR")},
    }
    for value, named in wrong.items():
        answer = helm("template", NAME, str(here), "--set", value)
        assert answer.returncode != 0, f"{value} is accepted"
        assert named in answer.stderr, f"{value}: {answer.stderr}"
    print(f"{len(wrong)} wrong values: refused")


def one_version():
    chart = yaml.safe_load((here / "Chart.yaml").read_text())
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert chart["version"] == chart["appVersion"] == version, (chart, version)


for test in (one_version, the_chart_equals_the_overlays, a_difference_is_found, two_releases_share_nothing, changed_values_arrive,
             wrong_values_are_refused):
    test()
