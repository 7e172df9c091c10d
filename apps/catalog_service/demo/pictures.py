"""Pictures of the demo products: a motif in the product's colours before an arch of the bazaar."""

from apps.catalog_service.demo.data import Picture
from apps.catalog_service.demo.motifs import (
    ceramics,
    cloth,
    lamps,
    leather,
    music,
    paper,
    rugs,
    spices,
    sweets,
    tea,
)
from apps.catalog_service.demo.shapes import CREAM, MOTIFS, Palette, brightness, mix, path, rect

# The modules of motifs put them on the list when they are imported.
__all__ = [
    "ceramics",
    "cloth",
    "draw",
    "lamps",
    "leather",
    "music",
    "paper",
    "rugs",
    "spices",
    "sweets",
    "tea",
]

_ARCH = "M64 400V196C64 128 160 110 200 34C240 110 336 128 336 196V400z"
_INNER = "M80 400V200C80 142 166 122 200 62C234 122 320 142 320 200V400z"
# Something paler than this would be lost on a wall of its own colour.
_PALE = 0.85


def draw(picture: Picture) -> str:
    """Return the picture as an SVG document, the same for the same motif and colours."""
    palette = Palette(*picture.colors)
    color = palette.main if brightness(palette.main) < _PALE else palette.second
    wall = mix(CREAM, color, 0.22)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">'
        + rect(0, 0, 400, 400, wall)
        + path(_ARCH, mix(wall, "#ffffff", 0.35))
        + path(_INNER, mix(wall, "#ffffff", 0.68))
        + path("M0 318H400V400H0z", mix(CREAM, color, 0.36))
        + MOTIFS[picture.motif](palette)
        + "</svg>\n"
    )
