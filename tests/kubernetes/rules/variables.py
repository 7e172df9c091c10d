"""Every variable that a process gets is known to its service, and good; none lacks."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest import mock

import yaml

from settings import env
from settings.variables import REQUIRED, SERVICES
from tests.environment import environment
from tests.kubernetes import FOLDER
from tests.kubernetes.manifests import Manifests, Pod

SECRETS: Final = "/run/secrets/souk/"


def _processes(manifests: Manifests) -> list[Pod]:
    return [pod for pod in manifests.pods() if pod.service in SERVICES]


def given(manifests: Manifests, pod: Pod) -> dict[str, str]:
    """Return the environment of a pod, as the cluster puts it together; `plain` tells what it leaves out."""
    values: dict[str, str] = {}
    for container in pod.containers:
        for one in container.get("envFrom", []):
            found = manifests.find("ConfigMap", one.get("configMapRef", {}).get("name"))
            values |= found.get("data", {}) if found else {}
        values |= {one["name"]: one.get("value", "") for one in container.get("env", [])}
    return values


def plain(manifests: Manifests) -> Iterator[str]:
    """Come from a whole ConfigMap, or as a value that stands there."""
    for pod in manifests.pods():
        for container in pod.containers:
            for one in container.get("envFrom", []):
                if one.keys() != {"configMapRef"} or one["configMapRef"].keys() != {"name"}:
                    yield f"{pod.called(container)}: takes variables from {sorted(one)}"
            for one in container.get("env", []):
                if one.keys() != {"name", "value"}:
                    yield f"{pod.called(container)}: {one['name']} has no plain value"


def _variable(name: str, service: str) -> str:
    """Return the variable that NAME_FILE is for; HEALTH_FILE is one itself."""
    if name in {variable.name for variable in env.variables_of(service)}:
        return name
    return name.removesuffix("_FILE")


def known_and_given(manifests: Manifests) -> Iterator[str]:
    """Name no variable that the service does not read, and each that it requires."""
    for pod in _processes(manifests):
        declared = {variable.name: variable for variable in env.variables_of(pod.service)}
        names = {_variable(name, pod.service) for name in given(manifests, pod)}
        for name in sorted(names - declared.keys()):
            yield f"{pod.label}: {pod.service} knows no variable {name}"
        for name, variable in declared.items():
            if variable.default is REQUIRED and name not in names:
                yield f"{pod.label}: {name} is required and not given"


def readable(manifests: Manifests) -> Iterator[str]:
    """Have values that the service itself takes; those of secrets are made up."""
    for pod in _processes(manifests):
        values = given(manifests, pod)
        with tempfile.TemporaryDirectory() as folder:
            for name in list(values):
                variable = _variable(name, pod.service)
                if variable != name:
                    file = Path(folder) / name
                    file.write_text(_example(pod.service, variable))
                    values[name] = str(file)
            with mock.patch.dict(os.environ, values, clear=True):
                try:
                    env.read(pod.service)
                except SystemExit as error:
                    yield f"{pod.label}: {error}"


def _example(service: str, name: str) -> str:
    """Return a good value of a secret."""
    others = {
        "MAIL_URL": "console:",
        "SECRET_KEY_FALLBACKS": "",
        "WEBHOOK_SECRETS": f"whsec_{'A' * 43}=",
    }
    return {**others, **environment(service)}.get(name, "made-up")


def secrets(manifests: Manifests) -> Iterator[str]:
    """Give as a secret what is one, of the service's own Secret, by a key that the example has."""
    listed = {
        one["metadata"]["name"]: set(one["stringData"])
        for one in yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text())
    }
    for one in manifests.of("Secret"):
        yield f"Secret {one['metadata']['name']}: a secret stands in the manifests"
    for pod in manifests.pods():
        volumes = [one["secret"] for one in pod.spec.get("volumes", []) if "secret" in one]
        names = [one.get("secretName") for one in volumes]
        # The gateway's certificates come from the cluster's API.
        if names != ([f"souk-{pod.service}"] if pod.service in SERVICES else []):
            yield f"{pod.label}: mounts the secrets {names}"
    for pod in _processes(manifests):
        keys = listed[f"souk-{pod.service}"]
        for name, value in given(manifests, pod).items():
            variable = _variable(name, pod.service)
            if variable != name and (value != SECRETS + variable or variable not in keys):
                yield f"{pod.label}: secrets.example.yaml has no {value} for {name}"
            if name in keys:
                yield f"{pod.label}: {name} is a secret, and stands in a ConfigMap"


def files_of_the_catalog(manifests: Manifests) -> Iterator[str]:
    """Keep pictures and files where every process of the catalog sees them."""
    for pod in _processes(manifests):
        if pod.service != "catalog" or pod.component == "migrate":
            continue
        values = given(manifests, pod)
        volumes = pod.spec.get("volumes", [])
        shared = {one["name"] for one in volumes if "persistentVolumeClaim" in one}
        mounts = [one for each in pod.containers for one in each.get("volumeMounts", [])]
        places = [one["mountPath"] for one in mounts if one["name"] in shared]
        for name in ("MEDIA_ROOT", "FILES_ROOT"):
            folder = values.get(name, "")
            if "S3_BUCKET" not in values and not any(folder.startswith(f"{p}/") for p in places):
                yield f"{pod.label}: {name} is {folder or 'not given'}: no volume that all see"
