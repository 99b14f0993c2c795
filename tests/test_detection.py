"""Detection by delegation: the Terraform of two shapes, who may do the administrator's work, other keys."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.deployment import build
from strata.aws.session import AwsError
from strata.commands.permissions import run as print_permissions
from strata.config.detection import Severity
from strata.config.models import PolicyType
from strata.config.moves import Move
from strata.deploy import protection as reading
from strata.deploy.checks.archive import log_archive
from strata.deploy.protection import switched_off
from strata.diff.layers import layer_changes
from strata.errors import Message, StrataError
from strata.identity.archive import refused_locks, shut_archive, waiting_trail
from strata.identity.comparison import Refusal
from strata.identity.settled import lost_layers
from strata.kinds.detection.archive import LOCK, NO_LOCK
from strata.kinds.detection.protection import UNREAD
from strata.kinds.renaming import with_other_key
from strata.landing_zone.detection import (
    home_region,
    recorded_regions,
    recorded_types,
    single_members,
    watched_regions,
)
from strata.landing_zone.facts import Facts
from strata.landing_zone.layers import layers
from strata.landing_zone.permissions import layer_permissions
from strata.landing_zone.units import Target
from strata.load import load
from strata.options import Options
from strata.rules import found_warnings
from strata.terraform import remarks
from strata.terraform.attributes import Attribute
from strata.terraform.plans import Plan, PlannedChange
from strata.terraform.situation import RefusedError, Request, Situation
from tests.conftest import Golden
from tests.evaluation import denied
from tests.organizations.states import state
from tests.synthesized import COMPANY, SHIPPED, Deployment, synthesize

Write = Callable[..., Path]
ONE = "administrator: security\nguardduty: {mode: on}\n"
ARCHIVE = "log_archive: {account: shared, object_lock_days: 30}\n"
IN_ARCHIVE = ("security.yaml", "trail:\n", "trail:\n  bucket: archive\n")
SIX = """\
administrator: audit
regions: governed
guardduty:
  mode: on
  plans: [s3_data_events, runtime_monitoring]
  alert_severity: high
  except: {organizational_units: [sandbox], accounts: [legacy-*]}
log_archive: {account: log-archive, mode: compliance}
"""
RECORDED = "log_archive: {account: shared}\nconfig: {mode: on}\n"
SOME = "config: {recording: continuous, types: [AWS::EC2::Instance, AWS::IAM::Role]}\n"
MORE = "  governed:\n    - af-south-1\n    - ap-southeast-2\n    - us-west-2\n"
ROLE = "OrganizationAccountAccessRole"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns what copies a configuration with a detection.yaml."""

    def copied(folder: Path, text: str, *edits: tuple[str, str, str]) -> Path:
        path = Path(shutil.copytree(folder, tmp_path / "config", dirs_exist_ok=True))
        (path / "detection.yaml").write_text(text)
        for file, old, new in edits:
            before = (path / file).read_text()
            assert before.count(old) == 1, file
            (path / file).write_text(before.replace(old, new))
        return path

    return copied


def in_six_regions(write: Write, text: str = SIX) -> Path:
    """Writes the company with six regions, of which its accounts have enabled one themselves, and two have not."""
    return write(
        COMPANY,
        text,
        ("project.yaml", "  governed:\n", MORE),
        (
            "organization.yaml",
            "accounts:\n  log-archive:\n",
            "defaults:\n  root: {regions: [af-south-1]}\naccounts:\n  log-archive:\n    regions: []\n",
        ),
    )


def terraform(deployment: Deployment, *stacks: str) -> str:
    """Returns what is made, imported and let go of, a line each."""
    lines = []
    for stack in stacks:
        written = deployment[stack].json
        made = (
            (f"{kind}.{name}", its) for kind, some in written.get("resource", {}).items() for name, its in some.items()
        )
        lines += [f"{stack}:", *(f"  {address} {json.dumps(its, sort_keys=True)}" for address, its in sorted(made))]
        lines += [f"  import {json.dumps(block, sort_keys=True)}" for block in written.get("import", ())]
        lines += [f"  forget {address}" for address in sorted(block["from"] for block in written.get("removed", ()))]
    return "\n".join([*lines, ""])


