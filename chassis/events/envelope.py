"""The event on the wire: CloudEvents 1.0 in structured JSON, with our extensions."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

SPEC_VERSION: Final = "1.0"
_YEARS: Final = range(2000, 3000)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent; `sequence` counts the events of one subject from 1."""

    specversion: Literal["1.0"]
    id: UUID
    source: str
    type: str
    subject: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    datacontenttype: Literal["application/json"]
    dataschema: str
    data: dict[str, Any]
    sequence: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,17}$")]
    requestid: str
    traceparent: str


def parse(message: Any) -> Envelope:
    """Return the envelope of a received message, its time in UTC: databases take fewer offsets.

    Raises:
        ValueError: it is not an event of ours.
    """
    try:
        received = msgspec.convert(message, Envelope)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    if received.time.year not in _YEARS:
        raise ValueError(f"Expected a time of these days, got {received.time.isoformat()}")
    return msgspec.structs.replace(received, time=received.time.astimezone(UTC))


def schema_uri(name: str, version: int) -> str:
    """Return the dataschema of an event type, as contracts/events names the file."""
    return f"urn:souk:event:{name}:v{version}"


def source_uri(service: str) -> str:
    """Return the source of the events that a service publishes."""
    return f"urn:souk:service:{service}"
