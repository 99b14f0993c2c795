"""The pages about where one comes from, typed as written in organizations that others made."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.load import load
from tests.aws.center import INSTANCE
from tests.aws.client import CHECKOUT, Aws
from tests.documents import Block, blocks
from tests.organizations import account
from tests.organizations.emulated import Emulated, emulate
from tests.scenarios import seeds
from tests.scenarios.site import STACKS, Provider, Run, Site
from tests.scenarios.typist import Typist

PAGE = CHECKOUT / "docs/coming-from.md"
FOREIGN = CHECKOUT / "tests/scenarios/foreign"
"""A Terraform project of somebody else: an organization, access by a module, and what stays there."""
ANSWERS = {"[y/N]": "y", "Enter a value": "yes"}
SERVICES = ("organizations:", "sso-admin:", "identitystore:")

pytestmark = pytest.mark.only("stand-in")


@pytest.fixture
def typist(running_aws: Aws, provider: Provider, tmp_path: Path) -> Typist:
    """Somebody with a clone, in front of an account that is empty yet; `adopted` is the configuration."""
    running_aws.restore()
    site = Site(running_aws, provider, tmp_path)
    site.config.mkdir()
    site.output.mkdir()
    typist = Typist.at(site, tmp_path)
    (typist.folder / "adopted").symlink_to(site.config)
    return typist


# Terraform of one's own


@pytest.fixture(scope="module")
def applied(running_aws: Aws, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """The old project, which is applied, and what AWS has of it."""
    folder = tmp_path_factory.mktemp("old")
    old = shutil.copytree(FOREIGN, folder / "old")
    running_aws.restore()
    site = Site(running_aws, provider, folder)
    typist = Typist.at(site, folder)
    typist.variables["OLD"] = str(old)
    _terraform(typist, "init")
    # No API switches Identity Center on, and it needs the organization.
    _terraform(typist, "apply -auto-approve -target=aws_organizations_organization.this")
    running_aws.switch_identity_center_on()
    _terraform(typist, "apply -auto-approve -target=aws_organizations_account.shop")
    running_aws.wait_an_hour()  # as Terraform alone needs it, years ago
    _terraform(typist, "apply -auto-approve")
    running_aws.wait_an_hour()
    return running_aws.snapshot(), old


@pytest.fixture
def old(typist: Typist, applied: tuple[bytes, Path], tmp_path: Path) -> Path:
    """The folder of the old project, which is applied."""
    snapshot, folder = applied
    typist.site.aws.restore(snapshot)
    old = shutil.copytree(folder, tmp_path / "old", symlinks=True)
    typist.variables["OLD"] = str(old)
    return old


@pytest.mark.only("stand-in", "real")
@pytest.mark.long("real")
def test_what_other_terraform_manages_comes_here_without_a_change(typist: Typist, old: Path) -> None:
    aws = typist.site.aws
    describe, *let_go, deploy = _steps("Terraform of your own")
    _describe(typist, describe)
    before = len(aws.calls())

    planned, applied = _let_go(typist, old, let_go)

    assert "0 to add, 0 to change, 0 to destroy" in planned.stdout
    assert "will be destroyed" not in planned.stdout
    assert planned.stdout.count("will no longer be managed by Terraform, but") == 17
    assert "0 added, 0 changed, 0 destroyed" in applied.stdout
    assert _terraform(typist, "state list").stdout.split() == ["aws_sns_topic.alarms"]
    assert not aws.writing_calls(since=before)

    _deploy(typist, deploy)
    _terraform(typist, "plan -detailed-exitcode")


def test_another_order_does_what_the_page_says(typist: Typist, old: Path) -> None:
    """Two owners undo each other, until one lets go."""
    site = typist.site
    describe, *let_go, deploy = _steps("Terraform of your own")
    bootstrap, first, *_ = deploy.text.splitlines()
    for text in (describe.text, f"{bootstrap}\n{first}"):
        assert typist.types(text, ANSWERS).code == 0, text
    both = _terraform(typist, "plan -detailed-exitcode")
    site.edit("sso.yaml", ("session_duration: PT4H", "session_duration: PT8H"))
    edited = typist.types("strata deploy sso --config adopted", ANSWERS)

    undone = typist.types('terraform -chdir="$OLD" plan')
    _, applied = _let_go(typist, old, let_go)
    (old / "removed.tf").unlink()
    _terraform(typist, "plan -detailed-exitcode")

    assert "No changes" in both.stdout
    assert edited.code == 0, edited.stdout
    assert "0 to add, 1 to change, 0 to destroy" in undone.stdout
    assert 'session_duration = "PT8H" -> "PT4H"' in " ".join(undone.stdout.split())
    assert "0 added, 0 changed, 0 destroyed" in applied.stdout
    assert site.strata("plan", "sso", "--exit-code").code == 0


def test_blocks_that_are_only_deleted_are_destroyed(typist: Typist, old: Path) -> None:
    _delete_what_goes(old)

    planned = typist.types('terraform -chdir="$OLD" plan')

    assert 'aws_organizations_account.shop["prod"] will be destroyed' in planned.stdout
    assert "0 to add, 0 to change, 17 to destroy" in planned.stdout


def test_the_list_has_what_strata_takes_over_and_no_more(typist: Typist, tmp_path: Path) -> None:
    """Keys, modules and types that look alike are told apart."""
    _, list_, *_ = _steps("Terraform of your own")
    terraform = Path(typist.variables["PATH"].partition(":")[0]) / "terraform"
    terraform.unlink()
    terraform.write_text(f"#!/bin/sh\ncat <<'END'\n{STATE}END\n")
    terraform.chmod(0o755)

    typist.types(list_.text, OLD=str(tmp_path))

    assert (typist.folder / "let-go.txt").read_text() == TAKEN_OVER


STATE = """\
aws_iam_organizations_features.this
aws_iam_role.deployer
aws_organizations_account.shop["acme.data.eu"]
aws_organizations_account.shop["aws_sns_topic.x"]
aws_organizations_resource_policy.this
aws_sns_topic.aws_organizations_account
aws_ssoadmin_application.vpn
aws_ssoadmin_managed_policy_attachments_exclusive.x
data.aws_organizations_organization.this
module.data.aws_organizations_organization.this[0]
module.people["a.b"].data.aws_identitystore_user.old["x"]
module.people["a.b"].module.group[0].aws_identitystore_group.this["data.aws"]
module.sso.aws_ssoadmin_account_assignment.this["111122223333-Admin-GROUP-admins@acme.io"]
module.sso.aws_ssoadmin_permission_set_inline_policy.this
"""
TAKEN_OVER = """\
aws_iam_organizations_features.this
aws_organizations_account.shop
aws_ssoadmin_managed_policy_attachments_exclusive.x
module.data.aws_organizations_organization.this
module.people.module.group.aws_identitystore_group.this
module.sso.aws_ssoadmin_account_assignment.this
module.sso.aws_ssoadmin_permission_set_inline_policy.this
"""


def _let_go(typist: Typist, old: Path, steps: list[Block]) -> tuple[Run, Run]:
    """Types what lets go of everything in the old project; returns its plan and its apply."""
    list_, blocks_, plan, apply = steps
    _type(typist, list_)
    with (typist.folder / "let-go.txt").open("a") as listed:
        listed.write("aws_ebs_encryption_by_default.this\n")
    _type(typist, blocks_)
    _delete_what_goes(old)
    return _type(typist, plan), _type(typist, apply)


def _delete_what_goes(old: Path) -> None:
    """Deletes the blocks of what goes, as its owner does in an editor."""
    (old / "organization.tf").unlink()
    settings = (old / "settings.tf").read_text()
    block = 'resource "aws_ebs_encryption_by_default" "this" {\n  enabled = true\n}\n'
    assert block in settings
    (old / "settings.tf").write_text(settings.replace(block, ""))


def _terraform(typist: Typist, words: str) -> Run:
    done = typist.types(f'terraform -chdir="$OLD" {words}')
    assert done.code == 0, done.stdout[-3000:]
    return done


# Leverage


def test_what_leverage_built_comes_here_without_a_change(typist: Typist) -> None:
    emulate(seeds.LEVERAGE, typist.site.aws)
    describe, *_, deploy = _steps("Terraform of your own")

    described = _describe(typist, describe)
    _deploy(typist, deploy)

    organization = (typist.site.config / "organization.yaml").read_text()
    assert "name: acme-" not in organization, "the accounts have the names that Strata would choose"
    assert set(load(typist.site.config).policies) >= {"default", "standard", "delete-protection", "tag-protection"}
    assert described["organizations"]["aws_organizations_delegated_administrator.access-analyzer"] == "import"


# Control Tower


def test_strata_lives_beside_control_tower_and_survives_it(typist: Typist) -> None:
    site, made = typist.site, emulate(seeds.CONTROL_TOWER, typist.site.aws)
    describe, deploy, more, switch_off, again, taken = _steps("Control Tower")

    _describe(typist, describe)
    _deploy(typist, deploy)
    zone = load(site.config)
    theirs = [zone.policies[f"aws-guardrails-abcde{number}"] for number in range(3)]
    assert all(one.external for one in theirs)
    assert {one for one in _SETS if zone.permission_sets[one].external} == {*_SETS}
    assert _drift(site) == []

    # Account Factory opens an account, and moves another one.
    _account_factory(made)
    site.edit("organization.yaml", ("    organizational_unit: sandbox\n", "    organizational_unit: workloads\n"))
    before = len(site.aws.calls())
    unit = load(site.config).accounts["shop-prod-0"].unit
    site.edit("organization.yaml", ("accounts:\n", f"accounts:\n{OPENED.format(unit=unit)}"))
    site.edit("sso.yaml", ("assignments:\n", f"assignments:\n{GIVEN}"))
    grown = _type(typist, more)

    writes = site.aws.writing_calls(since=before)
    assert "import   aws_organizations_account.shop-prod-4" in grown.stdout
    assert "import   aws_ssoadmin_account_assignment.shop-prod-4_AWSAdministratorAccess_user_dina" in grown.stdout
    assert {one: count for one, count in writes.items() if one.startswith(SERVICES)} == {
        "sso-admin:CreateAccountAssignment": 3
    }, "the rules for every account, Control Tower's auditors among them, and nothing of the organization"

    _decommission(made)
    services = "  - controltower.amazonaws.com\n"
    site.edit("organization.yaml", (services, ""), ("disable_services:\n", f"disable_services:\n{services}"))
    refused = site.strata("deploy", "organizations", "--yes", "--json")
    assert refused.code == 1
    assert refused.ids[-1] == "guardrail-goes", "its console is the way, and it has to be meant"
    before = len(site.aws.calls())
    _type(typist, switch_off)

    writes = site.aws.writing_calls(since=before)
    assert [one for one in writes if one.startswith(SERVICES)] == ["organizations:DisableAWSServiceAccess"]
    assert _without_policies(site) == 3
    _type(typist, again)
    _take_over(site, typist.folder / "after")
    before = len(site.aws.calls())
    planned = _planned(_type(typist, taken))

    assert {action for stack in planned.values() for action in stack.values()} == {"import"}
    assert "aws_ssoadmin_permission_set.AWSAdministratorAccess" in planned["sso"]
    assert not [one for one in site.aws.writing_calls(since=before) if one.startswith(SERVICES)]
    assert _drift(site) == []


_SETS = {"AWSAdministratorAccess": "AdministratorAccess", "AWSReadOnlyAccess": "job-function/ViewOnlyAccess"}


def _drift(site: Site) -> Any:
    site.aws.wait_an_hour()
    return json.loads(site.strata("drift", "--json").stdout)["differences"]


OPENED = """\
  shop-prod-4:
    email: aws+shop-prod-4@acme.io
    name: shop-prod-4
    organizational_unit: {unit}
