"""`strata adopt` into a configuration that exists keeps it, adds what is new at AWS, and tells the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.adoption.existing import MergedFiles
from strata.adoption.live_ids import live_ids
from strata.adoption.record import RECORD, Record
from strata.adoption.rerun import merge
from strata.commands.adopt import configuration
from strata.commands.adopt.existing import changed_texts, existing_at, looked_over
from strata.commands.adopt.folder import has_configuration, write_new
from strata.config import ADOPTION
from strata.errors import Message, StrataError
from strata.load import load
from tests.organizations import (
    DENY,
    SCP,
    STORE,
    Organization,
    account,
    attribute,
    changed,
    delegated,
    gone,
    grant,
    group,
    id_of,
    permission_set,
    policy,
    unit,
    user,
)
from tests.organizations.deployed import DEPLOYED, FOUND
from tests.said import Said


@cache
def adopted() -> dict[str, str]:
    """Returns the files of the first run."""
    return configuration(FOUND.model, FOUND.inventory)[1]


class Folder:
    """A configuration that was adopted."""

    def __init__(self, path: Path, files: Mapping[str, str] | None = None) -> None:
        self.path = path / "config"
        self.path.mkdir()
        write_new(self.path, files or adopted())

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert old in text, text
        (self.path / name).write_text(text.replace(old, new))

    def named(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.path)): text for path, text in self.texts().items()}

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def lines(self, name: str) -> list[str]:
        return self.text(name).splitlines(keepends=True)

    @contextmanager
    def data(self, name: str) -> Iterator[Any]:
        found = yaml.safe_load(self.text(name))
        yield found
        (self.path / name).write_text(yaml.safe_dump(found))

    def texts(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.path.rglob("[!.]*") if path.is_file()}

    def text(self, name: str) -> str:
        return (self.path / name).read_text()

    def again(
        self,
        there: Organization,
        *,
        literal: bool = False,
        imported: Mapping[str, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> MergedFiles:
        inventory = there.inventory
        existing = existing_at(self.path, load(self.path), inventory.organization.id, imported or {}, elsewhere or {})
        merged = looked_over(existing, merge(existing, inventory, literal=literal), inventory)
        for name, text in changed_texts(self.path, merged, inventory).items():
            (self.path / name).write_text(text)
        return merged


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_rerun_without_news_changes_nothing(folder: Folder) -> None:
    texts = folder.texts()

    merged = folder.again(FOUND)

    assert not any(merged.since.facts().values())
    assert folder.texts() == texts


def test_an_attribute_that_the_configuration_rejects_is_left_alone(folder: Folder) -> None:
    merged = folder.again(FOUND.at_aws(attribute("{", "x")))

    assert [(kind, name) for kind, name, _ in merged.description.left_alone] == [("attributes for access control", "{")]
    assert not load(folder.path).sso.access_control_attributes
    assert merged.since.taken_out == []


def test_edits_keys_and_comments_stay_and_news_are_added(folder: Folder) -> None:
    folder.edit("organization.yaml", "  a3:\n    email: a3@example.com\n", f"  {SHOP}")
    folder.edit("imports.yaml", ".a3_", ".shop_")
    more = FOUND.at_aws(
        unit("deep", "Deep", within="prod"),
        account("a5", within="prod"),
        account("a6", within="deep", name="yes"),
        user("cy"),
        changed("group", "readers-of-it", members=("ana", "cy")),
        group("calls", "bo", name="On call"),
        permission_set("Ops", inline=DENY.replace("s3", "ec2")),
        [grant("Ops", "calls", "a5"), grant("Reader", "readers-of-it", "a5"), grant("Reader", "calls", "management")],
    )
    comments = [line for line in folder.text("sso.yaml").splitlines() if line.startswith("#")]

    merged = folder.again(more)

    zone, imports = load(folder.path), yaml.safe_load(folder.text("imports.yaml"))
    assert SHOP in folder.text("organization.yaml")
    assert [line for line in folder.text("sso.yaml").splitlines() if line.startswith("#")] == comments
    assert (zone.accounts["a5"].unit, zone.accounts["yes"].unit) == ("prod", "deep")
    assert zone.units["deep"].parent == "prod"
    assert zone.groups["readers-of-it"].members == ("ana", "cy")
    assert zone.documents["policies/Ops-inline.json"]
    assert {(one.account, one.permission_set, one.principal) for one in zone.grants} == {
        ("management", "Admin", "admins"),
        *((key, "Reader", "readers-of-it") for key in ("a2", "shop", "a4", "a5", "yes")),
        ("a5", "Ops", "on-call"),
        ("management", "Reader", "on-call"),
    }
    assert merged.since.reached == ["Reader for readers-of-it in yes"]
    assert imports["aws_identitystore_group.on-call"].endswith(more.id("group", "calls"))
    assert "aws_ssoadmin_account_assignment.a5_Reader_group_readers-of-it" in imports
    assert "aws_ssoadmin_account_assignment.yes_Reader_group_readers-of-it" not in imports, "AWS has not given it"
    assert "- organizational unit deep" in folder.text(ADOPTION)
    assert folder.again(more).files == {}, "all of it is recorded"


SHOP = "# the shop\n  shop:\n    email: a3@example.com\n    name: acme-a3\n"


def test_what_somebody_took_out_is_told_and_not_written_back(folder: Folder) -> None:
    with folder.data("sso.yaml") as sso:
        del sso["users"]["bo"]
        del sso["groups"]["readers-of-it"]["members"]
        sso["assignments"] = [one for one in sso["assignments"] if one["permission_sets"] != ["Reader"]]
    with folder.data("organization.yaml") as organized:
        del organized["policies"]["policy-1"]["targets"], organized["delegated_administrators"]
        del organized["accounts"]["a4"]
        organized["unmanaged_accounts"] = ["000000000004"]
    out = (".bo", ".readers-of-it_", "_Reader_", ".policy-1_", "delegated_administrator")
    with folder.data("imports.yaml") as imports:
        for address in [one for one in imports if any(part in one for part in out)]:
            del imports[address]
    texts = folder.texts()

    merged = folder.again(FOUND)

    assert merged.since.added == []
    assert sorted(merged.since.taken_out) == [
        "Reader of readers-of-it in 2 accounts",
        "delegated administrator a2 of config.amazonaws.com",
        "policy policy-1 on workloads",
        "user ana in group readers-of-it",
        f"user bo ({FOUND.id('user', 'bo')})",
    ]
    assert folder.texts() == texts


def test_what_is_gone_or_other_at_aws_is_told(folder: Folder, said: Said) -> None:
    later = FOUND.at_aws(
        gone("user", "bo"),
        changed("group", "admins", members=()),
        changed("permission set", "Admin", session="PT2H", aws=("AdministratorAccess", "ReadOnlyAccess")),
        changed("permission set", "Reader", inline=DENY.replace("s3", "sqs"), description="reads"),
    )
    with folder.data("sso.yaml") as sso:
        sso["permission_sets"]["Admin"]["session_duration"] = "PT4H"

    merged = folder.again(later)

    assert merged.files.keys() == {"imports.yaml"}
    lines = adopted()["imports.yaml"].splitlines(), folder.text("imports.yaml").splitlines()
    assert [one.partition(":")[0] for one in lines[0] if one not in lines[1]] == [
        "aws_identitystore_group_membership.admins_ana",
        "aws_identitystore_user.bo",
    ], "an import of what is gone would break the plan"
    assert merged.since.gone == [f"user bo ({FOUND.id('user', 'bo')})", "user ana in group admins"]
    values = {"thing": "permission set Admin"}
    policies = {"at_aws": ["AdministratorAccess", "ReadOnlyAccess"], "here": ["ReadOnlyAccess"]}
    assert [(one.place, one.data) for one in said(merged.since.differs)] == [
        ("", {**values, "key": "policies", **policies, "stay": ["AdministratorAccess"]}),
        ("", {**values, "key": "session_duration", "at_aws": "PT2H", "here": "PT4H"}),
        ("policies/Reader-inline.json", {}),
    ]


def test_inherited_tags_are_compared_as_an_accounts_own(tmp_path: Path) -> None:
    """Those that the first run wrote once, in `defaults`, and the null by which a new account is without."""
    there = Organization(
        [account("a2", tags={"CostCenter": "200", "Team": "shop"}), account("a3", tags={"CostCenter": "200"})],
        default_tags=False,
    )
    folder, later = Folder(tmp_path, configuration(there.model, there.inventory)[1]), there.at_aws(account("a4"))
    assert "CostCenter: null" in folder.again(later).files["organization.yaml"]

    assert folder.again(later).since.differs == []
    told = folder.again(later.at_aws(changed("account", "a3", tags={}))).since.differs
    assert [one.data["thing"] for one in told if isinstance(one, Message)] == ["account a3"]


def test_full_access_of_a_user_names_its_accounts_in_every_run(tmp_path: Path) -> None:
    those = "a2", "a3", "a4"
    there = Organization(
        [account(key) for key in those],
        [user("ana"), user("bo"), permission_set("Admin", "AdministratorAccess")],
        grant("Admin", "ana", *those),
    )
    folder = Folder(tmp_path, configuration(there.model, there.inventory)[1])

    folder.again(there.at_aws(grant("Admin", "bo", *those)))

    assert {one.users: one.accounts for one in load(folder.path).sso.assignments} == {("ana",): those, ("bo",): those}


def test_who_gets_full_access_by_what_is_new_is_told(tmp_path: Path) -> None:
    """Of that alone: a rule gives it in a new account as well, which AWS has not, and who had it before is not new."""
    there = Organization(
        [account(key) for key in ("a2", "a3", "a4")],
        [user(key) for key in ("ana", "bo", "cy")],
        [permission_set("Admin", "AdministratorAccess"), permission_set("Read", "ReadOnlyAccess")],
        [group("ops", "ana"), grant("Admin", "ops", "management", "a2", "a3", "a4")],
        default_tags=False,
    )
    folder = Folder(tmp_path, configuration(there.model, there.inventory)[1])
    by_hand = grant("Admin", "cy", "management"), grant("Read", "cy", "a2", "a3"), grant("Admin", "ana", "a2")
    later = there.at_aws(account("a5"), changed("group", "ops", members=("ana", "bo")), *by_hand)

    merged = folder.again(later)

    told = [one.replace(",", "").split() for one in merged.since.full_access]
    assert [(*words[:4], words[-1]) for words in told] == [
        ("bo:", "Admin", "in", "management", "ops"),
        ("cy:", "Admin", "in", "management", "directly"),
    ]
    assert merged.since.reached == ["Admin for ops in a5"]
    assert all(f"\n- {one}\n" in folder.text(ADOPTION) for one in merged.since.full_access)


def test_what_is_called_otherwise_than_by_its_key_is_told(folder: Folder, said: Said) -> None:
    """As drift tells it; the name of the key that moves.yaml says it had is no other one."""
    later = FOUND.at_aws(changed("group", "admins", name="Chiefs"), changed("account", "a3", name="shop"))

    told = said(folder.again(later).since.differs)
    assert [(one.data["thing"], one.data["at_aws"], one.data["here"]) for one in told] == [
        ("account a3", "shop", "acme-a3"),
        ("group admins", "Chiefs", "admins"),
    ]
    for file in ("sso.yaml", "imports.yaml"):
        folder.edit(file, "admins", "bosses")
    folder.write("moves.yaml", "- {kind: group, from: admins, to: bosses}\n")
    assert folder.again(FOUND).since.differs == []


def test_a_document_in_other_words_is_the_same_one(folder: Folder) -> None:
    """As `strata drift` takes it: AWS gives a list of one for a text, in whatever order."""
    document = json.loads(DENY)
    document["Statement"] = [{**one, "Action": [one["Action"]]} for one in document["Statement"]]
    assert document != json.loads(DENY)

    later = FOUND.at_aws(changed("permission set", "Reader", inline=json.dumps(document)))

    assert folder.again(later).since.differs == []


def test_a_boundary_that_is_another_at_aws_is_told_with_both(tmp_path: Path, said: Said) -> None:
    there, config = DEPLOYED.at_aws(changed("permission set", "Rich", boundary="ReadOnlyAccess")), tmp_path / "config"

    result = there.run("adopt", "--to", config, "--dry-run", "--json", folder=config)

    assert result.exit_code == 0
    assert {"aws": "ReadOnlyAccess"} in [told.data.get("at_aws") for told in said(result)]
    assert {"customer": "Billing", "path": "/teams/"} in [told.data.get("here") for told in said(result)]


def test_what_was_made_again_at_aws_keeps_its_key_and_gets_its_new_id(folder: Folder) -> None:
    again = FOUND.at_aws(
        changed("user", "ana", number=21),
        changed("group", "readers-of-it", number=22),
        changed("permission set", "Reader", number=23),
        gone(grant("Reader", "readers-of-it", "a2", "a4")),
    )

    merged = folder.again(again)

    zone, there = load(folder.path), live_ids(again.inventory)
    assert folder.text("sso.yaml") == adopted()["sso.yaml"]
    assert all((address.partition(".")[0], id) in there for address, id in zone.imports.items())
    assert zone.imports["aws_ssoadmin_permission_set.Reader"].startswith(again.id("permission set", "Reader"))
    assert [one for one in merged.since.gone if "assignment" in one] == [
        f"assignment of account {key}, permission set Reader, group readers-of-it" for key in ("a2", "a4")
    ]
    assert [one for one in merged.since.added if "again" in one] == [
        "group readers-of-it, which was made again",
        "user ana, which was made again",
        "permission set Reader, which was made again",
    ]
    assert not folder.again(again).files


@pytest.mark.parametrize(("id", "told"), [(12, True), (22, False)])
def test_a_state_with_the_id_of_what_was_made_again_is_told(folder: Folder, id: int, told: bool) -> None:
    again = FOUND.at_aws(changed("group", "readers-of-it", number=22))
    folder.again(again)

    merged = folder.again(
        again, imported={"aws_identitystore_group.readers-of-it": f"{STORE}/{id_of('group', '', id)}"}
    )

    assert (
        any("take aws_identitystore_group.readers-of-it out of the state" in one for one in merged.since.gone) is told
    )


def test_what_a_group_that_was_made_again_has_lost_is_told(folder: Folder) -> None:
    """Its members and its access are in the states under the ids that it had."""
    remade = FOUND.at_aws(
        changed("group", "admins", number=112, members=()), gone(grant("Admin", "admins", "management"))
    )
    imported = {
        address: id for address, id in load(folder.path).imports.items() if ".admins" in address or "_admins" in address
    }
    with folder.data("imports.yaml") as imports:
        for address in imported:
            del imports[address]
    del imported["aws_identitystore_group.admins"]

    merged = folder.again(remade, imported=imported)

    assert "user ana in group admins" in merged.since.gone
    assert "assignment of account management, permission set Admin, group admins" in merged.since.gone


def test_a_line_of_what_a_state_has_is_not_written(folder: Folder) -> None:
    more = FOUND.at_aws(user("cy"))
    with folder.data("sso.yaml") as sso:
        sso["users"]["cyril"] = {**sso["users"]["bo"], "email": "cy@example.com"}

    merged = folder.again(more, imported={"aws_identitystore_user.cyril": f"{STORE}/{more.id('user', 'cy')}"})

    assert merged.files == {}
    assert merged.record.keys["user"][more.id("user", "cy")] == "cyril"


@pytest.mark.parametrize(
    "state", [{}, {"aws_identitystore_group.readers": f"{STORE}/{FOUND.id('group', 'readers-of-it')}"}]
)
def test_state_and_name_tell_which_of_two_has_a_key_before_the_record(folder: Folder, state: dict[str, str]) -> None:
    text = folder.text("sso.yaml").replace("readers-of-it", "readers")
    folder.write("sso.yaml", text.replace("groups:\n", "groups:\n  readers-of-it:\n    name: Others\n", 1))
    folder.write("imports.yaml", "{}\n")

    merged = folder.again(FOUND.at_aws(grant("Admin", "readers-of-it", "a4")), imported=state)

    given = {(one.permission_set, one.principal) for one in merged.landing_zone.grants}
    assert given == {("Admin", "admins"), ("Reader", "readers"), ("Admin", "readers")}


def test_what_a_deploy_made_and_somebody_took_out_is_not_written_back(folder: Folder) -> None:
    more = FOUND.at_aws(group("ops", "bo"), grant("Admin", "ops", "a2"))
    state = {"aws_identitystore_group.ops": f"{STORE}/{more.id('group', 'ops')}"}

    merged = folder.again(more, imported=state)

    assert merged.files == {}
    assert merged.since.taken_out == [f"group ops ({more.id('group', 'ops')})"]


def test_what_a_layer_of_ones_own_has_is_neither_new_nor_what_its_key_means_here(folder: Folder) -> None:
    more = FOUND.at_aws(group("team", "bo"), grant("Admin", "team", "a2"))

    merged = folder.again(more, elsewhere={"aws_identitystore_group.admins": f"{STORE}/{more.id('group', 'team')}"})

    assert merged.files == {}
    assert not any(merged.since.facts().values())
    assert [(one.name, one.reason.id) for one in merged.description.left_alone] == [("team", "of-own-layer")]


def test_what_somebody_wrote_back_gets_its_line_again(folder: Folder) -> None:
    bo = "  bo:\n" + folder.text("sso.yaml").partition("  bo:\n")[2].partition("\ngroups")[0]
    folder.edit("sso.yaml", bo, "")
    with folder.data("imports.yaml") as imports:
        line = imports.pop("aws_identitystore_user.bo")
    folder.again(FOUND)
    folder.write("sso.yaml", adopted()["sso.yaml"])

    folder.again(FOUND)

    assert load(folder.path).imports["aws_identitystore_user.bo"] == line


def test_nothing_names_a_retired_account(folder: Folder) -> None:
    folder.edit("organization.yaml", "email: a4@example.com\n", "email: a4@example.com\n    retired: true\n")
    folder.write("imports.yaml", "".join(one for one in folder.lines("imports.yaml") if ".a4_" not in one))
    analyzer = "access-analyzer.amazonaws.com"
    new = policy("policy-7", "a4"), changed("policy", "policy-1", targets=("workloads", "a4"))

    merged = folder.again(FOUND.at_aws(*new, delegated(analyzer, "a4")))

    assert merged.since.added == ["policy policy-7"]
    assert not any("a4" in str(one.attachments) for one in load(folder.path).policies.values())


def test_an_account_that_is_left_to_others_stays_so(folder: Folder) -> None:
    with folder.data("organization.yaml") as organized:
        organized["unmanaged_accounts"] = ["A5@Example.com"]

    merged = folder.again(FOUND.at_aws(account("a5", within="prod"), grant("Admin", "admins", "a5")))

    assert merged.files == {}
    assert [(one.kind, one.reason.id) for one in merged.description.left_alone] == [("account", "left-to-others")]


def test_units_accounts_and_services_that_are_other_at_aws_are_told(folder: Folder) -> None:
    other = FOUND.at_aws(
        changed("account", "a4", state="SUSPENDED"),
        changed("unit", "prod", name="Production", within="root"),
        [unit("old", "Old"), unit("deeper", "Deeper", within="old"), account("a5", within="old")],
        [gone("delegation", "config.amazonaws.com a2"), delegated("config.amazonaws.com", "a3")],
    ).without_center()
    folder.edit(RECORD, '"ou": {', f'"ou": {{"{other.id("unit", "old")}": "old",')

    merged = folder.again(other)

    assert merged.since.taken_out == [
        f"organizational unit old ({other.id('unit', 'old')})",
        "organizational unit deeper, which is new below unit old",
        "account a5, which is new in unit old",
    ]
    assert merged.since.gone == ["aws_organizations_delegated_administrator.config"], "nobody read Identity Center"
    assert merged.since.differs == [
        "delegated administrator of config.amazonaws.com is 'a3' at AWS, and 'a2' here",
        "organizational unit prod: name is 'Production' at AWS, and 'Prod' here",
        "organizational unit prod: it is in 'root' at AWS, and in 'workloads' here",
        "account a4 (000000000004): it is suspended at AWS, which no deploy changes; write `retired: true`",
    ]


def test_what_no_rerun_reads_of_accounts_is_not_compared(folder: Folder) -> None:
    """What a first run with --members has written, or somebody since."""
    more = (
        "    contacts: {security: soc}\n    regions: [ap-east-1]\n    budget: {limit_usd: 9, emails: [a@example.com]}\n"
    )
    folder.edit("organization.yaml", "    email: a4@example.com\n", f"    email: a4@example.com\n{more}")
    contact = '{name: Soc, title: Soc, email: soc@example.com, phone: "+49 30 1234567"}'
    folder.write("security.yaml", f"{folder.text('security.yaml')}contacts: {{soc: {contact}}}\n")

    assert folder.again(FOUND).since.differs == []


def test_an_account_may_have_the_address_that_a_retired_one_had(folder: Folder) -> None:
    folder.edit("organization.yaml", "email: a4@example.com\n", "email: a4@example.com\n    retired: true\n")
    folder.write("imports.yaml", "".join(one for one in folder.lines("imports.yaml") if ".a4_" not in one))
    closed = changed("account", "a4", email="closed@example.com", state="SUSPENDED")

    merged = folder.again(FOUND.at_aws(closed, account("a5", within="prod", email="a4@example.com")))

    assert merged.since.added == ["account a5"]


def test_settings_that_are_off_at_aws_and_people_of_others_are_told(folder: Folder) -> None:
    other = FOUND.at_aws(
        [gone("policy type", SCP), gone("service", "config.amazonaws.com")],
        gone("delegation", "config.amazonaws.com a2"),
        [changed("user", "ana", external=True), changed("group", "admins", external=True)],
    )

    merged = folder.again(other)

    assert "trusted service config.amazonaws.com" in merged.since.gone
    assert merged.since.differs == [
        "user ana: others manage it at AWS, and it is not external here",
        "group admins: others manage it at AWS, and it is not external here",
        "the policy type SERVICE_CONTROL_POLICY is off at AWS, and on here",
    ]


def test_what_is_there_and_cannot_be_described_any_more_is_not_gone(folder: Folder) -> None:
    braces = changed("policy", "policy-1", document=DENY.replace('"*"', '"{{x}}"'))

    merged = folder.again(FOUND.at_aws(braces, group("ADMINS")))

    assert (merged.files, merged.since.gone) == ({}, [])


def test_a_name_that_cannot_be_written_stops_no_rerun(folder: Folder) -> None:
    """Of a unit that is declared, the key stays; one that is new stays as it is, with what is new in it."""
    live = FOUND.at_aws(
        [unit("odd3", "a\ntouch x"), unit("fine4", "Fine"), changed("unit", "workloads", name="Cafe\u0301")],
        [changed("account", "a2", within="odd3"), account("a7", within="odd3")],
    )

    merged = folder.again(live)

    assert merged.since.added == ["organizational unit fine", "unmanaged account 000000000007"]
    assert merged.since.gone == []
    assert merged.since.taken_out == []
    assert merged.since.differs == ["organizational unit workloads: name is 'Cafe\u0301' at AWS, and 'Workloads' here"]
    assert [one.partition(": ")[0] for one in merged.since.left] == [
        r"organizational unit 'ou-abcd-00000003 a\ntouch x'",
        "account '000000000002 acme-a2', '000000000007 acme-a7'",
    ]
    assert set(merged.landing_zone.grants) == set(load(folder.path).grants)
    assert "a2" in merged.landing_zone.members
    assert folder.again(live).files == {}


def test_what_is_new_and_left_alone_is_told_once(folder: Folder) -> None:
    more = FOUND.at_aws(policy("policy 5", "prod", document="no JSON"))

    first, second = folder.again(more), folder.again(more)

    assert first.files == {}
    assert [one.partition(":")[0] for one in first.since.left] == ["policy 'policy 5'"]
    assert "  - 'policy 5'\n" in folder.text(ADOPTION)
    assert second.since.left == []


def test_a_key_that_somebody_uses_is_not_given_to_another(folder: Folder) -> None:
    with folder.data("organization.yaml") as organized:
        organized["accounts"]["a5"] = {"email": "planned@example.com", "organizational_unit": "prod"}

    merged = folder.again(FOUND.at_aws(account("a5", within="prod")))

    assert merged.since.added[0] == "account a5-0005"
    assert load(folder.path).accounts["a5-0005"].email == "a5@example.com"


def test_without_the_record_all_that_is_not_declared_is_new(folder: Folder) -> None:
    (folder.path / RECORD).unlink()
    with folder.data("sso.yaml") as sso:
        del sso["users"]["bo"]
    with folder.data("imports.yaml") as imports:
        del imports["aws_identitystore_user.bo"]

    merged = folder.again(FOUND)

    assert merged.since.added == ["user bo"]
    assert load(folder.path).imports["aws_identitystore_user.bo"].endswith(FOUND.id("user", "bo"))


def test_a_thing_that_got_another_key_is_the_same(folder: Folder) -> None:
    for name in ("sso.yaml", "imports.yaml"):
        text = folder.text(name).replace("readers-of-it:", "readers:").replace("- readers-of-it", "- readers")
        (folder.path / name).write_text(
            text.replace(".readers-of-it", ".readers").replace("group_readers-of-it", "group_readers")
        )
    (folder.path / "moves.yaml").write_text("- {kind: group, from: readers-of-it, to: readers}\n")
    deployed = yaml.safe_load(adopted()["imports.yaml"])
    (folder.path / "imports.yaml").write_text("{}\n")

    merged = folder.again(FOUND, imported=deployed)

    assert merged.files == {}
    assert not any(merged.since.facts().values())
    assert merged.record.keys["group"][FOUND.id("group", "readers-of-it")] == "readers"


@pytest.mark.parametrize(
    "there", ["# none\n", "# why\n[]\n", "[{finding: unknown-action, at: old, reason: long ago}]\n"]
)
def test_a_new_document_with_names_that_are_not_known_is_accepted(folder: Folder, there: str) -> None:
    (folder.path / "accepted.yaml").write_text(there)
    new = policy("policy-5", "prod", document=DENY.replace("s3:*", "s3:Frobnicate"))

    merged = folder.again(FOUND.at_aws(new))

    assert merged.since.added == ["policy policy-5"]
    assert [one.at for one in load(folder.path).accepted][-1:] == [f"{DOCUMENT} s3:Frobnicate"]
    assert "# why" in folder.text("accepted.yaml") or "why" not in there


DOCUMENT = "policies/policy-5.json"


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("{", "record-damaged"),
        ('{"format": 2}', "unknown-format"),
        ('{"format": NaN}', "unknown-format"),
        ('{"format": 1, "organization": "o-other"}', "other-organization"),
        ('{"format": 1, "organization": [NaN]}', "other-organization"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused(text: str, id: str) -> None:
    with pytest.raises(StrataError) as refused:
        Record.read(text, "o-abcdefghij")

    assert [told.id for told in refused.value.args] == [id]
    assert [json.dumps(dict(told.data), allow_nan=False) for told in refused.value.args]


# The folder


def test_other_things_in_the_folder_do_not_matter(folder: Folder) -> None:
    (folder.path / "notes.md").symlink_to("nowhere")
    os.mkfifo(folder.path / "policies" / "pipe")
    (folder.path / "sso.yaml").rename(folder.path.with_name("elsewhere.yaml"))
    (folder.path / "sso.yaml").symlink_to("../elsewhere.yaml")

    assert folder.again(FOUND.at_aws(user("cy"), policy("policy-5", "prod"))).since.added == [
        "policy policy-5",
        "user cy",
    ]


def test_a_run_that_broke_off_while_it_wrote_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"project.yaml": "name: x\n", "policies/a.json": "{}", "sso.yaml": "groups: {}\n"}
    replace_file = Path.replace

    def killed(path: Path, target: Path) -> Path:
        if path.name == "project.yaml":
            raise KeyboardInterrupt
        return replace_file(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_new(tmp_path, files)
    (tmp_path / "policies/a.json").unlink()  # it was killed between making the folder and the first file
    (tmp_path / ".strata-broken.new").mkdir()

    assert not has_configuration(tmp_path)
    write_new(tmp_path, {**files, "sso.yaml": "users: {}\n"})

    assert (tmp_path / "sso.yaml").read_text() == "users: {}\n"
    assert not (tmp_path / ".strata-broken.new").exists()
    assert has_configuration(tmp_path)


@pytest.mark.parametrize(
    ("there", "id"),
    [
        ({"notes.txt": "mine"}, "folder-not-empty"),
        ({"policies/a.json": "{}"}, "folder-not-empty"),
        ({"../project.yaml": "name: x"}, "folder-in-configuration"),
    ],
)
def test_a_folder_that_others_use_is_refused(tmp_path: Path, there: dict[str, str], id: str) -> None:
    to = tmp_path / "around/to"
    to.mkdir(parents=True)
    for name, text in there.items():
        (to / name).parent.mkdir(exist_ok=True)
        (to / name).write_text(text)

    with pytest.raises(StrataError) as refused:
        has_configuration(to)

    (told,) = refused.value.args
    assert (told.id, told.data.get("files", [*there])) == (id, [*there])


def test_what_others_put_there_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(StrataError) as refused:
        write_new(tmp_path, {"project.yaml": "name: x\n"})

    assert [(told.id, told.data["files"]) for told in refused.value.args] == [("folder-not-empty", ["notes.txt"])]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "project.yaml").exists()
