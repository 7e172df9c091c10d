"""Spices."""

from apps.catalog_service.demo.shapes import (
    CREAM,
    INK,
    WOOD,
    Palette,
    around,
    circle,
    diamonds,
    discs,
    ellipse,
    grid,
    group,
    line,
    mix,
    motif,
    number,
    path,
    rect,
    scattered,
    shadow,
    star,
    turned,
)


@motif
def sack(c: Palette) -> str:
    cloth = "#c9a878"
    body = "M112 214C96 262 92 318 104 338Q200 356 296 338C308 318 304 262 288 214z"
    heap = scattered(200, 176, 66, 26, 26)
    return (
        shadow(rx=122)
        + path(body, cloth)
        + path("M246 214C268 262 270 318 258 344L296 338C308 318 304 262 288 214z", "#a98554", 0.6)
        + path("M116 204C140 150 172 112 200 112S260 150 284 204L296 216Q200 250 104 216z", c.main)
        + path(
            "M200 112C228 112 260 150 284 204Q250 216 222 218C240 180 226 132 200 112z",
            c.dark,
            0.55,
        )
        + discs(heap, 3.4, c.light, 0.75)
        + path(
            "M100 200Q200 252 300 200Q308 226 296 232Q200 274 104 232Q92 226 100 200z", "#e2c799"
        )
        + path(star(200, 298, 24), c.second)
    )


@motif
def heap(c: Palette) -> str:
    return (
        shadow(rx=88)
        + path("M104 246C122 176 168 104 200 104S278 176 296 246z", c.main)
        + path("M200 104C232 104 278 176 296 246H226C250 190 232 130 200 104z", c.dark, 0.5)
        + discs(scattered(186, 206, 58, 34, 24), 3, c.light, 0.8)
        + path("M84 240H316C316 306 266 338 236 340H164C134 338 84 306 84 240z", c.second)
        + path("M240 240H316C316 306 266 338 236 340H206C244 320 250 280 240 240z", INK, 0.14)
        + rect(78, 232, 244, 18, mix(c.second, "#ffffff", 0.25), 9)
        + path(diamonds(grid(128, 282, 5, 1, 36, 0), 18, 24), c.third, 0.85)
    )


@motif
def vial(c: Palette) -> str:
    threads = "".join(
        f"M{number(x)} {number(y)}q{9 if i % 2 else -9} -14 {4 - i % 3 * 5} -30"
        for i, (x, y) in enumerate(scattered(200, 272, 40, 60, 34))
    )
    return (
        shadow(rx=74)
        + rect(166, 76, 68, 50, "#b98958", 8)
        + rect(158, 116, 84, 18, "#d9e3e2", 8)
        + path(
            "M166 130H234V150C262 162 264 180 264 196V322Q264 342 244 342H156Q136 342 136 322V196C136 180 138 162 166 150z",
            "#ffffff",
            0.75,
        )
        + line(threads, c.main, 4.5)
        + line(
            "M136 196V322Q136 342 156 342H244Q264 342 264 322V196C264 180 262 162 234 150V132M136 196C136 180 138 162 166 150V132",
            "#b9c9c8",
            4,
        )
        + line("M154 200V300", "#ffffff", 8, 0.9)
        + line("M162 142H238", c.second, 7)
    )


@motif
def quills(c: Palette) -> str:
    def stick(x: float, y: float, turn: float) -> str:
        return group(
            rect(x - 16, y, 32, 220, c.main, 14)
            + rect(x + 4, y, 12, 220, c.second, 6)
            + ellipse(x, y + 6, 16, 9, c.dark)
            + line(f"M{x - 8} {y + 7}q4-6 8 0t8 0", c.light, 3),
            f"rotate({turn} 200 230)",
        )

    return (
        shadow(rx=92)
        + stick(152, 112, -13)
        + stick(250, 116, 13)
        + stick(184, 96, -5)
        + stick(220, 104, 6)
        + path("M132 222Q200 246 268 222V252Q200 276 132 252z", "#e6cfa6")
        + line("M132 237Q200 261 268 237", "#b79460", 4)
        + line(
            "M200 250q-40 -34 -44 4q14 22 44 -4q40 -34 44 4q-14 22 -44 -4l-22 44m22 -44l24 42",
            "#b79460",
            5,
        )
    )


@motif
def anise(c: Palette) -> str:
    petal = (
        path("M200 200C184 168 184 132 200 96C216 132 216 168 200 200z", c.main)
        + path("M200 186C208 164 210 134 200 104z", c.second, 0.7)
        + ellipse(200, 142, 6, 10, mix(c.second, "#f3c98a", 0.55))
    )

    def small(x: float, y: float, r: float) -> str:
        return (
            path(star(x, y, r, inner=0.3), c.main)
            + path(star(x, y, r * 0.8, inner=0.14), c.second)
            + discs(around(x, y, r * 0.52, 8), 3, "#c98f5c")
            + circle(x, y, 6, c.second)
        )

    return (
        shadow(196, 342, 120)
        + group(turned(petal, 8) + circle(200, 200, 13, c.second), "translate(-22 -18)")
        + small(308, 290, 54)
        + small(122, 298, 46)
    )


@motif
def pods(c: Palette) -> str:
    pod = (
        path(
            "M200 104C236 130 244 176 228 214Q216 234 200 240Q184 234 172 214C156 176 164 130 200 104z",
            c.main,
        )
        + path(
            "M200 104C236 130 244 176 228 214Q216 234 200 240C222 200 220 140 200 104z",
            c.second,
            0.75,
        )
        + line("M200 112C188 150 188 196 200 232M186 126C174 156 174 190 186 222", c.light, 3)
        + line("M200 104q2-14 10-18", c.second, 5)
    )
    places = ((-66, 92, -48), (62, 98, 42), (-2, 118, 96), (-24, 18, -14), (38, 36, 22))
    return shadow(rx=124) + "".join(
        group(pod, f"translate({x} {y}) rotate({turn} 200 172)") for x, y, turn in places
    )


@motif
def jar(c: Palette) -> str:
    return (
        shadow(rx=92)
        + path("M120 168H280V318Q280 342 256 342H144Q120 342 120 318z", "#ffffff", 0.7)
        + path("M128 186Q164 176 200 186T272 182V316Q272 334 254 334H146Q128 334 128 316z", c.main)
        + discs(scattered(200, 262, 68, 66, 60), 3, c.second)
        + discs(scattered(206, 258, 64, 60, 34), 2.6, c.third)
        + rect(132, 232, 136, 70, CREAM, 6)
        + path(star(200, 267, 24, points=6), c.main)
        + line("M136 196V316", "#ffffff", 6, 0.7)
        + rect(112, 130, 176, 44, WOOD, 10)
        + rect(112, 130, 176, 14, "#a8744a", 7)
        + rect(176, 104, 48, 30, WOOD, 12)
    )
