"""What a variable's value must look like. Messages never hold the value: it may be a secret."""

import re
from base64 import b64decode
from collections.abc import Callable
from email.utils import parseaddr
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet
from environs import ValidationError
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_WEBHOOK_PREFIX: Final = "whsec_"

SEARCH_LANGUAGES: Final = (
    *(
        "simple",
        "arabic",
        "armenian",
        "basque",
        "catalan",
        "danish",
        "dutch",
        "english",
        "estonian",
    ),
    *(
        "finnish",
        "french",
        "german",
        "greek",
        "hindi",
        "hungarian",
        "indonesian",
        "irish",
        "italian",
    ),
    *(
        "lithuanian",
        "nepali",
        "norwegian",
        "polish",
        "portuguese",
        "romanian",
        "russian",
        "serbian",
    ),
    *("spanish", "swedish", "tamil", "turkish", "yiddish"),
)
"""Text search configurations that PostgreSQL 18 brings."""


def _split(value: str) -> SplitResult | None:
    """Return the parts of a URL; None where it is none, for the error may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _split_http(value: str) -> SplitResult | None:
    """Return the parts of an absolute http(s) URL; None where it is none."""
    parts = _split(value)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    return parts


def http_url(value: str) -> None:
    """Refuse what is not an absolute http(s) URL without a query."""
    parts = _split_http(value)
    if parts is None or parts.query:
        raise ValidationError("must be an http or https URL, such as http://127.0.0.1:8000")


def database_url(value: str) -> None:
    """Refuse what does not name a PostgreSQL database."""
    try:
        parts = (
            conninfo_to_dict(value) if value.startswith(("postgres://", "postgresql://")) else {}
        )
    except ProgrammingError:  # its message may hold the password
        parts = {}
    if not parts.get("dbname") or not str(parts.get("port", 5432)).isdigit():
        raise ValidationError("must look like postgresql://role:password@host:5432/database")


def redis_url(value: str) -> None:
    """Refuse what does not name a Redis server."""
    parts = _split(value)
    if parts is None or parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValidationError("must look like redis://user:password@host:6379/0")


def fernet_keys(values: list[str]) -> None:
    """Refuse a list that holds anything but Fernet keys."""
    if not values:
        raise ValidationError("must hold at least one key")
    for value in values:
        try:
            Fernet(value)
        except ValueError as error:
            raise ValidationError("must hold 32-byte url-safe base64 keys") from error


def secret(value: str) -> None:
    """Refuse a secret that is too short to be one."""
    if len(value) < 20:  # noqa: PLR2004 -- the message says it
        raise ValidationError("must be at least 20 characters long")


def former_secrets(values: list[str]) -> None:
    """Refuse a list in which a secret is too short to be one; none at all will do."""
    for value in values:
        secret(value)


def webhook_secrets(values: list[str]) -> None:
    """Accept none, one, or two while one replaces the other, as Standard Webhooks writes them."""
    if len(values) > 2:  # noqa: PLR2004 -- the message says it
        raise ValidationError("must hold one secret, or two while it is rotated")
    for value in values:
        if not value.startswith(_WEBHOOK_PREFIX) or not _is_webhook_key(value):
            raise ValidationError("must hold whsec_ and the base64 of 24 to 64 bytes")


def _is_webhook_key(value: str) -> bool:
    try:
        key = b64decode(value.removeprefix(_WEBHOOK_PREFIX), validate=True)
    except ValueError:
        return False
    return 24 <= len(key) <= 64  # noqa: PLR2004 -- the message says it


def price(value: str) -> None:
    """Refuse what is no amount of money."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,2})?", value, re.ASCII):
        raise ValidationError("must be an amount such as 4.90")


def tax_rate(value: str) -> None:
    """Refuse what is no rate from 0 to 1."""
    if not re.fullmatch(r"0(\.[0-9]{1,4})?|1(\.0{1,4})?", value, re.ASCII):
        raise ValidationError("must be a rate from 0 to 1, such as 0.19 for 19 %")


