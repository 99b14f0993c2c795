"""Ways back are printed in the order in which they work, and `strata drift --back` runs them in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from strata.aws.session import Aws, Client
from strata.commands import drift as drift_command
from strata.commands.drift.back import Back, Step, put_back, steps_of
from strata.config import models
from strata.drift.comparison import Drift, compare
from strata.drift.difference import Difference
from strata.errors import Message
from strata.kinds.cli import Line
from strata.terraform.preflight import RefusedError
from tests.drifting import told
from tests.organizations import (
    ALLOW,
    MANAGEMENT,
    Organization,
    account,
    attribute,
    changed,
    delegated,
    denied,
    gone,
    grant,
    group,
    no_full_access,
    permission_set,
    policy,
    policy_type,
    unit,
    user,
)
from tests.organizations.drifts import BY_HAND
from tests.said import Said
from tests.scenarios.aws_cli import parse

THERE = Organization(
    unit("lab", "Lab"),
    *(unit(key, key.title(), within="lab") for key in ("left", "right", "third")),
    account("shop", within="left"),
    account("audit", within="right"),
    *(user(key) for key in ("bo", "cy")),
    *(group(key, "bo", name=key.title()) for key in ("reds", "blues")),
    permission_set("Reads"),
    grant("Reads", "reds", "shop"),
)


def compared(there: Organization) -> Drift:
    return compare(there.zone, there.states, there.inventory)


def ways(there: Organization) -> list[str]:
    """Returns what is run, each line by its operation and the name that it gives."""
    return [_short(step) for step in steps_of(there.zone, compared(there))]


def _short(step: Step) -> str:
    if not isinstance(step, Line):
        return f"deploy {' '.join(step)}"
    operations = step.parameters.get("operations")
    name = operations[0]["AttributeValue"] if operations else step.parameters.get("name", "")
    return f"{step.operation} {str(name).partition('-')[0]}".strip()


def test_names_in_a_circle_are_freed_before_the_deploy_that_gives_them_back() -> None:
    circle = {"left": "Right", "right": "Third", "third": "Left"}

    by_hand = THERE.at_aws(*(changed("unit", key, name=name) for key, name in circle.items()))

    rename = "update-organizational-unit"
    assert sorted(ways(by_hand)[:3]) == [f"{rename} Left", f"{rename} Right", f"{rename} Third"]
    assert ways(by_hand)[3:] == ["deploy organizations"]


def test_names_that_no_file_writes_go_back_by_lines_alone() -> None:
    three = {f"team{number}": f"team{number % 3 + 1}" for number in (1, 2, 3)}
    there = THERE.but(*map(group, three))
    names = {there.id("group", key): name for key, name in three.items()}

    drift = compared(there.at_aws(*(changed("group", key, name=name) for key, name in three.items())))

    for line in (each for one in drift.differences for each in one.way.undo):
        name = line.parameters["operations"][0]["AttributeValue"]
        assert name not in names.values(), line
        names[line.parameters["group_id"]] = name
    assert names == {there.id("group", key): key for key in three}


def test_a_name_that_nobody_else_wants_stays() -> None:
    chain = THERE.at_aws(changed("group", "reds", name="Greens"), changed("group", "blues", name="Reds"))

    assert ways(chain) == ["update-group Reds", "deploy sso"]


def test_all_names_are_freed_before_the_first_deploy() -> None:
    """A deploy of people may take the organization with it."""
    units = changed("unit", "left", name="Right"), changed("unit", "right", name="Left")

    both = THERE.at_aws(*units, changed("group", "reds", name="Blues"), changed("group", "blues", name="Reds"))

    assert [one.partition(" ")[0] for one in ways(both)] == [
        *("update-group", "update-group", "update-organizational-unit", "update-organizational-unit"),
        "deploy",
    ]
    assert ways(both)[-1] == "deploy organizations sso"


def test_what_takes_away_goes_before_what_is_put_back() -> None:
    service = "access-analyzer.amazonaws.com"
    there = THERE.but(delegated(service, "audit"))

    moved = there.at_aws(gone("delegation", f"{service} audit"), delegated(service, "shop"))

    assert [one.partition(" ")[0] for one in told(compared(moved))] == ["made", "gone"]
    assert ways(moved) == ["deregister-delegated-administrator", "deploy organizations"]


def test_a_unit_goes_after_the_deploy_that_empties_it() -> None:
    attic = unit("attic", "Attic")

    filled = THERE.at_aws(attic, changed("account", "shop", within="attic"))
    kept = THERE.at_aws(attic, account("new", within="attic"))

    assert ways(filled) == ["deploy organizations", "delete-organizational-unit"]
    by_hand = {one.kind: getattr(one.way.by_hand, "id", "") for one in compared(kept).differences}
    assert (ways(kept), by_hand["organizational unit"]) == ([], "unit-not-empty")


def test_the_only_policy_of_a_unit_goes_after_the_deploy_that_gives_it_another() -> None:
    """AWS detaches no last one; beside another one it goes first, as AWS takes only some."""
    there = THERE.but(policy("guard", "left"), no_full_access("left"))
    mine = policy("mine", "left")

    exchanged = there.at_aws(changed("policy", "guard", targets=()), mine)
    beside = there.at_aws(mine)

    assert ways(exchanged) == ["attach-policy", "deploy organizations", "detach-policy", "delete-policy"]
    assert ways(beside) == ["attach-policy", "detach-policy", "delete-policy"]


def test_full_access_goes_only_once_something_else_allows() -> None:
    """Beside a policy that only denies, everything below would be denied until the deploy."""
    listed = THERE.but(policy("deny", "left"), policy("allow", "left", document=ALLOW), no_full_access("left"))
    zone = replace(listed.zone, organization=detached(listed.zone.organization, "left"))
    open_ = THERE.but(policy("deny", "left"), policy("allow", document=ALLOW))

    drift = compare(zone, listed.states, open_.inventory)

    assert [_short(step) for step in steps_of(zone, drift)] == ["deploy organizations", "detach-policy"]


def detached(organization: models.Organization, unit_: str) -> models.Organization:
    full = models.PolicyEntry.model_validate(
        {"external": True, "type": "SERVICE_CONTROL_POLICY", "detached": {"organizational_units": [unit_]}}
    )
    return organization.model_copy(update={"policies": {**organization.policies, "FullAWSAccess": full}})


def test_the_policy_of_a_made_unit_goes_after_it_with_nothing_to_detach() -> None:
    made = THERE.at_aws(unit("attic", "Attic"), policy("mine", "attic"), no_full_access("attic"))

    assert ways(made) == ["delete-organizational-unit", "delete-policy"]


def test_a_user_gets_its_name_back_after_who_took_it_is_deleted() -> None:
    there = THERE.but(user("zoe"))
    taken = there.at_aws(changed("user", "bo", name="old@example.com"), user("other", name="bo@example.com"))

    assert [one.partition(" ")[0] for one in ways(taken)][:1] == ["delete-user"]


def test_a_set_reaches_its_accounts_after_its_last_change() -> None:
    more = THERE.at_aws(changed("permission set", "Reads", aws=("ReadOnlyAccess", "IAMFullAccess"), inline=ALLOW))

    operations = [one for one in ways(more) if one != "deploy sso"]
    assert operations[-1:] == ["provision-permission-set"]
    assert operations.count("provision-permission-set") == 1


def test_no_deploy_opens_an_account_that_left(tmp_path: Path, said: Said) -> None:
    left = THERE.at_aws(gone("account", "audit"), changed("unit", "left", name="Wrong"))

    refused = left.run("drift", "--back", "--yes", folder=tmp_path / "config")

    assert (refused.exit_code, "account-would-be-opened" in said.ids(refused)) == (1, True)


def test_what_was_made_again_loses_what_it_was_given_before_it_goes() -> None:
    """Its grants are as declared by its name, so that nothing else tells of them."""
    again = THERE.at_aws(changed("group", "reds", number=77), changed("permission set", "Reads", number=78))

    deletions = [one for one in ways(again) if one.startswith(("delete", "deploy"))]

    assert deletions == [
        *("delete-account-assignment", "delete-permission-set", "delete-group-membership", "delete-group"),
        "deploy sso",
    ]


def test_each_line_is_called_as_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    called = list[Any]()
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lambda _, *given: called.append(given))
    lines = [line for one in BY_HAND.values() for way in compared(one.there).differences for line in way.way.undo]
    for line in lines:
        here = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        Client(boto3.client(line.service, **here), None).as_cli(line.operation, line.parameters)
        parsed = parse(shlex.split(str(line))[1:])
        assert (called[-1][1], line.operation.replace("-", "_")) == (parsed.parameters, parsed.operation)
    assert len(called) == len(lines) > 20


NEVER = {"close-account", "remove-account-from-organization", "leave-organization", "delete-organization"}
BY_A_PERSON = {
    "disable-policy-type",
    "invite-account-to-organization",
    "delete-instance-access-control-attribute-configuration",
}


def test_no_line_takes_an_account_away_and_what_takes_more_is_left_to_a_person() -> None:
    printed, run = set[str](), set[str]()
    two_attributes = THERE.at_aws(attribute("team", "${path:userName}"), attribute("cost", "${path:title}"))
    for there in (*(one.there for one in BY_HAND.values()), two_attributes):
        drift = compared(there)
        printed |= {line.operation for each in drift.differences for line in each.way.undo}
        run |= {step.operation for step in steps_of(there.zone, drift) if isinstance(step, Line)}

    assert not printed & NEVER
    assert printed - run == BY_A_PERSON
    assert [len(one.way.undo) for one in compared(two_attributes).differences] == [1, 0]  # it goes only once


def test_access_in_an_account_that_nobody_declares_is_left_with_it() -> None:
    """Account Factory opens an account with a user of its own, and gives Control Tower's groups access there."""
    by_hand = THERE.at_aws(
        [account("pay"), user("owner"), user("guest"), permission_set("Theirs")],
        [grant("Theirs", "owner", "pay"), grant("Reads", "reds", "pay"), grant("Reads", "guest", "audit")],
    )

    left = [(one.kind, getattr(one.way.by_hand, "id", "")) for one in compared(by_hand).differences if not one.way.undo]

    assert sorted(left) == [
        ("account", "leave-to-others"),
        *[(kind, "left-with-account") for kind in ("assignment", "assignment", "permission set", "user")],
    ]
    assert ways(by_hand) == ["delete-account-assignment", "delete-user"]


