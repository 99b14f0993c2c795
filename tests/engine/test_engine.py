"""The engine itself: real Terraform core against the stand-in provider and moto, written by hand and without cdktf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.harness import Engine, Run

Document = dict[str, Any]
REGION = "us-east-1"
BUCKET = "acme-123456789012-us-east-1-tfstate"
SERVICES = ["account.amazonaws.com", "sso.amazonaws.com"]
ACCOUNTS = "${toset([for a in data.aws_organizations_organization.live.accounts : a.id if %s])}"
UNITS = '${toset([for u in data.aws_organizations_organizational_units.top.children : u.id if u.name == "Workloads"])}'


def test_an_apply_adopts_and_creates_and_the_second_plan_is_empty(engine: Engine, tmp_path: Path) -> None:
    """What bootstrap made is imported, the rest is created, and nothing is left to do."""
    _bootstrap(engine)
    center = engine.world.set_identity_center(True)
    engine.world.enable_service("malware-protection.guardduty.amazonaws.com")
    seeded = engine.world.seed_account("Adopted", "adopted@example.com")
    stack = _write(
        tmp_path, _organization(), _foundation(), _members("adopted", "fresh"), _identities(center["instance_arn"])
    )

    applied = _apply(engine, stack)

    assert "5 imported" in applied.text, applied.text
    assert "0 destroyed" in applied.text
    assert engine.terraform(stack, "plan", "-detailed-exitcode").code == 0
    emails = {account["email"]: account["id"] for account in engine.world.list("aws_organizations_account")}
    assert emails["adopted@example.com"] == seeded
    calls = engine.world.calls
    switched = {(call.operation, call.id) for call in calls if call.operation.endswith("able_service")}
    assert switched == {
        ("enable_service", "account.amazonaws.com"),
        ("enable_service", "sso.amazonaws.com"),
        ("disable_service", "malware-protection.guardduty.amazonaws.com"),
    }, "what the configuration does not name is really switched off, as at AWS"
    order = [call.type for call in calls]
    assert order.index("aws_ssoadmin_permission_set") < order.index("aws_ssoadmin_account_assignment")


def test_what_aws_refuses_is_refused(engine: Engine, tmp_path: Path) -> None:
    """A taken e-mail address and a service without trusted access stop an apply with the name of AWS's exception."""
    _bootstrap(engine)
    engine.world.seed_account("Closed", "closed@example.com", state="CLOSED")
    delegation = {"account_id": "${aws_organizations_account.fresh.id}", "service_principal": "guardduty.amazonaws.com"}
    stack = _write(
        tmp_path,
        _organization(),
        _members("fresh", "closed"),
        {"resource": {"aws_organizations_delegated_administrator": {"guardduty": delegation}}},
    )

    _terraform(engine, stack, "init")
    refused = _terraform(engine, stack, "apply", "-auto-approve", code=1)

    assert "EMAIL_ALREADY_EXISTS" in refused.text
    assert "SERVICE_ACCESS_NOT_ENABLED: trusted access for guardduty.amazonaws.com" in refused.text


def test_a_sixth_account_at_the_same_time_is_refused(engine: Engine, tmp_path: Path) -> None:
    """AWS creates five accounts at once; Terraform would start ten."""
    _bootstrap(engine)
    stack = _write(tmp_path, _organization(), _members("a", "b", "c", "d", "e", "f"))
    _terraform(engine, stack, "init")

    refused = _terraform(engine, stack, "apply", "-auto-approve", code=1, STRATA_ENGINE_DELAY="0.5")

    assert refused.text.count("ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED") == 1
    assert len(engine.world.list("aws_organizations_account")) == 5


def test_an_organizational_unit_that_holds_an_account_stays(engine: Engine, tmp_path: Path) -> None:
    """Deleting a unit with an account in it fails, and the unit is still there."""
    _bootstrap(engine)
    stack = _write(tmp_path, _organization(), _members("fresh"))
    _apply(engine, stack)
    unit = engine.world.list("aws_organizations_organizational_unit")[0]["id"]
    engine.world.seed_account("Stranger", "stranger@example.com", parent=unit)
    _write(tmp_path, _organization())

    refused = _terraform(engine, stack, "apply", "-auto-approve", code=1)

    assert f"OrganizationalUnitNotEmptyException: The OU {unit}" in refused.text
    assert engine.world.get("aws_organizations_organizational_unit", unit)


