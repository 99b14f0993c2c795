"""Scenarios of detection by delegation: GuardDuty for the organization, deployed, changed, let go, and found there."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.layers import free_locks, member, stacks
from tests.scenarios.site import SANDBOX, Run, Site

pytestmark = pytest.mark.only("stand-in")

HOME, OTHER = "us-east-1", "eu-west-1"
DETECTION = """\
administrator: security
guardduty:
  mode: on
  plans: [s3_data_events]
"""
SENT = "  alert_severity: high\n"
EXCEPT = "  except: {accounts: [shared]}\n"
OPENED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    ],
}
TO_LET_GO = "administrator: security\nguardduty: {mode: unmanaged}\n"


def write(site: Site, text: str) -> None:
    """Writes detection.yaml."""
    (site.config / "detection.yaml").write_text(text)


def id_of(site: Site, name: str) -> str:
    return str(site.accounts()[f"aws+{name}@example.com"]["Id"])


def watched(site: Site, region: str = HOME) -> tuple[str, dict[str, str]]:
    """Returns what is switched on by itself, and the members with their status, as the administrator sees them."""
    client = member(site, "security", "guardduty", region)
    [detector] = client.list_detectors()["DetectorIds"]
    auto = client.describe_organization_configuration(DetectorId=detector)["AutoEnableOrganizationMembers"]
    found = client.list_members(DetectorId=detector)["Members"]
    names = {one["Id"]: one["Email"].partition("+")[2].partition("@")[0] for one in site.accounts().values()}
    return auto, {names[one["AccountId"]] or "management": one["RelationshipStatus"] for one in found}


def features(site: Site, name: str, region: str = HOME) -> set[str]:
    """Returns the protection plans that an account has on."""
    client = member(site, name, "guardduty", region)
    [detector] = client.list_detectors()["DetectorIds"]
    found = client.get_detector(DetectorId=detector)["Features"]
    return {one["Name"] for one in found if one["Status"] == "ENABLED"}


def rules(site: Site, region: str = HOME) -> list[str]:
    """Returns the rules in the administrator's account."""
    return [rule["Name"] for rule in member(site, "security", "events", region).list_rules()["Rules"]]


def deployed(site: Site, *words: str) -> Run:
    """Deploys, after which there is nothing left to do."""
    run = site.strata("deploy", "--yes", "--json", *words)
    assert run.code == 0, run.text[-6000:]
    again = site.strata("plan", "--json")
    assert again.changing == {}, again.changing
    return run


@pytest.fixture
def site(shipped: Site) -> Site:
    """A landing zone in two regions that is to get detection."""
    shipped.sign_in_as_administrator()
    shipped.edit("project.yaml", ("regions:\n", f"regions:\n  governed:\n    - {OTHER}\n"))
    write(shipped, DETECTION)
    return shipped


def test_all_accounts_are_switched_on_and_let_go_again(site: Site) -> None:
    """The detector that delegation makes is imported, though its creation was approved."""
    first = site.strata("plan", "--json")
    assert first.changing["detection_security"][f"aws_guardduty_detector.main_{HOME}"] == "create"
    approved = site.folder / "list.json"
    site.strata("plan", "--changes", str(approved))

    run = deployed(site, "--expect", str(approved))

    assert stacks(run)["detection_security"]["counts"]["imported"] == len((HOME, OTHER))
    for region in (HOME, OTHER):
        assert watched(site, region) == ("ALL", {"management": "Enabled", "shared": "Enabled"})
        assert features(site, "security", region) == features(site, "shared", region) == {"S3_DATA_EVENTS"}
    assert site.strata("drift", "--json").code == 0

    site.edit("organization.yaml", SANDBOX)
    deployed(site)
    assert watched(site)[1]["sandbox"] == "Enabled"

    write(site, DETECTION.replace("on", "off") + SENT)
    deployed(site)
    sent = "aws_cloudwatch_event_rule.guardduty-findings"
    assert f"{sent}_{HOME}" in site.state("detection_security")
    assert rules(site) == ["ex-guardduty-findings"]
    assert sent in site.state("security")
    write(site, DETECTION.replace("on", "off"))
    deployed(site)
    assert rules(site) == []
    assert watched(site)[0] == "NONE"
    assert set(watched(site)[1].values()) == {"Enabled"}
    assert f"aws_guardduty_detector.main_{HOME}" in site.state("detection_security")

    write(site, "administrator: security\n")
    assert site.strata("plan", "--json").ids.count("state-without-stack") == len(("detection", "detection_security"))

    write(site, TO_LET_GO)
    run = deployed(site)
    assert not any("guardduty" in address for address in site.state("detection_security"))
    assert watched(site)[0] == "NONE"
    assert site.strata("drift", "--json").code == 0
    (site.config / "detection.yaml").unlink()
    deployed(site)


