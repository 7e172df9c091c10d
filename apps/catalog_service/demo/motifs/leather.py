"""Leather."""

from apps.catalog_service.demo.shapes import (
    BRASS,
    INK,
    Palette,
    circle,
    discs,
    ellipse,
    group,
    line,
    mix,
    motif,
    path,
    rect,
    shadow,
    star,
)


@motif
def satchel(c: Palette) -> str:
    stitches = "M94 316H306M104 196V300M296 196V300"
    return (
        shadow(rx=126)
        + line("M110 196C92 70 308 70 290 196", c.second, 12)
        + rect(84, 164, 232, 178, c.main, 22)
        + path("M270 164H294Q316 164 316 186V320Q316 342 294 342H262Q290 250 270 164z", INK, 0.13)
        + path("M84 186Q84 164 106 164H294Q316 164 316 186V240Q260 280 200 280T84 240z", c.dark)
        + line("M96 236Q150 266 200 266T304 236", c.light, 3, 0.8)
        + f'<path d="{stitches}" fill="none" stroke="{c.light}" stroke-width="3" stroke-dasharray="8 7"/>'
        + rect(128, 228, 24, 84, c.second, 5)
        + rect(248, 228, 24, 84, c.second, 5)
        + "".join(line(f"M{x} 262h36v26h-36z", BRASS, 5) for x in (122, 242))
        + path(star(200, 218, 22), c.second)
    )


@motif
def babouche(c: Palette) -> str:
    shoe = (
        path(
            "M70 284C60 264 92 246 122 246C190 246 262 250 326 214C344 210 342 232 326 244C282 284 226 300 150 302C110 302 80 300 70 284z",
            c.main,
        )
        + path(
            "M70 284C80 300 110 302 150 302C226 300 282 284 326 244L334 236C330 268 262 314 152 316C104 316 72 308 70 284z",
            c.second,
        )
        + path(
            "M76 274C84 256 120 252 150 256C172 262 176 280 160 286C128 294 88 294 76 274z",
            INK,
            0.42,
        )
        + line("M176 258Q190 276 178 294", c.light, 4)
        + path(star(236, 262, 17), c.light)
        + discs([(204, 268), (268, 252), (290, 240)], 4, c.light)
    )
    return (
        shadow(rx=136)
        + group(shoe, "translate(-10 -92) rotate(-7 200 260)")
        + group(shoe, "translate(6 24)")
    )


@motif
def pouf(c: Palette) -> str:
    seams = "M108 232Q96 276 112 324M152 246Q146 296 154 340M200 250V342M248 246Q254 296 246 340M292 232Q304 276 288 324"
    flat = "matrix(1 0 0 .36 0 206)"
    return (
        shadow(rx=128)
        + path("M78 208C60 262 72 316 104 334Q200 354 296 334C328 316 340 262 322 208z", c.main)
        + path("M262 232H322C340 262 328 316 296 334L232 343Q280 290 262 232z", INK, 0.14)
        + line(seams, c.second, 4)
        + ellipse(200, 206, 126, 52, c.light)
        + group(path(star(200, 0, 112, inner=0.6), c.second), flat)
        + group(path(star(200, 0, 66, inner=0.6), c.main), flat)
        + ellipse(200, 206, 14, 6, c.second)
        + line("M86 288Q200 322 314 288", c.second, 4)
    )


@motif
def belt(c: Palette) -> str:
    braid = "".join(f"M{96 + i * 22} 196l22 34M{118 + i * 22} 196l-22 34" for i in range(7))
    return (
        shadow(rx=126)
        + '<ellipse cx="200" cy="212" rx="118" ry="92" fill="none" stroke="'
        + c.dark
        + '" stroke-width="34"/>'
        + '<ellipse cx="200" cy="212" rx="118" ry="92" fill="none" stroke="'
        + c.light
        + '" stroke-width="22" stroke-dasharray="9 8" opacity=".55"/>'
        + '<ellipse cx="200" cy="236" rx="88" ry="70" fill="none" stroke="'
        + c.main
        + '" stroke-width="32"/>'
        + '<ellipse cx="200" cy="236" rx="88" ry="70" fill="none" stroke="'
        + c.light
        + '" stroke-width="20" stroke-dasharray="9 8" opacity=".6"/>'
        + group(
            rect(60, 186, 190, 54, c.main, 10) + line(braid, c.light, 5, 0.7), "translate(30 98)"
        )
        + line("M222 272h70v76h-70z", c.second, 13)
        + line("M226 310h66", c.second, 9)
    )


