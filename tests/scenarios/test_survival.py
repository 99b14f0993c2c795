"""What happens when things go wrong, on real Terraform: nothing lost, nothing doubled, a message with the way on."""

from __future__ import annotations

import json
import re
import shutil
import socket
from pathlib import Path

import pytest

from tests.aws.center import INSTANCE
from tests.aws.client import ACCOUNT
from tests.scenarios.layers import free_locks
from tests.scenarios.site import SANDBOX, TABLE, Run, Site

PERMISSION_SET = "aws_ssoadmin_permission_set"


pytestmark = pytest.mark.only("stand-in")


def test_an_account_made_half_way_is_kept(shipped: Site) -> None:
    """A creation that fails after the account exists leaves it tainted: it is untainted, never replaced."""
    shipped.edit("organization.yaml", SANDBOX)
    shipped.synth()
    shipped.aws.fail("organizations:MoveAccount", code="AccessDeniedException", message="not today")
    failed = shipped.apply("organizations")

    assert failed.code == 1, failed.text
    assert "aws+sandbox@example.com" in shipped.accounts()

    planned = shipped.strata("plan", "organizations")
    again = shipped.strata("deploy", "organizations", "--yes")

    assert planned.code == 0, planned.text
    assert " replace " not in planned.stdout
    assert again.code == 0, again.text
    for run in (planned, again):
        assert "aws_organizations_account.sandbox" in run.stderr, "why it is changed and not replaced"
    assert shipped.aws.writing_calls()["organizations:CreateAccount"] == 1


def test_a_policy_type_that_the_provider_does_not_know_stays_enabled(shipped: Site) -> None:
    """No plan disables it, which would detach its policies; only a type that no deploy can enable is refused."""
    organizations = shipped.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="GUARDDUTY_POLICY")
    shipped.edit("organization.yaml", ("description: Members cannot leave", "description: No member can leave"))

    planned = shipped.strata("plan", "--json")
    deployed = shipped.strata("deploy", "organizations", "--yes")
    (shipped.config / "policies/tags.json").write_text('{"tags": {"owner": {"tag_key": {"@@assign": "owner"}}}}')
    tags = "  tags:\n    type: TAG_POLICY\n    file: policies/tags.json\n"
    shipped.edit("organization.yaml", ("policies:\n", f"policies:\n{tags}"))
    refused = shipped.strata("deploy", "--yes")
    enabled = {one["Type"] for one in organizations.list_roots()["Roots"][0]["PolicyTypes"]}
    organizations.enable_policy_type(RootId=root, PolicyType="TAG_POLICY")
    again = shipped.strata("deploy", "organizations", "--yes")

    assert planned.planned["organizations"] == {"aws_organizations_policy.deny-leaving-organization": "update"}
    assert [data["types"] for id, _, data in planned.messages if id == "policy-type-unknown"] == [["GUARDDUTY_POLICY"]]
    assert deployed.code == 0, deployed.text
    assert (refused.code, "enable-policy-type" in refused.stderr) == (1, True), refused.text
    assert enabled == {"SERVICE_CONTROL_POLICY", "GUARDDUTY_POLICY"}
    assert again.code == 0, again.text
    assert shipped.aws.writing_calls(by="provider")["organizations:DisablePolicyType"] == 0


def test_access_that_was_given_half_way_is_never_taken_away(shipped: Site) -> None:
    """Policies whose provisioning failed stay attached: no plan replaces them, nothing is detached in passing."""
    head, description = "  FinOps:\n", "    description: Billing and cost management.\n    policies:\n"
    more = "      - aws: AWSSupportAccess\n      - inline: policies/devops.json\n"
    shipped.edit(
        "sso.yaml", (head + description, f"{head}    boundary:\n      aws: PowerUserAccess\n{description}{more}")
    )
    shipped.aws.fail("sso-admin:ProvisionPermissionSet", times=9, code="AccessDeniedException", message="not today")
    failed = shipped.strata("deploy", "sso", "--yes")
    shipped.aws.heal()

    planned = shipped.strata("plan", "sso", "--json")
    again = shipped.strata("deploy", "sso", "--yes")

    assert failed.code == 1, failed.text
    assert "replace" not in planned.planned["sso"].values()
    assert "aws_ssoadmin_permissions_boundary_attachment.FinOps" in planned.stderr
    assert again.code == 0, again.text
    assert [action for action in shipped.aws.writing_calls() if "Detach" in action or "Delete" in action] == []
    assert shipped.plan("sso") == {}


