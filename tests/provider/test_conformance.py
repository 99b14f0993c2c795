"""The stand-in does what the real AWS provider does: every type, six Terraform runs, with each of the two."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aws import real_provider
from tests.aws.client import emulated_aws
from tests.aws.provider5 import mend
from tests.aws.real_provider import RealProvider
from tests.provider.differences import Known, differences, known_to
from tests.provider.facts import table
from tests.provider.server import provider
from tests.provider.trial import CREDENTIALS, RUNS, Run, Trial, environment, everything

OF_NO_STACK = {
    "s3:ListBucketVersions",  # a bucket is emptied before it is deleted
}
"""Actions that a type here needs and none of the stacks'."""

NOT_CALLED = {
    "no tag goes in any of the runs": {
        "access-analyzer:UntagResource",
        "budgets:UntagResource",
        "ce:UntagResource",
        "cloudtrail:RemoveTags",
        "config:UntagResource",
        "dynamodb:UntagResource",
        "events:UntagResource",
        "guardduty:UntagResource",
        "iam:UntagOpenIDConnectProvider",
        "iam:UntagRole",
        "kms:UntagResource",
        "organizations:UntagResource",
        "s3:UntagResource",
        "sns:UntagResource",
        "sso:UntagResource",
        "ssm:RemoveTagsFromResource",
    },
    "the stand-in does not read what types of their own have taken over, nor what there is none of": {
        "access-analyzer:ListTagsForResource",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetInsightSelectors",
        "s3:GetAccelerateConfiguration",
        "s3:GetBucketAcl",
        "s3:GetBucketCORS",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketTagging",
        "s3:GetBucketWebsite",
        "s3:PutBucketTagging",
    },
    "AWS itself calls it, for an assignment in the management account": {
        "iam:CreateSAMLProvider",
        "iam:GetSAMLProvider",
        "iam:UpdateSAMLProvider",
    },
    "nothing changes in this way in any of the runs": {
        "account:GetAccountInformation",
        "account:PutAccountName",
        "dynamodb:UpdateTable",
        "iam:TagOpenIDConnectProvider",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateOpenIDConnectProviderThumbprint",
        "iam:UpdateRole",
        "kms:EnableKey",
        "kms:PutKeyPolicy",
        "kms:UpdateAlias",
        "sns:SetSubscriptionAttributes",
    },
}
"""Actions of the table that the stand-in does not call here, with the reason."""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """All six runs, with the stand-in."""
    folder = tmp_path_factory.mktemp("stand-in")
    with emulated_aws(folder / "aws.log") as aws, provider(aws.url, CREDENTIALS) as found:
        variables = environment() | aws.environment() | found
        return Trial(aws, folder, real_provider.terraform(), variables, everything()).run()


def test_every_type_goes_through_six_runs(runs: dict[str, Run]) -> None:
    """Everything is made, nothing is left to do, what can be imported is, changes change, and all of it goes."""
    assert set(runs["empty plan"].actions.values()) == {"no-op"}
    assert set(runs["apply"].actions.values()) == {"create"}
    imported = {address for address, action in runs["import"].actions.items() if action.startswith("import")}
    assert runs["apply"].actions.keys() - imported == {
        "aws_ec2_image_block_public_access.main",
        "aws_ec2_instance_metadata_defaults.main",
        "aws_guardduty_detector_feature.plan",
        "aws_guardduty_member_detector_feature.plan",
        "aws_guardduty_organization_configuration_feature.plan",
    }
    assert set(runs["destroy"].actions.values()) == {"delete"}
    assert runs["destroy"].values == {}


def test_the_calls_are_those_of_the_table_of_actions(runs: dict[str, Run]) -> None:
    """All that was called is in the table, and all of the table was called, but for what is said here."""
    listed, never = {action for row in table()["data"].values() for action in row.get("reads", ())}, set[str]()
    for row in table()["resources"].values():
        verbs = {action for verb in ("creates", "reads", "updates", "deletes") for action in row.get(verb, ())}
        never |= row.get("never", {}).keys()
        listed |= verbs
    called = set[str]().union(*(run.needs for run in runs.values()))

    assert called - listed == OF_NO_STACK
    assert listed - called - never == set[str]().union(*NOT_CALLED.values())


def test_the_stand_in_does_what_the_real_provider_does(
    runs: dict[str, Run], real: RealProvider, record_property: Callable[[str, str], None], tmp_path: Path
) -> None:
    """Plans, states, import ids, writing calls and reading actions are the same, but for the known differences."""
    expected = _real(tmp_path, real)

    lines = [line for run in RUNS for line in differences(run, expected[run], runs[run])]
    known = {one: [line for line in lines if re.search(one.pattern, line)] for one in known_to(real)}

    record_property("table", _table(expected, lines, known, real.version))
    explained = {line for covered in known.values() for line in covered}
    assert [line for line in lines if line not in explained] == []
    assert [one.reason for one, covered in known.items() if not covered] == []


def _real(folder: Path, real: RealProvider) -> dict[str, Run]:
    stack = everything()
    if real.shimmed:
        mend(stack, real.version)
    terraform = real_provider.terraform()
    with emulated_aws(folder / "aws.log") as aws:
        variables = environment() | aws.environment() | real.environment(folder / "provider", terraform)
        return Trial(aws, folder, terraform, variables, stack).run()


def _table(expected: dict[str, Run], found: list[str], table: dict[Known, list[str]], version: str) -> str:
    """Returns what was compared, and the differences with their reasons, type by type."""
    addresses = expected["apply"].actions
    types = sorted({address.split(".")[0] for address in addresses})
    lines = ["", f"the stand-in and the real provider {version}: {len(types)} types, {len(RUNS)} runs"]
    for name in RUNS:
        run = expected[name]
        unequal = sum(line.startswith(f"{name} |") for line in found)
        writes = sum(run.writes.values())
        counts = f"{len(run.actions):3} planned {writes:4} writing calls {len(run.reads):4} reading actions"
        lines.append(f"  {name:16} {counts} {unequal:4} differences")
    unlike = Counter(match[1] for line in found if (match := re.search(r"\| (?:data\.)?(aws_\w+)\.", line)))
    lines.append(f"  plans, states and import ids of {len(types) - len(unlike)} types are the same; not those of")
    lines += [f"  {count:4} {kind}" for kind, count in sorted(unlike.items())]
    for known, covered in table.items():
        lines.append(f"  {len(covered):4} {known.reason}")
        lines += [f"         {line[:180]}" for line in covered[:3]]
    return "\n".join(lines)