def test_with_an_exception_each_account_is_a_member_of_its_own(site: Site) -> None:
    site.edit("organization.yaml", SANDBOX)
    write(site, DETECTION + EXCEPT)

    deployed(site)

    site.aws.wait_an_hour()
    assert watched(site, OTHER) == ("NONE", {"management": "Enabled", "sandbox": "Enabled"})
    assert features(site, "sandbox") == {"S3_DATA_EVENTS"}

    write(site, DETECTION + EXCEPT.replace("shared", "sandbox"))
    run = deployed(site)
    assert watched(site)[1] == dict.fromkeys(("management", "sandbox", "shared"), "Enabled"), "nothing is taken away"
    counts = stacks(run)["detection_security"]["counts"]
    assert not counts.get("deleted"), counts

    client = member(site, "security", "guardduty")
    [detector] = client.list_detectors()["DetectorIds"]
    client.stop_monitoring_members(DetectorId=detector, AccountIds=[id_of(site, "shared")])
    found = json.loads(site.strata("drift", "--json").stdout)["differences"]
    assert [(one["kind"], one["name"], one["attribute"]) for one in found] == [
        ("GuardDuty member", f"shared in {HOME} of security", "status")
    ]

    site.aws.order("account-state", account=id_of(site, "shared"), state="SUSPENDED")
    deployed(site)
    assert not any("shared" in address for address in site.state("detection_security"))


def test_somebody_elses_administrator_is_named_and_our_own_is_taken_over(site: Site) -> None:
    site.aws.order("guardduty-administrator", account=id_of(site, "shared"), region=OTHER)

    refused = site.strata("deploy", "--yes", "--json")

    assert refused.code == 1
    [(_, place, facts)] = [told for told in refused.messages if told[0] == "other-administrator"]
    assert (place.endswith("detection.yaml:1: administrator"), facts["administrators"]) == (
        True,
        {id_of(site, "shared"): [OTHER]},
    )

    shared = id_of(site, "shared")
    site.aws.client("guardduty", OTHER).disable_organization_admin_account(AdminAccountId=shared)
    registered = {"AccountId": shared, "ServicePrincipal": "guardduty.amazonaws.com"}
    site.aws.client("organizations").deregister_delegated_administrator(**registered)
    site.aws.order("guardduty-administrator", account=id_of(site, "security"), region=OTHER)
    theirs = member(site, "security", "guardduty", OTHER)
    [detector] = theirs.list_detectors()["DetectorIds"]
    theirs.update_organization_configuration(
        DetectorId=detector,
        AutoEnableOrganizationMembers="ALL",
        Features=[{"Name": "EKS_AUDIT_LOGS", "AutoEnable": "ALL"}],
    )
    refused, approved = site.strata("deploy", "--yes", "--json"), site.folder / "list.json"
    [on] = [facts["at_aws"] for id, _, facts in refused.messages if id == "protection-goes"]
    feature = f"aws_guardduty_{{}}_feature.eks-audit-logs_{OTHER}".format
    eks = {feature("detector"): "ENABLED", feature("organization_configuration"): "ALL"}
    assert (refused.code, eks.items() <= on.items(), {address.endswith(OTHER) for address in on}) == (1, True, {True})
    plan = site.strata("plan", "--json", "--allow", "disable:protection", "--changes", str(approved))
    assert plan.planned["detection"][f"aws_guardduty_organization_admin_account.main_{OTHER}"] == "import"
    configuration = f"aws_guardduty_organization_configuration.main_{OTHER}"
    assert plan.planned["detection_security"][configuration] == "import"
    listed = {at: one for group in json.loads(approved.read_text())["groups"] for at, one in group["changes"].items()}
    was = {at: one["before"] for at in eks for one in listed[at]["attributes"].values() if one.get("before")}
    assert was == eks
    deployed(site, "--expect", str(approved), "--allow", "disable:protection")

    write(site, DETECTION.replace("security", "shared"))
    moved = site.strata("plan", "--json")
    assert (moved.code, "administrator-moved" in moved.ids) == (1, True)


