"""Instruments."""

from apps.catalog_service.demo.shapes import (
    BRASS,
    INK,
    Palette,
    around,
    circle,
    diamonds,
    discs,
    ellipse,
    group,
    line,
    mix,
    motif,
    number,
    path,
    rect,
    shadow,
    star,
)


@motif
def oud(c: Palette) -> str:
    strings = "M194 130V318M200 130V318M206 130V318M188 134V318M212 134V318"
    body = (
        path("M186 60L156 22L170 14L214 52z", c.second)
        + line("M160 30l-16 6M170 42l-16 8M192 34l12-14M178 20l8-14", c.dark, 5)
        + rect(185, 50, 30, 110, c.second, 4)
        + path(
            "M186 128C130 150 92 206 92 258C92 318 144 352 200 352S308 318 308 258C308 206 270 150 214 128z",
            c.main,
        )
        + path(
            "M190 140C140 160 106 210 106 258C106 308 150 338 200 338S294 308 294 258C294 210 260 160 210 140z",
            mix(c.main, "#f6dfb0", 0.72),
        )
        + circle(200, 230, 34, c.second)
        + path(star(200, 230, 31), mix(c.main, "#f6dfb0", 0.5))
        + circle(200, 230, 9, c.second)
        + circle(152, 270, 13, c.second)
        + circle(248, 270, 13, c.second)
        + rect(158, 308, 84, 13, c.second, 6)
        + line(strings, "#fbf3e0", 1.6)
    )
    return shadow(rx=100) + group(body, "rotate(14 200 240) translate(6 0) scale(.97)")


@motif
def saz(c: Palette) -> str:
    frets = "".join(f"M192 {y}h16" for y in range(60, 214, 14))
    body = (
        rect(192, 14, 16, 230, c.second, 5)
        + line(frets, "#f1e3c4", 2)
        + line("M190 26h-12M190 40h-12M210 32h12M210 46h12", c.dark, 6)
        + path(
            "M196 206C158 236 140 268 140 300C140 336 168 356 200 356S260 336 260 300C260 268 242 236 204 206z",
            c.main,
        )
        + path(
            "M198 220C166 244 152 272 152 300C152 330 174 346 200 346S248 330 248 300C248 272 234 244 202 220z",
            mix(c.main, "#f8e4b8", 0.65),
        )
        + path("M200 228L212 256H188z", c.second)
        + rect(180, 316, 40, 9, c.second, 4)
        + line("M196 30V318M200 30V318M204 30V318", "#fdf6e4", 1.5)
    )
    return shadow(rx=80) + group(body, "rotate(24 200 250) translate(10 -14)")


@motif
def darbuka(c: Palette) -> str:
    zig = "l12-16 12 16"
    return (
        shadow(rx=66)
        + path(
            "M100 104C104 190 166 206 166 246C166 290 148 316 138 342H262C252 316 234 290 234 246C234 206 296 190 300 104z",
            c.main,
        )
        + path(
            "M250 104H300C296 190 234 206 234 246C234 290 252 316 262 342H222C214 300 206 280 208 246C212 200 252 190 250 104z",
            INK,
            0.16,
        )
        + line(f"M128 172{zig * 6}", c.second, 5, 0.9)
        + line(
            "M168 236Q200 246 232 236M166 254Q200 264 234 254M148 318Q200 332 252 318", c.second, 5
        )
        + ellipse(200, 104, 104, 30, c.dark)
        + ellipse(200, 100, 104, 30, mix(BRASS, c.main, 0.4))
        + ellipse(200, 98, 92, 24, c.second)
        + ellipse(190, 94, 54, 12, "#ffffff", 0.35)
        + discs([(112, 124), (144, 136), (180, 142), (220, 142), (256, 136), (288, 124)], 6, BRASS)
    )


@motif
def framedrum(c: Palette) -> str:
    rings = "".join(
        f'<circle cx="{number(x)}" cy="{number(y)}" r="9" fill="none" stroke="{BRASS}" stroke-width="4"/>'
        for x, y in around(200, 208, 114, 20)
    )
    return (
        circle(208, 218, 136, INK, 0.15)
        + circle(200, 208, 136, c.main)
        + circle(200, 208, 122, c.dark)
        + rings
        + circle(200, 208, 106, c.second)
        + circle(200, 208, 106, c.main, 0.1)
        + circle(192, 200, 92, "#ffffff", 0.22)
        + path(star(200, 208, 46, points=8, inner=0.7), c.main, 0.55)
        + path(star(200, 208, 28), c.second)
        + discs(around(200, 208, 74, 16), 4, c.main, 0.6)
    )


