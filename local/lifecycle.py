"""Bring the platform up, wait until all of it is ready, and take it down again."""

import contextlib
import http.client
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from local import migrations, postgres, processes, readiness, supervision, valkey
from local import ports as port_book
from local.commands import run_together
from local.configuration import write_service_variables
from local.errors import PlatformError
from local.home import SERVICES, Home
from local.output import Output, Step, describe
from local.plan import APPLICATIONS, ENGINES, GATEWAY, Plan, Process, port_names

_ENGINE_SECONDS = 60
_READY_SECONDS = 180
_POLL_SECONDS = 0.1

# A process that was started this often in so many seconds and is not ready will not be.
_TRIES, _TRY_SECONDS = 4, 5

# Longer than the longest stop of one process (a worker's 60 s) and what follows it.
_STOP_SECONDS = 100


@dataclass(frozen=True)
class Running:
    """A platform that is up, with the supervisord of this command."""

    plan: Plan
    supervisord: subprocess.Popen[bytes]


def current_plan(home: Home) -> Plan | None:
    """Return the platform of a home as it runs or last ran; None when it never did."""
    ports = port_book.read_ports(home)
    if not ports:
        return None
    state = home.read_state()
    replicas = state.get("replicas", dict.fromkeys(SERVICES, 1))
    if not set(port_names(replicas)) <= set(ports):
        return None
    gateway_port = state.get("gateway_port") or port_book.gateway_port()
    return Plan(home, home.read_secrets(), gateway_port, replicas, ports)


def supervisor_of(plan: Plan) -> supervision.Supervisor:
    """Return the connection to the platform's supervisord."""
    return supervision.Supervisor(plan.secrets, plan.ports["supervisor"])


def running_plan(home: Home) -> Plan | None:
    """Return the platform of a home when it is up; None when it is not, or only in part."""
    plan = current_plan(home)
    if plan is None or not home.read_state().get("ready"):
        return None
    return plan if supervisor_of(plan).is_running() else None


def start(home: Home, output: Output, replicas: Mapping[str, int], *, seed: bool) -> Running:
    """Start the platform and wait until every process of it is ready; hold the home's lock.

    Raises: PlatformError when something is in the way; nothing is left running then.
    """
    gateway_port = port_book.gateway_port()
    stop(home)
    port_book.require_free_gateway_port(gateway_port)
    secrets = home.read_secrets()  # before the ports, with which other commands see a platform
    ports = port_book.pick_ports(home, port_names(replicas))
    plan = Plan(home, secrets, gateway_port, replicas, ports)
    output.say(f"Starting Souk in {home.path}")
    try:
        return Running(plan, _start_all(plan, output, seed=seed))
    except BaseException:
        stop(home)
        raise


def stop(home: Home) -> int:
    """Stop everything of the home; return how many processes there were. Idempotent."""
    plan = current_plan(home)
    count = 0
    if plan is not None and supervisor_of(plan).is_running():
        count = len(processes.find(home))
        _shut_down(supervisor_of(plan))
    left_over = processes.end(home)
    home.forget_state()
    return count or left_over


def _shut_down(supervisor: supervision.Supervisor) -> None:
    """Let supervisord end everything; return when it is gone, or when it takes too long."""
    with contextlib.suppress(psutil.NoSuchProcess, OSError):
        process = psutil.Process(supervisor.pid())
        supervisor.shut_down()
        deadline = time.monotonic() + _STOP_SECONDS
        while processes.is_alive(process):
            if time.monotonic() > deadline:
                return
            # It looks after its children once a second, and whenever it is spoken to.
            supervisor.is_running()
            time.sleep(_POLL_SECONDS)


def _start_all(plan: Plan, output: Output, *, seed: bool) -> subprocess.Popen[bytes]:
    home = plan.home
    with output.step("PostgreSQL, the broker and the cache"):
        _prepare_engines(plan)
        supervision.write_configuration(plan)
        home.write_state({"gateway_port": plan.gateway_port, "replicas": dict(plan.replicas)})
        supervisord = supervision.start(home)
        _wait_for_engines(plan, supervisord)
        postgres.create_databases(plan.secrets, plan.ports["postgres"])
    with output.step("Migrations"):
        migrations.migrate(plan)
    if seed and not home.seeded.exists():
        with output.step("Demo catalogue and users"):
            run_together(plan, {"auth": ("seed_demo",), "catalog": ("seed_demo",)})
            home.seeded.touch(mode=0o600)
    with output.step("Services and gateway") as step:
        supervisor = supervisor_of(plan)
        supervisor.start_group(APPLICATIONS)
        supervisor.start_group(GATEWAY)
        _wait_until_ready(plan, step)
    home.write_state({**home.read_state(), "ready": True})
    return supervisord


