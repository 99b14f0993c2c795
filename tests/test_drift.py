"""`strata drift` tells what was made, changed or taken away outside from what waits for a deploy, and the way back."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from strata import printing
from strata.adoption.existing import Merged
from strata.adoption.live_ids import live_ids
from strata.adoption.record import RECORD
from strata.aws.access_manager import Entitlement
from strata.cli import app
from strata.commands.adopt import configuration
from strata.commands.adopt.chosen import Choice, _offered, chosen_of, kept, nothing_of, parsed
from strata.commands.adopt.existing import deployed as in_states
from strata.commands.adopt.existing import existing_at, with_unwritten, worse
from strata.commands.drift import _adopt, _to_copy, _told
from strata.config import IMPORTS
from strata.config.findings import DRIFT
from strata.config.limits import aws_limits
from strata.drift.comparison import (
    HIDDEN,
    Difference,
    Drift,
    How,
    changed_statements,
    compare,
    controls_of,
    things_by_name,
    written,
)
from strata.drift.facts import STACKS
from strata.drift.keeping import BY_HAND
from strata.drift.ways import Way, with_needed
from strata.errors import StrataError, UsageError
from strata.files.config_edit import write_texts
from strata.inventory.controls import recorded_controls
from strata.inventory.reading import CENTER, DELEGATIONS, ENTITLEMENTS, POLICIES, TAGS, TRUSTED_SERVICES
from strata.inventory.things import Attached, Inventory, PermissionSet
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from tests.scenarios.aws_cli import parse
from tests.test_describing import (
    DENY,
    INSTANCE,
    PROJECT_,
    ROOT,
    account,
    arn,
    grant,
    group,
    permission_set,
    policy,
    unit,
    user,
    uuid,
)
from tests.test_rerun import PROD, before

Json = dict[str, Any]
CUSTOMER = Attached("Billing", "/teams/")
ALLOW = DENY.replace("Deny", "Allow")


def changed(live: Inventory, **parts: Any) -> Inventory:
    """Returns an inventory with other parts, by their names in the organization, in Identity Center or beside them."""
    organization_, center = live.organization, live.center
    assert center
    of_organization = {name: one for name, one in parts.items() if hasattr(organization_, name)}
    of_center = {name: one for name, one in parts.items() if hasattr(center, name)}
    beside = {name: one for name, one in parts.items() if name not in {*of_organization, *of_center}}
    whole = replace(organization_, **of_organization)
    return replace(live, organization=whole, center=replace(center, **of_center), **beside)


@cache
def deployed() -> Inventory:
    """Returns what AWS has right after a deploy: something of every kind, with every attribute."""
    live = before()
    center = live.center
    assert center
    rich = permission_set("Rich", inline=DENY, boundary=CUSTOMER, customer_managed=(CUSTOMER,), tags={"team": "a"})
    rich = replace(rich, description="All of it.", session_duration="PT2H", relay_state="https://example.com/")
    own, first, *others = live.organization.accounts
    full, deny = live.organization.policies
    admins, *groups = center.groups
    return changed(
        live,
        accounts=(own, replace(first, tags={"cost": "1"}, name="shop one"), *others),
        policies=(full, replace(deny, description="Denies.")),
        trusted_services=(*live.organization.trusted_services, "cloudtrail.amazonaws.com"),
        users=(*center.users, user(3, "guest@idp.example.com", external=True)),
        groups=(replace(admins, description="Full."), *groups, group(19, "idp", external=True)),
        permission_sets=(*center.permission_sets, rich),
        attributes={"team": "${path:userName}"},
        assignments=center.assignments | {grant("Rich", 1, SHOP, "USER")},
    )


SHOP = "000000000003"


@cache
def _written() -> tuple[Any, dict[str, str]]:
    return configuration(PROJECT_, deployed())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of what was deployed."""
    path = tmp_path_factory.mktemp("drift")
    write_texts(path, _written()[1])
    return path


@pytest.fixture(scope="module")
def zone(folder: Path) -> LandingZone:
    """What it means."""
    return load(folder)


def states(inventory: Inventory, keys: Any = None) -> dict[str, Json]:
    """Returns the states that the deploy left, by stack."""
    keys = keys or _written()[0].keys
    return {
        "organizations": {"resources": [*_resources(_of_organization(inventory, keys))]},
        "sso": {"resources": [*_resources(_of_center(inventory, keys)), *_looked_up(inventory, keys)]},
    }


def _resources(found: Mapping[str, Json], mode: str = "managed") -> Any:
    for address, attributes in found.items():
        type, _, name = address.partition(".")
        yield {"mode": mode, "type": type, "name": name, "instances": [{"attributes": attributes}]}


def _looked_up(inventory: Inventory, keys: Any) -> Any:
    """Yields the data sources of whom an identity provider looks after."""
    center = inventory.center
    assert center
    users = {one.id: {"user_id": one.id, "user_name": one.user_name} for one in center.users if one.external}
    groups = {one.id: {"group_id": one.id, "display_name": one.name} for one in center.groups if one.external}
    for kind, some in (("user", users), ("group", groups)):
        named = {f"aws_identitystore_{kind}.{keys[kind][id]}": one for id, one in some.items() if id in keys[kind]}
        yield from _resources(named, "data")


def _of_organization(inventory: Inventory, keys: Any) -> dict[str, Json]:
    live = inventory.organization
    services, types = list(live.trusted_services), list(live.policy_types)
    found: dict[str, Json] = {
        "aws_organizations_organization.main": {
            "id": live.id,
            "aws_service_access_principals": services,
            "enabled_policy_types": types,
        }
    }
    for one in live.accounts:
        tags = {"tags": dict(one.tags), "tags_all": {"Project": "acme", **one.tags}}
        values = {"id": one.id, "name": one.name, "email": one.email, "parent_id": one.parent}
        found[f"aws_organizations_account.{keys['account'][one.id]}"] = {**values, **tags}
    for unit_ in live.units:
        address = f"aws_organizations_organizational_unit.{keys['ou'][unit_.id]}"
        found[address] = {"id": unit_.id, "name": unit_.name, "parent_id": unit_.parent}
    for own in (each for each in live.policies if not each.aws_managed):
        key = keys["policy"][own.id]
        values = {"id": own.id, "name": own.name, "type": own.type, "description": own.description}
        found[f"aws_organizations_policy.{key}"] = {**values, "content": own.content}
        for target in own.targets:
            place = "root" if target == ROOT else f"ou_{keys['ou'].get(target)}"
            place = f"account_{keys['account'][target]}" if target in keys["account"] else place
            found[f"aws_organizations_policy_attachment.{key}_{place}"] = {"id": f"{target}:{own.id}"}
    for service, ids in live.delegations.items():
        for id in ids:
            values = {"id": f"{id}/{service}", "account_id": id, "service_principal": service}
            found["aws_organizations_delegated_administrator.config"] = values
    return found


def _of_center(inventory: Inventory, keys: Any) -> dict[str, Json]:
    center = inventory.center
    assert center
    found: dict[str, Json] = {}
    for person in (one for one in center.users if not one.external):
        found[f"aws_identitystore_user.{keys['user'][person.id]}"] = {
            "id": f"{center.store}/{person.id}",
            "user_id": person.id,
            "user_name": person.user_name,
            "display_name": person.display_name,
            "name": [{"given_name": person.given_name, "family_name": person.family_name}],
            "emails": [{"value": person.emails[0]}],
        }
    for one in (each for each in center.groups if not each.external):
        key = keys["group"][one.id]
        values = {"group_id": one.id, "display_name": one.name, "description": one.description}
        found[f"aws_identitystore_group.{key}"] = {"id": f"{center.store}/{one.id}", **values}
        for member, id in one.members.items():
            values = {"id": f"{center.store}/{id}", "group_id": one.id, "member_id": member}
            found[f"aws_identitystore_group_membership.{key}_{keys['user'][member]}"] = values
    for set_ in center.permission_sets:
        found |= _of_set(set_, keys["permission-set"][set_.arn])
    for given in center.assignments:
        who = f"{given.principal_type.lower()}_{keys[given.principal_type.lower()][given.principal]}"
        where = f"{keys['account'][given.account]}_{keys['permission-set'][given.permission_set]}"
        found[f"aws_ssoadmin_account_assignment.{where}_{who}"] = {
            "id": "of no matter",
            "target_id": given.account,
            "permission_set_arn": given.permission_set,
            "principal_id": given.principal,
        }
    attributes = [{"key": key, "value": [{"source": [one]}]} for key, one in (center.attributes or {}).items()]
    found["aws_ssoadmin_instance_access_control_attributes.main"] = {"id": INSTANCE, "attribute": attributes}
    return found


def _of_set(one: PermissionSet, key: str) -> dict[str, Json]:
    whole = f"{one.arn},{INSTANCE}"
    names = ("name", "description", "session_duration", "relay_state")
    values = {name: getattr(one, name) or None for name in names}
    tags = {"tags": dict(one.tags), "tags_all": {"Project": "acme", **one.tags}}
    found: dict[str, Json] = {f"aws_ssoadmin_permission_set.{key}": {"id": whole, "arn": one.arn, **values, **tags}}
    for policy_arn in one.aws_managed:
        name = policy_arn.rpartition("/")[2]
        found[f"aws_ssoadmin_managed_policy_attachment.{key}_{name}"] = {"managed_policy_arn": policy_arn}
    for own in one.customer_managed:
        reference = [{"name": own.name, "path": own.path}]
        address = f"aws_ssoadmin_customer_managed_policy_attachment.{key}_{own.name}"
        found[address] = {"customer_managed_policy_reference": reference}
    if one.inline:
        found[f"aws_ssoadmin_permission_set_inline_policy.{key}"] = {"inline_policy": one.inline}
    if isinstance(one.boundary, Attached):
        reference = [{"name": one.boundary.name, "path": one.boundary.path}]
        boundary = [{"managed_policy_arn": None, "customer_managed_policy_reference": reference}]
        found[f"aws_ssoadmin_permissions_boundary_attachment.{key}"] = {"permissions_boundary": boundary}
    return found


def told(drift: Drift) -> list[str]:
    """Returns how each difference is told, of a thing that was made without what it lets people do."""
    return [
        f"{one.how.value.removesuffix('-outside')} {one.at.partition(': content is ')[0]}" for one in drift.differences
    ]


def compared(zone: LandingZone, live: Inventory) -> Drift:
    """Compares with what was deployed."""
    return compare(zone, states(deployed()), live)


def test_nothing_differs_right_after_a_deploy(zone: LandingZone) -> None:
    drift = compared(zone, deployed())

    assert told(drift) == []
    assert drift.unread == {}
    assert drift.waiting == ()


def _center() -> Any:
    found = deployed().center
    assert found
    return found


def _edited(things: tuple[Any, ...], at: int, **values: Any) -> tuple[Any, ...]:
    return tuple(replace(one, **values) if place == at else one for place, one in enumerate(things))


