"""`strata drift` tells what was made, changed or taken away outside from what waits for a deploy, and the way back."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata import printing
from strata.commands.drift import _print, _told
from strata.config.findings import DRIFT
from strata.config.limits import aws_limits
from strata.drift.comparison import ORDER, Drift, compare
from strata.drift.difference import Difference, DifferenceKind, changed_statements
from strata.drift.unread import HIDDEN
from strata.errors import Message
from strata.inventory.reading import CENTER, DELEGATIONS, ENTITLEMENTS, POLICIES, TAGS, TRUSTED_SERVICES
from strata.kinds import kind_of
from strata.kinds.detection import OF_DETECTION
from strata.kinds.kind import Key, Kind, account_of
from strata.kinds.members import OF_ACCOUNTS
from strata.load import load
from strata.options import Options
from strata.sides.join import known_keys
from strata.sides.recorded import recorded_side, states_of
from tests.drifting import told
from tests.organizations import (
    ALLOW,
    DENY,
    INSTANCE,
    STORE,
    Organization,
    account,
    changed,
    control,
    delegated,
    denied,
    entitlement,
    gone,
    grant,
    group,
    layer,
    permission_set,
    policy,
    policy_type,
    service,
    unit,
    user,
)
from tests.organizations.deployed import DEPLOYED, SHOP
from tests.organizations.drifts import BY_HAND
from tests.said import Said
from tests.scenarios.aws_cli import parse
from tests.synthesized import EVERY_OPTION

Json = dict[str, Any]
FULL = "AdministratorAccess"


def compared(there: Organization, accepted: Any = ()) -> Drift:
    """Compares the three sides."""
    return compare(there.zone, there.states, there.inventory, accepted)


def by_hand(*changes: Any) -> Drift:
    """Compares what somebody changed at AWS with what was deployed."""
    return compared(DEPLOYED.at_aws(*changes))


def test_nothing_differs_right_after_a_deploy() -> None:
    drift = compared(DEPLOYED)

    assert told(drift) == []
    assert drift.unread == {}
    assert drift.waiting == ()


def test_each_change_by_hand_is_told_with_its_way_back() -> None:
    """One a kind and direction; each line of the AWS CLI is one that the AWS CLI takes."""
    wrong = {}
    for name, one in BY_HAND.items():
        drift, expected, way = compared(one.there), one.told, one.way
        last = drift.differences[-1].way if drift.differences else None
        ways = [f"deploy {' '.join(last.deploy)}", *map(str, last.undo), last.by_hand] if last else []
        if told(drift) != [*expected] or not any(one.startswith(way) for one in ways) or drift.waiting:
            wrong[name] = told(drift), ways, drift.waiting
        for line in (str(text) for one in drift.differences for text in one.way.undo):
            parse(shlex.split(line)[1:])
    assert wrong == {}


NOT_KEPT = {
    "account closed: state",
    "entitlement",
    "group gone, and what it had: principal",
    "group made again: id",
    "membership made again: id",
    "policy type made",
}
"""What is not gone and no entry keeps."""


def test_what_no_entry_keeps_has_no_line_that_says_so() -> None:
    without = set()
    for name, case in BY_HAND.items():
        for one in compared(case.there).differences:
            if not one.way.keep:
                without.add(f"{name}{f': {one.attribute}' if one.attribute else ''}")
    assert without == NOT_KEPT


def test_the_line_of_keep_has_the_place_and_the_value() -> None:
    more = DEPLOYED.at_aws(
        changed("group", "admins", description='Some "more".'),
        changed("account", "a2", tags={"cost": "2"}),
        changed("policy", "policy-1", document=ALLOW),
        gone(grant("Reader", "readers-of-it", "a2")),
        user("eve"),
    )

    kept = {one.kind: one.way.keep for one in compared(more).differences}

    assert kept == {
        "assignment": "take it out of the YAML",
        "user": f"write it under users in sso.yaml, and aws_identitystore_user.KEY: {STORE}/{user('eve').id} "
        "in imports.yaml",
        "group": 'write description: "Some \\"more\\"." at groups.admins in sso.yaml',
        "policy": "write what AWS has at policies.policy-1 in organization.yaml",
        "account": 'write tags: {"cost": "2"} at accounts.a2 in organization.yaml',
    }


NASTY = "a 'b' \"c\"/d $(e) `f` \\g h:i\u00e9\n-j"


def test_a_line_to_copy_is_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its middle is never cut out, a shell reads it as it is meant, and so does YAML."""
    for text in ("ab" * 900, "\u200b" * 500, "\u200b##[" * 300, NASTY, "a  b ::c"):
        drift = by_hand(changed("group", "admins", description=text), group("g40", name=text[:90]))
        with printing.guarded():
            _print(_told(Options(Path("my config"), profile="acme"), DEPLOYED.zone, drift, ()))
        shown = [one for one in capsys.readouterr().out.splitlines() if one.startswith("  ")]
        (tmp_path / "typed").write_text(
            "aws() { :; }\nstrata() { :; }\n" + "\n".join(one[9:] for one in shown if "back:" in one)
        )
        subprocess.run(["bash", "-e", str(tmp_path / "typed")], check=True)
        places = [yaml.safe_load(f"{{{one.partition(', ')[2]}}}")["at"] for one in shown if one.startswith("  meant:")]
        assert places == [one.at for one in drift.differences]
        assert not any(" ... " in one for one in shown)