def test_the_terraform_in_one_region(write: Write, tmp_path: Path, golden: Golden) -> None:
    deployment = synthesize(write(SHIPPED, f"{ONE}{ARCHIVE}config: {{mode: on}}\n", IN_ARCHIVE), tmp_path / "out")

    stacks = ("detection", "detection_security", "archive_shared", "baseline_shared")
    golden("detection/one.txt", terraform(deployment, *stacks))
    assert deployment.dependencies("detection_security") == ["detection", "organizations"]
    assert deployment["detection_security"].json["provider"]["aws"][1:] == [], "a single provider for all regions"


def test_the_terraform_in_six_regions_with_exceptions(write: Write, tmp_path: Path, golden: Golden) -> None:
    deployment = synthesize(in_six_regions(write, SIX + SOME), tmp_path / "out")

    stacks = ("detection", "detection_audit", "archive_log-archive", "baseline_audit", "baseline_log-archive")
    golden("detection/six.txt", terraform(deployment, *stacks))


def test_a_region_that_an_account_has_not_is_left_out_there(write: Write) -> None:
    zone = load(in_six_regions(write))
    members = single_members(zone)

    assert watched_regions(zone) == zone.project.regions.all_governed
    assert members.keys() == zone.accounts.keys() - {"audit", "sandbox", "legacy-website"}
    assert {key for key, regions in members.items() if "af-south-1" not in regions} == {"log-archive"}


def test_the_trail_follows_the_states_and_never_goes_back_by_itself(write: Write, tmp_path: Path) -> None:
    """The archive's word comes first, then where the trail was, if that was the archive; last its own bucket."""
    its = synthesize(write(SHIPPED, ONE + ARCHIVE, IN_ARCHIVE), tmp_path / "out")["security"].json
    order = [part.partition(".outputs")[0] for part in its["locals"]["delivery"].split("terraform_remote_state.")[1:]]

    assert list(dict.fromkeys(order)) == ["archive[0]", "own[0]"]
    assert its["resource"]["aws_cloudtrail"]["organization"]["kms_key_id"] == "${local.delivery.key}"
    assert {"trail"} == its["resource"]["aws_s3_bucket"].keys(), "the bucket that it had stays"


def test_an_archive_that_is_let_go_of_leaves_the_state_whole(write: Write, tmp_path: Path) -> None:
    kept = synthesize(write(SHIPPED, ONE + ARCHIVE), tmp_path / "out")["archive_shared"].json["resource"]
    folder = write(SHIPPED, ONE + ARCHIVE.replace("object_lock_days: 30", "mode: unmanaged"))
    left = synthesize(folder, tmp_path / "left")["archive_shared"].json

    assert {block["from"] for block in left["removed"]} == {f"{type}.{name}" for type in kept for name in kept[type]}
    assert not {"resource", "output"} & left.keys()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "object_lock_days: 30", set()),
        ("", "mode: compliance", {"lock-for-good"}),
        ("GOVERNANCE 60", "object_lock_days: 30", {"lock-shorter"}),
        ("GOVERNANCE 60", "object_lock_days: 90", set()),
        ("COMPLIANCE 60", "mode: compliance", set()),
        ("COMPLIANCE 60", "object_lock_days: 60", {"lock-weaker"}),
    ],
)
def test_a_lock_that_keeps_less_or_for_good_is_refused(write: Write, before: str, after: str, told: set[str]) -> None:
    zone = load(write(SHIPPED, ONE + ARCHIVE.replace("object_lock_days: 30", after)))
    mode, _, days = before.partition(" ")
    rule = {"rule": [{"default_retention": [{"mode": mode, "days": int(days)}]}]} if before else {}
    refused = list(refused_locks(zone, state({LOCK: rule} if before else {}), ()))

    assert {one.fault.problem.id for one in refused} == told
    assert not list(refused_locks(zone, state({LOCK: rule} if before else {}), {one.kind for one in refused}))


