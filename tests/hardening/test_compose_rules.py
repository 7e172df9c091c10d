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
    ("order", {"networks": {"order": {"aliases": ["gateway"]}}}, "aliases on order"),
    ("auth", {"secrets": ["order.secret_key"]}, "secret order.secret_key is not its own"),
    ("auth", {"secrets": [{"source": "catalog.database_url"}]}, "catalog.database_url is not its own"),
    ("auth", {"secrets": ["auth.postgres_password"]}, "auth.postgres_password is not its own"),
    ("catalog", {"secrets": ["mail_url"]}, "secret mail_url is not its own"),
    ("order-database", {"secrets": ["order.secret_key"]}, "secret order.secret_key is not its own"),
    ("order-database", {"secrets": ["mail_url"]}, "secret mail_url is not its own"),
    ("gateway", {"secrets": ["auth.encryption_keys"]}, "auth.encryption_keys is not its own"),
    ("cache", {"secrets": ["broker.acl"]}, "secret broker.acl is not its own"),
    ("auth", {"volumes": ["../../..:/host:ro"]}, "mounts /"),
    ("auth", {"volumes": ["../secrets:/data:ro"]}, "mounts secrets of the host"),
    ("engine-filter", {"volumes": ["/var/run:/run/engine:ro"]}, "mounts /var/run of the host"),
    ("auth", {"volumes": ["../gateway/dynamic:/x:ro"]}, "mounts gateway/dynamic of the host"),
    ("gateway", {"volumes": ["../gateway/dynamic/../../secrets:/x:ro"]}, "mounts secrets of"),
    ("gateway", {"volumes": ["../gateway/dynamic:/etc/souk/dynamic"]}, "can write to ../gateway/dynamic"),
    ("tempo", {"volumes": ["~/x:/etc/tempo.yaml:ro"]}, "mounts compose/~/x of the host"),
    (
        "prometheus",
        {"volumes": ["../deploy/observability/alerts.yaml:/x:ro,rshared"]},
        "mounts with the option rshared",
    ),
    (
        "tempo",
        {"volumes": [{"type": "volume", "source": "tempo", "target": "/x", "volume": {"subpath": "y"}}]},
        "mounts with the option volume",
    ),
    ("auth", {"volumes": ["order-database:/x:ro"]}, "mounts the volume order-database"),
    ("catalog-database", {"volumes": ["catalog-media:/x"]}, "mounts the volume catalog-media"),
    ("auth", {"volumes": ["nowhere:/x"]}, "mounts the volume nowhere"),
    ("auth", {"volumes": [{"type": "image", "source": "x", "target": "/x"}]}, "mounts the image x"),
    ("auth", {"env_file": ["../secrets/auth.secret_key"]}, "from secrets/auth.secret_key"),
    ("auth-database", {"env_file": [{"path": "../.env"}]}, "reads its variables from .env"),
    ("auth", {"networks": ["auth", "observe"]}, "is on observe"),
    ("order", {"networks": ["order", "shared"]}, "is on shared"),
    ("mailpit", {"networks": ["mail", "catalog"]}, "is on catalog"),
    ("auth", {"use_api_socket": True}, "use_api_socket"),
    ("auth", {"post_start": [{"command": "id", "privileged": True}]}, "post_start"),
    ("auth", {"pre_stop": [{"command": "id"}]}, "pre_stop"),
    ("engine-filter", {"group_add": ["0"]}, "group_add"),
    ("auth", {"extra_hosts": ["gateway:10.0.0.2"]}, "extra_hosts"),
    ("auth", {"cgroup": "host"}, "cgroup host"),
    ("auth", {"pid": "private"}, "pid private"),
    ("auth", {"sysctls": {"net.ipv4.ip_forward": "1"}}, "sysctls"),
    ("auth", {"configs": ["x"]}, "configs"),
    ("auth", {"build": {"context": "..", "network": "host"}}, "build.network"),
    ("auth", {"build": {"context": "../.."}}, "is built from"),
    ("auth", {"build": {"context": "https://example.com/souk.git"}}, "is built from"),
    ("auth", {"deploy": {"labels": {"traefik.enable": "true"}}}, "deploy.labels"),
    ("auth", {"deploy": {"resources": {"reservations": {}}}}, "deploy.resources"),
    ("order", {"security_opt": ["no-new-privileges:true", "label:disable"]}, "security_opt label"),
    ("auth", {"user": "10001:0"}, "user is not 10001:10001"),
    ("auth", {"user": "999:999"}, "user is not 10001:10001"),
    ("auth-database", {"user": "999:0"}, "user is not 999:999"),
    ("auth", {"tmpfs": ["/var/x:size=1m,noexec,nosuid,nodev,exec"]}, "has the option exec"),
    ("auth", {"tmpfs": ["/var/x:size=1m,noexec,nodev"]}, "is not nosuid"),
    ("auth", {"ports": ["127.0.0.1:8001:8000"], "profiles": ["x"]}, "publishes 127.0.0.1:8001"),
    ("grafana", {"ports": ["127.0.0.1:22:22"]}, "publishes 127.0.0.1:22:22"),
    ("grafana", {"ports": [{"host_ip": "10.0.0.1", "target": 3000}]}, "publishes {'host_ip'"),
    ("grafana", {"profiles": ABSENT}, "publishes 127.0.0.1:3000:3000"),
    ("auth", {"labels": {"traefik.http.routers.x.rule": "PathPrefix(`/`)"}}, "label traefik.http.routers"),
    ("auth", {"labels": ["traefik.tcp.routers.x.rule=HostSNI(`*`)"]}, "label traefik.tcp.routers"),
    (
        "auth",
        {"labels": {"traefik.http.services.order-any.loadbalancer.server.port": "8000"}},
        "label traefik.http.services.order-any",
    ),
    ("auth-worker", {"labels": {"traefik.enable": "true"}}, "label traefik.enable"),
    (
        "auth-database",
        {"environment": {"POSTGRES_HOST_AUTH_METHOD": "trust"}},
        "POSTGRES_HOST_AUTH_METHOD",
    ),
    (
        "auth-database",
        {"environment": {"POSTGRES_INITDB_ARGS": "--auth-local=trust --auth-host=scram-sha-256"}},
        "POSTGRES_INITDB_ARGS is not",
    ),
    ("auth-database", {"environment": ABSENT}, "POSTGRES_INITDB_ARGS is not"),
    (
        "broker",
        {"command": ["--appendonly", "yes", "--maxmemory-policy", "noeviction"]},
        "--aclfile is not /run/secrets/broker.acl",
    ),
    ("cache", {"command": ["valkey-server"]}, "--aclfile is not /run/secrets/cache.acl"),
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

    @pytest.mark.parametrize(
        ("kind", "change", "said"),
        [
            ("networks", {"shared": {"internal": True}}, "network shared: is not listed"),
            ("networks", {"outside": {}}, "network outside: its options are not"),
            (
                "networks",
                {"auth": {"internal": True, "driver": "macvlan"}},
                "network auth: its options are not",
            ),
            ("networks", {"auth": {"external": True}}, "network auth: is not internal"),
            ("networks", {"edge": {"name": "bridge"}}, "network edge: its options are not"),
            ("volumes", {"tempo": {"driver_opts": {"device": "/"}}}, "volume tempo: has options"),
            ("volumes", {"catalog-media": {"name": "x"}}, "volume catalog-media: has options"),
            ("volumes", {"new": {}}, "volume new: is not listed"),
            ("secrets", {"auth.x": {"file": "/etc/shadow"}}, "secret auth.x: is not the file"),
            (
                "secrets",
                {"auth.x": {"file": "../secrets/order.secret_key"}},
                "secret auth.x: is not the file secrets/auth.x",
            ),
            ("configs", {"x": {"file": "/etc/passwd"}}, "config x: is not listed"),
        ],
    )
    def test_is_refused_with_a(self, kind: str, change: dict[str, Any], said: str) -> None:
        found = project()
        getattr(found, kind).update(change)
        assert any(said in one for one in findings(found))

    def test_is_refused_without_a_network(self) -> None:
        found = project()
        del found.networks["watching"]
        assert findings(found) == ["network watching: is missing"]

    def test_is_refused_with_a_secret_of_the_environment(self) -> None:
        found = project()
        secrets = found.secrets | {"broker.acl": {"environment": "BROKER_ACL"}}
        assert findings(replace(found, secrets=secrets)) == ["secret broker.acl: is no file"]

    def test_is_refused_without_a_service(self) -> None:
        found = project()
        del found.services["order-relay"]
        assert findings(found) == ["order-relay: is missing"]