def test_a_run_that_is_killed_after_creating_an_account_heals(engine: Engine, tmp_path: Path) -> None:
    """The account that the state never knew is adopted by its e-mail address, not created twice."""
    _bootstrap(engine)
    stack = _write(tmp_path, _organization(), _members("fresh"))
    _terraform(engine, stack, "init")
    killed = engine.terraform(
        stack, "apply", "-auto-approve", STRATA_ENGINE_FAULT="create:aws_organizations_account:Fresh:kill-after"
    )
    assert killed.code == -9

    healed = _apply(engine, stack)

    assert "imported" in healed.text
    assert [account["name"] for account in engine.world.list("aws_organizations_account")].count("Fresh") == 1


def test_an_error_after_the_work_taints_the_object(engine: Engine, tmp_path: Path) -> None:
    """An account whose creation reports an error although it is there would be replaced next."""
    _bootstrap(engine)
    stack = _write(tmp_path, _organization(), _members("fresh"))
    _terraform(engine, stack, "init")
    fault = "create:aws_organizations_account:Fresh:fail-after"
    _terraform(engine, stack, "apply", "-auto-approve", code=1, STRATA_ENGINE_FAULT=fault)

    planned = _terraform(engine, stack, "plan")

    assert "aws_organizations_account.fresh is tainted" in planned.text


def test_the_provider_refuses_a_wrong_account(engine: Engine, tmp_path: Path) -> None:
    """The credentials of another account than the configuration's are an error, in the real provider's words."""
    document = {
        "terraform": _REQUIRED,
        "provider": {"aws": {"region": REGION, "allowed_account_ids": ["210987654321"]}},
    }
    stack = _write(tmp_path, document, {"data": {"aws_partition": {"here": {}}}})
    _terraform(engine, stack, "init")
    assert "AWS account ID not allowed: 123456789012" in _terraform(engine, stack, "plan", code=1).text


def test_the_provider_is_no_aws(engine: Engine, tmp_path: Path) -> None:
    """Without an emulator it says what it is and refuses."""
    document = {"terraform": _REQUIRED, "provider": {"aws": {"region": REGION}}}
    stack = _write(tmp_path, document, {"data": {"aws_partition": {"here": {}}}})
    _terraform(engine, stack, "init")
    refused = _terraform(engine, stack, "plan", code=1, AWS_ENDPOINT_URL="")
    assert "stand-in provider of Strata's engine tests, not the AWS provider" in " ".join(refused.text.split())


def test_what_does_not_exist_cannot_be_imported(engine: Engine, tmp_path: Path) -> None:
    """Terraform itself says so, because reading the imported object finds nothing."""
    bucket = {"resource": {"aws_s3_bucket": {"state": {"bucket": BUCKET}}}}
    wanted = {"import": {"to": "aws_s3_bucket.state", "id": BUCKET}}
    provider = {"terraform": _REQUIRED, "provider": {"aws": {"region": REGION}}}
    stack = _write(tmp_path, provider, bucket, wanted)
    _terraform(engine, stack, "init")
    assert "Cannot import non-existent remote object" in _terraform(engine, stack, "plan", code=1).text


_REQUIRED: Document = {"required_providers": {"aws": {"source": "aws", "version": "6.25.0"}}}


def _organization() -> Document:
    """The provider, and the organization that bootstrap made."""
    return {
        "terraform": _REQUIRED,
        "provider": {
            "aws": {
                "region": REGION,
                "allowed_account_ids": ["123456789012"],
                "default_tags": [{"tags": {"Project": "acme"}}],
            }
        },
        "data": {"aws_organizations_organization": {"live": {}}},
        "import": {
            "to": "aws_organizations_organization.main",
            "id": "${data.aws_organizations_organization.live.id}",
        },
        "resource": {"aws_organizations_organization": {"main": {"aws_service_access_principals": SERVICES}}},
    }


def _foundation() -> Document:
    """State in S3, and what else bootstrap found or made: bucket, lock table, management account."""
    backend = {
        "bucket": BUCKET,
        "key": "management/test/terraform.tfstate",
        "region": REGION,
        "dynamodb_table": "lock",
        "use_lockfile": True,
        "use_path_style": True,
    }
    versioning = {"bucket": "${aws_s3_bucket.state.bucket}", "versioning_configuration": {"status": "Enabled"}}
    table = {
        "name": "lock",
        "hash_key": "LockID",
        "billing_mode": "PAY_PER_REQUEST",
        "attribute": [{"name": "LockID", "type": "S"}],
        "deletion_protection_enabled": True,
    }
    management = {
        "name": "Renamed",
        "email": "Master@example.com",
        "lifecycle": {"ignore_changes": ["name", "email"]},
    }
    return {
        "terraform": {"backend": {"s3": backend}},
        "import": [
            {"to": "aws_s3_bucket.state", "id": BUCKET},
            {"to": "aws_dynamodb_table.lock", "id": "lock"},
            {"to": "aws_organizations_account.management", "id": "123456789012"},
        ],
        "resource": {
            "aws_s3_bucket": {"state": {"bucket": BUCKET, "tags": {"Name": "state"}}},
            "aws_s3_bucket_versioning": {"state": versioning},
            "aws_dynamodb_table": {"lock": table},
            "aws_organizations_account": {"management": management},
        },
    }


