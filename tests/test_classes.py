"""Plans of accounts that do the same are one class: shown once, approved once, and no account beside it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.commands import plan as plan_command
from strata.deploy.run import DIFFERS
from strata.deploy.schedule import AGAIN
from strata.terraform.change_list import ApprovedList, ChangeList, classes, without_own
from strata.terraform.expressions import expressions, terraform
from strata.terraform.plan_text import show
from strata.terraform.plans import Plan, changed_outputs, changes
from tests import deploying
from tests.deploying import ACCOUNT, MADE, Json, Site, planned
from tests.said import Said

site = deploying.site  # the fixture

IDS = {"a": "111111111111", "b": "222222222222", "c": "333333333333", "d": "444444444444"}
STACKS = {f"log_{key}": id for key, id in IDS.items()}


@dataclass(frozen=True)
class Effect:
    """What a plan does in an account; `{id}` in a text is the account's own."""

    action: str = "create"
    name: str = "events"
    was: str = "events"
    secret: str = "s1"
    document: str = "allow"
    output: str = "o1"
    local: str = "l1"
    neighbour: str = "arn:1"
    command: str = "true"
    outputs: tuple[str, ...] = ()
    import_id: str = ""

    def of(self, key: str) -> Plan:
        """Returns the plan of an account, from Terraform's JSON and from the Terraform that was synthesized."""
        text = json.dumps([self._shown(), self._document(key)]).replace("{id}", IDS[key])
        shown, document = json.loads(text)
        return Plan(
            f"log_{key}",
            dict(changes(shown)),
            tuple(changed_outputs(shown)),
            written=expressions(terraform(document), shown),
        )

    def _shown(self) -> Json:
        there = {"name": self.was, "secret": "s0", "policy": "{}"}
        change: Json = {"actions": ["delete"], "before": there, "after": None}
        if self.action != "delete":
            change = {
                "actions": {"replace": ["delete", "create"]}.get(self.action, [self.action]),
                "before": None if self.action == "create" else there,
                "after": {"name": self.name, "secret": self.secret},
                "after_unknown": {"policy": True, "arn": True},
                "after_sensitive": {"secret": True},
            }
        if self.import_id:
            change["importing"] = {"id": self.import_id}
        read = {"address": "data.terraform_remote_state.in", "mode": "data", "values": {"outputs": {"o": self.output}}}
        beside = {"address": "aws_a.beside", "mode": "managed", "values": {"arn": self.neighbour}}
        return {
            "resource_changes": [{"address": "aws_a.b", "mode": "managed", "change": change}],
            "output_changes": {name: {"actions": ["update"]} for name in self.outputs},
            "configuration": {
                "root_module": {"resources": [{"address": "aws_a.b", "expressions": {name: {} for name in there}}]}
            },
            "prior_state": {"values": {"root_module": {"resources": [read]}}},
            "planned_values": {"root_module": {"resources": [beside]}},
        }

    def _document(self, key: str) -> Json:
        own = f"data.terraform_remote_state.in.outputs.account{key}id"
        behind = f"{self.document} {own} data.terraform_remote_state.in.outputs.o aws_a.beside.arn local.l"
        return {
            "provider": {"aws": [{"allowed_account_ids": [f"${{{own}}}"]}]},
            "locals": {"l": self.local},
            "resource": {
                "aws_a": {
                    "b": {
                        "//": {"metadata": {"path": f"log_{key}/aws_a.b"}},
                        "policy": f"${{{behind}}}",
                        "provisioner": [{"local-exec": {"command": self.command}}],
                    }
                }
            },
        }


def listed(effects: dict[str, Effect], lineage: str = "") -> ChangeList:
    plans = [effect.of(key) for key, effect in effects.items()]
    return ChangeList.of(plans, ACCOUNT, accounts=STACKS, lineage=lineage)


def matters(effect: Effect) -> object:
    """Returns what of an effect happens: of a deletion only of what, commands where something is created."""
    match effect.action:
        case "delete":
            return effect.action, effect.was, effect.outputs
        case "create":
            return replace(effect, was="")
        case "update":
            same = effect.was == effect.name
            return replace(effect, command="", was="" if same else effect.was, name="" if same else effect.name)
    return effect


