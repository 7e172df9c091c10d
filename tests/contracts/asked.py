"""What one service says of its contracts, in one process, since its start is what takes long.

`python -m tests.environment order python -m tests.contracts.asked` prints one JSON object: what
each command printed, and which problems the service may answer. A warning of the generator of the OpenAPI documents is a failure.
"""

import io
import json
from typing import Any, Final

import django
from django.core.management import call_command

_OPENAPI: Final = ("spectacular", "--validate", "--fail-on-warn")
_COMMANDS: Final = {
    "events": ("event_schemas", "--all"),
    "public": _OPENAPI,
    "internal": (*_OPENAPI, "--custom-settings", "chassis.openapi.INTERNAL"),
}


def main() -> None:
    """Run the commands and print what they printed."""
    django.setup()
    call_command("check")
    found = {name: io.StringIO() for name in _COMMANDS}
    for name, command in _COMMANDS.items():
        call_command(*command, stdout=found[name])
    told = {name: out.getvalue() for name, out in found.items()}
    print(json.dumps({**told, "problems": json.dumps(_problems())}))


def _problems() -> dict[str, Any]:
    from chassis import problems  # Django must be set up first

    return {
        code: {"status": kind.status, "title": kind.title, "about": about}
        for code, (kind, about) in problems.kinds().items()
    }


if __name__ == "__main__":
    main()
