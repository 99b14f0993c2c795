"""The configuration that everybody begins with, and what `strata init` makes of it.

`strata/template` is a configuration like any other, valid as it stands, so it has no placeholders. What an answer
decides stands there as it is made from the answers `EXAMPLE`; other answers take its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.atomic import bare, split_lines, with_line_ends_of
from strata.config import EXPECTATIONS, ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.accepted import scalar
from strata.config.models import ROOT, Locking
from strata.text import slug

TEMPLATE = Path(__file__).parents[1] / "template"


TREE = ("security", "infrastructure", "workloads/prod", "workloads/nonprod", "sandbox")
"""The organizational units that are offered, each with the way down to it."""


@dataclass(frozen=True)
class Placed:
    """An account, with the keys of the units from the root down to it; none where it is right below the root."""

    key: str
    units: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Returns the key of the unit it is in."""
        return self.units[-1] if self.units else ROOT


@dataclass(frozen=True)
class TemplateAnswers:
    """What the configuration is made of."""

    name: str
    short_name: str
    primary: str
    secondary: str
    governed: tuple[str, ...]
    units: tuple[str, ...]
    accounts: tuple[Placed, ...]
    email: str
    management_id: str
    management_name: str
    management_email: str
    admin_given_name: str
    admin_family_name: str
    admin_email: str
    locking: Locking = Locking.BOTH
    by_account: bool = False
    """Access is given to single accounts, as in the example, and not to the units that they are in."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Returns the keys of the accounts."""
        return tuple(account.key for account in self.accounts)

    @property
    def ways(self) -> tuple[tuple[str, ...], ...]:
        """Returns every unit with the keys from the root down to it, those that accounts need behind those named."""
        ends = [*(tuple(unit.split("/")) for unit in self.units), *(account.units for account in self.accounts)]
        return tuple(dict.fromkeys(way[:depth] for way in ends for depth in range(1, len(way) + 1)))

    @property
    def top(self) -> tuple[str, ...]:
        """Returns the keys of the units right below the root."""
        return tuple(way[0] for way in self.ways if len(way) == 1)

    @property
    def admin(self) -> str:
        """Returns the key of the administrator: the name in letters that a key may have."""
        plain = slug(f"{self.admin_given_name}-{self.admin_family_name}").lower()[:64]
        return plain if re.match(r"[a-z]", plain) else "administrator"


EXAMPLE = TemplateAnswers(
    name="example",
    short_name="ex",
    primary="us-east-1",
    secondary="us-west-2",
    governed=(),
    units=(),
    accounts=(Placed("security", ("security",)), Placed("shared", ("shared",))),
    email="aws@example.com",
    management_id="123456789012",
    management_name="example-management",
    management_email="aws@example.com",
    admin_given_name="Jane",
    admin_family_name="Doe",
    admin_email="jane.doe@example.com",
    by_account=True,
)
"""The answers of which the template is made."""

DEFAULT_ACCOUNTS = ("security@security", "shared@infrastructure")
"""The accounts that are offered, in units of the tree."""


def account_address(email: str, account: str) -> str:
    """Returns an account's address: the pattern's, or that of a base address by plus-addressing."""
    if "{account}" in email:
        return email.replace("{account}", account)
    local, _, domain = email.partition("@")
    return f"{local}+{account}@{domain}"


def rendered(answers: TemplateAnswers) -> dict[str, str]:
    """Returns the files of the template with some answers in place of the example's."""
    return {name: _render(template(name), _PARTS[name](EXAMPLE), _PARTS[name](answers)) for name in _PARTS}


def template(name: str) -> str:
    """Returns a file of the template."""
    return (TEMPLATE / name).read_text(encoding="utf-8")


def _render(text: str, example: Sequence[str], parts: Sequence[str]) -> str:
    replacing = dict(zip(example, parts, strict=True))
    pattern = "|".join(map(re.escape, example))
    return re.sub(rf"^(?:{pattern})", lambda match: replacing[match[0]], text, flags=re.MULTILINE)