def test_what_a_killed_run_took_from_a_set_is_taken_from_its_accounts(shipped: Site) -> None:
    """Terraform wrote no state: for the next plan nothing is to be done, and accounts had what was taken away."""
    billing, more = "      - aws: job-function/Billing\n", "      - aws: AdministratorAccess\n"
    shipped.edit("sso.yaml", (billing, billing + more))
    assert shipped.strata("deploy", "sso", "--yes").code == 0
    shipped.edit("sso.yaml", (billing + more, billing))
    shipped.killed("sso-admin:DetachManagedPolicyFromPermissionSet", "strata", "deploy", "sso", "--yes")
    free_locks(shipped)

    again = shipped.strata("deploy", "sso", "--yes")

    assert again.code == 0, again.text
    of_set = {
        "InstanceArn": INSTANCE,
        "PermissionSetArn": shipped.state("sso")["aws_ssoadmin_permission_set.FinOps"]["arn"],
    }
    outdated = shipped.client("sso-admin").list_accounts_for_provisioned_permission_set(
        **of_set, ProvisioningStatus="LATEST_PERMISSION_SET_NOT_PROVISIONED"
    )
    assert outdated["AccountIds"] == []


def test_a_trail_that_does_not_log_yet_is_kept(shipped: Site) -> None:
    """A trail of which StartLogging failed is neither replaced nor deleted: logging is switched on."""
    state = json.loads(shipped.saved_state("security"))
    trail = next(one for one in state["resources"] if one["type"] == "aws_cloudtrail")
    trail["instances"][0]["status"] = "tainted"
    shipped.save_state("security", json.dumps(state).encode())
    shipped.client("cloudtrail").stop_logging(Name="ex-organization")

    planned = shipped.strata("plan", "security", "--json")
    again = shipped.strata("deploy", "security", "--yes")

    assert planned.planned["security"] == {"aws_cloudtrail.organization": "update"}
    for run in (planned, again):
        assert "aws_cloudtrail.organization" in run.stderr
    assert again.code == 0, again.text
    assert shipped.aws.writing_calls() == {"cloudtrail:StartLogging": 1}
    assert shipped.plan("security") == {}


def test_a_chain_that_a_killed_run_left_is_imported(shipped: Site) -> None:
    """No state has what was made since it was saved: all of it is found, and what the provider waits for, before it."""
    head = "  FinOps:\n    description: Billing and cost management.\n    policies:\n"
    more = "".join(f"      - aws: {name}\n" for name in ("AWSSupportAccess", "IAMReadOnlyAccess", "SecurityAudit"))
    shipped.edit("sso.yaml", (head, f"{head}{more}      - customer: Ours\n        path: /ops/\n"))
    shipped.append("sso.yaml", "access_control_attributes:\n  Department: ${path:enterprise.department}\n")
    before = shipped.saved_state("sso")
    _done(shipped.strata("deploy", "sso", "--yes"))
    shipped.save_state("sso", before)
    since = len(shipped.aws.calls())

    again = shipped.strata("deploy", "sso", "--yes")

    assert again.code == 0, again.text
    assert shipped.plan("sso") == {}
    assert shipped.aws.writing_calls(since=since) == {}


def _done(run: Run) -> None:
    assert run.code == 0, run.text