def cases() -> dict[str, tuple[Inventory, list[str], str]]:
    """Returns what AWS has after a change by hand, how it is told, and the first words of the way back."""
    live, center = deployed().organization, _center()
    accounts, policies, sets, groups, users = (
        live.accounts,
        live.policies,
        center.permission_sets,
        center.groups,
        center.users,
    )
    rich = next(place for place, one in enumerate(sets) if one.name == "Rich")
    given = next(one for one in center.assignments if one.principal_type == "USER")
    more = {"of_group": grant("Admin", 12, SHOP), "of_stranger": grant("Admin", 77, SHOP)}

    def with_set(**values: Any) -> Inventory:
        return changed(deployed(), permission_sets=_edited(sets, rich, **values))

    return {
        "account made": (
            changed(deployed(), accounts=(*accounts, account(9, name="rogue"))),
            ["made account rogue (000000000009)"],
            "unmanaged_accounts",
        ),
        "account gone": (
            changed(deployed(), accounts=accounts[:-1], assignments=_without_account(center, accounts[-1].id)),
            ["gone assignment Reader of group readers-of-it in a4", "gone account a4"],
            "aws organizations invite-account-to-organization",
        ),
        "account renamed": (
            changed(deployed(), accounts=_edited(accounts, 1, name="shop two")),
            ["changed account shop-one: name is shop two"],
            "deploy organizations",
        ),
        "account moved": (
            changed(deployed(), accounts=_edited(accounts, 1, parent=ROOT)),
            ["changed account shop-one: unit is root"],
            "deploy organizations",
        ),
        "account closed": (
            changed(deployed(), accounts=_edited(accounts, 2, state="SUSPENDED")),
            ["changed account a3: state is SUSPENDED"],
            "reopen it with AWS Support",
        ),
        "account address": (
            changed(deployed(), accounts=_edited(accounts, 2, email="new@example.com")),
            ["changed account a3: email is new@example.com"],
            "change it back at AWS",
        ),
        "account tags": (
            changed(deployed(), accounts=_edited(accounts, 1, tags={"cost": "2", "Project": "acme"})),
            ['changed account shop-one: tags is {"cost": "2"}'],
            "deploy organizations",
        ),
        "unit made": (
            changed(deployed(), units=(*live.units, unit(7, "Attic", PROD))),
            ["made organizational unit Attic (ou-abcd-00000007)"],
            "aws organizations delete-organizational-unit",
        ),
        "unit gone": (
            changed(deployed(), units=live.units[:1], accounts=tuple(replace(one, parent=ROOT) for one in accounts)),
            [
                *(f"changed account {key}: unit is root" for key in ("a3", "a4", "shop-one")),
                "gone organizational unit prod",
            ],
            "deploy organizations",
        ),
        "unit renamed": (
            changed(deployed(), units=_edited(live.units, 1, name="Production")),
            ["changed organizational unit prod: name is Production"],
            "deploy organizations",
        ),
        "policy made": (
            changed(deployed(), policies=(*policies, policy(8, PROD, name="by hand"))),
            ["made policy by hand (p-00000008)"],
            "aws organizations detach-policy",
        ),
        "policy gone": (
            changed(deployed(), policies=policies[:-1]),
            ["gone attachment policy-1 on unit workloads", "gone policy policy-1"],
            "deploy organizations",
        ),
        "policy document": (
            changed(deployed(), policies=_edited(policies, 1, content=ALLOW)),
            ["changed policy policy-1: document is sha256 8ac7809a1ea2"],
            "deploy organizations",
        ),
        "attachment made": (
            changed(deployed(), policies=_edited(policies, 1, targets=(*policies[1].targets, ROOT, SHOP))),
            ["made attachment policy-1 on account a3", "made attachment policy-1 on root"],
            "aws organizations detach-policy",
        ),
        "policy type made": (
            changed(deployed(), policy_types=(*live.policy_types, "TAG_POLICY")),
            ["made policy type TAG_POLICY"],
            "aws organizations disable-policy-type",
        ),
        "policy type gone": (
            changed(deployed(), policy_types=()),
            ["gone policy type SERVICE_CONTROL_POLICY"],
            "deploy organizations",
        ),
        "trusted service made": (
            changed(deployed(), trusted_services=(*live.trusted_services, "ssm.amazonaws.com")),
            ["made trusted service ssm.amazonaws.com"],
            "aws organizations disable-aws-service-access",
        ),
        "trusted service gone": (
            changed(deployed(), trusted_services=live.trusted_services[1:]),
            [f"gone trusted service {live.trusted_services[0]}"],
            "deploy organizations",
        ),
        "delegation made": (
            changed(deployed(), delegations={"config.amazonaws.com": ("000000000002", SHOP)}),
            ["made delegated administrator a3 of config.amazonaws.com"],
            "aws organizations deregister-delegated-administrator",
        ),
        "delegation gone": (
            changed(deployed(), delegations={}),
            ["gone delegated administrator shop-one of config.amazonaws.com"],
            "deploy organizations",
        ),
        "root access made": (
            changed(deployed(), root_features=frozenset({"RootSessions"})),
            ["made central root access RootSessions"],
            "aws iam disable-organizations-root-sessions",
        ),
        "user made": (
            changed(deployed(), users=(*users, user(9, "eve"))),
            [f"made user eve ({uuid(9)})"],
            "aws identitystore delete-user",
        ),
        "user gone": (
            changed(deployed(), users=tuple(one for one in users if one.id != uuid(2))),
            ["gone user bo"],
            "deploy sso",
        ),
        "user renamed": (
            changed(deployed(), users=_edited(users, 0, user_name="anna")),
            ["changed user ana: user_name is anna"],
            "aws identitystore update-user",
        ),
        "user's address": (
            changed(deployed(), users=_edited(users, 0, emails=("x@example.com",))),
            ["changed user ana: email is x@example.com"],
            "deploy sso",
        ),
        "group made": (
            changed(deployed(), groups=(*groups, group(15, "night", 1))),
            [f"made group night ({uuid(15)})"],
            "aws identitystore delete-group",
        ),
        "group gone, and what it had": (
            changed(
                deployed(),
                groups=groups[1:],
                assignments=center.assignments - {grant("Admin", 11)},
                orphans=frozenset({grant("Admin", 11)}),
            ),
            [
                "changed assignment Admin of group admins in management: principal is deleted",
                "gone membership user ana in group admins",
                "gone group admins",
            ],
            "deploy sso",
        ),
        "group made again": (
            changed(
                deployed(),
                groups=(replace(groups[0], id=uuid(16)), *groups[1:]),
                assignments=center.assignments - {grant("Admin", 11)} | {grant("Admin", 16)},
            ),
            [f"changed group admins: id is {uuid(16)}"],
            "aws identitystore delete-group",
        ),
        "group's description": (
            changed(deployed(), groups=_edited(groups, 0, description="Less.")),
            ["changed group admins: description is Less."],
            "deploy sso",
        ),
        "membership made": (
            changed(deployed(), groups=_edited(groups, 0, members={**groups[0].members, uuid(2): uuid(88)})),
            ["made membership user bo in group admins"],
            "aws identitystore delete-group-membership",
        ),
        "membership made again": (
            changed(deployed(), groups=_edited(groups, 0, members=dict.fromkeys(groups[0].members, uuid(89)))),
            [f"changed membership user ana in group admins: id is {uuid(89)}"],
            "aws identitystore delete-group-membership",
        ),
        "membership gone": (
            changed(deployed(), groups=_edited(groups, 0, members={})),
            ["gone membership user ana in group admins"],
            "deploy sso",
        ),
        "attribute made": (
            changed(deployed(), attributes={**(center.attributes or {}), "cost": "${path:name}"}),
            ["made attribute for access control cost"],
            "deploy sso",
        ),
        "attribute changed": (
            changed(deployed(), attributes={"team": "${path:name}"}),
            ["changed attribute for access control team: source is ${path:name}"],
            "deploy sso",
        ),
        "set made": (
            changed(deployed(), permission_sets=(*sets, permission_set("Back"))),
            [f"made permission set Back ({arn('Back').rpartition('/')[2]})"],
            "aws sso-admin delete-permission-set",
        ),
        "set gone": (
            changed(
                deployed(),
                permission_sets=tuple(one for one in sets if one.name != "Rich"),
                assignments=center.assignments - {given},
            ),
            [
                "gone assignment Rich of user ana in a3",
                "gone permissions boundary Rich",
                "gone inline policy Rich",
                "gone permission set policy /teams/Billing in Rich",
                "gone permission set policy AWS ReadOnlyAccess in Rich",
                "gone permission set Rich",
            ],
            "deploy sso",
        ),
        "set's length": (
            with_set(session_duration="PT12H"),
            ["changed permission set Rich: session_duration is PT12H"],
            "deploy sso",
        ),
        "set's tags": (
            with_set(tags={"Project": "acme"}),
            ["changed permission set Rich: tags is {}"],
            "deploy sso",
        ),
        "AWS policy made": (
            with_set(aws_managed=(*sets[rich].aws_managed, "arn:aws:iam::aws:policy/AdministratorAccess")),
            ["made permission set policy AWS AdministratorAccess in Rich"],
            "aws sso-admin detach-managed-policy-from-permission-set",
        ),
        "own policy made": (
            with_set(customer_managed=(CUSTOMER, Attached("More", "/"))),
            ["made permission set policy /More in Rich"],
            "aws sso-admin detach-customer-managed-policy-reference-from-permission-set",
        ),
        "own policy gone": (
            with_set(customer_managed=()),
            ["gone permission set policy /teams/Billing in Rich"],
            "deploy sso",
        ),
        "inline policy changed": (
            with_set(inline=ALLOW),
            ["changed inline policy Rich: document is sha256 8ac7809a1ea2"],
            "deploy sso",
        ),
        "inline policy made": (
            changed(deployed(), permission_sets=_edited(sets, 0, inline=ALLOW)),
            ["made inline policy Admin"],
            "aws sso-admin delete-inline-policy-from-permission-set",
        ),
        "boundary gone": (with_set(boundary=None), ["gone permissions boundary Rich"], "deploy sso"),
        "boundary changed": (
            with_set(boundary="arn:aws:iam::aws:policy/AdministratorAccess"),
            ["changed permissions boundary Rich: policy is AWS AdministratorAccess"],
            "deploy sso",
        ),
        "boundary made": (
            changed(deployed(), permission_sets=_edited(sets, 0, boundary=CUSTOMER)),
            ["made permissions boundary Admin"],
            "aws sso-admin delete-permissions-boundary-from-permission-set",
        ),
        "assignment made": (
            changed(deployed(), assignments=center.assignments | {more["of_group"]}),
            ["made assignment Admin of group readers-of-it in a3"],
            "aws sso-admin delete-account-assignment",
        ),
        "assignment gone": (
            changed(deployed(), assignments=center.assignments - {given}),
            ["gone assignment Rich of user ana in a3"],
            "deploy sso",
        ),
        "assignment of somebody deleted": (
            changed(deployed(), orphans=frozenset({more["of_stranger"]})),
            [f"made assignment Admin of group {uuid(77)} in a3"],
            "aws sso-admin delete-account-assignment",
        ),
        "assignment of an undeclared set": (
            changed(
                deployed(),
                permission_sets=(*sets, permission_set("Back")),
                assignments=center.assignments | {grant("Back", 1, SHOP, "USER")},
            ),
            [
                f"made assignment Back ({ps_of('Back')}) of user ana in a3",
                f"made permission set Back ({ps_of('Back')})",
            ],
            "aws sso-admin delete-permission-set",
        ),
        "entitlement": (
            changed(deployed(), entitlements=(Entitlement(uuid(1), "arn:aws:iam::000000000003:role/Ops", "app", "1"),)),
            ["made entitlement arn:aws:iam::000000000003:role/Ops of ana (1)"],
            "aws account-access delete-entitlement",
        ),
    }