TEXTS = st.sampled_from(["x", "y", "{id}", "policy/{id}", "(account)", "(account )", "0{id}"])
EFFECTS = st.builds(
    Effect,
    action=st.sampled_from(["create", "update", "delete", "replace"]),
    name=TEXTS,
    was=TEXTS,
    secret=st.sampled_from(["s1", "s2"]),
    document=TEXTS,
    output=st.sampled_from(["o1", "o2"]),
    local=TEXTS,
    neighbour=TEXTS,
    command=TEXTS,
    outputs=st.sampled_from([(), ("topic",)]),
)
FLEETS = st.fixed_dictionaries(dict.fromkeys(IDS, EFFECTS))


@given(FLEETS, EFFECTS, st.sampled_from(sorted(IDS)))
def test_the_hash_changes_if_and_only_if_the_effect_in_an_account_does(
    fleet: dict[str, Effect], other: Effect, key: str
) -> None:
    """Also where only a sensitive value changes, and what stands behind a document that is unknown as a whole."""
    before, after = listed(fleet), listed({**fleet, key: other})

    assert (before.sha256 == after.sha256) is (matters(fleet[key]) == matters(other))
    unapproved = ApprovedList(before.sha256, before).on_no_list(after)
    assert unapproved == (set() if before.sha256 == after.sha256 else {f"log_{key}"})


@given(FLEETS)
def test_accounts_are_of_one_class_if_and_only_if_the_same_happens_in_them(fleet: dict[str, Effect]) -> None:
    found = classes([effect.of(key) for key, effect in fleet.items()], STACKS)

    groups: dict[object, set[str]] = {}
    for key, effect in fleet.items():
        longer = "0{id}" in str(matters(effect))  # a longer number is no account's id
        groups.setdefault((matters(effect), longer and key), set()).add(f"log_{key}")
    assert {frozenset(one.stack for one in same) for same in found} == {frozenset(one) for one in groups.values()}
    assert [len(same) for same in found] == sorted((len(same) for same in found), reverse=True)


def test_another_import_id_makes_two_classes() -> None:
    found = listed({"a": Effect(), "b": Effect(), "c": Effect(import_id="i")})

    assert [one.stacks for one in found.groups] == [["log_a", "log_b"], ["log_c"]]


def test_what_goes_beyond_the_plan_that_was_shown_is_compared_alike() -> None:
    news = [
        Effect(document=text).of(key).beyond(Plan(f"log_{key}")) for key, text in (("a", "x"), ("b", "y"), ("c", "x"))
    ]

    assert [[one.stack for one in same] for same in classes(news, STACKS)] == [["log_a", "log_c"], ["log_b"]]


def test_a_class_shows_no_accounts_key_as_that_of_all() -> None:
    def plan(key: str, alias: str) -> Plan:
        after = {"actions": ["create"], "before": None, "after": {"account_alias": alias}}
        shown = {"resource_changes": [{"address": "aws_iam_account_alias.main", "mode": "managed", "change": after}]}
        return Plan(f"log_{key}", dict(changes(shown)))

    alike = [plan("a", "ex-a"), plan("b", "ex-b"), plan("c", "c-ex"), plan("d", "ex-data")]
    to = io.StringIO()
    show(alike, to, {}, accounts=STACKS, every=True)

    assert [len(same) for same in classes(alike, STACKS)] == [2, 1, 1]
    assert "account_alias: ex-(key)" in to.getvalue()


def test_a_name_by_the_accounts_key_is_the_same_in_all() -> None:
    """As `policy/admin` in the account `admin`; a longer word is none, and what stood there already is another text."""
    alike = listed({key: Effect(name=f"policy/{key}") for key in IDS})
    others = listed({"a": Effect(name="policy/aa"), "b": Effect(name="policy/bb"), "c": Effect(name="policy/(key)")})

    assert [one.stacks for one in alike.groups] == [["log_a", "log_b", "log_c", "log_d"]]
    assert len(others.groups) == 3


def test_an_id_that_is_a_number_is_no_text() -> None:
    """As an entry of a policy that somebody wrote without quotes; a member is called as it is."""
    id = IDS["a"]
    assert without_own({"a": int(id), id: f"é{id} a"}, id, "a") == {"a": int(id), "(account)": "é(account) (key)"}


