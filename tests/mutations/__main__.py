"""Take one rule at a time out of a copy of the code, and see that the test aimed at it fails.

`python -m tests.mutations` tries all of them, `python -m tests.mutations relay stock` those whose
names have one of the words. Each test must pass as long as nothing is taken out.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tests.mutations.mutants import MUTANTS, Mutant
from tests.run import ROOT, SUITES

AT_ONCE: Final = 2
_LEFT_OUT: Final = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
_ASSERTION: Final = re.compile(r"AssertionError|assert |Failed: DID NOT RAISE")
"""How the message of a failure begins where a test found something else than it wants."""

FAILED, SURVIVED, BROKE = "noticed", "SURVIVED", "BROKE the test"


def main(words: Sequence[str]) -> int:
    """Print what became of each; return 0 when every one was noticed."""
    chosen = [one for one in MUTANTS if not words or any(word in one.name for word in words)]
    if not chosen:
        sys.exit(f"No mutant has one of these words in its name: {' '.join(words)}")
    if stale := [one for one in chosen if (ROOT / one.file).read_text().count(one.before) != 1]:
        sys.exit(
            "These pieces of code are not there exactly once, so their mutants are to be written "
            "anew:\n" + "\n".join(f"  {one.name} ({one.file})" for one in stale)
        )
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="souk-mutants-") as folder,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        if not all(pool.map(partial(_pass, folder=Path(folder)), _tests(chosen))):
            sys.exit("The tests must pass before anything is taken out.")
        print(f"\n{'taken out':<66}{'':<16}{'seconds':>8}", flush=True)
        outcomes = list(pool.map(partial(_try, folder=Path(folder)), chosen))
    noticed = outcomes.count(FAILED)
    print(f"\n{noticed} of {len(chosen)} noticed, in {time.monotonic() - started:.0f} s")
    return 0 if noticed == len(chosen) else 1


def _tests(mutants: Sequence[Mutant]) -> list[tuple[str, list[str]]]:
    """Return each suite's tests."""
    ordered = sorted(mutants, key=lambda one: one.suite)
    return [
        (suite, sorted({one.test for one in group}))
        for suite, group in groupby(ordered, key=lambda one: one.suite)
    ]


def _pass(of_suite: tuple[str, list[str]], folder: Path) -> bool:
    """Tell whether a suite's tests pass with the code as it is; show what they print where they do not."""
    suite, tests = of_suite
    print(f"{suite}: with nothing taken out", flush=True)
    copy = _copied(folder / suite)
    done = _pytest(suite, tests, copy)
    if done.returncode:
        print(done.stdout)
    shutil.rmtree(copy)
    return done.returncode == 0


def _try(mutant: Mutant, folder: Path) -> str:
    """Run a mutant's test; print and return what came of it."""
    started = time.monotonic()
    copy = _copied(folder / str(MUTANTS.index(mutant)))
    file = copy / mutant.file
    file.write_text(file.read_text().replace(mutant.before, mutant.after))
    done = _pytest(mutant.suite, [mutant.test], copy)
    outcome = _outcome(done, copy / "report.xml")
    printed = "" if outcome == FAILED else f"\n{done.stdout[-4000:]}\n"
    seconds = time.monotonic() - started
    print(f"{mutant.name:<66}{outcome:<16}{seconds:>8.0f}{printed}", flush=True)
    shutil.rmtree(copy)
    return outcome


def _outcome(done: "subprocess.CompletedProcess[str]", report: Path) -> str:
    """Return what pytest found: an assertion must have failed, for a mutant may not be what breaks a test."""
    if done.returncode == 0:
        return SURVIVED
    if not report.exists():
        return BROKE
    failures = [
        failure.get("message", "")
        for failure in ET.parse(report).iter("failure")  # noqa: S314 -- pytest wrote it
    ]
    return FAILED if any(_ASSERTION.match(message) for message in failures) else BROKE


def _copied(to: Path) -> Path:
    """Copy the code: what is taken out of it is never taken out of the checkout."""
    shutil.copytree(ROOT, to, ignore=_LEFT_OUT)
    return to


def _pytest(suite: str, tests: Sequence[str], copy: Path) -> "subprocess.CompletedProcess[str]":
    (found,) = (one for one in SUITES if one.name == suite)
    # Longer than the tests wait for what does not come: they are to say themselves what it is.
    options = ["--numprocesses=0", "--timeout=240", "-p", "no:cacheprovider"]
    *command, _ = found.command(copy / "report.xml", options)
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [*command, *(f"tests/{test}" for test in tests)],
        cwd=copy,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
