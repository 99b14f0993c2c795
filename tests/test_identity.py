"""What an edit would lose is refused: configurations edited line by line, held against what was deployed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from strata.aws.organization import ListedAccount
from strata.aws.session import Aws, Client
from strata.files.template import TEMPLATE
from strata.identity.accounts import left_out, shut
from strata.identity.comparison import Refusal
from strata.identity.declared import declared
from strata.identity.examine import Examination, examine
from strata.identity.live import LiveSide
from strata.identity.lost_states import lost_states
from strata.identity.moves import replayed
from strata.identity.recorded import recorded
from strata.identity.refusals import refusals, warnings
from strata.identity.settled import settled
from strata.identity.things import Holdings
from strata.kinds.moves import newest_keys
from strata.landing_zone import LandingZone
from strata.load import load
from tests.organizations import (
    Organization,
    account,
    control,
    grant,
    group,
    permission_set,
    policy,
    ram_sharing,
    service,
    unit,
    user,
)
from tests.organizations.controls import SETTINGS
from tests.said import Said
from tests.synthesized import STACKS

States = dict[str, dict[str, Any]]
TODAY = dt.date(2026, 11, 25)

CONFIGURATION = {
    "project.yaml": """\
name: acme
short_name: ac
management_account:
  id: "210987654321"
  name: acme-management
  email: aws@acme.io
regions:
  primary: eu-west-1
  secondary: eu-central-1
""",
    "organization.yaml": """\
organizational_units:
  web:
    name: Web
    organizational_units:
      shops:
        name: Shops
  lab:
    name: Lab
accounts:
  web-live:
    email: aws+live@acme.io
    organizational_unit: shops
  web-lab:
    email: aws+lab@acme.io
    organizational_unit: lab
policies:
  no-leave:
    type: SERVICE_CONTROL_POLICY
    file: policies/no-leave.json
    name: NoLeave
    targets:
      organizational_units:
        - web
      accounts:
        - web-lab
  no-root:
    type: SERVICE_CONTROL_POLICY
    file: policies/no-leave.json
    name: NoRoot
    targets:
      root: true
ram_sharing: true
""",
    "security.yaml": """\
trail:
  mode: on
alerts:
  emails:
    - security@acme.io
budget:
  emails:
    - bill@acme.io
""",
    "sso.yaml": """\
users:
  kim:
    given_name: Kim
    family_name: Berg
    email: kim@acme.io
  lou:
    given_name: Lou
    family_name: Dahl
    email: lou@acme.io
groups:
  admins:
    name: Administrators
    members:
      - kim
  devs:
    name: Developers
    members:
      - kim
      - lou
permission_sets:
  Admin:
    policies:
      - aws: AdministratorAccess
  Look:
    name: LookAround
    policies:
      - aws: job-function/ViewOnlyAccess
assignments:
  - permission_sets:
      - Admin
    groups:
      - admins
    accounts: all
  - permission_sets:
      - Look
    groups:
      - devs
    users:
      - lou
    accounts:
      - web-live
      - web-lab
""",
    "policies/no-leave.json": json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
        }
    ),
    "policies/nothing.json": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    ),
}


# What was deployed


LEAVE = CONFIGURATION["policies/no-leave.json"]
THERE = Organization(
    account("management", name="acme-management", email="aws@acme.io"),
    [unit("web", "Web"), unit("shops", "Shops", within="web"), unit("lab", "Lab", number=5)],
    account("web-live", "shops", email="aws+live@acme.io", number=3),
    account("web-lab", "lab", email="aws+lab@acme.io", number=2),
    policy("no-leave", "web", "web-lab", name="NoLeave", document=LEAVE, number=8),
    policy("no-root", "root", name="NoRoot", document=LEAVE),
    user("kim", number=8, name="kim@acme.io", emails=("kim@acme.io",), given="Kim", family="Berg"),
    user("lou", name="lou@acme.io", emails=("lou@acme.io",), given="Lou", family="Dahl"),
    [group("admins", "kim", name="Administrators", number=3), group("devs", "kim", "lou", name="Developers")],
    permission_set("Admin", "AdministratorAccess"),
    permission_set("Look", "job-function/ViewOnlyAccess", name="LookAround"),
    grant("Admin", "admins", "management", "web-live", "web-lab"),
    [grant("Look", who, "web-live", "web-lab") for who in ("devs", "lou")],
    [control(key) for key in (*SETTINGS, "trail", "access_analyzer")],
    [control("alerts", emails=["security@acme.io"]), control("budget", emails=["bill@acme.io"])],
    [service(f"{name}.amazonaws.com") for name in ("account", "access-analyzer", "cloudtrail", "ram")],
    ram_sharing(),
    primary="eu-west-1",
    secondary="eu-central-1",
)
"""What `CONFIGURATION` says."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration that was deployed last."""
    return write(tmp_path_factory.mktemp("config"), CONFIGURATION)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def states() -> States:
    """The states after it was deployed, without what the stacks told the next run."""
    return {stack: {**state, "outputs": {}} for stack, state in THERE.states.items()}


