"""The guard on the plan: what each loss is, who decides it, and what is no loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest

from strata.config.layers import Code, Layer
from strata.errors import Fault, Message
from strata.identity import Examination
from strata.identity.comparison import Refusal
from strata.identity.declared import declared
from strata.identity.guard import DESTROY, MANY, WEAKEN, Fate, Guard, Loss
from strata.identity.losses import losses
from strata.identity.things import Attached, KeyedThing
from strata.kinds import addresses
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform.attributes import Attribute
from strata.terraform.guarded import fates, judged
from strata.terraform.plans import Plan, PlannedChange
from strata.terraform.situation import Request, Situation
from tests.synthesized import SHIPPED

GROUP, NEW, GONE = (f"aws_identitystore_group.{key}" for key in ("finops", "new", "gone"))
USER, SET = "aws_identitystore_user.jane-doe", "aws_ssoadmin_permission_set.FinOps"
UNIT, ACCOUNT = "aws_organizations_organizational_unit.shared", "aws_organizations_account.shared"
POLICY, ORGANIZATION = "aws_organizations_policy.deny-root-user", "aws_organizations_organization.main"
ON_UNIT = "aws_organizations_policy_attachment.deny-root-user_ou_shared"
ON_ROOT = "aws_organizations_policy_attachment.deny-root-user_root"
DELEGATED = "aws_organizations_delegated_administrator.access-analyzer"
TABLE, ABOVE = "aws_dynamodb_table.lock", "organizations"
ASSIGNMENT, MEMBER = "aws_ssoadmin_account_assignment", "aws_identitystore_group_membership"
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


DENY_ALL = fate("aws_ssoadmin_managed_policy_attachment.FinOps_x", before={"managed_policy_arn": "a:policy/AWSDenyAll"})


def loses(entry: str) -> Fate:
    return fate(ORGANIZATION, "update", loses=(entry,))


LEAVES, TOLD = ("account-undeclared", "refused", ""), ("identity-destroyed", "told", "")
CHANGES, CONTROL = ("guardrail-changes", "told", ""), ("control-goes", "told", "")
TWICE = ("import-in-state", "refused", "")


def alone(address: str) -> tuple[str, str, str]:
    return ("guardrail-goes", "alone", f"weaken:{address}")


def again(address: str) -> tuple[str, str, str]:
    return ("would-be-replaced", "refused", f"destroy:{address}")


ACCESS_GOES = ("access-goes", "told", "")

CASES = {
    "an account": Case([fate(ACCOUNT, stack=ABOVE)], [LEAVES]),
    "an account that is replaced": Case([fate(ACCOUNT, "replace")], [LEAVES]),
    "an account that is declared, and closed at AWS": Case([fate(ACCOUNT, "forget", stack=ABOVE)]),
    "an account that nobody declares is forgotten": Case([fate("aws_organizations_account.other", "forget")], [LEAVES]),
    "the management account": Case([fate("aws_organizations_account.management")]),
    "a group": Case([fate(GROUP)], [TOLD]),
    "a user": Case([fate(USER)], [TOLD]),
    "a permission set that is replaced": Case([fate(SET, "replace")], [again(SET)]),
    "a unit that is replaced": Case([fate(UNIT, "replace")], [("would-be-replaced", "refused", "")]),
    "a group that was replaced before": Case([fate(f"{GROUP} (deposed 1)")]),
    "a policy that was replaced before": Case([fate(f"{POLICY} (deposed 1)")]),
    "a table that was replaced before": Case([fate(f"{TABLE} (deposed 1)")]),
    "a table": Case([fate(TABLE)], [("holds-data", "refused", f"destroy:{TABLE}")]),
    "a table that is forgotten": Case([fate(TABLE, "forget")]),
    "a policy": Case([fate(POLICY)], [alone(POLICY)]),
    "a policy with all that it binds": Case([fate(POLICY), fate(ON_UNIT)], [alone(POLICY)]),
    "an attachment": Case([fate(ON_UNIT)], [alone(ON_UNIT)]),
    "an attachment that is forgotten": Case([fate(ON_UNIT, "forget", before={"id": "o"})], [alone(ON_UNIT)]),
    "an attachment that is forgotten at one of two addresses": Case([fate(ON_UNIT, "forget", before={"id": SET})]),
    "an attachment of a unit that goes": Case([fate("aws_organizations_policy_attachment.deny-root-user_ou_gone")]),
    "an attachment of the root": Case([fate(ON_ROOT)], [alone(ON_ROOT)]),
    "a policy anew, and its attachment": Case([fate(ON_UNIT), fate(POLICY, "replace")], [again(POLICY), alone(POLICY)]),
    "one of a policy that changes": Case([fate(ON_UNIT), changed(POLICY, "name", "a", "b")], [alone(ON_UNIT)]),
    "a delegated administrator": Case([fate(DELEGATED)], [alone(DELEGATED)]),
    "a looser policy": Case([changed(POLICY, "content", WIDE, NARROW)], [CHANGES]),
    "a policy that nobody knows yet": Case([changed(POLICY, "content", WIDE, None)], [CHANGES]),
    "a tighter policy": Case([changed(POLICY, "content", NARROW, WIDE)]),
    "a policy with another name": Case([changed(POLICY, "name", "a", "b")]),
    "an inline policy": Case([changed(INLINE, "inline_policy", NARROW, WIDE)]),
    "a wider inline policy": Case([changed(INLINE, "inline_policy", WIDE, NARROW)], [CHANGES]),
    "the trail": Case([fate(TRAIL)], [alone(TRAIL)]),
    "the trail is forgotten": Case([fate(TRAIL, "forget")]),
    "a topic of alerts that is created anew": Case([fate("aws_sns_topic.alerts", "replace")], [CONTROL]),
    "a control whose value changes": Case([changed("aws_ebs_encryption_by_default.main", "a", 1, 2)], [CHANGES]),
    "a control whose tags change": Case([changed("aws_sns_topic.alerts", "tags", {"a": "b"}, {})]),
    "what is neither": Case([changed("aws_iam_service_linked_role.config", "description", "1", "2")]),
    "a budget": Case([changed("aws_budgets_budget.monthly", "limit_amount", "1", "2")], [CHANGES]),
    "a recorder that stops": Case(
        [changed("aws_config_configuration_recorder_status.main", "is_enabled", True, False)], [CHANGES]
    ),
    "root users of members": Case(
        [fate("aws_iam_organizations_features.main")], [alone("aws_iam_organizations_features.main")]
    ),
    "an assignment": Case([fate("aws_ssoadmin_account_assignment.shared_FinOps_group_finops")], [ACCESS_GOES]),
    "a membership": Case([fate("aws_identitystore_group_membership.finops_jane-doe")], [ACCESS_GOES]),
    "a topic of alerts": Case([fate("aws_sns_topic.alerts")], [CONTROL]),
    "a trusted service": Case([loses("a.amazonaws.com of aws_service_access_principals")], [alone(ORGANIZATION)]),
    "a type of policies": Case([loses("X of enabled_policy_types")], [alone(ORGANIZATION)]),
    "a tag of the organization": Case([loses("tag a=b")]),
    "AWSDenyAll": Case([DENY_ALL], [alone(DENY_ALL.address)]),
    "another managed policy": Case(
        [DENY_ALL._replace(before={"managed_policy_arn": "a:policy/ReadOnlyAccess"})], [ACCESS_GOES]
    ),
    "a thing that the state has elsewhere": Case([fate(NEW, "import", import_id=GROUP)], [TWICE]),
    "a thing that is imported at two addresses": Case(
        [fate(NEW, "import", import_id="both"), fate(GONE, "import", import_id="both")], [TWICE]
    ),
    "a thing that no state has": Case([fate(NEW, "import", import_id="other")]),
}


@pytest.fixture(scope="module")
def zone() -> LandingZone:
    return load(SHIPPED)


def guard(zone: LandingZone, some: Sequence[Fate]) -> Guard:
    """Returns a guard over the shipped configuration, which is deployed."""
    here = declared(zone)
    had = {address: address for stack in addresses(zone).values() for address in stack}
    return Guard(zone, here, replace(here, addresses=had), some)


def said(found: Sequence[Loss]) -> list[tuple[str, str, str]]:
    return [(loss.refusal.fault.problem.id, loss.how, loss.refusal.kind) for loss in found]


@pytest.mark.parametrize("case", CASES)
def test_a_loss_is_refused_asked_about_or_told_and_all_else_is_none(zone: LandingZone, case: str) -> None:
    some, wanted = CASES[case]

    assert said(losses(guard(zone, some))) == list(wanted)


def test_who_goes_goes_with_what_the_states_have_of_it(zone: LandingZone) -> None:
    """The plan may have none of it: AWS takes it along."""
    lost = {
        address: loss.refusal.fault.problem.data["lost"]
        for address, action in ((GROUP, "delete"), (USER, "delete"), (SET, "delete"), (POLICY, "replace"))
        for loss in losses(guard(zone, [fate(address, action)]))
        if "lost" in loss.refusal.fault.problem.data
    }

    given = "FinOps of group finops in management"
    groups = ("administrators", "devops", "finops", "readonly", "securityauditor")
    assert lost == {
        GROUP: [given, "user jane-doe in group finops"],
        USER: [f"user jane-doe in group {key}" for key in groups],
        SET: [given],
        POLICY: [f"policy deny-root-user on unit {key}" for key in ("security", "shared")],
    }


SHARING = fate("aws_ram_sharing_with_organization.main", stack=ABOVE)
PLACES: dict[str, tuple[Fate, str, str]] = {
    "an account": (fate(ACCOUNT, stack=ABOVE), "organization.yaml:10: accounts", "retired: true"),
    "a unit made again": (
        fate(UNIT, "replace", stack=ABOVE),
        "organization.yaml:7: organizational_units.shared",
        "another key",
    ),
    "a group made again": (fate(GROUP, "replace"), "sso.yaml:19: groups.finops", "have it take over"),
    "one that nobody declares": (fate(GONE, "replace"), "sso.yaml:10: groups", f"--allow {DESTROY}{GONE}"),
    "a group": (fate(GONE), "sso.yaml:10: groups", ""),
    "a policy": (fate(POLICY, stack=ABOVE), "organization.yaml:27: policies.deny-root-user", "put it back"),
    "its attachment": (
        fate(ON_UNIT, stack=ABOVE),
        "organization.yaml:27: policies.deny-root-user",
        f"{WEAKEN}{ON_UNIT}",
    ),
    "the trail": (fate(TRAIL, stack="security"), "security.yaml:25: trail", "put it back"),
    "a managed policy": (DENY_ALL, "sso.yaml:41: permission_sets.FinOps", "put it back"),
    "sharing": (SHARING, "organization.yaml:1: ram_sharing", "put it back"),
    "an import": (fate(NEW, "import", import_id=GROUP), f"imports.yaml:1: {NEW}", "keep one of the two"),
    "data of a layer": (fate(TABLE, stack="things"), "layers/things.yaml:1", "take that back"),
    "data of a layer in an account": (fate(TABLE, stack="things_shared"), "layers/things.yaml:1", "take that back"),
    "data of the foundation": (fate(TABLE, stack="backend"), "project.yaml:1", "take that back"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_loss_is_said_where_the_entry_stands_or_stood_and_how_it_is_meant(
    zone: LandingZone, tmp_path: Path, case: str
) -> None:
    some, place, remedy = PLACES[case]
    layered = replace(zone, imports={NEW: GROUP}, layers={"things": Layer("things", Code(tmp_path))})

    (loss,) = losses(guard(layered, [some]))

    fault = loss.refusal.fault
    assert f"/{fault.place}".endswith(f"/{place}")
    assert remedy in fault.remedy
    assert (loss.address, bool(fault.remedy)) == (some.address, bool(remedy))


@pytest.mark.parametrize(
    ("side", "id", "location"),
    [
        ({"retired": {"other": "aws+shared@example.com"}}, "retired-under-another-key", "accounts.other"),
        ({"unmanaged": ("aws+shared@example.com",)}, "unmanaged-account-in-state", "unmanaged_accounts[1]"),
        ({"unmanaged": ("x@y.z", "000000000003")}, "unmanaged-account-in-state", "unmanaged_accounts[2]"),
        ({}, "account-undeclared", "accounts"),
    ],
)
def test_an_account_that_goes_is_known_by_its_address_or_id(
    zone: LandingZone, side: dict[str, Any], id: str, location: str
) -> None:
    its = guard(zone, [fate(ACCOUNT, stack=ABOVE, before={"id": "000000000003"})])

    (loss,) = losses(replace(its, declared=replace(its.declared, **side)))

    assert (loss.refusal.fault.problem.id, loss.refusal.fault.path, loss.refusal.kind) == (id, location, "")


def test_an_account_that_moves_away_from_guardrails_is_asked_about_by_itself() -> None:
    """By its old unit and all above that; what binds it at its new place as well is not lost."""
    zone = load(SHIPPED)
    here = declared(zone)
    units = {key: replace(thing, id=f"ou-{thing.key}") for key, thing in here.things.items() if key[0] == "ou"}
    below = KeyedThing("ou", "lab", "shared/Lab", "Lab", id="ou-lab")
    on = frozenset({Attached("deny-lab", "ou", "lab"), Attached("deny-root-user", "ou", "shared")})
    had = replace(here, things={**here.things, **units, ("ou", "lab"): below}, attachments=on)
    moves = changed(ACCOUNT, "parent_id", "ou-lab", "ou-shared", stack=ABOVE)

    (loss,) = losses(Guard(zone, here, had, [moves]))
    stays = losses(Guard(zone, here, replace(had, attachments=frozenset()), [moves]))

    assert said([loss]) == [alone(ACCOUNT)]
    assert "out of unit lab, and deny-lab no longer bind" in loss.refusal.fault.problem
    assert said(stays) == [("account-moves", "told", "")]


def test_a_guardrail_that_leaves_a_retired_account_is_told() -> None:
    zone = load(SHIPPED)
    here = replace(declared(zone), retired={"shared": "aws+shared@example.com"})
    goes = fate("aws_organizations_policy_attachment.deny-root-user_account_shared", stack=ABOVE)

    assert said(losses(Guard(zone, here, here, [goes]))) == [("guardrail-goes", "told", "")]


def test_a_lost_rename_is_told_once_with_its_line(zone: LandingZone) -> None:
    """However many resources it has, and by the kind whose key it is."""
    between = {"permission_set_arn": "s", "principal_id": "g", "group_id": "g", "member_id": "u"}
    made_again = []
    for key, action, side in (("costs", "delete", "before"), ("finops", "create", "after")):
        for name in (f"management_FinOps_group_{key}", f"shared_FinOps_group_{key}"):
            ends: dict[str, Any] = {side: between | {"target_id": name.partition("_")[0]}}
            made_again.append(fate(f"{ASSIGNMENT}.{name}", action, **ends))
        made_again.append(fate(f"{MEMBER}.{key}_jane-doe", action, **ends))

    (loss,) = losses(guard(zone, made_again))

    problem = loss.refusal.fault.problem
    assert (problem.id, problem.data["again"]) == ("move-lost", 3)
    assert (loss.how, loss.refusal.kind, loss.refusal.lines) == ("refused", "", ("strata rename group costs finops",))
    assert loss.refusal.fault.place.endswith("sso.yaml:19: groups.finops")
    other = [one._replace(after={key: f"{id}-other" for key, id in one.after.items()}) for one in made_again]
    told = {loss.refusal.fault.problem.id for loss in losses(guard(zone, other))}
    assert told == {"access-goes"}, "between other ids it is other access"


@pytest.mark.parametrize(("made", "way"), [(1, "self.move("), (2, "take that back"), (0, "take that back")])
def test_data_is_moved_where_one_of_its_type_alone_is_made(zone: LandingZone, made: int, way: str) -> None:
    others = [fate(f"aws_s3_bucket.new{number}", "create", stack="things") for number in range(made)]
    elsewhere = fate("aws_s3_bucket.new", "create", stack="backend")

    (loss,) = losses(guard(zone, [fate("aws_s3_bucket.old", stack="things"), *others, elsewhere]))

    assert way in loss.refusal.fault.remedy


@pytest.mark.parametrize(
    ("type", "gone", "of", "refused"),
    [
        (ASSIGNMENT, 6, 15, True),
        (ASSIGNMENT, 6, 18, False),
        (ASSIGNMENT, 5, 9, False),
        (ASSIGNMENT, 2, 2, True),
        (ASSIGNMENT, 1, 1, False),
        (MEMBER, 2, 2, True),
        ("aws_organizations_policy_attachment", 2, 2, True),
        ("aws_identitystore_user", 2, 2, True),
        ("aws_organizations_organizational_unit", 2, 2, True),
        ("aws_sns_topic_subscription", 2, 2, False),
    ],
)
def test_many_of_a_type_are_refused_where_they_are_more_than_a_few_or_all(
    zone: LandingZone, type: str, gone: int, of: int, refused: bool
) -> None:
    """Counted are those that a state has, and that a whole plan takes; no access of a retired account."""
    some = [f"{type}.a-{n}" for n in range(of)]
    fates = [fate(address) for address in some[:gone]]
    its = guard(zone, fates)
    its = replace(its, recorded=replace(its.recorded, addresses=dict.fromkeys(some, "")))
    retired = replace(its, declared=replace(its.declared, retired={f"a-{n}": "" for n in range(gone)}))

    def many(guard: Guard) -> list[str]:
        return [loss.refusal.kind for loss in losses(guard) if loss.refusal.fault.problem.id == "mass-deletion"]

    word = [f"{MANY}{type}"] if refused else []
    assert many(its) == word
    assert many(retired) == ([] if type == ASSIGNMENT else word)
    assert many(replace(its, fates=[one._replace(is_whole=False) for one in fates])) == []
    assert many(replace(its, fates=[one._replace(address=f"{one.address}-x") for one in fates])) == []


# Who decides


def _judged(zone: LandingZone, *allow: str, taken: Sequence[str] = (), waits: str = "", **how: Any) -> list[list[str]]:
    """Returns how a plan is judged in which a table, a policy and a group go: the ids of each part."""
    here = declared(zone)
    goes = {at: PlannedChange("delete") for at in (TABLE, POLICY, GROUP)}
    plans = [Plan("sso", goes), Plan("security", waits_for=(waits,) if waits else ())]
    examination, request = Examination(declared=here), Request(allow=allow)
    nothing = cast("Any", None)
    situation = Situation(zone, nothing, nothing, (), {}, request, examination)
    found = [Refusal(Fault("sso.yaml", 1, "", Message("import-by-name", ""), ""), word) for word in taken]
    verdict = judged(situation, cast("Any", SimpleNamespace(taken=lambda: found)), plans, **how)
    parts = (verdict.refused, verdict.alone, verdict.told)
    ids = [sorted(refusal.fault.problem.id for refusal in refusals) for refusals in parts]
    return [*ids, [text.id for text in verdict.unused]]


DATA, GUARDED, GOES, NAMED = "holds-data", "guardrail-goes", "identity-destroyed", "import-by-name"
WORDS = (f"destroy:{TABLE}", f"weaken:{POLICY}")


@pytest.mark.parametrize(
    ("words", "how", "wanted"),
    [
        ((), {"asks": True}, [[DATA], [GUARDED], [GOES], []]),
        ((), {"asks": False}, [[GUARDED, DATA], [], [GOES], []]),
        (WORDS[:1], {"asks": True}, [[], [GUARDED], [DATA, GOES], []]),
        (WORDS[1:], {"asks": False}, [[DATA], [], [GUARDED, GOES], []]),
        (WORDS, {"asks": False}, [[], [], [GUARDED, DATA, GOES], []]),
        ((), {"asks": False, "approved": True}, [[], [], [GUARDED, DATA, GOES], []]),
        ((), {"asks": True, "taken": [f"import:{GROUP}"]}, [[DATA], [GUARDED], [GOES, NAMED], []]),
        (WORDS, {"asks": False, "taken": [f"import:{GROUP}"]}, [[NAMED], [], [GUARDED, DATA, GOES], []]),
        (("destroy:a.b", "last-administrator"), {"asks": True}, [[DATA], [GUARDED], [GOES], ["word-unused"]]),
        (("destroy:a.b",), {"asks": True, "waits": "sso"}, [[DATA], [GUARDED], [GOES], []]),
    ],
)
def test_who_is_asked_decides_on_guardrails_and_names_and_a_word_or_a_list_on_the_rest(
    zone: LandingZone, words: Sequence[str], how: dict[str, Any], wanted: list[list[str]]
) -> None:
    """A word that no plan needs is told, once all of them are known."""
    assert _judged(zone, *words, **how) == wanted


def test_a_plan_with_an_error_is_judged_as_far_as_it_came(zone: LandingZone) -> None:
    change = {GROUP: PlannedChange("delete", before={"id": "d-1/g"})}

    (found,) = fates([Plan("sso", error=Message("terraform-failed", "no"), partial=change)])

    assert (found.address, found.action, found.before, found.is_whole) == (GROUP, "delete", {"id": "d-1/g"}, False)


def test_of_a_replacement_its_reasons_count_and_what_is_not_known_is_nothing() -> None:
    attributes = (Attribute("name", "a", "b", replaces=True), Attribute("content", "c", "d", unknown=True))

    some = fates([Plan("sso", {at: PlannedChange(at, attributes=attributes) for at in ("replace", "update")})])

    assert [each.changed for each in some] == [{"name": ("a", "b")}, {"name": ("a", "b"), "content": ("c", None)}]
