"""Scenarios of what comes with Strata in member accounts: inherited attributes, the baseline, and its steps."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.layers import free_locks, member, stacks
from tests.scenarios.site import SANDBOX, Run, Site

pytestmark = pytest.mark.only("stand-in")

MANAGEMENT = "123456789012"
BASELINE = """\
settings:
  root:
    ebs_encryption: {mode: on}
    sign_in_events: {mode: on}
    default_vpcs: {mode: removed}
"""
DEFAULTS = """\
defaults:
  root:
    budget: {limit_usd: 100, emails: [ops@example.com]}
    regions: [ap-east-1]
"""
LAYERS = ("accounts", "baseline")
BY_DEFAULT = ("us-east-1", "eu-west-1")
"""The regions that every account has."""
ROLES_TO_MAKE = 2
"""The steps that make the reader and the writer."""


def default_vpcs(site: Site, name: str) -> list[str]:
    """Returns the regions in which an account has a default VPC."""
    regions = member(site, name, "ec2").describe_regions()["Regions"]
    default = [{"Name": "is-default", "Values": ["true"]}]
    return [
        region["RegionName"]
        for region in regions
        if member(site, name, "ec2", region["RegionName"]).describe_vpcs(Filters=default)["Vpcs"]
    ]


@pytest.fixture
def site(shipped: Site) -> Site:
    """A landing zone that is to get a baseline, with a region that its management account alone has enabled."""
    shipped.sign_in_as_administrator()
    shipped.edit("project.yaml", ("regions:\n", "regions:\n  governed:\n    - ap-east-1\n"))
    shipped.aws.order("regions", account=MANAGEMENT, regions=["ap-east-1"])
    shipped.aws.order("list-regions", regions=[*BY_DEFAULT, "ap-east-1"])
    (shipped.config / "baseline.yaml").write_text(BASELINE)
    shipped.append("organization.yaml", DEFAULTS)
    return shipped


def test_a_region_is_asked_for_and_set_once_it_is_enabled(site: Site) -> None:
    first, approved = site.strata("plan", "--json"), site.folder / "list.json"
    planned, asked = stacks(first), [facts for id, _, facts in first.messages if id == "region-to-enable"]
    assert asked == [{"account": key, "region": "ap-east-1"} for key in ("security", "shared")]
    assert len(planned["accounts"]["steps"]) == len(asked)
    assert len(planned["baseline_shared"]["steps"]) == len(BY_DEFAULT) + ROLES_TO_MAKE
    listed = site.strata("plan", "--changes", str(approved))
    assert json.loads(approved.read_text())["stacks"]["accounts"]["steps"] == planned["accounts"]["steps"]
    assert "baseline in 2 accounts" in listed.text

    deployed = site.strata("deploy", "--yes", "--json", "--expect", str(approved))

    assert deployed.code == 0, deployed.text
    counts = {name: one["counts"].get("steps") for name, one in stacks(deployed).items()}
    assert (counts["accounts"], counts["baseline_shared"]) == (2, len(BY_DEFAULT) + ROLES_TO_MAKE)
    assert "aws_ebs_encryption_by_default.main_ap-east-1" not in site.state("baseline_shared")
    again = site.strata("plan", *LAYERS, "--json")
    assert again.ids.count("region-being-enabled") == 2
    assert not any(one["changes"] or one["steps"] for one in stacks(again).values())

    site.aws.wait_an_hour()
    settled = site.strata("plan", *LAYERS, "--json")
    enabled, steps = stacks(settled), [facts for id, _, facts in settled.messages if id == "default-vpc-to-remove"]
    assert enabled["accounts"]["steps"] == []
    addresses = [change["address"] for change in enabled["baseline_shared"]["changes"]]
    assert {"ap-east-1" in address for address in addresses} == {True}
    assert (len(enabled["baseline_shared"]["steps"]), {step["region"] for step in steps}) == (1, {"ap-east-1"})
    assert site.strata("deploy", "--yes").code == 0
    last = stacks(site.strata("plan", *LAYERS, "--json"))
    assert all(one["spared"] for name, one in last.items() if name.startswith("baseline_"))
    assert not any(one["changes"] or one["steps"] or one["remarks"] for one in last.values())
    assert default_vpcs(site, "shared") == []


def test_a_default_vpc_in_use_stays_and_a_killed_run_goes_on(site: Site) -> None:
    site.edit("organization.yaml", ("    regions: [ap-east-1]\n", ""))
    ec2 = member(site, "shared", "ec2")
    [subnet, *_] = ec2.describe_subnets()["Subnets"]
    interface = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    site.killed("ec2:DeleteVpc", "strata", "deploy", "--yes")
    site.wait_for_locks()

    deployed = site.strata("deploy", "--yes", "--json")

    assert deployed.code == 0, deployed.text
    assert default_vpcs(site, "security") == []
    assert default_vpcs(site, "shared") == ["us-east-1"]
    again = site.strata("plan", *LAYERS, "--json")
    assert not any(one["changes"] or one["steps"] for one in stacks(again).values())
    [(_, _, facts)] = [told for told in again.messages if told[0] == "default-vpc-in-use"]
    assert (facts["region"], facts["by"]) == ("us-east-1", [f"network interface {interface}"])
    assert json.loads(site.strata("drift", "--json").stdout)["differences"] == []

    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert site.strata("deploy", "--yes", "--json").code == 0
    assert default_vpcs(site, "shared") == []

    ec2.create_default_vpc()
    found = site.strata("drift", "--json")
    [back] = json.loads(found.stdout)["differences"]
    assert (found.code, back["name"], back["attribute"]) == (3, "default_vpcs of shared", "regions")
    assert site.strata("drift", "--back", "--yes").code == 0
    assert default_vpcs(site, "shared") == []


ROLES = """\
settings:
  root:
    ebs_encryption: {mode: on}
    sign_in_events: {mode: on}
    roles:
      auditor: {trust: {account: security}, policies: [{aws: SecurityAudit}]}
