"""What every service of the compose file has to have, each rule a function that yields what is wrong."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final

from chassis import draining
from settings.variables import SERVICES, VARIABLES
from tests.hardening import compose_reach
from tests.hardening.compose import Project, environment, interpolate, mounts, seconds
from tests.hardening.roles import OURS, ROLES, is_one_shot, is_ours, role

Rule = Callable[[Project], Iterator[str]]

GRACEFUL_SECONDS: Final = 30
"""What gunicorn gives requests to end (chassis/management/commands/web.py)."""
STOP_SECONDS: Final = {"worker": 60, "relay": 20, "database": 30}
"""How long each may take; workers and relays as on one machine (local/plan.py)."""
# Images that hold nothing which could ask the process.
UNASKED: Final = frozenset({"tempo"})
# Folders of the host that are written to: certificates of an authority are kept.
WRITTEN: Final = frozenset({("gateway", "../secrets/tls")})
# Another image by the variable must be of the same release.
ENGINES: Final = {
    "database": "postgres:18",
    "broker": "valkey/valkey:9",
    "cache": "valkey/valkey:9",
}
KEPT: Final = {"database": "/var/lib/postgresql", "broker": "/data"}
"""Where those that must not forget keep what they know."""
_OVERRIDABLE: Final = re.compile(r"\$\{[A-Z]+_IMAGE:-[^}]+\}")
_VERSION: Final = re.compile(r"(?:[\w.-]+/)*[\w.-]+:v?\d[\w.-]*(@sha256:[0-9a-f]{64})?")


def has_no_rights(project: Project) -> Iterator[str]:
    """Capabilities, privileges, namespaces and devices of the host."""
    for name, service in project.services.items():
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name}: cap_drop is not ALL"
        if service.get("cap_add"):
            yield f"{name}: cap_add"
        if "no-new-privileges:true" not in (service.get("security_opt") or ()):
            yield f"{name}: no-new-privileges is not set"
        if any("unconfined" in str(one) for one in service.get("security_opt") or ()):
            yield f"{name}: security_opt unconfined"
        for key in (
            "privileged",
            "devices",
            "device_cgroup_rules",
            "cgroup_parent",
            "volumes_from",
        ):
            if service.get(key):
                yield f"{name}: {key}"
        for key in ("network_mode", "pid", "ipc", "userns_mode", "uts", "cgroup"):
            if str(service.get(key, "private")).startswith(("host", "container:", "service:")):
                yield f"{name}: {key} {service[key]}"


def runs_as_nobody_special(project: Project) -> Iterator[str]:
    """A user by number, so that it is known without the image's list, and not root."""
    for name, service in project.services.items():
        user = str(service.get("user", ""))
        if not re.fullmatch(r"\d+(:\d+)?", user):
            yield f"{name}: user is not a number"
        elif int(user.partition(":")[0]) == 0:
            yield f"{name}: user is root"


def writes_nowhere(project: Project) -> Iterator[str]:
    """A read-only root; what is written goes to memory of a stated size, or to a volume of its own."""
    for name, service in project.services.items():
        if service.get("read_only") is not True:
            yield f"{name}: read_only is not set"
        tmpfs = service.get("tmpfs") or ()
        for one in [tmpfs] if isinstance(tmpfs, str) else tmpfs:
            if "size=" not in one:
                yield f"{name}: tmpfs {one} has no size"
        if role(name)[0] and role(name)[1] != "database" and not tmpfs:
            yield f"{name}: no tmpfs"


def mounts_nothing_of_the_host(project: Project) -> Iterator[str]:
    """Files of the host are read; the engine's socket is, by its filter alone."""
    for name, service in project.services.items():
        for mount in mounts(service):
            is_socket = mount.source.endswith(".sock") or "docker" in mount.source.lower()
            if is_socket and name != "engine-filter":
                yield f"{name}: has the engine's socket"
            if mount.kind == "bind" and not (mount.is_read_only or (name, mount.source) in WRITTEN):
                yield f"{name}: can write to {mount.source} of the host"
            if mount.kind == "bind" and mount.source.startswith(("/", "~")) and not is_socket:
                yield f"{name}: {mount.source} is outside of the project"


def has_limits(project: Project) -> Iterator[str]:
    """Memory and processes."""
    for name, service in project.services.items():
        limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
        if not (service.get("mem_limit") or limits.get("memory")):
            yield f"{name}: no memory limit"
        if int(service.get("pids_limit") or limits.get("pids") or 0) <= 0:
            yield f"{name}: no limit of processes"
        if service.get("oom_kill_disable") or int(service.get("oom_score_adj") or 0) < 0:
            yield f"{name}: is spared when memory runs out"


def starts_again(project: Project) -> Iterator[str]:
    """What ends by itself comes back; what does its work once does not."""
    for name, service in project.services.items():
        policy = str(service.get("restart", "no"))
        if is_one_shot(name):
            if policy != "no" and not policy.startswith("on-failure"):
                yield f"{name}: restart is {policy}, and it ends when it is done"
        elif policy not in {"unless-stopped", "always"}:
            yield f"{name}: restart is {policy}"


