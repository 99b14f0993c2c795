"""Keys that change: what moves.yaml may say, which addresses lead where, and what a rename does to the text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from strata.commands.edit.rename import run
from strata.config.keys import with_moves
from strata.config.moves import Kind, Move
from strata.errors import ConfigurationError, StrataError
from strata.kinds.moves import address_now, earlier_addresses, is_made, newest_keys, with_move
from strata.load import load
from strata.options import Options
from strata.terraform.recovery import half_made
from strata.terraform.workspace import Workspace
from tests.said import Said
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED, synthesize


def moves(*steps: str) -> tuple[Move, ...]:
    """Returns moves written as `account a b`."""
    parts = (step.split() for step in steps)
    return tuple(Move.model_validate({"kind": kind, "from": old, "to": new}) for kind, old, new in parts)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A copy of the company."""
    return Path(shutil.copytree(COMPANY, tmp_path / "config"))


def renamed(folder: Path, kind: Kind, old: str, new: str) -> None:
    """Renames without a question."""
    options = Options(config=folder)
    assert run(options, kind=kind, old=old, new=new, prune=False, dry_run=False, yes=True) == 0


# Addresses


def test_a_chain_leads_from_every_key_that_a_state_may_have() -> None:
    chain = moves("account a b", "account b c")
    assert earlier_addresses("aws_organizations_account.c", chain) == [
        f"aws_organizations_account.{key}" for key in "abc"
    ]
    assert newest_keys(chain) == {("account", "a"): "c", ("account", "b"): "c"}


def test_an_address_of_several_keys_is_reached_whichever_move_a_state_has_made() -> None:
    both = moves("group dev devs", "account a b", "permission-set P Q")
    final = "aws_ssoadmin_account_assignment.b_Q_group_devs"
    earlier = earlier_addresses(final, both)
    assert len(earlier) == len(set(earlier)) == 8
    assert earlier[-1] == final
    assert {address_now(one, newest_keys(both)) for one in earlier} == {final}


@pytest.mark.parametrize(
    ("address", "now"),
    [
        ("aws_organizations_policy_attachment.p_ou_a", "aws_organizations_policy_attachment.p_ou_u"),
        ("aws_organizations_policy_attachment.p_account_a", "aws_organizations_policy_attachment.p_account_b"),
        ("aws_organizations_policy_attachment.p_root", "aws_organizations_policy_attachment.p_root"),
        ("aws_identitystore_group_membership.a_a", "aws_identitystore_group_membership.g_a"),
        ("aws_ssoadmin_managed_policy_attachment.a_a", "aws_ssoadmin_managed_policy_attachment.s_a"),
        ("aws_ssoadmin_account_assignment.a_a_user_a", "aws_ssoadmin_account_assignment.b_s_user_a"),
        ("aws_account_alternate_contact.a_billing", "aws_account_alternate_contact.b_billing"),
        ("aws_s3_bucket.a", "aws_s3_bucket.a"),
    ],
)
def test_a_key_moves_where_it_is_the_key_of_its_kind(address: str, now: str) -> None:
    keys = newest_keys(moves("account a b", "ou a u", "group a g", "permission-set a s"))
    assert address_now(address, keys) == now


def test_a_move_back_takes_the_place_of_the_one_it_undoes() -> None:
    assert with_move(moves("user a b"), moves("user b a")[0]) == moves("user b a")
    assert with_move(moves("user x a", "user a b"), moves("user b a")[0]) == moves("user x b", "user b a")
    assert with_move(moves("group a b"), moves("user b a")[0]) == moves("group a b", "user b a")


def test_a_move_is_made_when_nothing_is_left_on_the_way_to_it() -> None:
    chain = moves("user a b", "user b c")
    at_a, at_b, at_c = ([f"aws_identitystore_group_membership.g_{key}"] for key in "abc")
    assert [is_made(one, chain, at_a, ()) for one in chain] == [False, False]
    assert [is_made(one, chain, at_b, ()) for one in chain] == [True, False]
    assert [is_made(one, chain, at_c, ()) for one in chain] == [True, True]
    assert [is_made(one, chain, at_c, [("user", "a")]) for one in chain] == [False, False]


# The Terraform