def ps_of(name: str) -> str:
    return arn(name).rpartition("/")[2]


def _without_account(center: Any, id: str) -> Any:
    return frozenset(one for one in center.assignments if one.account != id)


def test_each_change_by_hand_is_told_with_its_way_back(zone: LandingZone) -> None:
    """One a kind and direction; each line of the AWS CLI is one that the AWS CLI takes."""
    wrong = {}
    for name, (live, expected, way) in cases().items():
        drift = compared(zone, live)
        last = drift.differences[-1].way if drift.differences else None
        ways = [f"deploy {' '.join(last.deploy)}", *last.undo, last.by_hand] if last else []
        if told(drift) != expected or not any(one.startswith(way) for one in ways) or drift.waiting:
            wrong[name] = told(drift), ways, drift.waiting
        for line in (text for one in drift.differences for text in one.way.undo):
            parse(shlex.split(line)[1:])
    assert wrong == {}


NOT_ADOPTED = {
    "account closed: state": "write retired: true into its entry, once it is closed for good",
    "assignment of somebody deleted": "nobody has it any more",
    "delegation made": "one account a service can be declared, and that is shop-one",
    "entitlement": "no configuration can declare an entitlement",
    "group gone, and what it had: principal": "nobody has it any more; take it out by hand, and deploy",
    "group made again: id": "the state has the one that was deleted, and no import replaces it",
    "membership made again: id": "the state has the one that was deleted, and no import replaces it",
    "policy type made": "declare a policy of this type, which switches the type on",
}
"""What is not gone and cannot be written, with what drift says of it."""
GONE = "take it out of the YAML by hand, and deploy"


def test_what_no_yaml_can_say_is_not_offered_to_adopt(zone: LandingZone) -> None:
    said = {}
    for name, (live, _, _) in cases().items():
        for one in compared(zone, live).differences:
            assert one.way.adopt is not bool(one.way.not_adopted)
            assert (one.way.not_adopted == GONE) is (one.how is How.GONE), one
            if one.way.not_adopted not in ("", GONE):
                said[f"{name}{f': {one.attribute}' if one.attribute else ''}"] = one.way.not_adopted
    assert said == NOT_ADOPTED


def adopted(
    folder: Path, live: Inventory, *chosen: Difference, was: Mapping[str, Json] | None = None, **more: Any
) -> Merged:
    """Returns the configuration with some differences written."""
    was = was or states(deployed())
    existing = existing_at(folder, load(folder), live.organization.id, *in_states(was))
    return kept(existing, was, live, chosen, **more)


@pytest.mark.e2e  # a minute: each is read, written and compared again
def test_each_difference_is_adopted_alone(zone: LandingZone, folder: Path) -> None:
    """Each by itself: it differs no longer, every other difference does, and nothing else is written."""
    wrong = {}
    for name, (live, _, _) in cases().items():
        before = compared(zone, live).differences
        for one in (each for each in before if each.way.adopt):
            merged = adopted(folder, live, one)
            after = compare(merged.landing_zone, states(deployed()), live).differences
            left = [each.at.partition(" (")[0] for each in before if each is not one and each.how is not How.MADE]
            told_after = [each.at.partition(" (")[0] for each in after if each.how is not How.MADE]
            lines = set(merged.landing_zone.imports) - set(zone.imports)
            known = all((each.partition(".")[0], id) in live_ids(live) for each, id in _imports(merged, lines))
            if one.at in [each.at for each in after] or told_after != left or not known or RECORD in merged.files:
                wrong[name, one.at] = told_after, left, lines
    assert wrong == {}


def _imports(merged: Merged, lines: set[str]) -> list[tuple[str, str]]:
    imports = merged.landing_zone.imports
    return [(one, imports[one]) for one in sorted(lines) if "aws_iam_organizations_features" not in one]


def test_several_differences_are_adopted_at_once(zone: LandingZone, folder: Path) -> None:
    live, center = deployed().organization, _center()
    rich = next(place for place, one in enumerate(center.permission_sets) if one.name == "Rich")
    policies = (*center.permission_sets[rich].aws_managed, "arn:aws:iam::aws:policy/AdministratorAccess")
    sets = _edited(center.permission_sets, rich, aws_managed=policies, inline=ALLOW, tags={}, boundary=None)
    by_hand = changed(
        deployed(),
        accounts=_edited(live.accounts, 1, parent=unit(7, "Attic").id, tags={"cost": "2", "a b": "c:d"}),
        units=(*live.units, unit(7, "Attic", PROD)),
        policies=_edited(live.policies, 1, content=ALLOW, targets=(*live.policies[1].targets, ROOT)),
        root_features=frozenset({"RootSessions"}),
        permission_sets=_edited(sets, 0, inline=DENY, boundary=CUSTOMER),
        users=_edited(center.users, 0, emails=("x@example.com",)),
    )
    before = compared(zone, by_hand).differences

    merged = adopted(folder, by_hand, *(one for one in before if one.way.adopt))

    here = merged.landing_zone
    assert len([one for one in before if one.way.adopt]) == 12
    assert told(compare(here, states(deployed()), by_hand)) == ["gone permissions boundary Rich"]
    assert (here.accounts["shop-one"].unit, here.accounts["shop-one"].tags) == ("attic", {"cost": "2", "a b": "c:d"})
    assert (here.users["ana"].email, here.users["ana"].sign_in_name) == ("x@example.com", "ana@example.com")
    root_access = here.organization.member_root_access
    assert root_access
    assert (root_access.sessions, root_access.credentials_management) == (True, False)
    assert {one.partition(".")[0] for one in set(here.imports) - set(zone.imports)} == {
        "aws_iam_organizations_features",
        "aws_organizations_policy_attachment",
        "aws_ssoadmin_managed_policy_attachment",
        "aws_ssoadmin_permission_set_inline_policy",
        "aws_ssoadmin_permissions_boundary_attachment",
    }


def test_what_a_thing_needs_comes_with_it(zone: LandingZone, folder: Path) -> None:
    """The account of an assignment with the units above it, its set and its group with the members; no other news."""
    center, live = _center(), deployed().organization
    attic, box = unit(7, "Attic", PROD), unit(8, "Box")
    below = replace(box, parent=attic.id)
    new = changed(
        deployed(),
        units=(*live.units, attic, below, unit(9, "Other")),
        accounts=(*live.accounts, account(9, name="rogue", parent=below.id), account(8, name="other")),
        users=(*center.users, user(9, "eve"), user(8, "mallory")),
        groups=(
            replace(center.groups[0], members={**center.groups[0].members, uuid(2): uuid(88)}),
            *center.groups[1:],
            group(15, "night", 9),
            group(16, "noon", 8),
        ),
        policies=_edited(live.policies, 1, targets=(*live.policies[1].targets, ROOT)),
        trusted_services=(*live.trusted_services, "ssm.amazonaws.com"),
        delegations={**live.delegations, "ssm.amazonaws.com": (SHOP,)},
        attributes={**(center.attributes or {}), "cost": "${path:name}"},
        permission_sets=(*center.permission_sets, permission_set("Back"), permission_set("Front")),
        assignments=center.assignments | {grant("Back", 15, account(9).id), grant("Front", 16, account(8).id)},
    )
    (one,) = (
        each for each in compared(zone, new).differences if each.name.startswith("Back (") and each.kind == "assignment"
    )

    merged = adopted(folder, new, one)

    here = merged.landing_zone
    assert sorted(merged.since.added) == [
        "1 assignment in 1 rule",
        "account rogue",
        "group night",
        "organizational unit attic",
        "organizational unit box",
        "permission set Back",
        "user eve",
    ]
    assert here.units["box"].parent == "attic"
    assert here.accounts["rogue"].unit == "box"
    assert here.groups["night"].members == ("eve",)
    assert {("rogue", "Back", "night")} == {(g.account, g.permission_set, g.principal) for g in here.grants} - {
        (g.account, g.permission_set, g.principal) for g in zone.grants if g.account != "rogue"
    } - {(g.account, g.permission_set, g.principal) for g in here.grants if g.permission_set == "Reader"}
    assert not {"other", "mallory", "noon", "Front"} & {*here.units, *here.accounts, *here.users, *here.groups}
    assert "Front" not in here.permission_sets


def test_what_cannot_be_written_is_one_error_with_the_reason(zone: LandingZone, folder: Path) -> None:
    odd = replace(user(9, "eve"), emails=(), given_name="")
    center = _center()
    more = changed(
        deployed(),
        permission_sets=(*center.permission_sets, replace(permission_set("Back"), inline='{"a": "{{x}}"}')),
        users=(*center.users, odd),
        assignments=center.assignments | {grant("Back", 12, SHOP)},
    )
    (one,) = (each for each in compared(zone, more).differences if each.kind == "assignment")

    with pytest.raises(StrataError) as refused:
        adopted(folder, more, one)

    assert [str(each) for each in refused.value.args] == [
        f"assignment 'Back ({ps_of('Back')}) of group readers-of-it in a3': the configuration cannot have it",
        "permission set Back: its inline policy contains {{, which stands for a value here",
        "assignment Back of Readers of it in 1 account: the permission set is not described",
    ]


def test_what_adopt_would_refuse_has_the_reason_instead_of_the_line(zone: LandingZone, folder: Path) -> None:
    live, center = deployed().organization, _center()
    bad = {"emails": (), "given_name": ""}
    more = changed(
        deployed(),
        units=(*_edited(live.units, 0, name="x\ny"), unit(8, "a\nb")),
        accounts=(*live.accounts, account(9, name="inside", parent=unit(8, "").id)),
        policies=(*live.policies, policy(9, name="empty", content='{"Version": "2012-10-17"}')),
        users=(*_edited(center.users, 0, emails=()), user(9, "eve", **bad), user(8, "joe", **bad)),
        groups=(*_edited(center.groups, 0, description="a\u200bb"), group(15, "night", 9)),
        permission_sets=(*center.permission_sets, permission_set("Odd", inline='{"a": "{{x}}"}')),
        assignments=center.assignments | {grant("Odd", 12, SHOP)},
    )

    differences = compared(zone, more).differences
    found = {one.at.partition(" (")[0]: one.way.not_adopted for one in differences}

    assert found == {
        "account inside": r"organizational unit 'a\nb': 'a\nb' is not a name: visible text; rename it at AWS first",
        "assignment Odd": "permission set 'Odd': its inline policy contains {{, which stands for a value here",
        r"group admins: description is a\u200bb": (
            r"'a\u200bb' has the character U+200B (zero width space), which is not visible text"
        ),
        "group night": "",
        "organizational unit a\nb": r"'a\nb' is not a name: visible text; rename it at AWS first",
        "organizational unit workloads: name is x\ny": r"'x\ny' is not a name: visible text",
        "permission set Odd": "its inline policy contains {{, which stands for a value here",
        "policy empty": "its document: has no Statement",
        "user ana: email is ": "AWS has none, and one has to be written",
        "user eve": "",
        "user joe": "it has no name or not exactly one e-mail address that can be written here, and nothing names it",
    }
    both = adopted(folder, more, *(one for one in differences if one.way.adopt))
    assert both.since.added == ["user eve", "group night"]