def seen(known: Holdings) -> LiveSide:
    """Returns AWS as the states record its accounts."""
    accounts = {one.id: ListedAccount(one.id, "", one.name, "ACTIVE") for one in known.of("account")}
    return LiveSide(accounts=accounts)


Edit = tuple[str, str, str]
"""The beginning of the file's name, a text that it has, and what stands there afterwards."""


class Says(NamedTuple):
    """A refusal: its id, its place, its values, and the lines to copy."""

    id: str
    place: str
    data: Mapping[str, Any] = {}
    copy: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """An edit of what was deployed, the faults that it is refused with, and the words that allow it."""

    name: str
    edits: tuple[Edit, ...]
    says: tuple[Says, ...] = ()
    allow: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    changes: Callable[[LiveSide, States], tuple[LiveSide, States]] = field(default=lambda live, states: (live, states))

    def __str__(self) -> str:
        return self.name


def out_of_state(stack: str, *addresses: str) -> tuple[str, ...]:
    command = f"terraform -chdir=cdktf.out/stacks/{stack}"
    return f"{command} init", f"{command} state rm {' '.join(addresses)}"


def edited(folder: Path, edits: tuple[Edit, ...], to: Path) -> LandingZone:
    files = dict(CONFIGURATION)
    for start, old, new in edits:
        name = next((name for name in files if name.startswith(start)), start)
        assert old in files.get(name, ""), f"{name} has no {old!r}"
        files[name] = files.get(name, "").replace(old, new, 1)
    return load(write(to, files))


def told(found: Sequence[Refusal], to: Path, said: Said) -> tuple[Says, ...]:
    met = zip(said(found), found, strict=True)
    return tuple(Says(one.id, one.place.removeprefix(f"{to}/"), one.data, refusal.lines) for one, refusal in met)


def copied(states: States) -> States:
    found: States = json.loads(json.dumps(states))
    return found


ORGANIZATION, SSO, PROJECT = "organization", "sso", "project"
LAB = "000000000002"


def renamed(address: str, **attributes: Any) -> Callable[[LiveSide, States], tuple[LiveSide, States]]:
    """Changes attributes of a recorded resource, as if they had been different when it was deployed."""

    def change(live: LiveSide, states: States) -> tuple[LiveSide, States]:
        type, _, name = address.partition(".")
        for state in states.values():
            for resource in state["resources"]:
                if (resource["type"], resource["name"]) == (type, name):
                    resource["instances"][0]["attributes"] |= attributes
        return live, states

    return change


LAB_ENTRY = """\
  web-lab:
    email: aws+lab@acme.io
    organizational_unit: lab
"""
WITHOUT_LAB: tuple[Edit, ...] = (
    (ORGANIZATION, "      accounts:\n        - web-lab\n", ""),
    (SSO, "      - web-lab\n", ""),
)
WITHOUT_UNIT = (ORGANIZATION, "  lab:\n    name: Lab\n", "")
LABS = ((ORGANIZATION, "  lab:\n", "  labs:\n"), (ORGANIZATION, "unit: lab", "unit: labs"))
MOVED_LAB = (ORGANIZATION, "organizational_unit: lab", "organizational_unit: shops")
LAB_WEB: tuple[Edit, ...] = (
    (ORGANIZATION, "  web-lab:\n", "  lab-web:\n"),
    (ORGANIZATION, "        - web-lab", "        - lab-web"),
    (SSO, "      - web-lab", "      - lab-web"),
)
IN_CONTROL_TOWER: tuple[Edit, ...] = (
    (SSO, "      - admins\n", "      - tower\n"),
    (SSO, "groups:\n", "groups:\n  tower:\n    name: AWSControlTowerAdmins\n    external: true\n"),
)
LOU_GOES: tuple[Edit, ...] = (
    (SSO, "  lou:\n    given_name: Lou\n    family_name: Dahl\n    email: lou@acme.io\n", ""),
    (SSO, "      - lou\n", ""),
    (SSO, "    users:\n      - lou\n", ""),
)
POLICIES = CONFIGURATION["organization.yaml"].partition("policies:\n")[2].partition("ram_sharing")[0]