def test_every_kind_is_in_the_table() -> None:
    met = {
        kind
        for case in BY_HAND.values()
        for text in case.told
        for kind in ORDER
        if text.partition(" ")[2].startswith(f"{kind} ")
    }
    of_accounts = {kind.name for kind in (*OF_ACCOUNTS, *OF_DETECTION)}
    assert met == ORDER.keys() - {"setting", "control", *of_accounts}, "these have tests of their own"


class Edited:
    """A copy of the configuration that was deployed, with edits that were not."""

    def __init__(self, path: Path) -> None:
        self.path = DEPLOYED.write(path)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert text.count(old) == 1, text
        (self.path / name).write_text(text.replace(old, new))

    def compared(self, there: Organization, was: Mapping[str, Json] | None = None) -> Drift:
        return compare(load(self.path), was or there.states, there.inventory)


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    return Edited(tmp_path)


def test_an_edit_that_is_not_deployed_is_no_drift() -> None:
    drift = compared(
        DEPLOYED.in_yaml(
            changed("group", "admins", description="Everything."),
            changed("policy", "policy-1", description="Forbids."),
            changed("permission set", "Rich", session="PT4H"),
        )
    )

    assert told(drift) == []
    assert drift.waiting == ("permission set Rich", "group admins", "policy policy-1")


def test_tags_that_no_file_writes_may_be_anything() -> None:
    """A deploy leaves them as they are at AWS, so nothing would put them back."""
    assert told(by_hand(changed("account", "a3", tags={"a": "b"}))) == []


def test_a_default_is_put_back_as_a_value_that_is_written() -> None:
    """Also where a refresh noted in the state what somebody did: then it waits for a deploy."""
    unsaid = DEPLOYED.in_yaml(_session(None), changed("permission set", "Rich", relay_state=""))
    unsaid = unsaid.in_state(_session("PT1H"), changed("permission set", "Rich", relay_state=""))
    page = changed("permission set", "Rich", relay_state="https://eu-west-1.console.aws.amazon.com/")

    by_default = unsaid.at_aws(_session("PT1H"), changed("permission set", "Rich", relay_state=""))
    assert (told(compared(by_default)), compared(by_default).waiting) == ([], ())
    for change, at in (
        (_session("PT12H"), "session_duration is PT12H"),
        (page, "relay_state is https://eu-west-1.console.aws.amazon.com/"),
    ):
        drift = compared(by_default.at_aws(change))
        assert (told(drift), drift.waiting) == ([f"changed permission set Rich: {at}"], ())
        assert [difference.way.deploy for difference in drift.differences] == [("sso",)]
        noted = compared(by_default.at_aws(change).in_state(change))
        assert (told(noted), noted.waiting) == ([], ("permission set Rich",))


def test_a_description_that_cannot_be_emptied_is_told_until_it_is_written(said: Said) -> None:
    """The provider empties none of a permission set, the identity store takes no empty one of a group."""
    for kind, key in (("permission set", "Admin"), ("group", "admins")):
        described, unsaid = changed(kind, key, description="By hand."), changed(kind, key, description="")
        drift = compared(DEPLOYED.in_yaml(unsaid).at_aws(described).in_state(described))

        assert (told(drift), drift.waiting) == ([f"changed {kind} {key}: description is By hand."], ())
        assert said.ids(difference.way.by_hand for difference in drift.differences) == ["write-what-stays"]


def _session(length: str | None) -> Any:
    return changed("permission set", "Rich", session=length)


def test_no_line_takes_an_account_away() -> None:
    never = {"close-account", "remove-account-from-organization", "leave-organization", "delete-organization"}
    drifts = [compared(one.there) for one in BY_HAND.values()]
    lines = [line for drift in drifts for one in drift.differences for line in one.way.undo]

    assert len(lines) > 20
    assert never.isdisjoint(line.split()[2] for line in lines)


def test_what_a_closed_account_has_that_nobody_declares_is_no_difference() -> None:
    """AWS keeps it until the account is gone, and takes it away for nobody."""
    old = account("old", state="CLOSED"), grant("Rich", "admins", "old")

    assert told(by_hand(*old)) == []


def test_what_a_declared_account_has_that_is_closed_or_gone_is_not_compared() -> None:
    given = grant("Rich", "admins", "a3")

    assert told(by_hand(changed("account", "a3", state="CLOSED"), given)) == ["changed account a3: state is CLOSED"]
    assert told(compared(DEPLOYED.but(given).at_aws(gone("account", "a3")))) == ["gone account a3"]


