"""`strata report`: the configuration read back in every format, and what a change of it means."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from strata import diff
from strata.cli import app
from strata.config import MOVES
from strata.config.keys import with_moves
from strata.config.loader import read_partial
from strata.config.models import Assignment, GroupEntry, Mode, PolicyEntry, PolicyType, User
from strata.config.moves import Move
from strata.config.source import SourceFile, parse
from strata.evaluation.administrators import allows_everything
from strata.files.config_edit import texts
from strata.kinds.moves import with_move
from strata.kinds.renaming import with_other_key
from strata.landing_zone import LandingZone
from strata.landing_zone.layers import layers
from strata.landing_zone.units import THE_ROOT, Target
from strata.load import load
from strata.report.access import allowances
from strata.report.edition import Edition
from strata.report.facts import Facts
from strata.report.layout import as_text
from strata.report.page import page
from strata.report.points import Point, numbers, points
from strata.report.policies import slots
from strata.report.revisions import Revision, configuration_at, revision_of
from strata.report.tables import tables
from tests.conftest import Golden
from tests.said import Said, Told
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED, STACKS, Deployment

DAY = dt.date(2027, 1, 31)
EDITION = Edition(DAY)
NASTY = "</script><script>alert('1')</script>\"|`*"


@pytest.fixture(scope="module")
def zone() -> LandingZone:
    return load(COMPANY)


@pytest.fixture(scope="module")
def unasked(zone: LandingZone) -> LandingZone:
    """The company's without its expectations, which take most of the time of a report and have tests of their own."""
    return replace(zone, expectations=())


def report(*words: str, config: Path = COMPANY) -> Result:
    return CliRunner().invoke(app, ["report", "--config", str(config), *words])


# Formats


FORMATS = {"text": "txt", "markdown": "md", "json": "json"}


@pytest.mark.parametrize(
    ("name", "config", "format"),
    [*(("shipped", SHIPPED, format) for format in FORMATS), ("company", COMPANY, "text")],
)
def test_a_configuration_reads_back(
    name: str, config: Path, format: str, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the commit, which is another one each time.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(config.resolve().parent))
    result = report("--format", format, "--as-of", str(DAY), config=config)
    assert result.exit_code == 0, result.stderr
    golden(f"{name}/report.{FORMATS[format]}", result.stdout)


