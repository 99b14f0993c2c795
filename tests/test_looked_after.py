"""What others look after, as Control Tower does: adopted as external, compared by drift, and read anew when asked."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata import diff
from strata.commands.adopt import configuration
from strata.drift.comparison import compare, differing
from strata.errors import ConfigurationError
from strata.files.config_edit import loaded, texts, write_texts
from strata.load import load
from strata.policy.reference import reference
from strata.printing import markdown
from strata.sides.join import known_keys
from tests.organizations import (
    ALLOW,
    DENY,
    Organization,
    account,
    changed,
    delegated,
    denied,
    gone,
    grant,
    group,
    no_full_access,
    permission_set,
    policy,
    service,
    unit,
    user,
)
from tests.organizations import Said as Described
from tests.organizations.described import SCP
from tests.said import Said

SETS = {
    "AWSAdministratorAccess": "AdministratorAccess",
    "AWSOrganizationsFullAccess": "AWSOrganizationsFullAccess",
    "AWSPowerUserAccess": "PowerUserAccess",
    "AWSReadOnlyAccess": "job-function/ViewOnlyAccess",
    "AWSServiceCatalogAdminFullAccess": "AWSServiceCatalogAdminFullAccess",
    "AWSServiceCatalogEndUserAccess": "AWSServiceCatalogEndUserFullAccess",
}
GROUPS = (
    "AWSAccountFactory",
    "AWSAuditAccountAdmins",
    "AWSControlTowerAdmins",
    "AWSLogArchiveAdmins",
    "AWSLogArchiveViewers",
    "AWSSecurityAuditPowerUsers",
    "AWSSecurityAuditors",
    "AWSServiceCatalogAdmins",
)
ADMINS, ANALYZER = "AWSControlTowerAdmins", "access-analyzer.amazonaws.com"


def guardrail(*sids: str) -> str:
    exempt = {"ArnNotLike": {"aws:PrincipalARN": "arn:aws:iam::*:role/AWSControlTowerExecution"}}
    deny = {"Effect": "Deny", "Action": ["cloudtrail:StopLogging"], "Resource": ["*"], "Condition": exempt}
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": sid, **deny} for sid in sids]})


OWN: tuple[Described, ...] = (
    [unit("security", "Security"), unit("sandbox", "Sandbox")],
    [account("audit1", "security"), account("log2", "security"), account("a3", "sandbox"), account("a4", "sandbox")],
    service("controltower.amazonaws.com"),
    policy("house", "root"),
    user("ana"),
    group("sre", "ana"),
)
THEIRS: tuple[Described, ...] = (
    policy(
        "p1", "security", name="aws-guardrails-AbCdE1", document=guardrail("GRCLOUDTRAILENABLED", "GRIAMROLEPOLICY")
    ),
    policy("p2", "sandbox", name="aws-guardrails-AbCdE2", document=guardrail("CTMULTISERVICEPV1")),
    user("root1", given="AWS Control Tower", family="Admin"),
    [permission_set(key, name, description=f"Of Control Tower: {key}") for key, name in SETS.items()],
    permission_set("Templated", inline=ALLOW.replace('"*"', '"arn:aws:s3:::{{x}}"')),
    [group(one, *(("root1",) if one == ADMINS else ())) for one in GROUPS],
    grant("AWSAdministratorAccess", ADMINS, "management", "audit1", "log2", "a3", "a4"),
    grant("AWSOrganizationsFullAccess", ADMINS, "management"),
    grant("AWSAdministratorAccess", "AWSAuditAccountAdmins", "audit1"),
    grant("AWSReadOnlyAccess", "AWSSecurityAuditors", "management", "audit1", "log2", "a3", "a4"),
    grant("AWSServiceCatalogEndUserAccess", "AWSAccountFactory", "management"),
    grant("AWSAdministratorAccess", "root1", "a3", "a4"),
    grant("AWSReadOnlyAccess", "sre", "a3"),
    grant("Templated", "ana", "a3"),
)
TOWER = Organization(*OWN, *THEIRS, default_tags=False)


@cache
def adopted(there: Organization = TOWER) -> dict[str, str]:
    return configuration(there.model, there.inventory)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_texts(tmp_path / "config", adopted())
    return tmp_path / "config"


def test_the_page_of_an_adoption_lists_all_that_others_look_after() -> None:
    listed = [line for line in adopted()["ADOPTION.md"].splitlines() if line.startswith("  - ")]

    theirs = [("permission set", one) for one in SETS] + [("group", one) for one in GROUPS]
    assert {f"  - {kind} '{name}'" for kind, name in theirs} < {*listed}
    assert [line.replace("<!-- -->", "") for line in listed if "- user" in line] == ["  - user 'root1@example.com'"]


def test_the_page_of_an_adoption_names_full_access_by_a_group_of_theirs() -> None:
    """External.yaml has who is in it, so drift says nothing."""
    full = [line for line in adopted()["ADOPTION.md"].splitlines() if line.startswith("- Full access, ")]

    assert [line.partition("membership ")[2] for line in full] == ["'user root1 in group awscontroltoweradmins'."]


def test_the_page_of_a_rerun_says_nothing_that_holds_for_a_first_run_only(tmp_path: Path) -> None:
    """Of files that it does not write, and of a first deploy."""
    own = Organization(*OWN, service("access-analyzer.amazonaws.com"), delegated(ANALYZER, "audit1"))
    first = configuration(own.model, own.inventory)[1]
    write_texts(tmp_path, first)
    own.at_aws(user("bo")).run("adopt", "--to", tmp_path, "--yes", folder=tmp_path)

    words = ("`security.yaml`", "default_tags", "`backend`", "exactly", "first deploy", "found and wrote")
    pages = first["ADOPTION.md"], (tmp_path / "ADOPTION.md").read_text()
    assert [[word in page for word in words] for page in pages] == [[True] * 6, [False] * 6]
    assert "- user bo" in pages[1]


def test_a_rerun_calls_nothing_external_that_the_configuration_has_as_its_own(folder: Path) -> None:
    sso = yaml.safe_load((folder / "sso.yaml").read_text())
    sso["permission_sets"]["AWSReadOnlyAccess"] = {"policies": [{"aws": "ReadOnlyAccess"}]}
    (folder / "sso.yaml").write_text(yaml.safe_dump(sso))

    TOWER.at_aws(user("bo")).run("adopt", "--to", folder, "--yes", folder=folder)

    page = (folder / "ADOPTION.md").read_text()
    assert ["  - permission set 'AWSPowerUserAccess'" in page, "  - permission set 'AWSReadOnlyAccess'" in page] == [
        True,
        False,
    ]


def drift(folder: Path, *said: Described) -> dict[str, dict[str, Any]]:
    """Returns what drift tells of changes by hand, by kind and name."""
    found = json.loads(TOWER.at_aws(*said).run("drift", "--json", folder=folder).stdout)
    return {f"{one['finding']} {one['at']}": one for one in found["differences"]}


def test_all_grants_are_described_and_a_deploy_changes_nothing_of_others(folder: Path) -> None:
    zone, imports = load(folder), yaml.safe_load(adopted()["imports.yaml"])
    center = TOWER.inventory.center
    assert center

    assert len(zone.grants) == len(center.assignments)
    assert {one.key for one in zone.permission_sets.values() if not one.external} == set()
    assert {one.key for one in zone.policies.values() if not one.external} == {"house"}
    assert all(one.is_known for one in zone.permission_sets.values())
    assert all(one.is_known for one in zone.policies.values())
    assert not [one for one in imports if one.startswith("aws_ssoadmin_permission_set.") or "guardrails" in one]
    assert len([one for one in imports if one.startswith("aws_ssoadmin_account_assignment.")]) == len(zone.grants)
    assert drift(folder) == {}


def test_each_escalation_beside_control_tower_is_told_once_with_its_way_back(folder: Path) -> None:
    found = drift(
        folder,
        grant("AWSAdministratorAccess", "ana", "management"),
        changed("group", ADMINS, members=("root1", "ana")),
        changed("permission set", "AWSReadOnlyAccess", aws=("job-function/ViewOnlyAccess", "AdministratorAccess")),
        policy("p9", "security", name="aws-guardrails-AbCdEf"),
        changed("policy", "p1", targets=()),
    )

    assert {at.partition(" (")[0]: [operation(line) for line in one["undo"]] for at, one in found.items()} == {
        "made-outside assignment AWSAdministratorAccess of user ana in management": ["delete-account-assignment"],
        "made-outside membership user ana in group awscontroltoweradmins": ["delete-group-membership"],
        "made-outside permission set policy AWS AdministratorAccess in AWSReadOnlyAccess": [
            "detach-managed-policy-from-permission-set",
            "provision-permission-set",
        ],
        "made-outside policy aws-guardrails-AbCdEf": ["detach-policy", "delete-policy"],
        "gone-outside attachment aws-guardrails-abcde1 on unit security": ["attach-policy"],
    }
    assert not [one["deploy"] for one in found.values() if one["deploy"]]
    kept = [one["adopt"] for at, one in found.items() if "permission set policy" in at or "membership" in at]
    assert all(one.startswith("strata adopt --refresh-external") for one in kept)
    assert len(kept) == 2


def test_a_line_that_gives_one_value_back_leaves_another_that_is_accepted(folder: Path) -> None:
    """AWS takes all that describes a set at once."""
    entry = {"finding": "changed-outside", "at": "permission set AWSPowerUserAccess: session_duration is PT3601S"}
    with (folder / "accepted.yaml").open("a") as file:
        file.write(yaml.safe_dump([{**entry, "reason": "Meant."}]))

    (one,) = drift(folder, changed("permission set", "AWSPowerUserAccess", description="x", session="PT3601S")).values()

    words = shlex.split(one["undo"][0])
    assert words[words.index("--session-duration") + 1] == "PT3601S"
    assert words[words.index("--description") + 1] == "Of Control Tower: AWSPowerUserAccess"


def test_each_line_that_changes_a_set_of_others_has_its_provisioning(folder: Path) -> None:
    more = {"aws": ("job-function/ViewOnlyAccess", "AdministratorAccess"), "description": "x", "session": "PT12H"}
    theirs = changed("permission set", "AWSReadOnlyAccess", **more)
    printed = [[operation(line) for line in one["undo"]] for one in drift(folder, theirs).values()]

    detach, provision = "detach-managed-policy-from-permission-set", "provision-permission-set"
    assert sorted(printed) == [[detach, provision], *[["update-permission-set", provision]] * 2]


def test_a_line_says_what_control_tower_may_have_done_and_not_what_is_ones_own(folder: Path) -> None:
    """An update of its guardrails is in force, and what it gives its people; a policy of one's own is put back."""
    mine = changed("policy", "house", targets=())
    theirs = (
        changed("policy", "p1", targets=()),
        changed("policy", "p2", targets=("sandbox", "a4")),
        changed("permission set", "AWSReadOnlyAccess", aws=("job-function/ViewOnlyAccess", "AdministratorAccess")),
        changed("permission set", "AWSPowerUserAccess", aws=(), inline=DENY),
        changed("group", ADMINS, members=("ana",)),
        grant("AWSAdministratorAccess", "ana", "management"),
    )
    zone, there = load(folder), TOWER.at_aws(*theirs, mine)

    found = compare(zone, there.states, there.inventory).differences

    ids = {str(one.at): getattr(one.way.by_hand, "id", "") for one in found}
    assert [at for at, id in ids.items() if id != "changed-by-others"] == [MINE]
    assert len(found) == len({one.at for one in found if one.way.undo}) + 1 == 9
    assert [one.way.deploy for one in found if one.way.deploy] == [("organizations",)]
    assert TOWER.at_aws(*theirs).run("drift", folder=folder).exit_code == 3


