"""Sweets."""

from apps.catalog_service.demo.shapes import (
    CREAM,
    INK,
    STEEL,
    Palette,
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
)


@motif
def lokum(c: Palette) -> str:
    def cube(x: int, y: int) -> str:
        return (
            path(f"M{x} {y}l38-18 38 18v38l-38 18-38-18z", c.main)
            + path(f"M{x} {y}l38-18 38 18-38 18z", c.second)
            + path(f"M{x + 38} {y + 18}l38-18v38l-38 18z", c.dark, 0.45)
            + discs(
                [(x + 14, y + 22), (x + 26, y + 36), (x + 54, y + 30), (x + 64, y + 14)],
                3,
                c.second,
            )
        )

    places = (
        (124, 212),
        (200, 212),
        (86, 244),
        (162, 244),
        (238, 244),
        (162, 176),
        (124, 276),
        (200, 276),
    )
    return (
        shadow(rx=146)
        + ellipse(200, 318, 150, 26, "#c9952f")
        + ellipse(200, 312, 150, 26, "#e6bd5a")
        + ellipse(200, 310, 132, 19, "#f6e2a8")
        + "".join(cube(x, y - 6) for x, y in places)
    )


@motif
def baklava(c: Palette) -> str:
    places = [
        (200, 158),
        (132, 192),
        (268, 192),
        (200, 226),
        (64, 226),
        (336, 226),
        (132, 260),
        (268, 260),
        (200, 294),
    ]
    top = diamonds(places, 124, 60)
    side = "".join(f"M{x - 62} {y}l62 30 62-30v24l-62 30-62-30z" for x, y in places)
    layers = "".join(
        f"M{x - 62} {y + 9}l62 30 62-30M{x - 62} {y + 17}l62 30 62-30" for x, y in places
    )
    tray = (
        shadow(rx=150)
        + path("M200 104L380 214V236L200 352L20 236V214z", STEEL)
        + path("M200 112L366 214L200 318L34 214z", "#d3d9dc")
    )
    return group(
        tray
        + path(side, mix(c.main, "#7a4a12", 0.45))
        + line(layers, c.light, 2)
        + path(top, c.main)
        + path(diamonds([(x - 8, y - 4) for x, y in places], 70, 32), c.light, 0.45)
        + discs(
            [(x + i * 9 - 9, y + i % 2 * 6 - 3) for x, y in places for i in range(3)], 6, c.second
        ),
        "translate(34 42) scale(.83)",
    )


@motif
def halva(c: Palette) -> str:
    veins = (
        "M112 214q30-18 56 0t56-4 62 6M112 246q28 16 60 0t58 4 56-8M116 280q30-14 62 2t56-6 50 4"
    )
    return (
        shadow(rx=136)
        + path("M66 330L92 296H318L346 330Q206 352 66 330z", CREAM)
        + line("M66 330L92 296M346 330L318 296", "#d8ccb2", 3)
        + path("M100 188L136 150H316L290 188z", c.light)
        + path("M290 188L316 150V276L290 316z", mix(c.main, INK, 0.25))
        + rect(100, 188, 190, 128, c.main)
        + line(veins, c.second, 7, 0.85)
        + line("M122 178q40-14 80-4t92-12", c.second, 5, 0.7)
        + discs(scattered(196, 256, 84, 54, 18), 3, c.third)
        + group(
            path("M0 0L64-8V98L0 110z", c.main)
            + path("M0 0L64-8L78-24L18-18z", c.light)
            + line("M6 40q26-14 52-4M6 72q26-12 52-2", c.second, 5),
            "translate(60 228)",
        )
    )


def bowl_below(color: str) -> str:
    """Return a wide bowl for things that lie heaped above y = 236."""
    return (
        path("M72 234H328C328 300 268 338 238 340H162C132 338 72 300 72 234z", color)
        + path("M250 234H328C328 300 268 338 238 340H206C252 316 262 276 250 234z", INK, 0.14)
        + rect(66, 226, 268, 18, mix(color, "#ffffff", 0.3), 9)
        + path(diamonds(grid(120, 282, 5, 1, 40, 0), 22, 26), mix(color, "#ffffff", 0.55))
    )


