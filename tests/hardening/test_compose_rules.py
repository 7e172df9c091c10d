"""Each rule is seen red on the project's own compose file with one thing changed in it."""

import copy
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.hardening import compose
from tests.hardening.__main__ import ROOT
from tests.hardening.compose_rules import RULES

ABSENT: Final = object()
"""In the place of a value: the key is taken away."""
SOCKET: Final = "/var/run/docker.sock:/engine.sock:ro"

# The service, what is changed of it, and what is then said of it.
CHANGES: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("catalog", {"cap_drop": ABSENT}, "cap_drop is not ALL"),
    ("catalog", {"cap_drop": ["NET_RAW"]}, "cap_drop is not ALL"),
    ("gateway", {"cap_add": ["NET_BIND_SERVICE"]}, "cap_add"),
    ("order-worker", {"security_opt": ABSENT}, "no-new-privileges is not set"),
    ("order-worker", {"security_opt": ["no-new-privileges:false"]}, "no-new-privileges is not set"),
    ("order", {"security_opt": ["no-new-privileges:true", "seccomp:unconfined"]}, "unconfined"),
    ("broker", {"privileged": True}, "privileged"),
    ("broker", {"devices": ["/dev/sda:/dev/sda"]}, "devices"),
    ("cache", {"network_mode": "host"}, "network_mode host"),
    ("cache", {"pid": "host"}, "pid host"),
    ("cache", {"ipc": "host"}, "ipc host"),
    ("cache", {"userns_mode": "host"}, "userns_mode host"),
    ("cache", {"volumes_from": ["broker"]}, "volumes_from"),
    ("auth", {"user": ABSENT}, "user is not a number"),
    ("auth", {"user": "souk"}, "user is not a number"),
    ("auth-database", {"user": "0:0"}, "user is root"),
    ("auth", {"read_only": ABSENT}, "read_only is not set"),
    ("auth", {"tmpfs": ABSENT}, "no tmpfs"),
    ("auth", {"tmpfs": ["/var/x"]}, "tmpfs /var/x has no size"),
    ("gateway", {"volumes": [SOCKET]}, "has the engine's socket"),
    ("engine-filter", {"volumes": [SOCKET.removesuffix(":ro")]}, "can write to /var/run/docker"),
    ("catalog", {"volumes": ["./media:/data/media"]}, "can write to ./media of the host"),
    ("catalog", {"volumes": ["/etc:/etc:ro"]}, "/etc is outside of the project"),
    ("auth-database", {"image": "postgres:17"}, "is not postgres:18"),
    ("auth-database", {"image": "postgres:180"}, "is not postgres:18"),
    ("auth-database", {"environment": {"PGDATA": "/elsewhere"}}, "PGDATA"),
    ("auth-database", {"tmpfs": ["/var/lib/postgresql:size=1g"]}, "/var/lib/postgresql is no volume"),
    ("auth-database", {"volumes": ["auth-database:/var/lib/postgresql:ro"]}, "is no volume"),
    ("broker", {"image": "redis:7"}, "is not valkey/valkey:9"),
    ("order-database", {"volumes": ABSENT}, "/var/lib/postgresql is no volume"),
    ("order-database", {"volumes": ["catalog-database:/var/lib/postgresql"]}, "shares its volume"),
    ("broker", {"volumes": ABSENT}, "/data is no volume"),
    ("broker", {"command": ["valkey-server", "--appendonly", "yes"]}, "--maxmemory-policy is not"),
    ("broker", {"command": ["--maxmemory-policy", "noeviction"]}, "--appendonly is not yes"),
    ("broker", {"command": ["--appendonly", "yes", "--appendonly", "no"]}, "--appendonly is not"),
    ("auth", {"mem_limit": ABSENT}, "no memory limit"),
    ("auth", {"pids_limit": ABSENT}, "no limit of processes"),
    ("auth", {"pids_limit": -1}, "no limit of processes"),
    ("auth", {"oom_score_adj": -500}, "is spared when memory runs out"),
    ("auth", {"restart": "no"}, "restart is no"),
    ("broker", {"restart": ABSENT}, "restart is no"),
    ("auth-migrate", {"restart": "always"}, "restart is always"),
    ("catalog", {"stop_grace_period": ABSENT}, "no stop_grace_period"),
    ("catalog", {"stop_grace_period": "45s"}, "stop_grace_period is shorter than 46 s"),
    ("catalog", {"environment": {"DRAIN_SECONDS": "20"}}, "is shorter than 61 s"),
    ("catalog-worker", {"stop_grace_period": "10s"}, "is shorter than 60 s"),
    ("catalog-relay", {"stop_grace_period": "10s"}, "is shorter than 20 s"),
    ("auth", {"stop_signal": "SIGKILL"}, "is killed and not stopped"),
    ("broker", {"healthcheck": ABSENT}, "no health check"),
    ("broker", {"healthcheck": {"test": ["NONE"]}}, "no health check"),
    ("order", {"healthcheck": {"disable": True}}, "no health check"),
    ("order", {"healthcheck": {"test": ["CMD", "probe", "/health/ready"]}}, "asks for readiness"),
    ("order", {"healthcheck": {"test": "curl localhost"}}, "the health check needs a shell"),
    ("order-migrate", {"healthcheck": {"test": ["CMD", "true"]}}, "ends when it is done"),
    ("order-migrate", {"depends_on": ABSENT}, "does not wait for order-database"),
    ("order", {"depends_on": ["order-migrate"]}, "does not wait for order-migrate to succeed"),
    ("auth-database", {"ports": ["127.0.0.1:5432:5432"]}, "publishes 127.0.0.1:5432:5432"),
    ("mailpit", {"ports": ["8025:8025"]}, "publishes 8025:8025"),
    ("gateway", {"ports": ["8000:8000", "8001:8001"]}, "publishes 8001"),
    ("gateway", {"ports": ABSENT}, "publishes nothing"),
    ("order", {"networks": ABSENT}, "is on the default network"),
    ("order", {"networks": ["order", "edge"]}, "is on edge"),
    ("order", {"networks": ["order", "outside"]}, "is on outside"),
    ("order", {"networks": ["order", "catalog-data"]}, "can reach the database of another"),
    ("gateway", {"networks": ["edge", "auth-data"]}, "can reach the database of another"),
    ("order", {"networks": ["order", "catalog"]}, "is on the network of another service"),
    ("auth-database", {"networks": ["auth-data", "auth"]}, "and not on auth-data alone"),
    ("order", {"networks": ["order", "engine"]}, "can ask the engine"),
    ("grafana", {"networks": ["watching", "order"]}, "is on the network of another service"),
    ("prometheus", {"networks": ["observe", "watching"]}, "is on watching"),
    ("engine-filter", {"networks": ["engine", "edge"]}, "is on more than the network engine"),
    ("auth", {"environment": {"SECRET_KEY": "x"}}, "SECRET_KEY holds a secret"),
    ("auth", {"environment": ["DATABASE_URL=postgresql://auth-database/x"]}, "DATABASE_URL holds"),
    ("auth-database", {"environment": {"POSTGRES_PASSWORD": "x"}}, "POSTGRES_PASSWORD holds"),
    ("auth", {"secrets": ["nowhere"]}, "secret nowhere is not declared"),
    ("auth", {"build": {"args": {"CLIENT_SECRET": "x"}}}, "build argument CLIENT_SECRET"),
    ("auth", {"container_name": "auth"}, "container_name"),
    ("auth", {"hostname": "auth"}, "hostname"),
    ("auth", {"networks": {"auth": {"ipv4_address": "10.0.0.2"}}}, "a fixed address on auth"),
)  # fmt: skip


