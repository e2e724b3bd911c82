"""dependabot.py CONFIGURATION: is every tracked file that names versions watched, and is every entry of use?

A file that names versions is a lock, a list of versions, a workflow, or a container file whose images are pulled. That an
image can be followed is held to what Dependabot reads: a literal FROM line, or the default of a variable in compose.yaml.
"""

import pathlib
import re
import subprocess
import sys

import yaml

MANIFESTS = {
    "cargo": r"Cargo\.lock",
    "docker": r"(Docker|Container)file.*|deploy/kubernetes/.*\.yaml",
    "docker-compose": r"(docker-)?compose.*\.ya?ml",
    "github-actions": r"\.github/workflows/.*\.ya?ml",
    "gomod": r"go\.mod",
    "maven": r"pom\.xml",
    "npm": r"package\.json",
    "pip": r".*\.txt",
    "terraform": r".*\.tf",
    "uv": r".*\.txt",
}
# The checks of deploy/ build these for a machine that reaches no image registry; their bases are built there, too.
STAND_INS = ("deploy/compose/stand-ins/Dockerfile", "deploy/docker/base/Dockerfile")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def of_ecosystem(ecosystem, path):
    """Whether the file is one that the ecosystem reads."""
    if not any(re.fullmatch(MANIFESTS[ecosystem], name) for name in (path, path.rsplit("/", 1)[-1])) or path.startswith(STAND_INS):
        return False
    text = pathlib.Path(path).read_text()
    if ecosystem == "docker" and path.startswith("deploy/kubernetes/"):
        return bool(re.search(r"image: (?!registry\.invalid/)", text))
    if ecosystem == "terraform":
        return "required_providers" in text
    if ecosystem in ("pip", "uv"):
        compiled = any(pathlib.Path(path).parent.glob("*.in"))
        return bool(re.search(r"^[\w.\[\]-]+==", text, re.M)) and compiled == (ecosystem == "uv")
    return True


def folder_of(ecosystem, path):
    return "/" if ecosystem == "github-actions" else "/" + path.rpartition("/")[0]


def faults_of_images(path):
    """The images of a Dockerfile or of compose.yaml that Dependabot could not follow."""
    text = pathlib.Path(path).read_text(errors="replace")
    if of_ecosystem("docker", path):
        stages = set(re.findall(r"^FROM .* AS (\S+)", text, re.M | re.I)) | {"scratch"}
        images = [image for image in re.findall(r"^FROM (\S+)", text, re.M | re.I) if image not in stages]
    elif of_ecosystem("docker-compose", path):
        images = [re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", image) for image in re.findall(r"^\s*image: (\S+)", text, re.M)]
        images = [image for image in images if not image.startswith("localhost/")]
    else:
        return []
    return [f"{path}: {image} is no literal image with a digest" for image in images if not DIGEST.search(image)]


def main():
    entries = yaml.safe_load(pathlib.Path(sys.argv[1]).read_text())["updates"]
    watched = {
        (entry["package-ecosystem"], folder)
        for entry in entries
        for folder in entry.get("directories", [entry.get("directory")])
    }
    files = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    files = [path for path in files if pathlib.Path(path).is_file()]
    found = {
        (ecosystem, folder_of(ecosystem, path)): path
        for ecosystem in MANIFESTS
        for path in files
        if of_ecosystem(ecosystem, path)
    }
    faults = [f"{found[place]}: no entry {place[0]} has {place[1]}" for place in sorted(found.keys() - watched)]
    faults += [f"the entry {ecosystem} finds nothing in {folder}" for ecosystem, folder in sorted(watched - found.keys())]
    faults += [fault for path in files for fault in faults_of_images(path)]
    locks = [pathlib.Path(path).with_suffix(".txt") for path in files if path.endswith(".in")]
    faults += [f"{lock}: its first lines name no options" for lock in locks if "# This file was" not in lock.read_text()[:99]]
    if faults:
        sys.exit("\n".join(faults))
    print(f"Dependabot watches {len(found)} places of {len({ecosystem for ecosystem, _ in found})} ecosystems")


main()