"""


def test_an_account_comes_and_goes_with_its_baseline(shipped: Site) -> None:
    """A new one has all of it after one deploy; a retired one keeps what is forgotten, or loses what Strata made."""
    shipped.sign_in_as_administrator()
    (shipped.config / "baseline.yaml").write_text(ROLES)
    shipped.edit("organization.yaml", SANDBOX)
    assert shipped.strata("deploy", "--yes").code == 0
    assert member(shipped, "sandbox", "iam").get_role(RoleName="auditor")
    assert shipped.strata("plan", "baseline", "--json").changing == {}

    shipped.edit("organization.yaml", ("    email: aws+sandbox@", "    retired: true\n    email: aws+sandbox@"))
    refused = shipped.strata("plan", "--json")
    assert (refused.code, refused.ids) == (1, ["account-not-emptied"])
    for word, stays in (("forgotten", True), ("emptied", False)):
        shipped.edit("organization.yaml", ("retired: true\n", f"retired: true\n    baseline: {word}\n"))
        planned = shipped.strata("plan", "--json").planned["baseline_sandbox"]
        assert planned["aws_ebs_encryption_by_default.main_us-east-1"] == "forget"
        assert planned["aws_iam_role.auditor"] == ("forget" if stays else "delete")
        if stays:
            shipped.edit("organization.yaml", (f"    baseline: {word}\n", ""))
    shipped.killed("iam:DeleteRole", "strata", "deploy", "--yes")
    free_locks(shipped)
    shipped.aws.fail("iam:DeleteRole", code="DeleteConflict", containing='"ex-baseline-reader"', message="in use")

    refused = shipped.strata("deploy", "--yes", "--json")
    assert (refused.code, refused.ids.count("role-refused")) == (1, 1), refused.text
    assert shipped.state("baseline_sandbox") == {}
    deployed = shipped.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text
    iam = member(shipped, "sandbox", "iam")
    assert not {"auditor", *OWN} & {role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert member(shipped, "sandbox", "ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    assert "aws_organizations_account.sandbox" not in shipped.state("organizations")
    last = shipped.strata("plan", "--json")
    assert last.changing == {}
    assert "baseline_sandbox" not in last.planned

    (shipped.config / "baseline.yaml").unlink()
    lost = shipped.strata("plan", "--json")
    assert {(id, facts["stack"]) for id, _, facts in lost.messages} == {
        ("state-without-stack", "baseline_security"),
        ("state-without-stack", "baseline_shared"),
    }


OWN = ("ex-baseline-reader", "ex-baseline")
PLAIN = "settings:\n  root:\n    serial_console_access: {mode: on}\n"


def steps(run: Run) -> list[tuple[str, str]]:
    """Returns the steps of a plan that are about roles, with what is set of one."""
    about = [(id, facts) for id, _, facts in run.messages if id in ("role-to-make", "role-to-set", "role-to-delete")]
    return [(facts["role"], ", ".join(facts.get("parts", ())) or id) for id, facts in about]


def in_members(site: Site, since: int) -> set[tuple[str, str]]:
    """Returns the roles that Strata and Terraform had in accounts since some calls, and whether they wrote."""
    return {
        (call.role.rpartition("/")[2], "writes" if call.writes else "reads")
        for call in site.aws.calls(since=since)
        if call.role and call.caller != "test" and call.action != "sts:GetCallerIdentity"
    }


def test_the_access_role_makes_the_roles_and_these_do_the_rest(shipped: Site) -> None:
    """Each is held to its policy, as is every call of all scenarios here."""
    shipped.sign_in_as_administrator()
    file = shipped.config / "baseline.yaml"
    file.write_text(PLAIN)
    assert shipped.strata("check").code == 0
    shipped.killed("iam:CreateRole", "strata", "deploy", "--yes", containing='"ex-baseline"')

    again = shipped.strata("plan", "--refresh", "--json")
    deployed = shipped.strata("deploy", "--yes")

    assert ("ex-baseline", "policy") in steps(again), "it was made, and its policy was not"
    assert deployed.code == 0, deployed.text
    iam = member(shipped, "shared", "iam")
    for role, part in zip(OWN, ("reader", "writer"), strict=True):
        printed = json.loads(shipped.strata("permissions", f"baseline/{part}").stdout)
        assert iam.get_role_policy(RoleName=role, PolicyName="baseline")["PolicyDocument"] == printed
    before = len(shipped.aws.calls())
    settled = shipped.strata("plan", "--refresh", "--json")
    assert (settled.changing, steps(settled)) == ({}, [])
    assert in_members(shipped, before) == {("ex-baseline-reader", "reads")}

    file.write_text(f"{PLAIN}    emr_public_access: {{mode: on}}\n")
    before = len(shipped.aws.calls())
    assert shipped.strata("deploy", "--yes").code == 0
    assert {role for role, does in in_members(shipped, before) if does == "writes"} == {"ex-baseline"}


def test_what_somebody_does_to_the_roles_is_told_and_put_back(shipped: Site) -> None:
    shipped.sign_in_as_administrator()
    (shipped.config / "baseline.yaml").write_text(PLAIN)
    assert shipped.strata("deploy", "--yes").code == 0
    iam, others = member(shipped, "shared", "iam"), member(shipped, "security", "iam")
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="ex-baseline", PolicyName="baseline", PolicyDocument=json.dumps(wide))
    iam.attach_role_policy(RoleName="ex-baseline", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    others.delete_role_policy(RoleName="ex-baseline-reader", PolicyName="baseline")
    others.delete_role(RoleName="ex-baseline-reader")

    drift = shipped.strata("drift", "--json")
    planned = shipped.strata("plan", "--refresh", "--json")
    back = shipped.strata("drift", "--back", "--yes")

    found = {(one["name"], one["attribute"]) for one in json.loads(drift.stdout)["differences"]}
    assert found == {("baseline_roles of security", "reader"), ("baseline_roles of shared", "writer")}
    assert steps(planned) == [("ex-baseline-reader", "role-to-make"), ("ex-baseline", "policy, other policies")]
    assert back.code == 0, back.text
    assert shipped.strata("drift").code == 0

    iam.delete_role_policy(RoleName="ex-baseline", PolicyName="baseline")
    iam.delete_role(RoleName="ex-baseline")
    iam.create_role(RoleName="ex-baseline", AssumeRolePolicyDocument=json.dumps(wide))
    (shipped.config / "baseline.yaml").write_text(PLAIN.replace("serial_console", "emr_public"))
    refused = shipped.strata("deploy", "--yes", "--json")
    assert (refused.code, refused.ids.count("role-of-others")) == (1, 1), refused.text
    assert {name: one["status"] for name, one in stacks(refused).items() if name.startswith("baseline_")} == {
        "baseline_security": "applied",
        "baseline_shared": "failed",
    }
    assert iam.list_role_policies(RoleName="ex-baseline")["PolicyNames"] == []


ALL = """\
settings:
  root:
    ebs_encryption: {mode: on, key_arns: {us-east-1: "arn:aws:kms:us-east-1:123456789012:key/1a2b"}}
    serial_console_access: {mode: on}
    emr_public_access: {mode: on}
    document_public_access: {mode: on}
    vpc_public_access: {mode: on}
    backup: {mode: on, resource_types: {DynamoDB: true}}
    quotas: {mode: on, values: {vpc/L-F678F1CE: 12}}
    password_policy: {mode: on, minimum_length: 16}
    account_alias: {mode: on, name: "ex-{key}"}
    sign_in_events: {mode: on}
    roles:
      auditor: {mode: on, trust: {account: security}, policies: [{aws: SecurityAudit}]}