@pytest.mark.parametrize(
    "more",
    [{"aws": [FULL]}, {"customer": ["/teams/More"]}, {"inline": ALLOW}, {"boundary": FULL}],
    ids=lambda more: next(iter(more)),
)
def test_no_line_provisions_what_somebody_put_into_a_set_and_a_deploy_does(more: Json) -> None:
    """Provisioning puts into force whatever else the set has; a deploy looks at that first."""
    plain = DEPLOYED.but(permission_set("Plain"), grant("Plain", "admins", "a3"))

    (one,) = compared(plain.at_aws(changed("permission set", "Plain", **more))).differences

    assert (len(one.way.undo), one.way.deploy) == (1, ("sso",))
    assert one.way.undo[0].split()[2].startswith(("detach-", "delete-"))


def test_what_waits_is_told_beside_what_somebody_did_to_the_same_thing() -> None:
    """A set whose tags are others is not provisioned with a session that a deploy has yet to set."""
    edited = DEPLOYED.in_yaml(changed("permission set", "Rich", session="PT3H"))
    drift = compared(edited.at_aws(changed("permission set", "Rich", tags={"team": "b"})))

    assert [one.attribute for one in drift.differences] == ["tags"]
    assert [one.attribute for one in drift.pending] == ["session_duration"]


def test_a_policy_of_a_type_that_the_provider_does_not_know_stays() -> None:
    """No line deletes it: who made it, by another tool, is told to take it away."""
    type = policy_type("GUARDDUTY_POLICY")
    made = DEPLOYED.at_aws(type, policy("scans", "root", type="GUARDDUTY_POLICY"))

    for there in (made, made.in_state(type)):
        found = [one.way for one in compared(there).differences]
        assert found
        for way in found:
            assert way.by_hand
            assert (way.undo, way.by_hand.id) == ((), "policy-type-unknown")


def test_what_somebody_does_by_hand_as_an_edit_says_is_no_drift() -> None:
    same = changed("group", "admins", description="Everything.")

    drift = compared(DEPLOYED.in_yaml(same).at_aws(same))

    assert (told(drift), drift.waiting) == ([], ())


def test_an_entry_of_the_yaml_that_waits_to_be_made_or_deleted_is_no_drift() -> None:
    drift = compared(DEPLOYED.in_state(gone("permission set", "Rich"), gone("group", "admins")))
    assert told(drift) == []
    assert "permission set Rich" in drift.waiting, "its tags are those of the project alone, which a deploy adds"

    less = DEPLOYED.in_yaml(gone("delegation", "config.amazonaws.com a2"))
    assert compared(less).waiting == ("delegated administrator a2 of config.amazonaws.com",)


def test_what_is_left_to_others_is_no_drift(edited: Edited) -> None:
    """Unmanaged and closed accounts, AWS's policies, an identity provider's people, and layers of one's own."""
    edited.edit("organization.yaml", "disable_services:", "unmanaged_accounts: [a9@example.com]\ndisable_services:")
    theirs = DEPLOYED.at_aws(
        [account("a9"), account("a8", state="SUSPENDED"), policy("p5", "prod")],
        [user("x@idp", external=True), group("idp-too", external=True), group("layered", "ana")],
    )
    network = layer(
        "network",
        {
            "aws_organizations_policy.deny": {"id": "p-00000005"},
            "aws_identitystore_group.layered": {"id": f"{STORE}/{theirs.id('group', 'layered')}"},
        },
    )

    assert told(edited.compared(theirs.in_state(network))) == []
    assert len(told(edited.compared(theirs))) == 2


def test_what_control_tower_makes_is_told_and_no_line_takes_it_away() -> None:
    """Its name hides nothing, and a line would take away what Control Tower works with."""
    there = DEPLOYED.at_aws(
        [policy("aws-guardrails-abc", "prod"), group("AWSSecurityAuditors"), permission_set("AWSReadOnlyAccess")]
    )

    theirs = compared(there.at_aws(service(TOWER))).differences
    assert {one.name.partition(" ")[0]: (bool(one.way.undo), hand(one)) for one in theirs} == {
        "AWSReadOnlyAccess": (False, "control-tower"),
        "AWSSecurityAuditors": (False, "control-tower"),
        "aws-guardrails-abc": (False, "control-tower"),
        TOWER: (False, "only-in-console"),
    }
    ours = compared(there).differences
    assert {(bool(one.way.undo), hand(one)) for one in ours} == {(True, "")}


def hand(one: Difference) -> str:
    return one.way.by_hand.id if one.way.by_hand else ""


TOWER = "controltower.amazonaws.com"