def test_the_list_names_accounts_and_says_the_expression_of_what_is_not_known() -> None:
    effect = Effect(name="log-{id}", outputs=("topic",))

    found = json.loads(listed({"b": effect, "a": effect}).text)

    assert len(found["groups"][0].pop("secrets")) == 64
    assert found == {
        "format": 3,
        "account": ACCOUNT,
        "later": [],
        "groups": [
            {
                "stacks": ["log_a", "log_b"],
                "changes": {
                    "aws_a.b": {
                        "action": "create",
                        "attributes": {
                            "name": {"after": "log-(account)"},
                            "secret": {"after": "(sensitive)"},
                            "policy": {
                                "after": "(known after apply)",
                                "expression": {
                                    "policy": (
                                        "${allow data.terraform_remote_state.in.outputs.(own account)"
                                        " data.terraform_remote_state.in.outputs.o aws_a.beside.arn local.l}"
                                    ),
                                    "aws_a.beside.arn": "arn:1",
                                    "data.terraform_remote_state.in.outputs.o": "(sensitive)",
                                    "local.l": "l1",
                                },
                            },
                        },
                        "commands": {"provisioner": [{"local-exec": {"command": "true"}}]},
                    }
                },
                "outputs": ["topic"],
            }
        ],
    }


def test_a_sensitive_value_is_hashed_with_a_lineage() -> None:
    """Who has the list alone cannot try secrets."""
    lists = [listed({"a": Effect(secret=secret)}, lineage) for secret in ("s1", "s2") for lineage in ("one", "two")]

    assert len({found.groups[0].secrets for found in lists}) == 4
    assert not any('"s1"' in found.text for found in lists)


def test_what_accounts_do_not_exist_yet_get_is_compared_as_it_was_synthesized() -> None:
    def waiting(key: str, name: str) -> Plan:
        return replace(Plan(f"log_{key}", waits_for=("organizations",)), terraform=terraform(document(key, name)))

    def document(key: str, name: str) -> Json:
        return {**Effect()._document(key), "terraform": {"backend": key}, "output": {"name": {"value": name}}}

    plans = [waiting("a", "x"), waiting("b", "y"), waiting("c", "x")]

    found = [[one.stack for one in same] for same in classes(plans, dict.fromkeys(STACKS, ""))]

    assert found == [["log_a", "log_c"], ["log_b"]]


def test_accounts_in_which_nothing_is_done_come_last() -> None:
    plans = [*(Plan(f"log_{key}") for key in "abc"), Effect().of("d")]

    assert [[one.stack for one in same] for same in classes(plans, STACKS)] == [["log_d"], ["log_a", "log_b", "log_c"]]


KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"


def test_what_goes_in_accounts_is_shown_and_told_apart(said: Said) -> None:
    before = {key: Effect(action="delete", was=f"data-{at}") for key, at in {"a": "x", "b": "y"}.items()}
    to = io.StringIO()

    show([effect.of(key) for key, effect in before.items()], to, {}, accounts=STACKS)
    told = said(listed(before).differences(listed({**before, "a": Effect(action="delete", was="data-z")})))

    assert to.getvalue().splitlines()[:3] == ["log_a: 1 change", "  delete   aws_a.b", "      name: data-x"]
    assert [(one.id, one.data) for one in told] == [
        (case, {"stacks": ["log_a"], "change": f'delete aws_a.b {{"goes": {{"name": "data-{name}"}}}}'})
        for case, name in (("change-missing", "x"), ("change-unexpected", "z"))
    ]


def test_a_class_shows_no_accounts_id_as_that_of_all() -> None:
    """Not the first one's key either, by which people call an id."""
    plans = [Effect(action="replace", name="{id}", was="log-{id}").of(key) for key in "ab"]
    to, alone = io.StringIO(), io.StringIO()

    for stream, some in ((to, plans), (alone, plans[:1])):
        show(some, stream, {id: key for key, id in IDS.items()}, every=True, accounts=STACKS)

    assert "name: log-(account) -> (account)" in to.getvalue()
    assert IDS["a"] not in to.getvalue()
    assert f"{IDS['a']} (a)" in alone.getvalue()


