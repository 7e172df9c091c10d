"""The compose file as docker compose reads it, and what it started."""

import json
from typing import Any

import pytest

from local.home import SERVICES
from tests.containers.engine import docker, inspect, state
from tests.containers.stack import Stack
from tests.hardening import compose


def meant(service: dict[str, Any]) -> dict[str, Any]:
    """Return what the static gate looks at, in one form for both readers."""
    plain = ("cap_drop", "cap_add", "security_opt", "read_only", "user", "restart", "image",
             "privileged", "network_mode", "pid", "profiles", "container_name")  # fmt: skip
    return {
        **{name: service.get(name) for name in plain},
        "pids_limit": int(service["pids_limit"]),
        "networks": compose.names(service.get("networks")),
        "secrets": compose.names(service.get("secrets")),
        "depends_on": compose.names(service.get("depends_on")),
        "tmpfs": sorted(service.get("tmpfs") or ()),
        "mounts": {(one.kind, one.target, one.is_read_only) for one in compose.mounts(service)},
        "grace": compose.seconds(service["stop_grace_period"]),
        "ports": len(service.get("ports") or ()),
        "has_memory_limit": bool(service.get("mem_limit")),
        "is_checked": (service.get("healthcheck") or {}).get("test"),
    }


class TestComposeFile:
    def test_is_read_by_the_static_gate_as_by_compose(self, stack: Stack) -> None:
        text = stack.compose("--profile", "*", "config", "--format", "json").stdout
        theirs = json.loads(text)
        ours = compose.read(stack.folder / "compose.yaml", stack.variables())
        assert theirs["services"].keys() == ours.services.keys()
        for name, service in ours.services.items():
            other = theirs["services"][name]
            assert meant(service) == meant(other), name
            assert compose.environment(service).items() <= compose.environment(other).items(), name
        internal = {name for name, one in theirs["networks"].items() if one.get("internal")}
        assert internal == {name for name, one in ours.networks.items() if one.get("internal")}

    @pytest.mark.parametrize("profile", ["mail", "demo", "observe"])
    def test_is_valid_with_a_profile(self, stack: Stack, profile: str) -> None:
        plain = stack.compose("config", "--services").stdout.split()
        more = stack.compose("--profile", profile, "config", "--services").stdout.split()
        assert set(plain) < set(more)


class TestContainers:
    def test_are_well(self, stack: Stack) -> None:
        for name in stack.containers():
            found = state(name)
            assert found["Running"], name
            assert found.get("Health", {}).get("Status", "healthy") == "healthy", name

    def test_run_with_no_right_that_they_could_use(self, stack: Stack) -> None:
        for name in stack.containers():
            lines = docker("exec", name, "cat", "/proc/1/status").stdout.splitlines()
            status = {key: rest.split() for key, _, rest in (one.partition(":") for one in lines)}
            assert "0" not in status["Uid"], name
            assert status["NoNewPrivs"] == ["1"], name
            assert status["Seccomp"] == ["2"], name
            for kind in ("CapEff", "CapPrm", "CapBnd", "CapInh"):
                assert int(status[kind][0], 16) == 0, (name, kind)

    def test_are_limited(self, stack: Stack) -> None:
        for name in stack.containers():
            host = inspect(name)[0]["HostConfig"]
            assert host["ReadonlyRootfs"], name
            assert host["Memory"] > 0, name
            assert host["PidsLimit"] > 0, name

    @pytest.mark.parametrize("service", SERVICES)
    def test_write_to_their_temporary_folder_alone(self, stack: Stack, service: str) -> None:
        code = """
import errno
for path in ("/app/x", "/opt/venv/x", "/x", "/etc/x", "/run/secrets/secret_key"):
    try:
        open(path, "a")
    except OSError as error:
        print(path, errno.errorcode[error.errno])
open("/tmp/x", "w")
"""
        said = stack.python(service, code).stdout.split()
        assert set(said[1::2]) <= {"EROFS", "EACCES"}
        assert len(said) == 10

    @pytest.mark.parametrize("service", SERVICES)
    def test_are_migrated_once_before_they_start(self, stack: Stack, service: str) -> None:
        first = {
            name.removeprefix(f"{stack.project}-").removesuffix("-1"): found
            for name, found in stack.first_states.items()
        }
        migration = first[f"{service}-migrate"]
        assert (migration["Status"], migration["ExitCode"]) == ("exited", 0)
        for role in ("", "-worker", "-relay"):
            assert migration["FinishedAt"] < first[f"{service}{role}"]["StartedAt"]
        assert first[f"{service}-database"]["StartedAt"] < migration["StartedAt"]

    def test_publish_nothing_but_the_gateways_port(self, stack: Stack) -> None:
        published = {
            (name, port, one["HostPort"])
            for name in stack.containers()
            for port, bound in inspect(name)[0]["NetworkSettings"]["Ports"].items()
            for one in bound or ()
        }
        assert published == {(stack.container("gateway"), "8000/tcp", str(stack.port))}

    def test_show_no_secret_to_who_looks_at_them(self, stack: Stack) -> None:
        files = [path for path in (stack.folder / "secrets").iterdir() if path.is_file()]
        secrets = [path.read_text().strip() for path in files]
        assert len([one for one in secrets if len(one) > 12]) > 20
        shown = docker("inspect", *stack.containers(stopped=True)).stdout
        assert not [one for one in secrets if len(one) > 12 and one in shown]