def test_a_key_that_changed_is_found_under_the_new_one(edited: Edited) -> None:
    text = (edited.path / "sso.yaml").read_text().replace("admins", "chiefs")
    (edited.path / "sso.yaml").write_text(text.replace("  chiefs:\n", "  chiefs:\n    name: admins\n", 1))
    (edited.path / "moves.yaml").write_text("- {kind: group, from: admins, to: chiefs}\n")

    assert told(edited.compared(DEPLOYED)) == []
    empty = DEPLOYED.at_aws(changed("group", "admins", members=()))
    assert told(edited.compared(empty)) == ["gone membership user ana in group chiefs"]


def test_an_entry_accepts_one_difference_at_one_place() -> None:
    less, least = (DEPLOYED.at_aws(changed("group", "admins", description=text)) for text in ("Less.", "Least."))
    (found,) = compared(less).differences
    accepted = {(found.how.value, found.at)}
    assert found.how.value in DRIFT

    silenced = compared(less, accepted)
    assert (silenced.differences, silenced.accepted) == ((), (found,))
    assert told(compared(least, accepted)) == ["changed group admins: description is Least."]


UNREAD = {
    POLICIES: "organizations:ListPolicies",
    TRUSTED_SERVICES: "organizations:ListAWSServiceAccessForOrganization",
    DELEGATIONS: "organizations:ListDelegatedAdministrators",
    ENTITLEMENTS: "account-access:ListApplications",
    CENTER: "sso:ListInstances",
}
NO_TAGS = denied("tag:GetResources"), denied("organizations:ListTagsForResource")


@pytest.mark.parametrize("part", UNREAD)
def test_what_was_not_read_is_neither_equal_nor_gone(part: str) -> None:
    drift = by_hand(denied(UNREAD[part]))

    assert told(drift) == []
    assert [(name, UNREAD[part] in reason) for name, reason in drift.unread.items()] == [(part, True)]
    assert not [one for one in drift.waiting if one.startswith(tuple(HIDDEN[part]))]


def test_tags_that_were_not_read_do_not_hide_the_rest_of_an_account() -> None:
    drift = by_hand(changed("account", "a2", tags={}, name="other"), NO_TAGS)

    assert told(drift) == ["changed account a2: name is other"]
    assert [*drift.unread] == [TAGS]


def test_tags_of_permission_sets_are_read_with_these() -> None:
    drift = by_hand(changed("permission set", "Rich", tags={}), NO_TAGS)

    assert told(drift) == ["changed permission set Rich: tags is {}"]


def test_identity_center_that_is_off_is_unread() -> None:
    drift = compared(DEPLOYED.without_center())

    assert told(drift) == []
    assert [(part, reason.id) for part, reason in drift.unread.items()] == [(CENTER, "identity-center-off")]


def test_settings_of_security_yaml_that_are_on_are_compared() -> None:
    there = DEPLOYED.but(control("ebs_encryption"))
    off = changed("control", "ebs_encryption", at={"us-east-1": {"enabled": False}})

    assert told(compared(there)) == []
    drift = compared(there.at_aws(off))
    assert told(drift) == ["changed setting ebs_encryption in us-east-1: enabled is false"]
    assert drift.differences[0].way.deploy == ("security",)
    assert told(compared(there.at_aws(off, denied("ec2:GetEbsEncryptionByDefault")))) == []


CONTACT = {"name": "Sam", "title": "Guard", "email": "sam@example.com", "phone": "+49 30 1234567"}
CONTROLLED = DEPLOYED.but(
    [control("trail"), control("access_analyzer"), control("budget", emails=["a@example.com"])],
    [control("alternate_contacts", security=CONTACT), service("account.amazonaws.com")],
    service("access-analyzer.amazonaws.com"),
)
"""With the controls that are things of their own."""


def test_controls_of_security_yaml_that_are_things_are_compared() -> None:
    drift = compared(
        CONTROLLED.at_aws(
            changed("control", "access_analyzer", at={"us-east-1": False}),
            changed("control", "alternate_contacts", at={"a3_security": {"email_address": "eve@example.com"}}),
            changed("control", "budget", at={"": {"limit_amount": "500.0"}}),
            changed("control", "trail", at={"": {"enable_logging": False}}),
        )
    )

    assert told(drift) == [
        "gone control access_analyzer in us-east-1",
        "changed control alternate_contacts security of a3: email_address is eve@example.com",
        "changed control budget: limit is 500 USD",
        "changed control trail: logging is false",
    ]
    assert {one.way.deploy for one in drift.differences} == {("security",)}
    assert {one.way.keep.partition(" at ")[0] for one in drift.differences} == {
        "write mode: unmanaged, or what AWS has,"
    }
    assert (drift.differences[2].before, drift.differences[2].here) == ("100 USD", "100 USD")


def test_controls_that_are_as_deployed_unread_or_not_asked_for_do_not_differ() -> None:
    unasked = replace(CONTROLLED.inventory, controls=None)

    assert told(compared(CONTROLLED)) == []
    assert told(compare(CONTROLLED.zone, CONTROLLED.states, unasked)) == []
    assert told(compared(CONTROLLED.at_aws(gone("control", "trail"), denied("cloudtrail:DescribeTrails")))) == []