MINE = "attachment house on root"


def operation(line: str) -> str:
    return shlex.split(line)[2]


CHANGES: dict[str, tuple[Described, list[str], bool]] = {
    "changed-outside permission set AWSPowerUserAccess: description is x": (
        changed("permission set", "AWSPowerUserAccess", description="x"),
        ["update-permission-set", "provision-permission-set"],
        True,
    ),
    'changed-outside permission set AWSPowerUserAccess: tags is {"a": "b"}': (
        changed("permission set", "AWSPowerUserAccess", tags={"a": "b"}),
        [],
        True,
    ),
    "gone-outside permission set policy AWS PowerUserAccess in AWSPowerUserAccess": (
        changed("permission set", "AWSPowerUserAccess", aws=()),
        ["attach-managed-policy-to-permission-set", "provision-permission-set"],
        True,
    ),
    "made-outside inline policy AWSPowerUserAccess": (
        changed("permission set", "AWSPowerUserAccess", inline=DENY),
        ["delete-inline-policy-from-permission-set", "provision-permission-set"],
        True,
    ),
    "gone-outside inline policy Templated": (
        changed("permission set", "Templated", inline=""),
        ["put-inline-policy-to-permission-set", "provision-permission-set"],
        True,
    ),
    "changed-outside policy aws-guardrails-abcde2: document is sha256": (
        changed("policy", "p2", document=guardrail("CTEC2PV1")),
        ["update-policy"],
        True,
    ),
    "made-outside attachment aws-guardrails-abcde2 on account a4": (
        changed("policy", "p2", targets=("sandbox", "a4")),
        ["detach-policy"],
        False,
    ),
    "made-outside membership user ana in group awssecurityauditors": (
        changed("group", "AWSSecurityAuditors", members=("ana",)),
        ["delete-group-membership"],
        True,
    ),
    "gone-outside membership user root1 in group awscontroltoweradmins": (
        changed("group", ADMINS, members=()),
        ["create-group-membership"],
        True,
    ),
    "gone-outside policy aws-guardrails-abcde1": (gone("policy", "p1"), [], False),
    "gone-outside permission set AWSPowerUserAccess": (gone("permission set", "AWSPowerUserAccess"), [], False),
}