READ: Final = compose.read(ROOT / "compose.yaml")


def project() -> compose.Project:
    return copy.deepcopy(READ)


def findings(changed: compose.Project) -> list[str]:
    return [one for rule in RULES for one in rule(changed)]


def changed(name: str, change: dict[str, Any]) -> compose.Project:
    found = project()
    service = found.services[name] | change
    service = {key: value for key, value in service.items() if value is not ABSENT}
    return replace(found, services=found.services | {name: service})


class TestComposeFile:
    def test_has_nothing_against_it(self) -> None:
        assert findings(project()) == []

    @pytest.mark.parametrize(("name", "change", "said"), CHANGES)
    def test_is_refused_with(self, name: str, change: dict[str, Any], said: str) -> None:
        found = findings(changed(name, change))
        assert any(one.startswith(f"{name}: ") and said in one for one in found), found

    @pytest.mark.parametrize(
        ("image", "said"),
        [
            ("postgres:18", "cannot be set by a variable"),
            ("${POSTGRES_IMAGE:-postgres:latest}", "has no version"),
            ("${POSTGRES_IMAGE:-postgres}", "has no version"),
            ("${POSTGRES_IMAGE}", "cannot be set by a variable"),
        ],
    )
    def test_is_refused_with_an_image(self, image: str, said: str) -> None:
        found = project()
        written = found.written | {"auth-database": {"image": image}}
        assert any(said in one for one in findings(replace(found, written=written)))

    def test_is_refused_with_an_open_network(self) -> None:
        found = project()
        networks = found.networks | {"auth-data": {}}
        assert findings(replace(found, networks=networks)) == ["network auth-data: is not internal"]

    def test_is_refused_with_a_secret_of_the_environment(self) -> None:
        found = project()
        secrets = found.secrets | {"broker.acl": {"environment": "BROKER_ACL"}}
        assert findings(replace(found, secrets=secrets)) == ["secret broker.acl: is no file"]

    def test_is_refused_without_a_service(self) -> None:
        found = project()
        del found.services["order-relay"]
        assert findings(found) == ["order-relay: is missing"]
