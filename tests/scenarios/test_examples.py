"""The organizations of examples/ as they are at AWS: adopted, of which the plan imports all and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import InlinePolicy, ManagedPolicy
from strata.load import load
from tests.aws.client import CHECKOUT, Aws
from tests.organizations import (
    Organization,
    Thing,
    account,
    control,
    delegated,
    grant,
    group,
    permission_set,
    policy,
    policy_type,
    root_access,
    service,
    unit,
)
from tests.organizations.emulated import emulate
from tests.scenarios.site import STACKS, Provider, Site

pytestmark = pytest.mark.only("stand-in")

CONTROLS = ("ebs_encryption", "s3_public_access", "password_policy")
"""What the examples switch on of what adoption reads."""


@pytest.mark.parametrize("name", ["research", pytest.param("justice", marks=pytest.mark.large)])
def test_an_example_is_adopted_as_it_is(running_aws: Aws, provider: Provider, tmp_path: Path, name: str) -> None:
    zone = load(CHECKOUT / "examples" / name)
    site = _seeded(zone, running_aws, provider, tmp_path)

    assert _adopted(site, zone) == {"backend": {"create"}, **dict.fromkeys(STACKS[1:], IMPORT)}
    assert _facts(load(site.config)) == _facts(zone)


IMPORT = frozenset({"import"})


def _seeded(zone: LandingZone, aws: Aws, provider: Provider, folder: Path) -> Site:
    aws.restore()
    emulate(Organization(*_at_aws(zone), **_regions(zone), default_tags=False), aws)
    return Site(aws, provider, folder)


def _regions(zone: LandingZone) -> dict[str, str]:
    return {"primary": zone.project.regions.primary, "secondary": zone.project.regions.secondary}


def _adopted(site: Site, zone: LandingZone) -> dict[str, set[str]]:
    """Adopts everything, and returns what the first plan does, by stack."""
    names = {"name": zone.project.name, "short-name": zone.project.short_name, **_regions(zone)}
    words = [word for option, value in names.items() for word in (f"--{option}", value)]
    adopted = site.strata("adopt", "--to", str(site.config), *words, "--yes")
    assert adopted.code == 0, adopted.text
    planned = site.strata("plan", "--json", "--exit-code")
    assert planned.code == 3, planned.text
    return {stack: {*changes.values()} for stack, changes in planned.changing.items()}


def _at_aws(zone: LandingZone) -> Iterator[Any]:
    """Yields what somebody else made there: all that the example declares and adoption reads."""
    yield [service(name) for name in sorted(zone.trusted_services - {"sso.amazonaws.com"})]
    yield [policy_type(one) for one in zone.policy_types if one != "SERVICE_CONTROL_POLICY"]
    for one in zone.units.values():
        yield unit(one.key, one.name, within=one.keys[-2] if len(one.keys) > 1 else "root")
    yield from (_account(zone, key) for key in zone.members)
    for key, its in zone.policies.items():
        about = {"name": its.name, "type": str(its.type.value), "description": its.description}
        targets = [target.key for target in its.attachments]
        yield policy(key, *targets, document=its.document.text, **about)
    for principal, accounts in zone.delegated_administrators.items():
        yield [delegated(principal, key) for key in accounts]
    if zone.organization.member_root_access:
        yield root_access("RootCredentialsManagement", "RootSessions")
    yield [
        group(key, name=one.name, description=one.description, external=one.external)
        for key, one in zone.groups.items()
    ]
    for key, held in zone.permission_sets.items():
        inline = [one.document.text for one in held.policies if isinstance(one, InlinePolicy)]
        named = [one for one in held.policies if isinstance(one, ManagedPolicy)]
        yield permission_set(
            key,
            *(one.aws for one in named if one.aws),
            customer=tuple(f"{one.path}{one.customer}" for one in named if one.customer),
            inline="".join(inline),
            name=held.name,
            description=held.description,
            session=held.session_duration,
        )
    yield [grant(one.permission_set, one.principal, one.account) for one in zone.grants]
    settings = {key: getattr(zone.security, key) for key in CONTROLS}
    yield [control(key, **_parameters(its)) for key, its in settings.items() if its.mode == "on"]


def _facts(zone: LandingZone) -> dict[str, Any]:
    """Returns what the configuration means in AWS's names, whatever its keys are."""
    emails = {key: one.email for key, one in zone.members.items()} | {"management": "management"}
    paths = {"root": ()} | {one.key: tuple(zone.units[key].name for key in one.keys) for one in zone.units.values()}
    sets, groups = zone.permission_sets, zone.groups
    return {
        "units": {*paths.values()},
        "accounts": {one.email: (paths[one.unit], one.name, one.tags) for one in zone.members.values()},
        "policies": {
            (one.type, one.name): (
                json.loads(one.document.text),
                one.description,
                {(emails if target.kind == "account" else paths)[target.key] for target in one.attachments},
            )
            for one in zone.policies.values()
        },
        "services": zone.trusted_services,
        "administrators": {name: {emails[key] for key in its} for name, its in zone.delegated_administrators.items()},
        "groups": {one.name: (one.external, one.description) for one in groups.values()},
        "permission sets": {
            one.name: (one.description, one.session_duration, {_words(held) for held in one.policies})
            for one in sets.values()
        },
        "grants": {
            (emails[one.account], sets[one.permission_set].name, groups[one.principal].name) for one in zone.grants
        },
    }


def _words(held: Any) -> str:
    return json.dumps(json.loads(held.document.text)) if isinstance(held, InlinePolicy) else str(held)


def _account(zone: LandingZone, key: str) -> Thing:
    its = zone.members[key]
    return account(key, its.unit, name=its.name, email=its.email, tags=its.tags)


def _parameters(setting: Any) -> dict[str, Any]:
    return {name: getattr(setting, name) for name in setting.model_fields_set - {"mode"}}
