"""Whether a process does its work, asked in the way its clients would."""

import http.client
import time
from urllib.parse import urlsplit

import psutil

from local.home import Home
from local.plan import Plan, Process

_SECONDS = 2
_OK, _NOT_FOUND = 200, 404
_PROBLEM = "application/problem+json"

# A worker and a relay touch their file every 2 s.
_FRESH_SECONDS = 10


def is_ready(plan: Plan, process: Process, pid: int | None) -> bool:
    """Tell whether the process answers as it should, and not what is left of one before it."""
    if pid is None:
        return False
    if process.role == "web":
        # The worker of a killed gunicorn serves on for a moment: its successor must hold the port.
        return _listens(pid) and _status(f"{process.url}/health/ready") == _OK
    if process.role == "gateway":
        return _has_routes(plan.public_url)
    if process.role == "postgres":
        return _answers_postgres(str(process.url))
    if process.role in ("redis", "cache"):
        return _answers_valkey(str(process.url))
    return _is_launched(pid) and _touches_file(plan.home, process)


def is_routed(plan: Plan, service: str) -> bool:
    """Tell whether the gateway reaches the service and finds it ready."""
    return _status(f"{plan.private_url}/{service}/health/ready") == _OK


def _has_routes(url: str) -> bool:
    """Tell whether the gateway knows its routes: until then it answers 404 in plain text itself.

    The routes take every path, so that a 404 is a service's own problem afterwards.
    """
    status, content_type = _ask(url)
    return status is not None and (status != _NOT_FOUND or content_type == _PROBLEM)


def _status(url: str) -> int | None:
    """Return the status with which the address answers, None when it does not."""
    return _ask(url)[0]


def _ask(url: str) -> tuple[int | None, str | None]:
    """Return the status and the content type of the answer, None when there is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return None, None
    finally:
        connection.close()
    return response.status, response.getheader("Content-Type")


def _answers_postgres(url: str) -> bool:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=_SECONDS) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def _answers_valkey(url: str) -> bool:
    import redis

    client = redis.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _listens(pid: int) -> bool:
    """Tell whether the process itself holds a listening socket."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN for one in connections)


def _is_launched(pid: int) -> bool:
    """Tell whether the launcher has become the process; it removed its predecessor's file before."""
    try:
        return "manage.py" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _touches_file(home: Home, process: Process) -> bool:
    """Tell whether the file is fresh."""
    try:
        touched = (home.health / process.name).stat().st_mtime
    except OSError:
        return False
    return time.time() - touched < _FRESH_SECONDS
