"""What a product's picture may be called."""

from typing import Final

_STARTS: Final = ("https://", "http://", "/media/")


def is_image_url(text: str) -> bool:
    """Tell whether it is an http(s) URL or a path that stays under /media/."""
    return text.startswith(_STARTS) and not (text.startswith("/") and "/../" in f"{text}/")