def test_everything_named_after_a_key_moves_and_nothing_onto_one_address_twice(company: Path, tmp_path: Path) -> None:
    before = {stack: _addresses(one) for stack, one in synthesize(company, tmp_path / "before").items()}
    for kind, old, new in RENAMES:
        renamed(company, kind, old, new)
    after = synthesize(company, tmp_path / "after")

    for stack, one in after.items():
        blocks = one.json.get("moved", [])
        ways = {block["from"]: block["to"] for block in blocks}
        assert len(ways) == len({*ways.values()}) == len(blocks), "from and to are each there once"
        assert {_end(address, ways) for address in before[stack]} == _addresses(one)
        assert not ways.keys() & _addresses(one)
        imported = {block["to"] for block in one.json.get("import", [])}
        assert not imported & ways.keys()
        released = [one["from"] for one in one.json.get("removed", []) if one["from"] in ways]
        assert sorted(released) == sorted(ways), "a state that has old and new address loses neither"


def test_what_stays_at_aws_does_so_under_its_old_key_too(tmp_path: Path) -> None:
    """A state that has yet to make the move has it there, and Terraform would destroy what no block names."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    renamed(folder, "account", "shared", "common")
    removed = synthesize(folder, tmp_path / "out")["security"].forgotten

    assert {f"aws_account_alternate_contact.{key}_billing" for key in ("shared", "common")} <= set(removed)
    assert len(removed) == len(set(removed))


RENAMES: tuple[tuple[Kind, str, str], ...] = (
    ("account", "payments-prod", "payments-live"),
    ("ou", "data-production", "data-live"),
    ("ou", "workloads", "work"),
    ("policy", "cost-tags", "bill-tags"),
    ("group", "finance", "money"),
    ("user", "anna-petersen", "anna"),
    ("permission-set", "Billing", "Bill"),
    ("permission-set", "Bill", "Bills"),
)


def _addresses(stack: Any) -> set[str]:
    resources: dict[str, dict[str, Any]] = stack.json.get("resource", {})
    return {f"{kind}.{name}" for kind, entries in resources.items() for name in entries}


def _end(address: str, ways: dict[str, str]) -> str:
    while address in ways:
        address = ways[address]
    return address


# moves.yaml

FAULTS = {
    "[{kind: accounts, from: a, to: audit}]": "not-a-choice",
    "[{kind: account, from: a_b, to: audit}]": "text-malformed",
    "[{kind: account, from: a}]": "key-missing",
    "[{kind: account, from: old, to: nobody}]": "unknown-name",
    "[{kind: account, from: audit, to: audit}]": "moved-onto-itself",
    "[{kind: account, from: audit, to: management}]": "name-reserved",
    "[{kind: account, from: old, to: legacy-website}]": "account-retired",
    "[{kind: account, from: network, to: audit}]": "moved-key-in-use",
    "[{kind: user, from: a, to: lea-vogt}, {kind: user, from: a, to: lea-vogt}]": "moved-twice",
    "[{kind: user, from: a, to: lea-vogt}, {kind: user, from: b, to: lea-vogt}]": "moved-onto-twice",
    "[{kind: user, from: a, to: b}, {kind: user, from: b, to: a}]": "moved-onto-old-key",
    "[{kind: user, from: b, to: lea-vogt}, {kind: user, from: a, to: b}]": "moved-onto-old-key",
    "{user: {a: b}}": "wrong-type",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_move_that_cannot_be_made_is_a_fault_with_its_line(text: str, company: Path, said: Said) -> None:
    (company / "moves.yaml").write_text(f"# moves\n{text}\n")
    with pytest.raises(ConfigurationError) as raised:
        load(company)
    told = said(raised)
    assert any("moves.yaml:2" in one.place and one.id == FAULTS[text] for one in told), told


def test_moves_that_were_made_one_after_the_other_are_none(company: Path) -> None:
    (company / "moves.yaml").write_text("- {kind: user, from: a, to: b}\n- kind: user\n  from: b\n  to: lea-vogt\n")
    assert load(company).moves == moves("user a b", "user b lea-vogt")


def test_the_lines_and_comments_of_moves_stay() -> None:
    rest = "# between\r\n- kind: group\r\n  from: c\r\n  to: d\r\n# end\r\n"
    text = f"# head\r\n- {{kind: user, from: a, to: b}}  # why\r\n{rest}"
    first, second, third = moves("user a b", "group c d", "ou e f")
    assert with_moves(text, [second]) == f"# head\r\n{rest}"
    assert with_moves(text, [first, second, third]).endswith(
        "  to: d\r\n- kind: ou\r\n  from: e\r\n  to: f\r\n# end\r\n"
    )
    assert with_moves("- {kind: user, from: a, to: b}\n", []) == "[]\n"
    assert with_moves("[]\n", [first]) == "- kind: user\n  from: a\n  to: b\n"
    assert with_moves("# none\n", [first]) == "# none\n- kind: user\n  from: a\n  to: b\n"


# The text


def test_only_the_key_changes_in_the_text(company: Path) -> None:
    file = company / "organization.yaml"
    file.write_bytes(file.read_bytes().replace(b"  cost-tags:\n", b"  'cost-tags':  # why\n").replace(b"\n", b"\r\n"))
    before = file.read_bytes()

    renamed(company, "policy", "cost-tags", "bill-tags")

    after = file.read_bytes()
    assert after.count(name := b"    name: cost-tags\r\n") == 1
    assert after.replace(name, b"") == before.replace(b"'cost-tags':  # why", b"'bill-tags':  # why")


def test_what_accounts_inherit_goes_with_the_keys_of_places(tmp_path: Path) -> None:
    """Contacts have no key that AWS knows."""
    folder = Path(shutil.copytree(EVERY_OPTION, tmp_path / "config"))
    file = folder / "baseline.yaml"
    file.write_text(file.read_text() + "  ou/production:\n    emr_public_access:\n      mode: on\n")
    before = load(folder)
    renamed(folder, "ou", "production", "live")
    renamed(folder, "account", "audit", "auditing")
    renamed(folder, "account", "shop", "store")

    after, keys = load(folder), {"shop": "store", "audit": "auditing"}

    for old, new in keys.items():
        assert after.attributes[new].at() == before.attributes[old].at()
        was = json.loads(json.dumps(before.baseline[old].at()).replace('"audit"', '"auditing"'))
        assert json.loads(json.dumps(after.baseline[new].at())) == was
    assert "ou/live:" in file.read_text()
    assert after.waves["baseline"][0] == {"store"}


def test_a_unit_without_anything_of_its_own_gets_its_name(company: Path) -> None:
    file = company / "organization.yaml"
    file.write_text(file.read_text().replace("  suspended:\n    name: Suspended\n", "  suspended:\n"))
    renamed(company, "ou", "suspended", "closed")
    assert "  closed:\n    name: suspended\n" in file.read_text()


def test_imports_and_what_is_accepted_follow_the_key(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    accepted = "- finding: example-value  # ours\n  at: {}\n  reason: looked at\n"
    imported = '{}: "d-1234567890/00000003-0000-4000-a000-000000000000"\n'
    (folder / "accepted.yaml").write_text(accepted.format("users.jane-doe.email"))
    (folder / "imports.yaml").write_text(imported.format("aws_identitystore_user.jane-doe"))

    renamed(folder, "user", "jane-doe", "jane")

    assert (folder / "accepted.yaml").read_text() == accepted.format("users.jane.email")
    assert (folder / "imports.yaml").read_text() == imported.format("aws_identitystore_user.jane")


def test_a_wildcard_that_matches_one_of_the_keys_only_is_refused(company: Path, said: Said) -> None:
    file = company / "sso.yaml"
    file.write_text(file.read_text().replace("      - payments-prod\n", "      - payments-*\n", 1))
    before = {path: path.read_bytes() for path in company.iterdir() if path.is_file()}
    with pytest.raises(StrataError) as raised:
        renamed(company, "account", "payments-prod", "live")
    (told,) = said(raised)
    assert told.id == "more-would-differ"
    assert [one for one in told.data["differ"] if "live" in one]
    assert {path: path.read_bytes() for path in company.iterdir() if path.is_file()} == before


REFUSED: dict[tuple[Kind, str, str], tuple[str, dict[str, Any]]] = {
    ("account", "management", "main"): ("name-reserved", {"key": "management"}),
    ("ou", "sandbox", "root"): ("name-reserved", {"key": "root"}),
    ("account", "audit", "all"): ("name-reserved", {"key": "all"}),
    ("user", "lea-vogt", "root"): ("name-reserved", {"key": "root"}),
    ("account", "audit", "network"): ("key-taken", {"key": "network"}),
    ("account", "audit", "legacy-website"): ("key-taken", {"key": "legacy-website", "retired": True}),
    ("account", "legacy-website", "website"): ("account-retired", {"account": "legacy-website"}),
    ("user", "anna-peterson", "ann"): ("unknown-name", {"kind": "user", "name": "anna-peterson"}),
    ("policy", "region-restriction", "regions"): ("made-by-option", {}),
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_what_cannot_be_renamed_says_why(arguments: tuple[Kind, str, str], company: Path, said: Said) -> None:
    with pytest.raises(StrataError) as raised:
        renamed(company, *arguments)
    id, data = REFUSED[arguments]
    (told,) = said(raised)
    assert told.id == id
    assert told.data.items() >= data.items()


def test_an_old_key_is_taken_until_its_move_is_pruned(company: Path, said: Said) -> None:
    renamed(company, "account", "audit", "log")
    with pytest.raises(ConfigurationError) as raised:
        renamed(company, "account", "network", "audit")
    assert said.ids(raised) == ["moved-onto-old-key"]


def test_a_rename_by_hand_is_recorded_and_one_that_is_undone_replaces_it(company: Path) -> None:
    renamed(company, "user", "lea-vogt", "lea")
    by_hand = (company / "sso.yaml").read_text()
    (company / "moves.yaml").unlink()
    renamed(company, "user", "lea-vogt", "lea")
    assert (company / "sso.yaml").read_text() == by_hand
    assert load(company).moves == moves("user lea-vogt lea")
    renamed(company, "user", "lea", "lea-vogt")
    assert load(company).moves == moves("user lea lea-vogt")
    assert (company / "sso.yaml").read_text() == (COMPANY / "sso.yaml").read_text()


def test_the_guards_of_the_stacks_let_a_recorded_move_pass_and_no_other(company: Path, tmp_path: Path) -> None:
    renamed(company, "group", "finance", "money")
    document = synthesize(company, tmp_path / "out")["sso"].json
    guards = json.dumps(document["output"]["declared_keys"]["precondition"])
    assert guards.count("moves.yaml moves") == 1
    assert "finance" in guards


def test_a_dry_run_prints_the_difference_and_writes_nothing(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in company.iterdir() if path.is_file()}
    options = Options(config=company)

    assert run(options, kind="ou", old="workloads", new="work", prune=False, dry_run=True, yes=True) == 0

    assert "+- kind: ou\n+  from: workloads\n+  to: work\n" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in company.iterdir() if path.is_file()} == before


def test_a_key_that_yaml_would_read_as_something_else_is_quoted(company: Path) -> None:
    renamed(company, "group", "finance", "null")
    assert load(company).moves == moves("group finance null")


@pytest.mark.parametrize(("flow", "ids"), [("members: [lars-johansen]", ["not-editable"]), ("name: Fi", [])])
def test_a_name_is_written_into_no_flow_style(flow: str, ids: list[str], company: Path, said: Said) -> None:
    """Where it has its name, the key alone changes there."""
    file = company / "sso.yaml"
    block = "  finance:\n    description: Reads and settles the bill.\n    members:\n      - emilia-kowalczyk\n"
    block += "      - lars-johansen\n"
    assert block in file.read_text()
    file.write_text(file.read_text().replace(block, f"  finance: {{{flow}}}  # paid\n"))
    if ids:
        with pytest.raises(StrataError) as raised:
            renamed(company, "group", "finance", "money")
        assert said.ids(raised) == ids
    else:
        renamed(company, "group", "finance", "money")
        assert f"  money: {{{flow}}}  # paid\n" in file.read_text()


def test_what_was_made_half_way_is_kept_on_its_way_to_the_new_key(company: Path, tmp_path: Path) -> None:
    renamed(company, "account", "audit", "log")
    synthesize(company, tmp_path / "out")
    workspace = Workspace(tmp_path / "out", {})
    tainted = {"type": "aws_organizations_account", "name": "audit", "instances": [{"status": "tainted"}]}
    assert half_made(workspace, "organizations", {"resources": [tainted]}) == ["aws_organizations_account.audit"]
