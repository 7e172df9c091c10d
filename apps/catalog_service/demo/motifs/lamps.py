"""Lamps and lanterns."""

from apps.catalog_service.demo.shapes import (
    BRASS,
    CREAM,
    INK,
    Palette,
    around,
    circle,
    diamonds,
    discs,
    ellipse,
    glow,
    grid,
    group,
    line,
    mix,
    motif,
    path,
    rect,
    shadow,
    star,
)


def mosaic(c: Palette, x: float, y: float, r: float) -> str:
    """Return a glass globe of mosaic."""
    amber = c.second
    return (
        glow(x, y, r * 1.5)
        + circle(x, y, r, c.main)
        + discs(around(x, y, r * 0.84, 22), r * 0.075, amber)
        + path(diamonds(around(x, y, r * 0.62, 12), r * 0.2, r * 0.3), c.light)
        + discs(around(x, y, r * 0.62, 12, 0.5), r * 0.08, CREAM)
        + path(star(x, y, r * 0.46), amber)
        + path(star(x, y, r * 0.26), c.dark)
        + circle(x, y, r * 0.09, CREAM)
        + path(
            f"M{x + r * 0.5:.0f} {y - r * 0.86:.0f}A{r:.0f} {r:.0f} 0 0 1 {x:.0f} {y + r:.0f}A{r * 1.3:.0f} {r * 1.3:.0f} 0 0 0 {x + r * 0.5:.0f} {y - r * 0.86:.0f}z",
            INK,
            0.16,
        )
    )


@motif
def globe(c: Palette) -> str:
    links = "".join(f"M200 {y}v12" for y in range(4, 84, 20))
    return (
        line("M200 0V92", mix(BRASS, INK, 0.3), 4)
        + line(links, BRASS, 8)
        + path("M168 118C168 96 184 96 200 78C216 96 232 96 232 118z", BRASS)
        + mosaic(c, 200, 206, 94)
        + rect(160, 110, 80, 16, BRASS, 8)
        + path("M176 296H224L200 332z", BRASS)
        + circle(200, 340, 9, BRASS)
    )


@motif
def tablelamp(c: Palette) -> str:
    return (
        shadow(186, 346, 84)
        + line("M170 334C170 250 120 200 146 124C160 84 216 74 228 112", BRASS, 12)
        + path("M110 342C118 316 222 316 230 342z", BRASS)
        + rect(104, 336, 132, 10, mix(BRASS, INK, 0.25), 5)
        + mosaic(c, 234, 194, 66)
        + path("M204 136C206 116 222 116 230 104C240 116 258 116 262 136z", BRASS)
        + circle(234, 268, 8, BRASS)
    )


@motif
def pendant(c: Palette) -> str:
    holes = [*around(200, 232, 92, 13, -3), *around(200, 232, 60, 9, -2)]
    y_rim = 226
    kept = [(x, y) for x, y in holes if y < y_rim]
    stars = "".join(star(x, y, 9, points=5) for x, y in kept)
    return (
        path("M86 236L36 400H364L314 236z", "#ffe9a8", 0.4)
        + line("M200 0V96", c.second, 5)
        + path("M78 238C78 150 134 112 200 112S322 150 322 238z", c.main)
        + path("M200 112C266 112 322 150 322 238H262C266 180 240 130 200 112z", c.second, 0.6)
        + path("M172 118C172 98 186 96 200 78C214 96 228 98 228 118z", c.light)
        + path(stars, "#fff3c4")
        + rect(72, 232, 256, 14, c.light, 7)
        + path(diamonds(grid(92, 256, 10, 1, 24, 0), 12, 20), c.second)
    )


