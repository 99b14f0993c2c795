"""The stand-in provider itself: the types and the schema that it has, and several of it at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from strata import kinds
from strata.config.limits import aws_limits
from strata.terraform.tools import CHECKOUT, engine
from tests.conftest import Golden
from tests.provider.facts import facts_of, table
from tests.provider.resource import RESOURCES
from tests.provider.schema import FILE, load_schema
from tests.provider.services import DATA_SOURCES
from tests.provider.trial import everything
from tests.synthesized import walk

Json = dict[str, Any]
HOME = "eu-central-1"
PROVIDER: Json = {"region": HOME, "max_retries": 3}


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


def test_the_policy_types_are_those_of_the_pinned_provider() -> None:
    """What Strata takes, the stand-in takes, and what it says that provider rejects, that rejects."""
    known = {name for name, one in aws_limits().policy_types.items() if one.since_provider}
    assert {*facts_of("aws_organizations_organization").enum["enabled_policy_types"]} == known
