"""The guard on the plan: what each loss is, who decides it, and what is no loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from strata.errors import Message
from strata.identity.declared import declared
from strata.identity.guard import Fate, Guard, Loss
from strata.identity.losses import losses
from strata.identity.things import Holdings
from strata.kinds import addresses
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform.guarded import fates, judged
from strata.terraform.plans import Plan, PlannedChange
from tests.synthesized import SHIPPED

GROUP, USER, SET = (
    "aws_identitystore_group.finops",
    "aws_identitystore_user.jane-doe",
    "aws_ssoadmin_permission_set.FinOps",
)
UNIT, ACCOUNT = "aws_organizations_organizational_unit.shared", "aws_organizations_account.shared"
POLICY, ORGANIZATION = "aws_organizations_policy.deny-root-user", "aws_organizations_organization.main"
ON_UNIT = "aws_organizations_policy_attachment.deny-root-user_ou_shared"
GIVEN = "aws_ssoadmin_account_assignment.{}_FinOps_group_finops"
INLINE, TRAIL = "aws_ssoadmin_permission_set_inline_policy.DevOps", "aws_cloudtrail.organization"
DENY = '{"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Deny", "Action": %s, "Resource": "*"}]}'
WIDE, NARROW = DENY % '["s3:*", "sqs:*"]', DENY % '["s3:*"]'


class Case(NamedTuple):
    """What a plan does, and what is lost: id, who decides, and the word; nothing where it is no loss."""

    fates: Sequence[Fate]
    losses: Sequence[tuple[str, str, str]] = ()


def fate(address: str, action: str = "delete", *, stack: str = "sso", **more: Any) -> Fate:
    return Fate(stack, address, action, **more)


def changed(address: str, name: str, before: Any, after: Any, stack: str = "sso") -> Fate:
    return fate(address, "update", stack=stack, changed={name: (before, after)})


def given(accounts: Sequence[str], action: str, ids: str = "before") -> list[Fate]:
    """Returns what happens to assignments, each in an account of its own."""
    between = {"permission_set_arn": "arn", "principal_id": "g"}
    ends: list[dict[str, Any]] = [{ids: {**between, "target_id": key[-1]}} for key in accounts]
    return [fate(GIVEN.format(key), action, **its) for key, its in zip(accounts, ends, strict=True)]


CASES = {
    "an account": Case([fate(ACCOUNT, stack="organizations")], [("account-undeclared", "refused", "")]),
    "an account that is replaced": Case([fate(ACCOUNT, "replace")], [("account-undeclared", "refused", "")]),
    "an account that is declared, and closed at AWS": Case([fate(ACCOUNT, "forget", stack="organizations")]),
    "an account that nobody declares is forgotten": Case(
        [fate("aws_organizations_account.other", "forget")], [("account-undeclared", "refused", "")]
    ),
    "the management account": Case([fate("aws_organizations_account.management", "forget")]),
    "a group": Case([fate(GROUP)], [("identity-destroyed", "told", "")]),
    "a user": Case([fate(USER)], [("identity-destroyed", "told", "")]),
    "a permission set that is replaced": Case(
        [fate(SET, "replace", changed={"name": ("FinOps", "Cost")})],
        [("would-be-replaced", "refused", f"destroy:{SET}")],
    ),
    "a unit that is replaced": Case(
        [fate(UNIT, "replace", changed={"parent_id": ("r", "ou")})],
        [("would-be-replaced", "refused", f"destroy:{UNIT}")],
    ),
    "a group that was replaced before": Case([fate(f"{GROUP} (deposed 1)")]),
    "a table": Case([fate("aws_dynamodb_table.lock")], [("holds-data", "refused", "destroy:aws_dynamodb_table.lock")]),
    "a table that is forgotten": Case([fate("aws_dynamodb_table.lock", "forget")]),
    "a policy": Case([fate(POLICY)], [("guardrail-goes", "alone", f"weaken:{POLICY}")]),
    "a policy with all that it binds": Case(
        [fate(POLICY), fate(ON_UNIT)], [("guardrail-goes", "alone", f"weaken:{POLICY}")]
    ),
    "an attachment": Case([fate(ON_UNIT)], [("guardrail-goes", "alone", f"weaken:{ON_UNIT}")]),
    "an attachment that is forgotten": Case(
        [fate(ON_UNIT, "forget", before={"id": "o"})], [("guardrail-goes", "alone", f"weaken:{ON_UNIT}")]
    ),
    "an attachment that is forgotten at one of two addresses": Case([fate(ON_UNIT, "forget", before={"id": SET})]),
    "an attachment of a unit that goes": Case([fate("aws_organizations_policy_attachment.deny-root-user_ou_gone")]),
    "a looser policy": Case([changed(POLICY, "content", WIDE, NARROW)], [("guardrail-changes", "told", "")]),
    "a policy that nobody knows yet": Case(
        [changed(POLICY, "content", WIDE, None)], [("guardrail-changes", "told", "")]
    ),
    "a tighter policy": Case([changed(POLICY, "content", NARROW, WIDE)]),
    "a policy with another name": Case([changed(POLICY, "name", "a", "b")]),
    "an inline policy": Case([changed(INLINE, "inline_policy", NARROW, WIDE)]),
    "a wider inline policy": Case(
        [changed(INLINE, "inline_policy", WIDE, NARROW)], [("guardrail-changes", "told", "")]
    ),
    "the trail": Case([fate(TRAIL)], [("guardrail-goes", "alone", f"weaken:{TRAIL}")]),
    "the trail is forgotten": Case([fate(TRAIL, "forget")]),
    "a topic of alerts": Case([fate("aws_sns_topic.alerts")], [("control-goes", "told", "")]),
    "a trusted service": Case(
        [fate(ORGANIZATION, "update", loses=("a.amazonaws.com of aws_service_access_principals",))],
        [("guardrail-goes", "alone", f"weaken:{ORGANIZATION}")],
    ),
    "a tag of the organization": Case([fate(ORGANIZATION, "update", loses=("tag a=b",))]),
    "AWSDenyAll": Case(
        [fate("aws_ssoadmin_managed_policy_attachment.A_x", before={"managed_policy_arn": "a:policy/AWSDenyAll"})],
        [("guardrail-goes", "alone", "weaken:aws_ssoadmin_managed_policy_attachment.A_x")],
    ),
    "another managed policy": Case(
        [fate("aws_ssoadmin_managed_policy_attachment.A_x", before={"managed_policy_arn": "a:policy/ReadOnlyAccess"})]
    ),
    "a thing that the state has elsewhere": Case(
        [fate("aws_identitystore_group.new", "import", import_id=GROUP)], [("import-in-state", "refused", "")]
    ),
    "a thing that no state has": Case([fate("aws_identitystore_group.new", "import", import_id="other")]),
    "access between the same ids under another key": Case(
        [*given(["account-1"], "delete"), *given(["account1"], "create", "after")], [("move-lost", "refused", "")]
    ),
    "access between other ids": Case([*given(["account-1"], "delete"), *given(["account2"], "create", "after")]),
}


@pytest.fixture(scope="module")
def zone() -> LandingZone:
    return load(SHIPPED)


def guard(zone: LandingZone, some: Sequence[Fate], number: int = 9) -> Guard:
    """Returns a guard over the shipped configuration, which is deployed, with some assignments more."""
    here = declared(zone)
    had = {address: address for stack in addresses(zone).values() for address in stack}
    had |= {GIVEN.format(f"account-{n}"): str(n) for n in range(number)}
    return Guard(zone, here, replace(here, addresses=had), some)


def said(found: Sequence[Loss]) -> list[tuple[str, str, str]]:
    return [(loss.refusal.fault.problem.id, loss.how, loss.refusal.kind) for loss in found]


@pytest.mark.parametrize("case", CASES)
def test_a_loss_is_refused_asked_about_or_told_and_all_else_is_none(zone: LandingZone, case: str) -> None:
    some, wanted = CASES[case]

    assert said(losses(guard(zone, some))) == list(wanted)


def test_who_goes_goes_with_what_the_states_have_of_it(zone: LandingZone) -> None:
    (loss,) = losses(guard(zone, [fate(GROUP)]))

    problem = loss.refusal.fault.problem
    assert problem.data["lost"] == ["FinOps of group finops in management", "user jane-doe in group finops"]
    assert loss.refusal.fault.place.endswith("sso.yaml:10: groups")


@pytest.mark.parametrize(
    ("gone", "of", "refused"),
    [(6, 9, True), (5, 9, False), (6, 30, False), (2, 2, True), (1, 1, False)],
)
def test_many_of_a_type_are_refused_where_they_are_more_than_a_few_or_all(
    zone: LandingZone, gone: int, of: int, refused: bool
) -> None:
    type = GIVEN.partition(".")[0]
    some = [fate(GIVEN.format(f"account-{n}")) for n in range(gone)]
    its = guard(zone, some, of)
    its = replace(its, recorded=replace(its.recorded, addresses={GIVEN.format(f"account-{n}"): "" for n in range(of)}))

    found = said(losses(its))
    partial = losses(replace(its, fates=[one._replace(is_whole=False) for one in some]))
    retired = replace(its, declared=replace(its.declared, retired={f"account-{n}": "" for n in range(gone)}))

    assert found == ([("mass-deletion", "refused", f"many:{type}")] if refused else [])
    assert partial == losses(retired) == []


# Who decides


def _judged(zone: LandingZone, *allow: str, **how: Any) -> tuple[list[str], list[str], list[str], list[str]]:
    """Returns how a plan is judged in which a table, a policy and a group go."""
    here = declared(zone)
    plans = [Plan("sso", {at: PlannedChange("delete") for at in ("aws_dynamodb_table.lock", POLICY, GROUP)})]
    prepared = SimpleNamespace(landing_zone=zone, declared=here, recorded=Holdings(), allow=allow, left_out={})
    names = SimpleNamespace(taken=list)
    verdict = judged(cast("Any", prepared), cast("Any", names), plans, **how)
    refused, alone, told = (
        [refusal.fault.problem.id for refusal in some] for some in (verdict.refused, verdict.alone, verdict.told)
    )
    return refused, alone, told, [text.id for text in verdict.unused]


def test_who_is_asked_decides_on_guardrails_and_a_word_or_a_list_on_the_rest(zone: LandingZone) -> None:
    table, policy = "destroy:aws_dynamodb_table.lock", f"weaken:{POLICY}"

    assert _judged(zone, asks=True) == (["holds-data"], ["guardrail-goes"], ["identity-destroyed"], [])
    assert _judged(zone, asks=False)[:2] == (["holds-data", "guardrail-goes"], [])
    assert _judged(zone, table, policy, asks=False)[:2] == ([], [])
    assert _judged(zone, asks=False, approved=True)[:2] == ([], [])
    assert _judged(zone, "destroy:aws_dynamodb_table.lick", asks=True)[3] == ["word-unused"]


def test_a_plan_with_an_error_is_judged_as_far_as_it_came(zone: LandingZone) -> None:
    change = {GROUP: PlannedChange("delete", before={"id": "d-1/g"})}

    (found,) = fates([Plan("sso", error=Message("terraform-failed", "no"), partial=change)])

    assert (found.address, found.action, found.before, found.is_whole) == (GROUP, "delete", {"id": "d-1/g"}, False)
