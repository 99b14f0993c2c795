"""The stand-in provider itself: the types and the schema that it has, and several of it at once."""

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


def test_without_an_emulator_it_refuses(tmp_path: Path) -> None:
    with provider("", CREDENTIALS) as found:
        desk = Desk(Aws(""), tmp_path, environment() | found)
        desk.write(data={"aws_partition": {"a": {}}})
        assert "the stand-in provider of Strata's tests, not the AWS provider" in desk.terraform("plan", code=1)


def test_the_policy_types_are_those_of_the_pinned_provider() -> None:
    """What Strata takes, the stand-in takes, and what it says that provider rejects, that rejects."""
    known = {name for name, one in aws_limits().policy_types.items() if one.since_provider}
    assert {*facts_of("aws_organizations_organization").enum["enabled_policy_types"]} == known
