"""What the stand-in and the real provider did differently, told in lines, and the short table of what is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.aws.real_provider import RealProvider
from tests.provider.trial import Run


class Known(NamedTuple):
    """A difference that is meant: which lines it covers, why it is there, and whether it is one of version 5 alone."""

    pattern: str
    reason: str
    of_version_5: bool = True


KNOWN = [
    Known(
        r"state \| aws_s3_bucket\.\w+\.(grant|lifecycle_rule|\w+_configuration|versioning):",
        "the stand-in does not read the deprecated parts of aws_s3_bucket, which types of their own have taken over",
        of_version_5=False,
    ),
    Known(
        r"state \| (data\.)?aws_organizations_(account|\w+_administrator|organization)\.\w+\.(status|.*accounts):",
        "AWS returns the `status` of an account to version 5, to newer ones its `state`",
    ),
    Known(r"state \| aws_iam_role_policy_attachment\.\w+\.id:", "version 5 makes an id up, 6 has role/policy"),
    Known(
        r"write \| (s3:CreateBucket|s3:PutBucketTagging|s3control:TagResource) ",
        "since 6.23 a bucket gets its tags when it is made, and changes them by S3 Control",
    ),
    Known(r"state \| aws_ec2_serial_console_access\.\w+\.id:", "version 5 calls it as its region, 6 as its account"),
    Known(
        r"import \| (plan|state) \| aws_ssm_service_setting\.\w+[.:]",
        "since 6.6 an import has the short form of the id, which an ARN in the configuration then changes",
    ),
    Known(r"write \| s3:PutBucketEncryption ", "version 5 has no blocked_encryption_types"),
]


def differences(name: str, expected: Run, found: Run) -> Iterator[str]:
    """Yields a line for each thing that the two did differently in a run: `run | what | where: real, stand-in`."""
    for address in sorted(expected.actions.keys() | found.actions.keys()):
        one, other = expected.actions.get(address), found.actions.get(address)
        if one != other:
            yield f"{name} | plan | {address}: {one}, {other}"
    for address in sorted(expected.values.keys() & found.values.keys()):
        for argument, one, other in _unequal(expected.values[address], found.values[address]):
            yield f"{name} | state | {address}.{argument}: {one!r}, {other!r}"
    yield from differences_of_writes(name, expected.writes, found.writes)
    for action in sorted(expected.reads ^ found.reads):
        if not action.startswith("s3"):
            yield f"{name} | read | {action}: {action in expected.reads}, {action in found.reads}"


def differences_of_writes(name: str, expected: Counter[str], found: Counter[str]) -> Iterator[str]:
    """Yields a line for each writing call that the two did not make as often as each other."""
    for write in sorted(expected.keys() | found.keys()):
        if expected[write] != found[write]:
            yield f"{name} | write | {write}: {expected[write]}, {found[write]}"


def known_to(real: RealProvider) -> list[Known]:
    """Returns the differences from one version of the real provider that are meant."""
    return [one for one in KNOWN if real.shimmed or not one.of_version_5]


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
