"""Books and paper."""

from apps.catalog_service.demo.shapes import (
    CREAM,
    INK,
    Palette,
    circle,
    discs,
    ellipse,
    grid,
    group,
    line,
    mix,
    motif,
    path,
    rect,
    scattered,
    shadow,
    star,
)


def cover(c: Palette, content: str) -> str:
    """Return a book that stands, seen from the front; the content is on its cover."""
    return (
        shadow(rx=106)
        + path("M116 78H292V342H116z", "#e9dfc8")
        + line("M284 82V338M288 82V338", "#cbbd9c", 2)
        + rect(108, 66, 172, 270, c.main, 6)
        + content
        + path("M108 72Q108 66 114 66H128V336H114Q108 336 108 330z", INK, 0.25)
        + path("M108 330V342H292V336H114Q108 336 108 330z", c.dark)
    )


@motif
def book(c: Palette) -> str:
    return cover(
        c,
        line("M142 80H268V322H142z", c.second, 4)
        + path("M162 292V196C162 156 194 148 205 116C216 148 248 156 248 196V292z", c.second)
        + path(star(205, 222, 34), c.main)
        + path(star(205, 222, 18), c.third)
        + discs(grid(169, 306, 4, 1, 24, 0), 5, c.second)
        + path(star(160, 100, 10) + star(250, 100, 10), c.second),
    )


def marbling(x: int, y: int, w: int, h: int, c: Palette) -> str:
    """Return combed marbled paper."""
    colors = (c.second, c.third, CREAM, c.dark)
    rows = range(y + 12, y + h - 4, 17)
    waves = "q14 14 28 0t28 0 28 0 28 0 28 0 28 0 28 0 28 0 28 0"
    lines = "".join(
        line(f"M{x - 12 * (i % 2)} {row}{waves}", colors[i % 4], 6 + i % 3 * 2)
        for i, row in enumerate(rows)
    )
    return (
        f'<svg x="{x}" y="{y}" width="{w}" height="{h}" viewBox="{x} {y} {w} {h}">'
        + rect(x, y, w, h, c.main)
        + lines
        + "</svg>"
    )


@motif
def book_marbled(c: Palette) -> str:
    return cover(
        c,
        marbling(128, 66, 152, 270, c)
        + rect(164, 118, 82, 52, CREAM, 4)
        + line("M176 136H234M176 152H220", c.dark, 4)
        + path("M252 66H280V96zM252 336H280V306z", c.dark)
        + rect(262, 66, 8, 290, "#b33a3a"),
    )


@motif
def ebru(c: Palette) -> str:
    return (
        path("M88 68H320V350H88z", INK, 0.16)
        + rect(80, 58, 232, 284, CREAM)
        + marbling(92, 70, 208, 260, c)
        + line("".join(f"M{118 + i * 31} 70V330" for i in range(6)), c.dark, 2, 0.35)
    )


@motif
def ebru_tulip(c: Palette) -> str:
    water = "".join(
        circle(x, y, 13 + i % 3 * 7, c.third, 0.75)
        for i, (x, y) in enumerate(scattered(196, 200, 92, 122, 20))
    )
    return (
        path("M88 68H320V350H88z", INK, 0.16)
        + rect(80, 58, 232, 284, CREAM)
        + rect(92, 70, 208, 260, mix(c.third, "#7fa0a8", 0.45))
        + water
        + line("M196 316C190 270 204 230 196 190", c.second, 9)
        + path(
            "M196 312C150 290 138 240 148 204C176 230 196 262 196 312zM196 312C242 296 258 254 250 222C222 240 200 270 196 312z",
            c.second,
        )
        + path(
            "M196 206C144 196 146 136 164 96Q182 116 196 88Q210 116 228 96C246 136 248 196 196 206z",
            c.main,
        )
        + path("M196 206C170 180 176 130 196 88C216 130 222 180 196 206z", c.light)
        + circle(130, 112, 12, c.main)
        + circle(264, 130, 9, c.main)
    )


