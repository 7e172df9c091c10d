"""supervisord, the process manager: its configuration, its start and its XML-RPC."""

import hashlib
import http.client
import json
import os
import shlex
import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local.configuration import base_environment
from local.home import Home, Secrets, write_private
from local.plan import APPLICATIONS, ENGINES, GATEWAY, Plan, Process, run_directory
from local.ports import HOST

_USER = "souk"
_CALL_SECONDS = 5
_PRIORITIES = {ENGINES: 10, APPLICATIONS: 20, GATEWAY: 30}

# No path of this machine is written here: supervisord reads % ; and # in values as its own signs,
# and a folder may be called so. It runs in the home's folder, and the launcher is a variable.
_HEAD = """\
[supervisord]
nodaemon=true
silent=true
umask=077
identifier={identifier}
logfile=logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile=run/supervisord.pid
childlogdir=logs
{user}
[inet_http_server]
port={host}:{port}
username={username}
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:souk]
supervisor.rpcinterface_factory=local.restarts:make_interface
"""

# startsecs=0: a process that ends at once is started again a second later, for ever. With any
# other value supervisord waits one second longer after each failure, and PostgreSQL, which
# fails to start while the last of its killed predecessor is still there, would come back late.
_PROGRAM = """\

[program:{name}]
command=%(ENV_SOUK_LAUNCH)s {name}
autostart={autostart}
autorestart=true
startsecs=0
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""

_GROUP = """\

[group:{name}]
programs={programs}
priority={priority}
"""


@dataclass(frozen=True)
class ProcessInfo:
    """What supervisord knows of one process; pid is None while it is down."""

    pid: int | None
    state: str
    restarts: int


class Supervisor:
    """The supervisord of one home, by XML-RPC."""

    def __init__(self, secrets: Secrets, port: int) -> None:
        """Connect at the first call."""
        address = f"http://{_USER}:{secrets['supervisor']}@{HOST}:{port}/RPC2"
        self._server = xmlrpc.client.ServerProxy(address, transport=_Transport())

    def is_running(self) -> bool:
        """Tell whether it answers; one of another home refuses the password."""
        try:
            self._server.supervisor.getState()
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return False
        return True

    def pid(self) -> int:
        """Return its own process id."""
        return cast("int", self._server.supervisor.getPID())

    def processes(self) -> dict[str, ProcessInfo]:
        """Return what it knows of each process, by name."""
        infos = cast("list[dict[str, Any]]", self._server.supervisor.getAllProcessInfo())
        restarts = cast("dict[str, int]", self._server.souk.getRestarts())
        return {
            info["name"]: ProcessInfo(
                pid=info["pid"] or None,
                state=info["statename"].lower(),
                restarts=max(0, restarts.get(info["name"], 0)),
            )
            for info in infos
        }

    def start_group(self, group: str) -> None:
        """Start the processes of a group that are down; return at once."""
        self._server.supervisor.startProcessGroup(group, False)

    def start_process(self, process: Process) -> None:
        """Start a process that was stopped by stop_process."""
        self._server.supervisor.startProcess(f"{process.group}:{process.name}", False)

    def stop_process(self, process: Process) -> None:
        """Stop a process and leave it stopped."""
        self._server.supervisor.stopProcess(f"{process.group}:{process.name}", False)

    def shut_down(self) -> None:
        """Stop the gateway, then the services, then the engines, then itself; return at once."""
        self._server.supervisor.shutdown()


def write_configuration(plan: Plan) -> None:
    """Write what supervisord and the launcher read; mode 0600, for both hold secrets."""
    folder = plan.home.run / "processes"
    folder.mkdir(mode=0o700, exist_ok=True)
    for process in plan.processes():
        content = {
            "directory": run_directory(),
            "umask": _umask(process),
            "command": plan.command(process),
            "environment": plan.environment(process),
        }
        write_private(folder / f"{process.name}.json", json.dumps(content))
    write_private(_configuration_file(plan.home), _configuration(plan))


def _umask(process: Process) -> int:
    """Return the engines' umask, who keep all to themselves, or a service's.

    A service compiles the checkout's modules, which belong to everyone who may read the checkout.
    """
    return 0o022 if process.group == APPLICATIONS else 0o077


def start(home: Home) -> subprocess.Popen[bytes]:
    """Start supervisord, and with it the engines; it holds nothing of this terminal."""
    folder = Path(__file__).resolve().parent
    launcher = [sys.executable, "-IS", str(folder / "launch.py")]
    with (home.logs / "supervisord.stderr").open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, str(folder / "supervise.py"), "-c", _configuration_file(home)],
            cwd=home.path,
            env={**base_environment(home), "SOUK_LAUNCH": shlex.join(launcher)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )


def _configuration(plan: Plan) -> str:
    processes = plan.processes()
    head = _HEAD.format(
        identifier=hashlib.sha256(str(plan.home.path).encode()).hexdigest()[:16],
        # Otherwise supervisord warns that it runs as root.
        user="user=root\n" if os.geteuid() == 0 else "",
        host=HOST,
        port=plan.ports["supervisor"],
        username=_USER,
        password=plan.secrets["supervisor"],
    )
    programs = [
        _PROGRAM.format(
            name=process.name,
            autostart="true" if process.group == ENGINES else "false",
            stop_signal=process.stop_signal,
            stop_seconds=process.stop_seconds,
        )
        for process in processes
    ]
    groups = [
        _GROUP.format(
            name=group,
            programs=",".join(one.name for one in processes if one.group == group),
            priority=priority,
        )
        for group, priority in _PRIORITIES.items()
    ]
    return "".join([head, *programs, *groups])


def _configuration_file(home: Home) -> Path:
    return home.run / "supervisord.conf"


class _Transport(xmlrpc.client.Transport):
    """A connection per call; a supervisord that hangs is not waited for."""

    def request(self, *args: Any, **options: Any) -> Any:
        try:
            return super().request(*args, **options)
        finally:
            self.close()

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = _CALL_SECONDS
        return connection