@pytest.mark.parametrize("at", CHANGES)
def test_a_change_of_others_is_one_difference_that_no_deploy_takes_back(folder: Path, at: str, said: Said) -> None:
    change, lines, refreshed = CHANGES[at]
    ((told, one),) = drift(folder, change).items()

    assert told.startswith(at)
    assert [operation(line) for line in one["undo"]] == lines
    assert (bool(one["undo"]), one["by_hand_id"]) in ((True, "changed-by-others"), (False, "back-by-others"))
    assert (one["deploy"], "--refresh-external" in one["adopt"]) == ("", refreshed)

    ids = said.ids(TOWER.at_aws(change).run("drift", folder=folder))
    assert set(ids) - {"not-thorough", "unused-acceptance"} == {one["by_hand_id"], one["not_adopted_id"]} - {""}

    if refreshed:
        TOWER.at_aws(change).run("adopt", "--refresh-external", "--yes", folder=folder)
        assert drift(folder, change) == {}


def test_members_of_their_groups_are_watched_without_control_tower(folder: Path) -> None:
    member = changed("group", ADMINS, members=("root1", "ana"))

    found = drift(folder, member, gone("service", "controltower.amazonaws.com"))

    assert "made-outside membership user ana in group awscontroltoweradmins" in found


def test_a_renamed_group_of_theirs_gets_its_name_back_by_a_line_and_keeps_its_members(folder: Path) -> None:
    zone, there = load(folder), TOWER.at_aws(changed("group", ADMINS, name="Admins", members=("root1", "ana")))
    known = known_keys(zone, TOWER.inventory, imported={}, record={})

    found = differing(zone, None, there.inventory, known, {}).differences

    assert {one.at: [operation(str(line)) for line in one.way.undo] for one in found} == {
        "membership user ana in group awscontroltoweradmins": ["delete-group-membership"],
        "group awscontroltoweradmins: name is Admins": ["update-group"],
    }


def test_a_deleted_user_who_was_in_a_group_of_theirs_needs_a_second_run_and_the_first_says_so(folder: Path) -> None:
    """The line that puts the new one into it names an id that AWS has yet to give."""
    external = yaml.safe_load((folder / "external.yaml").read_text())
    external["groups"]["AWSSecurityAuditors"]["members"] = ["ana@example.com"]
    (folder / "external.yaml").write_text(yaml.safe_dump(external))
    zone = load(folder)

    for by_hand in (TOWER.at_aws(gone("user", "ana")), TOWER.at_aws(changed("user", "ana", number=99))):
        found = compare(zone, TOWER.states, by_hand.inventory)
        [told] = [one.way.by_hand for one in found.differences if one.kind == "user"]
        assert told
        assert told.data["groups"] == ["AWSSecurityAuditors"]
        assert [line for one in found.differences for line in one.way.undo if "create-group-membership" in line] == []


