"""Failures that a caller may see. What each means in HTTP is decided in a service's api."""

from typing import Any, ClassVar


class PublicError(Exception):
    """Base of a service's public failures.

    `members` are extension members of the problem (RFC 9457 section 3.2), such as the short lines of an
    order; `errors` are entries with pointer, detail and code.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "The request failed"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        retry_after_seconds: int | None = None,
        **members: Any,
    ) -> None:
        """Say what failed, for people in `detail` and for programs in the rest."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = errors or []
        self.retry_after_seconds = retry_after_seconds
        self.members = members


class NotFound(PublicError):
    """There is no such thing, or it is not the caller's to see."""

    code = "not-found"
    title = "Not found"