ARCHIVE = "administrator: security\nlog_archive: {account: shared, object_lock_days: 30}\n"
OWN = "ex-organization-trail-123456789012"
ARCHIVED = "ex-archive-trail-123456789012"


def delivery(site: Site) -> tuple[str, bool]:
    """Returns the bucket of the trail, and whether it has a key."""
    [trail] = site.aws.client("cloudtrail").describe_trails()["trailList"]
    return trail["S3BucketName"], bool(trail.get("KmsKeyId"))


def test_the_trail_moves_to_the_archive_once_that_is_there(site: Site) -> None:
    """The first deploy keeps the bucket that the trail has, and is killed before the archive lets anybody write."""
    write(site, ARCHIVE)
    site.edit("security.yaml", ("trail:\n", "trail:\n  bucket: archive\n"))
    approved = str(site.folder / "list.json")
    site.strata("plan", "--changes", approved)
    site.killed("s3:PutBucketPolicy", "strata", "deploy", "--expect", approved, "--yes", containing=ARCHIVED)
    free_locks(site)
    assert delivery(site) == (OWN, False)

    run = site.strata("deploy", "--yes", "--json")

    assert run.code == 0, run.text[-6000:]
    assert "trail-not-moved" in run.ids
    assert delivery(site) == (OWN, False)
    assert site.strata("plan", "--json").changing == {"security": {"aws_cloudtrail.organization": "update"}}
    deployed(site)
    assert delivery(site) == (ARCHIVED, True)
    assert {"aws_s3_bucket.trail", "aws_s3_bucket_policy.trail"} <= {*site.state("security")}

    client = member(site, "shared", "s3")
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    client.put_object_lock_configuration(Bucket=ARCHIVED, ObjectLockConfiguration=lock)
    found = json.loads(site.strata("drift", "--json").stdout)["differences"]
    assert [(one["kind"], one["name"], one["attribute"]) for one in found] == [
        ("archive bucket", "trail of shared", "lock")
    ]
    back = site.put_back()
    assert back.code == 0, back.text[-6000:]
    kept = client.get_object_lock_configuration(Bucket=ARCHIVED)["ObjectLockConfiguration"]
    assert kept["Rule"]["DefaultRetention"]["Days"] == 30


# AWS Config

RECORDING = """\
administrator: security
log_archive: {account: shared}
config:
  mode: on
"""


def recorders(site: Site, region: str = HOME) -> dict[str, tuple[str, bool, str, bool]]:
    """Returns name and frequency of each account's recorder, whether it runs, and whether it records IAM."""
    found = {}
    for name in ("management", *(one["Email"].partition("+")[2].partition("@")[0] for one in site.accounts().values())):
        if not name:
            continue
        client = site.aws.client("config", region) if name == "management" else member(site, name, "config", region)
        for its in client.describe_configuration_recorders()["ConfigurationRecorders"]:
            [status] = client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
            mode, everywhere = its["recordingMode"]["recordingFrequency"], its["recordingGroup"]
            found[name] = (its["name"], status["recording"], mode, everywhere["includeGlobalResourceTypes"])
    return found


def drifted(site: Site) -> set[tuple[str, str, str]]:
    """Returns kind, name and attribute of all that differs; there is nothing that could not be read."""
    shown = json.loads(site.strata("drift", "--json").stdout)
    assert shown["unread"] == []
    return {(one["kind"], one["name"], one["attribute"]) for one in shown["differences"]}


