"""The stand-in provider itself: several of it at once, what it refuses before AWS does, and what it leaves behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from strata import kinds
from strata.config.limits import aws_limits
from strata.terraform.tools import CHECKOUT, engine
from tests.aws import real_provider
from tests.aws.client import ACCOUNT, Aws
from tests.conftest import Golden
from tests.provider.aws import here
from tests.provider.facts import facts_of, table
from tests.provider.resource import RESOURCES
from tests.provider.schema import FILE, load_schema
from tests.provider.server import Provider, provider
from tests.provider.services import DATA_SOURCES
from tests.provider.trial import CREDENTIALS, environment, everything
from tests.synthesized import walk

Json = dict[str, Any]
HOME = "eu-central-1"
PROVIDER: Json = {"region": HOME, "max_retries": 3}


@dataclass
class Desk:
    """A folder with a configuration, an emulated AWS, and Terraform."""

    aws: Aws
    folder: Path
    variables: Mapping[str, str]

    def write(self, *, provider: Json | list[Json] = PROVIDER, **sections: Json | list[Json]) -> None:
        """Writes the configuration."""
        required = {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "6.25.0"}}}
        document = {"terraform": required, "provider": {"aws": provider}, **sections}
        (self.folder / "main.tf.json").write_text(json.dumps(document))
        self.terraform("init")

    def terraform(self, *arguments: str, code: int = 0) -> str:
        """Runs Terraform, which must end with a code, and returns what it said on lines without an end."""
        done = subprocess.run(
            [real_provider.terraform(), *arguments],
            cwd=self.folder,
            env=dict(self.variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def apply(self, code: int = 0) -> str:
        """Applies."""
        return self.terraform("apply", "-auto-approve", code=code)


@pytest.fixture(scope="module")
def served(emulated: Aws) -> Iterator[tuple[Aws, dict[str, str]]]:
    """One provider for all tests here."""
    with provider(emulated.url, CREDENTIALS) as found:
        yield emulated, environment() | emulated.environment() | found


@pytest.fixture
def desk(served: tuple[Aws, dict[str, str]], tmp_path: Path) -> Desk:
    """An empty AWS with Identity Center, and an empty folder."""
    aws, variables = served
    aws.restore()
    aws.client("organizations").create_organization(FeatureSet="ALL")
    aws.switch_identity_center_on(HOME)
    return Desk(aws, tmp_path, variables)


def permission_set(desk: Desk) -> Json:
    """Returns a permission set, and a policy of AWS attached to it."""
    instance = desk.aws.client("sso-admin", HOME).list_instances()["Instances"][0]["InstanceArn"]
    attached = {"permission_set_arn": "${aws_ssoadmin_permission_set.a.arn}", "instance_arn": instance}
    return {
        "aws_ssoadmin_permission_set": {"a": {"name": "A", "instance_arn": instance}},
        "aws_ssoadmin_managed_policy_attachment": {
            "a": {**attached, "managed_policy_arn": "arn:aws:iam::aws:policy/PowerUserAccess"}
        },
    }


def test_the_schema_has_the_types_that_there_are() -> None:
    """A type that is added needs `make golden`."""
    assert load_schema()["resources"].keys() == RESOURCES.keys()


def test_there_are_the_types_of_the_stacks_and_each_is_tried() -> None:
    """A type that no stack and no page has is not here; what is here goes through the conformance test."""
    golden = Path(__file__).parents[1] / "golden"
    files = [file for name in ("shipped", "company") for file in (golden / name).rglob("*.txt")]
    addresses = {line for file in files for line in file.read_text().split()}
    read = {address.split(".")[1] for address in addresses if address.startswith("data.aws_")}
    layer = {type for type, row in table()["resources"].items() if row.get("own")}

    assert RESOURCES.keys() == everything()["resource"].keys() == kinds.RESOURCES.keys() | layer
    read |= {"aws_identitystore_user", "aws_ssoadmin_permission_set", "aws_partition"}  # of others, and of tests here
    assert DATA_SOURCES.keys() == everything()["data"].keys() == read


def test_the_schema_is_that_of_the_pinned_bindings(golden: Golden) -> None:
    """The file is written anew when the pin moves; on cdktn, whose provider is newer, that has all that is in it."""
    from tests.provider.schema_from_bindings import as_text, extract_schema

    found = as_text(extract_schema(RESOURCES, DATA_SOURCES))
    if engine().folder == CHECKOUT:
        golden("../provider/schema.json", found)
        return
    pinned, newer = (dict(walk(json.loads(text))) for text in (FILE.read_text(), found))
    other = {place for place, value in pinned.items() if not isinstance(value, dict) and newer.get(place) != value}
    bucket, encryption = "aws_s3_bucket_server_side_encryption_configuration", "apply_server_side_encryption_by_default"
    rule = ("resources", bucket, "blocks", "rule", "block")
    index = ("resources", "aws_dynamodb_table", "blocks", "global_secondary_index", "block")
    assert other == {
        ("bindings",),
        # AWS's values are read back now where the configuration has none.
        (*rule, "attributes", "blocked_encryption_types", "is"),
        (*rule, "attributes", "bucket_key_enabled", "is"),
        (*rule, "blocks", encryption, "block", "attributes", "kms_master_key_id", "is"),
        # A key of several attributes has come; our table has no such index.
        (*index, "attributes", "hash_key", "is"),
    }


def test_several_providers_work_side_by_side(desk: Desk) -> None:
    """Each alias and each assumed role is a connection of its own, and so is a region of a resource."""
    account = desk.aws.open_account("member@example.com")
    desk.aws.order("regions", account=ACCOUNT, regions=["eu-south-1"])
    role = {"role_arn": f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"}
    desk.write(
        provider=[
            PROVIDER,
            {**PROVIDER, "alias": "west", "region": "eu-west-1"},
            {**PROVIDER, "alias": "member", "assume_role": [role], "allowed_account_ids": [account]},
        ],
        resource={
            "aws_sns_topic": {
                "home": {"name": "t"},
                "west": {"name": "t", "provider": "aws.west"},
                "south": {"name": "t", "region": "eu-south-1"},
                "member": {"name": "t", "provider": "aws.member"},
            }
        },
        output={name: {"value": f"${{aws_sns_topic.{name}.arn}}"} for name in ("home", "west", "south", "member")},
    )

    desk.apply()

    arns = json.loads(desk.terraform("output", "-json"))
    assert {name: arn["value"].split(":")[3:5] for name, arn in arns.items()} == {
        "home": [HOME, ACCOUNT],
        "west": ["eu-west-1", ACCOUNT],
        "south": ["eu-south-1", ACCOUNT],
        "member": [HOME, account],
    }


def test_a_port_is_used_again_after_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next Terraform that the system gives the port of an interrupted one is not interrupted."""

    class Connection:
        def peer(self) -> str:
            return "ipv4:127.0.0.1:50000"

        def is_active(self) -> bool:
            return True

    monkeypatch.setattr("tests.provider.server._configured", lambda *_: object())
    monkeypatch.setattr("tests.provider.server._decoded", lambda _: {})
    served, connection, request = Provider("", {}), Connection(), SimpleNamespace(config=None)
    served.ConfigureProvider(request, connection)
    served.StopProvider(request, connection)
    served._session(connection)
    interrupted = here.is_active()

    served.ConfigureProvider(request, connection)
    served._session(connection)

    assert (interrupted, here.is_active()) == (False, True)