def test_a_report_goes_to_a_file(tmp_path: Path) -> None:
    result = report("--format", "json", "--output", str(tmp_path / "access.json"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads((tmp_path / "access.json").read_text())["project"] == load(COMPANY).project.name


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, said: Said) -> None:
    result = report("--output", str(tmp_path / "none" / "access.txt"))
    (told,) = said(result)
    assert (result.exit_code, told.id) == (1, "file-unwritable")
    assert f"{tmp_path}/none" in told.text


# The first screen


def _first(zone: LandingZone, day: dt.date = DAY) -> dict[str, Point]:
    facts = Facts(replace(zone, expectations=()), Edition(day))
    return {point.key: point for point in points(facts.overview)}


def _with_entry(zone: LandingZone, **entry: Any) -> LandingZone:
    made = Assignment.model_validate({"permission_sets": ("Administrator",), **entry})
    return replace(zone, sso=zone.sso.model_copy(update={"assignments": (*zone.sso.assignments, made)}))


def test_full_access_to_management_is_full_access_to_everything(zone: LandingZone) -> None:
    found = _first(_with_entry(zone, users=("lea-vogt",), accounts=("management",)))
    assert "lea-vogt: Administrator in management, directly" in found["administrators"].lines
    assert found["full_access"].lines == ("nobody",)


def test_full_access_to_one_account_is_told_apart(zone: LandingZone) -> None:
    until = dt.date(2027, 3, 1)
    found = _first(_with_entry(zone, users=("lea-vogt",), accounts=("sandbox",), until=until))
    assert found["full_access"].lines == ("lea-vogt: Administrator in sandbox, directly, until 2027-03-01",)
    assert "lea-vogt" not in str(found["administrators"].lines)


def test_full_access_by_a_group_and_directly_names_both_ways(zone: LandingZone) -> None:
    """Control Tower's groups give management, Account Factory the accounts that one asked for."""
    both = _with_entry(zone, users=("anna-petersen",), accounts=("management",))
    lines = [one for one in _first(both)["administrators"].lines if one.startswith("anna-petersen")]
    assert lines == [
        "anna-petersen: Administrator in all 10 member accounts, through platform-administrators",
        "anna-petersen: Administrator in management, through platform-administrators, directly",
    ]


def test_an_inline_policy_that_allows_everything_is_full_access(zone: LandingZone) -> None:
    """Under any name, and not where something takes it back."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    documents = {**zone.documents, "policies/read-payment-logs.json": json.dumps(everything)}
    sets = replace(zone, documents=documents).permission_sets
    assert allows_everything(sets["PaymentsSupport"])
    assert not allows_everything(zone.permission_sets["PaymentsSupport"])


def test_what_is_open_is_told(zone: LandingZone) -> None:
    new = User(given_name="New", family_name="Person", email="new@nordwind.dev")
    sso = zone.sso.model_copy(
        update={"users": {**zone.sso.users, "new-person": new}, "groups": {**zone.sso.groups, "finance": GroupEntry()}}
    )
    off = zone.security.trail.model_copy(update={"mode": Mode.OFF})
    loose = {key: one for key, one in zone.organization.policies.items() if key != "deny-leaving-organization"}
    suspended = zone.organization.accounts["sandbox"].model_copy(update={"organizational_unit": "suspended"})
    organization = zone.organization.model_copy(
        update={"policies": loose, "accounts": {**zone.organization.accounts, "sandbox": suspended}}
    )
    changed = replace(
        zone, sso=sso, organization=organization, security=zone.security.model_copy(update={"trail": off})
    )
    found = _first(changed)
    told = {key: found[key].lines for key in ("without_group", "without_access", "unbound_accounts")}
    assert told == {
        "without_group": ("lars-johansen", "new-person"),
        "without_access": ("lars-johansen", "new-person"),
        "unbound_accounts": ("sandbox", *_first(zone)["unbound_accounts"].lines),
    }
    assert len(told["unbound_accounts"]) == 2, "the others are those of which no file says where they are"
    assert {*found["controls_off"].lines} - {*_first(zone)["controls_off"].lines} == {"trail"}
    assert found["empty_groups"].lines == ("finance",)
    assert numbers(Facts(changed, EDITION).overview).startswith(
        "21 people: 19 with access, 2 without; and 2 groups whose "
    )


# The day, the revision


def test_a_report_names_its_day_and_its_revision(repository: Path) -> None:
    config = repository / "aws" / "config"
    commit = _at(repository, "HEAD")
    assert revision_of(config) == Revision(commit, dirty=False)
    (config.parent / "other.txt").write_text("beside the configuration")
    assert revision_of(config) == Revision(commit, dirty=False)
    (config / "security.yaml").write_text((config / "security.yaml").read_text() + "\n")
    assert revision_of(config) == Revision(commit, dirty=True)
    text = report("--as-of", "2027-01-31", config=config).stdout
    assert text.startswith(f"As of 2027-01-31, commit {commit[:12]} with uncommitted changes\n")


def test_files_that_git_ignores_are_not_of_the_commit(repository: Path) -> None:
    _git(repository, "rm", "-r", "--quiet", "--cached", "aws")
    (repository / ".gitignore").write_text("aws/\n")
    _commit(repository)
    found = revision_of(repository / "aws" / "config")
    assert found
    assert found.dirty


# Access


def test_a_group_without_members_is_told(unasked: LandingZone) -> None:
    changed = _with(unasked, "sso", groups={**unasked.sso.groups, "finance": GroupEntry()})
    assert "finance has no members" in as_text(tables(changed, EDITION), 100)


def test_lines_keep_to_the_width_and_words_stay_whole(zone: LandingZone) -> None:
    """Where columns of whole words are too wide, the cells of a row stand below each other."""
    found = tables(zone, EDITION)
    cells = [cell for table in found for row in table.rows for cell in row]
    words = {word for cell in cells for word in ("; ".join(cell) if isinstance(cell, tuple) else cell).split()}
    for width in (60, 72, 80, 100):
        text = as_text(found, width)
        assert max(map(len, text.splitlines())) <= width
        assert words - set(text.split()) - {":"} == set()


# Slots and layers


def test_a_slot_that_aws_leaves_free_is_free(zone: LandingZone) -> None:
    bare = _with_policies(zone, FullAWSAccess=PolicyEntry.model_validate(DETACHED))
    workloads = {one.type: one for one in slots(bare)[Target("unit", "workloads")]}

    scp = workloads[PolicyType.SERVICE_CONTROL]
    assert (scp.used, scp.free, workloads[PolicyType.RESOURCE_CONTROL].used) == (4, 6, 2)
    assert page(zone, EDITION).count("detached") + 1 == page(bare, EDITION).count("detached")


def test_slots_follow_the_limits_of_the_project(zone: LandingZone) -> None:
    project = zone.project.model_copy(update={"limits": {"service_control_policy_attachments": 6}})
    (scp, *_) = slots(replace(zone, project=project))[THE_ROOT]
    assert (scp.limit, scp.free) == (6, 4)


def test_layers_read_what_the_stacks_read(shipped: Deployment, company: Deployment) -> None:
    for folder, deployment in ((SHIPPED, shipped), (COMPANY, company)):
        told = {one.name: set(one.reads) for one in layers(load(folder))}
        assert told == {name: set(deployment.dependencies(name)) for name in STACKS}


# Names that try to be something else


def test_the_page_holds_no_name_as_markup(unasked: LandingZone) -> None:
    text = page(_with_nasty_names(unasked), EDITION)
    assert "<script>alert" not in text
    assert text.count("</script>") == 1


def _with_nasty_names(zone: LandingZone) -> LandingZone:
    organization, sso = zone.organization, zone.sso
    account = organization.accounts["network"].model_copy(update={"name": NASTY})
    accounts = {**organization.accounts, "network": account}
    user = sso.users["lea-vogt"].model_copy(update={"given_name": NASTY, "family_name": NASTY})
    group = sso.groups["contractors"].model_copy(update={"name": NASTY})
    policy = organization.policies["deny-root-user"].model_copy(update={"description": NASTY})
    return replace(
        zone,
        organization=organization.model_copy(
            update={"accounts": accounts, "policies": {**organization.policies, "deny-root-user": policy}}
        ),
        sso=sso.model_copy(
            update={"users": {**sso.users, "lea-vogt": user}, "groups": {**sso.groups, "contractors": group}}
        ),
    )


def test_the_page_counts_the_accounts_below_a_unit(unasked: LandingZone) -> None:
    units = re.findall(r'id="o-(\w+)".*?<span class="facts">(\d+ accounts?)', page(unasked, EDITION), re.DOTALL)
    assert dict(units)["root"] == "11 accounts"
    assert (dict(units)["workloads"], dict(units)["suspended"]) == ("5 accounts", "0 accounts")


def test_a_policy_is_folded_after_300_characters() -> None:
    zone = replace(load(SHIPPED), expectations=())
    devops = next(text for text in allowances(zone.permission_sets["DevOps"]) if len(text) > 300)
    text = as_text(tables(zone, EDITION), 2_000)
    assert f"{devops[:300]} ... and {len(devops) - 300:,} characters more" in text
    assert f'<details class="fold"><summary>{devops[:300]}' in page(zone, EDITION)
    assert devops[300:] in page(zone, EDITION)


# Differences


Edit = Callable[[Any], None]


def _set(*path: str | int, value: Any) -> Edit:
    def edit(data: Any) -> None:
        _inside(data, path[:-1])[path[-1]] = value

    return edit


def _drop(*path: str | int) -> Edit:
    def edit(data: Any) -> None:
        del _inside(data, path[:-1])[path[-1]]

    return edit


def _remove(*path: str | int, value: str) -> Edit:
    return lambda data: _inside(data, path).remove(value)


def _add(*path: str | int, value: Any) -> Edit:
    return lambda data: _inside(data, path).append(value)


def _inside(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def _account(key: str, **values: Any) -> Edit:
    return _set("accounts", key, value=values)


def _move_attachment(data: Any) -> None:
    targets = data["policies"]["deny-root-user"]["targets"]
    targets["organizational_units"] = [one for one in targets["organizational_units"] if one != "sandbox"]
    targets["accounts"] = ["sandbox"]


def _entry(data: Any, permission_set: str) -> Any:
    return next(one for one in data["assignments"] if permission_set in one["permission_sets"])


def _empty_group_gains(data: Any) -> None:
    data["groups"]["on-call"] = {"members": []}
    entry = {"permission_sets": ["SecurityAuditor"], "groups": ["on-call"], "accounts": ["data-prod"]}
    data["assignments"].append({**entry, "reason": "On call", "until": dt.date(2031, 1, 31)})


ORGANIZATION, SSO, SECURITY, PROJECT = "organization.yaml", "sso.yaml", "security.yaml", "project.yaml"
ACCESS, GUARDRAILS, ACCOUNTS, LOSSES = "access", "guardrails", "accounts", "losses"

EVERY_UNIT = ["security", "infrastructure", "workloads", "sandbox", "suspended"]

DETACHED = {
    "external": True,
    "type": "SERVICE_CONTROL_POLICY",
    "detached": {"organizational_units": ["workloads"]},
}

CASES: dict[str, tuple[str, Edit, list[str]]] = {
    "a member joins": (SSO, _add("groups", "payments-support", "members", value="lea-vogt"), [ACCESS]),
    "a member leaves": (
        SSO,
        _remove("groups", "payments-engineers", "members", value="paul-okafor"),
        [],
    ),
    "an external group is another": (SSO, _set("groups", "contractors", "name", value="Everybody"), [ACCESS]),
    "another address signs in": (
        SSO,
        _set("users", "lea-vogt", "email", value="mallory@nordwind.dev"),
        [ACCESS],
    ),
    "an entry ends": (SSO, lambda data: _entry(data, "DataAnalyst").update(until=dt.date(2031, 1, 31)), []),
    "a permission set gains a policy": (
        SSO,
        _add("permission_sets", "DataAnalyst", "policies", value={"aws": "PowerUserAccess"}),
        [ACCESS],
    ),
    "a permission set loses a policy": (SSO, _drop("permission_sets", "Billing", "policies", 1), []),
    "a permission set loses its boundary": (SSO, _drop("permission_sets", "PaymentsEngineer", "boundary"), [ACCESS]),
    "sessions get longer": (SSO, _set("permission_sets", "Administrator", "session_duration", value="PT90M"), [ACCESS]),
    "state access may only read": (SSO, _set("state_access", "read_only", value=True), []),
    "a session tag has another source": (
        SSO,
        _set("access_control_attributes", "Team", value="${path:enterprise.division}"),
        [ACCESS],
    ),
    "an account is created": (
        ORGANIZATION,
        _account("data-test", email="aws+data-test@nordwind.dev", organizational_unit="data-nonproduction"),
        [ACCESS, ACCESS],
    ),
    "a tag changes": (
        ORGANIZATION,
        _set("accounts", "shared-services", "tags", value={"Owner": "platform"}),
        [],
    ),
    "an account moves to where less binds": (
        ORGANIZATION,
        _set("accounts", "sandbox", "organizational_unit", value="suspended"),
        [GUARDRAILS],
    ),
    "an account has another address": (
        ORGANIZATION,
        _set("accounts", "sandbox", "email", value="aws+other@nordwind.dev"),
        [ACCOUNTS],
    ),
    "others get an account": (ORGANIZATION, _add("unmanaged_accounts", value="x@tidepay.dev"), [ACCOUNTS]),
    "a unit leaves a policy that its account is given": (
        ORGANIZATION,
        _move_attachment,
        [GUARDRAILS],
    ),
    "a policy goes up": (
        ORGANIZATION,
        _set("policies", "deny-root-user", "targets", value={"root": True}),
        [],
    ),
    "a policy goes": (ORGANIZATION, _drop("policies", "keep-payments-private"), [GUARDRAILS, GUARDRAILS]),
    "a region opens": (
        ORGANIZATION,
        _add("region_restriction", "allowed", value="eu-west-3"),
        [GUARDRAILS, GUARDRAILS],
    ),
    "a document denies less": ("policies/protect-foundation.json", _drop("Statement", 0), [GUARDRAILS]),
    # What an SCP denies there in any case is not told.
    "an inline policy widens": (
        "policies/read-payment-logs.json",
        _add("Statement", value={"Sid": "More", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
        [ACCESS],
    ),
    "the root is loosened though every unit is held": (
        ORGANIZATION,
        _set("policies", "deny-leaving-organization", "targets", value={"organizational_units": EVERY_UNIT}),
        [GUARDRAILS],
    ),
    "an EC2 default goes": (ORGANIZATION, _set("ec2_defaults", "disable_serial_console", value=False), [GUARDRAILS]),
    "a control goes off": (SECURITY, _set("access_analyzer", "mode", value="off"), [GUARDRAILS]),
    "an empty group gains": (SSO, _empty_group_gains, []),
    "a permission set comes": (
        SSO,
        _set("permission_sets", "Logs", value={"policies": [{"inline": "policies/read-payment-logs.json"}]}),
        [],
    ),
    "an inline policy comes": (
        SSO,
        _add("permission_sets", "Billing", "policies", value={"inline": "policies/contain-incidents.json"}),
        [ACCESS],
    ),
    "a control is let go": (SECURITY, _set("ebs_encryption", "mode", value="unmanaged"), [GUARDRAILS]),
    "a password may be shorter": (SECURITY, _set("password_policy", "minimum_length", value=12), [GUARDRAILS]),
    "a password never expires": (SECURITY, _set("password_policy", "max_age_days", value=0), [GUARDRAILS]),
    "an alert goes to a new address": (
        SECURITY,
        _add("alerts", "emails", value="root@evil.example"),
        [ACCESS],
    ),
    "a contact is elsewhere": (
        SECURITY,
        _set("alternate_contacts", "security", "email", value="evil@evil.example"),
        [ACCESS],
    ),
    "the contact for security goes": (SECURITY, _drop("alternate_contacts", "security"), [GUARDRAILS]),
    "the contact for billing goes": (SECURITY, _drop("alternate_contacts", "billing"), []),
    "a permission set is tagged": (
        SSO,
        _set("permission_sets", "Billing", "tags", value={"Delegated": "yes"}),
        [ACCESS],
    ),
    "a pipeline gets in": (
        SECURITY,
        _set(
            "github_actions",
            value={"mode": "on", "repository": "nordwind/aws", "repository_id": "456789", "owner_id": "123456"},
        ),
        [ACCESS, ACCESS, ACCESS, ACCESS],
    ),
    "the deployer gets a name": (
        PROJECT,
        _set("deployer", value={"role": "ci", "policies": [{"aws": "PowerUserAccess"}, {"customer": "Roles"}]}),
        [ACCESS],
    ),
    "the trail goes off": (SECURITY, _set("trail", "mode", value="off"), [LOSSES, GUARDRAILS]),
    "the trail is let go": (SECURITY, _set("trail", "mode", value="unmanaged"), [GUARDRAILS]),
    "alerts go off": (SECURITY, _set("alerts", "mode", value="off"), [GUARDRAILS]),
    "full access is taken off": (
        ORGANIZATION,
        _set("policies", "FullAWSAccess", value=DETACHED),
        [],
    ),
    "a governed region goes": (PROJECT, _remove("regions", "governed", value="us-east-1"), [GUARDRAILS]),
    "root sessions are switched off": (ORGANIZATION, _set("member_root_access", "sessions", value=False), [GUARDRAILS]),
    "a service has another administrator": (
        ORGANIZATION,
        _set("delegated_administrators", "backup.amazonaws.com", value="audit"),
        [ACCESS],
    ),
    "another account administers the security services": (
        ORGANIZATION,
        _set("delegated_administrators", "access-analyzer.amazonaws.com", value="shared-services"),
        [GUARDRAILS, ACCESS],
    ),
    "a service loses its administrator": (
        ORGANIZATION,
        _drop("delegated_administrators", "access-analyzer.amazonaws.com"),
        [GUARDRAILS, GUARDRAILS],  # the account is bound again, and the management account, which no SCP binds, named
    ),
    "a service is no longer trusted": (
        ORGANIZATION,
        _add("disable_services", value="guardduty.amazonaws.com"),
        [GUARDRAILS],
    ),
    "the state loses its keys": (PROJECT, _set("state", "kms", value=False), [GUARDRAILS]),
    "Identity Center is elsewhere": (PROJECT, _set("identity_center", "region", value="eu-west-1"), [ACCESS]),
}


def _edit(path: Path, edit: Edit) -> None:
    """Edits a file, which then is JSON, and so YAML, in the words that Strata reads in it."""
    source = SourceFile(path.name)
    parse(path.read_text(), source)
    edit(source.data)
    path.write_text(json.dumps(source.data, indent=1, default=str))


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, Edit], LandingZone]:
    """A function that returns the company's configuration with a file edited, in one folder for all edits."""
    folder = shutil.copytree(COMPANY, tmp_path / "edited")

    def made(file: str, edit: Edit) -> LandingZone:
        _edit(folder / file, edit)
        found = _read(folder)
        shutil.copyfile(COMPANY / file, folder / file)
        return found

    return made


def _read(folder: Path) -> LandingZone:
    """Returns what a folder describes; the rules across entries, which take most of a load, are not asked."""
    partial, faults = read_partial(folder)
    found = LandingZone.of(partial)
    assert found
    assert faults == []
    return found


def _with(zone: LandingZone, part: str, **values: Any) -> LandingZone:
    """Returns a landing zone with other values in a part: organization, sso or security."""
    return replace(zone, **{part: getattr(zone, part).model_copy(update=values)})


def _in_mode(zone: LandingZone, control: str, mode: str) -> LandingZone:
    return _with(zone, "security", **{control: zone.security.controls[control].model_copy(update={"mode": Mode(mode)})})


def _with_policies(zone: LandingZone, **policies: Any) -> LandingZone:
    kept = {**zone.organization.policies, **{key.replace("_", "-"): one for key, one in policies.items()}}
    return _with(zone, "organization", policies={key: one for key, one in kept.items() if one})


def _without_sandbox(zone: LandingZone, *, retired: bool) -> LandingZone:
    accounts = dict(zone.organization.accounts)
    sandbox = accounts.pop("sandbox")
    if retired:
        accounts["sandbox"] = sandbox.model_copy(update={"retired": True})
    assignments = tuple(
        one
        if one.accounts == "all"
        else one.model_copy(update={"accounts": tuple(key for key in one.accounts if key != "sandbox")})
        for one in zone.sso.assignments
    )
    return _with(_with(zone, "organization", accounts=accounts), "sso", assignments=assignments)


def _without_unit(zone: LandingZone) -> tuple[LandingZone, LandingZone]:
    before = _without_sandbox(zone, retired=False)
    organization, policies = before.organization, dict(before.organization.policies)
    for key, policy in policies.items():
        kept = tuple(unit for unit in policy.targets.organizational_units if unit != "sandbox")
        targets = policy.targets.model_copy(update={"organizational_units": kept})
        policies[key] = policy.model_copy(update={"targets": targets})
    units = {key: unit for key, unit in organization.organizational_units.items() if key != "sandbox"}
    return before, _with(before, "organization", policies=policies, organizational_units=units)


def _account_that_no_scp_binds(zone: LandingZone) -> tuple[LandingZone, LandingZone]:
    before = _with_policies(zone, deny_leaving_organization=None)
    lab = zone.organization.accounts["sandbox"].model_copy(
        update={"email": "aws+lab@nordwind.dev", "organizational_unit": "suspended"}
    )
    return before, _with(before, "organization", accounts={**zone.organization.accounts, "lab": lab})


def _account_with_another_key(zone: LandingZone) -> tuple[LandingZone, LandingZone]:
    bare = replace(_with(zone, "sso", assignments=(), break_glass=None), expectations=())
    bare = _with(bare, "organization", policies={}, delegated_administrators={})
    accounts = dict(zone.organization.accounts)
    accounts["playground"] = accounts.pop("log-archive")
    return bare, _with(bare, "organization", accounts=accounts)


def _policy_below_that_sets_otherwise(zone: LandingZone) -> tuple[LandingZone, LandingZone]:
    document = {"ec2_attributes": {"snapshot_block_public_access": {"state": {"@@assign": "unblocked"}}}}
    sloppy = zone.organization.policies["private-networks"].model_copy(update={"file": "policies/sloppy.json"})
    after = _with_policies(zone, sloppy=sloppy)
    return zone, replace(after, documents={**zone.documents, sloppy.file: json.dumps(document)})


Pair = Callable[[LandingZone], tuple[LandingZone, LandingZone]]

PAIRS: dict[str, tuple[Pair, list[str]]] = {
    # Its state is forgotten by then, so that off has nothing to remove.
    "a trail that was let go, goes off": (
        lambda zone: (_in_mode(zone, "trail", "unmanaged"), _in_mode(zone, "trail", "off")),
        [],
    ),
    "an account that no guardrail binds, where there are any": (
        _account_that_no_scp_binds,
        [ACCESS, ACCESS, GUARDRAILS],
    ),
    "an account that goes takes its access along": (
        lambda zone: (zone, _without_sandbox(zone, retired=True)),
        [ACCOUNTS],
    ),
    "an account that is only dropped stops a deploy": (
        lambda zone: (zone, _without_sandbox(zone, retired=False)),
        [LOSSES, ACCOUNTS],
    ),
    "a unit goes in which others may have accounts": (_without_unit, [GUARDRAILS, GUARDRAILS, GUARDRAILS]),
    "an account changes its key and keeps its address": (_account_with_another_key, [LOSSES, ACCOUNTS]),
    "a policy below sets otherwise": (_policy_below_that_sets_otherwise, [GUARDRAILS, GUARDRAILS]),
}


BACK = {
    "root sessions are switched off": [ACCESS],
    "full access is taken off": [GUARDRAILS],
    "state access may only read": [ACCESS, ACCESS, ACCESS, ACCESS],
}
"""Edits of which the way back is told as well."""


def test_changes_are_told_in_words(
    zone: LandingZone, edited: Callable[[str, Edit], LandingZone], golden: Golden
) -> None:
    """What each asks to agree to stands in the tables, the words in the file of words."""
    compared = {case: diff.compare(zone, edited(file, edit)) for case, (file, edit, _) in CASES.items()}
    compared |= {case: diff.compare(*pair(zone)) for case, (pair, _) in PAIRS.items()}
    compared |= {f"back: {case}": diff.compare(edited(*CASES[case][:2]), zone) for case in BACK}

    expected = {case: risks for case, (*_, risks) in [*CASES.items(), *PAIRS.items()]}
    expected |= {f"back: {case}": risks for case, risks in BACK.items()}
    assert {case: [change.risk for change in found if change.risk] for case, found in compared.items()} == expected
    sections = (f"# {case}\n{diff.as_text(found, 'HEAD')}" for case, found in compared.items())
    golden("company/changes.txt", "\n".join(sections))


# Revisions


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("committed")
    shutil.copytree(SHIPPED, folder / "aws" / "config")
    _git(folder, "init", "--quiet")
    _commit(folder)
    return folder


@pytest.fixture
def repository(committed: Path, tmp_path: Path) -> Path:
    """A repository whose configuration is the one with which everybody begins, in a folder below."""
    return shutil.copytree(committed, tmp_path / "repository", symlinks=True)


def _commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    _git(folder, *WHO, "commit", "--quiet", "--message", "x")


WHO = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def _at(folder: Path, revision: str) -> str:
    return _git(folder, "rev-parse", revision).strip()


def test_no_replacement_of_git_changes_what_is_compared(repository: Path) -> None:
    """`git replace` puts another commit in the place of the one that is asked for."""
    folder = repository / "aws" / "config"
    (folder / "expectations.yaml").unlink()
    _commit(repository)
    _git(repository, "replace", "HEAD~1", "HEAD")
    result = report("--diff", "HEAD~1", config=folder)
    assert result.exit_code == 3
    assert "expectation nobody-leaves is removed" in result.stdout


@pytest.mark.parametrize(
    ("path", "kind"),
    [("policies/deny-root-user.json", "symbolic link"), ("policies", "symbolic link"), ("policies", "submodule")],
)
def test_what_leads_out_of_the_revision_is_refused(repository: Path, path: str, kind: str, said: Said) -> None:
    """The edit that brings it, and every comparison with a revision that has it; what it leads to may be anything."""
    folder = repository / "aws" / "config"
    (_submodule if kind == "submodule" else _link)(folder / path)
    new = report("--diff", "HEAD", config=folder)
    _commit(repository)
    for result, revision in ((new, ""), (report("--diff", "HEAD", config=folder), "HEAD")):
        told = _refusal(result, said)
        assert (told.id, told.place) == ("revision-leads-out", str(folder / path))
        assert told.data == {"kind": kind, "revision": revision}


def _link(path: Path) -> None:
    elsewhere = path.parents[len(path.relative_to(path.parents[1]).parts)] / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _submodule(path: Path) -> None:
    _git(path.parent, "rm", "-r", "--quiet", "--cached", path.name)
    _git(path, "init", "--quiet")
    _commit(path)


def test_the_folder_is_compared_whatever_its_files_are_called(repository: Path) -> None:
    folder = repository / "aws" / "config"
    (folder / "odd\n\tname \N{GREEK SMALL LETTER ALPHA}").mkdir()
    (folder / "odd\n\tname \N{GREEK SMALL LETTER ALPHA}" / "-- *.txt").write_bytes(b"\0" * 3_000_000)
    _commit(repository)
    assert report("--diff", "HEAD", config=_change(repository, SSO, LEAVES)).exit_code == 0


def _change(repository: Path, file: str, edit: Edit) -> Path:
    path = repository / "aws" / "config" / file
    _edit(path, edit)
    return path.parent


WIDER = _add("assignments", 1, "accounts", value="management")
LEAVES = _remove("groups", "devops", "members", value="jane-doe")
LOOSE = _remove("policies", "deny-root-user", "targets", "organizational_units", value="shared")


def test_the_working_tree_is_compared_with_a_revision(repository: Path, golden: Golden) -> None:
    result = report("--diff", "HEAD", config=_change(repository, SSO, LEAVES))
    assert result.exit_code == 0
    golden("shipped/diff/a-member-leaves.txt", result.stdout)


def test_nothing_changed_is_said(repository: Path, golden: Golden) -> None:
    result = report("--diff", "HEAD", config=repository / "aws" / "config")
    assert result.exit_code == 0
    golden("shipped/diff/nothing.txt", result.stdout)


@pytest.mark.parametrize(
    ("allow", "code"),
    [([], 3), (["access"], 3), (["guardrails"], 3), (["access", "guardrails"], 0), (["accounts"], 3)],
)
def test_a_risk_ends_with_3_unless_it_is_allowed(repository: Path, allow: list[str], code: int, said: Said) -> None:
    _change(repository, SSO, WIDER)
    folder = _change(repository, ORGANIZATION, LOOSE)
    words = [word for one in allow for word in ("--allow", one)]
    result = report("--diff", "HEAD", *words, config=folder)
    assert result.exit_code == code
    missing = [risk for risk in ("access", "guardrails") if risk not in allow]
    assert [(told.id, told.data["risks"]) for told in said(result.stderr)] == [("risk-not-allowed", missing)] * bool(
        code
    )


def test_what_a_deploy_refuses_is_told_before_the_merge(repository: Path, golden: Golden, said: Said) -> None:
    """Allowing it in the report is a word of its own: the deploy wants its own in turn."""
    _change(repository, ORGANIZATION, _set("ram_sharing", value=True))
    _commit(repository)
    folder = _change(repository, ORGANIZATION, _set("ram_sharing", value=False))
    refused = report("--diff", "HEAD", "--allow", "accounts", config=folder)
    (told,) = said(refused.stderr)
    assert (refused.exit_code, told.data) == (3, {"risks": ["losses"]})
    golden("shipped/diff/sharing-goes-off.txt", refused.stdout)
    assert report("--diff", "HEAD", "--allow", "losses", config=folder).exit_code == 0
    _change(repository, ORGANIZATION, _set("ram_sharing", value="unmanaged"))
    assert report("--diff", "HEAD", config=folder).exit_code == 0


def _renamed(folder: Path, *keys: str) -> None:
    """Gives things other keys, as `strata rename` does, which looks at the result besides."""
    for kind, old, new in map(str.split, keys):
        landing_zone, before = _read(folder), texts(folder)
        move = Move.model_validate({"kind": kind, "from": old, "to": new})
        files = with_other_key(landing_zone, before, move)
        files[MOVES] = with_moves(before.get(MOVES, ""), with_move(landing_zone.moves, move))
        for file, text in files.items():
            (folder / file).write_text(text)


def test_a_renamed_thing_is_compared_with_itself(repository: Path, golden: Golden) -> None:
    """Nobody gains or loses anything; a key that had another in between is told once."""
    folder = repository / "aws" / "config"
    (folder / "imports.yaml").write_text(
        'aws_identitystore_group.devops: "d-99677bd6b1/a4c8e428-d041-7034-3f6b-b5c1d2e3f4a5"\n'
    )
    (folder / "accepted.yaml").write_text(
        "- finding: unknown-managed-policy\n  at: permission_sets.FinOps NewAccess\n  reason: It is new.\n"
    )
    sso = folder / "sso.yaml"
    billing = "- aws: job-function/Billing"
    sso.write_text(sso.read_text().replace(billing, f"{billing}\n      - aws: NewAccess", 1))
    _commit(repository)
    _renamed(folder, "account shared common", "ou shared play", "policy deny-root-user no-root")
    _renamed(folder, "group devops builders", "user jane-doe jane", "user jane jane-d")
    _renamed(folder, "permission-set FinOps Finance")

    result = report("--diff", "HEAD", config=folder)

    assert result.exit_code == 0, result.output
    golden("shipped/diff/renames.txt", result.stdout)
    _commit(repository)
    assert _changes(folder, "HEAD") == []
    _renamed(folder, "group builders devops")
    assert _told_renames(folder, "HEAD") == ["group builders devops"]


def test_a_renamed_place_is_compared_with_itself_in_what_accounts_inherit(tmp_path: Path, golden: Golden) -> None:
    """In the settings of a place, in the waves, in whom a role trusts; an alias that has the key is told."""
    folder = shutil.copytree(EVERY_OPTION, tmp_path / "config")
    _git(folder, "init", "--quiet")
    _commit(folder)
    _renamed(folder, "account audit auditing", "account shop store", "ou production live")
    golden("every_option/renames.txt", diff.as_text(_changes(folder, "HEAD"), "HEAD"))


def _changes(folder: Path, revision: str) -> list[diff.Change]:
    now = _read(folder)
    before = configuration_at(folder, revision, now)
    return diff.compare(before.landing_zone, now, before.moves)


def _told_renames(folder: Path, revision: str) -> list[str]:
    """Returns the renames of a difference as they were made, of which alone it consists."""
    renames = [re.fullmatch(r"(.+) (\S+) is renamed from (\S+);.*", one.text) for one in _changes(folder, revision)]
    return [f"{found[1]} {found[3]} {found[2]}" for found in renames if found] if all(renames) else ["another change"]


def test_what_else_changes_in_a_rename_has_its_risk(repository: Path) -> None:
    folder = repository / "aws" / "config"
    _renamed(folder, "group devops builders", "policy deny-root-user no-root")
    _change(repository, SSO, WIDER)
    _change(repository, ORGANIZATION, _remove("policies", "no-root", "targets", "organizational_units", value="shared"))

    found = _changes(folder, "HEAD")

    assert diff.risks(found) == {"access", "guardrails"}
    told = [change.text for change in found]
    assert "jane-doe gains DevOps in management" in told
    assert any(text.startswith("policy no-root is detached") for text in told)
    assert not [text for text in told if "policy deny-root-user" in text and "renamed" not in text]


def test_a_rename_by_hand_that_writes_no_name_keeps_the_name(repository: Path) -> None:
    folder = repository / "aws" / "config"
    file = folder / "sso.yaml"
    file.write_text(file.read_text().replace("readonly", "visitors"))
    (folder / "moves.yaml").write_text("- {kind: group, from: readonly, to: visitors}\n")

    found = _changes(folder, "HEAD")

    assert diff.risks(found) == set()
    assert any("visitors is renamed" in change.text for change in found)
    assert not [change for change in found if "is added" in change.text]


def test_a_unit_below_another_one_is_told_as_a_loss(repository: Path) -> None:
    """AWS moves accounts, and no units."""

    def nested(data: dict[str, Any]) -> None:
        units = data["organizational_units"]
        units["security"]["organizational_units"] = {"shared": units.pop("shared")}

    found = _changes(_change(repository, ORGANIZATION, nested), "HEAD")
    (told,) = (change.text for change in found if change.risk == "losses")
    assert "AWS moves accounts, and no units" in told


def test_a_unit_that_goes_in_the_edit_that_moves_its_account_is_told_as_a_loss(repository: Path) -> None:
    """Once the account has moved, the unit may go."""

    def moved(data: dict[str, Any]) -> None:
        data["accounts"]["shared"]["organizational_unit"] = "security"

    def gone(data: dict[str, Any]) -> None:
        del data["organizational_units"]["shared"]
        for policy in data["policies"].values():
            policy["targets"] = {"organizational_units": ["security"]}

    original = (repository / "aws" / "config" / ORGANIZATION).read_text()
    folder = _change(repository, ORGANIZATION, moved)
    refused = _changes(_change(repository, ORGANIZATION, gone), "HEAD")
    (told,) = (change.text for change in refused if change.risk == "losses")
    assert told.startswith("organizational_units: unit shared")
    assert "example-shared" in told
    (folder / ORGANIZATION).write_text(original)
    _change(repository, ORGANIZATION, moved)
    _commit(repository)
    assert "losses" not in diff.risks(_changes(_change(repository, ORGANIZATION, gone), "HEAD"))


@pytest.mark.parametrize(("format", "ends"), [("markdown", "md"), ("json", "json")])
def test_a_difference_is_written_for_a_pull_request_and_for_scripts(
    repository: Path, format: str, ends: str, golden: Golden
) -> None:
    result = report("--diff", "HEAD", "--format", format, config=_change(repository, ORGANIZATION, LOOSE))
    golden(f"shipped/diff/a-unit-leaves-a-policy.{ends}", result.stdout)


def test_without_a_repository_it_says_so(tmp_path: Path, said: Said) -> None:
    shutil.copytree(SHIPPED, tmp_path / "config")
    told = _refusal(report("--diff", "HEAD", config=tmp_path / "config"), said)
    assert (told.id, told.place) == ("no-repository", str(tmp_path / "config"))


@pytest.mark.parametrize("revision", ["v9", "--output=x", "HEAD~7"])
def test_an_unknown_revision_is_one_line(repository: Path, revision: str, said: Said) -> None:
    told = _refusal(report(f"--diff={revision}", config=repository / "aws" / "config"), said)
    assert (told.id, told.data) == ("no-such-revision", {"revision": revision})


def test_a_revision_before_the_configuration_is_one_line(repository: Path, said: Said) -> None:
    (repository / "aws" / "config").rename(repository / "aws" / "other")
    _git(repository, "add", "--all")
    told = _refusal(report("--diff", "HEAD", config=repository / "aws" / "other"), said)
    assert (told.id, told.data) == ("revision-without-folder", {"revision": "HEAD", "folder": "aws/other"})


def test_a_folder_that_git_does_not_know_is_one_line(repository: Path, said: Said) -> None:
    folder = shutil.copytree(SHIPPED, repository / "new")
    told = _refusal(report("--diff", "HEAD", config=folder), said)
    assert (told.id, told.place) == ("folder-not-in-git", str(folder))


def test_a_revision_with_faults_names_the_first(repository: Path, said: Said) -> None:
    file = repository / "aws" / "config" / "security.yaml"
    good = file.read_text()
    file.write_text(good.replace("mode: on", "mode: often", 1))
    _commit(repository)
    file.write_text(good)
    told = _refusal(report("--diff", "HEAD", config=file.parent), said)
    assert (told.id, told.data["revision"], len(told.data["faults"])) == ("revision-not-valid", "HEAD", 1)
    assert f"{file}:" in told.text


def _refusal(result: Result, said: Said, code: int = 1) -> Told:
    """Returns the one line that a command refused with."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.count("\n") == 1
    (told,) = said(result)
    return told


@pytest.mark.parametrize(
    ("words", "code", "id", "data"),
    [
        (("--as-of", "tomorrow"), 1, "argument-malformed", {"option": "--as-of", "value": "tomorrow"}),
        (
            ("--diff", "HEAD", "--format", "html"),
            2,
            "arguments-conflict",
            {"options": ["--diff", "--format"], "value": "html"},
        ),
        (("--allow", "access"), 2, "argument-missing", {"option": "--diff"}),
        (("--diff", "HEAD", "--as-of", "2027-01-31"), 2, "arguments-conflict", {"options": ["--diff"]}),
    ],
)
def test_a_wrong_command_line_is_one_line(
    words: tuple[str, ...], code: int, id: str, data: dict[str, Any], said: Said
) -> None:
    told = _refusal(report(*words), said, code)
    assert (told.id, told.data) == (id, data)