def test_an_archive_neither_goes_nor_moves(write: Write) -> None:
    held = state({LOCK: {}})
    gone = load(write(SHIPPED, ONE))
    moved = load(write(SHIPPED, ONE + ARCHIVE.replace("shared", "security")))

    told = [next(iter(lost_layers(zone, {"archive_shared": held}))).fault.problem.id for zone in (gone, moved)]
    assert told == ["state-without-stack", "archive-moved"]


@pytest.mark.parametrize("mode", ["off", "unmanaged"])
def test_nothing_of_it_is_destroyed(write: Write, tmp_path: Path, mode: str) -> None:
    """`off` switches no more accounts on, `unmanaged` lets go; a detector leaves the state, and stays."""
    deployment = synthesize(write(SHIPPED, ONE.replace("on}", f"{mode}}}")), tmp_path / "out")
    here, there = deployment["detection"].json, deployment["detection_security"].json
    removed = {block["from"] for stack in (here, there) for block in stack["removed"]}
    detector, administrator = "aws_guardduty_detector", "aws_guardduty_organization_admin_account"

    assert all(block["lifecycle"] == {"destroy": False} for stack in (here, there) for block in stack["removed"])
    if mode == "off":
        said = there["resource"]["aws_guardduty_organization_configuration"]["main_us-east-1"]
        assert said["auto_enable_organization_members"] == "NONE"
        assert {f"{detector}.main_eu-west-1", f"{administrator}.main_eu-west-1"} <= removed
        assert not {f"{detector}.main_us-east-1", f"{administrator}.main_us-east-1"} & removed
    else:
        assert "resource" not in there
        assert {f"{detector}.main_us-east-1", f"{administrator}.main_us-east-1"} <= removed


@pytest.mark.parametrize("mode", ["on", "off", "unmanaged"])
def test_findings_of_a_severity_are_mailed_as_long_as_any_are_made(write: Write, tmp_path: Path, mode: str) -> None:
    """By the rule of the management account, which does not take what its own detector puts on its bus."""
    deployment = synthesize(write(SHIPPED, ONE.replace("on}", f"{mode}, alert_severity: medium}}")), tmp_path / "out")
    mails, there = deployment["security"].json["resource"], deployment["detection_security"].json

    pattern = json.loads(mails["aws_cloudwatch_event_rule"]["guardduty-findings"]["event_pattern"])
    [own] = pattern["account"][0]["anything-but"]
    assert own in deployment["detection_security"].json["terraform"]["backend"]["s3"]["bucket"]
    assert "organization" in mails["aws_cloudwatch_event_permission"]
    rule = "aws_cloudwatch_event_rule"
    if mode == "unmanaged":
        left = {block["from"] for block in there["removed"]}
        assert {f"{rule}.guardduty-findings_us-east-1", "aws_iam_role.guardduty-findings"} <= left
    else:
        sent = json.loads(there["resource"][rule]["guardduty-findings_us-east-1"]["event_pattern"])
        assert sent["detail"] == {"severity": [{"numeric": [">=", 4]}]}
        assert {name: pattern[name] for name in ("source", "detail-type")} == {
            name: sent[name] for name in ("source", "detail-type")
        }


def test_severities_begin_where_those_of_guardduty_do() -> None:
    """By https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html ."""
    assert {severity.value: severity.least for severity in Severity} == {
        "low": 1,
        "medium": 4,
        "high": 7,
        "critical": 9,
    }


