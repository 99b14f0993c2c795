"""docs/picture.svg shows what the shipped configuration becomes at AWS; `make golden` draws it.

The card has its own dark ground, so that it is legible on a light page and on a dark one.
"""

from __future__ import annotations

import textwrap
from html import escape

from strata.config.models import Setting
from strata.landing_zone import LandingZone
from strata.load import load
from strata.text import counted
from tests.conftest import Golden
from tests.controls_page import FACTS
from tests.documents import CHECKOUT
from tests.synthesized import SHIPPED

WIDTH, PADDING, LINE = 960, 24, 18
_LEFT, _MIDDLE, _RIGHT = (24, 168), (236, 336), (604, 332)
"""Where each column begins, and its width."""
_GROUND, _CARD, _EDGE, _TEXT, _FAINT = "#0d1117", "#161b22", "#30363d", "#e6edf3", "#9198a1"
_NAMES = "#79c0ff"
_FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


def picture(landing_zone: LandingZone) -> str:
    """Returns the picture as SVG."""
    top = PADDING + 34
    stacks = _stacks(landing_zone)
    units = list(_units(landing_zone))
    boxes, end = [], top
    for name, lines in stacks.items():
        boxes.append(_box(_MIDDLE, end, name, lines))
        end += _height(lines) + 12
    below = top
    for title, lines in units:
        boxes.append(_box(_RIGHT, below, title, lines))
        below += _height(lines) + 12
    bottom = max(end, below) - 12
    files = ["project.yaml", "organization.yaml", "security.yaml", "sso.yaml", "policies/*.json"]
    said = ["shows the plan, asks,", "applies just that"]
    height = bottom + PADDING
    middle = top + _height(files) // 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" font-family="{_FONT}" font-size="13">',
            f"<title>{escape(_in_words(landing_zone))}</title>",
            f'<rect width="{WIDTH}" height="{height}" rx="14" fill="{_GROUND}"/>',
            _words(_LEFT[0], PADDING + 16, "You write", _FAINT),
            _words(_MIDDLE[0], PADDING + 16, "Terraform builds, from the management account", _FAINT),
            _words(_RIGHT[0], PADDING + 16, "Your organization has", _FAINT),
            _box(_LEFT, top, "config/", files),
            _box(_LEFT, top + _height(files) + 12, "strata deploy", said),
            *boxes,
            _arrow(sum(_LEFT) + 6, _MIDDLE[0] - 6, middle),
            _arrow(sum(_MIDDLE) + 4, _RIGHT[0] - 4, middle),
            "</svg>",
            "",
        ]
    )


def _stacks(landing_zone: LandingZone) -> dict[str, list[str]]:
    """Returns what each stack makes, by its name."""
    regions, organization = landing_zone.project.regions, landing_zone.organization
    controls = sorted(landing_zone.security.controls.items(), key=lambda one: isinstance(one[1], Setting))
    on = [FACTS[name].short for name, control in controls if control.on]
    return {
        "backend": [f"state bucket in {regions.primary}, replica in {regions.secondary}", "lock table"],
        "organizations": [
            f"{counted(len(landing_zone.units), 'unit')}, {counted(len(landing_zone.members), 'account')}, "
            f"{counted(len(landing_zone.policies), 'policy', 'policies')}",
            "trusted services, root access" if organization.member_root_access else "trusted services",
        ],
        "security": _wrapped(on),
        "sso": [
            f"{counted(len(landing_zone.users), 'user')}, {counted(len(landing_zone.groups), 'group')}, "
            f"{counted(len(landing_zone.permission_sets), 'permission set')}",
            f"{counted(len(landing_zone.grants), 'account assignment')}",
        ],
    }


def _units(landing_zone: LandingZone) -> list[tuple[str, list[str]]]:
    """Returns the management account, then each unit with the policies that bind it and who gets into its accounts."""
    found = [("account management", [*_access(landing_zone, "management"), "no policy binds it: run nothing there"])]
    for key in landing_zone.units:
        members = [name for name, account in landing_zone.members.items() if account.unit == key]
        bound = [one.key for one in landing_zone.policies.values() if key in one.targets.organizational_units]
        lines = _wrapped(bound, "policies")
        for name in members:
            lines += [f"account {name}", *_access(landing_zone, name)]
        found.append((f"unit {key}", lines))
    return found


def _access(landing_zone: LandingZone, account: str) -> list[str]:
    found = dict.fromkeys(grant.permission_set for grant in landing_zone.grants if grant.account == account)
    return _wrapped(list(found), "sign in as")


def _in_words(landing_zone: LandingZone) -> str:
    stacks = "; ".join(f"{name}: {', '.join(lines)}" for name, lines in _stacks(landing_zone).items())
    return f"config/ becomes four stacks. {stacks}"


def _wrapped(words: list[str], title: str = "") -> list[str]:
    """Returns words with commas in lines of a box's width."""
    return textwrap.wrap(f"{title} {', '.join(words)}".strip(), 46, break_long_words=False, break_on_hyphens=False)


def _height(lines: list[str]) -> int:
    return 38 + LINE * len(lines)


def _box(column: tuple[int, int], top: int, title: str, lines: list[str]) -> str:
    left, width = column
    place = f'x="{left}" y="{top}" width="{width}" height="{_height(lines)}"'
    found = [
        f'<rect {place} rx="8" fill="{_CARD}" stroke="{_EDGE}"/>',
        _words(left + 14, top + 24, title, _NAMES, "600"),
    ]
    for number, line in enumerate(lines, 1):
        account = line.startswith("account ") and title.startswith("unit ")
        found.append(_words(left + 14, top + 24 + LINE * number, line, _NAMES if account else _TEXT))
    return "\n".join(found)


def _words(left: int, base: int, text: str, colour: str, weight: str = "400") -> str:
    return f'<text x="{left}" y="{base}" fill="{colour}" font-weight="{weight}">{escape(text)}</text>'


def _arrow(left: int, right: int, base: int) -> str:
    return (
        f'<path d="M{left} {base}H{right - 2}m-7 -6l7 6l-7 6" fill="none" stroke="{_FAINT}" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def test_the_picture_is_current(golden: Golden) -> None:
    golden("../../docs/picture.svg", picture(load(SHIPPED)))

    assert "](docs/picture.svg)" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
