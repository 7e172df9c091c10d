"""What the documentation names is there: pages, headings, commands, targets of make, names in logs."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from local.home import ROOT, SERVICES

PAGES: Final = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/adr/*.md", "deploy/**/*.md", "contracts/*.md")
    for path in ROOT.glob(pattern)
)
ELSEWHERE: Final = {"archive_command", "archive_mode"}
"""Names of PostgreSQL's."""
PLATFORM: Final = {"up", "down", "status", "logs", "doctor", "demo", "audit"}
DJANGO: Final = {"migrate", "check", "shell", "dbshell", "showmigrations", "collectstatic"}

_FENCE: Final = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_COMMAND: Final = re.compile(r"manage\.py (?:(auth|catalog|order|SERVICE) )?([a-z_]{2,})")
_IN_CONTAINER: Final = re.compile(
    r"(?:exec|run)\b[^\n|`]*?manage\.py (?:(?:auth|catalog|order) )?([a-z_]{2,})"
)
_MAKE: Final = re.compile(r"`make ([a-z-]+)`|^\$ make ([a-z-]+)", re.MULTILINE)
_NAME: Final = re.compile(r"`([a-z]+(?:_[a-z0-9]+)+)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Return what a heading is called in a link, as GitHub makes it."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", one) for one in _HEADING.findall(text)]
    return {
        re.sub(r"[^\w\- ]", "", one.replace("`", "").lower()).replace(" ", "-") for one in headings
    }


def commands(service: str) -> set[str]:
    """Return the commands of a service, or of all of them."""
    services = SERVICES if service in {"SERVICE", ""} else (service,)
    folders = [ROOT / "chassis", *(ROOT / "apps" / f"{one}_service" for one in services)]
    files = [file for folder in folders for file in folder.glob("management/commands/*.py")]
    return {file.stem for file in files} | DJANGO


@cache
def code() -> str:
    """Return everything that may name a name."""
    folders = ("apps", "chassis", "settings", "local", "deploy", "gateway", "compose")
    files = (file for folder in folders for file in (ROOT / folder).rglob("*"))
    kinds = {".py", ".yaml", ".sh", ".env", ".cfg"}
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.suffix in kinds)


@pytest.mark.parametrize("page", PAGES, ids=named)
class TestPage:
    def test_links_to_what_is_there(self, page: Path) -> None:
        text = _FENCE.sub("", page.read_text(encoding="utf-8"))
        broken = []
        for link in _LINK.findall(text):
            target, _, anchor = link.partition("#")
            if "://" in target:
                continue
            path = (page.parent / target).resolve() if target else page
            missing = anchor and path.suffix == ".md" and anchor not in anchors(path)
            if not path.exists() or missing:
                broken.append(link)
        assert broken == []

    def test_names_commands_that_exist(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        unknown = [
            f"{service} {name}".strip()
            for service, name in _COMMAND.findall(_IN_CONTAINER.sub("", text))
            if name not in (commands(service) if service else PLATFORM | commands(""))
        ]
        inside = [name for name in _IN_CONTAINER.findall(text) if name not in commands("")]
        assert unknown + inside == []

    def test_names_targets_of_make(self, page: Path) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
        found = {one or other for one, other in _MAKE.findall(page.read_text(encoding="utf-8"))}
        assert found - targets == set()


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/runbooks.md", "docs/backup.md"])
def test_names_in_what_an_operator_reads_are_those_of_the_code(page: str) -> None:
    names = set(_NAME.findall((ROOT / page).read_text(encoding="utf-8")))
    names -= commands("") | ELSEWHERE
    # prometheus_client adds these endings itself.
    stems = {name: re.sub(r"^(souk_\w+?)(_total|_count|_bucket)$", r"\1", name) for name in names}
    assert {
        name for name, stem in stems.items() if stem not in code() and not _is_figure(name)
    } == set()


def _is_figure(name: str) -> bool:
    """Tell whether it is one of souk_events_*, whose names are put together."""
    return name.startswith("souk_events_") and name.removeprefix("souk_events_") in code()