def test_access_by_a_group_and_guardrails_of_an_account_that_nobody_declares_are_left_with_it() -> None:
    """A membership in a declared group is not: somebody would have access everywhere by it, and keep it."""
    by_hand = THERE.but([policy("ours", "lab")]).at_aws(
        [unit("theirs", "Theirs"), account("pay", within="theirs"), user("fay"), group("night", "fay")],
        [
            grant("Reads", "night", "pay"),
            grant("Reads", "reds", "pay"),
            policy("apart", "pay"),
            policy("unit", "theirs"),
        ],
        [changed("group", "reds", members=("bo", "fay")), changed("policy", "ours", targets=("lab", "pay"))],
    )

    left = {(one.kind, one.name) for one in compared(by_hand).differences if getattr(one.way.by_hand, "id", "") == LEFT}

    assert {kind for kind, _ in left} == {"assignment", "attachment", "group", "policy", "user"}
    assert ways(by_hand) == ["delete-group-membership"]


def test_an_account_that_nobody_declares_keeps_no_policy_at_the_root() -> None:
    by_hand = THERE.at_aws([account("pay"), policy("apart", "root")])

    assert ways(by_hand) == ["detach-policy", "delete-policy"]


def test_access_in_an_account_whose_entry_no_deploy_has_taken_is_left_with_it() -> None:
    """Its owner would lose it between `strata add account` and the deploy."""
    at_aws = account("pay", within="left"), grant("Reads", "blues", "pay")
    there = THERE.but(grant("Reads", "bo", "shop"))
    written = there.at_aws(*at_aws).in_yaml(account("pay", within="left"))
    closed = written.at_aws(changed("account", "pay", state="CLOSED"))

    (left,) = compared(written).differences

    assert isinstance(left.way.by_hand, Message)
    assert (left.way.undo, left.way.by_hand.id, left.way.by_hand.data["accounts"]) == ((), LEFT, ["pay"])
    assert [one.way.undo != () for one in compared(there.but(*at_aws[:1]).at_aws(*at_aws[1:])).differences] == [True]
    assert ways(closed) == ["delete-account-assignment"]