"""


def test_every_setting_is_switched_off_or_let_go(shipped: Site) -> None:
    shipped.sign_in_as_administrator()
    file = shipped.config / "baseline.yaml"
    file.write_text(ALL)
    assert shipped.strata("deploy", "--yes").code == 0
    made = shipped.addresses("baseline_shared")
    assert shipped.strata("plan", "--json").changing == {}

    file.write_text(ALL.replace("mode: on", "mode: unmanaged"))
    let_go = shipped.strata("plan", "baseline", "--json").planned["baseline_shared"]
    file.write_text(ALL.replace("mode: on", "mode: off"))
    off = shipped.strata("deploy", "--yes")

    assert let_go == dict.fromkeys(made, "forget")
    assert off.code == 0, off.text
    assert shipped.strata("plan", "--json").changing == {}
    iam = member(shipped, "shared", "iam")
    assert "auditor" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert iam.list_account_aliases()["AccountAliases"] == ["ex-shared"], "a setting is left, whatever its mode"
    assert member(shipped, "shared", "ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]


def test_an_account_for_which_nothing_is_said_has_no_stack_and_one_that_had_something_lets_go(shipped: Site) -> None:
    shipped.sign_in_as_administrator()
    file = shipped.config / "baseline.yaml"
    file.write_text("settings:\n  shared:\n    ebs_encryption: {mode: on}\n")
    assert shipped.strata("deploy", "--yes").code == 0

    planned, drift = shipped.strata("plan", "--json"), shipped.strata("drift", "--json")
    judged = shipped.strata("doctor", "--json")

    assert planned.changing == {}
    assert [stack for stack in planned.planned if stack.startswith("baseline_")] == ["baseline_shared"]
    assert "preview" not in json.loads(planned.stdout)
    assert json.loads(drift.stdout)["waiting"] == []
    assert "layer-not-deployed" not in judged.ids

    file.write_text("settings: {}\n")
    had = shipped.addresses("baseline_shared")
    assert had
    assert shipped.strata("plan", "baseline", "--json").changing == {"baseline_shared": dict.fromkeys(had, "forget")}
    assert shipped.strata("deploy", "--yes").code == 0
    again = shipped.strata("plan", "--json")
    assert (again.code, again.changing) == (0, {})
    assert json.loads(shipped.strata("drift", "--json").stdout)["waiting"] == []


@pytest.mark.only("stand-in", "real")
@pytest.mark.long("stand-in")
def test_many_accounts_get_every_setting(shipped: Site, request: pytest.FixtureRequest) -> None:
    """In one with the provider, in thirty with the stand-in: nothing is left for a plan that asks AWS about it."""
    shipped.sign_in_as_administrator()
    real = request.node.callspec.params["provider"] == "real"
    teams = range(0 if real else 28)
    entry = "  team-{0}:\n    email: aws+team-{0}@example.com\n    organizational_unit: {1}\n"
    shipped.aws.order("organization", account_limit=len(teams) + 3)
    entries = "".join(entry.format(team, ("security", "shared", "root")[team % 3]) for team in teams)
    shipped.edit("organization.yaml", ("accounts:\n", f"accounts:\n{entries}"))
    shipped.append("organization.yaml", DEFAULTS.replace("    regions: [ap-east-1]\n", ""))
    (shipped.config / "baseline.yaml").write_text(ALL.replace("root:", "shared:") if real else ALL)

    deployed = shipped.strata("deploy", "--yes")
    again = shipped.strata("plan", "--refresh", "--json")

    assert deployed.code == 0, deployed.text[-4000:]
    assert len([stack for stack in again.planned if stack.startswith("baseline_")]) == len(teams) + 2
    assert not any(again.planned.values())


COMPANY = """\
rollout:
  waves: [[sandbox], [root]]
