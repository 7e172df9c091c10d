"""What people are told of a refused message, for it is no event: who sent it, and what it was."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

UNKNOWN_SENDER: Final = "an unknown sender"
BEGINNING: Final = 60
"""Characters of a refused message by which it is told apart from others."""
NEEDED_FOR_LINE: Final = 12 * BEGINNING
"""Of what is kept of a message, as much as `line_of` looks at: a character is twelve at most in JSON."""

# JSON's text up to where it ends, or where the end was cut off; never half of what is escaped.
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
_decoder: Final = json.JSONDecoder(strict=False)


def sender_of(content: Mapping[str, Any]) -> str:
    """Return who sent a refused message.

    Args:
        content: what is kept of it as the row's envelope.
    """
    return content.get("producer") or UNKNOWN_SENDER


def text_of(content: Mapping[str, Any]) -> str:
    """Return a refused message as it came; one that was JSON comes indented.

    Args:
        content: what is kept of it as the row's envelope: its JSON, of which the end may be cut off.
    """
    kept = str(content.get("message") or "")
    if text := _TEXT.match(kept):
        return _readable(str(_decoder.decode(f'{text[0]}"')))
    try:
        return _readable(json.dumps(json.loads(kept), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return kept


def line_of(content: Mapping[str, Any]) -> str:
    """Return how a refused message begins and who sent it, on a line of printable characters.

    Args:
        content: as of `text_of`; its beginning is enough.
    """
    kept = str(content.get("message") or "")[:NEEDED_FOR_LINE]
    text = text_of({"message": kept}) if kept.startswith('"') else kept
    shown = "".join(one if one.isprintable() else " " for one in text)
    shown = " ".join(shown.split())
    if len(shown) > BEGINNING:
        shown = f"{shown[:BEGINNING]}…"
    return f"from {sender_of(content)}: {shown}"


def _readable(text: str) -> str:
    """Return the text as one that a page and a terminal can show: without halves of characters."""
    return text.encode(errors="backslashreplace").decode()