LEFT = "left-with-account"


# Deploys that fail until an account is declared


BESIDE_DEPLOYS = (
    changed("group", "blues", members=("bo", "cy")),
    changed("unit", "left", name="Wrong"),
    changed("group", "reds", number=77),
    unit("attic", "Attic"),
    changed("account", "shop", within="attic"),
)


def test_no_deploy_is_a_way_back_while_an_account_is_undeclared() -> None:
    """Nor what goes before it alone, such as the deletion of a group that it makes again, or only after it."""
    before = ways(THERE.at_aws(*BESIDE_DEPLOYS))
    stopped = THERE.at_aws(*BESIDE_DEPLOYS, account("pay"))

    left = {(one.kind, one.attribute) for one in compared(stopped).differences if _is_for_account(one)}

    assert {"delete-group", "delete-organizational-unit", "deploy organizations sso"} < {*before}
    assert ways(stopped) == ["delete-group-membership"]
    kinds = {("group", "id"), ("organizational unit", ""), ("organizational unit", "name"), ("account", "unit")}
    assert left == kinds


def _is_for_account(difference: Difference) -> bool:
    return getattr(difference.way.by_hand, "id", "") == "account-first"


def test_a_deploy_is_the_way_back_beside_an_account_at_which_none_stops() -> None:
    wrong = THERE.at_aws(changed("unit", "left", name="Wrong"))
    theirs = wrong.at_aws(account("pay"))
    unmanaged = theirs.zone.organization.model_copy(update={"unmanaged_accounts": ("Pay@Example.com",)})

    drift = compare(replace(theirs.zone, organization=unmanaged), theirs.states, theirs.inventory)

    assert [_short(step) for step in steps_of(theirs.zone, drift)] == ["deploy organizations"]
    assert ways(wrong.at_aws(account("pay", state="CLOSED"))) == ["deploy organizations"]
    assert ways(wrong.but(account("pay"))) == ["deploy organizations"]


