"""What no schema knows of the manifests: do they agree with each other, and with what README.md promises?

python consistency.py RENDERED.yaml
"""

import pathlib
import sys

import yaml

sys.path.append("../tools")
from memory import check_fit  # noqa: E402

# How long the program lets requests under way end after SIGTERM (docs/api.md).
DRAIN = 9

documents = list(yaml.safe_load_all(pathlib.Path(sys.argv[1]).read_text()))
namespace, claim, snapshot, restore, monitor = (
    yaml.safe_load(pathlib.Path(f"{name}.yaml").read_text())
    for name in ("namespace", "volume-claim", "snapshot", "restore", "pod-monitor")
)


def one(kind):
    found = [document for document in documents if document["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


apart = (claim, snapshot, restore, monitor)
namespaces = {document["metadata"].get("namespace") for document in [*documents, *apart]}
assert namespaces == {namespace["metadata"]["name"]}, namespaces

# What `kubectl delete -k` deletes holds no keys: no claim, no secret, and not the namespace with all that is in it.
kept = {"Namespace", "PersistentVolumeClaim", "Secret"} & {document["kind"] for document in documents}
assert not kept, f"delete -k would delete {kept}"

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
    # By default cordoned and tainted nodes count as places that stay empty, and pods wait for ever.
    assert (constraint["nodeTaintsPolicy"], constraint["nodeAffinityPolicy"]) == ("Honor", "Honor"), constraint
clustered = any(document["kind"] == "PodDisruptionBudget" for document in documents)
if clustered:
    selects(one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], "PodDisruptionBudget")
    autoscaler = one("HorizontalPodAutoscaler")["spec"]
    assert autoscaler["minReplicas"] >= 3 and "replicas" not in deployment
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, "a rollout takes away pods that work"
else:
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]]
    claims += [volume["persistentVolumeClaim"]["claimName"] for volume in restore["spec"]["volumes"]]
    assert {*claims, snapshot["spec"]["source"]["persistentVolumeClaimName"]} == {claim["metadata"]["name"]}

# Names meet.
config = one("ConfigMap")
assert container["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
assert pod["serviceAccountName"] == one("ServiceAccount")["metadata"]["name"]
ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
assert ports == {"http": config["data"]["PORT"], "metrics": config["data"]["ADMIN_ADDRESS"].rpartition(":")[2]}, ports
assert [port["targetPort"] for port in one("Service")["spec"]["ports"]] == ["http"], "a Service must not lead to the metrics"
mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
dns = one("NetworkPolicy")["spec"]["egress"][0]["to"][0]["podSelector"]["matchLabels"]
assert dns == {"k8s-app": "kube-dns"}, f"DNS would be looked for at {dns}"

# Only Prometheus reaches the metrics, and it finds them in each of its two ways.
metered = [rule for rule in one("NetworkPolicy")["spec"]["ingress"] if any(port["port"] != "http" for port in rule["ports"])]
assert [[port["port"] for port in rule["ports"]] for rule in metered] == [["metrics"]], metered
assert all("namespaceSelector" in peer and "podSelector" in peer for peer in metered[0]["from"]), metered
annotations = deployment["template"]["metadata"]["annotations"]
assert annotations["prometheus.io/port"] == ports["metrics"]
selects(monitor["spec"]["selector"]["matchLabels"], "PodMonitor")
assert labels[monitor["spec"]["jobLabel"]] == "jwt-generator", "the alerts ask for another job"
assert [endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]] == ["metrics"]

# A pod that leaves loses no request.
pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
probes = {name: container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
assert pod["terminationGracePeriodSeconds"] >= pause + DRAIN + 5
patience = {name: probe["periodSeconds"] * probe["failureThreshold"] for name, probe in probes.items()}
assert patience["readiness"] < patience["liveness"] < patience["startup"], patience

# What connections and bodies may take is within the limit: the pod would be killed otherwise.
print(check_fit("a pod", container["resources"]["limits"]["memory"], config["data"]))

# Pod Security: restricted.
for each in (pod, restore["spec"]):
    assert each["securityContext"]["runAsNonRoot"] and each["securityContext"]["runAsUser"] > 0
    assert each["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    own = each["containers"][0]["securityContext"]
    assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
assert restore["spec"]["securityContext"]["runAsUser"] == pod["securityContext"]["runAsUser"]

# The default image is in no registry: .invalid is a name that cannot exist (RFC 2606).
repository, tag = container["image"].rsplit(":", 1)
assert repository == "registry.invalid/jwt-generator" and tag != "latest", container["image"]
