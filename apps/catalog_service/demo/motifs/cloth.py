"""Textiles."""

from apps.catalog_service.demo.shapes import (
    INK,
    WOOD,
    Palette,
    circle,
    diamonds,
    discs,
    ellipse,
    grid,
    line,
    motif,
    path,
    rect,
    shadow,
    star,
    turned,
)


@motif
def towel(c: Palette) -> str:
    stripes = "".join(rect(112, y, 176, h, c.second) for y, h in ((210, 6), (224, 22), (254, 6)))
    fringe = "".join(f"M{118 + i * 13} 296q-5 14 0 24" for i in range(14))
    return (
        rect(60, 76, 280, 14, WOOD, 7)
        + circle(60, 83, 12, "#a8744a")
        + circle(340, 83, 12, "#a8744a")
        + path("M252 72H296V270H252z", c.dark)
        + line("M258 272v20M272 272v20M286 272v20", c.second, 4)
        + path("M112 84Q112 70 126 70H274Q288 70 288 84V296H112z", c.main)
        + stripes
        + rect(112, 106, 176, 5, c.second)
        + rect(112, 120, 176, 5, c.second)
        + line(fringe, c.second, 4)
        + discs([(118 + i * 13, 298) for i in range(14)], 4, c.second)
        + path("M258 70H274Q288 70 288 84V296H262z", INK, 0.12)
        + line("M128 86V290", "#ffffff", 5, 0.18)
    )


@motif
def scarf(c: Palette) -> str:
    ikat = diamonds([(150, 150), (150, 226), (250, 182), (250, 258)], 44, 66)
    fringe = "".join(f"M{114 + i * 12} 302v26M{218 + i * 12} 330v26" for i in range(6))
    return (
        path("M106 122C106 60 294 60 294 122L272 150C262 112 138 112 128 150z", c.dark)
        + path("M214 140C236 116 270 100 294 122V328H206z", c.main)
        + path("M206 200L238 150L220 328H206z", INK, 0.16)
        + path("M106 122C130 100 164 116 186 140L194 300H106z", c.main)
        + path("M186 140L194 300H176z", INK, 0.12)
        + path("M178 108Q200 92 222 108L240 156Q200 178 160 156z", c.light)
        + line("M182 116L176 156M200 112V164M218 116L224 156", c.dark, 3, 0.5)
        + path(ikat, c.second)
        + path(diamonds([(150, 150), (150, 226), (250, 182), (250, 258)], 18, 30), c.dark)
        + line("M108 276H192M108 286H192M208 304H292M208 314H292", c.second, 4)
        + line(fringe, c.main, 4)
    )


@motif
def suzani(c: Palette) -> str:
    def sun(x: float, y: float, r: float, rays: int = 9) -> str:
        return (
            path(star(x, y, r, points=rays, inner=0.78), c.main)
            + circle(x, y, r * 0.62, c.second)
            + circle(x, y, r * 0.45, c.third)
            + circle(x, y, r * 0.2, c.main)
        )

    leaf = path("M200 150C190 132 194 116 206 106C214 122 212 138 200 150z", c.third)
    return (
        shadow(rx=120)
        + path("M84 102Q200 82 316 102Q334 216 316 336Q200 352 84 336Q66 216 84 102z", c.second)
        + line("M92 112Q200 94 308 112Q324 216 308 326Q200 340 92 326Q76 216 92 112z", c.main, 5)
        + turned(leaf, 8, 200, 218, 22)
        + sun(200, 218, 62, 14)
        + sun(122, 142, 26)
        + sun(278, 142, 26)
        + sun(122, 296, 26)
        + sun(278, 296, 26)
        + path("M282 98L316 102Q334 216 316 336L278 341Q304 216 282 98z", INK, 0.09)
    )


@motif
def folded(c: Palette) -> str:
    def fold(x: int, y: int, w: int, color: str, other: str) -> str:
        band = path(diamonds(grid(x + 30, y + 27, (w - 30) // 26, 1, 26, 0), 16, 22), other)
        return (
            rect(x, y, w, 54, color, 20)
            + band
            + line(f"M{x + 16} {y + 46}H{x + w - 16}", INK, 2, 0.18)
        )

    return (
        shadow(rx=128)
        + fold(82, 288, 236, c.main, c.third)
        + fold(88, 236, 224, c.second, c.main)
        + fold(84, 184, 232, c.third, c.second)
        + fold(92, 132, 216, c.main, c.second)
        + path(
            "M280 132h8q20 0 20 20v14q0 20-20 20h-8q12-28 0-54zM284 236h8q20 0 20 20v14q0 20-20 20h-8q12-28 0-54z",
            INK,
            0.12,
        )
    )


@motif
def throw(c: Palette) -> str:
    bands = "".join(f"M84 {y}Q142 {y + 16} 200 {y}T316 {y}" for y in (140, 166, 238, 264))
    poms = [(92 + i * 27, 338) for i in range(9)]
    return (
        path("M84 84Q142 100 200 84T316 84V306Q258 322 200 306T84 306z", c.main)
        + path("M84 178Q142 194 200 178T316 178V226Q258 242 200 226T84 226z", c.second)
        + line(bands, c.second, 9)
        + line("M84 202Q142 218 200 202T316 202", c.dark, 5)
        + line("".join(f"M{92 + i * 27} 306v28" for i in range(9)), c.dark, 3)
        + discs(poms, 12, c.second)
        + discs([(89 + i * 27, 335) for i in range(9)], 5, "#ffffff")
        + path("M142 94Q170 94 200 84V306Q170 316 142 316z", INK, 0.07)
        + path("M258 94Q288 92 316 84V306Q288 314 258 316z", INK, 0.1)
        + rect(70, 70, 260, 14, WOOD, 7)
    )


@motif
def bolt(c: Palette) -> str:
    return (
        shadow(rx=132)
        + path("M108 212H292V300Q312 330 330 342H96Q108 322 108 300z", c.main)
        + path("M226 246H292V300Q312 330 330 342H262Q236 300 226 246z", c.second, 0.4)
        + line("M146 256Q150 310 138 338M186 258Q192 310 186 338", c.second, 3, 0.5)
        + rect(78, 136, 244, 112, c.main, 54)
        + path("M120 248H268Q322 248 322 192H78Q78 248 120 248z", c.second, 0.35)
        + line("M122 156H262", c.light, 8, 0.8)
        + ellipse(298, 192, 26, 54, c.second)
        + ellipse(300, 192, 18, 40, c.light)
        + ellipse(301, 192, 12, 27, c.second)
        + ellipse(302, 192, 7, 14, "#e7d8b8")
    )