def held(states: Mapping[str, Any]) -> Holdings:
    """Returns what some states record, whatever the configuration is."""
    return recorded(_template(), states)


@cache
def _template() -> LandingZone:
    return load(TEMPLATE)


def not_live(id: str) -> Callable[[LiveSide, States], tuple[LiveSide, States]]:
    def change(live: LiveSide, states: States) -> tuple[LiveSide, States]:
        return replace(live, accounts={key: one for key, one in (live.accounts or {}).items() if key != id}), states

    return change


def retired_before(live: LiveSide, states: States) -> tuple[LiveSide, States]:
    """As after a deploy with web-lab as a retired account."""
    for state in states.values():
        state["resources"] = [one for one in state["resources"] if not one["name"].startswith("web-lab")]
    states["organizations"]["outputs"]["declared_keys"] = {"value": {"retired": {"web-lab": "aws+lab@acme.io"}}}
    account = ListedAccount(LAB, "acme-web-lab", "aws+lab@acme.io", "ACTIVE")
    return replace(live, accounts={**(live.accounts or {}), LAB: account}), states


def lab_is(state: str, *, in_state: bool = True) -> Callable[[LiveSide, States], tuple[LiveSide, States]]:
    """Has AWS close or suspend the account web-lab, which the states have or do not."""

    def change(live: LiveSide, states: States) -> tuple[LiveSide, States]:
        if not in_state:
            _, states = retired_before(live, states)
            states["organizations"]["outputs"] = {}
        account = ListedAccount(LAB, "acme-web-lab", "AWS+lab@acme.io", state)
        return replace(live, accounts={**(live.accounts or {}), LAB: account}), states

    return change


def recorded_as_well(address: str, beside: str) -> Callable[[LiveSide, States], tuple[LiveSide, States]]:
    """Records an object under a second name, as a rename leaves it that was broken off."""

    def change(live: LiveSide, states: States) -> tuple[LiveSide, States]:
        type, _, name = address.partition(".")
        for state in states.values():
            for resource in list(state["resources"]):
                if (resource["type"], resource["name"]) == (type, name):
                    state["resources"].append({**resource, "name": beside})
        return live, states

    return change


NEW_GROUP = (SSO, "groups:\n", "groups:\n  ops:\n    name: Operators\n    members:\n      - lou\n")