def _prepare_engines(plan: Plan) -> None:
    postgres.prepare(plan.home, plan.secrets, plan.ports["postgres"])
    for role in ("redis", "cache"):
        valkey.prepare(plan.home, plan.secrets, role, plan.ports[role])
    (plan.home.data / "media").mkdir(mode=0o700, exist_ok=True)
    for service in SERVICES:
        write_service_variables(plan.home, service, plan.variables(service))


def _wait_for_engines(plan: Plan, supervisord: subprocess.Popen[bytes]) -> None:
    engines = [process for process in plan.processes() if process.group == ENGINES]
    started = time.monotonic()
    while waiting := _not_ready(plan, engines):
        if supervisord.poll() is not None:
            reason = _last_line(plan.home, "supervisord.stderr", "supervisord.log")
            raise PlatformError(f"supervisord ended at once: {reason}")
        _give_up_on_failing(plan, waiting, started)
        if time.monotonic() > started + _ENGINE_SECONDS:
            raise PlatformError(_too_slow(plan, waiting, _ENGINE_SECONDS))
        time.sleep(_POLL_SECONDS)
        engines = waiting


def _wait_until_ready(plan: Plan, step: Step) -> None:
    waiting = [process for process in plan.processes() if process.group != ENGINES]
    started = time.monotonic()
    while waiting := _not_ready(plan, waiting):
        step.update(f"waiting for {describe(waiting)}")
        _give_up_on_failing(plan, waiting, started)
        if time.monotonic() > started + _READY_SECONDS:
            raise PlatformError(_too_slow(plan, waiting, _READY_SECONDS))
        time.sleep(_POLL_SECONDS)
    while unrouted := [service for service in SERVICES if not readiness.is_routed(plan, service)]:
        step.update(f"waiting for the gateway to reach {', '.join(unrouted)}")
        if time.monotonic() > started + _READY_SECONDS:
            raise PlatformError(
                f"The gateway does not reach {', '.join(unrouted)}; see `manage.py logs platform`."
            )
        time.sleep(_POLL_SECONDS)


def _not_ready(plan: Plan, candidates: Sequence[Process]) -> list[Process]:
    pids: dict[str, int | None] = {}
    with contextlib.suppress(OSError, http.client.HTTPException):  # supervisord is not there yet
        pids = {name: info.pid for name, info in supervisor_of(plan).processes().items()}

    def is_ready(process: Process) -> bool:
        return readiness.is_ready(plan, process, pids.get(process.name))

    with ThreadPoolExecutor(max_workers=len(candidates) or 1) as pool:
        results = list(pool.map(is_ready, candidates))
    return [process for process, ready in zip(candidates, results, strict=True) if not ready]


def _give_up_on_failing(plan: Plan, waiting: Sequence[Process], started: float) -> None:
    if time.monotonic() < started + _TRY_SECONDS:
        return
    infos: dict[str, supervision.ProcessInfo] = {}
    with contextlib.suppress(OSError, http.client.HTTPException):
        infos = supervisor_of(plan).processes()
    for process in waiting:
        info = infos.get(process.name)
        if info is None or (info.restarts < _TRIES and info.state != "fatal"):
            continue
        # Of a program that cannot be run at all, supervisord alone has something to say.
        reason = _last_line(plan.home, f"{process.name}.log", "supervisord.log")
        raise PlatformError(
            f"The {process.title} process does not start: {reason} "
            f"(all of it is in {plan.home.logs / process.name}.log)"
        )


def _too_slow(plan: Plan, waiting: Sequence[Process], seconds: int) -> str:
    return f"Not ready after {seconds} s: {describe(waiting)}; their logs are in {plan.home.logs}."


def _last_line(home: Home, *names: str) -> str:
    for name in names:
        with contextlib.suppress(OSError):
            text = (home.logs / name).read_text(encoding="utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines:
                return lines[-1]
    return "it left no message"
