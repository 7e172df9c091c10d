"""What `status` shows: every process, whether it does its work, how often it was restarted, and events."""

import http.client
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

from local import ports, readiness
from local.configuration import public_url
from local.home import SERVICES, Home
from local.lifecycle import current_plan, supervisor_of
from local.plan import Plan, Process
from local.supervision import ProcessInfo

STOPPED = ProcessInfo(pid=None, state="stopped", restarts=0)

EVENT_HEADINGS: Final = (
    *("service", "unpublished", "oldest", "in queue", "waiting", "retrying", "dead"),
    *("handled 5 min", "p50", "p99"),
)

_FIGURES: Final = "/internal/v1/events/figures"
_FIGURES_SECONDS: Final = 1.0
_OK: Final = 200


def read_status(home: Home) -> tuple[bool, dict[str, Any]]:
    """Return whether supervisord answers, and the contract's object: gateway and processes, and events.

    A process is `running` when it does its work, `starting` when it lives and does not yet,
    else what supervisord says (`stopped`, `exited`, `stopping`, ...). Of a platform that is
    down, every pid is null; of one that never was up, the list is empty. `events` has the figures
    of each service by its name, null where it does not answer.
    """
    plan = current_plan(home)
    if plan is None:
        nothing = dict.fromkeys(SERVICES)
        gateway = public_url(ports.gateway_port())
        return False, {"gateway": gateway, "processes": [], "events": nothing}
    running = supervisor_of(plan).is_running()
    known = supervisor_of(plan).processes() if running else {}
    with ThreadPoolExecutor(max_workers=16) as pool:
        figures = {service: pool.submit(_figures, plan, service, known) for service in SERVICES}
        rows = list(pool.map(lambda one: _row(plan, one, known), plan.processes()))
        events = {service: future.result() for service, future in figures.items()}
    return running, {"gateway": plan.public_url, "processes": rows, "events": events}


def event_rows(events: Mapping[str, Mapping[str, Any] | None]) -> Sequence[Sequence[str]]:
    """Return a row of a table for each service, below EVENT_HEADINGS; "-" is not known, or none."""
    return [[service, *_cells(figures or {})] for service, figures in events.items()]


def _cells(figures: Mapping[str, Any]) -> list[str]:
    numbers = ("queue_length", "waiting", "failing", "dead", "handled_recently")
    return [
        _number(figures.get("unpublished")),
        _seconds(figures.get("oldest_unpublished_seconds") or None),
        *(_number(figures.get(name)) for name in numbers),
        _seconds(figures.get("lag_p50_seconds")),
        _seconds(figures.get("lag_p99_seconds")),
    ]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _seconds(value: float | None) -> str:
    """Return a time for people: milliseconds where it is short."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:,.1f} s"


def _figures(plan: Plan, service: str, known: Mapping[str, ProcessInfo]) -> dict[str, Any] | None:
    """Return how the service's events are doing, of the first web process that lives; None without an answer."""
    for process in plan.processes():
        if (process.service, process.role) != (service, "web"):
            continue
        if known.get(process.name, STOPPED).pid is not None:
            return _get_json(urlsplit(process.url or "").netloc, _FIGURES)
    return None


def _get_json(address: str, path: str) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection(address, timeout=_FIGURES_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return dict(json.load(response)) if response.status == _OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def hide_password(url: str | None) -> str:
    """Return the URL as it may be shown."""
    if url is None:
        return ""
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url


def _row(plan: Plan, process: Process, known: Mapping[str, ProcessInfo]) -> dict[str, Any]:
    info = known.get(process.name, STOPPED)
    state = info.state
    if info.pid is not None and state in ("running", "starting"):
        state = "running" if readiness.is_ready(plan, process, info.pid) else "starting"
    return {
        "service": process.service,
        "role": process.role,
        "pid": info.pid,
        "state": state,
        "url": process.url,
        "restarts": info.restarts,
    }