@motif
def pens(c: Palette) -> str:
    def pen(x: int, color: str, width: int) -> str:
        return (
            rect(x - width, 60, width * 2, 216, color, 6)
            + rect(x + width // 3, 60, width * 2 // 3, 216, c.second, 4, 0.35)
            + rect(x - width, 120, width * 2, 6, c.second)
            + rect(x - width, 206, width * 2, 6, c.second)
            + path(
                f"M{x - width} 270H{x + width}L{x + width // 2} 326L{x - width // 2} 334z", c.light
            )
            + line(f"M{x} 296V330", INK, 2)
            + path(f"M{x - width // 2} 322h{width}l0 4l-{width} 8z", INK)
        )

    return (
        ellipse(200, 340, 116, 11, INK, 0.14)
        + group(pen(136, c.main, 11), "rotate(-8 136 330)")
        + group(pen(200, mix(c.main, c.light, 0.5), 15), "rotate(2 200 330)")
        + group(pen(266, c.main, 19), "rotate(10 266 330)")
    )


@motif
def ink(c: Palette) -> str:
    return (
        shadow(rx=104)
        + path(
            "M148 176H252V196C290 204 306 228 306 258V314Q306 342 278 342H122Q94 342 94 314V258C94 228 110 204 148 196z",
            "#ffffff",
            0.75,
        )
        + path("M104 262Q152 250 200 262T296 258V312Q296 332 276 332H124Q104 332 104 312z", c.main)
        + line(
            "M148 196C110 204 94 228 94 258V314Q94 342 122 342H278Q306 342 306 314V258C306 228 290 204 252 196",
            "#b9c4c6",
            5,
        )
        + rect(140, 160, 120, 26, "#d7dfe0", 8)
        + rect(150, 116, 100, 50, c.second, 8)
        + line("M168 126V156M188 126V156M208 126V156M228 126V156", INK, 3, 0.25)
        + rect(144, 252, 112, 62, CREAM, 5)
        + line("M164 294C176 256 192 304 202 276S226 286 236 270", c.main, 6)
        + line("M112 240V306", "#ffffff", 7, 0.8)
        + line("M276 92L316 40", "#a9814d", 9)
        + path("M262 110L282 86L272 80z", INK)
    )


@motif
def bookstand(c: Palette) -> str:
    return (
        shadow(rx=130)
        + path("M96 342L120 342L262 206L238 196z", c.second)
        + path("M304 342L280 342L138 206L162 196z", c.main)
        + path("M200 248L64 176L72 158L200 226z", c.main)
        + path("M200 248L336 176L328 158L200 226z", c.second)
        + path("M200 222C172 178 120 160 74 152V90C120 98 172 118 200 160z", CREAM)
        + path("M200 222C228 178 280 160 326 152V90C280 98 228 118 200 160z", "#efe3cb")
        + line(
            "M96 116Q140 126 178 156M96 134Q140 144 178 176M304 116Q260 126 222 156M304 134Q260 144 222 176",
            "#8f8168",
            4,
            0.7,
        )
        + line("M200 160V226", "#b5a582", 4)
        + path(star(162, 302, 13) + star(238, 302, 13), c.third)
    )


@motif
def bookmark(c: Palette) -> str:
    strip = (
        rect(158, 76, 84, 236, c.main, 10)
        + line("M168 86H232V302H168z", c.second, 4)
        + rect(172, 216, 56, 82, "#8aa85f")
        + rect(172, 90, 56, 126, mix(c.second, "#ffffff", 0.6))
        + circle(212, 116, 11, "#e9b848")
        + path("M174 216Q188 190 200 206T226 200V220H174z", "#6c8f55")
        + rect(196, 160, 7, 88, "#6a4326")
        + discs([(200, 142), (186, 158), (214, 158), (200, 170)], 15, "#3f6f4a")
        + discs([(192, 146), (208, 158), (188, 164), (212, 142), (200, 176)], 4.5, c.third)
        + discs(grid(180, 268, 3, 2, 20, 16), 5, c.third)
        + line("M200 78C196 56 214 50 206 30", c.third, 5)
    )
    tassel = path("M196 308H204L216 366H184z", c.third) + circle(200, 314, 9, c.second)
    return ellipse(204, 352, 70, 9, INK, 0.12) + group(strip + tassel, "rotate(9 200 200)")


@motif
def sheets(c: Palette) -> str:
    deckle = "M92 96l18-4 16 5 20-5 18 4 22-5 18 5 20-4 22 4 18-5 20 5 20-4 4 26-4 28 5 26-5 30 4 28-4 30 4 26-3 30-22 4-20-5-18 5-22-4-20 4-20-5-20 5-18-4-20 4-24-5-4-26 4-28-4-28 4-30-4-28 4-30-3-28z"
    return (
        shadow(rx=130)
        + group(path(deckle, mix(c.second, INK, 0.12)), "rotate(7 200 210)")
        + group(path(deckle, mix(c.main, c.second, 0.45)), "rotate(3 200 210)")
        + group(path(deckle, c.main), "rotate(-3 200 210)")
        + line("M120 320C160 240 210 180 276 120", "#7f6a4c", 4)
        + path("M276 120C240 128 196 172 172 226C220 206 266 160 276 120z", "#5f7f86")
        + line("M276 120L166 244", CREAM, 3)
    )