def test_what_a_layer_puts_into_a_permission_set_is_no_drift() -> None:
    more: Json = {"aws": ("ReadOnlyAccess", FULL), "customer": ("/teams/Billing",), "boundary": "/teams/Billing"}
    theirs = DEPLOYED.at_aws(changed("permission set", "Admin", inline=ALLOW, **more))
    whole = f"{theirs.id('permission set', 'Admin')},{INSTANCE}"
    attached = {
        "aws_ssoadmin_managed_policy_attachment.x": {"id": f"arn:aws:iam::aws:policy/{FULL},{whole}"},
        "aws_ssoadmin_customer_managed_policy_attachment.x": {"id": f"Billing,/teams/,{whole}"},
        "aws_ssoadmin_permission_set_inline_policy.x": {"id": whole},
        "aws_ssoadmin_permissions_boundary_attachment.x": {"id": whole},
    }

    assert len(told(compared(theirs))) == 4
    assert told(compared(theirs.in_state(layer("apps", attached)))) == []


def test_attributes_for_access_control_may_be_a_layers_own() -> None:
    there = DEPLOYED.in_yaml(gone("attribute", "team")).in_state(gone("attribute", "team"))
    own = layer("apps", {"aws_ssoadmin_instance_access_control_attributes.main": {"id": INSTANCE}})

    assert told(compared(there)) == ["made attribute for access control team"]
    assert told(compared(there.in_state(own))) == []


def test_a_policy_type_that_a_layer_uses_is_no_drift() -> None:
    """The line would detach its policies."""
    theirs = DEPLOYED.at_aws(policy_type("TAG_POLICY"), policy("p4", "prod", type="TAG_POLICY"))
    network = layer("network", {"aws_organizations_policy.tags": {"id": "p-00000004"}})

    assert told(compared(theirs.in_state(network))) == []
    assert len(told(compared(theirs))) == 2


def test_a_unit_that_terraform_replaced_and_did_not_delete_yet_is_no_drift() -> None:
    """The next deploy deletes it; a thing that is deposed alone is still the one of its key."""
    there = DEPLOYED.at_aws(old := unit("attic", "Attic"))
    was = there.states
    units = [one for one in was["organizations"]["resources"] if one["type"] == "aws_organizations_organizational_unit"]
    units[0]["instances"].append({"deposed": "12345678", "attributes": {"id": old.id, "name": old["name"]}})
    for one in units[1:]:
        one["instances"][0]["deposed"] = "12345678"

    drift = compare(there.zone, was, there.inventory)

    assert (told(drift), drift.waiting) == ([], ())


def test_the_newest_address_counts_where_a_state_has_two(edited: Edited) -> None:
    """A rename that broke off half way leaves both."""
    (edited.path / "moves.yaml").write_text("- {kind: group, from: zeds, to: admins}\n")
    there = DEPLOYED.in_state(group("zeds", name="Zeds"))

    assert told(edited.compared(there)) == []


def test_the_services_of_what_is_left_to_others_are_no_drift(edited: Edited) -> None:
    """The line would stop somebody else's trail, analyzer or shares."""
    edited.edit("organization.yaml", "disable_services:", "ram_sharing: unmanaged\ndisable_services:")
    services = ("access-analyzer.amazonaws.com", "cloudtrail.amazonaws.com", "ram.amazonaws.com")
    controls = ("access_analyzer: {mode: unmanaged}", "trail: {mode: unmanaged}", "alternate_contacts: {mode: off}")
    (edited.path / "security.yaml").write_text("\n".join(controls))
    organization = (edited.path / "organization.yaml").read_text()
    for name in services:
        organization = organization.replace(f"  - {name}\n", "")
    (edited.path / "organization.yaml").write_text(organization)

    assert told(edited.compared(DEPLOYED.at_aws(map(service, services)))) == []


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
    assert changed_statements(after, before) == ("Edit changed", "statement 4 changed", "New added", "Drop removed")
    assert changed_statements(before["Statement"][0], before) == changed_statements("text", before) == ()
    assert changed_statements({"Statement": before["Statement"][0]}, {"Statement": before["Statement"][:1]}) == ()


def test_no_line_takes_away_what_may_be_control_towers() -> None:
    """Where trusted services are unread, nobody can say that it is off."""
    (one,) = by_hand(permission_set("AWSReadOnlyAccess"), denied(UNREAD[TRUSTED_SERVICES])).differences

    assert (one.way.undo, hand(one)) == ((), "control-tower")


def test_tags_that_aws_gives_itself_are_no_drift() -> None:
    """Nobody can set or remove them, and Terraform does not see them."""
    assert told(by_hand(changed("account", "a2", tags={"cost": "1", "aws:servicecatalog:owner": "x"}))) == []


