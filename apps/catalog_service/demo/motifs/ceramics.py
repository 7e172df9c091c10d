"""Ceramics."""

from apps.catalog_service.demo.shapes import (
    CREAM,
    INK,
    Palette,
    around,
    circle,
    diamonds,
    discs,
    ellipse,
    grid,
    group,
    line,
    motif,
    path,
    rect,
    shadow,
    star,
    turned,
)


@motif
def plate(c: Palette) -> str:
    tulip = line("M200 208Q196 170 200 140", "#3f7a5a", 5) + path(
        "M200 150C178 138 180 108 188 92Q194 104 200 92Q206 104 212 92C220 108 222 138 200 150z",
        c.second,
    )
    leaf = path("M200 204C178 188 176 160 186 138C200 156 206 180 200 204z", c.main)
    return (
        circle(208, 214, 138, INK, 0.15)
        + circle(200, 204, 138, c.third)
        + circle(200, 204, 138, c.main, 0.14)
        + discs(around(200, 204, 120, 24), 7, c.main)
        + discs(around(200, 204, 120, 24, 0.5), 3.5, c.second)
        + circle(200, 204, 102, c.main)
        + circle(200, 204, 98, c.third)
        + group(
            turned(leaf, 6, 200, 204, 30) + turned(tulip, 6, 200, 204),
            "translate(20 20.4) scale(.9)",
        )
        + path(star(200, 204, 20), c.main)
        + circle(200, 204, 7, c.second)
    )


@motif
def bowl(c: Palette) -> str:
    pattern = diamonds(grid(110, 252, 6, 1, 36, 0), 34, 50)
    return (
        shadow(rx=92)
        + path("M70 196H330C330 282 266 326 236 328H164C134 326 70 282 70 196z", c.second)
        + path("M84 226C92 250 104 268 118 282H282C296 268 308 250 316 226z", c.main)
        + path(pattern, c.second)
        + path(diamonds(grid(110, 252, 6, 1, 36, 0), 16, 24), c.main)
        + discs(grid(128, 238, 5, 2, 36, 30), 4, c.second)
        + path("M262 196H330C330 282 266 326 236 328H214C262 300 278 250 262 196z", INK, 0.13)
        + ellipse(200, 196, 130, 32, c.main)
        + ellipse(200, 198, 120, 26, c.third)
        + group(path(star(200, 0, 66), c.main), "matrix(1 0 0 .34 0 200)")
        + path("M160 328H240L246 344H154z", c.main)
    )


@motif
def tagine(c: Palette) -> str:
    return (
        shadow(rx=128)
        + path("M98 258C128 214 178 168 184 104H216C222 168 272 214 302 258z", c.main)
        + path("M202 104H216C222 168 272 214 302 258H238C244 200 208 160 202 104z", c.second, 0.45)
        + ellipse(200, 98, 26, 16, c.main)
        + ellipse(200, 93, 19, 8, c.light)
        + rect(78, 254, 244, 18, c.light, 9)
        + path("M84 272H316C312 314 284 340 262 342H138C116 340 88 314 84 272z", c.main)
        + path("M256 272H316C312 314 284 340 262 342H222C252 330 262 300 256 272z", c.second, 0.4)
        + line(
            "M162 186Q200 198 238 186M136 226Q200 242 264 226M100 300Q200 318 300 300", c.third, 4
        )
        + path(diamonds(grid(152, 214, 5, 1, 24, 0), 14, 16), c.third)
    )


@motif
def cup(c: Palette) -> str:
    def one(x: float, y: float) -> str:
        carnation = discs(around(x, y + 38, 14, 7), 7, c.second) + circle(x, y + 38, 7, c.main)
        return (
            ellipse(x, y + 98, 84, 16, c.main)
            + ellipse(x, y + 95, 78, 12, CREAM)
            + line(f"M{x + 48} {y + 16}c44-10 40 48-8 48", c.main, 9)
            + path(
                f"M{x - 54} {y}H{x + 54}C{x + 54} {y + 52} {x + 34} {y + 90} {x + 22} {y + 94}H{x - 22}C{x - 34} {y + 90} {x - 54} {y + 52} {x - 54} {y}z",
                CREAM,
            )
            + path(
                f"M{x + 26} {y}H{x + 54}C{x + 54} {y + 52} {x + 34} {y + 90} {x + 22} {y + 94}H{x + 4}C{x + 24} {y + 60} {x + 30} {y + 30} {x + 26} {y}z",
                INK,
                0.08,
            )
            + carnation
            + line(f"M{x - 40} {y + 34}q12 10 20 4M{x + 40} {y + 34}q-12 10-20 4", c.main, 5)
            + ellipse(x, y, 54, 11, c.main)
            + ellipse(x, y + 2, 46, 7, "#4a2a1a")
        )

    return shadow(rx=140) + one(150, 142) + one(244, 236)


