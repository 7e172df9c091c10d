"""What the services of the compose file are, by their names."""

import re
from typing import Final

from settings.variables import SERVICES
from tests.hardening.compose import Project

ROLES: Final = ("web", "worker", "relay", "migrate")
ONE_SHOTS: Final = frozenset({"migrate", "seed"})
OURS: Final = re.compile(r"souk-(auth|catalog|order):\$\{SOUK_TAG:-[\w.-]+\}")


def role(name: str) -> tuple[str, str]:
    """Return service and role by a name: ("catalog", "web") of catalog, ("", "broker") of the broker."""
    service, _, rest = name.partition("-")
    return (service, rest or "web") if service in SERVICES else ("", name)


def is_one_shot(name: str) -> bool:
    """Tell whether a service does its work and ends."""
    return role(name)[1] in ONE_SHOTS


def is_ours(project: Project, name: str) -> bool:
    """Tell whether a service runs one of our images."""
    return bool(OURS.fullmatch(str(project.written[name].get("image"))))
