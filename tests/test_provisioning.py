"""Accounts get permission sets as they are declared, and nothing that somebody has put into one by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from strata.aws.identity_center import CenterClient
from strata.aws.organization import ListedAccount
from strata.aws.session import Aws
from strata.drift.permission_sets import otherwise
from strata.identity.comparison import Refusal
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.permission_set import CUSTOMER, MANAGED, SET
from strata.terraform import provisioning
from strata.terraform.attributes import Attribute
from strata.terraform.plans import Plan, PlannedChange
from strata.terraform.situation import RefusedError, Situation
from tests.organizations import INSTANCE, Organization, changed, layer, permission_set
from tests.organizations.deployed import DEPLOYED
from tests.organizations.drifts import BY_HAND
from tests.said import Said

FULL = "AdministratorAccess"
BY_HAND_IN_ADMIN = DEPLOYED.at_aws(changed("permission set", "Admin", aws=("ReadOnlyAccess", FULL)))


def refused(there: Organization, *keys: str, left: bool = False) -> dict[str, Refusal]:
    """Returns what keeps permission sets from being provisioned."""
    with there.answers.asked():
        aws = Aws(None, there.model.regions.primary)
        return otherwise(aws, there.zone, [there.id("permission set", key) for key in keys], left=left)


@pytest.mark.parametrize(
    ("case", "key", "a_deploy_leaves_it"),
    [
        ("AWS policy made", "Rich", True),
        ("own policy made", "Rich", True),
        ("inline policy made", "Admin", True),
        ("boundary made", "Admin", True),
        ("own policy gone", "Rich", False),
        ("inline policy changed", "Rich", False),
        ("boundary changed", "Rich", False),
        ("set's length", "Rich", False),
    ],
)
def test_what_somebody_changed_in_a_set_keeps_it_from_accounts(
    case: str, key: str, a_deploy_leaves_it: bool, said: Said
) -> None:
    """What Terraform sees, and puts right with the same apply, keeps no plan from it."""
    there = BY_HAND[case].there

    (told,) = said(each.fault.message for each in refused(there, "Admin", "Rich").values())
    assert (told.id, told.data["permission_set"]) == ("permission-set-by-hand", key)
    assert [*refused(there, "Admin", "Rich", left=True)] == [key] * a_deploy_leaves_it
    assert refused(there, *{"Admin", "Rich"} - {key}) == {}


def test_a_set_as_it_is_declared_is_kept_from_nobody() -> None:
    """Tags reach no account; what accepted.yaml has is meant; and what an own layer attaches is that layer's."""
    accepted = {"accepted.yaml": f"- {{finding: made-outside, at: {_AT}, reason: It is.}}\n"}
    whole = f"{DEPLOYED.id('permission set', 'Admin')},{INSTANCE}"
    attached = {f"{MANAGED}.x": {"id": f"arn:aws:iam::aws:policy/{FULL},{whole}"}}

    assert refused(DEPLOYED, "Admin", "Reader", "Rich") == {}
    assert refused(BY_HAND["set's tags"].there, "Rich") == {}
    assert [*refused(BY_HAND_IN_ADMIN, "Admin")] == ["Admin"]
    assert refused(BY_HAND_IN_ADMIN.with_texts(accepted), "Admin") == {}
    assert refused(BY_HAND_IN_ADMIN.in_state(layer("apps", attached)), "Admin") == {}


_AT = f"permission set policy AWS {FULL} in Admin"


def test_a_set_that_waits_for_a_deploy_gets_one_first(said: Said) -> None:
    """A run that failed half way has not made of it what is declared, and nobody did anything by hand."""
    there = DEPLOYED.in_yaml(changed("permission set", "Admin", aws=(FULL,)))

    told = said.ids(each.fault.message for each in refused(there, "Admin").values())
    assert told == ["permission-set-not-deployed"]
    assert refused(there, "Admin", left=True) == {}


def test_a_length_that_no_file_writes_is_one_hour() -> None:
    """A set with another, by hand, is provisioned to nobody; a deploy takes it back, and then provisions it."""
    change = changed("permission set", "Admin", session="PT12H")
    longer, noted = DEPLOYED.at_aws(change), DEPLOYED.at_aws(change).in_state(change)

    assert [*refused(longer, "Admin")] == ["Admin"]
    assert [*refused(noted, "Admin")] == ["Admin"]
    for there in (longer, noted):
        assert refused(there, "Admin", left=True) == {}