@motif
def pomegranate(c: Palette) -> str:
    crackle = "M120 220l34 22 30-16 26 34 44-10 30 20M150 300l20-58M184 226l8-50M210 260l-12 52M254 250l8-46M120 252l30 48 48 12"
    return (
        shadow(rx=78)
        + line("M214 118C224 76 250 62 262 40M196 118C186 84 168 74 154 52", "#6b8550", 5)
        + path(
            "M262 40c22-4 34 12 30 26c-18 2-32-8-30-26zM154 52c-22 0-32 16-26 30c18 0 30-12 26-30z",
            "#7f9b5e",
        )
        + path("M170 152L160 96L184 116L200 88L216 116L240 96L230 152z", c.main)
        + path(
            "M200 146C262 146 304 186 304 242C304 300 258 342 200 342S96 300 96 242C96 186 138 146 200 146z",
            c.main,
        )
        + path(
            "M236 152C280 166 304 200 304 242C304 300 258 342 200 342C290 300 280 200 236 152z",
            c.second,
            0.7,
        )
        + line(crackle, c.second, 2.4, 0.6)
        + ellipse(146, 206, 17, 27, "#ffffff", 0.5)
    )


@motif
def tile(c: Palette) -> str:
    corner = path("M76 76H134Q128 128 76 134z", c.main) + circle(92, 92, 10, c.second)
    corners = "".join(group(corner, f"rotate({90 * i} 200 200)") for i in range(4))
    petal = path("M200 210L174 116l14 9 12-15 12 15 14-9z", c.second)
    fan = "".join(group(petal, f"rotate({turn} 200 214)") for turn in (-72, 72, -36, 36, 0))
    return (
        rect(84, 86, 248, 248, INK, 6, 0.16)
        + rect(76, 76, 248, 248, c.third, 6)
        + line("M200 300C200 270 200 240 200 200", c.main, 7)
        + path(
            "M200 288C160 290 136 262 128 232C168 228 194 252 200 288zM200 288C240 290 264 262 272 232C232 228 206 252 200 288z",
            c.main,
        )
        + fan
        + path("M176 204Q200 186 224 204L214 232H186z", "#3f7a5a")
        + line("M200 204L200 158M190 204L176 168M210 204L224 168", c.third, 4)
        + corners
        + line("M76 76H324V324H76z", c.main, 5)
    )


@motif
def jug(c: Palette) -> str:
    return (
        shadow(rx=88)
        + line("M240 126C318 126 318 230 268 252", c.second, 16)
        + path(
            "M160 92L132 84C138 102 152 112 158 128C166 164 108 196 108 262C108 314 150 342 196 342S286 314 286 262C286 196 230 164 236 128L246 92z",
            c.main,
        )
        + path(
            "M214 92H246L236 128C230 164 286 196 286 262C286 314 242 342 196 342C284 296 206 180 214 92z",
            c.second,
            0.55,
        )
        + ellipse(198, 92, 48, 10, c.dark)
        + line("M152 126Q198 138 240 126", c.third, 5)
        + line("M112 240Q196 264 282 240M112 284Q196 308 282 284", c.third, 5)
        + line("M126 256l18 26 18-22 18 28 18-26 18 26 18-28 18 22 14-22", c.third, 4)
        + ellipse(142, 214, 10, 22, "#ffffff", 0.3)
    )


@motif
def dish(c: Palette) -> str:
    olives = [(128, 216), (158, 204), (150, 232), (182, 226), (176, 202), (204, 212), (206, 236)]
    return (
        shadow(rx=140)
        + path("M52 222C52 290 118 338 200 338S348 290 348 222z", c.dark)
        + ellipse(200, 222, 148, 62, c.main)
        + ellipse(200, 222, 132, 50, c.third)
        + discs([(x - 8, y) for x, y in olives], 16, "#57672f")
        + discs([(x - 13, y - 5) for x, y in olives], 4, "#c8d39a")
        + ellipse(272, 222, 52, 34, c.dark)
        + ellipse(272, 216, 52, 32, c.main)
        + ellipse(272, 218, 42, 23, c.third)
        + discs([(262, 220), (284, 216), (274, 230)], 7, "#8a6a3f")
        + path(diamonds(grid(120, 302, 5, 1, 40, 0), 24, 20), c.second)
    )


@motif
def amphora(c: Palette) -> str:
    return (
        shadow(rx=62)
        + line("M168 96C104 92 100 160 138 184M232 96C296 92 300 160 262 184", c.second, 13)
        + path(
            "M166 68H234L226 96C222 132 284 152 284 212C284 270 240 300 232 342H168C160 300 116 270 116 212C116 152 178 132 174 96z",
            c.main,
        )
        + path(
            "M210 68H234L226 96C222 132 284 152 284 212C284 270 240 300 232 342H208C228 280 262 250 250 200C240 160 200 140 210 68z",
            c.second,
            0.5,
        )
        + rect(156, 58, 88, 18, c.light, 9)
        + path("M118 196Q200 220 282 196L284 212L280 236Q200 262 120 236L116 212z", c.third)
        + path(
            diamonds([(140, 220), (170, 227), (200, 230), (230, 227), (260, 220)], 18, 24), c.second
        )
        + line("M156 136Q200 148 244 136M136 274Q200 296 264 274", c.third, 4)
        + rect(156, 332, 88, 12, c.second, 6)
    )