@motif
def dates(c: Palette) -> str:
    date = (
        ellipse(0, 0, 46, 25, c.main)
        + ellipse(4, 8, 40, 16, c.second, 0.5)
        + line("M-30-8Q0-20 28-9", c.light, 3, 0.7)
        + circle(-44, 0, 6, "#c9a56a")
    )
    places = (
        (130, 200, -20),
        (266, 202, 24),
        (196, 206, 6),
        (160, 160, 30),
        (236, 160, -28),
        (200, 122, 4),
        (112, 232, 8),
        (288, 234, -6),
        (200, 240, -10),
    )
    return (
        shadow(rx=100)
        + "".join(group(date, f"translate({x} {y}) rotate({turn})") for x, y, turn in places)
        + bowl_below("#3f7f87")
    )


@motif
def apricots(c: Palette) -> str:
    fruit = (
        circle(0, 0, 36, c.main)
        + path("M0-36C30-30 44 4 20 30C24 4 16-20 0-36z", c.second, 0.6)
        + line("M-4-32C-14-10-12 14-2 32", c.second, 4)
    )
    places = (
        (116, 206, -30),
        (284, 206, 20),
        (170, 200, 12),
        (230, 202, -18),
        (142, 152, 24),
        (200, 146, -8),
        (258, 152, 40),
        (174, 104, -24),
        (230, 106, 14),
    )
    return (
        shadow(rx=100)
        + "".join(group(fruit, f"translate({x} {y}) rotate({turn})") for x, y, turn in places)
        + bowl_below("#7b5a8c")
    )


@motif
def almonds(c: Palette) -> str:
    sweets = "".join(
        group(
            path(
                "M0-36C26-26 31 17 0 36C-31 17-26-26 0-36z",
                (c.main, c.second, "#fffaf0", "#bcd3d6")[i % 4],
            )
            + ellipse(-8, -6, 5, 11, "#ffffff", 0.8),
            f"translate({number(x)} {number(y)}) rotate({i * 67 % 180})",
        )
        for i, (x, y) in enumerate(reversed(scattered(200, 190, 100, 62, 16)))
    )
    return (
        shadow(rx=100)
        + ellipse(200, 218, 104, 40, mix(c.second, INK, 0.3))
        + sweets
        + bowl_below(mix(c.second, "#7a3348", 0.4))
    )


@motif
def honey(c: Palette) -> str:
    comb = "".join(
        f"M{x} {y - 18}l16 9v18l-16 9-16-9v-18z" for x, y in ((184, 252), (218, 252), (201, 281))
    )
    return (
        shadow(rx=96)
        + path(
            "M128 154H272C304 186 304 310 282 330Q272 342 250 342H150Q128 342 118 330C96 310 96 186 128 154z",
            c.main,
        )
        + path(
            "M240 154H272C304 186 304 310 282 330Q272 342 250 342H222C276 290 270 210 240 154z",
            c.dark,
            0.5,
        )
        + rect(148, 214, 106, 104, CREAM, 8)
        + path(comb, c.second)
        + line(comb, c.main, 3)
        + line("M128 186Q110 230 120 300", "#ffffff", 8, 0.5)
        + rect(120, 118, 160, 42, "#f3e3c2", 8)
        + rect(120, 146, 160, 10, c.second)
        + path("M108 126Q200 74 292 126L280 138Q200 118 120 138z", "#b33f3a")
        + discs(grid(150, 112, 5, 1, 25, 0), 5, CREAM)
    )


@motif
def brittle(c: Palette) -> str:
    def bar(x: int, y: int, turn: int, seeds: int) -> str:
        return group(
            rect(x + 4, y + 12, 216, 74, c.second, 10)
            + rect(x, y, 216, 74, c.main, 10)
            + discs(scattered(x + 108, y + 37, 98, 29, seeds), 4.2, "#f7e9c0")
            + discs(scattered(x + 112, y + 34, 90, 26, 12), 3, c.second),
            f"rotate({turn} {x + 108} {y + 37})",
        )

    return (
        shadow(rx=132)
        + bar(92, 110, -12, 46)
        + bar(92, 190, 6, 46)
        + path("M84 262H210L200 276L212 290L200 304L212 318L202 338H84z", CREAM)
        + rect(200, 262, 116, 76, c.main)
        + discs(scattered(258, 300, 52, 30, 28), 4.2, "#f7e9c0")
        + path("M84 262H212L202 276L214 290L202 304L214 318L204 338H84z", CREAM)
        + path("M104 262H122V338H104zM164 262H182V338H164z", "#b33f3a")
        + path(star(143, 300, 17), c.second)
    )