CASES = (
    Case("nothing changes", ()),
    Case(
        "an account's key changes",
        LAB_WEB,
        (
            Says(
                "key-renamed",
                "organization.yaml:13: accounts.lab-web",
                {"kind": "account", "old": "web-lab", "new": "lab-web", "lost": []},
                ("strata rename account web-lab lab-web",),
            ),
        ),
    ),
    Case("an account is retired", ((ORGANIZATION, LAB_ENTRY, f"{LAB_ENTRY}    retired: true\n"), *WITHOUT_LAB)),
    Case(
        "an address changes, unknown to AWS",
        ((ORGANIZATION, "aws+live@", "aws+new@"),),
        (
            Says(
                "email-of-no-account",
                "organization.yaml:11: accounts.web-live.email",
                {"account": "web-live", "id": "000000000003", "value": "aws+new@acme.io", "email": "aws+live@acme.io"},
            ),
        ),
    ),
    Case(
        "a new account has the address of a closed one",
        (),
        (
            Says(
                "account-already-closed",
                "organization.yaml:14: accounts.web-lab.email",
                {"account": "web-lab", "id": LAB, "state": "CLOSED"},
            ),
        ),
        changes=lab_is("CLOSED", in_state=False),
    ),
    Case("an account's key changes, and another stack is meant", LAB_WEB, stacks=("security",)),
    # Units
    Case("a unit gets another name", ((ORGANIZATION, "name: Lab", "name: Laboratory"),)),
    Case(
        "a rename that was broken off",
        LABS,
        (
            Says(
                "in-state-twice",
                "organization.yaml:7: organizational_units.labs",
                {
                    "id": "ou-abcd-00000005",
                    "old": "aws_organizations_organizational_unit.lab",
                    "new": "aws_organizations_organizational_unit.labs",
                },
                (
                    "terraform -chdir=cdktf.out/stacks/organizations init",
                    "terraform -chdir=cdktf.out/stacks/organizations state rm "
                    "aws_organizations_organizational_unit.lab",
                ),
            ),
        ),
        changes=recorded_as_well("aws_organizations_organizational_unit.lab", "labs"),
    ),
    # People
    Case("a user gets another address", ((SSO, "email: kim@", "email: kim.berg@"),)),
    # Groups
    Case(
        "a group's key changes",
        ((SSO, "  admins:\n", "  owners:\n"), (SSO, "      - admins\n", "      - owners\n")),
        (
            Says(
                "key-renamed",
                "sso.yaml:11: groups.owners",
                {
                    "kind": "group",
                    "old": "admins",
                    "new": "owners",
                    "lost": [
                        "Admin of group admins in management",
                        "Admin of group admins in web-lab",
                        "Admin of group admins in web-live",
                        "user kim in group admins",
                    ],
                },
                ("strata rename group admins owners",),
            ),
        ),
    ),
    Case(
        "two groups swap their names",
        (
            (SSO, "name: Administrators", "name: X"),
            (SSO, "name: Developers", "name: Administrators"),
            (SSO, "name: X", "name: Developers"),
        ),
        (
            Says(
                "identity-taken",
                "sso.yaml:12: groups.admins.name",
                {"kind": "group", "key": "admins", "value": "Developers", "owner": "devs"},
            ),
            Says(
                "identity-taken",
                "sso.yaml:16: groups.devs.name",
                {"kind": "group", "key": "devs", "value": "Administrators", "owner": "admins"},
            ),
        ),
    ),
    Case("a group gets another name", ((SSO, "name: Developers", "name: Engineers"),)),
    Case(
        "a group becomes external",
        ((SSO, "    members:\n      - kim\n      - lou\n", "    external: true\n"),),
        (
            Says(
                "external-in-state",
                "sso.yaml:17: groups.devs.external",
                {
                    "kind": "group",
                    "key": "devs",
                    "lost": [
                        *("Look of group devs in web-lab", "Look of group devs in web-live"),
                        *("user kim in group devs", "user lou in group devs"),
                    ],
                },
            ),
        ),
    ),
    # Permission sets
    Case(
        "a permission set becomes external",
        ((SSO, "    policies:\n      - aws: AdministratorAccess\n", "    external: true\n"),),
        (
            Says(
                "external-in-state",
                "sso.yaml:22: permission_sets.Admin.external",
                {
                    "kind": "permission-set",
                    "key": "Admin",
                    "lost": [f"Admin of group admins in {key}" for key in ("management", "web-lab", "web-live")],
                },
                out_of_state(
                    "sso",
                    "aws_ssoadmin_managed_policy_attachment.Admin_AdministratorAccess",
                    "aws_ssoadmin_permission_set.Admin",
                ),
            ),
            Says("last-administrator", "sso.yaml:27: assignments", {"had": ["kim"]}),
        ),
    ),
    # Administrators
    Case(
        "the administrators' set denies everything",
        (
            (SSO, "- aws: AdministratorAccess", "- aws: AdministratorAccess\n      - inline: policies/nothing.json"),
            (
                "accepted.yaml",
                "",
                "- finding: lock-out\n  at: management state policies access\n  reason: A test.\n",
            ),
        ),
        (Says("last-administrator", "sso.yaml:29: assignments", {"had": ["kim"]}),),
        allow=("last-administrator",),
    ),
    Case(
        "the administrators' assignment has ended",
        ((SSO, "    accounts: all", "    accounts: all\n    until: 2026-11-24"),),
        (Says("last-administrator", "sso.yaml:28: assignments", {"had": ["kim"]}),),
        allow=("last-administrator",),
    ),
    Case(
        "nobody knows who is in the administrators' group of Control Tower",
        (*IN_CONTROL_TOWER, *LOU_GOES),
    ),
    Case(
        "the administrators' assignment ends today", ((SSO, "accounts: all", "accounts: all\n    until: 2026-11-25"),)
    ),
    Case("a new group has a name of its own", (NEW_GROUP,)),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_edit_is_refused_with_what_it_loses_and_the_way_to_do_it(
    case: Case, folder: Path, states: States, tmp_path: Path, said: Said
) -> None:
    live, before = case.changes(seen(held(states)), copied(states))
    landing_zone = edited(folder, case.edits, tmp_path)
    known, wanted = replayed(held(before), newest_keys(landing_zone.moves)), declared(landing_zone, TODAY)
    assert told(refusals(wanted, known, live, stacks=case.stacks), tmp_path, said) == case.says
    allowed = refusals(wanted, known, live, stacks=case.stacks, allow=case.allow)
    assert bool(allowed) == bool(case.says and not case.allow), "allowed by all of its words, or by none"


def test_what_was_deployed_is_recorded_as_it_is_declared(folder: Path, states: States) -> None:
    known, wanted = held(states), declared(load(folder), TODAY)
    for part in ("assignments", "attachments", "memberships", "administrators"):
        assert getattr(known, part) == getattr(wanted, part), part
    assert {key: (one.identity, one.also) for key, one in known.things.items()} == {
        key: (one.identity, one.also) for key, one in wanted.things.items()
    }


@pytest.mark.parametrize(
    ("edit", "places"),
    [
        ("short_name: acm", {"short_name": ["ac-lock", "ac-state", "ac-replica"]}),
        ("short_name: ac\nstate:\n  bucket: acme-state", {"state.bucket": ["ac-state", "ac-replica"]}),
        ("short_name: ac\nstate:\n  table: acme-lock", {"state.table": ["ac-lock"]}),
    ],
)
def test_a_name_that_the_states_have_settled_is_refused_where_it_is_given(
    folder: Path, tmp_path: Path, edit: str, places: Mapping[str, list[str]]
) -> None:
    names = {
        "aws_dynamodb_table.lock": {"name": "ac-lock"},
        "aws_s3_bucket.state": {"bucket": "ac-state"},
        "aws_s3_bucket.replica": {"bucket": "ac-replica"},
    }
    resources = [
        {"mode": "managed", "type": type, "name": name, "instances": [{"attributes": names[f"{type}.{name}"]}]}
        for type, _, name in (address.partition(".") for address in names)
    ]
    landing_zone = edited(folder, ((PROJECT, "short_name: ac", edit),), tmp_path)

    found = list(settled(landing_zone, {"backend": {"resources": resources}}))

    assert {one.fault.problem.id for one in found} == {"setting-settled"}
    assert [(one.fault.path, one.fault.problem.data["old"]) for one in found if one.fault.path in places] == [
        (path, old) for path, some in places.items() for old in some
    ]


def test_a_state_counts_what_is_tainted_or_deposed_and_not_what_was_only_read() -> None:
    def group(mode: str, name: str, *instances: dict[str, Any]) -> dict[str, Any]:
        return {"mode": mode, "type": "aws_identitystore_group", "name": name, "instances": list(instances)}

    attributes = {"attributes": {"id": "d-1/x", "display_name": "Café"}}
    resources = [
        group("managed", "tainted", {"status": "tainted", **attributes}),
        group("managed", "deposed", {"deposed": "00000001", **attributes}),
        group("managed", "broken", {"attributes": None}),
        group("managed", "gone"),
        group("data", "external", attributes),
    ]
    known = held({"sso": {"resources": resources}, "backend": {}, "security": {"resources": []}})
    assert known.keys("group") == {"tainted", "deposed", "broken"}
    assert known.things["group", "deposed"].identity == "café", "composed and folded, as AWS compares it"


def test_external_groups_count_as_administrators_with_a_warning(
    folder: Path, states: States, tmp_path: Path, said: Said
) -> None:
    edits = ((SSO, "      - admins\n", "      - idp\n"), (SSO, "groups:\n", "groups:\n  idp:\n    external: true\n"))
    known, wanted = held(states), declared(edited(folder, edits, tmp_path), TODAY)
    assert not refusals(wanted, known, seen(known))
    (told,) = said(warnings(wanted, known, LiveSide()))
    assert (told.id, told.data) == ("administrators-external", {"groups": ["idp"]})


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("email: lou@acme.io\n    user_name: lou", "lou"),
        ("email: lou.berg@acme.io", "lou.berg@acme.io"),
        ("email: lou.berg@acme.io\n    user_name: lou@acme.io", None),
        ("email: LOU@acme.io", None),
    ],
)
def test_a_user_name_that_will_not_change_is_told(
    entry: str, name: str | None, folder: Path, states: States, tmp_path: Path, said: Said
) -> None:
    edits = ((SSO, "email: lou@acme.io", entry),)
    known, wanted = held(states), declared(edited(folder, edits, tmp_path), TODAY)
    assert not refusals(wanted, known, seen(known))
    data = {"user": "lou", "name": "lou@acme.io", "value": name}
    assert [(one.id, one.data) for one in said(warnings(wanted, known, LiveSide()))] == (
        [("user-name-stays", data)] if name else []
    )