def test_a_policy_or_unit_by_a_declared_name_is_taken_over_by_nobody_unasked(shipped: Site) -> None:
    """As with groups: what a killed run began is taken, a line of imports.yaml decides, else a word or a refusal."""
    organizations = shipped.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="lab")["OrganizationalUnit"]["Id"]
    document = (shipped.config / "policies/deny-root-user.json").read_text()
    of_type = {"Content": document, "Description": "", "Type": "SERVICE_CONTROL_POLICY"}
    theirs = organizations.create_policy(**of_type, Name="theirs")["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=theirs, TargetId=unit)
    more = "  {0}:\n    type: SERVICE_CONTROL_POLICY\n    file: policies/deny-root-user.json\n"
    on_lab = "    targets:\n      organizational_units:\n        - lab\n"
    shipped.edit(
        "organization.yaml",
        ("\norganizational_units:\n", "\norganizational_units:\n  lab:\n    name: lab\n"),
        ("\npolicies:\n", f"\npolicies:\n{more.format('in-lab')}{on_lab}"),
    )

    refused = shipped.strata("deploy", "organizations", "--yes", "--json")
    organizations.detach_policy(PolicyId=theirs, TargetId=unit)
    unasked = shipped.strata("deploy", "organizations", "--yes", "--json")

    assert (refused.code, unasked.code) == (1, 1), refused.text + unasked.text
    strangers = [(one.data["key"], one.data["holds"]) for one in refused.told if one.id == "made-by-others"]
    assert strangers == [("lab", [f"policy theirs ({theirs})"])]
    lines = [line for line in refused.lines if line.startswith("aws_organizations_")]
    assert lines == [f'aws_organizations_organizational_unit.lab: "{unit}"']
    assert [one.data["id"] for one in unasked.told if one.id == "import-by-name"] == [unit]
    assert shipped.aws.writing_calls() == {}

    shipped.append("imports.yaml", f"{lines[0]}\n")
    command = ("strata", "deploy", "organizations", "--yes")
    shipped.killed("organizations:CreatePolicy", *command)
    free_locks(shipped)
    killed = _begun(shipped, "organizations")
    again = shipped.strata(*command[1:])

    assert killed == {"aws_organizations_policy.in-lab": "in-lab"}
    assert again.code == 0, again.text
    assert _begun(shipped, "organizations") == {}
    assert shipped.plan("organizations") == {}
    writes = shipped.aws.writing_calls(by="provider")
    assert (writes["organizations:CreatePolicy"], writes["organizations:CreateOrganizationalUnit"]) == (1, 0)


def test_what_aws_has_by_a_declared_name_is_taken_over_by_nobody_unasked(shipped: Site) -> None:
    """What holds more than the YAML has is refused; of the rest a person decides, but for what a killed run began."""
    shipped.edit(
        "sso.yaml",
        ("\ngroups:\n", "  kim:\n    given_name: Kim\n    family_name: Berg\n    email: kim@example.com\n\ngroups:\n"),
        ("\npermission_sets:\n", "  builders:\n    members:\n      - kim\n\npermission_sets:\n"),
        ("\nassignments:\n", "  Builder:\n    policies:\n      - aws: PowerUserAccess\n\nassignments:\n"),
    )
    store, center = shipped.client("identitystore"), shipped.client("sso-admin")
    instance = center.list_instances()["Instances"][0]
    there, arn = {"IdentityStoreId": instance["IdentityStoreId"]}, instance["InstanceArn"]
    user = store.create_user(**there, UserName="kim@example.com", DisplayName="Another Kim")["UserId"]
    group = store.create_group(**there, DisplayName="builders")["GroupId"]
    mallory = store.create_user(**there, UserName="mallory", DisplayName="Mallory")["UserId"]
    store.create_group_membership(**there, GroupId=group, MemberId={"UserId": mallory})
    made = center.create_permission_set(InstanceArn=arn, Name="Builder")["PermissionSet"]["PermissionSetArn"]

    refused = shipped.strata("deploy", "sso", "--yes", "--json")

    assert refused.code == 1, refused.text
    strangers = {one.data["key"]: one.data["holds"] for one in refused.told if one.id == "made-by-others"}
    assert strangers == {"builders": ["member mallory"]}
    lines = [line for line in refused.lines if line.startswith("aws_identitystore_")]
    assert lines == [f'aws_identitystore_group.builders: "{instance["IdentityStoreId"]}/{group}"']

    shipped.append("imports.yaml", "\n".join([*lines, ""]))
    unasked = shipped.strata("deploy", "sso", "--yes", "--json")
    shown = shipped.strata("plan", "sso", "--exit-code")

    assert unasked.code == 1, unasked.text
    taken = {one.data["key"]: one.data["id"] for one in unasked.told if one.id == "import-by-name"}
    assert taken == {"kim": f"{instance['IdentityStoreId']}/{user}", "Builder": f"{made},{arn}"}
    assert shown.code == 3, shown.text
    assert shown.stdout.count("this deploy takes it over") == 2
    assert shipped.aws.writing_calls() == {}

    center.delete_permission_set(InstanceArn=arn, PermissionSetArn=made)
    command = ("strata", "deploy", "sso", "--yes", "--json", "--allow", "import:aws_identitystore_user.kim")
    stopped = shipped.stopped("sso-admin:CreatePermissionSet", *command, containing="Builder")

    assert stopped.code == 1, stopped.text
    assert "terraform-stopped" in stopped.ids
    assert _begun(shipped) == {f"{PERMISSION_SET}.Builder": "Builder"}
    assert _sets(shipped).count("Builder") == 1

    free_locks(shipped)
    planned = shipped.strata("plan", "sso", "--exit-code")
    again = shipped.strata(*command[1:])

    assert planned.code == 3, planned.text
    assert re.search(r"^ *import.* aws_ssoadmin_permission_set.Builder$", planned.stdout, re.MULTILINE)
    assert again.code == 0, again.text
    assert {"aws_identitystore_group.builders", f"{PERMISSION_SET}.Builder"} <= shipped.addresses("sso")
    assert _sets(shipped).count("Builder") == 1
    assert _begun(shipped) == {}


def _sets(site: Site) -> list[str]:
    """Returns the names of the permission sets."""
    center = site.client("sso-admin")
    instance = {"InstanceArn": center.list_instances()["Instances"][0]["InstanceArn"]}
    found = center.list_permission_sets(**instance)["PermissionSets"]
    described = [center.describe_permission_set(**instance, PermissionSetArn=arn)["PermissionSet"] for arn in found]
    return [each["Name"] for each in described]


def _begun(site: Site, stack: str = "sso") -> dict[str, str]:
    key = f"management/{stack}/terraform.tfstate.begun"
    body = site.client("s3").get_object(Bucket=site.bucket, Key=key)["Body"].read()
    names: dict[str, str] = json.loads(body)["creates"]
    return names


# Moves


def test_a_unit_goes_in_the_deploy_after_its_accounts(shipped: Site) -> None:
    """Both in one edit is refused, since the account would be without policies; two deploys never leave it so."""
    shared, old = shipped.accounts()["aws+shared@example.com"]["Id"], "  shared:\n    name: shared\n"
    shipped.edit("organization.yaml", (old, f"{old}  platform:\n    name: Platform\n"))
    text = (shipped.config / "organization.yaml").read_text()
    text = text.replace("        - shared\n", "        - shared\n        - platform\n").replace(
        "organizational_unit: shared", "organizational_unit: platform"
    )
    without = text.replace("        - shared\n", "").replace(old, "")
    (shipped.config / "organization.yaml").write_text(without)

    refused = shipped.strata("deploy", "organizations", "--yes", "--json")
    writing = shipped.aws.writing_calls()
    (shipped.config / "organization.yaml").write_text(text)
    moved = shipped.strata("deploy", "organizations", "--yes")
    detached = shipped.aws.writing_calls().get("organizations:DetachPolicy", 0)
    (shipped.config / "organization.yaml").write_text(without)
    removed = shipped.strata("deploy", "organizations", "--yes")

    assert refused.code == 1, refused.text
    (told,) = [one for one in refused.told if one.id == "unit-not-empty"]
    assert told.data["unit"] == "shared"
    assert writing == {}
    assert moved.code == 0, moved.text
    assert detached == 0
    assert removed.code == 0, removed.text
    units = shipped.units()
    assert set(units) == {"security", "Platform"}
    parents = shipped.client("organizations").list_parents(ChildId=shared)["Parents"]
    assert [parent["Id"] for parent in parents] == [units["Platform"]]


# Two at once


def test_two_deploys_at_once(shipped: Site, tmp_path: Path) -> None:
    """While one run asks whether to go on, another stops at its lock; then the state has what the first did."""
    shipped.append("project.yaml", "tags:\n  Locking: both\n")
    shipped.synth()
    second = Site(shipped.aws, shipped.provider, tmp_path / "second")
    shutil.copytree(shipped.output, second.output, symlinks=True)
    for site in (shipped, second):
        initialized = site.terraform("backend", "init", "-reconfigure")
        assert initialized.code == 0, initialized.text

    with shipped.terraform_that_asks("backend", "apply") as first:
        refused = second.apply("backend")
        said, _ = first.communicate("yes\n")

    assert first.returncode == 0, said
    assert refused.code == 1
    assert "the state lock" in refused.text
    assert shipped.state("backend")["aws_s3_bucket.state"]["tags_all"]["Locking"] == "both"
    assert shipped.locks() == []


# One clear message each


def test_identity_center_is_not_enabled(shipped: Site) -> None:
    """The message says where to enable it, and nothing was changed."""
    shipped.aws.order("identity-center", region="")

    refused = shipped.apply("sso")

    assert refused.code == 1
    assert "not enabled in us-east-1. No API" in refused.text


def test_a_producer_that_was_never_deployed(fresh: Site) -> None:
    """Deploying a stack alone names the one it needs; planning takes for granted what that would give."""
    refused = fresh.strata("deploy", "organizations", "sso", "--yes", "--json")
    planned = fresh.strata("plan", "backend", "organizations", "--exit-code")

    assert refused.code == 1
    (told,) = [one for one in refused.told if one.id == "never-deployed"]
    assert told.data == {"stack": "backend", "stacks": ["organizations", "sso"]}
    assert planned.code == 3, planned.text
    assert "  create   aws_organizations_account.shared" in planned.stdout


def test_the_bucket_is_missing(empty: Site) -> None:
    """Without bootstrap nothing starts."""
    refused = empty.strata("deploy", "--yes", "--json")

    assert refused.code == 1
    assert "bootstrap-missing" in refused.ids
    assert empty.aws.writing_calls(by="") == {}


def test_a_region_that_is_not_enabled_is_named_before_anything_is_made_there(shipped: Site) -> None:
    """AWS would answer that the credentials are not valid, resource by resource; it is asked about new regions only."""
    shipped.edit("project.yaml", ("  secondary: us-west-2\n", "  secondary: us-west-2\n  governed: [eu-south-1]\n"))

    refused = shipped.strata("deploy", "security", "--yes", "--json")

    assert refused.code == 1
    assert [(one.id, one.data["region"]) for one in refused.told] == [("region-not-enabled", "eu-south-1")]
    assert shipped.aws.writing_calls() == {}

    shipped.aws.order("regions", account=ACCOUNT, regions=["eu-south-1"])
    deployed = shipped.strata("deploy", "security", "--yes")
    asked = len(shipped.aws.calls(action="ec2:DescribeRegions"))
    again = shipped.strata("plan", "security", "--exit-code")

    assert deployed.code == 0, deployed.text[-3000:]
    assert again.code == 0, again.text
    assert asked == len(shipped.aws.calls(action="ec2:DescribeRegions")) == 2


def test_a_new_organization_may_have_room_for_fewer_accounts_than_its_quota_says(backend: Site) -> None:
    """Service Quotas gives the default: only CreateAccount knows, and the advice names who helps."""
    backend.aws.order("organization", room=2)

    refused = backend.strata("deploy", "organizations", "--yes", "--json")

    assert refused.code == 1
    assert "account-quota-reached" in refused.ids, refused.text
    assert len(backend.accounts()) == 2


def test_an_account_that_nobody_has_activated_yet_is_imported(backend: Site) -> None:
    """AWS lists it as PENDING_ACTIVATION: it is ours by its address, and its creation would find that taken."""
    id = backend.open_account("aws+shared@example.com")
    backend.aws.order("account-state", account=id, state="PENDING_ACTIVATION")

    deployed = backend.strata("deploy", "organizations", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    assert backend.state("organizations")["aws_organizations_account.shared"]["id"] == id
    assert backend.aws.writing_calls()["organizations:CreateAccount"] == 1


# Locking


@pytest.mark.parametrize("left", [("file", "row"), ("file",), ("row",)], ids="+".join)
def test_a_lock_without_a_run_is_told_and_freed_where_nothing_is_left_to_do(
    shipped: Site, left: tuple[str, ...]
) -> None:
    """A plan takes no lock, and a deploy none where nothing changes; a run may be killed between its two locks."""
    key = "management/backend/terraform.tfstate"
    lock = {
        "ID": "0a1b2c3d-1111-2222-3333-444455556666",
        "Operation": "OperationTypeApply",
        "Who": f"root@{socket.gethostname()}",
        "Version": "1.14.0",
        # Old: a `cdktf deploy` of another test, which names no folder, could hold a new one.
        "Created": "2026-01-01T00:00:00.123456789Z",
        "Path": f"{shipped.bucket}/{key}",
    }
    if "file" in left:
        shipped.client("s3").put_object(Bucket=shipped.bucket, Key=f"{key}.tflock", Body=json.dumps(lock).encode())
    if "row" in left:
        row = {"LockID": {"S": lock["Path"]}, "Info": {"S": json.dumps(lock)}}
        shipped.client("dynamodb").put_item(TableName=TABLE, Item=row)

    deployed = shipped.strata("deploy", "backend", "--yes")
    planned = shipped.strata("plan", "backend", "--json")
    warned = json.loads(planned.stdout)["warnings"]
    command = re.search(r"free it: (.*)", deployed.stderr)

    assert deployed.code == 0
    assert f"locked by {lock['Who']}" in deployed.stderr
    assert [(one.id, one.data["stack"], one.data["who"]) for one in planned.told] == [
        ("state-locked", "backend", lock["Who"])
    ]
    assert command
    assert command[1] in warned[0]["remedy"]
    shipped.shell(command[1])
    assert shipped.locks() == []
    assert "locked" not in shipped.strata("plan", "backend").stderr
