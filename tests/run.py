"""Run the suites, some at once, and print one closing line with their counts.

`python -m tests.run` runs all but the long ones, `python -m tests.run order_service system` some.
What follows `--` goes to pytest: `python -m tests.run chassis -- -k outbox -x`.
"""

import argparse
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tests.environment import SERVICES

ROOT: Final = Path(__file__).resolve().parent.parent
TESTS: Final = Path("tests")
CORES: Final = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Suite:
    """A folder of tests and how it is run.

    A suite with `settings` is run with them on engines of its own (tests/engines.py); the others
    start what they need by themselves. A long one is run when it is named, as `make test-faults` does;
    one that is `of` another suite is the long tests in its folder.
    """

    name: str
    settings: str | None = None
    timeout_seconds: int = 60
    processes: int = 2
    is_long: bool = False
    of: str | None = None

    @property
    def folder(self) -> Path:
        return TESTS / (self.of or self.name)

    def is_run_by_default(self) -> bool:
        return not self.is_long and any((ROOT / self.folder).rglob("test_*.py"))

    def command(self, report: Path, options: Sequence[str]) -> list[str]:
        # A process takes five seconds until its first test, and what shares the tests out is one
        # more. With few cores the other suites keep them busy.
        shared = self.settings and self.processes > 1 and CORES > 4
        processes = self.processes if shared else 0
        return [
            *(sys.executable, "-m", "pytest", "--quiet", f"--junit-xml={report}"),
            f"--timeout={self.timeout_seconds}",
            *([f"--ds={self.settings}"] if self.settings else []),
            f"--numprocesses={processes}",
            *(["-m", "long"] if self.of else []),
            *options,
            str(self.folder),
        ]


# Those of a group run at once, the longest first, as many as keep every core busy: they wait about
# as much as they work, and share nothing.
GROUPS: Final = (
    (
        Suite("system", timeout_seconds=180),
        Suite("catalog_service", settings="settings.catalog"),
        Suite("chassis", settings="settings.order"),
        Suite("browser", timeout_seconds=180),
        Suite("order_service", settings="settings.order"),
        Suite("attacks", timeout_seconds=180),
        Suite("auth_service", settings="settings.auth"),
        Suite("contracts", timeout_seconds=180),
        *(Suite("gateway"), Suite("hardening"), Suite("kubernetes", timeout_seconds=180)),
        Suite("local", timeout_seconds=180),
    ),
    (Suite("faults", settings="settings.catalog", timeout_seconds=180, processes=1, is_long=True),),
    (Suite("containers", timeout_seconds=1800, is_long=True),),
    (Suite("system_long", timeout_seconds=180, is_long=True, of="system"),),
    tuple(
        Suite(
            f"{name}_long",
            settings=f"settings.{settings}",
            timeout_seconds=180,
            is_long=True,
            of=folder,
        )
        for name, settings, folder in (
            ("chassis", "order", "chassis"),
            *((service, service, f"{service}_service") for service in SERVICES),
        )
    ),
)
SUITES: Final = tuple(itertools.chain.from_iterable(GROUPS))


@dataclass(frozen=True, slots=True)
class Result:
    """What a suite, or all of them, came to."""

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @property
    def counts(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def main(arguments: Sequence[str]) -> int:
    """Run the suites; return 0 when nothing failed."""
    names = [suite.name for suite in SUITES]
    own, _, options = (list(part) for part in _split(arguments))
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(names)}")
    chosen = parser.parse_args(own).suites
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"no suite {', '.join(unknown)}; there are {', '.join(names)}")
    groups = [
        [s for s in group if s.name in chosen or (not chosen and s.is_run_by_default())]
        for group in GROUPS
    ]
    started = time.monotonic()
    results = _run_all(groups, options)
    total = replace(_sum(results), seconds=time.monotonic() - started)
    _print_table([*results, total])
    print(total.counts)
    return 0 if total.passed and not total.failed else 1


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Part the arguments at `--`."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at : at + 1], arguments[at + 1 :]


def _run_all(groups: Sequence[Sequence[Suite]], options: Sequence[str]) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="souk-reports-") as folder:
        reports = Path(folder)
        return [result for group in groups for result in _run_group(group, reports, options)]


def _run_group(group: Sequence[Suite], reports: Path, options: Sequence[str]) -> list[Result]:
    """Run suites, one more at once than there are cores: each waits now and then.

    What one alone prints is seen at once, what several print when each ends.
    """
    if len(group) < 2:
        return [_run(suite, reports, options) for suite in group]
    with ThreadPoolExecutor(min(len(group), CORES + 1)) as pool:
        return list(pool.map(lambda suite: _run(suite, reports, options, at_end=True), group))


def _run(suite: Suite, reports: Path, options: Sequence[str], *, at_end: bool = False) -> Result:
    """Run a suite.

    Args:
        suite: which one.
        reports: the folder for its report.
        options: pytest's.
        at_end: whether its output is kept back until it ends.
    """
    heading = f"\n=== {suite.name}"
    report = reports / f"{suite.name}.xml"
    started = time.monotonic()
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with tempfile.TemporaryFile("w+", dir=reports) as kept:
        if not at_end:
            print(heading, flush=True)
        output = {"stdout": kept, "stderr": subprocess.STDOUT} if at_end else {}
        command = suite.command(report, options)
        with subprocess.Popen(command, cwd=ROOT, env=environment, **output) as pytest:  # type: ignore[call-overload]
            try:
                status = pytest.wait()
            except KeyboardInterrupt:  # pytest got it too: let it clean up and report
                pytest.wait()
                raise
        if at_end:
            kept.seek(0)
            print(f"{heading}\n{kept.read()}", end="", flush=True)
    counted = _count(suite.name, report)
    if status != 0 and not counted.failed:  # crashed, was killed, or found no test
        print(f"{suite.name}: pytest ended with {_ending(status)}: counted as one failure")
        counted = replace(counted, failed=1)
    return replace(counted, seconds=time.monotonic() - started)


def _count(suite: str, report: Path) -> Result:
    """Count the test cases of a JUnit report: an error in set-up or teardown is a failure."""
    if not report.exists():
        return Result(suite)
    passed = failed = skipped = 0
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 -- pytest wrote it
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            failed += 1
        elif "skipped" in outcomes:
            skipped += 1
        else:
            passed += 1
    return Result(suite, passed, failed, skipped)


def _ending(status: int) -> str:
    if status < 0:
        return signal.Signals(-status).name
    return "no test collected" if status == 5 else f"exit code {status}"


def _sum(results: Sequence[Result]) -> Result:
    return Result(
        "all",
        sum(result.passed for result in results),
        sum(result.failed for result in results),
        sum(result.skipped for result in results),
    )


def _print_table(results: Sequence[Result]) -> None:
    print(f"\n{'suite':<18}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}")
    for row in results:
        print(f"{row.suite:<18}{row.passed:>8}{row.failed:>8}{row.skipped:>8}{row.seconds:>9.1f}")
    print()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
