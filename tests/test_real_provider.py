"""Where the real AWS provider is looked for, and the shims by which version 5 takes the stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.aws import real_provider
from tests.aws.provider5 import mend
from tests.aws.real_provider import find, platform_name


class Kept(dict[str, str]):
    """A memory that is as long as the test."""

    def set(self, key: str, value: str) -> None:
        self[key] = value


@pytest.fixture(autouse=True)
def _nobody_else_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a search that another run makes meanwhile take the mirrors here for what they are."""
    monkeypatch.setattr(real_provider, "_SMALLEST", 10)


def mirror(folder: Path, *versions: str, size: int = 20) -> Path:
    """Makes a mirror."""
    for version in versions:
        place = folder / "registry.terraform.io/hashicorp/aws" / version / platform_name()
        place.mkdir(parents=True)
        (place / f"terraform-provider-aws_v{version}").write_bytes(b"x" * size)
    return folder


@pytest.mark.parametrize(
    ("versions", "found", "shimmed"),
    [
        (("5.100.0",), "5.100.0", True),
        (("5.9.0", "5.101.0", "5.100.0"), "5.101.0", True),
        (("5.100.0", "6.25.0", "6.30.0"), "6.25.0", False),
        (("5.100.0", "6.24.0", "6.30.0"), "5.100.0", True),
    ],
)
def test_a_folder_gives_the_pinned_version_or_the_newest_before_it(
    tmp_path: Path, versions: tuple[str, ...], found: str, *, shimmed: bool
) -> None:
    provider = find(str(mirror(tmp_path, *versions)), Kept())
    assert (provider.version, provider.shimmed) == (found, shimmed)


def test_the_shims_are_made_once_whatever_is_mended_before() -> None:
    """Another region becomes a provider of it, `state` of an account `status`, and what 5 lacks goes."""
    stack = {
        "terraform": {"required_providers": {"aws": {"source": "aws", "version": "6.25.0"}}},
        "provider": {"aws": [{"region": "us-east-1"}]},
        "import": [{"to": "aws_sns_topic.west", "id": "arn@eu-west-1", "for_each": '${[for a in x : a.state == "A"]}'}],
        "resource": {
            "aws_sns_topic": {"home": {"region": "us-east-1"}, "west": {"region": "eu-west-1"}},
            "aws_ebs_snapshot_block_public_access": {"main": {"state": "block-all-sharing"}},
            "aws_s3_bucket_server_side_encryption_configuration": {
                "state": {"rule": [{"blocked_encryption_types": ["SSE-C"], "bucket_key_enabled": True}]}
            },
        },
    }

    for _ in range(2):
        mend(stack, "5.100.0")

    assert stack == {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
        "provider": {"aws": [{"region": "us-east-1"}, {"region": "eu-west-1", "alias": "eu-west-1"}]},
        "import": [{"to": "aws_sns_topic.west", "id": "arn", "for_each": '${[for a in x : a.status == "A"]}'}],
        "resource": {
            "aws_sns_topic": {"home": {}, "west": {"provider": "aws.eu-west-1"}},
            "aws_ebs_snapshot_block_public_access": {"main": {"state": "block-all-sharing"}},
            "aws_s3_bucket_server_side_encryption_configuration": {"state": {"rule": [{"bucket_key_enabled": True}]}},
        },
    }
