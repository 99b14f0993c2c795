"""`strata adopt --refresh-external`: writes anew what AWS has in what is `external: true`, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from strata.adoption import rendering
from strata.adoption.external import declared_external, external_at_aws, is_any_external, text_of, told
from strata.atomic import UnreadableError, read_bytes, read_text
from strata.aws.prerequisites import management_caller
from strata.aws.session import connect
from strata.config import EXTERNAL, ORGANIZATION, SSO
from strata.config.external import External
from strata.config.loader import read_partial
from strata.errors import ConfigurationError, Message, StrataError
from strata.files.config_edit import check_unchanged, loaded, offer, texts
from strata.files.replacing import replace
from strata.inventory.progress import InventoryReading
from strata.kinds.at_aws import Inventory
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document
from strata.report.full_access import gained
from strata.rules.expectations import newly_unmet
from strata.sides.join import known_keys
from strata.terminal import require_answer
from strata.text import folded


def run(options: Options, *, dry_run: bool, yes: bool, json: bool) -> int:
    """Reads AWS, shows what changes, asks, and writes external.yaml.

    Raises:
        UsageError: nobody can be asked.
        StrataError: AWS does not have something that is declared external.
    """
    require_answer("what changes", yes=yes, dry_run=dry_run, json=json)
    folder = options.config
    before = texts(options.config)
    garbled = _garbled(folder / EXTERNAL)
    had = read_partial(folder)[0].external
    zone = loaded(folder, {**before, EXTERNAL: "{}\n"}, folder)  # which may be damaged
    if garbled:
        nothing_read = f"{folder / EXTERNAL} is not UTF-8 text: what it had is not compared"
        options.note(Message("not-utf8", nothing_read, place=str(folder / EXTERNAL)))
    reading, external = InventoryReading(options, zone.project), External()
    same = Message("nothing-external", f"nothing to do: nothing in {folder} is external", place=str(folder))
    if is_any_external(zone):
        external = _at_aws(options, zone, reading)
        same = Message("nothing-to-do", f"nothing to do: {EXTERNAL} has what AWS has")
    empty = rendering.files({EXTERNAL: {}}, {}) if EXTERNAL in before or garbled else {}
    files = {name: text for name, text in (text_of(external) or empty).items() if text != before.get(name)}
    changes = list(told(had, external))
    after = loaded(folder, {**before, **files}, folder)
    with suppress(ConfigurationError):  # then nothing was known that may have held
        zone = load(folder)
        changes += [f"full access, new at AWS: {who}" for who in gained(zone, after, after.grants)]
        for message in newly_unmet(zone, after) if files else ():
            options.note(message)
    check_unchanged(folder, before)
    code = 0
    if not json and is_any_external(zone):
        reading.tell()
    before |= {EXTERNAL: garbled} if garbled else {}
    if not files:
        options.note(same)
    elif not json:
        where = str(folder / EXTERNAL)
        code = offer(options, before, files, where, dry_run=dry_run, yes=yes, told=changes)
    elif yes and not dry_run:
        replace(folder, before, files)
    if json:
        facts = {"folder": str(folder), "written": bool(files) and yes and not dry_run, "differs": changes}
        nothing: dict[str, Any] = {"described": {}, "left_alone": [], "looks": []}
        document(output("adopt", {**facts, **nothing, "requests": dict(reading.requests)}))
    return code


def _garbled(path: Path) -> str:
    """Returns the text of a file that is no UTF-8, with what stands for its bytes; nothing of any other.

    Raises:
        StrataError: it is no file, or cannot be read.
    """
    try:
        read_text(path)
    except FileNotFoundError:
        pass
    except UnreadableError as error:
        if error.problem.id != "not-utf8":
            raise
        return read_bytes(path).decode(errors="surrogateescape")
    return ""


def _at_aws(options: Options, zone: LandingZone, reading: InventoryReading) -> External:
    """Returns the content of external things at AWS.

    Raises:
        StrataError: AWS does not have something that is declared external.
    """
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    inventory = reading.read(aws, once=True)
    if missing := list(_missing(options, zone, inventory)):
        raise StrataError(*missing)
    keys = known_keys(zone, inventory, imported={}, record={})
    return external_at_aws(zone, inventory, keys, dt.datetime.now(dt.UTC).date())


def _missing(options: Options, zone: LandingZone, inventory: Inventory) -> Iterator[Message]:
    """Yields the things that are declared external and AWS does not have."""
    sets, policies, groups = declared_external(zone)
    called = {folded(group.name) for center in inventory.centers for group in center.groups}
    names = {permission_set.name for center in inventory.centers for permission_set in center.permission_sets}
    there = {(policy.type, policy.name) for policy in inventory.organization.policies}
    gone = [
        (SSO, permission_set.location, "permission set", permission_set.name)
        for permission_set in sets.values()
        if permission_set.name not in names
    ]
    gone += [
        (SSO, group.location, "group", group.name) for group in groups.values() if folded(group.name) not in called
    ]
    gone += [
        (ORGANIZATION, policy.location, "policy", policy.name)
        for policy in policies.values()
        if (policy.type.value, policy.name) not in there
    ]
    for file, location, kind, name in gone:
        place = f"{options.config}/{zone.source(file, location)}"
        text = f"{place}: AWS has no {kind} {name!r}; take the entry out of the YAML, or correct its name"
        yield Message("gone-at-aws", text, place=place, kind=kind, name=name)