def test_a_member_who_is_renamed_stays_one_once_the_name_is_written(folder: Path) -> None:
    there = TOWER.at_aws(changed("user", "root1", name="root@example.com"))
    assert list(told(there, folder)) == ["changed-outside user root1: user_name is root@example.com"]

    assert there.run("adopt", "user:root1", "--yes", folder=folder).exit_code == 0
    assert told(there, folder) == {}
    assert load(folder).groups["awscontroltoweradmins"].members == ("root1",)


def test_a_renamed_policy_of_theirs_is_one_difference_whose_line_gives_the_name_back(folder: Path) -> None:
    (renamed,) = drift(folder, changed("policy", "p1", name="harmless")).items()

    assert renamed[0] == "changed-outside policy aws-guardrails-abcde1: name is harmless"
    assert shlex.split(renamed[1]["undo"][0])[2:] == [
        *("update-policy", "--policy-id", TOWER.id("policy", "p1"), "--name", "aws-guardrails-AbCdE1"),
    ]


def test_a_set_of_theirs_that_is_gone_is_told_without_its_grants(folder: Path) -> None:
    found = drift(folder, gone("permission set", "AWSReadOnlyAccess"))

    assert list(found) == ["gone-outside permission set AWSReadOnlyAccess"]


def cases(folder: Path, who: str) -> set[str]:
    asked = ("can", "iam:CreateRole", "--in", "management", "--as", who, "--json")
    return {case["answer"] for case in json.loads(TOWER.run(*asked, folder=folder).stdout)["cases"]}


def test_who_is_in_a_group_that_people_fill_is_known_as_read(folder: Path) -> None:
    assert (cases(folder, "ana"), "allowed" in cases(folder, "root1")) == ({"denied"}, True)

    refresh = "adopt", "--refresh-external", "--yes", "--json"
    written = TOWER.at_aws(changed("group", ADMINS, members=("ana",))).run(*refresh, folder=folder)
    assert [one.count("ana: ") for one in json.loads(written.stdout)["differs"]] == [0, 1]
    assert ("allowed" in cases(folder, "ana"), cases(folder, "root1")) == (True, {"denied"})
    shown = json.loads(TOWER.run("explain", "ana", "--json", folder=folder).stdout)
    ways = [way for one in shown["access"] for way in one["ways"] if way["group"] == "awscontroltoweradmins"]
    assert {Path(way["member"]).name.partition(":")[0] for way in ways} == {"external.yaml"}


def without_groups(folder: Path) -> None:
    external = yaml.safe_load((folder / "external.yaml").read_text())
    del external["groups"]
    (folder / "external.yaml").write_text(yaml.safe_dump(external))


def test_an_own_user_may_be_in_a_group_of_which_nothing_was_read(folder: Path) -> None:
    """As an older Strata wrote external.yaml: it is unknown, never empty, and no line takes a member out."""
    without_groups(folder)

    assert "depends" in cases(folder, "ana")
    assert "known to AWS" in TOWER.run("report", folder=folder).stdout
    warned = json.loads(TOWER.run("check", "--json", folder=folder).stdout)["warnings"]
    unread = [one["path"] for one in warned if one["id"] == "unread-external"]
    assert sorted(unread) == sorted(f"groups.{name.lower()}" for name in GROUPS)
    drift_of_it = TOWER.run("drift", "--json", folder=folder)
    found = json.loads(drift_of_it.stdout)
    assert (drift_of_it.exit_code, found["differences"]) == (1, [])
    assert [one["part"] for one in found["unread"]] == sorted(f"group {name.lower()}" for name in GROUPS)

    written = json.loads(TOWER.run("adopt", "--refresh-external", "--yes", "--json", folder=folder).stdout)
    assert len(written["differs"]) == len(GROUPS), "nobody knows who is new in them"
    assert TOWER.run("drift", "--json", folder=folder).exit_code == 0


def test_a_member_whom_nobody_declares_is_told_by_name(folder: Path, said: Said) -> None:
    there = TOWER.at_aws(user("eve7", external=True), changed("group", ADMINS, members=("root1", "eve7")))
    there.run("adopt", "--refresh-external", "--yes", folder=folder)

    assert told(there, folder) == {}
    assert "unknown-member" in said.ids(there.run("check", folder=folder))
    at_a_glance = there.run("report", folder=folder).stdout.partition("By person")[0]
    assert "members of awscontroltoweradmins: AWSAdministratorAccess" in at_a_glance
    assert list(told(there.at_aws(changed("group", ADMINS, members=("root1",))), folder)) == [
        "gone-outside membership user eve7@example.com in group awscontroltoweradmins"
    ]
    assert told(there.at_aws(gone("user", "eve7")), folder) == {}, "who is nowhere any more is no difference"


def test_whoever_is_in_a_group_of_theirs_is_declared_by_an_adoption() -> None:
    there = TOWER.at_aws(user("eve7", external=True), changed("group", ADMINS, members=("root1", "eve7")))

    found, files = configuration(there.model, there.inventory)

    assert found.sso["users"]["eve7"] == {"external": True, "user_name": "eve7@example.com"}
    assert yaml.safe_load(files["external.yaml"])["groups"][ADMINS] == {
        "members": ["eve7@example.com", "root1@example.com"]
    }


def test_a_provider_fills_its_groups_as_it_likes(tmp_path: Path) -> None:
    """Also one that is called as Control Tower's: nobody is written, and what the provider does is no drift."""
    provided = group(ADMINS, "eve7", external=True)
    there = Organization(*OWN, user("eve7", external=True), provided, permission_set("Looks"), default_tags=False)
    there = there.at_aws(grant("Looks", ADMINS, "a3"))
    write_texts(tmp_path, configuration(there.model, there.inventory)[1])

    assert not (tmp_path / "external.yaml").exists()
    assert told(there.at_aws(changed("group", ADMINS, members=())), tmp_path) == {}


