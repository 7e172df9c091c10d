"""Who reaches whom."""

import json
from itertools import permutations
from urllib.parse import urlsplit

import pytest

from local.home import SERVICES
from tests.containers import engine
from tests.containers.engine import docker
from tests.containers.stack import Stack

PAIRS = list(permutations(SERVICES, 2))
_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)
except OSError as error:
    print(type(error).__name__)
else:
    print("connected")
"""
_ASK = """
import http.client, json, sys
answers = []
for method, path, body in json.loads(sys.argv[1]):
    connection = http.client.HTTPConnection("engine-filter", 2375, timeout=5)
    connection.putrequest(method, path, skip_accept_encoding=True)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body else None)
    answers.append(connection.getresponse().status)
    connection.close()
print(json.dumps(answers))
"""


def connects(stack: Stack, name: str, host: str, port: int) -> str:
    """Return what a container of a service meets at an address: "connected", or the error's name."""
    container = stack.containers(name)[0]
    return docker("exec", container, "python", "-c", _CONNECT, host, str(port)).stdout.strip()


class TestDatabase:
    @pytest.mark.parametrize("service", SERVICES)
    def test_is_reached_by_its_own_service(self, stack: Stack, service: str) -> None:
        assert connects(stack, service, f"{service}-database", 5432) == "connected"

    @pytest.mark.parametrize(("service", "other"), PAIRS)
    def test_is_reached_by_no_other_service(self, stack: Stack, service: str, other: str) -> None:
        database = stack.container(f"{other}-database")
        found = engine.address(database, f"{other}-data")
        for part in (service, f"{service}-worker", f"{service}-relay"):
            assert connects(stack, part, f"{other}-database", 5432) == "gaierror"
            assert connects(stack, part, found, 5432) in {"TimeoutError", "OSError"}

    @pytest.mark.parametrize(("service", "other"), PAIRS)
    def test_lets_no_other_services_role_in(self, stack: Stack, service: str, other: str) -> None:
        """Asked where it can be reached: the network is not what keeps the role out."""
        role = urlsplit(stack.secret(f"{service}.database_url"))
        own = urlsplit(stack.secret(f"{other}.database_url"))
        for name, password, code in (
            (role.username, role.password, 2),
            (own.username, own.password, 0),
        ):
            url = f"postgresql://{name}:{password}@127.0.0.1{own.path}"
            arguments = (stack.container(f"{other}-database"), "psql", url, "-c", "SELECT 1")
            finished = docker("exec", *arguments, check=False)
            assert finished.returncode == code, finished.stderr
            assert ("password authentication failed" in finished.stderr) == bool(code)


class TestService:
    @pytest.mark.parametrize("service", SERVICES)
    def test_reaches_the_others_through_the_gateway(self, stack: Stack, service: str) -> None:
        assert connects(stack, service, "gateway", 8001) == "connected"

    @pytest.mark.parametrize(("service", "other"), PAIRS)
    def test_reaches_no_other_past_the_gateway(
        self, stack: Stack, service: str, other: str
    ) -> None:
        container = stack.containers(other)[0]
        known = [engine.address(container, other), engine.address(container, f"{other}-data")]
        if other == "catalog":
            known.append(engine.address(container, "outside"))
        for part in (service, f"{service}-worker"):
            for found in (other, *known):  # the name is known on `outside`
                assert connects(stack, part, found, 8000) in {"gaierror", "TimeoutError", "OSError"}

    def test_has_no_way_out_unless_it_needs_one(self, stack: Stack) -> None:
        for name in ("auth", "order", "auth-relay", "order-relay"):
            assert connects(stack, name, "1.1.1.1", 443) in {"TimeoutError", "OSError"}

    @pytest.mark.parametrize("service", SERVICES)
    def test_does_not_see_the_engine(self, stack: Stack, service: str) -> None:
        assert connects(stack, service, "engine-filter", 2375) == "gaierror"


class TestPrivateEntryPoint:
    @pytest.mark.parametrize("path", ["/internal/v1/events", "/internal/v1/metrics"])
    def test_is_not_open_to_the_public(self, stack: Stack, path: str) -> None:
        with stack.client() as client:
            assert client.get(path).status_code == 404
            assert client.get(f"/catalog{path}").status_code == 404


ALLOWED = (
    *("/version", "/v1.45/version", "/containers/json", "/v1.45/containers/json?all=1"),
    *("/networks", "/v1.45/networks", "/events?until=1", "/_ping"),
)
REFUSED = (
    ("POST", "/containers/create", "{}"),
    ("POST", "/v1.45/containers/create", "{}"),
    ("POST", "/containers/json", "{}"),
    ("POST", "/version", ""),
    ("PUT", "/version", ""),
    ("DELETE", "/containers/json", ""),
    ("DELETE", "/networks", ""),
    ("GET", "/version", "{}"),
    ("GET", "/images/json", ""),
    ("GET", "/v1.45/images/json", ""),
    ("GET", "/info", ""),
    ("GET", "/volumes", ""),
    ("GET", "/secrets", ""),
    ("GET", "/containers/{gateway}/logs?stdout=1", ""),
    ("GET", "/containers/{gateway}/top", ""),
    ("GET", "/containers/{gateway}/archive?path=/", ""),
    ("GET", "/containers/{gateway}/export", ""),
    ("GET", "/containers/{gateway}/attach/ws", ""),
    ("POST", "/containers/{gateway}/exec", '{"Cmd": ["id"]}'),
    ("POST", "/containers/{gateway}/kill", ""),
    ("POST", "/build", ""),
    ("GET", "/containers/json/../../images/json", ""),
    ("GET", "/containers/%2e%2e/images/json", ""),
    ("GET", "//images/json", ""),
    ("GET", "/v1.45//images/json", ""),
    ("GET", "/version/../images/json", ""),
    ("GET", "/version%2f..%2fimages%2fjson", ""),
    ("GET", "/images/json?x=/containers/json", ""),
    ("GET", "/images/json%3f/version", ""),
    ("GET", "/VERSION", ""),
    ("GET", "http://engine/images/json", ""),
)


@pytest.fixture(scope="module")
def answers(stack: Stack) -> dict[tuple[str, str, str], int]:
    gateway = stack.container("gateway")
    asked = [("GET", path, "") for path in ALLOWED]
    asked += [("GET", f"/containers/{gateway}/json", "")]
    asked += [(way, path.replace("{gateway}", gateway), body) for way, path, body in REFUSED]
    image, network = stack.image("auth"), f"{stack.project}_engine"
    arguments = ("--rm", "--network", network, "--entrypoint", "python", image, "-c", _ASK)
    said = docker("run", *arguments, json.dumps(asked)).stdout
    return dict(zip(asked, json.loads(said), strict=True))


class TestEngineFilter:
    """Asked from its own network, with the gateway's means."""

    def test_lets_through_what_the_gateway_reads(
        self, stack: Stack, answers: dict[tuple[str, str, str], int]
    ) -> None:
        paths = (*ALLOWED, f"/containers/{stack.container('gateway')}/json")
        assert {path: answers["GET", path, ""] for path in paths} == dict.fromkeys(paths, 200)

    def test_refuses_everything_else(
        self, stack: Stack, answers: dict[tuple[str, str, str], int]
    ) -> None:
        refused = list(answers.items())[len(ALLOWED) + 1 :]
        assert len(refused) == len(REFUSED)
        assert [one for one, status in refused if status not in {400, 403}] == []
