"""Small pictures of 12 by 12 pixels, drawn here. A letter is a colour, a dot is nothing."""

from __future__ import annotations

from typing import Final

from nicegui import ui

_COLOURS: Final = {
    "#": "currentColor",
    "g": "#f2bf45",
    "G": "#b97f17",
    "w": "#fff3c9",
    "p": "#a78bfa",
    "P": "#6d4bd8",
    "l": "#e4dbff",
    "r": "#d6483f",
}

_PICTURES: Final = {
    # Steps, the word and the way: kaizen is getting a little better every day.
    "logo": (
        ".........ggg", ".........gwg", "......gggggg", "......gwgggg", "...ggggggggg", "...gwggggggg",
        "gggggggggggg", "gwgggggggggg", "gggggggggggg", "GGGGGGGGGGGG", "GGGGGGGGGGGG", "............",
    ),
    "dashboard": (
        "............", ".####.#####.", ".####.#####.", ".####.#####.", ".####.......", ".####.#####.",
        "......#####.", ".####.#####.", ".####.#####.", ".####.#####.", ".####.#####.", "............",
    ),
    "character": (
        "....####....", "...######...", "...######...", "...######...", "....####....", "............",
        "..########..", ".##########.", ".##########.", ".##.####.##.", ".##.####.##.", "............",
    ),
    "milestones": (
        "............", "..##........", "..########..", "..#########.", "..########..", "..######....",
        "..########..", "..##........", "..##........", "..##........", ".####.......", "............",
    ),
    "campaign": (
        "............", ".........##.", "........###.", ".......###..", "......###...", ".##..###....",
        "..#####.....", "...###......", "..####......", ".##..##.....", ".#..........", "............",
    ),
    "leaderboard": (
        "............", ".##########.", ".#.######.#.", ".#.######.#.", ".#.######.#.", "..#.####.#..",
        "....####....", ".....##.....", ".....##.....", "....####....", "...######...", "............",
    ),
    "coin": (
        "....gggg....", "..gggggggg..", ".ggwwwwgggg.", ".gwwgGGgggg.", "ggwggGGggggG", "ggwggGGggggG",
        "ggwggGGggggG", "ggwggGGggggG", ".gggggggggG.", ".gggggggGGG.", "..ggggGGGG..", "....GGGG....",
    ),
    "core": (
        ".....ll.....", "....lppp....", "...lppppp...", "..llpppppp..", ".lllpppppPP.", "lllppppPPPPP",
        ".pppppPPPPP.", "..ppppPPPP..", "...pppPPP...", "....ppPP....", ".....PP.....", "............",
    ),
    "sun": (
        ".....##.....", ".#...##...#.", "..#......#..", "....####....", "...######...", "##.######.##",
        "##.######.##", "...######...", "....####....", "..#......#..", ".#...##...#.", ".....##.....",
    ),
    "moon": (
        "....####....", "..###.......", ".###........", ".###........", "####........", "####........",
        "####.......#", "#####.....##", ".#########..", ".#########..", "..#######...", "....####....",
    ),
    "check": (
        "............", "..........##", ".........###", "........###.", ".......###..", "##....###...",
        "###..###....", ".######.....", "..####......", "...##.......", "............", "............",
    ),
    # One for each upgrade, by its id.
    "gold_strength_flat": (
        "............", "............", ".##......##.", ".##......##.", "####gggg####", "####gwwg####",
        "####gggg####", ".##......##.", ".##......##.", "............", "............", "............",
    ),
    "gold_strength_stronger": (
        "............", ".......gg...", "......g..g..", ".ggggggggg..", "ggggggggggg#", "gggGGGggggg#",
        "ggGwwwGgggG.", "ggGwwwGgG...", "ggGwwwGg....", ".ggGGGgG....", "..ggggG.....", "............",
    ),
    "gold_critical_chance_basic": (
        ".g........g.", ".gg......gg.", ".gggggggggg.", ".gGGggggGGg.", ".gGwggggGwg.", ".gggggggggg.",
        ".#gggGGggg#.", ".gggGggGggg.", "..gggggggg..", "..rrrrgrrr..", "..gggggggg..", ".gggggggggg.",
    ),
    "gold_critical_damage_basic": (
        ".....gg.....", ".....gg.....", "g....gg....g", ".gg.gwwg.gg.", "..ggwwwwgg..", "...gwwwwg...",
        "...gwwwwg...", "..ggwwwwgg..", ".gg.gwwg.gg.", "g....gg....g", ".....gg.....", ".....gg.....",
    ),
    "attack_speed_boost": (
        "......llll..", ".....lllp...", "....lllp....", "...lllp.....", "..llllllll..", ".lllllllp...",
        "....lllp....", "...lllp.....", "..lllp......", "..llp.......", ".lp.........", ".p..........",
    ),
    "strength_multiplier": (
        "............", "..ll.ll.ll..", ".llpllpllpl.", ".llpllpllpl.", "lllpllpllpll", "llllllllllpl",
        "llppppppppll", "lllllllllllp", ".llllllllllp", ".lllllllllp.", "..llllllpp..", "..PPPPPPPP..",
    ),
    "core_gain_boost": (
        "............", ".pppp..pppp.", "pllllpplllwp", "plpplpplpplp", "pllllppllllp", "plpplpplpplp",
        "pllllppllllp", "plpplpplpplp", "pllllppllllp", ".ppppPPpppp.", "......P.....", "............",
    ),
    "enemy_health_reduction": (
        "............", "..pp....pp..", ".pllp.#pllp.", "pllpp#.ppppp", "pllpp.#ppppp", ".pppp#.pppp.",
        ".ppppp#pppP.", "..ppp#.ppP..", "...ppp#pP...", "....p#.P....", ".....p......", "............",
    ),
    "dps_per_core": (
        "............", ".....l......", "....lpp.....", "....lpP.....", ".....P......", "..l.....l...",
        ".lpp...lpp..", ".lpP...lpP..", "..P..l..P...", "....lpp.....", "....lpP.....", ".....P......",
    ),
}  # fmt: skip


def svg(name: str) -> str:
    """The picture as SVG; it is decoration, so screen readers skip it."""
    rects = "".join(
        f'<rect x="{start}" y="{y}" width="{length}" height="1" fill="{_COLOURS[letter]}"/>'
        for y, row in enumerate(_PICTURES[name])
        for start, length, letter in _runs(row)
        if letter != "."
    )
    return (
        f'<svg class="k-icon k-icon-{name}" viewBox="0 0 12 12" shape-rendering="crispEdges" aria-hidden="true">'
        f"{rects}</svg>"
    )


def has_icon(name: str) -> bool:
    """Whether there is such a picture: upgrades are the server's to define, and their pictures are drawn here."""
    return name in _PICTURES


def icon(name: str) -> ui.html:
    """The picture as an element, as large as the text around it says."""
    return ui.html(svg(name), sanitize=False, tag="span").classes("k-icon-box")


def _runs(row: str) -> list[tuple[int, int, str]]:
    """Pixels of one colour beside each other: (start, length, letter)."""
    runs: list[tuple[int, int, str]] = []
    for x, letter in enumerate(row):
        if runs and runs[-1][2] == letter:
            start, length, _ = runs[-1]
            runs[-1] = (start, length + 1, letter)
        else:
            runs.append((x, 1, letter))
    return runs