def test_a_run_over_everything_names_what_a_refresh_would_write(folder: Path, said: Said) -> None:
    there = TOWER.at_aws(
        changed("group", ADMINS, members=("ana",)),
        changed("permission set", "AWSPowerUserAccess", description="x"),
        gone("permission set", "AWSReadOnlyAccess"),
    )
    assert "external-differs" in said.ids(there.run("adopt", "--to", folder, "--dry-run", folder=folder))

    def warned(there: Organization) -> list[Any]:
        facts = json.loads(there.run("adopt", "--to", folder, "--yes", "--json", folder=folder).stdout)
        assert "in group" not in str(facts["gone"]), "which a deploy would make again"
        return [one["data"]["things"] for one in facts["messages"] if one["id"] == "external-differs"]

    assert warned(TOWER) == []
    assert warned(there) == [["permission set AWSPowerUserAccess: description", f"group {ADMINS}: members"]]
    assert warned(there) == [["permission set AWSPowerUserAccess: description", f"group {ADMINS}: members"]]


def test_a_second_page_has_all_that_somebody_should_look_at_still(tmp_path: Path) -> None:
    """Who is in external.yaml and who is not, full access without a group, and what nobody could undo."""
    everything = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    own = permission_set("Mine", "AdministratorAccess"), grant("Mine", "ana", "a3")
    there = Organization(*OWN, *THEIRS, *own, policy("freeze", "sandbox", document=everything), default_tags=False)
    described, files = configuration(there.model, there.inventory)
    write_texts(folder := tmp_path, files)
    later = there.at_aws(changed("group", ADMINS, members=("root1", "ana")), group("new"))

    again = json.loads(later.run("adopt", "--to", folder, "--yes", "--json", folder=folder).stdout)

    first = {one for one in described.looks if one.id in ("full-access-left", "full-access-direct", "lock-out-found")}
    assert len(first) == 3
    more = set(again["looks"]) - set(described.looks)
    assert first <= set(again["looks"])
    assert [one["data"]["name"] for one in again["messages"] if one["text"] in more] == [
        f"user ana in group {ADMINS.lower()}"
    ]
    (direct,) = (one["data"] for one in again["messages"] if one["id"] == "full-access-direct")
    assert direct == {"count": 3, "own": ["ana by Mine in a3"]}, "which is not what Account Factory gave"
    assert all(f"\n- {markdown(one)}\n" in (folder / "ADOPTION.md").read_text() for one in (*first, *more))


def test_a_lost_policy_comes_back_by_the_printed_line(folder: Path) -> None:
    """With the ids that AWS has, which no state knows."""
    (one,) = drift(folder, changed("policy", "p1", targets=())).values()

    assert shlex.split(one["undo"][0])[3:] == [
        *("--policy-id", TOWER.id("policy", "p1")),
        *("--target-id", TOWER.id("unit", "security")),
    ]