def test_another_account_is_refused(desk: Desk) -> None:
    desk.write(provider={**PROVIDER, "allowed_account_ids": ["210987654321"]}, data={"aws_partition": {"a": {}}})
    assert f"AWS account ID not allowed: {ACCOUNT}" in desk.terraform("plan", code=1)


def test_without_an_emulator_it_refuses(tmp_path: Path) -> None:
    with provider("", CREDENTIALS) as found:
        desk = Desk(Aws(""), tmp_path, environment() | found)
        desk.write(data={"aws_partition": {"a": {}}})
        assert "the stand-in provider of Strata's tests, not the AWS provider" in desk.terraform("plan", code=1)


@pytest.mark.parametrize(
    ("type", "arguments", "message"),
    [
        (
            "aws_iam_role",
            {"name": "a" * 65, "assume_role_policy": "{}"},
            "expected length of name to be in the range (1 - 64)",
        ),
        ("aws_kms_alias", {"name": "state", "target_key_id": "k"}, "invalid value for name (must match ^alias/"),
        ("aws_ebs_snapshot_block_public_access", {"state": "open"}, "expected state to be one of"),
        (
            "aws_organizations_organization",
            {"enabled_policy_types": ["TAG_POLICY", "GUARDDUTY_POLICY"]},
            "expected enabled_policy_types to be one of",
        ),
        ("aws_organizations_policy", {"name": "a", "content": "{}", "type": "GUARDDUTY_POLICY"}, "expected type to be"),
        ("aws_cloudwatch_event_rule", {"name": "a", "name_prefix": "b"}, '"name": conflicts with name_prefix'),
        (
            "aws_ssm_parameter",
            {"name": "a", "type": "String"},
            "exactly one of `value,insecure_value,value_wo` must be",
        ),
    ],
)
def test_the_provider_validates_before_it_plans(desk: Desk, type: str, arguments: Json, message: str) -> None:
    desk.write(resource={type: {"a": arguments}})
    assert message in desk.terraform("validate", code=1)