@pytest.mark.parametrize(
    ("changes", "id", "state"),
    [
        (lab_is("PENDING_CLOSURE"), LAB, "PENDING_CLOSURE"),
        (lambda live, states: not_live(LAB)(*retired_before(live, states)), "", "gone"),
        (not_live(LAB), LAB, "gone"),
        (lambda live, states: (live, states), None, ""),
        (retired_before, None, ""),
        (lambda live, states: two_with_the_address(*lab_is("CLOSED")(live, states)), None, ""),
    ],
    ids=[
        "closed",
        "closed 90 days ago",
        "closed 90 days ago and in the state",
        "open",
        "open again",
        "another one is open",
    ],
)
def test_an_account_that_is_left_out_is_told(
    changes: Callable[[LiveSide, States], tuple[LiveSide, States]],
    id: str | None,
    state: str,
    folder: Path,
    states: States,
    said: Said,
) -> None:
    live, had = changes(seen(held(states)), copied(states))
    known, wanted = held(had), declared(load(folder), TODAY)

    found = said(left_out(wanted, known, live))

    data = {"account": "web-lab", "id": id, "state": state}
    assert [(one.id, one.data) for one in found] == ([("account-left-out", data)] if id is not None else [])
    held_back = {key: one.id for key, one in shut(wanted, known, live).items()}
    assert held_back == ({"web-lab": id} if id is not None else {})


