"""What every service of the compose file has to have, each rule a function that yields what is wrong."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final

from chassis import draining
from settings.variables import SERVICES, VARIABLES
from tests.hardening import compose_mounts, compose_reach
from tests.hardening.compose import Project, as_mapping, environment, interpolate, seconds
from tests.hardening.roles import OURS, ROLES, is_one_shot, is_ours, role

Rule = Callable[[Project], Iterator[str]]

GRACEFUL_SECONDS: Final = 30
"""What gunicorn gives requests to end (chassis/management/commands/web.py)."""
STOP_SECONDS: Final = {"worker": 60, "relay": 20, "database": 30}
"""How long each may take; workers and relays as on one machine (local/plan.py)."""
# Images that hold nothing which could ask the process.
UNASKED: Final = frozenset({"tempo"})
# Another image by the variable must be of the same release.
ENGINES: Final = {
    "database": "postgres:18",
    "broker": "valkey/valkey:9",
    "cache": "valkey/valkey:9",
}
VALKEY_OPTIONS: Final = {
    "broker": {
        "--appendonly": "yes",
        "--maxmemory-policy": "noeviction",
        "--aclfile": "/run/secrets/broker.acl",
    },
    "cache": {"--aclfile": "/run/secrets/cache.acl"},
}
DATABASE_VARIABLES: Final = frozenset({"POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"})
INITDB_ARGS: Final = [
    "--auth-host=scram-sha-256",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
]
KEYS: Final = frozenset(
    {
        *("build", "cap_drop", "command", "cpus", "depends_on", "deploy", "env_file"),
        *("environment", "healthcheck", "image", "labels", "logging", "mem_limit", "networks"),
        *("pids_limit", "ports", "profiles", "read_only", "restart", "secrets", "security_opt"),
        *("shm_size", "stop_grace_period", "stop_signal", "tmpfs", "user", "volumes"),
    }
)
"""What a service may say; each of these that could harm has its rule."""
INNER_KEYS: Final = {
    "build": {"context", "args"},
    "deploy": {"replicas"},
    "logging": {"driver", "options"},
}
USERS: Final = {
    "engine-filter": "99:0",
    "database": "999:999",
    "broker": "999:999",
    "cache": "999:999",
    "prometheus": "65534:65534",
    "grafana": "472:0",
}
"""The users of other programs' images; all others are 10001:10001."""
SERVICE_LABELS: Final = (
    *("any.loadbalancer.server.port", "any.loadbalancer.serverstransport"),
    *("ready.loadbalancer.server.port", "ready.loadbalancer.serverstransport"),
    "ready.loadbalancer.healthcheck.path",
    "ready.loadbalancer.healthcheck.interval",
    "ready.loadbalancer.healthcheck.unhealthyinterval",
    "ready.loadbalancer.healthcheck.timeout",
)
_OVERRIDABLE: Final = re.compile(r"\$\{[A-Z]+_IMAGE:-[^}]+\}")
_VERSION: Final = re.compile(r"(?:[\w.-]+/)*[\w.-]+:v?\d[\w.-]*(@sha256:[0-9a-f]{64})?")


def has_no_rights(project: Project) -> Iterator[str]:
    """No capability and no privilege, and no key that is not listed: many give rights on the host."""
    for name, service in project.services.items():
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name}: cap_drop is not ALL"
        security = service.get("security_opt") or ()
        if "no-new-privileges:true" not in security:
            yield f"{name}: no-new-privileges is not set"
        for one in security:
            if one != "no-new-privileges:true":
                yield f"{name}: security_opt {one}"
        for key in sorted(service.keys() - KEYS):
            yield f"{name}: {key} {service[key]}"
        for outer, known in INNER_KEYS.items():
            for key in sorted((service.get(outer) or {}).keys() - known):
                yield f"{name}: {outer}.{key}"


def runs_as_nobody_special(project: Project) -> Iterator[str]:
    """A user by number, so that it is known without the image's list, the one listed, and not root."""
    for name, service in project.services.items():
        user, wanted = str(service.get("user", "")), USERS.get(role(name)[1], "10001:10001")
        if not re.fullmatch(r"\d+(:\d+)?", user):
            yield f"{name}: user is not a number"
        elif int(user.partition(":")[0]) == 0:
            yield f"{name}: user is root"
        elif user != wanted:
            yield f"{name}: user is not {wanted}"


def has_limits(project: Project) -> Iterator[str]:
    """Memory and processes."""
    for name, service in project.services.items():
        if not service.get("mem_limit"):
            yield f"{name}: no memory limit"
        if int(service.get("pids_limit") or 0) <= 0:
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
    """No address and no further name on a network: container_name and hostname are no listed keys."""
    for name, service in project.services.items():
        networks = service.get("networks")
        for network, options in networks.items() if isinstance(networks, dict) else ():
            if (options or {}).get("ipv4_address"):
                yield f"{name}: a fixed address on {network}"
            for option in sorted(options or ()):
                yield f"{name}: {option} on {network}"


def has_the_engines_of_its_release(project: Project) -> Iterator[str]:
    """PostgreSQL and Valkey as Souk is made for them, and a broker that loses nothing by itself."""
    for name, service in project.services.items():
        image = ENGINES.get(role(name)[1])
        if image and not re.search(rf"(^|/){image}(\D|$)", str(service.get("image"))):
            yield f"{name}: is not {image}"
    for name, wanted in VALKEY_OPTIONS.items():
        told = [str(one) for one in (project.services.get(name) or {}).get("command") or ()]
        last = dict(itertools.pairwise(told))  # of one that is said twice the last counts
        for option, value in wanted.items():
            if last.get(option) != value:
                yield f"{name}: {option} is not {value}"


def has_databases_that_ask_for_a_password(project: Project) -> Iterator[str]:
    """Nothing is said to PostgreSQL's image but what is listed: it can be told to trust everyone."""
    for name, service in project.services.items():
        if role(name)[1] != "database":
            continue
        variables = environment(service)
        for variable in sorted(variables.keys() - DATABASE_VARIABLES):
            yield f"{name}: {variable}"
        if variables.get("POSTGRES_INITDB_ARGS", "").split() != INITDB_ARGS:
            yield f"{name}: POSTGRES_INITDB_ARGS is not {' '.join(INITDB_ARGS)}"


def has_labels_of_its_own(project: Project) -> Iterator[str]:
    """Labels tell the gateway where a web process is, not which requests it gets."""
    for name, service in project.services.items():
        own, part = role(name)
        known = {f"traefik.http.services.{own}-{label}" for label in SERVICE_LABELS}
        known |= {"traefik.enable", "traefik.docker.network"}
        for label in as_mapping(service.get("labels")):
            if part != "web" or label not in known:
                yield f"{name}: label {label}"


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
    has_limits,
    starts_again,
    stops_in_its_time,
    tells_its_health,
    waits_for_what_it_needs,
    has_pinned_images,
    can_be_scaled,
    has_the_engines_of_its_release,
    has_databases_that_ask_for_a_password,
    has_labels_of_its_own,
    is_whole,
    *compose_mounts.RULES,
    *compose_reach.RULES,
)