def test_things_of_one_name_have_each_its_own_reason(zone: LandingZone) -> None:
    """Names of policies are unique within a type alone."""
    braces = policy(8, name="twin", content='{"Version": "2012-10-17", "a": "{{x}}"}')
    off = policy(9, name="twin", type="BACKUP_POLICY", content="{}")
    live = changed(deployed(), policies=(*deployed().organization.policies, braces, off))

    assert {one.name: one.way.not_adopted for one in compared(zone, live).differences} == {
        f"twin ({braces.id})": "its document contains {{, which stands for a value in a policy file",
        f"twin ({off.id})": "the policy type BACKUP_POLICY is off, and Strata would switch it on",
    }


@pytest.mark.parametrize(
    ("names", "words"),
    [(("a\nb", "c"), "is not a name"), (("Twin", "TWIN"), "differs from the name of a unit beside it in case alone")],
)
def test_the_name_of_a_unit_hinders_only_what_needs_the_unit(
    zone: LandingZone, folder: Path, names: tuple[str, str], words: str
) -> None:
    live = deployed().organization
    more = changed(
        deployed(),
        units=(
            *live.units,
            unit(8, names[0]),
            unit(9, names[1], PROD),
            replace(unit(9, names[1]), id="ou-abcd-00000010"),
        ),
        accounts=(*live.accounts, account(9, name="inside", parent=unit(8, "").id)),
        users=(*_center().users, user(9, "eve")),
    )
    found = {one.name.partition(" (")[0]: one for one in compared(zone, more).differences}

    merged = adopted(folder, more, found["eve"])

    assert merged.since.added == ["user eve"]
    assert merged.landing_zone.units.keys() == zone.units.keys()
    for one in (found["inside"], found[names[0]]):
        with pytest.raises(StrataError, match=f"(?s)organizational unit {unit(8, '').id} .*{words}"):
            adopted(folder, more, one)


def test_a_chosen_thing_is_written_though_somebody_took_it_out(edited: Edited) -> None:
    """The record says so; whoever names it means it."""
    write_new_record = edited.path / RECORD
    assert write_new_record.is_file()
    edited.edit("sso.yaml", "access_control_attributes:\n  team: ${path:userName}\n", "")
    was = states(deployed())
    was["sso"]["resources"] = [one for one in was["sso"]["resources"] if "access_control" not in one["type"]]
    here = load(edited.path)
    (one,) = compare(here, was, deployed()).differences

    existing = existing_at(edited.path, here, deployed().organization.id, *in_states(was))
    merged = kept(existing, was, deployed(), [one])

    assert merged.since.added == ["attribute for access control team"]
    assert merged.landing_zone.sso.access_control_attributes == {"team": "${path:userName}"}


def test_what_is_put_into_a_set_that_is_declared_no_longer_cannot_be_adopted(edited: Edited) -> None:
    sso = yaml.safe_load((edited.path / "sso.yaml").read_text())
    del sso["permission_sets"]["Rich"], sso["assignments"][2]
    (edited.path / "sso.yaml").write_text(yaml.safe_dump(sso))
    rich = next(place for place, one in enumerate(_center().permission_sets) if one.name == "Rich")
    more = (*_center().permission_sets[rich].aws_managed, "arn:aws:iam::aws:policy/AdministratorAccess")
    live = changed(deployed(), permission_sets=_edited(_center().permission_sets, rich, aws_managed=more))

    (one,) = edited.compared(live).differences

    assert one.way.not_adopted == "its permission set is declared no longer"


def test_a_document_with_placeholders_is_not_overwritten(edited: Edited) -> None:
    edited.edit("policies/policy-1.json", '"Resource": "*"', '"Resource": "{{state_bucket_arn}}"')
    policies = _edited(deployed().organization.policies, 1, content=ALLOW)

    (one,) = edited.compared(changed(deployed(), policies=policies)).differences

    assert "has placeholders" in one.way.not_adopted


def test_the_length_of_a_password_is_adopted_and_what_strata_leaves_no_choice_of_is_not(edited: Edited) -> None:
    (edited.path / "security.yaml").write_text("password_policy: {mode: on}\n")
    control = load(edited.path).security.settings["password_policy"]
    held = {"aws_iam_account_password_policy.main": control.values}
    was = {**states(deployed()), "security": {"resources": [*_resources(held)]}}
    now = {**control.values, "minimum_password_length": 20, "require_numbers": False}
    live = replace(deployed(), settings={"password_policy": {"": now}})

    both = {one.attribute: one for one in edited.compared(live, was).differences}
    existing = existing_at(edited.path, load(edited.path), live.organization.id, *in_states(was))
    merged = kept(existing, was, live, [both["minimum_password_length"]])

    assert merged.files["security.yaml"] == "password_policy: {mode: on, minimum_length: 20}\n"
    assert "mode: unmanaged" in both["require_numbers"].way.not_adopted


NASTY = "a 'b' \"c\"/d $(e) `f` \\g h:i\u00e9\n-j"


def test_each_line_of_keep_is_read_back_by_the_parser_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell and the command line make of it the very kind and name, whatever somebody called a thing."""
    options = Options(Path("my config"), profile="acme root")
    wanted = [(kind, name) for kind in STACKS for name in (NASTY, "eve (0001)", "-x", "##[add-mask]x")]
    with printing.guarded():
        for kind, name in wanted:
            printing.document(_to_copy(options, _adopt(options, Difference(How.MADE, kind, name, Way(adopt=True)))))
    lines = capsys.readouterr().out.splitlines()
    script = "strata() { printf '%s\\0' \"$@\"; printf '\\1\\0'; }\n" + "\n".join(lines)
    (tmp_path / "typed").write_text(script)

    said = subprocess.run(["bash", str(tmp_path / "typed")], capture_output=True, check=True).stdout.decode()

    read = [one.split("\0")[:-1] for one in said.split("\x01\0")[:-1]]
    assert len(read) == len(wanted)
    command = typer.main.get_command(app)
    adopt_command = command.commands["adopt"]  # type: ignore[attr-defined]
    contexts = [adopt_command.make_context("adopt", words[1:]) for words in read]
    assert [parsed(one.params["things"]) for one in contexts] == [[one] for one in wanted]
    assert {str(one.params["config"]) for one in contexts} == {"my config"}


def test_a_line_to_copy_is_whole_or_says_where_it_is(zone: LandingZone, capsys: pytest.CaptureFixture[str]) -> None:
    """Its middle is never cut out."""
    options = Options(Path("my config"), profile="acme")
    elsewhere, meant = [], []
    for name in ("ab" * 300, "\u200b" * 200, "\u200b##[" * 100):
        drift = compared(zone, changed(deployed(), groups=(*_center().groups, group(15, name))))
        with printing.guarded():
            for line in (one for one in _told(options, zone, drift, ()) if one.startswith("  ")):
                printing.document(_to_copy(options, line))
        *ways, entry = capsys.readouterr().out.splitlines()
        elsewhere += [one for one in ways if "--json" in one]
        meant.append(yaml.safe_load(f"{{{entry.partition(', ')[2]}}}")["at"] == drift.differences[0].at)
        assert not any(" ... " in one for one in ways)
    assert elsewhere == [
        f"  keep:  it has {count} characters, too many for a line; "
        "strata drift --json --config 'my config' --profile acme has it"
        for count in ("2,506", "2,206")
    ]
    assert meant == [True, True, True]


UNSEEN = (
    "\u202egnp",
    "a\u00adb\u200b",
    "Jose\u0301",
    "\U000e0041",
    "x\u3164",
    r"\u202egnp",
    r"\\u202egnp",
    "a\\\u200b",
)
"""Names with what nobody sees or Terraform writes otherwise, and ones that are spelled as the place of such a name."""


def test_an_entry_names_what_has_a_character_that_nobody_sees(
    edited: Edited, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the printed line; another value that is spelled so is not accepted along with it."""
    here, groups = load(edited.path), _center().groups
    made = [group(40 + number, name) for number, name in enumerate(UNSEEN)]
    lives = [changed(deployed(), groups=(*groups, *made))]
    lives += [changed(deployed(), groups=_edited(groups, 0, description=f"All {name}")) for name in UNSEEN]
    drifts = [compare(here, states(deployed()), live) for live in lives]
    differences = [one for drift in drifts for one in drift.differences]
    with printing.guarded():
        for line in (one for drift in drifts for one in _told(Options(edited.path), here, drift, ())):
            if line.startswith("  meant: "):
                printing.document(_to_copy(Options(edited.path), line))
    entries = [one.removeprefix("  meant: accepted.yaml, ") for one in capsys.readouterr().out.splitlines()]
    assert len(entries) == len(differences) == 2 * len(UNSEEN)
    assert all(one.isascii() and one.isprintable() for one in entries)

    (edited.path / "accepted.yaml").write_text("".join(f"- {{{one}, reason: it is meant}}\n" for one in entries))
    accepted = [(one.finding, one.at) for one in load(edited.path).accepted]
    for number, one in enumerate(differences):
        assert [one.is_meant({entry}) for entry in accepted] == [other == number for other in range(len(accepted))]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--to", "x"], "KIND:NAME is about the configuration, see --config; it takes no --to"),
        (["--name", "x"], "it takes no --name"),
        (["--prune"], "it takes no --prune"),
        ([], "nobody can be asked here; look at what would be written with --dry-run, then give --yes"),
        (["--yes"], "'usr' is no kind, did you mean 'user'?"),
    ],
)
def test_what_does_not_go_together_is_refused_before_aws_is_asked(more: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["adopt", "usr:ana", *more])

    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_a_line_still_holds_after_another_one_was_followed(zone: LandingZone, folder: Path) -> None:
    """What an assignment names gets a key by the line of the group; what came along differs no longer."""
    center = _center()
    by_hand = changed(
        deployed(),
        groups=(*center.groups, group(15, "night", 1)),
        assignments=center.assignments | {grant("Admin", 15, SHOP)},
    )
    assignment, new = compared(zone, by_hand).differences
    then = adopted(folder, by_hand, new).landing_zone
    was = states(deployed())
    later, things = compare(then, was, by_hand), things_by_name(then, was, by_hand)

    assert [one.name for one in chosen_of(later.differences, [("assignment", assignment.name)], things)] == [
        "Admin of group night in a3"
    ]
    wanted = [("group", new.name), ("user", "ana")]
    assert chosen_of(later.differences, wanted, things) == []
    assert [*nothing_of(wanted, later, things)] == [
        f"group {new.name!r} waits for strata deploy",
        "user 'ana' is as declared",
    ]
    with pytest.raises(StrataError, match="nothing differs there"):
        chosen_of(later.differences, [("user", "nobody")], things)


