"""Do the objects of a component agree with the service that they are added to?

python components.py NAME RENDERED.yaml CUSTOM.json

It writes the objects whose kinds are not part of Kubernetes to CUSTOM.json, and the others back to RENDERED.yaml.
"""

import json
import pathlib
import sys

import yaml

component, rendered, custom = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
GROUPS = ("external-secrets.io", "gateway.networking.k8s.io", "monitoring.coreos.com")
documents = list(yaml.safe_load_all(rendered.read_text()))
foreign = [document for document in documents if document["apiVersion"].startswith(GROUPS)]
custom.write_text(json.dumps(foreign))
rendered.write_text(yaml.safe_dump_all([document for document in documents if document not in foreign]))


def every(kind):
    return [document for document in documents if document["kind"] == kind]


def named(kind, name="jwt-generator"):
    (found,) = [document for document in every(kind) if document["metadata"]["name"] == name]
    return found


assert {document["metadata"]["namespace"] for document in documents} == {"jwt-generator"}
service, pods = named("Service"), named("Deployment")["spec"]["template"]
ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
assert ports == {"http": 80}, "the Service leads to more than the API"
host = every("ConfigMap")[0]["data"]["JWT_ISSUER"].removeprefix("https://")
open_to = [rule for rule in named("NetworkPolicy")["spec"]["ingress"] if "from" not in rule]
assert all([port["port"] for port in rule["ports"]] == ["http"] for rule in open_to), "the metrics are open to all"


def load_balancer():
    assert service["spec"]["type"] == "LoadBalancer" and service["spec"]["externalTrafficPolicy"] == "Local"
    assert open_to, "the policy lets no client through"


def ingress():
    spec = named("Ingress")["spec"]
    (rule,), (tls,) = spec["rules"], spec["tls"]
    assert [rule["host"]] == tls["hosts"] == [host]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == "jwt-generator" and backend["port"]["name"] in ports


def gateway():
    listeners = {one["name"]: one for one in named("Gateway")["spec"]["listeners"]}
    assert {one["hostname"] for one in listeners.values()} == {host}
    for route in every("HTTPRoute"):
        (parent,) = route["spec"]["parentRefs"]
        assert parent["name"] == "jwt-generator" and parent["sectionName"] in listeners
        assert route["spec"]["hostnames"] == [host]
    (rule,) = named("HTTPRoute")["spec"]["rules"]
    assert [(one["name"], one["port"]) for one in rule["backendRefs"]] == [("jwt-generator", ports["http"])]
    assert named("HTTPRoute")["spec"]["parentRefs"][0]["sectionName"] == "https", "the service would be reached without TLS"


def external_secret():
    spec = named("ExternalSecret")["spec"]
    (volume,) = [one for one in pods["spec"]["volumes"] if "secret" in one]
    assert spec["target"]["name"] == volume["secret"]["secretName"]
    settings = every("ConfigMap")[0]["data"]
    files = {settings[name].rpartition("/")[2] for name in ("MONGODB_URI_FILE", "KEY_ENCRYPTION_KEY_FILE")}
    assert {one["secretKey"] for one in spec["data"]} == files
    assert spec["target"]["creationPolicy"] == "Orphan", "delete -k would delete the keys"


def service_monitor():
    metrics, monitor = named("Service", "jwt-generator-metrics"), named("ServiceMonitor")["spec"]
    labels = metrics["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert not monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items(), "it also selects the API"
    assert metrics["spec"]["selector"].items() <= pods["metadata"]["labels"].items()
    assert [one["port"] for one in monitor["endpoints"]] == [one["name"] for one in metrics["spec"]["ports"]] == ["metrics"]
    assert labels[monitor["jobLabel"]] == "jwt-generator", "the alerts ask for another job"


{"load-balancer": load_balancer, "ingress": ingress, "gateway": gateway, "external-secret": external_secret,
 "service-monitor": service_monitor}[component]()