def test_back_runs_the_rest_of_what_waits_for_an_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = Ran(monkeypatch)

    done = THERE.at_aws(*BESIDE_DEPLOYS, account("pay")).run("drift", "--back", "--yes", folder=tmp_path / "config")

    assert ran.steps == ["delete-group-membership"]
    assert (done.exit_code, _words(done.stdout)) == (3, [])


def test_a_policy_beside_full_access_is_detached_before_a_deploy() -> None:
    there = THERE.but(policy("ours", "lab"))

    more = there.at_aws(changed("policy", "ours", targets=("lab", "third")), changed("unit", "left", name="Wrong"))

    assert ways(more) == ["detach-policy", "deploy organizations"]


class Ran:
    """What was run, and what becomes of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *fails: BaseException, code: int = 0) -> None:
        self.steps, self.fails, self.code = list[str](), [*fails], code
        monkeypatch.setattr("strata.commands.drift.back._call", lambda _, line: self._done(line.operation))
        monkeypatch.setattr("strata.commands.deploy.run", self._deployed)

    def _done(self, step: str) -> None:
        self.steps.append(step)
        if self.fails:
            raise self.fails.pop()

    def _deployed(self, *_: Any, stacks: Sequence[str], yes: bool, **more: Any) -> int:
        assert yes
        assert more["command"] == "strata drift --back"  # what an interrupted deploy says is to be run again
        self.steps.append(f"deploy {' '.join(stacks)}")
        self.allowed = more["allow"]
        return self.code


SWAPPED = THERE.at_aws(changed("group", "reds", name="Blues"), changed("group", "blues", name="Reds"))


def test_back_runs_the_lines_and_looks_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = Ran(monkeypatch)

    done = SWAPPED.run("drift", "--back", "--yes", folder=tmp_path / "config")

    assert ran.steps == ["update-group", "update-group", "deploy sso"]
    assert (done.exit_code, done.stdout.count("2 differences")) == (3, 2)


def test_what_aws_lists_a_moment_later_is_not_told_as_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Ran(monkeypatch)
    there, looks, look = fresh(SWAPPED), list[int](), drift_command._look

    def lagging(*given: Any) -> Any:
        looks.append(1)
        if len(looks) == 3:  # the one before, the one after, and once more
            there.answers.side = THERE.aws
        return look(*given)

    monkeypatch.setattr(drift_command, "_look", lagging)

    done = there.run("drift", "--back", "--yes", folder=tmp_path / "config")

    assert (done.exit_code, done.stdout.count("2 differences"), len(looks)) == (0, 1, 3)


def _words(stdout: str) -> list[str]:
    told = [line.partition(" --")[0] for line in stdout.splitlines()]
    return [line for line in told if line.startswith(("done: ", "not done: ", "broken off", "left: "))]


def test_it_stops_at_the_deploy_that_fails_with_its_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All stacks may have been deployed by then, which the deploy has said."""
    Ran(monkeypatch, code=130)

    done = SWAPPED.run("drift", "--back", "--yes", folder=tmp_path / "config")

    rename = "aws identitystore update-group"
    assert done.exit_code == 130
    *lines, last = _words(done.stdout)
    assert lines == [f"done: {rename}", f"done: {rename}"]
    assert last.startswith("broken off")