@pytest.mark.parametrize("mode", ["off", "unmanaged"])
def test_no_recorder_is_destroyed(write: Write, tmp_path: Path, mode: str) -> None:
    """`off` stops each, `unmanaged` lets go, also of the registration of the administrator."""
    text = "administrator: security\n" + RECORDED.replace("mode: on", f"mode: {mode}")
    deployment = synthesize(write(SHIPPED, text), tmp_path / "out")

    for name in ("detection", "baseline_shared", "baseline_security"):
        written = deployment[name].json
        made, removed = written.get("resource", {}), {block["from"] for block in written["removed"]}
        if mode == "off":
            (status,) = made["aws_config_configuration_recorder_status"].values()
            assert status["is_enabled"] is False
            assert "main_us-east-1" in made["aws_config_configuration_recorder"]
        else:
            assert not [type for type in made if type.startswith("aws_config_")]
            assert "aws_config_configuration_recorder.main_us-east-1" in removed
        assert all(block["lifecycle"] == {"destroy": False} for block in written["removed"])
    delegated = "aws_organizations_delegated_administrator.config"
    there = {block["from"] for block in deployment["organizations"].json.get("removed", ())}
    made = deployment["organizations"].json["resource"]["aws_organizations_delegated_administrator"]
    assert (delegated in there, "config" in made) == (mode == "unmanaged", mode == "off")


def test_the_types_of_iam_are_recorded_in_one_region_alone(write: Write) -> None:
    """The primary where it is watched; a region in which nothing is left to record has no recorder."""
    alone = SIX.replace("governed", "[eu-west-1, us-west-2]") + SOME
    zone = load(in_six_regions(write, alone))
    only = load(in_six_regions(write, alone.replace("AWS::EC2::Instance, ", "")))

    assert home_region(zone) == "eu-west-1"
    assert home_region(load(in_six_regions(write, SIX + SOME))) == zone.project.regions.primary
    assert recorded_types(zone, "us-west-2") == ("AWS::EC2::Instance",)
    assert (recorded_regions(zone, "audit"), recorded_regions(only, "audit")) == (
        ("eu-west-1", "us-west-2"),
        ("eu-west-1",),
    )


def test_the_roles_that_record_are_bound_by_no_guardrail_and_others_are(write: Write) -> None:
    """A recorder is made by the access role; nobody else in the account stops it or has it record less."""
    text = "administrator: security\n" + RECORDED
    zone = load(write(SHIPPED, text))
    work = ["PutConfigurationRecorder", "PutDeliveryChannel", "StartConfigurationRecorder", "StopConfigurationRecorder"]
    bound = zone.effective_policies[Target("account", "shared")]
    policies = [one.policy.document.content for one in bound if one.policy.type is PolicyType.SERVICE_CONTROL]

    for role in (ROLE, "somebody"):
        arn = f"arn:aws:iam::000000000001:role/{role}"
        keys = {"aws:RequestedRegion": "us-east-1", "aws:PrincipalArn": arn, "aws:PrincipalAccount": "000000000001"}
        refused = {
            action for action in work if any(denied(document, f"config:{action}", "*", keys) for document in policies)
        }
        assert refused == ({*work} - {"StartConfigurationRecorder"} if role == "somebody" else set())


@pytest.mark.parametrize(("mode", "warned"), [("on", True), ("unmanaged", False)])
def test_recorders_beside_those_of_control_tower_are_warned_of(write: Write, mode: str, *, warned: bool) -> None:
    trusted = ("organization.yaml", "accounts:\n", "trusted_services:\n  - controltower.amazonaws.com\naccounts:\n")
    text = "administrator: security\n" + RECORDED.replace("mode: on", f"mode: {mode}")

    found = found_warnings(load(write(SHIPPED, text, trusted)))

    assert ("control-tower-records" in [warning.finding for warning in found]) is warned


@pytest.mark.parametrize(("mode", "records"), [("on", True), ("off", True), ("unmanaged", False), ("", False)])
def test_the_roles_of_the_baseline_may_record_where_config_is_on_or_off(write: Write, mode: str, records: bool) -> None:
    """They are there without a baseline.yaml, too."""
    text = "administrator: security\n" + RECORDED.replace("mode: on", f"mode: {mode}")
    folder = write(SHIPPED, text if mode else ONE)
    if not mode:
        (folder / "baseline.yaml").write_text("settings: {root: {ebs_encryption: {mode: on}}}\n")
    zone = load(folder)
    documents = layer_permissions(zone.project, zone.layers["baseline"])

    for role in ("reader", "writer"):
        (types, *_) = (one["Action"] for one in documents[f"baseline/{role}"]["Statement"] if one["Sid"] == "Types")
        assert any("DeliveryChannel" in action for action in types) == records
    left = {stack for stack in zone.at(["baseline_shared"]).account_stacks if stack.startswith("baseline_")}
    assert (left == {"baseline_shared"}) == (mode == "unmanaged"), "no other state has any"


