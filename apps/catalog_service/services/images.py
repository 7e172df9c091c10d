"""What a picture must be, and how it is made anew from its pixels alone."""

import io
import threading
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from PIL import Image, ImageOps, ImageSequence

from apps.catalog_service.errors import PictureInvalid

MOST_PIXELS: Final = 40_000_000
"""Of all its frames together: about 160 MB while it is worked on."""
MOST_FRAMES: Final = 500

_SUFFIXES: Final = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}
# What a camera of several lenses writes: a JPEG, and more behind it.
_SAME: Final = {"MPO": "JPEG"}
# The rest of what Pillow knows of a picture goes: comments, the camera, the place.
_KEPT: Final = ("icc_profile", "transparency")
_QUALITY: Final = 90
_PNG_END: Final = b"IEND\xaeB`\x82"
_GIF_END: Final = b";"
# Memory is for one picture at a time.
_working: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's bytes, and how the name of its file ends."""

    content: bytes
    suffix: str


def clean(content: bytes) -> Picture:
    """Return the picture as its pixels give it: nothing else that was sent is kept or served.

    A photo that its camera held upright is turned upright, an animation stays one.

    Args:
        content: a PNG, JPEG, WebP or GIF, whatever it is called.

    Raises:
        PictureInvalid: it is none of them, broken, or too large to be shown.
    """
    with _working:
        try:
            return _made_anew(content)
        except PictureInvalid:
            raise
        except Exception as error:  # decoders of hostile bytes raise whatever there is
            raise PictureInvalid("It is broken, or no PNG, JPEG, WebP or GIF") from error


def _made_anew(content: bytes) -> Picture:
    source = io.BytesIO(content)
    # What is larger than Pillow warns of is far beyond our own limit.
    with Image.open(source, formats=tuple(_SUFFIXES)) as image:
        form = _SAME.get(image.format or "", image.format or "")
        animated = form != "JPEG" and _count_frames(image, source) > 1
        _require_few_pixels(image, 1)
        frames = [_bare(frame) for frame in ImageSequence.Iterator(image)] if animated else []
        frames = frames or [_bare(image)]
        options = _animation(image, frames) if animated else {}
    made = io.BytesIO()
    profile = frames[0].info.get("icc_profile")
    frames[0].save(made, form, quality=_QUALITY, icc_profile=profile, **options)
    return Picture(made.getvalue(), _SUFFIXES[form])


def _count_frames(image: Image.Image, source: io.BytesIO) -> int:
    """Return how many frames there are; give up where they are too many, before the next one is read."""
    frames = 1
    while True:
        _require_few_pixels(image, frames)
        try:
            image.seek(frames)
        except EOFError:
            _require_end(image.format, source.getvalue(), source.tell())
            image.seek(0)
            return frames
        frames += 1


def _require_end(form: str | None, content: bytes, read: int) -> None:
    """Refuse what was cut short between two frames, or behind the last one: Pillow takes it as whole.

    Args:
        form: of the picture.
        content: all of it.
        read: how much of it Pillow has read to look for one frame more.
    """
    is_cut = (form == "PNG" and _PNG_END not in content) or (
        form == "GIF" and not content[:read].endswith(_GIF_END)
    )
    if is_cut:
        _refuse("It was cut short")


def _require_few_pixels(image: Image.Image, frames: int) -> None:
    if image.width * image.height * frames > MOST_PIXELS:
        _refuse(f"It has more than {MOST_PIXELS // 1_000_000} megapixels, of all frames together")
    if frames > MOST_FRAMES:
        _refuse(f"It has more than {MOST_FRAMES} frames")


def _bare(frame: Image.Image) -> Image.Image:
    """Return a copy of the frame, upright, with what its pixels need to be shown alone."""
    copy = ImageOps.exif_transpose(frame)
    duration = frame.info.get("duration", 0)
    copy.info = {name: frame.info[name] for name in _KEPT if name in frame.info}
    copy.info["duration"] = duration
    return copy


def _animation(image: Image.Image, frames: list[Image.Image]) -> dict[str, Any]:
    """Return what is saved with an animation; one without a loop is shown once."""
    loop = {"loop": image.info["loop"]} if "loop" in image.info else {}
    return {
        "save_all": True,
        "append_images": frames[1:],
        "duration": [frame.info["duration"] for frame in frames],
        **loop,
    }


def _refuse(reason: str) -> NoReturn:
    raise PictureInvalid(reason)
