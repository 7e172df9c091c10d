"""What is mounted, and what is kept: rules that yield what is wrong with a compose file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from settings.variables import SERVICES
from tests.hardening.compose import Project, mounts
from tests.hardening.roles import ONE_SHOTS, ROLES, role

ROOT: Final = Path(__file__).resolve().parent.parent.parent
BINDS: Final[dict[tuple[str, str], bool]] = {
    ("gateway", "gateway/dynamic"): True,
    ("gateway", "secrets/tls"): False,  # certificates of an authority are kept
    ("engine-filter", "gateway/haproxy.cfg"): True,
    ("engine-filter", "/var/run/docker.sock"): True,
    ("prometheus", "deploy/observability/prometheus.yml"): True,
    ("prometheus", "deploy/observability/alerts.yaml"): True,
    ("tempo", "deploy/observability/tempo.yaml"): True,
    ("grafana", "deploy/observability/grafana/provisioning"): True,
    ("grafana", "deploy/observability/grafana/dashboards"): True,
    **{(f"{service}-database", "compose/database.sh"): True for service in SERVICES},
}
"""The files and folders of the host, who mounts them, and whether only to read."""
_CATALOG: Final = frozenset(
    {"catalog", *(f"catalog-{part}" for part in ("worker", "relay", "migrate", "seed"))}
)
VOLUMES: Final[dict[str, frozenset[str]]] = {
    "catalog-media": _CATALOG,
    "catalog-files": _CATALOG,
    **{name: frozenset({name}) for name in ("broker", "prometheus", "tempo", "grafana")},
    **{name: frozenset({name}) for name in (f"{service}-database" for service in SERVICES)},
}
"""The volumes, and who mounts them."""
ENV_FILES: Final[dict[str, frozenset[str]]] = {
    "gateway": frozenset(
        f"gateway/{name}.env" for name in ("traefik", "containers", "traces", "traces-on", "tls")
    ),
    **{part: frozenset({".env"}) for part in (*ROLES, *ONE_SHOTS)},
}
"""The files of variables, by the role of who reads them."""
KEPT: Final = {"database": "/var/lib/postgresql", "broker": "/data"}
"""Where those that must not forget keep what they know."""
_TMPFS_NEEDED: Final = frozenset({"noexec", "nosuid", "nodev"})
_TMPFS_OPTIONS: Final = _TMPFS_NEEDED | {"size", "mode", "uid", "gid"}


def from_root(project: Project, name: str, source: str) -> str:
    """Return a service's path relative to the repository, or absolute when it is outside."""
    path = Path(os.path.normpath(project.places[name].parent / source))
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def writes_nowhere(project: Project) -> Iterator[str]:
    """A read-only root; what is written goes to memory of a stated size, or to a volume of its own."""
    for name, service in project.services.items():
        if service.get("read_only") is not True:
            yield f"{name}: read_only is not set"
        tmpfs = service.get("tmpfs") or ()
        for one in [tmpfs] if isinstance(tmpfs, str) else tmpfs:
            if "size=" not in one:
                yield f"{name}: tmpfs {one} has no size"
            options = {word.partition("=")[0] for word in one.partition(":")[2].split(",")}
            for option in sorted(_TMPFS_NEEDED - options):
                yield f"{name}: tmpfs {one} is not {option}"
            for option in sorted(options - _TMPFS_OPTIONS):
                yield f"{name}: tmpfs {one} has the option {option}"
        if role(name)[0] and role(name)[1] != "database" and not tmpfs:
            yield f"{name}: no tmpfs"


def mounts_nothing_of_the_host(project: Project) -> Iterator[str]:
    """Files of the host are those listed, and are read; the engine's socket is, by its filter alone."""
    for name, service in project.services.items():
        for mount in mounts(service):
            bind = (name, from_root(project, name, mount.source))
            is_socket = mount.source.endswith(".sock") or "docker" in mount.source.lower()
            if is_socket and name != "engine-filter":
                yield f"{name}: has the engine's socket"
            if mount.kind == "bind" and not mount.is_read_only and BINDS.get(bind, True):
                yield f"{name}: can write to {mount.source} of the host"
            if mount.kind == "bind" and mount.source.startswith(("/", "~")) and not is_socket:
                yield f"{name}: {mount.source} is outside of the project"
            if mount.kind == "bind" and bind not in BINDS:
                yield f"{name}: mounts {bind[1]} of the host"


def mounts_its_own_volumes(project: Project) -> Iterator[str]:
    """Volumes are those listed, by the engine's own driver, and each has its users."""
    for volume, options in project.volumes.items():
        if volume not in VOLUMES:
            yield f"volume {volume}: is not listed"
        if options:
            yield f"volume {volume}: has options or a name of its own"
    for name, service in project.services.items():
        for mount in mounts(service):
            if mount.kind == "volume" and name not in VOLUMES.get(mount.source, ()):
                yield f"{name}: mounts the volume {mount.source}"
            if mount.kind not in {"bind", "volume"}:
                yield f"{name}: mounts the {mount.kind} {mount.source}"
        for one in service.get("volumes") or ():
            for option in sorted(_mount_options(one)):
                yield f"{name}: mounts with the option {option}"


def _mount_options(volume: Any) -> set[str]:
    """Return what a mount says beside what a Mount holds."""
    if isinstance(volume, dict):
        return volume.keys() - {"type", "source", "target", "read_only"}
    return {option for part in volume.split(":")[2:] for option in part.split(",")} - {"ro"}


def keeps_what_must_last(project: Project) -> Iterator[str]:
    """Each database and the broker have a volume of their own, over which nothing else is laid."""
    kept: dict[str, str] = {}
    for name, service in project.services.items():
        folder = KEPT.get(role(name)[1])
        if folder is None:
            continue
        mounted = next((one for one in mounts(service) if one.target == folder), None)
        volume = "" if mounted is None else mounted.source
        covered = [one for one in service.get("tmpfs") or () if str(one).startswith(folder)]
        if volume not in project.volumes or mounted is None or mounted.is_read_only or covered:
            yield f"{name}: {folder} is no volume"
        elif volume in kept:
            yield f"{name}: shares its volume with {kept[volume]}"
        kept[volume] = name


def reads_its_own_variables(project: Project) -> Iterator[str]:
    """Variables come from the files listed: `.env` for our processes, the gateway's for the gateway."""
    for name, service in project.services.items():
        files = service.get("env_file") or ()
        for one in [files] if isinstance(files, str) else files:
            path = from_root(project, name, one["path"] if isinstance(one, dict) else one)
            if path not in ENV_FILES.get(role(name)[1], ()):
                yield f"{name}: reads its variables from {path}"


def is_built_here(project: Project) -> Iterator[str]:
    """Our images are built from the repository itself."""
    for name, service in project.services.items():
        context = (service.get("build") or {}).get("context", "..")
        if from_root(project, name, context) != ".":
            yield f"{name}: is built from {context}"


RULES: Final = (
    writes_nowhere,
    mounts_nothing_of_the_host,
    mounts_its_own_volumes,
    keeps_what_must_last,
    reads_its_own_variables,
    is_built_here,
)
