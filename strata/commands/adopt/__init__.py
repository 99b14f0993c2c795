"""`strata adopt`: reads a live organization and Identity Center, and writes the configuration that describes them.

Nothing changes at AWS, nothing is written outside the folder, and all of it at the end.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from strata.adoption import rendering
from strata.adoption.checking import accepted, until_accepted
from strata.adoption.describing import Description, describe, direct_full_access
from strata.adoption.importing import import_ids
from strata.aws import organization
from strata.aws.session import Aws, connect
from strata.commands.adopt.folder import check_free, write_new
from strata.commands.adopt.left import left
from strata.config import ADOPTION, IMPORTS, ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.models import Project
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import write_texts
from strata.inventory.progress import InventoryReading
from strata.kinds.at_aws import Inventory
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, flat, line, readers_may_leave, word
from strata.rules.expectations import require
from strata.rules.quotas import exceeded
from strata.rules.usual_expectations import holding
from strata.terminal import confirmed, require_terminal


def run(
    options: Options,
    *,
    to: Path | None,
    literal: bool,
    thorough: bool,
    dry_run: bool,
    yes: bool,
    json: bool,
    **given: str | None,
) -> int:
    """Reads, describes, checks the result, shows it, asks, and writes.

    Args:
        given: what no organization tells: Strata's names and regions, each None where it was not given.

    Raises:
        UsageError: names are missing, or nobody can be asked.
    """
    if not to:
        raise UsageError(Message("argument-missing", "give --to: the folder of the new configuration", option="--to"))
    if not (yes or dry_run):
        require_terminal("what was found with --dry-run", json=json)
    check_free(to)
    missing = [f"--{name.replace('_', '-')}" for name in _NEEDED if not given.get(name)]
    if missing:
        text = f"give {', '.join(missing)} as well"
        raise UsageError(Message("argument-missing", text, options=missing))
    aws = Aws(options.profile, given["primary"] or "")
    project = _project(aws, given)
    connect(options, project)
    reading = InventoryReading(options, project)
    inventory = reading.read(aws, thorough=thorough)
    description, files = configuration(project, inventory, literal=literal)
    if not json:
        with readers_may_leave():
            print(rendering.adoption(inventory, description, shown=flat))
            sys.stdout.flush()
        reading.tell()
    if not dry_run:
        if not yes and not confirmed(f"write this to {to}?", instead="what was found with --dry-run"):
            options.note(Message("nothing-changed", "nothing was written"))
            return 1
        write_new(to, files)
    if json:
        document(output("adopt", _facts(to, description, reading, written=not dry_run)))
    elif not dry_run:
        _tell_next(to)
    return 0


_NEEDED = ("name", "short_name", "primary", "secondary")


def _tell_next(to: Path) -> None:
    with readers_may_leave():
        print(line(f"next: read {to / ADOPTION}, then strata check --config {word(to)}"))


# The management account


def _project(aws: Aws, names: Mapping[str, str | None]) -> Project:
    """Returns project.yaml's content: the names, and the management account as it is.

    Raises:
        StrataError: the caller is in no organization, or in a member account.
        UsageError: a name is not allowed.
    """
    caller = aws.caller()
    own = organization.describe(aws)
    if own is None:
        text = f"account {caller.account} is in no organization; strata init and strata bootstrap make one"
        raise StrataError(Message("no-organization", text, account=caller.account))
    if own["MasterAccountId"] != caller.account:
        text = (
            f"account {caller.account} is a member of the organization {own['Id']}; use a profile of its management "
            f"account {own['MasterAccountId']}, see --profile"
        )
        raise StrataError(Message("wrong-account", text, account=caller.account, expected=own["MasterAccountId"]))
    management = organization.describe_account(aws, caller.account)
    content: dict[str, Any] = {
        "name": names["name"],
        "short_name": names["short_name"],
        "management_account": {"id": management.id, "name": management.name, "email": management.email},
        "regions": {"primary": names["primary"], "secondary": names["secondary"]},
        "identity_center": {"region": region} if (region := names["identity_center_region"]) else {},
    }
    try:
        return Project.model_validate(content)
    except ValidationError as error:
        objections = []
        for objection in error.errors():
            name = ".".join(map(str, objection["loc"]))
            argument = _FLAGS.get(name, name)
            # Pydantic puts words of its own before those of a rule.
            text = f"{argument}: {objection.get('ctx', {}).get('error') or objection['msg']}"
            objections.append(Message("argument-malformed", text, option=argument, value=objection["input"]))
        raise UsageError(*objections) from error


_FLAGS = {
    "name": "--name",
    "short_name": "--short-name",
    "regions.primary": "--primary",
    "regions.secondary": "--secondary",
    "identity_center.region": "--identity-center-region",
}


# The configuration


def configuration(
    project: Project,
    inventory: Inventory,
    *,
    literal: bool = False,
) -> tuple[Description, dict[str, str]]:
    """Returns the description, and all files; the imports come from the configuration as it is read back.

    An entry that AWS took and the configuration does not is left where it is, with whatever names it.

    Raises:
        StrataError: the configuration does not give what is there; nothing is written then.
    """

    def attempt(refused: Mapping[str, Message]) -> Description:
        return describe(inventory, project, literal=literal, refused=refused)

    return until_accepted(attempt, lambda description: (description, _files(project, inventory, description)))


def _files(project: Project, inventory: Inventory, description: Description) -> dict[str, str]:
    contents: dict[str, Mapping[str, Any]] = {
        PROJECT: rendering.project(project),
        ORGANIZATION: {
            **description.organization,
            "policies": {**description.full_access, **description.organization["policies"]},
        },
        SECURITY: rendering.security(description),
        SSO: description.sso,
    }
    files = rendering.files(contents, description.documents)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def loaded(more: Mapping[str, str]) -> LandingZone:
            files.update(more)
            write_texts(folder, files)
            return load(folder)

        write_texts(folder, files)
        entries = accepted(folder)
        landing_zone = loaded(rendering.accepted(entries))
        if limits := exceeded(landing_zone):
            files |= rendering.files({PROJECT: rendering.project(project.model_copy(update={"limits": limits}))}, {})
        if set(landing_zone.grants) != set(description.grants):
            fault = "the rules would not give what is there; give --literal, and report this fault of Strata"
            raise StrataError(Message("fault-of-strata", fault))
        lines = import_ids(landing_zone, inventory, description.keys, description.security)
        landing_zone = loaded(rendering.files({IMPORTS: lines} if lines else {}, {}))
        more, apart = left(landing_zone, inventory)
        landing_zone = loaded(rendering.accepted([*entries, *more]))
        require(loaded(rendering.expectations(holding(landing_zone))))
    description.looks += [*apart, *direct_full_access(inventory, description), *rendering.looks_of(entries)]
    files[ADOPTION] = rendering.adoption(inventory, description)
    return files


def _facts(to: Path, description: Description, reading: InventoryReading, *, written: bool) -> dict[str, Any]:
    counts = {name: len(description.organization[name]) for name in ("accounts", "policies")}
    counts["assignments"] = len(description.grants)
    left_alone = [{**omission._asdict(), "id": omission.reason.id} for omission in description.left_alone]
    return {
        "folder": str(to),
        "written": written,
        "requests": dict(reading.requests),
        "described": counts,
        "left_alone": left_alone,
        "looks": list(description.looks),
    }
