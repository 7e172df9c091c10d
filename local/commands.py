"""Run commands of the services (`manage.py catalog migrate`) with their variables."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from local.errors import PlatformError
from local.home import ROOT
from local.plan import Plan


def run_together(plan: Plan, commands: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Run one command in each service named, at the same time; return what each printed.

    Raises: PlatformError naming the first that failed, with its last line.
    """
    with ThreadPoolExecutor(max_workers=len(commands)) as pool:
        started = {
            service: pool.submit(_run, plan, service, command)
            for service, command in commands.items()
        }
        return {service: future.result() for service, future in started.items()}


def _run(plan: Plan, service: str, command: Sequence[str]) -> str:
    environment = plan.command_environment(service)
    if command[0] == "seed_demo":
        environment["DEMO_PASSWORD"] = plan.secrets["demo_password"]
    finished = subprocess.run(
        [sys.executable, "manage.py", service, *command],
        cwd=ROOT,
        env=environment,
        umask=0o022,  # it compiles the checkout's modules, for everyone who may read them
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    log = plan.home.logs / f"{service}-{command[0]}.log"
    log.write_text(finished.stdout + finished.stderr, encoding="utf-8")
    if finished.returncode:
        lines = (finished.stderr.strip() or finished.stdout.strip()).splitlines()
        reason = lines[-1] if lines else "it left no message"
        raise PlatformError(
            f"`manage.py {service} {command[0]}` failed: {reason} (all of it is in {log})"
        )
    return finished.stdout