def test_an_unknown_kind_or_name_is_told_with_what_is_near(zone: LandingZone) -> None:
    with pytest.raises(UsageError) as refused:
        parsed(["user:ana", "usr:bo", "permision set:x", "nothing", "group:"])
    assert [str(one) for one in refused.value.args] == [
        "'usr' is no kind, did you mean 'user'?",
        "'permision set' is no kind, did you mean 'permission-set'?",
        "'nothing' is not KIND:NAME, as strata drift prints it",
        "'group:' is not KIND:NAME, as strata drift prints it",
    ]
    users = (*_center().users, user(9, "eve"))
    found = compared(zone, changed(deployed(), users=users[1:])).differences
    with pytest.raises(StrataError) as unknown:
        chosen_of(
            found,
            [("user", f"evy ({uuid(9)})"), ("user", "eve"), ("group", "admins"), ("user", "ana"), ("user", NASTY)],
        )
    assert [str(one).partition(" says")[0] for one in unknown.value.args] == [
        f"user 'evy ({uuid(9)})': nothing differs there, did you mean 'eve ({uuid(9)})'?",
        f"user 'eve': nothing differs there, did you mean 'eve ({uuid(9)})'?",
        "group 'admins': nothing differs there; strata drift",
        f"user 'ana': AWS has it no more; {GONE}",
        f"user {NASTY!r}: nothing differs there; strata drift",
    ]


def test_every_kind_is_in_the_table() -> None:
    met = {
        kind
        for _, expected, _ in cases().values()
        for text in expected
        for kind in STACKS
        if text.partition(" ")[2].startswith(f"{kind} ")
    }
    assert met == STACKS.keys() - {"setting", "control"}, "these have tests of their own"


class Edited:
    """A copy of the configuration that was deployed, with edits that were not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        write_texts(path, {name: text for name, text in _written()[1].items() if name != IMPORTS})

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert text.count(old) == 1, text
        (self.path / name).write_text(text.replace(old, new))

    def compared(self, live: Inventory, was: Mapping[str, Json] | None = None, **more: Any) -> Drift:
        return compare(load(self.path), was or states(deployed()), live, **more)


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    return Edited(tmp_path)


def test_an_edit_that_is_not_deployed_is_no_drift(edited: Edited) -> None:
    edited.edit("sso.yaml", "description: Full.", "description: Everything.")
    edited.edit("organization.yaml", "description: Denies.", "description: Forbids.")
    edited.edit("sso.yaml", "session_duration: PT2H", "session_duration: PT4H")

    drift = edited.compared(deployed())

    assert told(drift) == []
    assert drift.waiting == ("permission set Rich", "group admins", "policy policy-1")


def test_what_the_configuration_does_not_write_may_be_anything(zone: LandingZone) -> None:
    """A deploy leaves it as it is at AWS, so nothing would put it back."""
    sets = tuple(replace(one, relay_state="https://example.org/") for one in _center().permission_sets)
    accounts = _edited(deployed().organization.accounts, 2, tags={"a": "b"})

    assert told(compared(zone, changed(deployed(), permission_sets=sets, accounts=accounts))) == []


def test_how_long_access_lasts_is_told_though_no_deploy_puts_it_back(edited: Edited) -> None:
    """Also where a deploy noted it in the state. The default at AWS is no difference, whatever the state says."""
    edited.edit("sso.yaml", "    session_duration: PT2H\n", "")
    by_length = {length: _with_session(length) for length in ("PT1H", "PT2H", "PT12H")}
    found = {
        (live, was): [
            (one.at, one.before, one.here)
            for one in edited.compared(by_length[live], states(by_length[was])).differences
        ]
        for live in by_length
        for was in by_length
    }

    at = "permission set Rich: session_duration is "
    assert found == {
        (live, was): [] if live == "PT1H" else [(f"{at}{live}", was, "PT1H")] for live in by_length for was in by_length
    }
    drift = edited.compared(by_length["PT12H"], states(by_length["PT12H"]))
    assert (drift.waiting, edited.compared(by_length["PT1H"]).waiting) == ((), ())
    assert list(_told(Options(Path("config")), load(edited.path), drift, ())) == [
        "config/sso.yaml:35: changed outside: permission set Rich: session_duration is 'PT12H' at AWS, 'PT1H' by "
        "default",
        "  back:  write session_duration: PT1H at permission_sets.Rich in sso.yaml, and deploy sso",
        "  keep:  strata adopt permission-set:Rich",
        '  meant: accepted.yaml, finding: changed-outside, at: "permission set Rich: session_duration is PT12H"',
        "1 difference",
    ]


def test_a_session_length_that_counts_by_default_goes_back_and_stays_by_what_is_said(edited: Edited) -> None:
    edited.edit("sso.yaml", "    session_duration: PT2H\n", "")
    live = _with_session("PT12H")
    (one,) = edited.compared(live, states(live)).differences

    kept_ = adopted(edited.path, live, one, was=states(live)).landing_zone
    assert kept_.permission_sets["Rich"].session_duration == "PT12H"
    assert told(compare(kept_, states(live), live)) == []

    edited.edit(
        "sso.yaml", "    description: All of it.\n", "    description: All of it.\n    session_duration: PT1H\n"
    )
    back = edited.compared(live, states(live))
    assert (told(back), back.waiting) == ([], ("permission set Rich",))


def _with_session(length: str) -> Inventory:
    sets = (replace(one, session_duration=length) if one.name == "Rich" else one for one in _center().permission_sets)
    return changed(deployed(), permission_sets=tuple(sets))


def test_what_somebody_does_by_hand_as_an_edit_says_is_no_drift(edited: Edited) -> None:
    edited.edit("sso.yaml", "description: Full.", "description: Everything.")
    groups = _center().groups

    drift = edited.compared(changed(deployed(), groups=_edited(groups, 0, description="Everything.")))

    assert (told(drift), drift.waiting) == ([], ())


def test_a_third_value_is_drift_with_all_three(edited: Edited) -> None:
    edited.edit("sso.yaml", "description: Full.", "description: Everything.")

    drift = edited.compared(changed(deployed(), groups=_edited(_center().groups, 0, description="Less.")))

    (one,) = drift.differences
    assert (one.at_aws, one.before, one.here) == ("Less.", "Full.", "Everything.")
    assert one.place.startswith("sso.yaml:")
    assert drift.waiting == ()


def test_an_entry_of_the_yaml_that_waits_to_be_made_or_deleted_is_no_drift(edited: Edited) -> None:
    was = states(deployed())
    for stack in was.values():
        stack["resources"] = [one for one in stack["resources"] if one["name"] not in ("Rich", "admins")]
    drift = edited.compared(deployed(), was)
    assert told(drift) == []
    assert {"permission set Rich", "group admins"} <= set(drift.waiting)

    edited.edit("organization.yaml", "delegated_administrators:\n  config.amazonaws.com: shop-one\n", "")
    assert edited.compared(deployed()).waiting == ("delegated administrator shop-one of config.amazonaws.com",)


def test_what_is_left_to_others_is_no_drift(edited: Edited) -> None:
    """Unmanaged and closed accounts, AWS's policies, an identity provider's people, and layers of one's own."""
    edited.edit("organization.yaml", "disable_services:", "unmanaged_accounts: [a9@example.com]\ndisable_services:")
    live, center = deployed().organization, _center()
    theirs = changed(
        deployed(),
        accounts=(*live.accounts, account(9), account(8, state="SUSPENDED")),
        policies=(*live.policies, policy(5, PROD), replace(policy(6, PROD), aws_managed=True)),
        users=(*center.users, user(30, "x@idp", external=True)),
        groups=(*center.groups, group(31, "idp-too", external=True), group(32, "layered", 1)),
    )
    layer = {
        "aws_organizations_policy.deny": {"id": "p-00000005"},
        "aws_identitystore_group.layered": {"id": f"{center.store}/{uuid(32)}"},
    }
    was = {**states(deployed()), "network": {"resources": [*_resources(layer)]}}

    assert told(edited.compared(theirs, was)) == []
    assert len(told(edited.compared(theirs))) == 2


def test_what_control_tower_looks_after_is_no_drift(zone: LandingZone) -> None:
    live, center = deployed().organization, _center()
    set_ = permission_set("AWSReadOnlyAccess")
    parts = {
        "policies": (*live.policies, policy(5, PROD, name="aws-guardrails-abc")),
        "permission_sets": (*center.permission_sets, set_),
        "groups": (*center.groups, group(31, "AWSSecurityAuditors")),
        "assignments": center.assignments | {grant("AWSReadOnlyAccess", 31)},
    }
    tower = "controltower.amazonaws.com"

    with_tower = compared(zone, changed(deployed(), trusted_services=(*live.trusted_services, tower), **parts))

    assert told(with_tower) == [f"made trusted service {tower}"]
    assert len(told(compared(zone, changed(deployed(), **parts)))) == 4


def test_a_key_that_changed_is_found_under_the_new_one(edited: Edited) -> None:
    text = (edited.path / "sso.yaml").read_text().replace("admins", "chiefs")
    (edited.path / "sso.yaml").write_text(text.replace("  chiefs:\n", "  chiefs:\n    name: admins\n", 1))
    (edited.path / "moves.yaml").write_text("- {kind: group, from: admins, to: chiefs}\n")

    assert told(edited.compared(deployed())) == []
    gone = changed(deployed(), groups=_edited(_center().groups, 0, members={}))
    assert told(edited.compared(gone)) == ["gone membership user ana in group chiefs"]


def test_an_entry_accepts_one_difference_at_one_place(zone: LandingZone) -> None:
    groups = _center().groups
    one = changed(deployed(), groups=_edited(groups, 0, description="Less."))
    (found,) = compared(zone, one).differences
    accepted = {(found.how.value, found.at)}
    assert found.how.value in DRIFT

    silenced = compare(zone, states(deployed()), one, accepted)
    assert (silenced.differences, silenced.accepted) == ((), (found,))
    later = changed(deployed(), groups=_edited(groups, 0, description="Least."))
    assert told(compare(zone, states(deployed()), later, accepted)) == ["changed group admins: description is Least."]


def test_a_text_that_looks_like_a_hash_is_not_accepted_in_its_place(zone: LandingZone) -> None:
    """Nor is one that looks like such a text in quotes; an entry of the hash stays good."""
    values = ["Long. " * 30]
    for _ in range(4):
        groups = _edited(_center().groups, 0, description=values[-1])
        (found,) = compared(zone, changed(deployed(), groups=groups)).differences
        values.append(found.at_aws)

    assert re.fullmatch("sha256 [0-9a-f]{12}", values[1])
    assert len({*values}) == len(values)
    assert written("Sha256 x") == "Sha256 x"


