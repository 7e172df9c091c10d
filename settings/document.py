"""Print docs/configuration.md: `python -m settings.document > docs/configuration.md`."""

from typing import Final

from settings import env
from settings.variables import REQUIRED, Variable

_HEAD: Final = """\
# Configuration

Written by `python -m settings.document` from `settings/variables.py`; a test compares the two.

Each service reads its own variables when it starts. If some are missing or bad, it names all of them
in one message and ends with exit code 1. Every variable may be given as a file instead: `NAME_FILE`
holds a path, and the file's content, without white space around it, is the value.
A variable without a default is required.
"""


def document() -> str:
    """Return the page: a table of variables for each service."""
    return "\n".join([_HEAD, *(_section(service) for service in env.SERVICES)])


def _section(service: str) -> str:
    rows = [_row(variable) for variable in env.variables_of(service)]
    head = ["| variable | default | what it is |", "|---|---|---|"]
    return "\n".join([f"## {service}", "", *head, *rows, ""])


def _row(variable: Variable) -> str:
    explanation = variable.help
    if variable.kind == "list":
        explanation += " Separated by commas."
    return f"| `{variable.name}` | {_default(variable)} | {explanation} |"


def _default(variable: Variable) -> str:
    if variable.default is REQUIRED:
        return "required"
    if variable.default in (None, []):
        return "none"
    return f"`{str(variable.default).lower() if variable.kind == 'bool' else variable.default}`"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 -- its only output