def test_the_policy_types_are_those_of_the_pinned_provider() -> None:
    """What Strata takes, the stand-in takes, and what it says that provider rejects, that rejects."""
    known = {name for name, one in aws_limits().policy_types.items() if one.since_provider}
    assert {*facts_of("aws_organizations_organization").enum["enabled_policy_types"]} == known


def test_what_is_looked_up_is_validated_as_well(desk: Desk) -> None:
    desk.write(data={"aws_organizations_policies": {"a": {"filter": "GUARDDUTY_POLICY"}}})
    assert "expected filter to be one of" in desk.terraform("validate", code=1)


@pytest.mark.parametrize(
    ("type", "arguments", "id", "message"),
    [
        ("aws_iam_role_policy", {"role": "a", "policy": "{}"}, "only-one-part", "unexpected format of ID"),
        ("aws_cloudwatch_event_target", {"rule": "a", "arn": "arn:aws:sns:::t"}, "a-target", "unexpected format of ID"),
        ("aws_ec2_instance_metadata_defaults", {"http_tokens": "required"}, "x", "cannot import this type"),
        (
            "aws_sns_topic",
            {"name": "t"},
            "arn:aws:sns:eu-west-1:123456789012:t",
            "non-existent remote object",
        ),
    ],
)
def test_an_import_id_has_its_form(desk: Desk, type: str, arguments: Json, id: str, message: str) -> None:
    desk.write(resource={type: {"a": arguments}}, **{"import": [{"to": f"{type}.a", "id": id}]})
    assert message in desk.terraform("plan", code=1)


def test_a_refusal_has_the_name_that_aws_gives_it(desk: Desk) -> None:
    """A taken address shows only while the account is made; the rest of the apply goes on."""
    account = {"name": "a", "email": "a@example.com"}
    taken = {**account, "email": "A@example.com", "depends_on": ["aws_organizations_account.a"]}
    delegated = {"account_id": "${aws_organizations_account.a.id}", "service_principal": "guardduty.amazonaws.com"}
    desk.write(
        resource={
            "aws_organizations_account": {"a": account, "b": taken},
            "aws_organizations_delegated_administrator": {"a": delegated},
        }
    )

    refused = desk.apply(code=1)

    assert "EMAIL_ALREADY_EXISTS" in refused
    assert "SERVICE_ACCESS_NOT_ENABLED: trusted access for guardduty.amazonaws.com" in refused


def test_a_failed_provisioning_leaves_a_tainted_attachment(desk: Desk) -> None:
    """The id is set before all accounts get the policy."""
    desk.write(resource=permission_set(desk))
    desk.aws.fail("sso-admin:ProvisionPermissionSet", code="AccessDeniedException", message="no")

    refused = desk.apply(code=1)

    assert "creating SSO Managed Policy Attachment" in refused
    assert "operation error SSO Admin: ProvisionPermissionSet, https response error StatusCode: 400" in refused
    assert "AccessDeniedException: no" in refused
    assert "aws_ssoadmin_managed_policy_attachment.a is tainted" in desk.terraform("plan")


def test_an_attachment_that_is_there_is_refused_in_the_providers_words(desk: Desk) -> None:
    desk.write(resource=permission_set(desk))
    desk.apply()
    desk.terraform("state", "rm", "aws_ssoadmin_managed_policy_attachment.a")
    assert "already attached" in desk.apply(code=1)


def test_a_permanent_conflict_is_retried_to_the_end(desk: Desk) -> None:
    """The client of sso-admin retries every conflict, also that of a name that is taken."""
    desk.write(resource=permission_set(desk))
    desk.apply()
    desk.terraform("state", "rm", "aws_ssoadmin_permission_set.a")

    refused = desk.apply(code=1)

    assert "CreatePermissionSet, exceeded maximum number of attempts, 3, https response error" in refused
    assert "ConflictException" in refused


def test_throttling_is_waited_for(desk: Desk) -> None:
    desk.write(resource={"aws_sns_topic": {"a": {"name": "t"}}})
    desk.aws.fail("sns:CreateTopic", times=2)
    desk.apply()