def stops_in_its_time(project: Project) -> Iterator[str]:
    """The engine waits for as long as the process may take, and a second more for a web process."""
    drain = next(one.default for one in VARIABLES if one.name == "DRAIN_SECONDS")
    for name, service in project.services.items():
        if is_one_shot(name):
            continue
        least = STOP_SECONDS.get(role(name)[1], 0)
        if role(name)[1] == "web":
            drains = int(environment(service).get("DRAIN_SECONDS", drain))
            least = drains + int(draining.LONGEST_SECONDS) + GRACEFUL_SECONDS + 1
        if "stop_grace_period" not in service:
            yield f"{name}: no stop_grace_period"
        elif seconds(service["stop_grace_period"]) < least:
            yield f"{name}: stop_grace_period is shorter than {least} s"
        if str(service.get("stop_signal", "SIGTERM")) in {"SIGKILL", "9"}:
            yield f"{name}: is killed and not stopped"


def tells_its_health(project: Project) -> Iterator[str]:
    """Each long-lived one is asked whether it lives: readiness is the gateway's to ask.

    Our images bring their own check (dockerfile_rules).
    """
    for name, service in project.services.items():
        check = service.get("healthcheck") or {}
        test = check.get("test")
        text = " ".join(test) if isinstance(test, list) else str(test or "")
        if is_one_shot(name):
            if test and not check.get("disable") and text != "NONE":
                yield f"{name}: has a health check, and ends when it is done"
        elif name in UNASKED:
            continue
        elif check.get("disable") or text == "NONE" or not (text or is_ours(project, name)):
            yield f"{name}: no health check"
        elif "/health/ready" in text:
            yield f"{name}: the health check asks for readiness, and the engine is not to act on that"
        needs_shell = isinstance(test, str) or text.startswith("CMD-SHELL")
        if needs_shell and role(name)[1] in ROLES:
            yield f"{name}: the health check needs a shell"


def waits_for_what_it_needs(project: Project) -> Iterator[str]:
    """A migration waits for its database, and the service's processes for the migration."""
    for name, service in project.services.items():
        own, part = role(name)
        needs = service.get("depends_on") or {}
        conditions = {
            one: needs[one].get("condition") if isinstance(needs, dict) else "" for one in needs
        }
        if part == "migrate" and conditions.get(f"{own}-database") != "service_healthy":
            yield f"{name}: does not wait for {own}-database to be healthy"
        waited = conditions.get(f"{own}-migrate") == "service_completed_successfully"
        if own and part in {"web", "worker", "relay"} and not waited:
            yield f"{name}: does not wait for {own}-migrate to succeed"


def has_pinned_images(project: Project) -> Iterator[str]:
    """Every image by version, and by a variable, so that another can be given."""
    for name, service in project.written.items():
        image = str(service.get("image", ""))
        if OURS.fullmatch(image):
            continue
        if not _OVERRIDABLE.fullmatch(image):
            yield f"{name}: image {image} cannot be set by a variable"
        if not _VERSION.fullmatch(interpolate(image, {})):
            yield f"{name}: image {image} has no version"


def can_be_scaled(project: Project) -> Iterator[str]:
    """No name that only one container can have, nowhere."""
    for name, service in project.services.items():
        for key in ("container_name", "hostname", "mac_address"):
            if service.get(key):
                yield f"{name}: {key}"
        networks = service.get("networks")
        for network, options in networks.items() if isinstance(networks, dict) else ():
            if (options or {}).get("ipv4_address"):
                yield f"{name}: a fixed address on {network}"


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
        elif project.volumes[volume]:
            yield f"{name}: its volume {volume} has options or a name of its own"
        elif volume in kept:
            yield f"{name}: shares its volume with {kept[volume]}"
        kept[volume] = name
        if "PGDATA" in environment(service):
            yield f"{name}: PGDATA"


def has_the_engines_of_its_release(project: Project) -> Iterator[str]:
    """PostgreSQL and Valkey as Souk is made for them, and a broker that loses nothing by itself."""
    for name, service in project.services.items():
        image = ENGINES.get(role(name)[1])
        if image and not re.search(rf"(^|/){image}(\D|$)", str(service.get("image"))):
            yield f"{name}: is not {image}"
    told = [str(one) for one in (project.services.get("broker") or {}).get("command") or ()]
    last = dict(itertools.pairwise(told))  # of one that is said twice the last counts
    for option, value in (("--appendonly", "yes"), ("--maxmemory-policy", "noeviction")):
        if last.get(option) != value:
            yield f"broker: {option} is not {value}"


def is_whole(project: Project) -> Iterator[str]:
    """Each service has its processes and its database, and the platform its gateway and engines."""
    wanted = {"gateway", "engine-filter", "broker", "cache"}
    for service in SERVICES:
        wanted |= {service, *(f"{service}-{part}" for part in (*ROLES[1:], "database"))}
    for name in sorted(wanted - project.services.keys()):
        yield f"{name}: is missing"


RULES: Final[tuple[Rule, ...]] = (
    has_no_rights,
    runs_as_nobody_special,
    writes_nowhere,
    mounts_nothing_of_the_host,
    has_limits,
    starts_again,
    stops_in_its_time,
    tells_its_health,
    waits_for_what_it_needs,
    has_pinned_images,
    can_be_scaled,
    keeps_what_must_last,
    has_the_engines_of_its_release,
    is_whole,
    *compose_reach.RULES,
)