def two_with_the_address(live: LiveSide, states: States) -> tuple[LiveSide, States]:
    """Has another account of the same address be open."""
    other = ListedAccount("000000000001", "other", "aws+lab@acme.io", "ACTIVE")
    return replace(live, accounts={other.id: other, **(live.accounts or {})}), states


def test_administrators_whom_a_broken_run_took_are_known_by_the_last_output(
    folder: Path, states: States, tmp_path: Path
) -> None:
    before = copied(states)
    resources = before["sso"]["resources"]
    before["sso"]["resources"] = [one for one in resources if not one["name"].startswith("management_")]
    edits = ((SSO, "    accounts: all\n", "    accounts:\n      - web-live\n"),)
    wanted = declared(edited(folder, edits, tmp_path), TODAY)
    assert not refusals(wanted, held(before), LiveSide())
    before["sso"]["outputs"]["declared_keys"] = {"value": {"administrators": ["kim"]}}
    assert [one.kind for one in refusals(wanted, held(before), LiveSide())] == ["last-administrator"]


# AWS as it is


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An account with an organization and Identity Center, nothing made by Strata in it."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "210987654321")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield Aws(profile=None, region="eu-west-1")


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1")


NOTHING: States = {stack: {} for stack in STACKS}


def examined(aws: Aws, landing_zone: LandingZone, states: States, **options: Any) -> Examination:
    return examine(aws, landing_zone, states=states, today=TODAY, **options)


def test_the_first_deploy_meets_nothing(aws: Aws, folder: Path) -> None:
    """Neither an organization nor a bucket is there yet; moto has Identity Center from the start."""
    found = examined(aws, load(folder), NOTHING)
    assert (found.refusals, found.warnings, found.closed) == ((), (), {})