def test_an_interrupt_says_what_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Ran(monkeypatch, KeyboardInterrupt())

    done = SWAPPED.run("drift", "--back", "--yes", folder=tmp_path / "config")

    rename = "aws identitystore update-group"
    assert done.exit_code == 130
    assert _words(done.stdout) == [f"not done: {rename}", f"left: {rename}", "left: strata deploy sso"]


def test_a_refused_deploy_says_not_that_nothing_was_changed_after_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Sequence[str]) -> int:
        raise RefusedError([])

    monkeypatch.setattr("strata.commands.drift.back._call", lambda *_: None)
    steps, nobody = steps_of(SWAPPED.zone, compared(SWAPPED)), cast("Aws", None)
    for some, is_changed in ((steps, True), (steps[-1:], False)):
        with pytest.raises(RefusedError) as raised:
            put_back(nobody, some, Back(yes=True, allow=(), deploy=refused), str)
        assert raised.value.applied is is_changed


def test_nothing_is_run_where_something_is_unread_or_only_a_person_can(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Said
) -> None:
    ran = Ran(monkeypatch)
    unread = SWAPPED.at_aws(denied("organizations:ListPolicies"))
    on = THERE.at_aws(policy_type("BACKUP_POLICY"))

    first = unread.run("drift", "--back", "--yes", folder=tmp_path / "unread")
    second = on.run("drift", "--back", "--yes", folder=tmp_path / "on")

    assert (ran.steps, first.exit_code, second.exit_code) == ([], 1, 3)
    assert [one.id for one in said(first.stderr)].count("nothing-put-back") == 1
    left, nothing = (one for one in said(second.stderr) if one.id in ("left-to-hand", "nothing-put-back"))
    assert (left.data["things"], nothing.id) == (["policy type BACKUP_POLICY"], "nothing-put-back")


def test_what_a_closed_account_has_that_nobody_declares_is_no_difference() -> None:
    """AWS keeps it until the account is gone, and takes it away for nobody."""
    old = account("old", state="CLOSED"), grant("Reads", "reds", "old")

    assert told(compared(THERE.at_aws(*old))) == []


def test_a_policy_of_a_type_that_the_provider_does_not_know_stays() -> None:
    """Neither --back nor a configuration can have it: who made it, by another tool, is told to take it away."""
    type = policy_type("GUARDDUTY_POLICY")
    made = THERE.at_aws(type, policy("scans", "lab", type="GUARDDUTY_POLICY"))

    for there in (made, made.in_state(type)):
        assert ways(there) == []
        for way in (one.way for one in compared(there).differences):
            assert way.by_hand
            assert (way.undo, way.by_hand.id) == ((), "policy-type-unknown")