settings:
  root:
    ebs_encryption: {mode: on}
    password_policy: {minimum_length: 16}
    sign_in_events: {mode: on}
  ou/workloads:
    password_policy: {minimum_length: 20}
    roles:
      auditor: {trust: {account: audit}, policies: [{aws: SecurityAudit}]}
"""
OF_UNITS = """\
defaults:
  root:
    budget: {limit_usd: 100, emails: [finance@nordwind.dev]}
  ou/workloads:
    budget: {limit_usd: 500}
"""


def test_a_company_gets_a_baseline_and_an_account_that_moves_what_is_inherited(company: Site) -> None:
    company.sign_in_as_administrator()
    (company.config / "baseline.yaml").write_text(COMPANY)
    company.append("organization.yaml", OF_UNITS)
    company.killed("iam:CreateRole", "strata", "deploy", "--yes", containing="auditor")
    free_locks(company)

    assert company.strata("deploy", "--yes").code == 0

    company.edit(
        "organization.yaml",
        (
            "data-dev@nordwind.dev\n    organizational_unit: data-nonproduction",
            "data-dev@nordwind.dev\n    organizational_unit: sandbox",
        ),
    )
    moved = company.strata("plan", "--json").changing
    assert moved.pop("organizations")["aws_organizations_account.data-dev"] == "update"
    assert moved["accounts"] == {"aws_budgets_budget.data-dev": "update"}
    assert moved["baseline_data-dev"] == {
        "aws_iam_account_password_policy.main": "update",
        "aws_iam_role.auditor": "delete",
        "aws_iam_role_policy_attachment.auditor_SecurityAudit": "delete",
    }
    assert {stack for stack in moved if stack.startswith(("baseline", "acc"))} == {"accounts", "baseline_data-dev"}
