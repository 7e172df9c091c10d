"""docs/api.md: what all calls have in common, with every problem that the services' code may answer."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from tests.contracts.services import ROOT, SERVICES, openapi, problems

PAGE: Final = ROOT / "docs" / "api.md"
TEMPLATE: Final = Path(__file__).with_name("api.md.template")

_MOST_CALLS: Final = 5
"""More are only counted: a problem of that many calls is nothing of theirs."""


def page() -> str:
    """Return the page's text."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(problems="\n".join(_rows()))


def _rows() -> Iterator[str]:
    calls, private = _calls(), _calls("-internal")
    for code, problem in sorted(
        _known(calls).items(), key=lambda pair: (pair[1]["status"], pair[0])
    ):
        about = " ".join(problem["about"].partition("\n\n")[0].split())
        meaning = about or f"{problem['title']}."
        told = _told(calls.get(code, []), private.get(code, []), is_own=bool(about))
        yield f"| {problem['status']} | `{code}` | {meaning} | {told} |"


def _known(calls: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Return each problem by code, as the service tells it whose public calls answer it."""
    found: dict[str, dict[str, Any]] = {}
    for service in SERVICES:
        for code, problem in problems(service).items():
            own = any(call.startswith(f"{service} ") for call in calls.get(code, []))
            if own or code not in found:
                found[code] = problem
    return found


def _calls(part: str = "") -> dict[str, list[str]]:
    """Return by a problem's code which calls name it, such as `order POST /api/v1/orders`."""
    found = defaultdict(list)
    for service in SERVICES:
        for path, operations in yaml.safe_load(openapi(service + part))["paths"].items():
            for method, operation in operations.items():
                for response in operation["responses"].values():
                    content = response.get("content", {}).get("application/problem+json", {})
                    for code in content.get("examples", {}):
                        found[code].append(f"{service} {method.upper()} {path}")
    return found


def _told(calls: list[str], private: list[str], *, is_own: bool) -> str:
    if not is_own or len(calls) > _MOST_CALLS:
        return "many calls" if calls else "any call"
    if calls:
        return ", ".join(f"`{call.partition(' ')[2].replace('/api/v1', '')}`" for call in calls)
    return "services only" if private else "staff's pages only"