@pytest.mark.parametrize(
    ("words", "id"),
    {
        ("--back",): "nobody-to-ask",
        ("--back", "--json"): "arguments-conflict",
        ("--yes",): "argument-missing",
        ("--allow", "last-administrator"): "argument-missing",
        ("--back", "--yes", "--allow", "all"): "argument-malformed",
    }.items(),
)
def test_who_cannot_be_asked_or_asks_for_both_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Said, words: Sequence[str], id: str
) -> None:
    ran = Ran(monkeypatch)

    refused = SWAPPED.run("drift", *words, folder=tmp_path / "config")

    assert (refused.exit_code, ran.steps) == (2, [])
    assert [one.id for one in said(refused.stderr)] == [id]


# What somebody does between question and answer


def answers(monkeypatch: pytest.MonkeyPatch, there: Organization, *meanwhile: Organization) -> list[str]:
    """Has somebody agree to each question, while AWS becomes another; returns the questions."""
    asked, later = list[str](), iter(meanwhile)

    def confirmed(question: str, **_: Any) -> bool:
        asked.append(question)
        there.answers.side = next(later, there).aws
        vars(there.answers).pop("assigned", None)
        return True

    monkeypatch.setattr("strata.terminal.interactive", lambda: True)
    monkeypatch.setattr("strata.commands.drift.back.confirmed", confirmed)
    return asked


def fresh(there: Organization) -> Organization:
    """Returns the same organization, whose answers a test may change."""
    return there.at_aws()


def test_lines_that_differ_after_the_answer_are_asked_about_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Said
) -> None:
    ran, there = Ran(monkeypatch), fresh(SWAPPED)
    later = SWAPPED.at_aws(group("night", "bo"))
    asked = answers(monkeypatch, there, later, later)

    done = there.run("drift", "--back", folder=tmp_path / "config")

    assert ("drift-differs" in said.ids(done), len(asked)) == (True, 2)
    assert sorted(ran.steps[:-1]) == ["delete-group", "update-group", "update-group"]
    assert [one[:11] for one in asked] == ["run 2 lines", "run 3 lines"]