def test_a_refresh_says_what_changed_and_touches_nothing_else(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    there = TOWER.at_aws(
        changed("permission set", "AWSPowerUserAccess", description="x", aws=()),
        grant("AWSReadOnlyAccess", "ana", "a4"),
    )

    shown = there.run("adopt", "--refresh-external", "--dry-run", folder=folder)
    assert shown.stdout.startswith("--- ")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    written = json.loads(there.run("adopt", "--refresh-external", "--yes", "--json", folder=folder).stdout)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert written["written"]
    assert written["differs"] == ["permission set AWSPowerUserAccess: description, policies"]
    assert [path.name for path in after if after[path] != before.get(path)] == ["external.yaml"]
    assert load(folder).permission_sets["AWSPowerUserAccess"].policies == ()


def test_what_would_be_written_is_told_by_the_name_that_it_gets(folder: Path) -> None:
    """What it says of a guardrail is checked in another folder before, whose name nobody knows."""
    written = loaded(folder, texts(folder), folder)

    assert written.source_file("external.yaml").file == str(folder / "external.yaml")


def test_a_refresh_drops_what_is_no_longer_declared_and_refuses_what_aws_lacks(folder: Path, said: Said) -> None:
    organized = yaml.safe_load((folder / "organization.yaml").read_text())
    del organized["policies"]["aws-guardrails-abcde2"]
    (folder / "organization.yaml").write_text(yaml.safe_dump(organized))

    lacking = TOWER.at_aws(gone("permission set", "Templated"))
    refused = lacking.run("adopt", "--refresh-external", "--yes", folder=folder)
    assert (refused.exit_code, said.ids(refused)) == (1, ["gone-at-aws"])
    assert "aws-guardrails-AbCdE2" in (folder / "external.yaml").read_text()

    done = TOWER.run("adopt", "--refresh-external", "--yes", folder=folder)
    assert "policy aws-guardrails-AbCdE2: " in done.stdout
    assert "aws-guardrails-AbCdE2" not in (folder / "external.yaml").read_text()
    assert said.ids(TOWER.run("adopt", "--refresh-external", "--yes", folder=folder)) == ["nothing-to-do"]


UNEVALUATED = """policies:
  SERVICE_CONTROL_POLICY:
    aws-guardrails-AbCdE1:
      document: '{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Like": {"a": "b"}}}]}'
"""


@pytest.mark.parametrize("damaged", ["read: never\npermission_sets: 3\n", UNEVALUATED], ids=["types", "document"])
def test_a_refresh_is_the_way_out_of_a_damaged_file(folder: Path, damaged: str) -> None:
    has = load(folder).external
    (folder / "external.yaml").write_text(damaged)
    with pytest.raises(ConfigurationError):
        load(folder)

    assert TOWER.run("adopt", "--refresh-external", "--yes", folder=folder).exit_code == 0
    assert load(folder).external == has.model_copy(update={"read": load(folder).external.read})


def test_where_nothing_is_external_a_refresh_asks_nobody(tmp_path: Path, said: Said) -> None:
    own = Organization(user("ana"), default_tags=False)
    write_texts(tmp_path, configuration(own.model, own.inventory)[1])
    silent = own.at_aws(denied("organizations:DescribeOrganization"))

    done = silent.run("adopt", "--refresh-external", "--yes", folder=tmp_path)
    assert (done.exit_code, said.ids(done)) == (0, ["nothing-external"])

    (tmp_path / "external.yaml").write_text(f"groups: {{{ADMINS}: {{members: [ana]}}}}\n")
    assert silent.run("adopt", "--refresh-external", "--yes", folder=tmp_path).exit_code == 0
    assert load(tmp_path).external.groups == {}


def test_own_things_that_become_external_before_their_imports_are_done_are_one_fault_each(
    tmp_path: Path, said: Said
) -> None:
    own = Organization(
        account("a3"),
        [user("ana"), group("sre", "ana"), policy("house", "root")],
        permission_set("Reads", "ReadOnlyAccess", customer=("/t/Billing",), inline=ALLOW, boundary="PowerUserAccess"),
        grant("Reads", "sre", "a3"),
        default_tags=False,
    )
    write_texts(tmp_path, configuration(own.model, own.inventory)[1])
    for file, section, key, entry in (
        ("sso.yaml", "permission_sets", "Reads", {}),
        ("sso.yaml", "groups", "sre", {}),
        ("organization.yaml", "policies", "house", {"type": SCP, "targets": {"root": True}}),
    ):
        content = yaml.safe_load((tmp_path / file).read_text())
        content[section][key] = {"external": True, **entry}
        (tmp_path / file).write_text(yaml.safe_dump(content))

    refused = own.run("check", folder=tmp_path)
    assert (refused.exit_code, said.ids(refused)) == (1, ["import-of-external"] * 3)

    there = own.at_aws()
    assert there.run("adopt", "--prune", "--yes", folder=tmp_path).exit_code == 0
    assert there.run("adopt", "--refresh-external", "--yes", folder=tmp_path).exit_code == 0
    assert load(tmp_path).permission_sets["Reads"].is_known


def test_what_external_yaml_lacks_is_unread_and_its_grants_are_compared(folder: Path, said: Said) -> None:
    external = yaml.safe_load((folder / "external.yaml").read_text())
    del external["permission_sets"]["AWSReadOnlyAccess"]
    (folder / "external.yaml").write_text(yaml.safe_dump(external))
    there = TOWER.at_aws(
        changed("permission set", "AWSReadOnlyAccess", aws=("AdministratorAccess",), description="x"),
        grant("AWSReadOnlyAccess", "ana", "a4"),
    )

    told = there.run("drift", "--json", folder=folder)
    found = json.loads(told.stdout)

    assert told.exit_code == 1
    assert [one["at"] for one in found["differences"]] == ["assignment AWSReadOnlyAccess of user ana in a4"]
    assert [(one["part"], one["id"]) for one in found["unread"]] == [
        ("permission set AWSReadOnlyAccess", "external-unread")
    ]
    assert "external-unread" in said.ids(there.run("drift", folder=folder))


def test_a_day_of_reading_that_is_to_come_is_told(folder: Path) -> None:
    external = yaml.safe_load((folder / "external.yaml").read_text())
    day = dt.datetime.now(tz=dt.UTC).date()
    for ahead, told in ((0, []), (1, []), (2, ["unread-external"])):
        external["read"] = day + dt.timedelta(days=ahead)
        (folder / "external.yaml").write_text(yaml.safe_dump(external))
        warned = json.loads(TOWER.run("check", "--json", folder=folder).stdout)["warnings"]
        assert [one["id"] for one in warned if one["path"] == "read"] == told


def test_what_an_older_strata_left_alone_is_declared_by_the_next_run(tmp_path: Path) -> None:
    """With its grants and attachments, and nothing of it is made outside afterwards."""
    older = Organization(*OWN, default_tags=False)
    there, folder = older.at_aws(*THEIRS), tmp_path / "config"
    write_texts(folder, configuration(older.model, older.inventory)[1])

    first = there.run("adopt", "--to", folder, "--yes", folder=folder)
    assert first.exit_code == 0, first.output
    zone = load(folder)
    assert set(SETS) < {one.key for one in zone.permission_sets.values() if one.external and one.is_known}
    assert zone.policies["aws-guardrails-abcde1"].targets.organizational_units == ("security",)
    assert set(zone.imports) == set(yaml.safe_load(adopted()["imports.yaml"]))
    left = json.loads(there.run("drift", "--json", folder=folder).stdout)
    assert (left["differences"], [one["part"] for one in left["unread"]]) == ([], ["group awscontroltoweradmins"])

    again = there.run("adopt", "--to", folder, "--dry-run", folder=folder)
    assert "nothing to do" in again.stderr


def test_a_set_beyond_a_quota_is_described_and_answered_for(tmp_path: Path) -> None:
    """As AWS has extended it for this company: no entry may say so."""
    allowed = sorted(one for one in reference().managed_policies if "/" not in one)[:25]
    there = Organization(
        [
            user("ana"),
            account("a3"),
            permission_set("Wide", "AmazonS3FullAccess", *allowed),
            grant("Wide", "ana", "a3"),
        ],
        default_tags=False,
    )
    found, files = configuration(there.model, there.inventory)
    write_texts(tmp_path, files)
    zone = load(tmp_path)

    assert (zone.permission_sets["Wide"].external, len(zone.permission_sets["Wide"].policies)) == (True, 26)
    assert [(one.account, one.permission_set, one.principal) for one in zone.grants] == [("a3", "Wide", "ana")]
    assert ([one.id for one in found.looks], found.left_alone) == (["too-many"], [])
    assert there.run("can", "s3:GetObject", "--in", "a3", "--as", "ana", folder=tmp_path).exit_code == 0
    assert told(there, tmp_path) == {}
    assert list(told(there.at_aws(changed("permission set", "Wide", aws=("AdministratorAccess",))), tmp_path))


def test_an_attachment_that_somebody_took_out_is_not_written_back(folder: Path) -> None:
    """No line of imports.yaml has it, so that the record alone knows that it is not new."""
    organized = yaml.safe_load((folder / "organization.yaml").read_text())
    del organized["policies"]["aws-guardrails-abcde2"]["targets"]
    (folder / "organization.yaml").write_text(yaml.safe_dump(organized))

    there = Organization(*OWN, default_tags=False).at_aws(*THEIRS)  # whose states have nothing of it
    found = json.loads(there.run("adopt", "--to", folder, "--dry-run", "--json", folder=folder).stdout)

    assert found["added"] == []
    assert found["taken_out"] == ["policy aws-guardrails-abcde2 on sandbox"]


@pytest.mark.parametrize(
    ("made", "external"),
    [
        (policy("p9", "a4", name="aws-guardrails-AbCdE9", document=guardrail("CTKMSPV5")), True),
        (policy("p9", "a4", name="aws-guardrails-AbCdE9"), False),
    ],
)
def test_one_made_outside_is_written_as_what_it_is(folder: Path, made: Any, external: bool) -> None:
    there = TOWER.at_aws(made)
    (told,) = drift(folder, made).values()

    done = there.run("adopt", f"policy:{told['name']}", "--yes", folder=folder)

    assert done.exit_code == 0, done.output
    one = load(folder).policies["aws-guardrails-abcde9"]
    assert (one.external, one.is_known, one.targets.accounts) == (external, True, ("a4",))
    assert (told["undo"] == [], (folder / "policies/aws-guardrails-abcde9.json").exists()) == (external, not external)


# What AWS attaches to everything


LISTED = Organization(
    [unit("locked1", "Locked"), unit("open2", "Open"), account("a3", "locked1"), account("a4", "open2")],
    policy("list", "locked1", document=ALLOW),
    [user("ana"), permission_set("Admin", "AdministratorAccess"), grant("Admin", "ana", "a3", "a4")],
    default_tags=False,
)
DETACHED = LISTED.at_aws(no_full_access("locked1"))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    write_texts(tmp_path / "config", adopted(DETACHED))
    return tmp_path / "config"


def test_where_full_access_is_off_its_slot_is_free(tmp_path: Path, said: Said) -> None:
    """AWS takes ten policies on a target."""
    ten = [policy(f"p{number}", "locked1", document=ALLOW) for number in range(1, 11)]
    there = Organization(unit("locked1", "Locked"), account("a3", "locked1"), *ten, default_tags=False)
    bare = there.at_aws(no_full_access("locked1"))
    write_texts(tmp_path / "config", configuration(bare.model, bare.inventory)[1])

    found = bare.run("check", folder=tmp_path / "config")

    assert (found.exit_code, "too-many" in said.ids(found)) == (0, False), found.output
    assert load(tmp_path / "config").policies.keys() == {f"p{number}" for number in range(1, 11)}
    assert "too-many" in said.ids(there.run("check", folder=there.write(tmp_path / "open")))


def told(there: Organization, folder: Path) -> dict[str, Any]:
    found = json.loads(there.run("drift", "--json", folder=folder).stdout)["differences"]
    return {f"{one['finding']} {one['at']}": one for one in found}


def test_full_access_that_was_taken_off_is_described_and_answers_know_it(listed: Path) -> None:
    organized = yaml.safe_load((listed / "organization.yaml").read_text())
    assert organized["policies"]["FullAWSAccess"] == {
        "external": True,
        "type": "SERVICE_CONTROL_POLICY",
        "detached": {"organizational_units": ["locked"]},
    }
    assert told(DETACHED, listed) == {}
    warned = DETACHED.run("check", folder=listed)
    assert (warned.exit_code, "allow-only" in warned.stderr) == (0, False)
    answers = {
        (action, account_): DETACHED.run("can", action, "--in", account_, "--as", "ana", folder=listed).exit_code
        for action, account_ in (("s3:GetObject", "a3"), ("ec2:RunInstances", "a3"), ("ec2:RunInstances", "a4"))
    }
    assert answers == {("s3:GetObject", "a3"): 0, ("ec2:RunInstances", "a3"): 3, ("ec2:RunInstances", "a4"): 0}


def test_full_access_attached_again_is_told_as_what_voids_the_list(listed: Path, said: Said) -> None:
    assert {"allow-list-void", "take-out-detached"} < {*said.ids(LISTED.run("drift", folder=listed))}
    ((at, one),) = told(LISTED, listed).items()

    assert (at, one["by_hand_id"]) == ("made-outside attachment FullAWSAccess on unit locked", "allow-list-void")
    assert [shlex.split(line)[2:] for line in one["undo"]] == [
        ["detach-policy", "--policy-id", "p-FullAWSAccess", "--target-id", LISTED.id("unit", "locked1")]
    ]


def test_full_access_taken_off_is_told_with_the_line_that_attaches_it(listed: Path, said: Said) -> None:
    there = LISTED.at_aws(no_full_access("locked1", "a4", "root"))
    assert "write-detached" in said.ids(there.run("drift", folder=listed))
    found = told(there, listed)

    assert {at: shlex.split(one["undo"][0])[2:] for at, one in found.items()} == {
        f"gone-outside attachment FullAWSAccess on {place}": [
            *("attach-policy", "--policy-id", "p-FullAWSAccess", "--target-id", there.aws.place(key))
        ]
        for place, key in (("account a4", "a4"), ("root", "root"))
    }
    assert {one["not_adopted_id"] for one in found.values()} == {"write-detached"}


def test_a_rerun_describes_where_full_access_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    write_texts(folder, configuration(LISTED.model, LISTED.inventory)[1])

    assert DETACHED.run("adopt", "--to", folder, "--yes", folder=folder).exit_code == 0
    assert told(DETACHED, folder) == {}


@pytest.mark.parametrize(
    ("entry", "at", "id"),
    [
        (
            "FullAWSAccess: {external: true, type: SERVICE_CONTROL_POLICY, targets: {root: true}}",
            "targets",
            "managed-elsewhere",
        ),
        (
            "other: {external: true, type: SERVICE_CONTROL_POLICY, detached: {root: true}}",
            "detached",
            "managed-elsewhere",
        ),
        (
            "FullAWSAccess: {external: true, type: SERVICE_CONTROL_POLICY, detached: {accounts: [none]}}",
            "accounts[1]",
            "unknown-name",
        ),
        ("FullAWSAccess: {type: SERVICE_CONTROL_POLICY, file: policies/list.json}", "FullAWSAccess", "name-reserved"),
    ],
)
def test_only_what_aws_attaches_by_itself_is_detached_somewhere(
    listed: Path, entry: str, at: str, id: str, said: Said
) -> None:
    file = listed / "organization.yaml"
    head, _, rest = file.read_text().partition("  FullAWSAccess:")
    entry = entry.replace("TYPE", "SERVICE_CONTROL_POLICY")
    file.write_text(f"{head}  {entry}\n  list:{rest.partition('  list:')[2]}")

    refused = DETACHED.run("check", folder=listed)

    assert (refused.exit_code, said.ids(refused)) == (1, [id])
    assert any(f"{at}: " in line for line in refused.stderr.splitlines() if "error: " in line), refused.stderr


def test_what_no_file_may_have_stops_no_adoption_and_is_no_drift(tmp_path: Path) -> None:
    """Texts of others that nobody sees, or that cdktf would take for its own, and documents of any statements."""
    stack = {"aws:cloudformation:stack-name": "theirs"}
    odd = DENY.replace("s3:*", "s3:NoSuch").replace('"*"}', r'"arn:aws:s3:::\u202e#{x}"}')
    there = Organization(
        permission_set("Odd", description="a\u200bb", inline=odd, tags={**stack, "k": "v\u202e"}, session="PT3601S"),
        policy("p1", "root", document=odd, description="\u202e", tags=stack),
        default_tags=False,
    )
    write_texts(tmp_path, configuration(there.model, there.inventory)[1])

    assert load(tmp_path).permission_sets["Odd"].is_known
    assert told(there, tmp_path) == {}
    assert told(there.at_aws(changed("policy", "p1", document=DENY)), tmp_path)


def test_a_leaver_whom_external_yaml_still_names_gains_nobody_anything(tmp_path: Path) -> None:
    """The deploy deletes the user, whose loss is named with the groups that gave it."""
    there = TOWER.but(group("AWSAccountFactory", "ana"))
    write_texts(tmp_path, configuration(there.model, there.inventory)[1])
    (tmp_path / "imports.yaml").unlink()
    before = load(tmp_path)

    removed = there.run("remove", "user", "ana", "--yes", folder=tmp_path)

    after = load(tmp_path)
    for set, by in (("AWSServiceCatalogEndUserAccess", "awsaccountfactory"), ("AWSReadOnlyAccess", "sre")):
        assert [by in line for line in removed.output.splitlines() if f"ana loses {set}" in line] == [True]
        assert [one.risk for one in diff.compare(before, after) if set in one.text] == [None]
    assert {one.risk for one in diff.compare(before, after)} == {None, "losses"}, "all users go"
    assert not [one for one in diff.compare(before, after) if "awsaccountfactory" in one.text]
    assert [one.risk for one in diff.compare(after, before) if set in one.text] == ["access"], "a new user gains it"


def test_a_providers_user_who_is_taken_out_stays_in_a_group_of_theirs(folder: Path) -> None:
    """External.yaml has the same one, by name."""
    (folder / "imports.yaml").unlink()
    before = load(folder)

    removed = TOWER.run("remove", "user", "root1", "--yes", folder=folder)

    after = load(folder)
    changes = [*diff.compare(before, after), *diff.compare(after, before)]
    assert "root1" not in after.users
    assert "AWSOrganizationsFullAccess" not in removed.output
    assert not [one for one in changes if "AWSOrganizationsFullAccess" in one.text or one.risk]


def test_nobody_is_added_to_a_group_of_theirs_and_the_refusal_says_where(folder: Path, said: Said) -> None:
    words = ("--given-name", "Bo", "--family-name", "Berg", "--email", "bo@example.com", "--group")

    there, nowhere = (TOWER.run("add", "user", "bo", *words, key, folder=folder) for key in (ADMINS.lower(), "nobody"))

    (one,), (other,) = said(there.stderr), said(nowhere.stderr)
    assert (one.id, other.id) == ("unknown-name", "unknown-name")
    assert ("Identity Center" in one.text, "Identity Center" in other.text) == (True, False)
