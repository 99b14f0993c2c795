"""Where the real AWS provider is looked for, and the shims by which version 5 takes the stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.aws import real_provider
from tests.aws.provider5 import mend
from tests.aws.real_provider import NotFoundError, find, platform_name


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


def test_what_is_too_old_or_a_stand_in_is_none(tmp_path: Path) -> None:
    mirror(tmp_path / "old", "4.67.0", "5.99.1", "6.24.0")
    mirror(tmp_path / "small", "6.25.0", size=5)
    for folder in ("old", "small", "nowhere"):
        with pytest.raises(NotFoundError, match=r"has neither 6\.25\.0 of .* nor 5\.100\.0 or a later 5\.x"):
            find(str(tmp_path / folder), Kept())


def test_a_mirror_may_be_packed_and_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `terraform providers mirror` writes it; Terraform runs elsewhere, so the folder is absolute."""
    archive = (
        tmp_path / f"packed/registry.terraform.io/hashicorp/aws/terraform-provider-aws_6.25.0_{platform_name()}.zip"
    )
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"x" * 20)
    archive.with_name("terraform-provider-aws_6.26.0_plan9_mips.zip").write_bytes(b"x" * 20)
    monkeypatch.chdir(tmp_path)
    provider = find("packed", Kept())
    assert (provider.mirror, provider.version) == (tmp_path / "packed", "6.25.0")


def test_none_is_none() -> None:
    with pytest.raises(NotFoundError, match="STRATA_PROVIDER_MIRROR is none"):
        find("none", Kept())


def test_a_search_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it found is remembered, also that it found nothing; a mirror that is gone is searched for anew."""
    folder, memory = mirror(tmp_path, "5.100.0"), Kept()
    answers = [folder, None]
    monkeypatch.setattr(real_provider, "_searched", lambda: answers.pop(0))

    assert find("search", memory) == find("search", memory)
    assert answers == [None]

    folder.rename(tmp_path.with_name("moved"))
    for _ in range(2):
        with pytest.raises(NotFoundError, match="a search found no mirror on this machine"):
            find("search", memory)
    assert answers == []


def test_a_registry_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_provider, "_REGISTRY", "http://127.0.0.1:1/")
    with pytest.raises(NotFoundError, match="the registry did not answer within 10 s"):
        find("registry", Kept())


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
