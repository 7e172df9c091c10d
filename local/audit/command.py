"""Run the exports, join them, tell what was found."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from local.audit import events, orders
from local.audit.exports import Export, by_service, open_export, refuse_strangers
from local.audit.findings import Findings
from local.audit.restored import Restored
from local.errors import PlatformError
from local.home import ROOT, SERVICES, Home
from local.lifecycle import running_plan
from local.output import Output
from local.plan import Plan


def run(
    home: Home,
    output: Output,
    *,
    files: Sequence[Path],
    began: Mapping[str, datetime],
    restored: Sequence[Restored],
    pending_seconds: float,
    as_json: bool,
) -> int:
    """Audit the platform, or files; return 1 where there is a mismatch.

    Raises: PlatformError where a service could not be read.
    """
    if files:
        exports = [open_export(path) for path in files]
        found = compare(exports, began, pending_seconds, restored)
    else:
        plan = running_plan(home)
        if plan is None:
            raise PlatformError(
                f"The platform in {home.path} is not running; `manage.py up` starts it."
            )
        with tempfile.TemporaryDirectory(dir=home.run, prefix="audit-") as folder:
            exports = _export_all(plan, Path(folder))
            found = compare(exports, began, pending_seconds, restored)
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        for line in (*(one.line() for one in found.mismatches), *found.summary()):
            output.say(line)
    return 1 if found.mismatches else 0


def compare(
    exports: list[Export],
    began: Mapping[str, datetime],
    pending_seconds: float,
    restored: Sequence[Restored] = (),
) -> Findings:
    """Compare what the services hold; what is younger than so many seconds by any export is pending."""
    joined = by_service(exports)
    refuse_strangers(began, joined)
    earliest = min(export.at for export in exports)
    findings = Findings(earliest - timedelta(seconds=pending_seconds))
    events.Comparison(joined, findings, began, restored).run()
    orders.compare(joined, findings, restored)
    orders.compare_stock(joined["catalog"], findings)
    return findings


def _export_all(plan: Plan, folder: Path) -> list[Export]:
    with ThreadPoolExecutor(max_workers=len(SERVICES)) as pool:
        paths = pool.map(lambda service: _export(plan, service, folder), SERVICES)
        return [open_export(path) for path in paths]


def _export(plan: Plan, service: str, folder: Path) -> Path:
    """Let a service write its export to a file: it must not wait for who reads, with a snapshot open."""
    path = folder / f"{service}.jsonl"
    with path.open("wb") as file:
        finished = subprocess.run(
            [sys.executable, "manage.py", service, "audit_export"],
            cwd=ROOT,
            env=plan.command_environment(service),
            umask=0o022,  # it compiles the checkout's modules, for everyone who may read them
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if finished.returncode:
        lines = finished.stderr.strip().splitlines() or ["it left no message"]
        reason = lines[-1].removeprefix("CommandError: ")
        raise PlatformError(f"{service} could not be read: {reason}")
    return path