def test_a_unit_that_goes_is_looked_into(aws: Aws, folder: Path, states: States, tmp_path: Path) -> None:
    organizations = client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    (root,) = organizations.list_roots()["Roots"]
    unit = organizations.create_organizational_unit(ParentId=root["Id"], Name="Lab")["OrganizationalUnit"]["Id"]
    made = organizations.create_account(Email="aws+theirs@acme.io", AccountName="theirs")["CreateAccountStatus"]
    inside = {"AccountId": made["AccountId"], "SourceParentId": root["Id"], "DestinationParentId": unit}
    organizations.move_account(**inside)
    landing_zone = edited(folder, (WITHOUT_UNIT, MOVED_LAB), tmp_path)
    assert not examined(aws, landing_zone, states).refusals, "the recorded id is of no live unit"
    _, before = renamed("aws_organizations_organizational_unit.lab", id=unit)(LiveSide(), copied(states))
    (refused,) = examined(aws, landing_zone, before).refusals
    assert refused.fault.problem.data == {"unit": "lab", "ids": [made["AccountId"]]}
    assert not examined(aws, load(folder), before).refusals
    assert [one.fault.problem.id for one in examined(aws, edited(folder, LABS, tmp_path), before).refusals] == [
        "key-renamed"
    ]


def bucket_of(landing_zone: LandingZone, name: str, *stacks: str) -> None:
    region = landing_zone.project.regions.secondary if name.endswith("-replica") else "eu-west-1"
    s3 = boto3.client("s3", region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    for stack in stacks:
        s3.put_object(Bucket=name, Key=f"management/{stack}/terraform.tfstate", Body=b"{}")


OLD_STORE = [{"Key": "ManagedBy", "Value": "strata"}, {"Key": "Layer", "Value": "backend"}]


def test_states_are_gone_only_where_a_deploy_has_been(aws: Aws, folder: Path, said: Said) -> None:
    """Not before the first one, nor in one that was broken off before its first state."""
    organizations = client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    landing_zone = load(folder)
    bucket, account = landing_zone.project.state_bucket, landing_zone.project.management_account.id

    def lost() -> list[tuple[str, dict[str, Any]]]:
        return [(one.id, one.data) for one in said(lost_states(aws, landing_zone))]

    assert lost() == []
    organizations.tag_resource(ResourceId=account, Tags=[OLD_STORE[0], {"Key": "Layer", "Value": "organizations"}])
    assert lost() == [("states-gone", {"bucket": bucket, "seen": [account]})]
    bucket_of(landing_zone, "app-logs", "backend")
    bucket_of(landing_zone, "old-state", "backend")
    client("s3").put_bucket_tagging(Bucket="old-state", Tagging={"TagSet": OLD_STORE})
    assert lost() == [("states-elsewhere", {"bucket": bucket, "seen": ["old-state"]})]
    bucket_of(landing_zone, f"{bucket}-replica")
    assert lost() == [("states-gone", {"bucket": bucket, "exists": False, "replica": []})]
    organizations.untag_resource(ResourceId=account, TagKeys=["Layer"])
    client("s3").delete_bucket_tagging(Bucket="old-state")
    bucket_of(landing_zone, bucket)
    assert lost() == []
    there = boto3.client("s3", landing_zone.project.regions.secondary)
    there.put_object(Bucket=f"{bucket}-replica", Key="management/backend/terraform.tfstate", Body=b"{}")
    assert lost() == [("states-gone", {"bucket": bucket, "exists": True, "replica": ["backend"]})]
    client("s3").put_object(Bucket=bucket, Key="management/backend/terraform.tfstate", Body=b"{}")
    assert lost() == []


def test_identity_center_that_is_not_enabled_is_no_failure(
    aws: Aws, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.ssoadmin.models import SSOAdminBackend

    monkeypatch.setattr(SSOAdminBackend, "list_instances", lambda _: [])
    assert not examined(aws, load(folder), NOTHING).refusals


def test_nothing_is_asked_of_identity_center_when_all_is_recorded(
    aws: Aws, folder: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Aws.client

    def noted(self: Aws, service: str, region: str | None = None) -> Client:
        asked.append(service)
        return real(self, service, region)

    monkeypatch.setattr(Aws, "client", noted)
    client("organizations").create_organization(FeatureSet="ALL")
    examined(aws, load(folder), states)
    assert set(asked) == {"organizations"}