@pytest.mark.large
def test_config_records_in_each_account_and_is_stopped_again(site: Site) -> None:
    """What an account has already is taken over with its name, and Control Tower's is left alone."""
    (site.config / "detection.yaml").unlink()
    deployed(site)
    site.aws.order("config-recorder", account=id_of(site, "shared"), region=OTHER, name="theirs")
    write(site, RECORDING)

    deployed(site)

    here, there = ("default", True, "DAILY", True), ("default", True, "DAILY", False)
    assert recorders(site) == dict.fromkeys(("management", "security", "shared"), here)
    assert recorders(site, OTHER) == {"management": there, "security": there, "shared": ("theirs", *there[1:])}
    [aggregator] = member(site, "security", "config").describe_configuration_aggregators()["ConfigurationAggregators"]
    assert aggregator["OrganizationAggregationSource"]["AllAwsRegions"]
    assert drifted(site) == set()

    member(site, "shared", "config", OTHER).stop_configuration_recorder(ConfigurationRecorderName="theirs")
    site.aws.client("config").stop_configuration_recorder(ConfigurationRecorderName="default")
    role, keys = {"RoleName": "ex-config-aggregator"}, member(site, "shared", "kms")
    member(site, "security", "iam").update_assume_role_policy(**role, PolicyDocument=json.dumps(OPENED))
    key = {"KeyId": site.state("archive_shared")["aws_kms_key.config"]["key_id"]}
    keys.schedule_key_deletion(**key, PendingWindowInDays=7)
    doomed = {("archive key", "config of shared", attribute) for attribute in ("enabled", "rotated")}
    assert drifted(site) == doomed | {
        ("Config recorder", f"in {OTHER} of shared", "runs"),
        ("management Config recorder", f"in {HOME}", "runs"),
        ("detection role", f"{role['RoleName']} of security", "trust"),
    }
    assert "key-pending-deletion" in site.strata("plan", "archive_shared", "--refresh", "--json").ids
    site.put_back()
    assert drifted(site) == doomed, "no other key takes the place of one that reads what is there"
    keys.cancel_key_deletion(**key)
    back = site.put_back()
    assert back.code == 0, back.text[-6000:]
    assert site.state("archive_shared")["aws_kms_key.config"]["key_id"] == key["KeyId"]
    assert (recorders(site, OTHER)["shared"][1], recorders(site)["management"][1]) == (True, True)

    site.edit("organization.yaml", SANDBOX)
    write(site, RECORDING + "  recording: continuous\n")
    deployed(site)
    assert recorders(site)["sandbox"] == ("default", True, "CONTINUOUS", True)

    write(site, RECORDING.replace("mode: on", "mode: off"))
    deployed(site)
    assert {runs for _, runs, _, _ in recorders(site).values()} == {False}
    assert len(recorders(site)) == len(("management", "security", "shared", "sandbox"))

    write(site, "administrator: security\nguardduty: {mode: off}\n")
    assert "state-without-stack" in site.strata("plan", "--json").ids

    write(site, RECORDING.replace("mode: on", "mode: unmanaged").replace("shared}", "shared, mode: unmanaged}"))
    deployed(site)
    for stack in ("baseline_shared", "detection", "detection_security"):
        assert not any("config" in address for address in site.state(stack)), stack
    assert site.strata("drift", "--json").code == 0
    (site.config / "detection.yaml").unlink()
    deployed(site)


def test_control_towers_recorder_is_left_alone_and_said_to_be(site: Site) -> None:
    (site.config / "detection.yaml").unlink()
    deployed(site)
    name = "aws-controltower-BaselineConfigRecorder"
    site.aws.order("config-recorder", account=id_of(site, "shared"), region=HOME, name=name)
    site.edit("organization.yaml", ("accounts:\n", "trusted_services:\n  - controltower.amazonaws.com\naccounts:\n"))
    write(site, RECORDING)

    run = site.strata("deploy", "--yes", "--json")

    assert run.code == 1
    assert "MaxNumberOfConfigurationRecordersExceeded" in run.text, run.text[-3000:]
    assert recorders(site) == {
        "security": ("default", True, "DAILY", True),
        "management": ("default", True, "DAILY", True),
        "shared": (name, True, "CONTINUOUS", False),
    }