@motif
def lantern(c: Palette) -> str:
    frame = mix(c.main, "#ffffff", 0.14)
    panes = "M124 166H192V304H124zM208 166H276V304H208z"
    return (
        shadow(rx=104)
        + glow(200, 236, 130)
        + line("M200 62a20 20 0 1 0 .1 0", c.main, 7)
        + path("M112 152C118 112 172 118 200 92C228 118 282 112 288 152z", c.main)
        + path("M200 92C228 118 282 112 288 152H236C240 132 222 110 200 92z", INK, 0.25)
        + rect(104, 148, 192, 16, frame, 6)
        + rect(114, 160, 172, 150, c.main, 4)
        + path(panes, c.second)
        + path(panes, "#fff6d0", 0.35)
        + path("M200 296C176 268 188 236 200 206C212 236 224 268 200 296z", "#fff1b8", 0.9)
        + path(diamonds([(158, 235), (242, 235)], 48, 96), c.main, 0.85)
        + path(star(158, 235, 15) + star(242, 235, 15), "#fff3c4")
        + rect(100, 306, 200, 18, frame, 6)
        + path("M112 324H288L298 342H102z", c.main)
        + discs(grid(128, 315, 7, 1, 24, 0), 4, c.second)
    )


@motif
def oillamp(c: Palette) -> str:
    return (
        shadow(rx=108)
        + glow(84, 138, 66)
        + path("M84 98C104 124 100 150 84 156C68 150 64 124 84 98z", "#f2a93b")
        + path("M84 122C94 136 92 150 84 154C76 150 74 136 84 122z", "#fff1b8")
        + line("M284 196C356 176 352 280 276 268", c.second, 15)
        + path(
            "M70 164Q84 154 102 164C128 190 160 186 206 186C270 186 298 204 296 234C294 276 252 296 206 296C148 296 122 256 70 164z",
            c.main,
        )
        + path(
            "M296 226C294 276 252 296 206 296C176 296 154 286 136 266C210 286 280 260 296 226z",
            c.second,
            0.65,
        )
        + path("M164 188C166 160 188 158 204 140C220 158 242 160 244 188z", c.light)
        + circle(204, 136, 8, c.second)
        + path("M172 292H240C238 312 252 322 268 330V342H144V330C160 322 174 312 172 292z", c.main)
        + discs(grid(150, 228, 6, 1, 22, 0), 5, c.light)
    )


@motif
def skinlamp(c: Palette) -> str:
    flower = discs(around(200, 236, 22, 8), 9, c.second) + circle(200, 236, 9, "#fff1b8")
    side = group(flower, "translate(-14 62) scale(.7)") + group(
        flower, "translate(134 62) scale(.7)"
    )
    return (
        shadow(rx=86)
        + glow(200, 210, 140)
        + path(
            "M176 102C112 134 96 214 122 276Q134 310 172 322H228Q266 310 278 276C304 214 288 134 224 102z",
            c.main,
        )
        + path(
            "M224 102C288 134 304 214 278 276Q266 310 228 322H212C262 250 250 150 206 102z",
            c.second,
            0.28,
        )
        + flower
        + side
        + line("M134 166Q200 190 266 166M126 290Q200 312 274 290", c.second, 5)
        + path(
            diamonds(grid(152, 198, 5, 1, 24, 0), 12, 16)
            + diamonds(grid(152, 276, 5, 1, 24, 0), 12, 16),
            c.second,
        )
        + rect(168, 92, 64, 14, c.second, 7)
        + rect(158, 320, 84, 22, c.second, 8)
        + path(star(200, 136, 16), "#fff1b8")
    )


@motif
def tealights(c: Palette) -> str:
    def cup(x: float, y: float, color: str, other: str) -> str:
        body = f"M{x - 46} {y}H{x + 46}L{x + 36} {y + 84}Q{x} {y + 98} {x - 36} {y + 84}z"
        tiles = grid(x - 30, y + 24, 4, 3, 20, 24)
        return (
            circle(x, y - 4, 46, "#ffe9a8", 0.5)
            + path(f"M{x} {y - 44}q16 26 0 40q-16-14 0-40z", "#f2a93b")
            + path(body, color)
            + path(diamonds(tiles, 17, 20), other, 0.9)
            + ellipse(x, y, 46, 9, mix(color, "#ffffff", 0.45))
        )

    return (
        shadow(rx=134)
        + cup(136, 216, c.second, "#f4e3a5")
        + cup(264, 216, "#d9902f", CREAM)
        + cup(200, 250, c.main, "#bfe0ea")
    )
