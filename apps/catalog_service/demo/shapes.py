"""What motifs are drawn with: SVG elements as text, colours, and the list of motifs."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

CREAM: Final = "#fbf6ee"
INK: Final = "#2a1c14"
BRASS: Final = "#cfa23f"
WOOD: Final = "#8a5a35"
STEEL: Final = "#a9b0b5"


@dataclass(frozen=True, slots=True)
class Palette:
    """A product's three colours, as #rrggbb."""

    main: str
    second: str
    third: str

    @property
    def dark(self) -> str:
        """Return the main colour in shade."""
        return mix(self.main, INK, 0.28)

    @property
    def light(self) -> str:
        """Return the main colour in light."""
        return mix(self.main, "#ffffff", 0.3)


Motif = Callable[[Palette], str]
MOTIFS: Final[dict[str, Motif]] = {}


def motif(function: Motif) -> Motif:
    """Put a function on the list of motifs under its own name."""
    MOTIFS[function.__name__] = function
    return function


def mix(color: str, other: str, share: float) -> str:
    """Return a colour between two; `share` is how much of the other."""
    pairs = zip(bytes.fromhex(color[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def brightness(color: str) -> float:
    """Return how bright a colour looks, from 0 to 1 (luma of ITU-R BT.601)."""
    red, green, blue = bytes.fromhex(color[1:])
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def number(value: float) -> str:
    """Return a coordinate in as few characters as one decimal allows."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def path(d: str, fill: str, opacity: float = 1) -> str:
    """Return a filled path."""
    return f'<path d="{d}" fill="{fill}"{_opacity(opacity)}/>'


def line(d: str, stroke: str, width: float = 4, opacity: float = 1) -> str:
    """Return a stroked path with round ends."""
    return (
        f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{number(width)}"'
        f' stroke-linecap="round" stroke-linejoin="round"{_opacity(opacity)}/>'
    )


def circle(x: float, y: float, r: float, fill: str, opacity: float = 1) -> str:
    """Return a disc."""
    return (
        f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}" fill="{fill}"'
        f"{_opacity(opacity)}/>"
    )


def ellipse(x: float, y: float, rx: float, ry: float, fill: str, opacity: float = 1) -> str:
    """Return a filled ellipse."""
    return (
        f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{number(rx)}" ry="{number(ry)}"'
        f' fill="{fill}"{_opacity(opacity)}/>'
    )


def rect(
    x: float, y: float, w: float, h: float, fill: str, r: float = 0, opacity: float = 1
) -> str:
    """Return a rectangle, with rounded corners where `r` is given."""
    corners = f' rx="{number(r)}"' if r else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"'
        f' fill="{fill}"{corners}{_opacity(opacity)}/>'
    )


def group(content: str, transform: str) -> str:
    """Return the content moved, turned or scaled."""
    return f'<g transform="{transform}">{content}</g>'


def shadow(x: float = 200, y: float = 346, rx: float = 110) -> str:
    """Return the shadow of something that stands on the ground."""
    return ellipse(x, y, rx, 11, INK, 0.16)


def glow(x: float, y: float, r: float) -> str:
    """Return the light around a lamp."""
    return circle(x, y, r, "#ffe9a8", 0.28) + circle(x, y, r * 0.72, "#ffe9a8", 0.3)


def star(x: float, y: float, r: float, *, points: int = 8, inner: float = 0.55) -> str:
    """Return path data of a star with a point at the top."""
    corners = []
    for i in range(points * 2):
        angle, reach = math.pi * i / points - math.pi / 2, r if i % 2 == 0 else r * inner
        corners.append(
            f"{number(x + reach * math.cos(angle))} {number(y + reach * math.sin(angle))}"
        )
    return f"M{'L'.join(corners)}z"


def diamonds(places: Iterable[tuple[float, float]], w: float, h: float) -> str:
    """Return path data of diamonds around the places."""
    a, b = number(w / 2), number(h / 2)
    return "".join(f"M{number(x)} {number(y - h / 2)}l{a} {b}-{a} {b}-{a}-{b}z" for x, y in places)


def discs(places: Iterable[tuple[float, float]], r: float, fill: str, opacity: float = 1) -> str:
    """Return discs at the places, in whole units: strokes without length, with round ends."""
    return line("".join(f"M{x:.0f} {y:.0f}h0" for x, y in places), fill, r * 2, opacity)


def around(x: float, y: float, r: float, count: int, turn: float = 0) -> list[tuple[float, float]]:
    """Return places on a circle, from the top clockwise; `turn` in parts of a step."""
    angles = [2 * math.pi * (i + turn) / count - math.pi / 2 for i in range(count)]
    return [(x + r * math.cos(angle), y + r * math.sin(angle)) for angle in angles]


def scattered(x: float, y: float, rx: float, ry: float, count: int) -> list[tuple[float, float]]:
    """Return places spread evenly over an ellipse, like the seeds of a sunflower."""
    places = []
    for i in range(count):
        angle, reach = i * 2.39996, math.sqrt((i + 0.5) / count)
        places.append((x + rx * reach * math.cos(angle), y + ry * reach * math.sin(angle)))
    return places


def grid(
    x: float, y: float, columns: int, rows: int, dx: float, dy: float
) -> list[tuple[float, float]]:
    """Return the places of a grid whose first is at x, y."""
    return [(x + dx * i, y + dy * j) for j in range(rows) for i in range(columns)]


def turned(content: str, count: int, x: float = 200, y: float = 200, first: float = 0) -> str:
    """Return copies of the content, turned around a point."""
    return "".join(
        group(content, f"rotate({number(first + 360 * i / count)} {number(x)} {number(y)})")
        for i in range(count)
    )


def _opacity(value: float) -> str:
    return "" if value == 1 else f' opacity="{value:g}"'
