"""Tea and coffee."""

from apps.catalog_service.demo.shapes import (
    BRASS,
    CREAM,
    INK,
    WOOD,
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
    path,
    rect,
    shadow,
)


@motif
def tin(c: Palette) -> str:
    return (
        shadow(rx=96)
        + rect(112, 150, 176, 192, c.main, 10)
        + rect(248, 150, 40, 192, c.dark, 10)
        + rect(104, 112, 192, 48, c.second, 10)
        + rect(104, 144, 192, 8, mix(c.second, INK, 0.25))
        + rect(172, 94, 56, 22, c.second, 10)
        + path("M148 310V236C148 208 184 202 200 174C216 202 252 208 252 236V310z", c.third)
        + path("M200 300C170 280 172 244 200 218C228 244 230 280 200 300z", "#5f8a4e")
        + line("M200 300V236M200 280l14-14M200 270l-14-14", "#dfe9c8", 3)
        + line("M112 328H288", c.second, 5)
    )


@motif
def pouch(c: Palette) -> str:
    return (
        shadow(rx=96)
        + path("M122 128H278L292 326Q292 342 276 342H124Q108 342 108 326z", c.main)
        + path("M240 128H278L292 326Q292 342 276 342H236Q256 240 240 128z", INK, 0.16)
        + path("M122 96H278V132H122z", c.dark)
        + line("M122 114H278", c.light, 3)
        + circle(200, 238, 58, c.third)
        + path("M200 282C160 256 166 214 200 190C234 214 240 256 200 282z", c.main)
        + line("M200 200q-12 20 0 38t0 38", c.second, 5)
        + discs(grid(140, 322, 7, 1, 20, 0), 4, c.second)
    )


def tea_in_glass(c: Palette) -> str:
    """Return a glass of tea on its saucer."""
    glass = "M146 104C152 148 170 172 170 206C170 238 146 262 146 296Q146 322 200 322T254 296C254 262 230 238 230 206C230 172 248 148 254 104z"
    tea = "M153 140C160 166 172 182 172 206C172 240 150 264 150 294Q152 316 200 316T250 294C250 264 228 240 228 206C228 182 240 166 247 140z"
    return (
        ellipse(200, 328, 104, 18, CREAM)
        + ellipse(200, 326, 104, 16, c.second, 0.55)
        + ellipse(200, 325, 76, 11, CREAM)
        + path(glass, "#ffffff", 0.8)
        + path(tea, c.main, 0.92)
        + path(
            "M228 140H247C240 166 228 182 228 206C228 240 250 264 250 294Q248 312 214 316C236 290 206 240 212 206C214 180 222 166 228 140z",
            c.dark,
            0.5,
        )
        + line("M164 122C168 150 182 178 182 206C182 240 162 264 162 292", "#ffffff", 6, 0.6)
        + line("M148 108H252", c.second, 6)
    )


@motif
def teaglass(c: Palette) -> str:
    steam = line("M184 82q-12-14 0-26t0-26M216 82q-12-14 0-26t0-26", c.dark, 5, 0.3)
    return shadow(rx=110) + tea_in_glass(c) + steam


@motif
def teaglasses(c: Palette) -> str:
    places = ((60, 44), (238, 44), (149, 90))
    return shadow(200, 338, 150) + "".join(
        group(tea_in_glass(c), f"translate({x - 95} {y}) scale(.76)") for x, y in places
    )


@motif
def dallah(c: Palette) -> str:
    return (
        shadow(rx=96)
        + line("M252 150C318 150 318 270 262 292", c.second, 13)
        + path("M168 186C120 178 112 132 78 116C104 104 148 116 176 158z", c.main)
        + path(
            "M164 150H240C236 206 286 244 278 302Q276 342 246 342H158Q128 342 126 302C118 244 168 206 164 150z",
            c.main,
        )
        + path(
            "M206 150H240C236 206 286 244 278 302Q276 342 246 342H214C258 290 206 220 206 150z",
            c.second,
            0.6,
        )
        + path("M158 150C160 112 184 112 202 72C220 112 244 112 246 150z", c.light)
        + circle(202, 68, 9, c.second)
        + line("M158 152H246M136 262Q202 284 270 262", c.second, 6)
        + path(diamonds(grid(162, 300, 5, 1, 20, 0), 14, 22), c.third)
    )


@motif
def cezve(c: Palette) -> str:
    hammered = [*grid(134, 276, 6, 2, 26, 30), *grid(147, 291, 5, 1, 26, 0)]
    return (
        shadow(184, 346, 100)
        + line("M232 176L340 92", WOOD, 17)
        + line("M232 176L282 138", BRASS, 17)
        + path(
            "M138 168H240L232 206C256 236 276 268 274 306Q272 342 240 342H134Q102 342 100 306C98 268 118 236 146 206z",
            c.main,
        )
        + path(
            "M214 168H240L232 206C256 236 276 268 274 306Q272 342 240 342H206C248 300 214 232 214 168z",
            c.second,
            0.5,
        )
        + path("M128 162L108 146L150 158H244V172H134z", c.light)
        + ellipse(192, 164, 50, 9, "#4a2a1a")
        + discs(hammered, 5, c.light, 0.5)
        + line("M146 206Q188 218 232 206", c.second, 4)
        + line("M172 136q-12-14 0-26t0-26M206 136q-12-14 0-26t0-26", c.second, 5, 0.3)
    )


@motif
def mill(c: Palette) -> str:
    return (
        shadow(rx=78)
        + line("M200 98V70H296V84", c.second, 9)
        + circle(296, 92, 14, WOOD)
        + path("M150 132C150 108 180 96 200 96S250 108 250 132z", c.light)
        + rect(150, 130, 100, 210, c.main, 10)
        + rect(222, 130, 28, 210, c.second, 10)
        + line("M164 146V326", c.light, 7)
        + rect(142, 126, 116, 16, c.second, 8)
        + rect(142, 222, 116, 12, c.second, 6)
        + path(diamonds(grid(168, 180, 4, 1, 22, 0), 16, 40), c.third, 0.75)
        + discs(grid(168, 276, 4, 3, 22, 18), 4, c.third, 0.75)
        + rect(138, 330, 124, 14, c.second, 7)
    )