def test_settings_are_not_forgotten_because_config_keeps_the_stacks_of_a_baseline(write: Write) -> None:
    """The file is put back first, with nothing in it."""
    folder = write(SHIPPED, f"administrator: security\n{RECORDED}")
    gone = dict.fromkeys(
        ("aws_config_delivery_channel.main_us-east-1", "aws_ebs_encryption_by_default.main_us-east-1"),
        PlannedChange("forget"),
    )

    def plan() -> Plan:
        nothing: Any = None
        situation = Situation(load(folder), nothing, nothing, (), {})
        return remarks.with_remarks(situation, Plan("baseline_shared", gone))

    with pytest.raises(StrataError) as refused:
        plan()
    (message,) = refused.value.args
    assert (message.id, message.data["held"]) == ("state-without-stack", [*gone][1:])
    (folder / "baseline.yaml").write_text("settings: {}\n")
    assert plan().changes == gone


def test_guardrails_leave_the_administrator_its_work(write: Write) -> None:
    """By the role that deploys, in every region of the company."""
    zone = load(write(COMPANY, SIX))
    arn = f"arn:aws:iam::000000000001:role/{ROLE}"
    work = [
        "UpdateDetector",
        "UpdateOrganizationConfiguration",
        "CreateMembers",
        "UpdateMemberDetectors",
        "TagResource",
    ]

    for region in zone.project.regions.all_governed:
        keys = {"aws:RequestedRegion": region, "aws:PrincipalArn": arn, "aws:PrincipalAccount": "000000000001"}
        bound = zone.effective_policies[Target("account", "audit")]
        policies = [one.policy.document.content for one in bound if one.policy.type is PolicyType.SERVICE_CONTROL]
        for action in work:
            assert not any(denied(document, f"guardduty:{action}", "*", keys) for document in policies), (
                action,
                region,
            )


def test_its_state_may_not_be_left_behind(write: Write) -> None:
    """An administrator moves by AWS's steps, and the file goes once nothing is left in the states."""
    zone = load(write(SHIPPED, ONE.replace("security", "shared")))
    made = {
        "mode": "managed",
        "type": "aws_guardduty_detector",
        "name": "main_us-east-1",
        "instances": [{"attributes": {"id": "1"}}],
    }
    state = {"detection_security": {"resources": [made]}}

    (moved,), (left,) = lost_layers(zone, state), lost_layers(load(SHIPPED), state)
    (unsaid,) = lost_layers(load(write(SHIPPED, "administrator: security\n")), state)

    assert (moved.fault.problem.id, left.fault.problem.id) == ("administrator-moved", "state-without-stack")
    assert unsaid.fault.problem.id == "state-without-stack"
    assert "administrator: security" in str(left.fault.remedy)
    assert moved.fault.problem.data == {"stack": "detection_security", "old": "security", "new": "shared"}
    assert "administrator" in str(moved.fault.place)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mode: on", "mode: off"),
        ("[s3_data_events, runtime_monitoring]", "[s3_data_events]"),
        ("[legacy-*]", "['*-dev']"),
        ("regions: governed", "regions: [eu-west-1]"),
        ("  alert_severity: high\n", ""),
        ("recording: continuous", "recording: daily"),
        ("[AWS::EC2::Instance, AWS::IAM::Role]", "all"),
    ],
)
def test_whoever_reviews_an_edit_is_asked_about_each_setting(write: Write, old: str, new: str) -> None:
    before = load(write(COMPANY, SIX + SOME))
    after = load(write(COMPANY, (SIX + SOME).replace(old, new)))

    assert {change.risk for change in layer_changes(before, after)} == {"guardrails"}