# What is behind what is not known


def behind(argument: Json, document: Json | None = None, known: list[Json] | None = None, **more: Any) -> Json:
    """Returns the expression of the argument `x` of a resource, which is not known."""
    change = {"actions": ["update"], "after_unknown": {"x": True, "arn": True}}
    shown = {
        "resource_changes": [{"address": 'aws_a.b["k"]', "change": change}],
        "planned_values": {"root_module": {"resources": known or []}},
    }
    found = expressions({**(document or {}), "resource": {"aws_a": {"b": {**argument, **more}}}}, shown)
    return {name: one.written for name, one in found['aws_a.b["k"]'].items()}


DOCUMENT = {"aws_iam_policy_document": {"d": {"statement": "${local.s}"}}}
KEY = {"address": "aws_kms_key.k", "mode": "managed", "values": {"arn": "arn:k", "secret": "s"}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (behind({"x": "${aws_b.c.arn}"}), {"x": "${aws_b.c.arn}"}),
        (
            behind({"x": "${data.aws_iam_policy_document.d.json}"}, {"data": DOCUMENT, "locals": {"s": "deny"}}),
            {
                "x": "${data.aws_iam_policy_document.d.json}",
                "data.aws_iam_policy_document.d": {"statement": "${local.s}"},
                "local.s": "deny",
            },
        ),
        (
            behind({"x": "${each.value}"}, for_each={"k": "${aws_b.c.arn}"}),
            {"x": "${each.value}", "for_each": {"k": "${aws_b.c.arn}"}},
        ),
        (behind({"dynamic": {"x": {"content": {"y": 1}}}}), {"x": {"content": {"y": 1}}}),
        (
            behind({"x": "${aws_kms_key.k.arn}"}, known=[KEY]),
            {"x": "${aws_kms_key.k.arn}", "aws_kms_key.k.arn": "arn:k"},
        ),
        (
            behind({"x": "${aws_kms_key.k.secret}"}, known=[{**KEY, "sensitive_values": {"secret": True}}]),
            {"x": "${aws_kms_key.k.secret}", "aws_kms_key.k.secret": "(sensitive)"},
        ),
    ],
    ids=["of a resource", "document", "for_each", "dynamic block", "what is known", "what is sensitive"],
)
def test_an_expression_has_with_it_what_it_refers_to(found: Json, expected: Json) -> None:
    assert found == {"x": expected}


# What differs


def test_a_difference_in_many_accounts_is_told_once(said: Said) -> None:
    before = listed({key: Effect() for key in IDS})
    after = listed({**{key: Effect(document="deny", command="false") for key in "ab"}, "c": Effect(secret="s2")})

    told = said(before.differences(after))

    assert [(one.id, one.data["stacks"], one.data["change"].split()[0]) for one in told] == [
        ("change-missing", ["log_a", "log_b"], "create"),
        ("change-unexpected", ["log_a", "log_b"], "create"),
        ("change-missing", ["log_c"], "sensitive"),
        ("change-unexpected", ["log_c"], "sensitive"),
        ("change-missing", ["log_d"], "create"),
        ("change-missing", ["log_d"], "sensitive"),
    ]
    assert all("log in 2 accounts (a, b)" in one.text for one in told[:2])


# Planning and deploying


@pytest.fixture
def fleet(site: Site) -> Site:
    """Three accounts that get the same, after a stack that changes, too."""
    site.adds_accounts({key: IDS[key] for key in "abc"})
    site.plans("backend", MADE)
    for key in "abc":
        site.plans(f"log_{key}", MADE)
    return site


def approved(site: Site, tmp_path: Path, accounts: str = "abc") -> Path:
    """Writes the list of what is planned, as `strata plan` does."""
    plans = [Plan(stack, dict(changes(MADE))) for stack in ("backend", *(f"log_{key}" for key in accounts))]
    file = tmp_path / "changes.json"
    file.write_text(site.prepared().lists(plans).text)
    return file


def deploys(site: Site, expect: Path | str) -> int:
    return site.deploys(yes=True, expected=ApprovedList.of(str(expect)))


def test_a_hash_is_taken_too(fleet: Site, tmp_path: Path) -> None:
    hash = ApprovedList.of(str(approved(fleet, tmp_path))).sha256

    assert deploys(fleet, hash) == 0


