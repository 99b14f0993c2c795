"""What happens when things go wrong, on real Terraform: nothing lost, nothing doubled, a message with the way on."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.engine.harness import Engine
from tests.engine.site import CHECKOUT, SANDBOX, TABLE, Site

ACCOUNT = "aws_organizations_account"
UNIT = "aws_organizations_organizational_unit"
PERMISSION_SET = "aws_ssoadmin_permission_set"
ANNOUNCED = "management/announced.json"
SHARED_ACCOUNT = "  shared:\n    email: aws+shared@example.com\n    organizational_unit: shared\n"


@pytest.fixture
def fresh(engine: Engine, tmp_path: Path) -> Site:
    """The shipped configuration on an account that was bootstrapped and has Identity Center."""
    site = Site.of(engine, CHECKOUT / "config", tmp_path)
    bootstrapped = site.strata("bootstrap", "--yes")
    assert bootstrapped.code == 0, bootstrapped.text
    engine.world.set_identity_center(enabled=True)
    return site


def emails(site: Site) -> list[str]:
    return sorted(account["email"] for account in site.engine.world.list(ACCOUNT))


def done_since(site: Site, before: int) -> set[tuple[str, str]]:
    return {(call.operation, call.type) for call in site.engine.world.calls[before:]}


# 2: Terraform killed


def test_killed_after_an_account_was_made(fresh: Site) -> None:
    """Terraform dies with an account made that the state does not know: the next run finishes with one of each."""
    fresh.synth()
    assert fresh.terraform("backend", "init").code == 0
    assert fresh.apply("backend").code == 0
    killed = fresh.strata("deploy", "organizations", "--yes", STRATA_ENGINE_FAULT=f"create:{ACCOUNT}:*:kill-after")

    assert killed.code == 1, killed.text
    assert "Terraform was stopped before it finished" in killed.text

    locked = fresh.strata("deploy", "organizations", "--yes")

    assert locked.code == 1
    assert "the state is locked" in locked.text
    command = next(line for line in locked.text.splitlines() if "force-unlock" in line).partition("free it: ")[2]
    assert fresh.shell(command).code == 0

    again = fresh.strata("deploy", "organizations", "--yes")

    assert again.code == 0, again.text
    assert emails(fresh) == ["aws+security@example.com", "aws+shared@example.com", "master@example.com"]
    policies = [policy["name"] for policy in fresh.engine.world.list("aws_organizations_policy")]
    assert len(policies) == len(set(policies)) == 4
    assert fresh.locks() == []


def test_an_account_made_half_way_is_kept(deployed: Site) -> None:
    """A creation that fails after the account exists leaves it tainted: it is untainted, never replaced."""
    deployed.edit("organization.yaml", SANDBOX)
    deployed.synth()
    failed = deployed.terraform(
        "organizations", "apply", "-auto-approve", STRATA_ENGINE_FAULT=f"create:{ACCOUNT}:*:fail-after"
    )

    assert failed.code == 1, failed.text
    assert emails(deployed).count("aws+sandbox@example.com") == 1

    again = deployed.strata("deploy", "organizations", "--yes")

    assert again.code == 0, again.text
    assert "aws_organizations_account.sandbox was made half way by an earlier run and is kept" in again.text
    assert emails(deployed).count("aws+sandbox@example.com") == 1


def test_leftovers_are_told_from_strangers(deployed: Site) -> None:
    """A thing with a declared name is untouched, unless imports.yaml names it or a killed run announced it."""
    deployed.edit(
        "sso.yaml",
        ("\ngroups:\n", "  kim:\n    given_name: Kim\n    family_name: Berg\n    email: kim@example.com\n\ngroups:\n"),
        ("\npermission_sets:\n", "  builders:\n    members:\n      - kim\n\npermission_sets:\n"),
        ("\nassignments:\n", "  Builder:\n    policies:\n      - aws: PowerUserAccess\n\nassignments:\n"),
    )
    store, center = deployed.client("identitystore"), deployed.client("sso-admin")
    instance = center.list_instances()["Instances"][0]
    there, arn = {"IdentityStoreId": instance["IdentityStoreId"]}, instance["InstanceArn"]
    user = store.create_user(**there, UserName="kim@example.com", DisplayName="Another Kim")["UserId"]
    group = store.create_group(**there, DisplayName="builders")["GroupId"]
    mallory = store.create_user(**there, UserName="mallory", DisplayName="Mallory")["UserId"]
    store.create_group_membership(**there, GroupId=group, MemberId={"UserId": mallory})
    made = center.create_permission_set(InstanceArn=arn, Name="Builder")["PermissionSet"]["PermissionSetArn"]
    before = len(deployed.engine.world.calls)

    refused = deployed.strata("deploy", "sso", "--yes")

    assert refused.code == 1, refused.text
    assert "'kim@example.com' is a user that AWS has and no run of Strata made" in refused.text
    assert "'builders' is a group that AWS has and no run of Strata made" in refused.text
    assert "members mallory" in refused.text
    assert "'Builder' is a permission set that AWS has and no run of Strata made" in refused.text
    assert done_since(deployed, before) == set()
    lines = [one.strip() for one in refused.text.splitlines() if one.strip().startswith("aws_identitystore_")]
    assert sorted(lines) == [
        f'aws_identitystore_group.builders: "{instance["IdentityStoreId"]}/{group}"',
        f'aws_identitystore_user.kim: "{instance["IdentityStoreId"]}/{user}"',
    ]

    deployed.append("imports.yaml", "\n".join([*lines, ""]))
    center.delete_permission_set(InstanceArn=arn, PermissionSetArn=made)
    killed = deployed.strata(
        "deploy", "sso", "--yes", STRATA_ENGINE_FAULT=f"create:{PERMISSION_SET}:Builder:kill-after"
    )

    assert killed.code == 1, killed.text
    assert _announced(deployed) == [["permission-set", "Builder"]]
    assert [found["name"] for found in deployed.engine.world.list(PERMISSION_SET)].count("Builder") == 1

    _free_the_lock(deployed, "sso")
    planned = deployed.strata("plan", "sso", "--exit-code")
    again = deployed.strata("deploy", "sso", "--yes")

    assert planned.code == 3, planned.text
    assert re.search(r"^ *import.* aws_ssoadmin_permission_set.Builder$", planned.stdout, re.MULTILINE)
    assert again.code == 0, again.text
    assert {"aws_identitystore_group.builders", f"{PERMISSION_SET}.Builder"} <= deployed.addresses("sso")
    assert [found["name"] for found in deployed.engine.world.list(PERMISSION_SET)].count("Builder") == 1
    assert _announced(deployed) == []


def test_what_was_announced_and_has_a_stranger_in_it_is_not_adopted(deployed: Site) -> None:
    """A name alone does not make a thing ours: members and policies have to be declared ones."""
    deployed.edit(
        "sso.yaml",
        ("\npermission_sets:\n", "  builders:\n    description: Try.\n\npermission_sets:\n"),
        ("\nassignments:\n", "  Builder:\n    policies:\n      - aws: PowerUserAccess\n\nassignments:\n"),
    )
    store, center = deployed.client("identitystore"), deployed.client("sso-admin")
    instance = center.list_instances()["Instances"][0]
    there, arn = {"IdentityStoreId": instance["IdentityStoreId"]}, instance["InstanceArn"]
    group = store.create_group(**there, DisplayName="builders")["GroupId"]
    mallory = store.create_user(**there, UserName="mallory", DisplayName="Mallory")["UserId"]
    store.create_group_membership(**there, GroupId=group, MemberId={"UserId": mallory})
    made = center.create_permission_set(InstanceArn=arn, Name="Builder")["PermissionSet"]["PermissionSetArn"]
    for name in ("PowerUserAccess", "AdministratorAccess"):
        policy = f"arn:aws:iam::aws:policy/{name}"
        center.attach_managed_policy_to_permission_set(InstanceArn=arn, PermissionSetArn=made, ManagedPolicyArn=policy)
    body = json.dumps({"format": 1, "announced": [["group", "builders"], ["permission-set", "Builder"]]})
    deployed.s3().put_object(Bucket=deployed.bucket, Key=ANNOUNCED, Body=body.encode())
    before = len(deployed.engine.world.calls)

    refused = deployed.strata("deploy", "sso", "--yes")

    assert refused.code == 1, refused.text
    assert "not as such a run leaves it; it has mallory" in refused.text
    assert "not as such a run leaves it; it has arn:aws:iam::aws:policy/AdministratorAccess;" in refused.text
    assert f'aws_identitystore_group.builders: "{instance["IdentityStoreId"]}/{group}"' in refused.text
    assert done_since(deployed, before) == set()


def _announced(site: Site) -> list[list[str]]:
    body = site.s3().get_object(Bucket=site.bucket, Key=ANNOUNCED)["Body"].read()
    names: list[list[str]] = json.loads(body)["announced"]
    return names


def _free_the_lock(site: Site, stack: str) -> None:
    """Frees the lock of a killed run with the command on the page of the operator."""
    lock = re.search(r"ID:\s+([0-9a-f-]{36})", site.terraform(stack, "plan", "-input=false").text)
    assert lock
    assert site.terraform(stack, "force-unlock", "-force", lock[1]).code == 0


# 3: guarded things taken out of the YAML


def test_an_account_taken_out_is_refused_and_retired_on_purpose(deployed: Site) -> None:
    """Neither plan nor apply removes an account that was deleted from the YAML; `retired: true` lets go of it."""
    policies = "        - shared\n"
    text = (deployed.config / "organization.yaml").read_text()
    (deployed.config / "organization.yaml").write_text(text.replace(SHARED_ACCOUNT, ""))
    sso = (deployed.config / "sso.yaml").read_text()
    (deployed.config / "sso.yaml").write_text(sso.replace("      - shared\n", ""))
    sso_without = (deployed.config / "sso.yaml").read_text().replace("    accounts:\n\n", "    accounts: all\n")
    (deployed.config / "sso.yaml").write_text(sso_without.rstrip() + ("" if "accounts: all" in sso_without else "\n"))
    _drop_assignments_without_accounts(deployed)
    assert policies in text
    before = len(deployed.engine.world.calls)

    deployed.synth()
    refused = deployed.apply("organizations")

    assert refused.code == 1
    message = " ".join(refused.text.split())
    assert "Accounts that are not declared: aws+shared@example.com. Nothing was changed." in message
    assert "set retired: true" in message
    assert done_since(deployed, before) == set()

    (deployed.config / "organization.yaml").write_text(
        text.replace(SHARED_ACCOUNT, SHARED_ACCOUNT + "    retired: true\n")
    )
    deployed.synth()
    for stack in ("sso", "organizations"):
        applied = deployed.apply(stack)
        assert applied.code == 0, applied.text

    assert "aws+shared@example.com" in emails(deployed)
    assert "aws_organizations_account.shared" not in deployed.addresses("organizations")


def _drop_assignments_without_accounts(site: Site) -> None:
    from ruamel.yaml import YAML

    yaml, file = YAML(), site.config / "sso.yaml"
    data = yaml.load(file)
    data["assignments"] = [entry for entry in data["assignments"] if entry["accounts"]]
    yaml.dump(data, file)


def test_a_unit_that_holds_an_account_is_not_deleted(deployed: Site) -> None:
    """A unit taken out of the YAML while an account nobody declared sits in it: AWS refuses, the account stays."""
    unit = next(found["id"] for found in deployed.engine.world.list(UNIT) if found["name"] == "security")
    deployed.engine.world.seed_account("stray", "stray@example.com", parent=unit)
    deployed.edit(
        "organization.yaml",
        (
            "organizational_units:\n  security:\n    name: security\n",
            "unmanaged_accounts:\n  - stray@example.com\norganizational_units:\n",
        ),
    )
    text = (deployed.config / "organization.yaml").read_text().replace("        - security\n", "")
    text = text.replace("organizational_unit: security\n", "organizational_unit: shared\n")
    (deployed.config / "organization.yaml").write_text(text)

    refused = deployed.strata("deploy", "organizations", "--yes")

    assert refused.code == 1, refused.text
    assert "the unit still holds accounts or units that Strata does not know" in refused.text
    assert any(found["name"] == "security" for found in deployed.engine.world.list(UNIT))


@pytest.mark.any_provider
def test_another_bucket_name_is_refused(deployed: Site) -> None:
    """The state bucket cannot be renamed by an edit: bootstrap is asked for first, and the guard stops the rest."""
    deployed.append("project.yaml", "state:\n  bucket: another-terraform-state\n")

    refused = deployed.strata("deploy", "backend", "--yes")

    assert refused.code == 1
    assert "run strata bootstrap" in refused.text


# 4: names


def test_display_names_change_in_place(deployed: Site) -> None:
    """Names of an account, a unit, a group and a policy change without replacing anything."""
    deployed.edit(
        "organization.yaml",
        ("  shared:\n    name: shared\n", "  shared:\n    name: Shared Services\n"),
        (SHARED_ACCOUNT, SHARED_ACCOUNT + "    name: Shared Services\n"),
        ("  deny-root-user:\n", "  deny-root-user:\n    name: No root\n"),
    )
    deployed.edit("sso.yaml", ("  finops:\n    description", "  finops:\n    name: FinOps\n    description"))
    deployed.synth()

    assert deployed.plan("organizations") == {
        "aws_organizations_account.shared": "update",
        "aws_organizations_organizational_unit.shared": "update",
        "aws_organizations_policy.deny-root-user": "update",
    }
    assert deployed.plan("sso") == {"aws_identitystore_group.finops": "update"}


def test_an_email_edit_changes_the_person_in_place(deployed: Site) -> None:
    """A new e-mail address updates the user; the user name, which would delete the person, stays."""
    deployed.edit("sso.yaml", ("email: jane.doe@example.com", "email: jane.roe@example.com"))
    deployed.synth()

    assert deployed.plan("sso") == {"aws_identitystore_user.jane-doe": "update"}


# 5: an organization that exists


def test_an_existing_organization_is_adopted(engine: Engine, tmp_path: Path) -> None:
    """Its accounts and units are adopted, its services stay on, undeclared accounts are named."""
    site = Site.of(engine, CHECKOUT / "config", tmp_path)
    client, world = site.client("organizations"), engine.world
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    unit = world.seed_organizational_unit("security", root)
    security = world.seed_account("old-security", "AWS+Security@example.com", parent=unit)
    world.seed_account("legacy", "legacy@example.com")
    world.enable_service("guardduty.amazonaws.com")
    assert site.strata("bootstrap", "--yes").code == 0
    site.synth()
    for stack in ("backend", "organizations"):
        assert site.terraform(stack, "init").code == 0
    assert site.apply("backend").code == 0

    refused = site.apply("organizations")

    assert refused.code == 1
    assert "Accounts that are not declared: legacy@example.com." in " ".join(refused.text.split())
    assert not [call for call in world.calls if call.type in (ACCOUNT, UNIT)]

    site.edit(
        "organization.yaml",
        (
            "organizational_units:\n  security:\n",
            "unmanaged_accounts:\n  - legacy@example.com\n\norganizational_units:\n  security:\n",
        ),
    )
    site.synth()
    applied = site.apply("organizations")

    assert applied.code == 0, applied.text
    assert security in {account["id"] for account in world.list(ACCOUNT)}
    assert len(emails(site)) == 4
    assert [found["name"] for found in world.list(UNIT)].count("security") == 1
    main = site.attributes("organizations", "aws_organizations_organization.main")
    assert "guardduty.amazonaws.com" in main["aws_service_access_principals"]


# 6: moves


def test_accounts_move_in_the_edit_that_deletes_their_unit(deployed: Site) -> None:
    """The accounts leave first, then the unit goes: one apply."""
    deployed.edit("organization.yaml", ("  shared:\n    name: shared\n", "  platform:\n    name: Platform\n"))
    text = (deployed.config / "organization.yaml").read_text()
    text = text.replace("        - shared\n", "        - platform\n").replace(
        "organizational_unit: shared", "organizational_unit: platform"
    )
    (deployed.config / "organization.yaml").write_text(text)
    deployed.synth()

    applied = deployed.apply("organizations")

    assert applied.code == 0, applied.text
    units = {found["name"]: found["id"] for found in deployed.engine.world.list(UNIT)}
    assert set(units) == {"security", "Platform"}
    shared = next(a for a in deployed.engine.world.list(ACCOUNT) if a["email"] == "aws+shared@example.com")
    assert shared["parent_id"] == units["Platform"]


# 7: two at once


@pytest.mark.any_provider
@pytest.mark.parametrize("locking", ["both", "s3"])
def test_two_deploys_at_once(deployed: Site, tmp_path: Path, locking: str) -> None:
    """While one run asks whether to go on, another stops at its lock; then the state has what the first did."""
    _set_locking(deployed, locking)
    _tag(deployed, "Locking", locking)
    deployed.synth()
    second = Site(deployed.engine, deployed.config, tmp_path / "second")
    shutil.copytree(deployed.output, second.output, symlinks=True)
    for site in (deployed, second):
        initialized = site.terraform("backend", "init", "-reconfigure")
        assert initialized.code == 0, initialized.text

    with deployed.terraform_that_asks("backend", "apply") as first:
        refused = second.apply("backend")
        said, _ = first.communicate("yes\n")

    assert first.returncode == 0, said
    assert refused.code == 1
    assert "Error acquiring the state lock" in refused.text
    assert deployed.attributes("backend", "aws_s3_bucket.state")["tags_all"]["Locking"] == locking
    assert deployed.locks() == []


def _tag(site: Site, key: str, value: str) -> None:
    site.append("project.yaml", f"tags:\n  {key}: {value}\n")


def _set_locking(site: Site, locking: str) -> None:
    site.append("project.yaml", f"state:\n  locking: {locking}\n")


# 8: one clear message each


def test_identity_center_is_not_enabled(deployed: Site) -> None:
    """The message says where to enable it, and nothing was changed."""
    deployed.engine.world.set_identity_center(enabled=False)

    refused = deployed.apply("sso")

    assert refused.code == 1
    assert "IAM Identity Center is not enabled in us-east-1. No API can do it" in " ".join(refused.text.split())


def test_a_producer_that_was_never_deployed(fresh: Site) -> None:
    """Deploying a stack alone names the one it needs; planning says which are not plannable yet."""
    refused = fresh.strata("deploy", "organizations", "--yes")
    planned = fresh.strata("plan", "backend", "organizations", "--exit-code")

    assert refused.code == 1
    assert "backend was never deployed; run strata deploy backend organizations" in refused.text
    assert planned.code == 3, planned.text
    assert "organizations: can be planned once backend is applied" in planned.stdout


def test_a_producer_with_changes_stops_its_consumer(deployed: Site) -> None:
    """`strata deploy sso` stops when what it reads from has changes that are not deployed."""
    deployed.edit("organization.yaml", SANDBOX)

    refused = deployed.strata("deploy", "sso", "--yes")

    assert refused.code == 1
    assert "organizations has" in refused.text
    assert "run strata deploy organizations sso" in refused.text


@pytest.mark.any_provider
def test_the_bucket_is_missing(engine: Engine, tmp_path: Path) -> None:
    """Without bootstrap nothing starts."""
    site = Site.of(engine, CHECKOUT / "config", tmp_path)

    refused = site.strata("deploy", "--yes")

    assert refused.code == 1
    assert "run strata bootstrap first" in refused.text
    assert engine.world.calls == []


def test_an_account_closed_by_hand(deployed: Site) -> None:
    """A declared account that was closed is named with what to do, not made again."""
    shared = next(a["id"] for a in deployed.engine.world.list(ACCOUNT) if a["email"] == "aws+shared@example.com")
    deployed.engine.world.close_account(shared)

    refused = deployed.apply("organizations")

    assert refused.code == 1
    message = " ".join(refused.text.split())
    assert "Declared accounts that are closed or suspended: aws+shared@example.com (CLOSED)." in message
    assert "Set retired: true on them in organization.yaml" in message


# 9: locking


@pytest.mark.any_provider
def test_locking_changes_and_the_table_stays(deployed: Site) -> None:
    """From both to s3 and back: no state is migrated, the lock table stays, and its old digests are not in the way."""
    _set_locking(deployed, "s3")
    _tag(deployed, "Team", "platform")
    away = deployed.strata("deploy", "backend", "--yes")
    deployed.edit("project.yaml", ("  locking: s3\n", "  locking: both\n"))
    back = deployed.strata("deploy", "backend", "--yes")

    assert (away.code, back.code) == (0, 0), away.text + back.text
    assert re.search(r"^backend +[1-9] changed", away.stdout)
    assert re.search(r"^backend +no changes", back.stdout)
    assert deployed.client("dynamodb").list_tables()["TableNames"] == [TABLE]


# At a terminal


def test_somebody_at_a_terminal_sees_the_plan_and_is_asked(deployed: Site) -> None:
    """The plan is printed before the question, and anything but yes changes nothing."""
    deployed.edit("security.yaml", ("  limit_usd: 100\n", "  limit_usd: 200\n"))
    before = deployed.engine.world.calls

    refused = deployed.strata_at_a_terminal("n", "deploy", "security")

    assert refused.code == 1
    assert "update            aws_budgets_budget.monthly" in refused.stdout
    assert "deploy security to account 123456789012? [y/N]" in refused.stderr
    assert deployed.engine.world.calls == before