def test_what_is_put_into_a_thing_before_the_answer_does_not_go_with_it_unasked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line is the same; what it deletes is not."""
    Ran(monkeypatch)
    there, later = fresh(THERE.at_aws(group("night"))), THERE.at_aws(group("night", "bo"))

    asked = answers(monkeypatch, there, later, later)
    there.run("drift", "--back", folder=tmp_path / "config")

    assert len(asked) == 2


def test_nothing_is_left_to_run_where_somebody_puts_it_back_before_the_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran, there = Ran(monkeypatch), fresh(SWAPPED)

    asked = answers(monkeypatch, there, THERE)
    done = there.run("drift", "--back", folder=tmp_path / "config")

    assert (ran.steps, len(asked), done.exit_code) == ([], 1, 0)


def test_who_asks_for_no_question_gets_what_was_read_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Ran(monkeypatch)

    done = fresh(SWAPPED).run("drift", "--back", "--yes", folder=tmp_path / "config")

    assert done.output.count("AWS was asked") == 2  # before, and after all was run


# The access of whoever runs it

ANA = f"arn:aws:sts::{MANAGEMENT}:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/Ana@Example.com"
FULL = permission_set("Admin", "AdministratorAccess")
BY_GROUP = THERE.but(user("ana"), group("admins", "bo"), FULL, grant("Admin", "admins", "management", "shop"))
PUT_IN = changed("group", "admins", members=("ana", "bo"))
FEW = THERE.but(user("ana"), permission_set("Admin", "ReadOnlyAccess"), grant("Admin", "ana", "management"))
MORE_IN_SET = changed("permission set", "Admin", inline=ALLOW)
OWN: dict[str, tuple[Organization, list[str], list[str]]] = {
    "membership": (BY_GROUP.at_aws(PUT_IN), ["membership user ana in group admins"], []),
    "membership beside a grant": (
        BY_GROUP.but(grant("Admin", "ana", "management")).at_aws(PUT_IN),
        *([], ["delete-group-membership"]),
    ),
    "membership of another": (
        BY_GROUP.but(grant("Admin", "ana", "management")).at_aws(changed("group", "admins", members=("bo", "cy"))),
        *([], ["delete-group-membership"]),
    ),
    "grant": (
        THERE.but(user("ana"), FULL).at_aws(grant("Admin", "ana", "management")),
        *(["assignment Admin of user ana in management"], []),
    ),
    "grant elsewhere": (
        BY_GROUP.but(PUT_IN).at_aws(grant("Admin", "ana", "shop")),
        *([], ["delete-account-assignment"]),
    ),
    "user": (
        THERE.but(FULL).at_aws(user("ana"), grant("Admin", "ana", "management"), group("night")),
        ["assignment Admin of user ana@example.com (ID) in management", "user ana@example.com (ID)"],
        ["delete-group"],
    ),
    "permission set": (
        THERE.but(user("ana")).at_aws(FULL, grant("Admin", "ana", "management")),
        ["assignment Admin (ID) of user ana in management", "permission set Admin (ID)"],
        [],
    ),
    "policy": (FEW.at_aws(MORE_IN_SET), ["inline policy Admin"], []),
    "policy beside full access": (
        BY_GROUP.but(PUT_IN).at_aws(MORE_IN_SET),
        *([], ["delete-inline-policy-from-permission-set", "provision-permission-set"]),
    ),
    "policy beside a boundary": (
        FEW.at_aws(changed("permission set", "Admin", inline=ALLOW, boundary="ReadOnlyAccess")),
        *(["inline policy Admin"], ["delete-permissions-boundary-from-permission-set", "provision-permission-set"]),
    ),
    "full access": (
        FEW.at_aws(changed("permission set", "Admin", aws=("AdministratorAccess", "ReadOnlyAccess"))),
        *(["permission set policy AWS AdministratorAccess in Admin"], []),
    ),
    "what a signed-in user of an unknown name has": (
        THERE.but(FULL).at_aws(user("ana", name="other"), grant("Admin", "ana", "management")),
        *(["assignment Admin of user other (ID) in management"], ["delete-user"]),
    ),
}


@pytest.fixture
def as_ana(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.organizations.answers.CALLER", ANA)


@pytest.mark.usefixtures("as_ana")
@pytest.mark.parametrize(("there", "left", "run"), OWN.values(), ids=OWN)
def test_no_line_takes_the_access_of_whoever_runs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Said, there: Organization, left: list[str], run: list[str]
) -> None:
    ran = Ran(monkeypatch)

    done = there.run("drift", "--back", "--yes", folder=tmp_path / "config")

    told = [one.data["things"] for one in said(done.stderr) if one.id == "own-access-goes"]
    assert [re.sub(r"\(\S{16,}\)", "(ID)", thing) for things in told[:1] for thing in things] == left
    assert (ran.steps, done.exit_code) == (run, 3)


@pytest.mark.usefixtures("as_ana")
@pytest.mark.parametrize(
    "there",
    {
        "made again": BY_GROUP.but(PUT_IN).at_aws(changed("group", "admins", number=79), group("night")),
        "a name that another gets back": THERE.but(FULL, user("ana")).at_aws(
            changed("group", "reds", name="Old"),
            group("other", "ana", name="Reds"),
            grant("Admin", "other", "management"),
        ),
    }.values(),
)
def test_nothing_is_run_where_the_rest_works_only_once_own_access_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Said, there: Organization
) -> None:
    ran = Ran(monkeypatch)

    refused = there.run("drift", "--back", "--yes", folder=tmp_path / "config")
    before = ran.steps.copy()
    allowed = there.run("drift", "--back", "--yes", "--allow", "last-administrator", folder=tmp_path / "config")

    assert (before, refused.exit_code, "own-access-goes" in said.ids(refused)) == ([], 1, True)
    assert ("delete-group" in ran.steps, "own-access-goes" in said.ids(allowed)) == (True, True)


@pytest.mark.usefixtures("as_ana")
def test_a_loss_that_is_allowed_is_allowed_in_the_deploy_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran = Ran(monkeypatch)

    SWAPPED.run("drift", "--back", "--yes", "--allow", "mass-deletion", folder=tmp_path / "config")

    assert ran.allowed == ["mass-deletion"]