def tax_rates(values: list[str]) -> None:
    """Refuse a list that does not name one rate for each of its countries."""
    countries = []
    for value in values:
        country, _, rate = value.partition("=")
        if not re.fullmatch(r"[A-Z]{2}", country, re.ASCII):
            raise ValidationError("must name countries by ISO 3166-1 alpha-2: DE=0.19,NL=0.21")
        tax_rate(rate)
        countries.append(country)
    if len(set(countries)) != len(countries):
        raise ValidationError("must name each country once")


def host_names(values: list[str]) -> None:
    """Refuse a list without a single host."""
    if not any(values):
        raise ValidationError("must hold at least one host name")


def secret_hashes(values: list[str]) -> None:
    """Accept the SHA-256 of one secret, or of two while one replaces the other."""
    if not 1 <= len(values) <= 2:  # noqa: PLR2004 -- the message says it
        raise ValidationError("must hold one hash, or two while the secret is rotated")
    if not all(re.fullmatch(r"[0-9a-f]{64}", value) for value in values):
        raise ValidationError("must hold SHA-256 hashes in hexadecimal, as sha256sum prints them")


def mail_url(value: str) -> None:
    """Refuse what names no way to send mail."""
    if value == "console:":
        return
    parts = _split(value)
    if (
        parts is None
        or parts.scheme not in {"smtp", "smtp+starttls", "smtps"}
        or not parts.hostname
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise ValidationError(
            "must be console:, or look like smtp+starttls://user:password@host:587;"
            " smtps:// is TLS from the start, smtp:// is none"
        )


def mail_address(value: str) -> None:
    """Refuse a sender without an address, such as `Souk <shop@example.com>`."""
    _, address = parseaddr(value)
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address) or not value.isprintable():
        raise ValidationError("must be an e-mail address, such as Souk <shop@example.com>")


def link_template(value: str) -> None:
    """Refuse a link without a place for the token; that may be in its query or fragment."""
    if value:
        if _split_http(value.replace("{token}", "token")) is None:
            raise ValidationError(
                "must be an http or https link, such as https://shop.example/reset?token={token}"
            )
        if value.count("{token}") != 1:
            raise ValidationError("must hold {token} once, where the token goes")


def host_and_port(value: str) -> None:
    """Refuse a listening address without a port."""
    _, separator, port = value.rpartition(":")
    if not separator or not port.isdigit():
        raise ValidationError("must look like 0.0.0.0:8000")


def pairs(value: str) -> None:
    """Refuse what is not name=value, several with commas between them, as OpenTelemetry writes them."""
    if not all(re.fullmatch(r"\s*[^=\s]+=[^=]*", one) for one in value.split(",") if value):
        raise ValidationError("must look like name=value,name=value")


def one_of(*choices: str) -> Callable[[str], None]:
    """Return a validator that accepts the given choices only."""

    def validate(value: str) -> None:
        if value not in choices:
            raise ValidationError(f"must be one of {', '.join(choices)}")

    return validate


def between(low: int, high: int) -> Callable[[float], None]:
    """Return a validator that accepts numbers from low to high."""

    def validate(value: float) -> None:
        if not low <= value <= high:
            raise ValidationError(f"must be between {low} and {high}")

    return validate


def currency_code(value: str) -> None:
    """Refuse what is not written like an ISO 4217 code."""
    if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):  # noqa: PLR2004
        raise ValidationError("must be an ISO 4217 code such as EUR")


def search_language(value: str) -> None:
    """Refuse what PostgreSQL has no dictionary for."""
    if value not in SEARCH_LANGUAGES:
        raise ValidationError(f"must be one of {', '.join(SEARCH_LANGUAGES)}")


def optional(check: Callable[[str], None]) -> Callable[[str | None], None]:
    """Return a check that an empty value passes."""

    def check_if_given(value: str | None) -> None:
        if value:
            check(value)

    return check_if_given