@motif
def purse(c: Palette) -> str:
    return (
        shadow(rx=102)
        + path("M112 178C76 230 84 342 128 342H272C316 342 324 230 288 178z", c.main)
        + path("M242 178H288C324 230 316 342 272 342H232C272 300 270 230 242 178z", INK, 0.15)
        + line("M150 196Q138 236 146 280M200 196V262M250 196Q262 236 254 280", c.dark, 4)
        + path("M108 182C108 118 292 118 292 182V192H108z", c.second)
        + path("M124 182C126 136 274 136 276 182z", mix(c.second, INK, 0.2))
        + circle(184, 122, 15, c.second)
        + circle(216, 122, 15, mix(c.second, "#ffffff", 0.3))
        + path(star(200, 290, 28), c.second)
        + circle(200, 290, 8, c.main)
    )


@motif
def wallet(c: Palette) -> str:
    def card(x: int, y: int, color: str, turn: int) -> str:
        return group(
            rect(x, y, 172, 108, color, 10) + rect(x, y + 18, 172, 18, INK, opacity=0.18),
            f"rotate({turn} 200 220)",
        )

    return (
        shadow(rx=118)
        + card(112, 116, "#d9c7a4", -8)
        + card(114, 130, "#3f7f87", 5)
        + card(114, 152, c.second, -2)
        + rect(92, 196, 216, 146, c.main, 16)
        + path("M268 196H292Q308 196 308 212V326Q308 342 292 342H256Q284 270 268 196z", INK, 0.3)
        + path(
            "M92 212Q92 196 108 196H292Q308 196 308 212V222Q230 222 200 262T92 262z", c.light, 0.35
        )
        + '<rect x="104" y="208" width="192" height="122" rx="9" fill="none" stroke="'
        + c.second
        + '" stroke-width="3" stroke-dasharray="8 7"/>'
        + path(star(256, 290, 18), c.second)
    )


@motif
def duffel(c: Palette) -> str:
    return (
        shadow(rx=146)
        + line("M134 200C134 96 266 96 266 200", c.second, 12)
        + path(
            "M66 216C72 180 104 168 132 168H268C296 168 328 180 334 216L340 306Q340 342 306 342H94Q60 342 60 306z",
            c.main,
        )
        + path("M290 170Q328 180 334 216L340 306Q340 342 306 342H276Q312 250 290 170z", INK, 0.16)
        + line("M92 196Q200 182 308 196", mix(BRASS, INK, 0.1), 7)
        + rect(296, 190, 20, 12, BRASS, 4)
        + rect(120, 200, 28, 142, c.second, 4)
        + rect(252, 200, 28, 142, c.second, 4)
        + circle(134, 218, 9, BRASS)
        + circle(266, 218, 9, BRASS)
        + f'<path d="M74 318H326M160 226H240V296H160z" fill="none" stroke="{c.light}" stroke-width="3" stroke-dasharray="8 7"/>'
        + path(star(200, 261, 20), c.second)
    )


@motif
def backgammon(c: Palette) -> str:
    up = "".join(f"M{94 + i * 18} 318l9-84 9 84z" for i in range(12))
    down = "".join(f"M{94 + i * 18} 118l9 84 9-84z" for i in range(12))
    places = [
        (103, 306),
        (103, 286),
        (103, 266),
        (193, 306),
        (193, 286),
        (247, 130),
        (247, 150),
        (301, 306),
    ]
    other = [
        (103, 130),
        (157, 130),
        (157, 150),
        (157, 170),
        (301, 130),
        (301, 150),
        (265, 306),
        (211, 130),
    ]
    return (
        shadow(204, 352, 140)
        + rect(76, 94, 248, 250, c.dark, 10)
        + rect(90, 112, 220, 212, c.main, 4)
        + path(up, c.second)
        + path(down, mix(c.second, c.dark, 0.65))
        + rect(196, 112, 8, 212, c.dark)
        + discs(places, 9, "#3a2318")
        + discs(other, 9, "#f6ead2")
        + group(
            rect(0, 0, 24, 24, "#fdf8ea", 5) + discs([(7, 7), (17, 17)], 2.6, INK),
            "translate(226 206) rotate(14)",
        )
        + group(
            rect(0, 0, 24, 24, "#fdf8ea", 5) + discs([(7, 7), (12, 12), (17, 17)], 2.6, INK),
            "translate(260 214) rotate(-20)",
        )
        + line("M76 82H324", c.light, 13)
    )