def onto(own: str, before: str, after: str) -> str | int:
    """Returns a text with what changes from a text to another, or the line of it that was changed otherwise."""
    mine, old, new = (list(map(bare, split_lines(text))) for text in (own, before, after))
    in_mine, in_new = _same_lines(old, mine), _same_lines(old, new)
    result: list[str] = []
    at = (0, 0, 0)
    ends = [(line, in_mine[line], in_new[line]) for line in range(len(old)) if line in in_mine and line in in_new]
    for end in [*ends, (len(old), len(mine), len(new))]:
        was, is_mine, is_new = old[at[0] : end[0]], mine[at[1] : end[1]], new[at[2] : end[2]]
        if is_mine not in (was, is_new) and is_new != was:
            return at[1] + 1
        result += [*(is_new if is_mine == was else is_mine), *old[end[0] : end[0] + 1]]
        at = (end[0] + 1, end[1] + 1, end[2] + 1)
    return with_line_ends_of(own, "".join(f"{line}\n" for line in result))


def _same_lines(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Returns the lines that stayed: where each was, and where it is."""
    from difflib import SequenceMatcher

    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return {start + step: begin + step for start, begin, size in blocks for step in range(size)}


# What the answers decide, file by file


def _project(answers: TemplateAnswers) -> list[str]:
    governed = [f"  governed:\n{_items(answers.governed, 4)}"] if answers.governed else []
    locking = [] if answers.locking is Locking.BOTH else [f"\nstate:\n  locking: {answers.locking}\n"]
    return [
        f"name: {scalar(answers.name)}\nshort_name: {scalar(answers.short_name)}\n",
        f'  id: "{answers.management_id}"\n'
        f"  name: {scalar(answers.management_name)}\n"
        f"  email: {scalar(answers.management_email)}\n",
        "".join([f"  primary: {answers.primary}\n  secondary: {answers.secondary}\n", *governed, *locking]),
    ]


def _organization(answers: TemplateAnswers) -> list[str]:
    """Returns the units, the accounts, what policies are attached to, and who administers services."""
    accounts = "".join(
        f"  {placed.key}:\n    email: {scalar(account_address(answers.email, placed.key))}\n"
        f"    organizational_unit: {scalar(placed.unit)}\n"
        for placed in answers.accounts
    )
    delegated = "\ndelegated_administrators:\n  access-analyzer.amazonaws.com: security\n"
    return [
        _units(answers.ways, ()),
        f"accounts:\n{accounts}",
        f"      organizational_units:\n{_items(answers.top, 8)}",
        delegated if "security" in answers.keys else "",
    ]


def _units(ways: Sequence[tuple[str, ...]], above: tuple[str, ...]) -> str:
    """Returns the units below another, and theirs, as YAML."""
    pad = "    " * len(above)
    below = [way for way in ways if way[:-1] == above]
    entries = (f"{pad}  {scalar(way[-1])}:\n{pad}    name: {scalar(way[-1])}\n{_units(ways, way)}" for way in below)
    return f"{pad}organizational_units:\n{''.join(entries)}" if below else ""


def _sso(answers: TemplateAnswers) -> list[str]:
    """Returns the administrator, who is in every group, and where the assignments give access."""
    everywhere = but_security = "    organizational_units:\n      - root\n"
    others = [placed for placed in answers.accounts if "security" not in placed.units]
    if others and "security" in answers.top:
        but_security += "    except:\n      organizational_units:\n        - security\n"
    if answers.by_account:
        everywhere = f"    accounts:\n{_items(answers.keys, 6)}"
        but_security = f"    accounts:\n{_items([placed.key for placed in others], 6)}"
    return [
        f"  {answers.admin}:\n"
        f"    given_name: {scalar(answers.admin_given_name)}\n"
        f"    family_name: {scalar(answers.admin_family_name)}\n"
        f"    email: {scalar(answers.admin_email)}\n",
        f"    members:\n{_items([answers.admin], 6)}",
        everywhere,
        but_security,
    ]


def _expectations(answers: TemplateAnswers) -> list[str]:
    """Returns where the expectations hold: no policy is attached to the root, where an account may be."""
    units = "".join(f"    - ou/{unit}\n" for unit in answers.top)
    return [f"  in:\n{units}" if any(not placed.units for placed in answers.accounts) else "  in: root\n"]


_PARTS = {
    PROJECT: _project,
    ORGANIZATION: _organization,
    SECURITY: lambda answers: [f"  emails:\n{_items([answers.management_email], 4)}"],
    SSO: _sso,
    EXPECTATIONS: _expectations,
}


def _items(values: Sequence[str], indent: int) -> str:
    return "".join(f"{' ' * indent}- {scalar(value)}\n" for value in values)