def test_a_change_is_not_called_done_before_it_is(
    edited: Edited, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a full disk nothing was."""
    live = changed(deployed(), groups=(*_center().groups, group(15, "night")))
    (new,) = edited.compared(live).differences
    existing = existing_at(edited.path, load(edited.path), live.organization.id, *in_states(states(deployed())))
    merged = kept(existing, states(deployed()), live, [new])
    offer = existing, merged.files, merged, Choice([], yes=True)

    with monkeypatch.context() as patch:
        patch.setattr("strata.commands.adopt.mending.write", _full)
        with pytest.raises(StrataError, match="No space"):
            _offered(Options(edited.path), *offer)
    before = capsys.readouterr()
    done = _offered(Options(edited.path), *offer)

    assert "new at AWS, to be written:\n  group night" in before.out
    assert "written" not in f"{before.out}{before.err}".replace("to be written", "")
    assert done == (0, True)
    assert f"written to {edited.path}; strata plan" in capsys.readouterr().err


EXPECTED = """
- {id: closed, reason: It is., denied: s3:GetObject, in: root}
- {id: broken, reason: It is not., denied: ec2:RunInstances, in: root}
- {id: works, reason: It does., allowed: ec2:DescribeVpcs, as: role/OrganizationAccountAccessRole, in: root}
"""


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (ALLOW, ["expectations.yaml:2: closed no longer holds: a role with full access in a3, a4, shop-one may "]),
        (
            DENY.replace("s3:*", "*"),
            [
                "expectations.yaml:4: works no longer holds: role OrganizationAccountAccessRole in a3, a4, shop-one ",
                "policies/policy-1.json:4: attached to organizational unit workloads, statement 1 denies ",
            ],
        ),
        (DENY.replace("s3:*", "s3:Get*"), []),
    ],
)
def test_what_gets_worse_is_told_before_it_is_written(
    edited: Edited, capsys: pytest.CaptureFixture[str], document: str, said: list[str]
) -> None:
    """Each at its place in the folder, though it was tried in a copy; what is broken already is no news."""
    (edited.path / "expectations.yaml").write_text(EXPECTED)
    live = changed(deployed(), policies=_edited(deployed().organization.policies, 1, content=document))
    (new,) = edited.compared(live).differences
    existing = existing_at(edited.path, load(edited.path), live.organization.id, *in_states(states(deployed())))
    merged = kept(existing, states(deployed()), live, [new])

    found = worse(edited.path, existing, merged)
    assert worse(edited.path, replace(existing, landing_zone=merged.landing_zone), merged) == []
    done = _offered(Options(edited.path), existing, merged.files, merged, Choice([], yes=True), found)

    assert [one for one, start in zip(found, said, strict=True) if not one.startswith(f"{edited.path}/{start}")] == []
    assert all(f"{edited.path}/policies/policy-1.json:4" in one for one in found if "works" in one)
    assert all("accepted.yaml accepts it; exempt " in one for one in found if "policy-1.json:4: " in one)
    assert done == (0, True)
    *warned, written_to, following = capsys.readouterr().err.splitlines()
    assert warned == [f"warning: {one}" for one in found]
    assert written_to.startswith(f"written to {edited.path}; ")
    assert following == f"next: strata check --config {edited.path}"


def test_a_session_length_that_cannot_be_written_is_accepted_with_its_set(edited: Edited) -> None:
    """A deploy leaves it as it is, and nothing has drifted then."""
    center = deployed().center
    assert center
    odd = permission_set("Odd", session_duration="PT3601S")
    live = changed(deployed(), permission_sets=(*center.permission_sets, odd))
    existing = existing_at(edited.path, load(edited.path), live.organization.id, *in_states(states(deployed())))
    new = [one for one in edited.compared(live).differences if one.kind == "permission set"]

    merged = with_unwritten(existing, kept(existing, states(deployed()), live, new), live)

    entry = "- finding: changed-outside\n  at: 'permission set Odd: session_duration is PT3601S'\n"
    assert entry in merged.files["accepted.yaml"].replace('"', "'")


def _full(*_: Any, **__: Any) -> None:
    raise StrataError("No space left on device")


UNREAD: dict[str, tuple[str, ...]] = {
    POLICIES: ("policies",),
    TRUSTED_SERVICES: ("trusted_services",),
    DELEGATIONS: ("delegations",),
    ENTITLEMENTS: (),
    CENTER: (),
}


@pytest.mark.parametrize("part", UNREAD)
def test_what_was_not_read_is_neither_equal_nor_gone(zone: LandingZone, part: str) -> None:
    empty: Json = {name: {} if name == "delegations" else () for name in UNREAD[part]}
    live = changed(deployed(), unread={part: "not allowed"}, **empty)
    live = replace(live, center=None) if part == CENTER else live

    drift = compared(zone, live)

    assert told(drift) == []
    assert drift.unread == {part: "not allowed"}
    assert not [one for one in drift.waiting if one.startswith(tuple(HIDDEN[part]))]


def test_tags_that_were_not_read_do_not_hide_the_rest_of_an_account(zone: LandingZone) -> None:
    accounts = _edited(deployed().organization.accounts, 1, tags={}, name="other")

    drift = compared(zone, changed(deployed(), accounts=accounts, unread={TAGS: "not allowed"}))

    assert told(drift) == ["changed account shop-one: name is other"]


def test_tags_of_permission_sets_are_read_with_these(zone: LandingZone) -> None:
    sets = tuple(replace(one, tags={}) for one in _center().permission_sets)

    drift = compared(zone, changed(deployed(), permission_sets=sets, unread={TAGS: "not allowed"}))

    assert told(drift) == ["changed permission set Rich: tags is {}"]


def test_identity_center_that_is_off_is_unread(zone: LandingZone) -> None:
    drift = compared(zone, replace(deployed(), center=None))

    assert told(drift) == []
    assert drift.unread == {CENTER: "it is not enabled in us-east-1"}


def test_settings_of_security_yaml_that_are_on_are_compared(edited: Edited) -> None:
    regions = load(edited.path).project.regions.all_governed
    (edited.path / "security.yaml").write_text("ebs_encryption: {mode: on}\npassword_policy: {mode: off}\n")
    held = {f"aws_ebs_encryption_by_default.main_{region}": {"enabled": True} for region in regions}
    was = {**states(deployed()), "security": {"resources": [*_resources(held)]}}
    on: Json = {"ebs_encryption": {region: {"enabled": True} for region in regions}}
    off = {**on, "ebs_encryption": {**on["ebs_encryption"], regions[0]: {"enabled": False}}}

    assert told(edited.compared(replace(deployed(), settings=on), was)) == []
    drift = edited.compared(replace(deployed(), settings=off), was)
    assert told(drift) == [f"changed setting ebs_encryption in {regions[0]}: enabled is false"]
    assert drift.differences[0].way.deploy == ("security",)
    unread = replace(deployed(), settings={"ebs_encryption": {}}, unread={"ebs_encryption": "not allowed"})
    assert told(edited.compared(unread, was)) == []


def _controls(edited: Edited) -> tuple[dict[str, Json], dict[str, Json]]:
    """Switches the controls on that are things of their own; returns the states with them, and what AWS has."""
    edited.edit("organization.yaml", "disable_services:\n  - account.amazonaws.com\n", "")
    contact = "security: {name: Sam, title: Guard, email: sam@example.com, phone: '+49 30 1234567'}"
    regions = load(edited.path).project.regions.all_governed
    (edited.path / "security.yaml").write_text(
        "trail: {mode: on}\naccess_analyzer: {mode: on}\n"
        f"budget: {{mode: on, emails: [a@example.com]}}\nalternate_contacts: {{mode: on, {contact}}}\n"
    )
    due = [{"notification_type": "ACTUAL", "threshold": 80, "subscriber_email_addresses": ["a@example.com"]}]
    person = {"name": "Sam", "title": "Guard", "email_address": "sam@example.com", "phone_number": "+49 30 1234567"}
    all_ = ("enable_logging", "enable_log_file_validation", "is_organization_trail", "is_multi_region_trail")
    held: dict[str, Json] = {
        "aws_cloudtrail.organization": {**dict.fromkeys(all_, True), "s3_bucket_name": "logs"},
        "aws_budgets_budget.monthly": {"limit_amount": "100.0", "limit_unit": "USD", "notification": due},
        **{f"aws_accessanalyzer_analyzer.organization_{region}": {"region": region} for region in regions},
        **{
            f"aws_account_alternate_contact.{key}_security": {"alternate_contact_type": "SECURITY", **person}
            for key in load(edited.path).accounts
        },
    }
    was = {**states(deployed()), "security": {"resources": [*_resources(held)]}}
    return was, {at: dict(one) for at, one in recorded_controls(controls_of(load(edited.path), was))}


def test_controls_of_security_yaml_that_are_things_are_compared(edited: Edited) -> None:
    was, there = _controls(edited)
    contact, trail = "aws_account_alternate_contact.a3_security", "aws_cloudtrail.organization"
    there[contact] = {**there[contact], "email_address": "eve@example.com"}
    there[trail] = {**there[trail], "logging": False}
    there["aws_budgets_budget.monthly"] = {**there["aws_budgets_budget.monthly"], "limit": "500 USD"}
    region = load(edited.path).project.regions.all_governed[-1]
    del there[f"aws_accessanalyzer_analyzer.organization_{region}"]

    drift = edited.compared(replace(deployed(), controls=there), was)

    assert told(drift) == [
        f"gone control access_analyzer in {region}",
        "changed control alternate_contacts security of a3: email_address is eve@example.com",
        "changed control budget: limit is 500 USD",
        "changed control trail: logging is false",
    ]
    assert {one.way.deploy for one in drift.differences} == {("security",)}
    assert {one.way.not_adopted for one in drift.differences} == {BY_HAND, GONE}
    assert (drift.differences[2].before, drift.differences[2].here) == ("100 USD", "100 USD")


def test_controls_that_are_as_deployed_unread_or_not_asked_for_do_not_differ(edited: Edited) -> None:
    was, there = _controls(edited)
    assert told(edited.compared(replace(deployed(), controls=there), was)) == []
    assert told(edited.compared(replace(deployed(), controls=None), was)) == []
    del there["aws_cloudtrail.organization"]
    unread = replace(deployed(), controls=there, unread={"trail": "not allowed"})
    assert told(edited.compared(unread, was)) == []


def test_two_layers_may_have_a_resource_of_one_address(zone: LandingZone) -> None:
    """Each has its own state, with one and the same name in both, and every instance of it."""
    live = deployed().organization
    theirs = changed(deployed(), policies=(*live.policies, *(policy(number, PROD) for number in (4, 5, 6, 7))))

    def layer(*instances: Json) -> Json:
        deny = {"mode": "managed", "type": "aws_organizations_policy", "name": "deny", "instances": [*instances]}
        return {"resources": [deny]}

    first = layer({"attributes": {"id": "p-00000004"}})
    second = layer(
        {"index_key": 0, "attributes": {"id": "p-00000005"}},
        {"index_key": 1, "attributes": {"id": "p-00000006"}},
        {"deposed": "12345678", "attributes": {"id": "p-00000007"}},
    )
    was = {**states(deployed()), "network": first, "data": second}

    assert told(compare(zone, was, theirs)) == []


def test_what_a_layer_puts_into_a_permission_set_is_no_drift(zone: LandingZone) -> None:
    sets, full = _center().permission_sets, "arn:aws:iam::aws:policy/AdministratorAccess"
    admin = next(place for place, one in enumerate(sets) if one.name == "Admin")
    policies = {"aws_managed": (*sets[admin].aws_managed, full), "customer_managed": (CUSTOMER,)}
    more = _edited(sets, admin, inline=ALLOW, boundary=CUSTOMER, **policies)
    whole = f"{sets[admin].arn},{INSTANCE}"
    layer = {
        "aws_ssoadmin_managed_policy_attachment.x": {"id": f"{full},{whole}"},
        "aws_ssoadmin_customer_managed_policy_attachment.x": {"id": f"{CUSTOMER.name},{CUSTOMER.path},{whole}"},
        "aws_ssoadmin_permission_set_inline_policy.x": {"id": whole},
        "aws_ssoadmin_permissions_boundary_attachment.x": {"id": whole},
    }
    theirs = changed(deployed(), permission_sets=more)

    assert len(told(compared(zone, theirs))) == 4
    assert told(compare(zone, {**states(deployed()), "apps": {"resources": [*_resources(layer)]}}, theirs)) == []


def test_attributes_for_access_control_may_be_a_layers_own(edited: Edited) -> None:
    edited.edit("sso.yaml", "access_control_attributes:\n  team: ${path:userName}\n", "")
    was = states(deployed())
    resources = was["sso"]["resources"]
    (own,) = (one for one in resources if one["type"] == "aws_ssoadmin_instance_access_control_attributes")
    resources.remove(own)

    assert told(edited.compared(deployed(), was)) == ["made attribute for access control team"]
    assert told(edited.compared(deployed(), {**was, "apps": {"resources": [own]}})) == []


def test_only_what_adopt_would_write_is_offered_to_it(edited: Edited) -> None:
    """It writes no assignment in an account that is left to others."""
    edited.edit("organization.yaml", "disable_services:", "unmanaged_accounts: [a9@example.com]\ndisable_services:")
    given = _center().assignments | {grant("Admin", 12, account(9).id), grant("Admin", 12, SHOP)}
    theirs = changed(deployed(), accounts=(*deployed().organization.accounts, account(9)), assignments=given)

    found = edited.compared(theirs).differences

    assert [(one.name.rpartition(" ")[2], one.way.adopt) for one in found] == [(account(9).id, False), ("a3", True)]


def test_a_policy_type_that_a_layer_uses_is_no_drift(zone: LandingZone) -> None:
    """The line would detach its policies."""
    live = deployed().organization
    types, policies = (*live.policy_types, "TAG_POLICY"), (*live.policies, policy(4, PROD, type="TAG_POLICY"))
    layer = {"resources": [*_resources({"aws_organizations_policy.tags": {"id": "p-00000004"}})]}
    theirs = changed(deployed(), policies=policies, policy_types=types)

    assert told(compare(zone, {**states(deployed()), "network": layer}, theirs)) == []
    assert len(told(compared(zone, theirs))) == 2


def test_a_unit_that_terraform_replaced_and_did_not_delete_yet_is_no_drift(zone: LandingZone) -> None:
    """The next deploy deletes it; a thing that is deposed alone is still the one of its key."""
    was = states(deployed())
    units = [one for one in was["organizations"]["resources"] if one["type"] == "aws_organizations_organizational_unit"]
    old = unit(7, "Attic")
    units[0]["instances"].append({"deposed": "12345678", "attributes": {"id": old.id, "name": old.name}})
    for one in units[1:]:
        one["instances"][0]["deposed"] = "12345678"

    drift = compare(zone, was, changed(deployed(), units=(*deployed().organization.units, old)))

    assert (told(drift), drift.waiting) == ([], ())


def test_what_a_broken_run_never_made_is_not_gone(zone: LandingZone) -> None:
    """Terraform has it tainted then, and the next deploy makes it."""
    was = states(deployed())
    (tainted,) = (
        one for one in was["sso"]["resources"] if (one["type"], one["name"]) == ("aws_identitystore_user", "bo")
    )
    tainted["instances"][0]["status"] = "tainted"
    users = tuple(one for one in _center().users if one.id != uuid(2))

    drift = compare(zone, was, changed(deployed(), users=users))

    assert (told(drift), drift.waiting) == ([], ("user bo",))


def test_the_newest_address_counts_where_a_state_has_two(edited: Edited) -> None:
    """A rename that broke off half way leaves both."""
    (edited.path / "moves.yaml").write_text("- {kind: group, from: zeds, to: admins}\n")
    was = states(deployed())
    was["sso"]["resources"] += _resources({"aws_identitystore_group.zeds": {"id": "store/x", "display_name": "Zeds"}})

    assert told(edited.compared(deployed(), was)) == []


def test_the_services_of_what_is_left_to_others_are_no_drift(edited: Edited) -> None:
    """The line would stop somebody else's trail, analyzer or shares."""
    edited.edit("organization.yaml", "disable_services:", "ram_sharing: unmanaged\ndisable_services:")
    services = ("access-analyzer.amazonaws.com", "cloudtrail.amazonaws.com", "ram.amazonaws.com")
    controls = ("access_analyzer: {mode: unmanaged}", "trail: {mode: unmanaged}", "alternate_contacts: {mode: off}")
    (edited.path / "security.yaml").write_text("\n".join(controls))
    organization = (edited.path / "organization.yaml").read_text()
    for service in services:
        organization = organization.replace(f"  - {service}\n", "")
    (edited.path / "organization.yaml").write_text(organization)
    live = deployed().organization
    theirs = changed(deployed(), trusted_services=tuple({*live.trusted_services, *services}))

    assert told(edited.compared(theirs)) == []


def test_another_unicode_form_of_a_text_is_no_drift(zone: LandingZone) -> None:
    """Terraform knows one form alone, so that no deploy would put the other one back."""
    was = states(deployed())
    for one in was["sso"]["resources"]:
        if (one["type"], one["name"]) == ("aws_identitystore_user", "ana"):
            one["instances"][0]["attributes"]["name"] = [{"given_name": "Ren\u00e9e", "family_name": "Adler"}]
    users = _edited(_center().users, 0, given_name="Rene\u0301e")

    assert told(compare(zone, was, changed(deployed(), users=users))) == []


def test_a_document_in_other_words_of_the_same_meaning_is_no_drift(zone: LandingZone) -> None:
    """Terraform takes both for one, so that no deploy would put it back."""
    document = json.loads(DENY)
    (statement,) = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    other = {
        name: [value] if name == "Action" and isinstance(value, str) else value for name, value in statement.items()
    }
    same = json.dumps({"Statement": [other], "Version": document["Version"]}, indent=1)
    more = json.dumps({**document, "Statement": [{**statement, "Action": ["s3:GetObject", "s3:PutObject"]}]})
    policies, sets = deployed().organization.policies, _center().permission_sets
    rich = next(place for place, one in enumerate(sets) if one.name == "Rich")

    def with_document(text: str) -> Drift:
        both: Json = {
            "permission_sets": _edited(sets, rich, inline=text),
            "policies": _edited(policies, 1, content=text),
        }
        return compared(zone, changed(deployed(), **both))

    assert same != DENY
    assert told(with_document(same)) == []
    assert len(told(with_document(more))) == 2


def test_the_statements_that_changed_are_told() -> None:
    def statement(action: str | list[str], **more: str) -> Json:
        return {"Effect": "Deny", "Action": action, "Resource": "*", **more}

    before = {
        "Statement": [
            statement("s3:*", Sid="Keep"),
            statement("iam:*", Sid="Drop"),
            statement("kms:*", Sid="Edit"),
            statement("sns:*"),
            statement(["sqs:A", "sqs:B"]),
        ]
    }
    after = {
        "Statement": [
            statement("s3:*", Sid="Keep"),
            statement("kms:Delete*", Sid="Edit"),
            statement(["sqs:B", "sqs:A"]),
            statement("ec2:*"),
            statement("eks:*", Sid="New"),
        ]
    }
    assert changed_statements(after, before) == (
        "Edit changed",
        "statement 4 changed",
        "New added",
        "Drop removed",
    )
    assert changed_statements(before["Statement"][0], before) == changed_statements("text", before) == ()
    assert changed_statements({"Statement": before["Statement"][0]}, {"Statement": before["Statement"][:1]}) == ()


def test_control_tower_is_not_switched_off_by_a_line(zone: LandingZone) -> None:
    services = (*deployed().organization.trusted_services, "controltower.amazonaws.com")

    (one,) = compared(zone, changed(deployed(), trusted_services=services)).differences

    assert (one.way.undo, one.way.by_hand) == ((), "switch it off in the console")


def test_what_control_tower_looks_after_is_no_drift_where_trusted_services_are_unread(zone: LandingZone) -> None:
    """Nobody can say then that Control Tower is off, and the lines would delete what it works with."""
    sets = (*_center().permission_sets, permission_set("AWSReadOnlyAccess"))
    parts: Json = {"permission_sets": sets, "trusted_services": ()}

    drift = compared(zone, changed(deployed(), **parts, unread={TRUSTED_SERVICES: "not allowed"}))

    assert told(drift) == []


def test_tags_that_aws_gives_itself_are_no_drift(zone: LandingZone) -> None:
    """Nobody can set or remove them, and Terraform does not see them."""
    accounts = _edited(deployed().organization.accounts, 1, tags={"cost": "1", "aws:servicecatalog:owner": "x"})

    assert told(compared(zone, changed(deployed(), accounts=accounts))) == []


def test_what_no_deploy_changes_does_not_wait_for_one(edited: Edited) -> None:
    """Terraform leaves an account's address and a user's name as they are."""
    edited.edit("organization.yaml", "email: a3@example.com", "email: A3@example.com")
    held = states(deployed())
    for one in held["sso"]["resources"]:
        if (one["type"], one["name"]) == ("aws_identitystore_user", "ana"):
            one["instances"][0]["attributes"]["user_name"] = "older"
    live = changed(deployed(), users=_edited(_center().users, 0, user_name="older"))

    drift = edited.compared(live, held)

    assert (told(drift), drift.waiting) == ([], ())


def test_units_that_were_made_are_deleted_from_below(zone: LandingZone) -> None:
    """AWS deletes none that holds another."""
    above, below = unit(7, "Attic", PROD), unit(8, "Box")
    units = (*deployed().organization.units, above, replace(below, parent=above.id))

    drift = compared(zone, changed(deployed(), units=units))

    assert [one.way.undo[0].rpartition(" ")[2] for one in drift.differences] == [below.id, above.id]


def test_each_entitlement_is_told(zone: LandingZone) -> None:
    """A role may be given twice to one person, by two applications or with two conditions."""
    role = "arn:aws:iam::000000000003:role/Ops"
    two = (Entitlement(uuid(1), role, "app", "1"), Entitlement(uuid(1), role, "app", "2"))

    found = compared(zone, changed(deployed(), entitlements=two)).differences

    assert len({one.at for one in found}) == len(two)
    assert sorted(one.way.undo[0].split("--entitlement-id ")[1][0] for one in found) == ["1", "2"]


def _later() -> dict[str, tuple[Inventory, Inventory]]:
    """Returns what somebody made, and the same after somebody put more into it."""
    live, center = deployed().organization, _center()
    admin = next(place for place, one in enumerate(center.permission_sets) if one.name == "Admin")
    back, rule = permission_set("Back"), policy(8, PROD, name="by hand")
    full = "arn:aws:iam::aws:policy/AdministratorAccess"

    def with_set(one: PermissionSet) -> Inventory:
        return changed(deployed(), permission_sets=(*center.permission_sets, one))

    def with_admin(**values: Any) -> Inventory:
        return changed(deployed(), permission_sets=_edited(center.permission_sets, admin, **values))

    def with_group(*members: int) -> Inventory:
        return changed(deployed(), groups=(*center.groups, group(15, "night", *members)))

    def with_policy(**values: Any) -> Inventory:
        return changed(deployed(), policies=(*live.policies, replace(rule, **values)))

    return {
        "a set's policy": (with_set(back), with_set(replace(back, aws_managed=(full,)))),
        "a set's inline policy": (with_set(back), with_set(replace(back, inline=ALLOW))),
        "a set's boundary": (with_set(replace(back, boundary=CUSTOMER)), with_set(back)),
        "a group's members": (with_group(1), with_group(1, 2)),
        "a policy's document": (with_policy(), with_policy(content=ALLOW)),
        "a policy's targets": (with_policy(), with_policy(targets=(PROD, ROOT))),
        "an inline policy": (with_admin(inline=DENY), with_admin(inline=ALLOW)),
        "a boundary": (with_admin(boundary=CUSTOMER), with_admin(boundary=full)),
    }


def test_an_entry_that_accepts_what_was_made_does_not_accept_what_is_put_into_it_later(zone: LandingZone) -> None:
    silenced = {}
    for name, (first, later) in _later().items():
        accepted = {(one.how.value, one.at) for one in compared(zone, first).differences}
        assert compare(zone, states(deployed()), first, accepted).differences == (), name
        if not compare(zone, states(deployed()), later, accepted).differences:
            silenced[name] = accepted
    assert silenced == {}


def test_lines_go_to_the_organization_that_was_read(zone: LandingZone) -> None:
    """Some name nothing of one organization alone, and would change another one by the shell's own profile."""
    services = (*deployed().organization.trusted_services, "ssm.amazonaws.com")
    groups = _edited(_center().groups, 0, description="Less.")
    drift = compared(zone, changed(deployed(), trusted_services=services, groups=groups))
    options = Options(Path("config"), profile="acme root")

    lines = [one for one in _told(options, zone, drift, ()) if one.startswith(("  back:", "  keep:"))]

    assert len(lines) == 4
    assert all(one.endswith(" --profile 'acme root'") for one in lines), lines


def test_names_from_aws_are_data_in_a_line(zone: LandingZone) -> None:
    """A name is shown and a value is quoted, whatever somebody with rights at AWS writes into it."""
    service = "x.amazonaws.com; rm -rf $(echo /)\n"
    services = (*deployed().organization.trusted_services, service)

    (one,) = compared(zone, changed(deployed(), trusted_services=services)).differences

    assert shlex.split(one.way.undo[0].replace("$'", "'"))[:5] == [
        *("aws", "organizations", "disable-aws-service-access", "--service-principal"),
        service.replace("\n", "\\n").replace("\\n", "\\x0a"),
    ]


def test_an_account_that_was_let_go_is_no_drift(edited: Edited) -> None:
    edited.edit("organization.yaml", "    email: a4@example.com\n", "    email: a4@example.com\n    retired: true\n")
    accounts = _edited(deployed().organization.accounts, 3, name="theirs now")
    was = states(deployed())
    was["organizations"]["resources"] = [one for one in was["organizations"]["resources"] if one["name"] != "a4"]

    assert told(edited.compared(changed(deployed(), accounts=accounts), was)) == []


def test_what_a_state_noted_and_nobody_declares_is_left_on(zone: LandingZone) -> None:
    """A deploy writes into the state which services and policy types are on, whoever switched them on, and when."""
    live = deployed().organization
    more = {
        "trusted_services": (*live.trusted_services, "ssm.amazonaws.com"),
        "policy_types": (*live.policy_types, "TAG_POLICY"),
    }
    later = changed(deployed(), **more)

    drift = compare(zone, states(later), later)

    assert told(drift) == ["left-on policy type TAG_POLICY", "left-on trusted service ssm.amazonaws.com"]
    assert drift.waiting == ()
    assert [one.way.undo[0].split()[2] for one in drift.differences] == [
        "disable-policy-type",
        "disable-aws-service-access",
    ]
    for finding in ("made-outside", "left-on"):
        meant = compare(zone, states(later), later, {(finding, "trusted service ssm.amazonaws.com")})
        assert told(meant) == ["left-on policy type TAG_POLICY"]


def test_what_was_taken_out_of_the_yaml_is_not_made_outside(edited: Edited) -> None:
    """No deploy switches a service off unless disable_services has it."""
    edited.edit("organization.yaml", "  - config.amazonaws.com\n", "")
    edited.edit("organization.yaml", "delegated_administrators:\n  config.amazonaws.com: shop-one\n", "")

    drift = edited.compared(deployed())

    assert told(drift) == ["left-on trusted service config.amazonaws.com"]
    assert drift.differences[0].way.by_hand == "disable_services in organization.yaml keeps it off"
    assert drift.waiting == ("delegated administrator shop-one of config.amazonaws.com",)
    edited.edit("organization.yaml", "disable_services:\n", "disable_services:\n  - config.amazonaws.com\n")
    later = edited.compared(deployed())
    assert told(later) == []
    assert "trusted service config.amazonaws.com" in later.waiting


@pytest.mark.parametrize(("service", "type"), aws_limits().delegated_by_own_resource.items())
def test_a_delegation_by_a_layers_own_resource_is_no_drift(zone: LandingZone, service: str, type: str) -> None:
    """The line would take the administrator from it."""
    live = deployed().organization
    both = changed(deployed(), delegations={**live.delegations, service: (SHOP, "000000000004")})
    layer = {"resources": [*_resources({f"{type}.main": {"id": SHOP, "admin_account_id": SHOP}})]}

    drift = compare(zone, {**states(deployed()), "watch": layer}, both)

    assert told(drift) == [f"made delegated administrator a4 of {service}"]


def test_an_entry_that_aws_has_already_waits_for_nothing(edited: Edited) -> None:
    """No plan shows it, so that no deploy would write it into the state."""
    service = "ssm.amazonaws.com"
    edited.edit("organization.yaml", "  - sso.amazonaws.com\n", f"  - sso.amazonaws.com\n  - {service}\n")
    services = (*deployed().organization.trusted_services, service)

    assert edited.compared(deployed()).waiting == (f"trusted service {service}",)
    there = edited.compared(changed(deployed(), trusted_services=services))
    assert (told(there), there.waiting) == ([], ())


def test_a_deploy_is_told_with_the_stacks_it_needs_that_differ_too(zone: LandingZone) -> None:
    """Alone it would refuse to go on, as they have changes."""
    live = deployed().organization
    group_, type_ = _edited(_center().groups, 0, description="Less."), live.policy_types[:-1]
    made = changed(deployed(), trusted_services=(*live.trusted_services, "ssm.amazonaws.com"))

    def ways(live: Inventory, accepted: Any = ()) -> list[str]:
        drift = compare(zone, states(deployed()), live, accepted)
        text = _told(Options(Path("config")), zone, drift, ())
        return [one.removeprefix("  back:  ") for one in text if "  back:  strata" in one]

    assert ways(changed(deployed(), groups=group_)) == ["strata deploy sso"]
    assert ways(changed(made, groups=group_)) == ["strata deploy sso"]  # no deploy puts that back
    both = changed(deployed(), groups=group_, policy_types=type_)
    assert ways(both) == ["strata deploy organizations sso", "strata deploy organizations"]
    (_, of_type) = compare(zone, states(deployed()), both).differences
    assert ways(both, {(of_type.how.value, of_type.at)}) == ["strata deploy sso"]


def test_the_stacks_of_a_deploy_stand_in_the_order_of_a_deploy(zone: LandingZone) -> None:
    alone = [Way(deploy=(stack,)) for stack in ("sso", "security", "organizations")]
    several = [Way(), *alone]

    assert [one.deploy for one in with_needed(zone, several)] == [
        (),
        ("organizations", "security", "sso"),
        ("organizations", "security"),
        ("organizations",),
    ]
    assert with_needed(zone, alone[:1]) == alone[:1]


def test_the_text_has_the_place_the_values_and_lines_to_copy(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    edited.edit("sso.yaml", "session_duration: PT2H", "session_duration: PT4H")
    (edited.path / "accepted.yaml").write_text(
        "- {finding: made-outside, at: trusted service ssm.amazonaws.com, reason: a trial}\n"
        "- {finding: gone-outside, at: user bo, reason: long ago}\n"
        "- {finding: gone-outside, at: user ana, reason: over, until: 2020-01-01}\n"
    )
    here, live = load(edited.path), deployed().organization
    by_hand = changed(
        deployed(),
        trusted_services=(*live.trusted_services, "ssm.amazonaws.com"),
        groups=_edited(_center().groups, 0, description="Less."),
        assignments=_center().assignments | {grant("Admin", 12, SHOP)},
    )
    accepted = [one for one in here.accepted if one.until is None]
    drift = compare(here, states(deployed()), by_hand, {(one.finding, one.at) for one in accepted})

    monkeypatch.delenv("STRATA_CONFIG", raising=False)
    lines = list(_told(Options(Path("config")), here, drift, accepted))

    assignment = "assignment Admin of group readers-of-it in a3"
    assert lines == [
        f"made outside: {assignment}",
        f"  back:  {drift.differences[0].way.undo[0]}",
        f"  keep:  strata adopt 'assignment:{assignment.removeprefix('assignment ')}'",
        f"  meant: accepted.yaml, finding: made-outside, at: {assignment}",
        "config/sso.yaml:16: changed outside: group admins: description is 'Less.' at AWS, 'Full.' when it was "
        "deployed",
        "  back:  strata deploy sso",
        "  keep:  strata adopt group:admins",
        '  meant: accepted.yaml, finding: changed-outside, at: "group admins: description is Less."',
        "accepted.yaml:2: accepts gone-outside at user bo, and there is none; remove it",
        "1 change waits for strata deploy: permission set Rich",
        "2 differences, 1 accepted",
    ]
    assert "aws sso-admin delete-account-assignment" in lines[1]
    elsewhere = list(_told(Options(Path("my config")), here, drift, accepted))
    assert "  back:  strata deploy sso --config 'my config'" in elsewhere
    assert "  keep:  strata adopt group:admins --config 'my config'" in elsewhere
