"""What `status` shows: every process, whether it does its work, and how often it was restarted."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from local import ports, readiness
from local.configuration import public_url
from local.home import Home
from local.lifecycle import current_plan, supervisor_of
from local.plan import Plan, Process
from local.supervision import ProcessInfo

STOPPED = ProcessInfo(pid=None, state="stopped", restarts=0)


def read_status(home: Home) -> tuple[bool, dict[str, Any]]:
    """Return whether supervisord answers, and the contract's object: gateway and processes.

    A process is `running` when it does its work, `starting` when it lives and does not yet,
    else what supervisord says (`stopped`, `exited`, `stopping`, ...). Of a platform that is
    down, every pid is null; of one that never was up, the list is empty.
    """
    plan = current_plan(home)
    if plan is None:
        return False, {"gateway": public_url(ports.gateway_port()), "processes": []}
    running = supervisor_of(plan).is_running()
    known = supervisor_of(plan).processes() if running else {}
    with ThreadPoolExecutor(max_workers=16) as pool:
        rows = list(pool.map(lambda one: _row(plan, one, known), plan.processes()))
    return running, {"gateway": plan.public_url, "processes": rows}


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
