"""JSON in and out of the API, by msgspec: decimals as strings, times as RFC 3339."""

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from django.conf import settings
from django.http import UnreadablePostError
from django.utils.functional import Promise
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class BodyTooLarge(APIException):
    """The request's body is longer than what is asked for there may be."""

    status_code = 413
    default_detail = "The body is too large"


def _plain(value: Any) -> Any:
    """Turn what msgspec does not know into what it does: Django's lazy, safe and coded strings."""
    if isinstance(value, str | Promise):
        return str.__str__(value) if isinstance(value, str) else str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(value: Any) -> bytes:
    """Return the value as UTF-8 JSON: decimals as strings, times as RFC 3339, NaN and infinity as null."""
    return _encoder.encode(value)


def decode(body: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON (RFC 8259), not UTF-8, or nested too deep.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def read_body(stream: IO[Any], *, longest: int) -> bytes:
    """Return the bytes of a request's body.

    Raises:
        BodyTooLarge: they are more than `longest`.
        ParseError: the caller went away meanwhile.
    """
    try:
        body: bytes = stream.read(longest + 1)
    except UnreadablePostError as error:
        raise ParseError("The body did not arrive") from error
    if len(body) > longest:
        raise BodyTooLarge
    return body


def _holds_nul(value: Any) -> bool:
    """Tell whether a text of the value holds a NUL character; it may be nested as deep as was read."""
    left = [value]
    while left:
        match left.pop():
            case str() as text if "\0" in text:
                return True
            case dict() as members:
                left += members.keys()
                left += members.values()
            case list() as entries:
                left += entries
    return False


class JSONRenderer(BaseRenderer):
    """Renders answers as JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body; an answer without data has an empty one."""
        return b"" if data is None else encode(data)


class JSONParser(BaseParser):
    """Parses request bodies as JSON."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body's value; answer 400 where it is no JSON, 413 where it is too large."""
        body = read_body(stream, longest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
        try:
            value = decode(body)
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        if b"\\u0000" in body and _holds_nul(value):
            raise ParseError("The body holds a NUL character, which cannot be stored")
        return value


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever Accept says: there is no other form."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser of the request's content type, or None."""
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        """Return the only renderer."""
        return renderers[0], renderers[0].media_type
