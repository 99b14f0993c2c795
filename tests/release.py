"""Makes the files of a version, as CONTRIBUTING.md says: `python -m tests.release 1.1.0`, then `... before v1.1.0`.

It checks that the number is large enough for what CHANGELOG.md and the promises say. Committing, tagging and pushing
are left to whoever releases.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from typing import NoReturn

from tests.changelog import BREAKS, CHANGELOG, HEADINGS, UNRELEASED, Version, versions
from tests.documents import CHECKOUT
from tests.promises import broken, promises, write, written

PYPROJECT = CHECKOUT / "pyproject.toml"
BEFORE = CHECKOUT / "tests/scenarios/version_before.yaml"
NOTHING = "    before: []\n    added: {}\n    after: []\n"


def main(arguments: list[str]) -> None:
    """Makes a version, or has the upgrade test begin with one that is tagged."""
    match arguments:
        case ["before", tag] if _NUMBER.fullmatch(tag.removeprefix("v")) and tag[0] == "v":
            begin_with(tag)
        case ["before", other]:
            misused(f"{other!r} is no tag of a version; give one such as v1.1.0")
        case [number] if _NUMBER.fullmatch(number):
            release(number)
        case [other] if not other.startswith("-"):
            misused(f"{other!r} is no number of a version; give one such as 1.1.0")
        case _:
            misused("give a number, or `before` and a tag")


_NUMBER = re.compile(r"(?:(?:0|[1-9][0-9]{0,8})\.){2}(?:0|[1-9][0-9]{0,8})")
"""What https://semver.org takes, without what may stand behind it."""


def misused(problem: str) -> NoReturn:
    """Says how it is used, with the exit code for that."""
    usage = "usage: python -m tests.release 1.1.0, or python -m tests.release before v1.1.0"
    sys.stderr.write(f"error: {problem}\n{usage}\n")
    sys.exit(2)


def release(number: str) -> None:
    """Writes the number into pyproject.toml and CHANGELOG.md, and today's promises into tests/promised.yaml."""
    current, today = project_version(), promises()
    unreleased = versions()[0]
    if faults := refusals(number, current, unreleased, broken(written(), today)):
        sys.exit("\n".join(f"error: {fault}" for fault in faults))
    day = datetime.now(UTC).date().isoformat()
    text = CHANGELOG.read_text(encoding="utf-8")
    CHANGELOG.write_text(
        text.replace(f"## {UNRELEASED}\n", f"## {UNRELEASED}\n\n## {number} - {day}\n"), encoding="utf-8"
    )
    text = PYPROJECT.read_text(encoding="utf-8")
    PYPROJECT.write_text(text.replace(f'\nversion = "{current}"\n', f'\nversion = "{number}"\n'), encoding="utf-8")
    write(today)
    sys.stdout.write(f"pyproject.toml, CHANGELOG.md and tests/promised.yaml say {number}\n")


def refusals(number: str, current: str, unreleased: Version, lost: list[str]) -> list[str]:
    """Returns why a number is wrong for what is to be released."""
    found = []
    major, minor, patch = _parts(current)
    following = (f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0")
    if _parts(number) <= _parts(current):
        found.append(f"{number} does not come after {current}")
    elif number not in following:
        found.append(f"{number} leaves numbers out: after {current} comes {', '.join(following[:2])} or {following[2]}")
    if unreleased.number != UNRELEASED or not any(unreleased.entries.values()):
        found.append("CHANGELOG.md has no entry under Unreleased")
    if unknown := [heading for heading in unreleased.entries if heading not in HEADINGS]:
        found.append(f"CHANGELOG.md has no heading {', '.join(unknown)}; use {', '.join(HEADINGS)}")
    is_major = _parts(number)[0] > major
    breaking = [heading for heading in BREAKS if unreleased.entries.get(heading)]
    if breaking and not is_major:
        found.append(f"{number} has entries under {' and '.join(breaking)}, which only a major version may")
    if not is_major:
        found += [f"{number} breaks a promise, which only a major version may: {one}" for one in lost]
    if _parts(number)[2] and (more := unreleased.entries.keys() & {"Created", "Deprecated", "Edit first"}):
        found.append(f"{number} has entries under {' and '.join(sorted(more))}, which a patch may not")
    return found


def begin_with(tag: str) -> None:
    """Has the upgrade test deploy a tagged version first."""
    done = subprocess.run(
        ["git", "rev-parse", "--verify", f"refs/tags/{tag}^{{commit}}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"error: there is no tag {tag}")
    head, _, rest = BEFORE.read_text(encoding="utf-8").partition("commit: ")
    about = rest.partition("\n")[2].partition("configurations:\n")[0]
    ours = "".join(f"  {name}:\n{NOTHING}" for name in ("strata/template", "tests/company"))
    BEFORE.write_text(f"{head}commit: {done.stdout.strip()}\n{about}configurations:\n{ours}", encoding="utf-8")
    sys.stdout.write(f"{BEFORE.relative_to(CHECKOUT)} names {tag}\n")


def project_version() -> str:
    """Returns the version of pyproject.toml."""
    return str(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"])


def _parts(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))


if __name__ == "__main__":
    main(sys.argv[1:])