def _members(*keys: str) -> Document:
    """A unit, and accounts in it that are adopted when they are alive under their e-mail address."""
    root = "${aws_organizations_organization.main.roots[0].id}"
    imports: list[Document] = [
        {
            "to": f"aws_organizations_account.{key}",
            "id": "${each.value}",
            "for_each": ACCOUNTS % f'a.email == "{key}@example.com" && a.state == "ACTIVE"',
        }
        for key in keys
    ]
    unit = {"to": "aws_organizations_organizational_unit.workloads", "id": "${each.value}", "for_each": UNITS}
    return {
        "import": [*imports, unit],
        "data": {
            "aws_organizations_organizational_units": {
                "top": {"parent_id": "${data.aws_organizations_organization.live.roots[0].id}"}
            }
        },
        "resource": {
            "aws_organizations_organizational_unit": {"workloads": {"name": "Workloads", "parent_id": root}},
            "aws_organizations_account": {
                key: {
                    "name": key.capitalize(),
                    "email": f"{key}@example.com",
                    "parent_id": "${aws_organizations_organizational_unit.workloads.id}",
                    "role_name": "OrganizationAccountAccessRole",
                    "lifecycle": {"ignore_changes": ["role_name"]},
                }
                for key in keys
            },
        },
    }


def _identities(instance: str) -> Document:
    """A person in a group that has a permission set on an account."""
    store = "${tolist(data.aws_ssoadmin_instances.main.identity_store_ids)[0]}"
    permission_set = "${aws_ssoadmin_permission_set.admin.arn}"
    return {
        "data": {"aws_ssoadmin_instances": {"main": {}}},
        "resource": {
            "aws_identitystore_user": {
                "ada": {
                    "identity_store_id": store,
                    "user_name": "ada",
                    "display_name": "Ada",
                    "name": {"given_name": "Ada", "family_name": "Lovelace"},
                    "emails": {"value": "ada@example.com", "primary": True},
                }
            },
            "aws_identitystore_group": {"admins": {"identity_store_id": store, "display_name": "Admins"}},
            "aws_identitystore_group_membership": {
                "admins_ada": {
                    "identity_store_id": store,
                    "group_id": "${aws_identitystore_group.admins.group_id}",
                    "member_id": "${aws_identitystore_user.ada.user_id}",
                }
            },
            "aws_ssoadmin_permission_set": {"admin": {"name": "Admin", "instance_arn": instance}},
            "aws_ssoadmin_managed_policy_attachment": {
                "admin": {
                    "instance_arn": instance,
                    "permission_set_arn": permission_set,
                    "managed_policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess",
                }
            },
            "aws_ssoadmin_account_assignment": {
                "fresh_admin": {
                    "instance_arn": instance,
                    "permission_set_arn": permission_set,
                    "principal_id": "${aws_identitystore_group.admins.group_id}",
                    "principal_type": "GROUP",
                    "target_id": "${aws_organizations_account.fresh.id}",
                    "target_type": "AWS_ACCOUNT",
                }
            },
        },
    }


def _write(folder: Path, *documents: Document) -> Path:
    """Writes the documents as one Terraform configuration in JSON."""
    for old in folder.glob("*.tf.json"):
        old.unlink()
    for number, document in enumerate(documents):
        (folder / f"part{number}.tf.json").write_text(json.dumps(document))
    return folder


def _bootstrap(engine: Engine) -> None:
    """Makes with the SDK what `strata bootstrap` makes."""
    engine.client("s3").create_bucket(Bucket=BUCKET)
    engine.client("dynamodb").create_table(
        TableName="lock",
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    engine.client("organizations").create_organization(FeatureSet="ALL")


def _apply(engine: Engine, stack: Path) -> Run:
    _terraform(engine, stack, "init")
    return _terraform(engine, stack, "apply", "-auto-approve")


def _terraform(engine: Engine, stack: Path, *arguments: str, code: int = 0, **environment: str) -> Run:
    run = engine.terraform(stack, *arguments, **environment)
    assert run.code == code, run.text
    return run