def test_what_no_deploy_changes_does_not_wait_for_one() -> None:
    """Terraform leaves an account's address and a user's name as they are."""
    older = changed("user", "ana", name="older")
    there = DEPLOYED.in_yaml(changed("account", "a3", email="A3@example.com")).in_state(older).at_aws(older)

    drift = compared(there)

    assert (told(drift), drift.waiting) == ([], ())


def test_each_entitlement_is_told() -> None:
    """A role may be given twice to one person, by two applications or with two conditions."""
    role = f"arn:aws:iam::{SHOP}:role/Ops"

    found = by_hand(entitlement("1", "ana", role), entitlement("2", "ana", role)).differences

    assert len({one.at for one in found}) == 2
    assert sorted(str(one.way.undo[0]).split("--entitlement-id ")[1][0] for one in found) == ["1", "2"]


BACK_SET, NIGHT, RULE = permission_set("Back"), group("night", "ana"), policy("p8", "prod", name="by hand")
LATER: dict[str, tuple[Any, Any]] = {
    "a set's policy": (BACK_SET, changed("permission set", "Back", aws=(FULL,))),
    "a set's inline policy": (BACK_SET, changed("permission set", "Back", inline=ALLOW)),
    "a set's boundary": (
        permission_set("Back", boundary="/teams/Billing"),
        changed("permission set", "Back", boundary=""),
    ),
    "a group's members": (NIGHT, changed("group", "night", members=("ana", "bo"))),
    "a policy's document": (RULE, changed("policy", "p8", document=ALLOW)),
    "a policy's targets": (RULE, changed("policy", "p8", targets=("prod", "root"))),
    "an inline policy": (
        changed("permission set", "Admin", inline=DENY),
        changed("permission set", "Admin", inline=ALLOW),
    ),
    "a boundary": (
        changed("permission set", "Admin", boundary="/teams/Billing"),
        changed("permission set", "Admin", boundary=FULL),
    ),
}
"""What somebody made, and what somebody put into it later."""


SINCE = {
    "set": (permission_set("Back"), changed("permission set", "Back", session="PT2H")),
    "group": (NIGHT, changed("group", "night", name="later")),
    "user": (user("zoe"), changed("user", "zoe", name="later")),
    "unit": (unit("attic", "Attic"), changed("unit", "attic", name="Later")),
    "policy": (policy("p8", "prod", name="no\u200bname"), changed("policy", "p8", name="later", document=ALLOW)),
}


@pytest.mark.parametrize("name", [*LATER, *SINCE])
def test_what_was_accepted_and_changed_since_is_told_so_without_a_line_that_deletes_it(name: str, said: Said) -> None:
    first, later = {**LATER, **SINCE}[name]
    made = DEPLOYED.at_aws(first)
    accepted = {(one.how.value, one.at) for one in compared(made).differences}
    assert compared(made, accepted).differences == ()

    drift = compared(made.at_aws(later), accepted)

    (one,) = drift.differences
    assert (one.how, one.way.undo, said.ids(str(one.way.by_hand))) == (
        DifferenceKind.MADE,
        (),
        ["changed-since-accepted"],
    )
    text = [*_told(Options(Path("config")), DEPLOYED.zone, drift, ())]
    assert (text[0].startswith("changed since "), text[0].endswith(f": {one.kind} {one.name}")) == (True, True)
    assert compared(made.at_aws(later), {(one.how.value, one.at)}).differences == ()


def test_lines_go_to_the_organization_that_was_read() -> None:
    """Some name nothing of one organization alone, and would change another one by the shell's own profile."""
    drift = by_hand(service("ssm.amazonaws.com"), changed("group", "admins", description="Less."))
    options = Options(Path("config"), profile="acme root")

    lines = [one for one in _told(options, DEPLOYED.zone, drift, ()) if one.startswith("  back:")]

    assert len(lines) == 2
    assert all(one.endswith(" --profile 'acme root'") for one in lines), lines


def test_names_from_aws_are_data_in_a_line() -> None:
    """A name is shown and a value is quoted, whatever somebody with rights at AWS writes into it."""
    name = "x.amazonaws.com; rm -rf $(echo /)\n"

    (one,) = by_hand(service(name)).differences

    assert shlex.split(str(one.way.undo[0]).replace("$'", "'"))[:5] == [
        *("aws", "organizations", "disable-aws-service-access", "--service-principal"),
        name.replace("\n", "\\n").replace("\\n", "\\x0a"),
    ]


def test_an_account_that_was_let_go_is_no_drift() -> None:
    let_go = changed("account", "a4", retired=True), gone(grant("Reader", "readers-of-it", "a4"))
    there = DEPLOYED.in_yaml(let_go).in_state(changed("account", "a4", retired=True))

    assert told(compared(there.at_aws(changed("account", "a4", name="theirs now")))) == []


