"""Ask checkov about the Dockerfile and the manifests of both overlays; it finds nothing unexplained.

`python -m tests.hardening.checkov` prints what it finds, and needs no network. checkov has an
environment of its own: `python3 requirements/install.py checkov`.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.hardening.__main__ import ROOT

CHECKOV: Final = ROOT / ".venv-checkov" / "bin" / "checkov"
CONFIGURATION: Final = ROOT / ".checkov.yaml"
OVERLAYS: Final = ("small", "production")
FRAMEWORKS: Final = ("dockerfile", "kubernetes")
_LEAST_REASON: Final = 20
"""Characters: a word is no reason."""

Report = Mapping[str, Any]


def main() -> int:
    """Print what is wrong; return 0 when nothing is."""
    with tempfile.TemporaryDirectory(prefix="souk-checkov-") as name:
        folder = Path(name)
        gather(folder)
        reports = run(folder)
    found = list(findings(reports, CONFIGURATION.read_text(encoding="utf-8")))
    for one in found:
        print(one)
    return 1 if found else 0


def gather(folder: Path) -> None:
    """Put what is checked into a folder: the Dockerfile, and each overlay as it would be applied."""
    shutil.copy(ROOT / "Dockerfile", folder)
    for overlay in OVERLAYS:
        command = [sys.executable, "-m", "tests.kubernetes", "render", overlay]
        rendered = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        (folder / f"{overlay}.yaml").write_bytes(rendered.stdout)


def run(folder: Path) -> list[Report]:
    """Return checkov's report of each framework; nothing is skipped, and nothing fetched."""
    frameworks = [word for name in FRAMEWORKS for word in ("--framework", name)]
    command: list[str | Path] = [
        CHECKOV,
        "--directory",
        folder,
        *frameworks,
        "--skip-download",
        "--output",
        "json",
    ]
    finished = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
    )
    reports = json.loads(finished.stdout)
    return reports if isinstance(reports, list) else [reports]


def findings(reports: Sequence[Report], configuration: str) -> Iterator[str]:
    """Yield what checkov found and is not explained, and explanations that explain nothing."""
    reasons = explained(configuration)
    needed = set()
    for name in FRAMEWORKS:
        report = next((one for one in reports if one.get("check_type") == name), None)
        if report is None or not report["summary"]["passed"]:
            yield f"{name}: nothing was checked"
            continue
        results = report["results"]
        yield from (f"{name}: cannot read {path}" for path in results["parsing_errors"])
        for skipped in results["skipped_checks"]:
            yield f"{skipped['file_path']}: {skipped['check_id']} is skipped in the file itself"
        for failed in results["failed_checks"]:
            needed.add(failed["check_id"])
            if failed["check_id"] not in reasons:
                what = f"{failed['check_id']} {failed['check_name']}"
                yield f"{failed['file_path']} {failed['resource']}: {what}"
    for check, reason in reasons.items():
        if check not in needed:
            yield f"{CONFIGURATION.name}: {check} is found nowhere, and needs no line"
        if len(reason) < _LEAST_REASON:
            yield f"{CONFIGURATION.name}: {check} has no reason"


def explained(configuration: str) -> dict[str, str]:
    """Return the reason of each check that the configuration leaves out."""
    lines = re.finditer(r"^ *- (\w+)(?:[ \t]+#[ \t]*(.*))?$", configuration, re.MULTILINE)
    return {line[1]: line[2] or "" for line in lines}


if __name__ == "__main__":
    sys.exit(main())