def test_only_the_declared_is_provisioned_and_the_rest_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a set that nobody declares nobody knows what it should have; closed accounts take nothing."""
    there = BY_HAND_IN_ADMIN.at_aws(permission_set("Back", FULL))
    arns = {key: there.id("permission set", key) for key in ("Admin", "Reader", "Back")}
    closed, provisioned, told = ListedAccount("3" * 12, "a", "a@example.com", "CLOSED"), list[str](), list[str]()
    center = SimpleNamespace(
        permission_sets=lambda: [*arns.values()],
        accounts_of=lambda *_, **__: ["1" * 12, "2" * 12, closed.id],
        provision=lambda arn, _: provisioned.append(arn),
        provisioning=lambda _: {"Status": "SUCCEEDED"},
    )
    monkeypatch.setattr(provisioning, "list_accounts", lambda _: [closed])
    monkeypatch.setattr(provisioning, "CenterClient", SimpleNamespace(of=lambda *_: center))
    with there.answers.asked():
        aws = Aws(None, there.model.regions.primary)
        whole = provisioning.provision_permission_sets(aws, there.zone, otherwise, told.append)

    assert not whole, "so the next plan looks again"
    assert provisioned == [arns["Reader"]] * 2
    assert len([each for each in told if each.startswith("warning")]) == 1


Changes = dict[str, list[tuple[str, tuple[Attribute, ...]]]]
DESCRIBED = (Attribute("description", "a", "b"),)
CHANGES: Changes = {
    f"{SET.type}.Admin": [("update", DESCRIBED)],
    f"{CUSTOMER}.Admin_Billing": [("create", ()), ("delete", ())],
}
ASSIGNED: Changes = {f"{ASSIGNMENT.type}.a2_Admin_group_admins": [("create", ())]}
HARMLESS: Changes = {
    f"{SET.type}.Admin": [("update", (Attribute("tags", {}, {"a": "b"}),)), ("delete", ())],
    f"{CUSTOMER}.Admin_Billing": [("import", ()), ("move", ())],
    f"{ASSIGNMENT.type}.a2_Admin_group_admins": [("delete", ()), ("import", ())],
    f"{SET.type}.Reader": [("update", DESCRIBED)],
}


@pytest.mark.parametrize(("changes", "is_refused"), [(CHANGES, True), (ASSIGNED, True), (HARMLESS, False)])
def test_a_plan_puts_nothing_in_force_that_is_on_no_list(
    changes: Changes, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider provisions what changes, AWS what is assigned; taking access away and new tags do neither.

    What all accounts have by now, a change gives to no other; an assignment does.
    """
    for lacking in (["1" * 12], []):
        monkeypatch.setattr(CenterClient, "accounts_of", lambda *_, some=lacking, **__: some)
        for address, some in changes.items():
            for action, attributes in some:
                change = PlannedChange(action, attributes=attributes)
                expected = is_refused and (bool(lacking) or changes is ASSIGNED)
                assert _is_refused(BY_HAND_IN_ADMIN, address, change) is expected
                assert not _is_refused(DEPLOYED, address, change)


@pytest.mark.parametrize(("type", "refused_anyway"), [(ASSIGNMENT.type, True), (MANAGED, False)])
def test_an_own_layer_puts_nothing_in_force_either(
    type: str, refused_anyway: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = BY_HAND_IN_ADMIN.in_state(layer("apps", {}))
    change = PlannedChange("create", arguments={"permission_set_arn": there.id("permission set", "Admin")})
    for lacking in (["1" * 12], []):
        monkeypatch.setattr(CenterClient, "accounts_of", lambda *_, some=lacking, **__: some)
        assert _is_refused(there, f"{type}.theirs", change, "apps") is (bool(lacking) or refused_anyway)
        assert not _is_refused(DEPLOYED, f"{type}.theirs", change, "apps")


def _is_refused(there: Organization, address: str, change: PlannedChange, stack: str = "sso") -> bool:
    with there.answers.asked():
        aws = Aws(None, there.model.regions.primary)
        run = SimpleNamespace(landing_zone=there.zone, aws=aws)
        try:
            provisioning.refuse_by_hand(cast("Situation", run), otherwise, Plan(stack, {address: change}))
        except RefusedError:
            return True
    return False