def test_what_a_state_noted_and_nobody_declares_is_left_on() -> None:
    """A deploy writes into the state what is on, whoever switched it on; a type without policies does nothing."""
    more = service("ssm.amazonaws.com"), policy_type("TAG_POLICY")
    later = DEPLOYED.at_aws(more).in_state(more)

    drift = compared(later)

    assert told(drift) == ["left-on trusted service ssm.amazonaws.com"]
    assert drift.waiting == ()
    assert [str(one.way.undo[0]).split()[2] for one in drift.differences] == ["disable-aws-service-access"]
    for finding in ("made-outside", "left-on"):
        meant = compared(later, {(finding, "trusted service ssm.amazonaws.com")})
        assert told(meant) == []


def test_what_was_taken_out_of_the_yaml_is_not_made_outside(edited: Edited) -> None:
    """No deploy switches a service off unless disable_services has it."""
    edited.edit("organization.yaml", "  - config.amazonaws.com\n", "")
    edited.edit("organization.yaml", "delegated_administrators:\n  config.amazonaws.com: a2\n", "")

    drift = edited.compared(DEPLOYED)

    assert told(drift) == ["left-on trusted service config.amazonaws.com"]
    by_hand_ = drift.differences[0].way.by_hand
    assert by_hand_
    assert by_hand_.id == "keep-service-off"
    assert drift.waiting == ("delegated administrator a2 of config.amazonaws.com",)
    edited.edit("organization.yaml", "disable_services:\n", "disable_services:\n  - config.amazonaws.com\n")
    later = edited.compared(DEPLOYED)
    assert told(later) == []
    assert "trusted service config.amazonaws.com" in later.waiting


@pytest.mark.parametrize(("principal", "type"), aws_limits().delegated_by_own_resource.items())
def test_a_delegation_by_a_layers_own_resource_is_no_drift(principal: str, type: str) -> None:
    """The line would take the administrator from it."""
    watch = layer("watch", {f"{type}.main": {"id": SHOP, "admin_account_id": SHOP}})
    both = delegated(principal, "a3"), delegated(principal, "a4")

    drift = compared(DEPLOYED.at_aws(both).in_state(watch))

    assert told(drift) == [f"made delegated administrator a4 of {principal}"]


def test_an_entry_that_aws_has_already_waits_for_nothing() -> None:
    """No plan shows it, so that no deploy would write it into the state."""
    there = DEPLOYED.in_yaml(service("ssm.amazonaws.com"))

    assert compared(there).waiting == ("trusted service ssm.amazonaws.com",)
    already = compared(there.at_aws(service("ssm.amazonaws.com")))
    assert (told(already), already.waiting) == ([], ())


