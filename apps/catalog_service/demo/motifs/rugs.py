"""Carpets and kilims."""

from apps.catalog_service.demo.shapes import (
    CREAM,
    INK,
    Palette,
    around,
    circle,
    diamonds,
    discs,
    grid,
    group,
    line,
    mix,
    motif,
    number,
    path,
    rect,
    shadow,
    star,
    turned,
)


def woven(
    c: Palette,
    content: str,
    *,
    x: int = 104,
    y: int = 48,
    w: int = 192,
    h: int = 296,
    fringe: str = "#efe3c8",
) -> str:
    """Return a rug with fringes above and below; the content lies on its ground."""
    tassels = "".join(f"M{x + 5 + i * 10} {y - 12}v{h + 24}" for i in range(w // 10))
    return (
        rect(x + 7, y + 9, w, h + 4, INK, 4, 0.14)
        + line(tassels, fringe, 3)
        + rect(x, y, w, h, c.main)
        + content
        + path(f"M{x + w - 14} {y}h14v{h}h-14z", INK, 0.08)
    )


def border(
    color: str,
    inset: float,
    width: float,
    *,
    x: float = 104,
    y: float = 48,
    w: float = 192,
    h: float = 296,
) -> str:
    """Return a frame on a rug."""
    half = inset + width / 2
    return (
        f'<rect x="{number(x + half)}" y="{number(y + half)}" width="{number(w - half * 2)}"'
        f' height="{number(h - half * 2)}" fill="none" stroke="{color}" stroke-width="{number(width)}"/>'
    )


def edge(places_inset: float, size: float) -> str:
    """Return path data of small diamonds along a rug's border."""
    left, top, right, bottom = (
        104 + places_inset,
        48 + places_inset,
        296 - places_inset,
        344 - places_inset,
    )
    across, down = (
        [left + (right - left) * i / 8 for i in range(9)],
        [top + (bottom - top) * i / 13 for i in range(1, 13)],
    )
    return diamonds(
        [
            *((x, y) for x in across for y in (top, bottom)),
            *((x, y) for y in down for x in (left, right)),
        ],
        size,
        size,
    )


@motif
def rug_diamonds(c: Palette) -> str:
    rows = grid(200, 90, 1, 4, 0, 71)
    return woven(
        c,
        border(c.second, 0, 20)
        + path(edge(10, 12), c.third)
        + path(diamonds(rows, 130, 68), c.second)
        + path(diamonds(rows, 92, 48), c.third)
        + path(diamonds(rows, 56, 30), c.main)
        + path(diamonds(rows, 22, 12), c.third)
        + path(diamonds([(x, y) for y in (125, 196, 267) for x in (144, 256)], 26, 22), c.third),
    )


@motif
def rug_medallion(c: Palette) -> str:
    corner = path("M126 70H176Q170 112 126 126z", c.second)
    corners = (
        corner
        + group(corner, "matrix(-1 0 0 1 400 0)")
        + group(corner, "matrix(1 0 0 -1 0 392)")
        + group(corner, "rotate(180 200 196)")
    )
    flower = discs(around(200, 196, 24, 8), 8, c.third)
    vines = [(200, 94), (200, 298), (150, 150), (250, 150), (150, 242), (250, 242)]
    return woven(
        c,
        border(c.second, 0, 20)
        + path(edge(10, 10), c.third)
        + border(c.third, 20, 3)
        + corners
        + path(
            "M200 112C214 134 252 144 262 196C252 248 214 258 200 280C186 258 148 248 138 196C148 144 186 134 200 112z",
            c.third,
        )
        + path(
            "M200 126C212 146 242 154 250 196C242 238 212 246 200 266C188 246 158 238 150 196C158 154 188 146 200 126z",
            c.second,
        )
        + flower
        + circle(200, 196, 13, c.main)
        + circle(200, 196, 6, c.third)
        + discs(vines, 6, c.second)
        + discs([(200, 152), (200, 240), (166, 196), (234, 196)], 4, c.third),
    )


@motif
def rug_net(c: Palette) -> str:
    net = "M107 121L177 51M107 269L293 83M147 341L293 195M253 341L293 301M107 195L253 341M107 79L293 265M147 51L293 197M247 51L293 97M107 297L151 341"
    return woven(
        c,
        line(net, c.second, 6)
        + path(
            diamonds(
                [(172, 159), (230, 159), (200, 240), (148, 250), (256, 240), (210, 96)], 16, 22
            ),
            c.second,
        )
        + line("M118 62v268M282 62v268", c.third, 4),
        fringe=c.main,
    )


@motif
def rug_niche(c: Palette) -> str:
    return woven(
        c,
        border(c.second, 0, 14)
        + border(c.third, 18, 4)
        + path(edge(7, 9), c.main)
        + path("M138 312V186C138 138 182 132 200 92C218 132 262 138 262 186V312z", c.third)
        + path(
            "M148 304V190C148 148 184 140 200 112C216 140 252 148 252 190V304z",
            mix(c.main, INK, 0.2),
        )
        + line("M200 114V180", c.second, 4)
        + path("M182 182H218L226 214Q200 244 174 214z", c.second)
        + circle(200, 206, 10, CREAM)
        + discs(grid(164, 284, 4, 1, 24, 0), 7, c.second)
        + path(star(148, 96, 14) + star(252, 96, 14), c.second),
    )


@motif
def rug_stripes(c: Palette) -> str:
    colors = (c.second, c.third, "#7d8a4f", c.main, "#f0e3c9", "#5c2f3f", "#2f3b52")
    x, w = 142, 116
    bands = "".join(
        rect(x, 24 + i * 24, w, (8, 16, 12)[i % 3], colors[i * 2 % 7]) for i in range(14)
    )
    zigzag = "".join(f"M{x} {y}" + "l14.5-14l14.5 14" * 4 for y in (114, 210, 306))
    return woven(c, bands + line(zigzag, CREAM, 4), x=x, y=24, w=w, h=336)


@motif
def rug_octagons(c: Palette) -> str:
    places = grid(158, 96, 2, 4, 84, 67)
    gul = "".join(f"M{x - 30} {y - 10}l16-16h28l16 16v20l-16 16h-28l-16-16z" for x, y in places)
    inner = "".join(f"M{x - 18} {y - 6}l10-10h16l10 10v12l-10 10h-16l-10-10z" for x, y in places)
    return woven(
        c,
        border(c.second, 0, 14)
        + path(edge(7, 8), c.third)
        + border(c.third, 16, 2)
        + path(gul, c.second)
        + path(inner, c.third)
        + path(diamonds(places, 16, 16), c.main)
        + path(diamonds([(200, 129), (200, 196), (200, 264)], 22, 22), c.third),
    )


@motif
def rug_patches(c: Palette) -> str:
    colors = (c.main, c.second, c.third, "#6b4a93", "#e2713f", "#f3e8d3", "#3b4d7a")
    patches = "".join(
        rect(104 + i * 48, 48 + j * 37, 48, 37, colors[(i * 2 + j * 3) % 7])
        for j in range(8)
        for i in range(4)
    )
    rags = "".join(
        f"M104 {60 + i * 18}" + "q12 5 24 0t24 0 24 0 24 0 24 0 24 0 24 0 24 0" for i in range(16)
    )
    return woven(c, patches + line(rags, INK, 1.6, 0.22), fringe=c.second)


@motif
def rug_horns(c: Palette) -> str:
    horn = line(
        "M200 196V150M200 150C176 150 170 118 188 112C200 108 206 122 196 130M200 150C224 150 230 118 212 112C200 108 194 122 204 130",
        c.second,
        10,
    )
    unit = turned(horn, 4, 200, 196) + path(diamonds([(200, 196)], 40, 40), c.third)
    return woven(
        c,
        border(c.third, 0, 10)
        + border(c.second, 14, 6)
        + group(unit, "translate(60 -8) scale(.7)")
        + group(unit, "translate(60 126) scale(.7)")
        + path(diamonds([(140, 196), (260, 196), (200, 196)], 26, 26), c.second),
        fringe="none",
    )


@motif
def cushion(c: Palette) -> str:
    return (
        shadow(rx=120)
        + path("M84 112Q200 92 316 112Q334 226 316 338Q200 354 84 338Q66 226 84 112z", c.main)
        + path(diamonds([(200, 226)], 176, 176), c.second)
        + path(diamonds([(200, 226)], 124, 124), c.third)
        + path(diamonds([(200, 226)], 78, 78), c.main)
        + path(diamonds([(200, 226)], 32, 32), c.third)
        + path(diamonds([(110, 140), (290, 140), (110, 312), (290, 312)], 40, 40), c.third)
        + path(diamonds([(110, 140), (290, 140), (110, 312), (290, 312)], 18, 18), c.second)
        + path("M284 108L316 112Q334 226 316 338L280 344Q306 226 284 108z", INK, 0.12)
        + discs([(82, 110), (318, 110), (82, 340), (318, 340)], 9, c.third)
    )
