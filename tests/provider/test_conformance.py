"""The stand-in does what the real AWS provider does: every type, six Terraform runs, with each of the two."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.aws.client import emulated_aws
from tests.provider.server import provider
from tests.provider.trial import RUNS, Run, Trial, everything
from tests.scenarios import real_provider
from tests.scenarios.provider5 import mend

CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


class Known(NamedTuple):
    """A difference that is meant: which lines it covers, why it is there, and whether it is one of version 5 alone."""

    pattern: str
    reason: str
    of_version_5: bool = True


KNOWN = [
    Known(
        r"state \| aws_s3_bucket\.\w+\.(grant|lifecycle_rule|replication_configuration|server_side_.*|versioning):",
        "the stand-in does not read the deprecated parts of aws_s3_bucket, which types of their own have taken over",
        of_version_5=False,
    ),
    Known(
        r"state \| (data\.)?aws_organizations_(account|delegated_administrator|organization)\.\w+\.(status|.*accounts):",
        "AWS returns the `status` of an account to version 5, to newer ones its `state`",
    ),
    Known(r"state \| aws_iam_role_policy_attachment\.\w+\.id:", "version 5 makes an id up, 6 has role/policy"),
    Known(
        r"write \| (s3:CreateBucket|s3:PutBucketTagging|s3control:TagResource) ",
        "since 6.23 a bucket gets its tags when it is made, and changes them by S3 Control",
    ),
    Known(r"write \| s3:PutBucketEncryption ", "version 5 has no blocked_encryption_types"),
]


def test_every_type_goes_through_six_runs(tmp_path: Path) -> None:
    """Everything is made, nothing is left to do, what can be imported is, changes change, and all of it goes."""
    runs = _stand_in(tmp_path)

    assert set(runs["empty plan"].actions.values()) == {"no-op"}
    assert set(runs["apply"].actions.values()) == {"create"}
    imported = {address for address, action in runs["import"].actions.items() if action.startswith("import")}
    assert runs["apply"].actions.keys() - imported == {"aws_ec2_instance_metadata_defaults.main"}
    assert set(runs["destroy"].actions.values()) == {"delete"}
    assert runs["destroy"].values == {}


@pytest.mark.e2e
def test_the_stand_in_does_what_the_real_provider_does(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plans, states, import ids, writing calls and reading actions are the same, but for the known differences."""
    assert request.config.cache is not None
    try:
        real = real_provider.find(os.environ.get("STRATA_PROVIDER_MIRROR", "search"), request.config.cache)
    except real_provider.NotFoundError as error:
        pytest.skip(f"no real AWS provider: {error}")
    expected, found = _real(tmp_path / "real", real), _stand_in(tmp_path / "stand-in")

    differences = [line for run in RUNS for line in _differences(run, expected[run], found[run])]
    known = [one for one in KNOWN if real.shimmed or not one.of_version_5]
    table = {one: [line for line in differences if re.search(one.pattern, line)] for one in known}

    with capsys.disabled():
        print(_table(expected, differences, table, real.version))
    explained = {line for lines in table.values() for line in lines}
    assert [line for line in differences if line not in explained] == []
    assert [one.reason for one, lines in table.items() if not lines] == []


def _stand_in(folder: Path) -> dict[str, Run]:
    folder.mkdir(exist_ok=True)
    with emulated_aws(folder / "aws.log") as aws, provider(aws.url, CREDENTIALS) as found:
        variables = environment() | aws.environment() | found
        return Trial(aws, folder, real_provider.terraform(), variables, everything()).run()


def _real(folder: Path, real: real_provider.RealProvider) -> dict[str, Run]:
    folder.mkdir()
    stack = everything()
    if real.shimmed:
        mend(stack, real.version)
    terraform = real_provider.terraform()
    with emulated_aws(folder / "aws.log") as aws:
        variables = environment() | aws.environment() | real.environment(folder / "provider", terraform)
        return Trial(aws, folder, terraform, variables, stack).run()


def environment() -> dict[str, str]:
    """Returns the variables of this process but for its AWS and Terraform."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return kept | {"CHECKPOINT_DISABLE": "1", "TF_CLI_ARGS": "-no-color", "TF_INPUT": "0"}


def _differences(name: str, expected: Run, found: Run) -> Iterator[str]:
    """Yields a line for each thing that the two did differently in a run: `run | what | where: real, stand-in`."""
    for address in sorted(expected.actions.keys() | found.actions.keys()):
        one, other = expected.actions.get(address), found.actions.get(address)
        if one != other:
            yield f"{name} | plan | {address}: {one}, {other}"
    for address in sorted(expected.values.keys() & found.values.keys()):
        for argument, one, other in _unequal(expected.values[address], found.values[address]):
            yield f"{name} | state | {address}.{argument}: {one!r}, {other!r}"
    for write in sorted(expected.writes.keys() | found.writes.keys()):
        if expected.writes[write] != found.writes[write]:
            yield f"{name} | write | {write}: {expected.writes[write]}, {found.writes[write]}"
    for action in sorted(expected.reads ^ found.reads):
        if not action.startswith("s3"):
            yield f"{name} | read | {action}: {action in expected.reads}, {action in found.reads}"


def _unequal(one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yields what differs of what both versions know; to Terraform's SDK null, empty, zero and false are the same."""
    for name in sorted(one.keys() & other.keys()):
        left, right = _plain(one[name], other[name]), _plain(other[name], one[name])
        if left != right:
            yield name, left, right


def _plain(value: Any, other: Any) -> Any:
    """Returns a value without what is empty, and without what only one version knows."""
    if isinstance(value, dict):
        known = {name: _plain(value[name], other[name]) for name in value if isinstance(other, dict) and name in other}
        return {name: inner for name, inner in known.items() if inner is not None} or None
    if isinstance(value, list):
        others = other if isinstance(other, list) and len(other) == len(value) else [None] * len(value)
        return [_plain(*pair) for pair in zip(value, others, strict=True)] or None
    return value or None


def _table(expected: dict[str, Run], differences: list[str], table: dict[Known, list[str]], version: str) -> str:
    """Returns what was compared, and the differences with their reasons, type by type."""
    addresses = expected["apply"].actions
    types = sorted({address.split(".")[0] for address in addresses})
    lines = ["", f"the stand-in and the real provider {version}: {len(types)} types, {len(RUNS)} runs"]
    for name in RUNS:
        run = expected[name]
        unequal = sum(line.startswith(f"{name} |") for line in differences)
        writes = sum(run.writes.values())
        counts = f"{len(run.actions):3} planned {writes:4} writing calls {len(run.reads):4} reading actions"
        lines.append(f"  {name:16} {counts} {unequal:4} differences")
    for known, covered in table.items():
        lines.append(f"  {len(covered):4} {known.reason}")
        lines += [f"         {line[:180]}" for line in covered[:3]]
    return "\n".join(lines)