"""
GIVEN = """\
  - permission_sets: [AWSAdministratorAccess]
    users: [dina]
    accounts: [shop-prod-4]
"""


def _without_policies(site: Site) -> int:
    """Takes out the entries of the policies that went; says how many."""
    organization = yaml.safe_load((site.config / "organization.yaml").read_text())
    theirs = [key for key, one in organization["policies"].items() if one.get("external")]
    for key in theirs:
        del organization["policies"][key]
    (site.config / "organization.yaml").write_text(yaml.safe_dump(organization, sort_keys=False))
    return len(theirs)


def _take_over(site: Site, after: Path) -> None:
    """Copies the entries of the permission sets and their lines of imports.yaml from another adoption."""
    sso, imports = (yaml.safe_load((site.config / name).read_text()) for name in ("sso.yaml", "imports.yaml"))
    found, lines = (yaml.safe_load((after / name).read_text()) for name in ("sso.yaml", "imports.yaml"))
    for key in _SETS:
        sso["permission_sets"][key] = found["permission_sets"][key]
        imports |= {address: id for address, id in lines.items() if re.search(rf"\.{key}(_|$)", address)}
    for name, content in (("sso.yaml", sso), ("imports.yaml", imports)):
        (site.config / name).write_text(yaml.safe_dump(content, sort_keys=False))


def _account_factory(made: Emulated) -> None:
    """Opens an account beside one of production for a user, and moves the playground to where the workloads are."""
    organizations, playground = made.organizations, made.id("account", "Playground")
    beside = _parent(made, made.id("account", "shop-prod-0"))
    opened = made.account(account("shop-prod-4", name="shop-prod-4", email="aws+shop-prod-4@acme.io"), beside)
    made.admin.create_account_assignment(
        InstanceArn=INSTANCE,
        PermissionSetArn=made.id("permission set", "AWSAdministratorAccess"),
        TargetType="AWS_ACCOUNT",
        TargetId=opened,
        PrincipalType="USER",
        PrincipalId=made.id("user", "dina@acme.io"),
    )
    above = _parent(made, beside)
    organizations.move_account(
        AccountId=playground, SourceParentId=_parent(made, playground), DestinationParentId=above
    )


def _parent(made: Emulated, id: str) -> str:
    return str(made.organizations.list_parents(ChildId=id)["Parents"][0]["Id"])


def _decommission(made: Emulated) -> None:
    """Takes away what Control Tower takes with it, as far as Strata sees it: its policies, and no trusted access."""
    organizations = made.organizations
    for policy in organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]:
        if policy["Name"].startswith("aws-guardrails-"):
            for target in organizations.list_targets_for_policy(PolicyId=policy["Id"])["Targets"]:
                organizations.detach_policy(PolicyId=policy["Id"], TargetId=target["TargetId"])
            organizations.delete_policy(PolicyId=policy["Id"])


# What all pages have


def _steps(part: str) -> list[Block]:
    """Returns the steps of a part of the page: those of Terraform stand before those of Control Tower."""
    towers = PAGE.read_text(encoding="utf-8").splitlines().index("## Control Tower")
    return [block for block in blocks(PAGE, "sh") if (block.line > towers) == (part == "Control Tower")]


def _type(typist: Typist, block: Block) -> Run:
    """Types a block of a page, an hour after the one before."""
    typist.site.aws.wait_an_hour()
    done = typist.types(block.text, ANSWERS)
    assert done.code == 0, f"{block}: {done.stdout[-3000:]}"
    return done


def _describe(typist: Typist, block: Block) -> dict[str, dict[str, str]]:
    """Types what adopts and plans: it only reads, and the plan only imports, but for the store of the state."""
    aws = typist.site.aws
    before = len(aws.calls())
    planned = _planned(_type(typist, block))
    assert not any(aws.writing_calls(since=before, by=caller) for caller in ("strata", "terraform", "provider"))
    assert planned.keys() >= {"backend", "organizations", "sso"}
    for stack, changes in planned.items():
        assert set(changes.values()) == {"create" if stack == "backend" else "import"}, stack
    return planned


def _planned(run: Run) -> dict[str, dict[str, str]]:
    """Returns what a plan shows, as address to action, by stack."""
    found, stack = defaultdict[str, dict[str, str]](dict), ""
    for line in run.stdout.splitlines():
        if begun := re.match(r"(\w+): ", line):
            stack = begun[1]
        elif change := re.fullmatch(r"  (\w+) +(aws_\w+\.\S+)", line):
            found[stack][change[2]] = change[1]
    return found


def _deploy(typist: Typist, block: Block) -> None:
    """Types what deploys: nothing of the organization or of Identity Center changes, and the next plan is empty."""
    site = typist.site
    site.sign_in_as_deployer()
    before = len(site.aws.calls())
    done = _type(typist, block)
    site.sign_in_as_administrator()
    writes = site.aws.writing_calls(since=before)
    assert not [action for action in writes if action.startswith(SERVICES)], writes
    # Tags that all accounts have are `defaults`, by which the stack `accounts` takes part, and has nothing.
    planned = done.stdout.replace("accounts: no changes\n", "")
    assert planned.endswith("".join(f"{stack}: no changes\n" for stack in STACKS)), done.stdout[-3000:]