def test_the_text_has_the_place_the_values_and_lines_to_copy(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    edited.edit("sso.yaml", "session_duration: PT2H", "session_duration: PT4H")
    (edited.path / "accepted.yaml").write_text(
        "- {finding: made-outside, at: trusted service ssm.amazonaws.com, reason: a trial}\n"
        "- {finding: gone-outside, at: user bo, reason: long ago}\n"
        "- {finding: gone-outside, at: user ana, reason: over, until: 2020-01-01}\n"
    )
    here = load(edited.path)
    there = DEPLOYED.at_aws(
        service("ssm.amazonaws.com"),
        changed("group", "admins", description="Less."),
        grant("Admin", "readers-of-it", "a3"),
    )
    accepted = [one for one in here.accepted if one.until is None]
    drift = compare(here, there.states, there.inventory, {(one.finding, one.at) for one in accepted})

    monkeypatch.delenv("STRATA_CONFIG", raising=False)
    lines = list(_told(Options(Path("config")), here, drift, accepted))

    assignment = "assignment Admin of group readers-of-it in a3"
    assert lines == [
        f"made outside: {assignment}",
        f"  back:  {drift.differences[0].way.undo[0]}",
        "  keep:  write it under assignments in sso.yaml",
        f"  meant: accepted.yaml, finding: made-outside, at: {assignment}",
        "config/sso.yaml:11: changed outside: group admins: description is 'Less.' at AWS, 'Full.' when it was "
        "deployed",
        "  back:  strata deploy sso",
        '  keep:  write description: "Less." at groups.admins in sso.yaml',
        '  meant: accepted.yaml, finding: changed-outside, at: "group admins: description is Less."',
        "accepted.yaml:2: accepts gone-outside at user bo, and there is none; remove it",
        "1 change waits for strata deploy: permission set Rich",
        "2 differences, 1 accepted",
    ]
    assert "aws sso-admin delete-account-assignment" in lines[1]
    assert lines[4] in _told(Options(Path.cwd() / "config"), here, drift, accepted), "as check and explain show it"
    elsewhere = list(_told(Options(Path("my config")), here, drift, accepted))
    assert "  back:  strata deploy sso --config 'my config'" in elsewhere


GIVEN = Organization(
    account("shop"),
    *(user(key) for key in ("ana", "bo")),
    group("one", "ana", "bo"),
    group("two", "ana"),
    permission_set("Read", "ReadOnlyAccess"),
    grant("Read", "one", "shop"),
    grant("Read", "ana", "shop", "management"),
)
EMPTY = GIVEN.at_aws(changed("group", "one", members=("bo",)), changed("group", "two", members=()), gone("user", "ana"))
AGAIN: dict[str, tuple[Organization, str, list[str]]] = {
    "a user with everything": (GIVEN.at_aws(changed("user", "ana", number=7)), "user ana", ["membership"]),
    "a user with nothing": (EMPTY.at_aws(user("ana", number=7)), "user ana", ["assignment", "membership"]),
    "a group": (
        GIVEN.at_aws(gone("group", "one")).at_aws(group("one", number=7)),
        *("group one", ["assignment", "membership"]),
    ),
    "a permission set": (
        GIVEN.at_aws(gone("permission set", "Read")).at_aws(permission_set("Read", number=7)),
        *("permission set Read", ["assignment", "permission set policy"]),
    ),
}


@pytest.mark.parametrize(("there", "name", "kinds"), AGAIN.values(), ids=AGAIN)
def test_what_was_made_again_stands_beside_what_it_lost(there: Organization, name: str, kinds: list[str]) -> None:
    (again,) = (one for one in compared(there).differences if f"{one.kind} {one.name}" == name)

    assert (again.attribute, again.way.deploy) == ("id", ("sso",))
    assert again.way.undo[-1].split()[2].startswith("delete-")
    lost = [one for one in compared(there).differences if one.name != again.name]
    assert sorted({one.kind for one in lost}) == kinds
    assert {one.way.deploy for one in lost} == {("sso",)}


def test_a_name_that_differs_in_form_alone_is_another_one() -> None:
    """Terraform composes names, and AWS compares the bytes: what was made beside a thing is not that."""
    composed, apart = "Caf\u00e9", "Cafe\u0301"
    there = Organization(unit("u9", composed), policy("p9", "root", name=composed), group("g9", name=composed))
    twins = there.at_aws(unit("u1", apart), policy("p1", "root", name=apart), group("g1", name=apart))
    kinds: tuple[tuple[Key, str, str], ...] = (
        ("ou", "unit", "u9"),
        ("policy", "policy", "p9"),
        ("group", "group", "g9"),
    )

    known = known_keys(there.zone, twins.inventory, imported={})
    drift = compared(twins)

    assert {key: [*known[kind]] for kind, _, key in kinds} == {key: [there.id(word, key)] for _, word, key in kinds}
    assert {one.how.value for one in drift.differences} == {"made-outside"}
    lines = " ".join(str(line) for one in drift.differences for line in one.way.undo)
    assert not any(there.id(word, key) in lines for _, word, key in kinds)


@pytest.mark.parametrize("kind", OF_ACCOUNTS, ids=lambda kind: f"{kind.name} {kind.control}".strip())
def test_a_thing_in_an_account_has_the_name_of_its_account_and_the_stack_of_it(kind: Kind) -> None:
    """The addresses are the same in the state of each account."""
    zone = load(EVERY_OPTION)

    things = list(kind.declared(zone))

    assert things or kind.control == "serial_console_access", "tests/every_option has one of each, and that unmanaged"
    for thing in things:
        account = account_of(thing.name)
        assert account in zone.accounts
        assert kind_of(thing.kind, thing.name) is kind
        assert kind.stack_of(thing.name) in ("accounts", f"baseline_{account}")
        assert zone.source(thing.file, thing.location).line > 1


def test_states_of_accounts_are_told_apart() -> None:
    """Those of the layers that come with Strata are no others' layers, and those of layers of one's own are."""
    zone = load(EVERY_OPTION)
    made = [{"attributes": {"name": "auditor", "id": "auditor"}}]
    state = {"resources": [{"mode": "managed", "type": "aws_iam_role", "name": "auditor", "instances": made}]}

    said = states_of({"baseline_shop": state, "baseline_audit": state, "log_shop": state}, zone)

    names = [name for kind, name in recorded_side(zone, said) if kind == "role"]
    assert sorted(names) == ["auditor of audit", "auditor of shop"]
    assert said.elsewhere == {("aws_iam_role", "auditor")}
    assert said.attributes == {}


def test_accounts_that_are_unread_for_the_same_reason_are_a_line() -> None:
    """Each has another id in it; another reason, and another kind, is another line."""
    denied = {
        f"baseline_team-{number}": f"no entry to {number:012} of team-{number} for {999:012}" for number in range(200)
    }
    reasons = {**denied, "role of team-7": "not allowed", "baseline_shop": "throttled"}
    drift = Drift(unread={part: Message("part-unread", reason) for part, reason in reasons.items()})

    *lines, _ = _told(Options(Path("config")), DEPLOYED.zone, drift, ())

    assert len(lines) == 3
    assert re.match("unread: baseline in 200 accounts, team-0, team-1, .* more .*: no entry to 0{12} ", lines[0])
