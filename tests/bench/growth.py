"""How the processor time of synth grows with the number of accounts, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 400, 60
_STYLE = "text{font:13px sans-serif;fill:#333}.axis{stroke:#999}.line{stroke:#36c;stroke-width:2;fill:none}"
_TITLE = "Processor time of synth, 10 assignments an account"


def is_linear(seconds: Mapping[int, float], tolerance: float = 0.5) -> bool:
    """Returns whether the last step costs as much an account as the first, within a tolerance."""
    sizes = sorted(seconds)
    first, last = ((seconds[more] - seconds[less]) / (more - less) for less, more in (sizes[:2], sizes[-2:]))
    return last <= first * (1 + tolerance)


def draw(seconds: Mapping[int, float], file: Path) -> None:
    """Writes the picture: a line through what was measured."""
    most, largest = max(seconds.values()), max(seconds)

    def place(accounts: int, took: float) -> tuple[float, float]:
        across, up = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
        return MARGIN + across * accounts / largest, HEIGHT - MARGIN - up * took / most

    spots = [(*place(*one), one[1]) for one in sorted(seconds.items())]
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y, _ in spots)
    drawn = [
        f'<polyline class="line" points="{points}"/>',
        *(f'<text x="{x:.0f}" y="{y - 8:.0f}" text-anchor="end">{took:.1f} s</text>' for x, y, took in spots),
    ]
    axes = [
        f'<line class="axis" x1="{MARGIN}" y1="{HEIGHT - MARGIN}" x2="{WIDTH - MARGIN}" y2="{HEIGHT - MARGIN}"/>',
        f'<line class="axis" x1="{MARGIN}" y1="{MARGIN}" x2="{MARGIN}" y2="{HEIGHT - MARGIN}"/>',
        *(
            f'<text x="{place(size, 0)[0]:.0f}" y="{HEIGHT - MARGIN + 20}" text-anchor="middle">{size:,}</text>'
            for size in sorted(seconds)
        ),
        f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 15}" text-anchor="middle">accounts</text>',
        f'<text x="{WIDTH / 2:.0f}" y="25" text-anchor="middle">{_TITLE}</text>',
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{_STYLE}</style>", background, *axes, *drawn]
    file.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")
