"""The configuration that everybody begins with, and what `strata init` makes of it.

`strata/template` is a configuration like any other, valid as it stands, so it has no placeholders: the lines that an
answer decides give way to others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strata.config import EXPECTATIONS, ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.accepted import scalar
from strata.text import slug

TEMPLATE = Path(__file__).parents[1] / "template"

Way = tuple[str, ...]
"""The keys of a unit and of those above it, from the top."""


@dataclass(frozen=True)
class Person:
    """The first administrator."""

    given_name: str
    family_name: str
    email: str

    @property
    def key(self) -> str:
        """Returns the name in letters that a key may have."""
        plain = slug(f"{self.given_name}-{self.family_name}").lower()[:64]
        return plain if re.match(r"[a-z]", plain) else "administrator"


@dataclass(frozen=True)
class TemplateAnswers:
    """What the configuration is made of.

    Attributes:
        accounts: the unit of each account by key.
        admin: the first administrator, None where an identity provider has the people.
    """

    name: str
    short_name: str
    primary: str
    secondary: str
    governed: tuple[str, ...]
    units: tuple[Way, ...]
    accounts: Mapping[str, Way]
    email: str
    management_id: str
    management_name: str
    management_email: str
    admin: Person | None


def account_address(email: str, account: str) -> str:
    """Returns an account's address: the pattern's, or that of a base address by plus-addressing."""
    if "{account}" in email:
        return email.replace("{account}", account)
    local, _, domain = email.partition("@")
    return f"{local}+{account}@{domain}"


def template(name: str) -> str:
    """Returns a file of the template."""
    return (TEMPLATE / name).read_text(encoding="utf-8")


def rendered(answers: TemplateAnswers) -> dict[str, str]:
    """Returns the files of the template with the answers in place of the example's."""
    files: dict[str, str] = {}
    for name, lines_of in CHANGES.items():
        files[name] = template(name)
        for old, new in lines_of(answers).items():
            files[name] = re.sub(f"^{re.escape(old)}", new.replace("\\", r"\\"), files[name], flags=re.MULTILINE)
    return files


# What the answers decide, file by file


def _project(answers: TemplateAnswers) -> dict[str, str]:
    governed = f"  governed:\n{_items(answers.governed, 4)}" if answers.governed else ""
    return {
        "name: example\nshort_name: ex\n": f"name: {scalar(answers.name)}\nshort_name: {scalar(answers.short_name)}\n",
        '  id: "123456789012"\n  name: example-management\n  email: aws@example.com\n': (
            f'  id: "{answers.management_id}"\n'
            f"  name: {scalar(answers.management_name)}\n"
            f"  email: {scalar(answers.management_email)}\n"
        ),
        "  primary: us-east-1\n  secondary: us-west-2\n": (
            f"  primary: {answers.primary}\n  secondary: {answers.secondary}\n{governed}"
        ),
    }


def _organization(answers: TemplateAnswers) -> dict[str, str]:
    """Returns the units, the accounts, what policies are attached to, and who administers services."""
    accounts = "".join(
        f"  {key}:\n    email: {scalar(account_address(answers.email, key))}\n"
        f"    organizational_unit: {scalar(unit[-1])}\n"
        for key, unit in answers.accounts.items()
    )
    ways = list(dict.fromkeys(unit[:depth] for unit in answers.units for depth in range(1, len(unit) + 1)))
    changes = {
        "organizational_units:\n  security:\n    name: security\n  shared:\n    name: shared\n": _units(ways, ()),
        "  security:\n    email: aws+security@example.com\n    organizational_unit: security\n"
        "  shared:\n    email: aws+shared@example.com\n    organizational_unit: shared\n": accounts,
        "        - security\n        - shared\n": _items([way[0] for way in ways if len(way) == 1], 8),
    }
    if "security" not in answers.accounts:
        changes["\ndelegated_administrators:\n  access-analyzer.amazonaws.com: security\n"] = ""
    return changes


def _units(ways: Sequence[Way], above: Way) -> str:
    """Returns the units below another, and theirs, as YAML."""
    pad = "    " * len(above)
    below = [way for way in ways if way[:-1] == above]
    entries = (f"{pad}  {scalar(way[-1])}:\n{pad}    name: {scalar(way[-1])}\n{_units(ways, way)}" for way in below)
    return f"{pad}organizational_units:\n{''.join(entries)}" if below else ""


def _security(answers: TemplateAnswers) -> dict[str, str]:
    return {"    - aws@example.com\n": _items([answers.management_email], 4)}


def _sso(answers: TemplateAnswers) -> dict[str, str]:
    """Returns who is in the groups, and where the assignments give access: to units, so that it holds for new accounts.

    Members of external groups only the identity provider knows.
    """
    everywhere = but_security = "    organizational_units:\n      - root\n"
    if ("security",) in answers.units and any(unit[0] != "security" for unit in answers.accounts.values()):
        but_security += "    except:\n      organizational_units:\n        - security\n"
    person = "  jane-doe:\n    given_name: Jane\n    family_name: Doe\n    email: jane.doe@example.com\n"
    changes = {
        "    accounts:\n      - security\n      - shared\n": everywhere,
        "    accounts:\n      - shared\n": but_security,
    }
    if answers.admin:
        changes[person] = (
            f"  {answers.admin.key}:\n"
            f"    given_name: {scalar(answers.admin.given_name)}\n"
            f"    family_name: {scalar(answers.admin.family_name)}\n"
            f"    email: {scalar(answers.admin.email)}\n"
        )
        changes["    members:\n      - jane-doe\n"] = f"    members:\n{_items([answers.admin.key], 6)}"
        return changes
    changes[f"users:\n{person}\n"] = ""
    members = re.findall(r"^    description: .*\n    members:\n      - jane-doe\n", template(SSO), re.MULTILINE)
    return {**changes, **dict.fromkeys(members, "    external: true\n")}


CHANGES: Mapping[str, Callable[[TemplateAnswers], dict[str, str]]] = {
    PROJECT: _project,
    ORGANIZATION: _organization,
    SECURITY: _security,
    SSO: _sso,
    EXPECTATIONS: lambda _: {},  # they hold wherever an account is
}


def _items(values: Iterable[str], indent: int) -> str:
    return "".join(f"{' ' * indent}- {scalar(value)}\n" for value in values)