def test_an_account_with_another_plan_is_put_off_and_the_others_go_on(fleet: Site, tmp_path: Path, said: Said) -> None:
    file = approved(fleet, tmp_path)
    fleet.plans("log_b", planned(("delete", "aws_a.old")))

    assert deploys(fleet, file) == AGAIN

    assert [fleet.did(f"log_{key}").count("apply") for key in "abc"] == [1, 0, 1]
    (told,) = [one for text in fleet.said for one in said(text) if one.id == "on-no-list"]
    assert told.data == {"stacks": ["log_b"]}
    assert [(one.id, one.data["change"].split()[0]) for one in said(fleet.to.getvalue())] == [
        ("change-missing", "create"),
        ("change-unexpected", "delete"),
    ]


def test_an_account_that_nobody_approved_is_put_off_though_others_get_the_same(fleet: Site, tmp_path: Path) -> None:
    file = approved(fleet, tmp_path, "ab")

    assert deploys(fleet, file) == AGAIN

    assert [fleet.did(f"log_{key}").count("apply") for key in "abc"] == [1, 1, 0]


def test_an_account_that_recovers_is_put_off_though_the_list_has_no_account(fleet: Site, tmp_path: Path) -> None:
    file = approved(fleet, tmp_path, "")

    assert deploys(fleet, file) == AGAIN

    assert [fleet.did(stack).count("apply") for stack in ("backend", "log_a", "log_b", "log_c")] == [1, 0, 0, 0]


def test_an_account_that_stands_twice_on_a_list_is_put_off() -> None:
    one, other = (listed({"a": Effect(name=name)}) for name in "xy")
    twice = one.model_copy(update={"groups": [*other.groups, *one.groups]})

    assert ApprovedList(one.sha256, one).on_no_list(one) == set()
    assert ApprovedList(twice.sha256, twice).on_no_list(one) == {"log_a"}


def test_a_rerun_takes_what_is_left_of_the_list(fleet: Site, tmp_path: Path) -> None:
    file = approved(fleet, tmp_path)
    fleet.plans("log_a", {})

    assert deploys(fleet, file) == 0

    assert [fleet.did(f"log_{key}").count("apply") for key in "abc"] == [0, 1, 1]


def test_another_change_in_the_management_account_stops_all(fleet: Site, tmp_path: Path, said: Said) -> None:
    file = approved(fleet, tmp_path)
    fleet.plans("backend", {})

    assert deploys(fleet, file) == DIFFERS

    assert said.ids(fleet.to.getvalue())[:2] == ["plan-unexpected", "change-missing"]
    assert not any("apply" in fleet.did(stack) for stack in fleet.stacks)


def test_who_deploys_some_accounts_is_held_against_their_part_of_the_list(fleet: Site, tmp_path: Path) -> None:
    """As a wave does, and a rerun after the stacks of the management account were deployed."""
    file = approved(fleet, tmp_path)
    fleet.plans("log_b", planned(("delete", "aws_a.old")))
    fleet.stacks = ("log_a", "log_b")
    fleet.plans("backend", {})

    assert deploys(fleet, file) == AGAIN

    assert [fleet.did(f"log_{key}").count("apply") for key in "abc"] == [1, 0, 0]


def test_a_plan_says_its_classes_and_how_an_account_differs(
    fleet: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    file = approved(fleet, tmp_path)
    fleet.plans("log_b", {})
    fleet.states = {stack: {"resources": [], **state} for stack, state in fleet.states.items()}
    monkeypatch.setattr(plan_command, "prepare", lambda *_, **__: fleet.prepared())
    given: Json = {"stacks": (), "exit_code": False, "allow": (), "expect": str(file)}

    code = plan_command.run(fleet.options(), **given, json=True)

    text = capsys.readouterr().out
    assert code == DIFFERS
    assert json.loads(text)["classes"] == [
        {"layer": "log", "accounts": ["a", "c"]},
        {"layer": "log", "accounts": ["b"]},
    ]
    assert [(one.id, one.data.get("stacks")) for one in said(text)] == [
        ("plan-unexpected", None),
        ("change-missing", ["log_b"]),
    ]