@motif
def riq(c: Palette) -> str:
    inlay = diamonds(around(200, 204, 122, 30), 12, 14)
    jingles = "".join(
        group(
            rect(-26, -17, 52, 34, c.dark, 6)
            + ellipse(0, -5, 22, 9, c.second)
            + ellipse(0, 6, 22, 9, mix(c.second, "#ffffff", 0.4))
            + circle(0, 1, 4, c.dark),
            f"translate({number(x)} {number(y)}) rotate({72 * i})",
        )
        for i, (x, y) in enumerate(around(200, 204, 122, 5))
    )
    return (
        circle(208, 216, 142, INK, 0.15)
        + circle(200, 204, 142, c.main)
        + path(inlay, c.third)
        + jingles
        + circle(200, 204, 100, c.dark)
        + circle(200, 204, 94, "#f4ead2")
        + circle(192, 194, 78, "#ffffff", 0.4)
    )


@motif
def ney(c: Palette) -> str:
    knots = "".join(
        rect(x, 192, 9, 30, mix(c.main, c.second, 0.45), 3) for x in (112, 158, 204, 250, 296)
    )
    reed = (
        rect(70, 194, 280, 26, c.main, 8)
        + rect(70, 208, 280, 12, c.second, 6, 0.22)
        + knots
        + discs(
            [
                (136, 205),
                (182, 205),
                (228, 205),
                (240, 205),
                (274, 205),
                (286, 205),
                (320, 205),
            ],
            5.5,
            c.second,
        )
        + path("M36 192L74 188V226L36 222Q28 207 36 192z", c.second)
        + line("M78 188V226", BRASS, 6)
    )
    return (
        ellipse(206, 336, 104, 10, INK, 0.15)
        + group(reed, "rotate(-52 200 208) translate(0 4)")
        + group(reed, "translate(168 152) scale(.56) rotate(-52 200 208)")
    )


@motif
def qanun(c: Palette) -> str:
    strings = "".join(f"M{70 + i * 7} {140 + i * 14}H292" for i in range(12))
    holes = star(150, 188, 17) + star(214, 252, 24) + star(234, 172, 17)
    pegs = [(52 + i * 7.6, 128 + i * 14) for i in range(13)]
    return (
        path("M44 112H344V336H164z", INK, 0.16)
        + path("M40 102H340V326H160z", c.main)
        + path("M60 114H292V316H168z", c.second)
        + rect(292, 114, 36, 200, mix("#ffffff", c.second, 0.35), 3)
        + line("M292 140H328M292 190H328M292 240H328M292 290H328", c.main, 4)
        + path(holes, c.main, 0.85)
        + line(strings, "#6a5640", 1.5, 0.8)
        + discs(pegs, 4, BRASS)
        + line("M296 118V312", c.dark, 5)
        + path("M160 326H340V340H168z", c.dark)
    )


@motif
def zills(c: Palette) -> str:
    def zill(x: int, y: int) -> str:
        return (
            ellipse(x + 5, y + 12, 66, 48, INK, 0.18)
            + ellipse(x, y + 6, 66, 48, c.second)
            + ellipse(x, y, 66, 48, c.main)
            + ellipse(x, y, 54, 38, c.light, 0.5)
            + ellipse(x, y - 2, 28, 20, c.second)
            + ellipse(x, y - 6, 26, 17, c.main)
            + line(f"M{x - 8} {y - 12}q8-34 16 0", "#5a2f3f", 6)
        )

    return shadow(rx=130) + zill(134, 160) + zill(262, 146) + zill(142, 286) + zill(270, 274)


@motif
def kemence(c: Palette) -> str:
    fiddle = (
        path("M186 40Q200 22 214 40L210 74H190z", c.second)
        + rect(191, 66, 18, 96, c.second, 4)
        + line("M186 48h-12M214 48h12M214 62h12", c.dark, 6)
        + path("M186 142Q200 130 214 142L232 330Q200 350 168 330z", c.main)
        + path("M204 136Q212 138 214 142L232 330Q218 340 204 341z", INK, 0.18)
        + line("M188 222v40M212 222v40", c.second, 6)
        + rect(178, 282, 44, 8, c.third, 4)
        + line("M195 60V322M200 60V322M205 60V322", "#fbf3e0", 1.5)
    )
    bow = line("M286 84Q318 214 290 336", c.second, 7) + line("M286 84L290 336", "#f2ead8", 5)
    return (
        shadow(rx=104)
        + group(fiddle, "rotate(-7 200 210) translate(-30 2)")
        + group(bow, "rotate(6 290 210)")
    )
