"""Finds what should not be in a file that is in git: by the name it is given, and by how random it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from settings.validators import database_url, fernet_keys, former_secrets, secret, webhook_secrets
from settings.variables import VARIABLES
from tests.hardening.compose import Project, environment

_SECRET_CHECKS: Final = frozenset(
    {database_url, fernet_keys, former_secrets, secret, webhook_secrets}
)


def _checks(check: object) -> set[object]:
    """Return a check and those that it is made of: `optional(secret)` is one of `secret`."""
    inner = [cell.cell_contents for cell in getattr(check, "__closure__", None) or ()]
    return {check, *(one for one in inner if callable(one))}


# Of the services' own variables those that hold a secret; of other programs' those whose name says so.
OWN_NAMES: Final = frozenset(one.name for one in VARIABLES if _checks(one.check) & _SECRET_CHECKS)
_OTHER_NAMES: Final = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|PRIVATE_KEY|API_KEY")

_TOKEN: Final = re.compile(r"[A-Za-z0-9+_-]{20,}")
_CHANGE: Final = re.compile(r"[a-z](?=[A-Z\d])|[A-Z](?=[a-z\d])|\d(?=[A-Za-z])")
_LONGEST_RUN: Final = 5
"""Characters of one kind in a row, on average: drawn ones have about two, words and names many."""
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/\s:@]*:(?!\$)[^/\s:@]+@")
# Digests of images and packages are none, nor is the SHA-256 of nothing, which stands for any.
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|--hash=\S+|e3b0c44298fc1c14[0-9a-f]{48}")


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name holds a secret, and no place of one."""
    if name.endswith("_FILE"):
        return False
    return name in OWN_NAMES or bool(_OTHER_NAMES.search(name.upper()))


def variables_in_the_open(service: Mapping[str, Any]) -> Iterator[str]:
    """Yield the variables of a service that hold a secret themselves, and not the file that does."""
    for name, value in environment(service).items():
        if is_secret_name(name) and value:
            yield name


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and reason for what looks like a secret; the secret is not told."""
    for number, whole in enumerate(text.splitlines(), 1):
        line = _DIGEST.sub("", whole)
        if _PRIVATE_KEY.search(line):
            yield number, "a private key"
        if _PASSWORD_IN_URL.search(line):
            yield number, "a password in a URL"
        for token in _TOKEN.findall(line):
            if is_random(token):
                yield number, f"{len(token)} characters that look like a secret"


def is_random(token: str) -> bool:
    """Tell whether a word looks drawn and not written: lower case, upper case and digits change often."""
    changes = len(_CHANGE.findall(token))
    return bool(re.search(r"\d", token)) and len(token) < _LONGEST_RUN * (changes + 1)


def secret_sources(project: Project) -> Iterator[str]:
    """Yield the secrets that do not come from a file beside the project."""
    for name, source in project.secrets.items():
        if not source.get("file"):
            yield name