def test_a_second_administrator_is_refused_in_each_region_that_has_another(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is replaced a plan has no arguments, and so no region."""
    old, other = "111111111111", "222222222222"
    here = {"us-east-1": [old], "eu-west-1": [other]}
    monkeypatch.setattr(remarks, "administrators_here", lambda ask: here[ask.values["region"]])
    nothing: Any = None
    situation = Situation(load(write(SHIPPED, ONE)), nothing, nothing, (), {})
    type = "aws_guardduty_organization_admin_account"
    changes = {f"{type}.main_{region}": PlannedChange("replace") for region in here}

    with pytest.raises(RefusedError) as raised:
        remarks.refuse_second_administrator(situation, Plan("detection", changes))

    (refusal,) = raised.value.refusals
    assert refusal.fault.problem.data == {"administrators": {old: ["us-east-1"], other: ["eu-west-1"]}}


def test_whoever_deletes_the_file_is_told_to_let_go_before(write: Write) -> None:
    (gone,) = layer_changes(load(write(SHIPPED, ONE)), load(SHIPPED))

    assert (gone.risk, "unmanaged" in gone.text) == ("losses", True)


def test_a_key_is_renamed_in_it(write: Write) -> None:
    path = write(COMPANY, SIX)
    texts = {"detection.yaml": (path / "detection.yaml").read_text()}

    account = with_other_key(load(path), texts, Move(kind="account", **{"from": "audit"}, to="watch"))
    unit = with_other_key(load(path), texts, Move(kind="ou", **{"from": "sandbox"}, to="lab"))

    assert account["detection.yaml"] == texts["detection.yaml"].replace("audit", "watch")
    assert unit["detection.yaml"] == texts["detection.yaml"].replace("sandbox", "lab")


def test_its_stacks_are_told(write: Write) -> None:
    told = {one.name: one for one in layers(load(write(COMPANY, SIX)))}

    assert told["detection"].reads == ("organizations",)
    assert told["detection_audit"].reads == ("detection", "organizations")
    assert told["detection_audit"].state == "management/detection_audit/terraform.tfstate"
    assert len(told["detection_audit"].owns) == len(("the regions", "the accounts one by one"))


@pytest.mark.parametrize("document", ["detection", "detection/reader", "detection/writer"])
def test_its_permissions(write: Write, document: str, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    """Who deploys it writes both states; in the administrator's account its roles do the rest."""
    path = write(SHIPPED, ONE + "roles: {reader: watch-reader, writer: watch-writer}\n")

    print_permissions(Options(config=path), document=document)

    golden(f"detection/{document.replace('/', '-')}.json", capsys.readouterr().out)


@pytest.mark.parametrize(("archive", "before", "told"), [("", "", 1), ("ready", "", 0), ("", "ready", 0)])
def test_a_trail_that_waits_for_the_archive_is_told(write: Write, archive: str, before: str, told: int) -> None:
    zone = load(write(SHIPPED, ONE + ARCHIVE, IN_ARCHIVE))
    made = {"outputs": {"delivery": {"value": {"bucket": zone.project.archive_trail_bucket, "key": "k"}}}}

    assert len(list(waiting_trail(zone, made if archive else {}, made if before else {}))) == told


@pytest.mark.parametrize(("at_aws", "told"), [(NO_LOCK, set()), (("compliance", 60), {"lock-shorter", "lock-weaker"})])
def test_a_lock_that_no_state_knows_of_is_not_taken_for_none(
    write: Write, at_aws: tuple[str, int], told: set[str]
) -> None:
    zone = load(write(SHIPPED, ONE + ARCHIVE))

    assert {one.fault.problem.id for one in refused_locks(zone, {}, (), at_aws)} == told


def test_without_the_archives_account_the_others_take_part(write: Write, tmp_path: Path) -> None:
    zone = load(write(SHIPPED, f"administrator: security\n{RECORDED}", IN_ARCHIVE))
    app = build(zone, tmp_path / "out", facts=Facts(closed={"shared": "111122223333"}))

    made = {child.node.id for child in app.node.children}
    assert {"detection", "detection_security", "baseline_security"} <= made
    assert "archive_shared" not in made
    [told] = shut_archive(zone, {"shared"})
    assert told.data["account"] == "shared"


def test_an_archive_in_a_retired_account_is_let_go_of_first(write: Write) -> None:
    """The remedies lead out: named again and unmanaged it is loaded, and another account is refused even then."""
    held, let_go = state({LOCK: {}}), ARCHIVE.replace("object_lock_days: 30", "mode: unmanaged")
    told = []
    for text in (ONE, ONE + let_go, ONE + ARCHIVE.replace("shared", "security")):
        zone = load(write(SHIPPED, text))
        accounts = dict(zone.organization.accounts)
        accounts["shared"] = accounts["shared"].model_copy(update={"retired": True})
        zone = replace(zone, organization=zone.organization.model_copy(update={"accounts": accounts}))
        [refused] = lost_layers(zone, {"archive_shared": held})
        told.append(refused.fault.problem.id)

    assert told == ["account-not-emptied", "account-not-emptied", "archive-moved"]


def test_recorders_that_nothing_speaks_of_are_told_once(write: Write) -> None:
    recorder = state({"aws_config_configuration_recorder.main_us-east-1": {}})
    [refused] = lost_layers(load(write(SHIPPED, ONE)), {"baseline_shared": recorder, "baseline_security": recorder})

    assert refused.fault.problem.id == "state-without-stack"
    assert refused.fault.file.endswith("detection.yaml")


def test_aws_is_asked_for_the_lock_of_a_bucket_that_no_state_has(write: Write) -> None:
    zone = load(write(SHIPPED, ONE + ARCHIVE))
    rule = {"ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 60}}}}

    def answer(code: str = "") -> set[str]:
        def ask(**_: str) -> Any:
            if code:
                raise AwsError(Message("aws-error", "refused"), code)
            return rule

        s3 = SimpleNamespace(get_object_lock_configuration=ask)
        states = {"organizations": {"outputs": {"account_ids": {"value": {"shared": "111122223333"}}}}}
        aws: Any = SimpleNamespace(assuming=lambda _: SimpleNamespace(client=lambda _: s3))
        nothing: Any = None
        found = log_archive(Situation(zone, aws, nothing, (), states))
        return {one.fault.problem.id if isinstance(one, Refusal) else one.id for one in found}

    answers = {code: answer(code) for code in ("", "NoSuchBucket", "AccessDenied")}
    assert answers == {"": {"lock-shorter", "lock-weaker"}, "NoSuchBucket": set(), "AccessDenied": {"lock-unread"}}


SWITCHED = "aws_guardduty_detector_feature.{}_us-east-1".format
TO_OTHERS = "aws_guardduty_organization_configuration_feature.{}_us-east-1".format
OTHERS = "aws_guardduty_organization_configuration.main_us-east-1"
ON = {"S3_DATA_EVENTS": "ENABLED", "EKS_AUDIT_LOGS": "ENABLED", "RUNTIME_MONITORING": "DISABLED"}
AUTO = {"S3_DATA_EVENTS": "NONE", "EKS_AUDIT_LOGS": "NONE", "RUNTIME_MONITORING": "NEW"}


class GuardDuty:
    """What the administrator's account answers about GuardDuty, and who is the administrator."""

    administrator = "111122223333"
    old = True
    closed = False

    def client(self, *_: str) -> GuardDuty:
        return self

    def items(self, call: str, _: str) -> list[str]:
        return [self.administrator] if call == "list_organization_admin_accounts" else ["d"]

    def get_detector(self, **_: str) -> Any:
        created = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=2 if self.old else 0)
        return {"CreatedAt": created.isoformat(), "Features": [{"Name": name, "Status": ON[name]} for name in ON]}

    def describe_organization_configuration(self, **_: str) -> Any:
        if self.closed:
            raise AwsError(Message("aws-error", "refused"), "AccessDenied")
        features = [{"Name": name, "AutoEnable": AUTO[name]} for name in AUTO]
        return {"AutoEnableOrganizationMembers": "ALL", "Features": features}


@pytest.fixture
def prepared(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Situation]:
    """Begins a run that takes GuardDuty over."""

    def begun(guardduty: GuardDuty, text: str = ONE, **states: Any) -> Situation:
        written = synthesize(write(SHIPPED, text), tmp_path / "out")["detection_security"].json
        monkeypatch.setattr(reading, "entered", lambda *_: guardduty)
        ids = {"outputs": {"account_ids": {"value": {"security": "111122223333"}}}}
        known = {"organizations": ids, "detection_security": {}, "detection": {}, **states}
        workspace: Any = SimpleNamespace(document=lambda _: written)
        aws: Any = guardduty
        situation = Situation(load(tmp_path / "config"), aws, workspace, ("detection_security",), known)
        return replace(situation, protection=reading.read_protection(situation))

    return begun


def lost(situation: Situation) -> dict[str, str]:
    """Returns what the run would switch off, and is refused for, unless that is allowed."""
    refused = [finding for finding in switched_off(situation) if isinstance(finding, Refusal)]
    allowed = replace(situation, request=Request(allow=[refusal.kind for refusal in refused]))
    assert not any(isinstance(finding, Refusal) for finding in switched_off(allowed))
    at_aws: dict[str, str] = refused[0].fault.problem.data["at_aws"] if refused else {}
    return at_aws


def test_protection_that_is_on_is_not_switched_off_unasked(prepared: Callable[..., Situation]) -> None:
    s3, eks, runtime = ("s3-data-events", "eks-audit-logs", "runtime-monitoring")
    own = {SWITCHED(s3): "ENABLED", SWITCHED(eks): "ENABLED"}
    kept = ONE.replace("on}", "on, plans: [s3_data_events, eks_audit_logs, runtime_monitoring]}")
    elsewhere = GuardDuty()
    elsewhere.administrator = "444455556666"

    assert lost(prepared(GuardDuty())) == {**own, TO_OTHERS(runtime): "NEW"}
    assert lost(prepared(GuardDuty(), kept)) == {}
    assert lost(prepared(elsewhere)) == own
    assert lost(prepared(GuardDuty(), ONE.replace("on}", "off}"))) == {TO_OTHERS(runtime): "NEW", OTHERS: "ALL"}
    known = state({address: {} for address in own})
    assert lost(prepared(GuardDuty(), detection_security=known)) == {TO_OTHERS(runtime): "NEW"}


@pytest.mark.parametrize(("old", "ours", "own"), [(True, True, True), (False, False, True), (False, True, False)])
def test_what_our_delegation_has_just_switched_on_nobody_has_chosen(
    prepared: Callable[..., Situation], old: bool, ours: bool, own: bool
) -> None:
    guardduty, held = GuardDuty(), {"aws_guardduty_organization_admin_account.main_us-east-1": {"region": "us-east-1"}}
    guardduty.old = old

    begun = prepared(guardduty, detection=state(held) if ours else {})
    found = lost(begun)
    assert TO_OTHERS("runtime-monitoring") in found
    assert (SWITCHED("eks-audit-logs") in found) is own
    shown = {switch.address for switch in begun.protection.found}
    assert SWITCHED("eks-audit-logs") in shown, "a plan has both values"


def test_what_cannot_be_read_of_protection_is_unknown(prepared: Callable[..., Situation]) -> None:
    guardduty = GuardDuty()
    guardduty.closed = True

    begun = prepared(guardduty)
    told = [finding for finding in switched_off(begun) if isinstance(finding, Message)]
    assert [message.id for message in told] == ["protection-unread"]
    assert {*begun.protection.found.values()} == {UNREAD}


def test_a_plan_has_what_aws_has_of_what_is_set_anew(prepared: Callable[..., Situation]) -> None:
    """In its lines and in the list to approve; what stays as it is has no other value."""
    begun = prepared(GuardDuty())
    wanted = {SWITCHED("eks-audit-logs"): "DISABLED", SWITCHED("runtime-monitoring"): "DISABLED"}
    changes = {
        at: PlannedChange("create", attributes=(Attribute("status", after=value),)) for at, value in wanted.items()
    }

    planned = remarks.with_remarks(begun, Plan("detection_security", changes))
    assert [one.attributes[0].before for one in planned.changes.values()] == ["ENABLED", None]
