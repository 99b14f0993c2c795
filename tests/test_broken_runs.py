"""Messages of a broken run: each has its remedy, and docs/messages.md has them all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from strata.aws.session import THROTTLED
from strata.errors import Message
from strata.terraform.errors import PAUSES, advice, known_errors, settling, settling_errors
from strata.terraform.events import Failure
from strata.terraform.workspace import Workspace
from tests.conftest import Golden
from tests.documents import CHECKOUT, with_rows
from tests.synthesized import Deployment

PAGE = CHECKOUT / "docs/messages.md"


def rows(head: str) -> Iterator[tuple[str, list[str]]]:
    """Yields the first column of a table of the page, with the samples in it."""
    table = PAGE.read_text(encoding="utf-8").partition(f"| In the error | {head} |\n|---|---|\n")[2]
    for line in table.partition("\n\n")[0].splitlines():
        samples = line.strip("| ").partition(" | ")[0]
        yield samples, re.findall("`([^`]+)`", samples)


def written(head: str, said: Iterable[tuple[str, str]]) -> str:
    """Returns the page with the second column of a table made anew."""
    text = PAGE.read_text(encoding="utf-8")
    return with_rows(text, f"| In the error | {head} |", [f"| {samples} | {words} |" for samples, words in said])


def told(text: str) -> list[Message]:
    return list(advice(Workspace(Path(), {"TERRAFORM_BINARY_NAME": "terraform"}), "a", [Failure(text)]))


def test_the_page_has_each_remedy_and_no_other(golden: Golden) -> None:
    """Its first column says for which errors; the second one is written from the code."""
    *remedies, (locks, locked) = rows("Remedy")
    said = [told(f"creating a thing: {sample}: x") for _, samples in remedies for sample in samples]
    ways = [told(f"creating a thing: {samples[0]}: x")[0] for _, samples in remedies]

    assert said == [[way] for way, (_, samples) in zip(ways, remedies, strict=True) for _ in samples]
    assert ways == [known.message for known in known_errors()]
    assert {told(sample)[0].id for sample in locked} == {"state-locked"}
    said_of_locks = (locks, "see [Freeing a lock](recover.md#freeing-a-lock)")
    columns = [(first, str(way)) for (first, _), way in zip(remedies, ways, strict=True)]
    golden("../../docs/messages.md", written("Remedy", [*columns, said_of_locks]))


def test_the_page_has_what_is_waited_for(golden: Golden) -> None:
    waits = [(first, [settling(Failure(sample)) for sample in samples]) for first, samples in rows("It says")]

    assert [{*said} for _, said in waits] == [{known.message} for known in settling_errors()]
    golden("../../docs/messages.md", written("It says", [(first, str(said[0])) for first, said in waits]))
    assert "nine times within seven minutes" in PAGE.read_text(encoding="utf-8")
    assert len(PAUSES) == 9
    assert 316 < sum(PAUSES) <= 420, "Access Analyzer keeps a refusal for five minutes"


def test_the_page_has_what_a_run_says_by_itself() -> None:
    """Every part of a message stands in the code as it stands on the page."""
    room = (CHECKOUT / "strata").rglob("*.py")
    code = "".join(re.sub(r'"\n\s*f?"', "", file.read_text()) for file in room)
    table = PAGE.read_text(encoding="utf-8").partition("| Message | Meaning |\n|---|---|\n")[2].partition("\n\n")[0]
    samples = re.findall("`([^`]+)`", "".join(line.rpartition(" | ")[0] for line in table.splitlines()))
    parts = [part for sample in samples for part in re.split(r" \.\.\.,? ", sample)]

    assert len(parts) > 20
    assert [part for part in parts if part not in code] == []


def test_every_code_by_which_aws_throttles_is_known() -> None:
    """The SDK's list, without two that mean something else elsewhere: a quota, and a transaction of DynamoDB."""
    from botocore.retries.standard import ThrottledRetryableChecker

    codes = {*ThrottledRetryableChecker._THROTTLED_ERROR_CODES} - {
        "LimitExceededException",
        "TransactionInProgressException",
    }

    assert codes <= THROTTLED
    for code in sorted(THROTTLED):
        assert told(f"api error {code}: x")[0].id == "aws-throttled", code


_FAILED = "unexpected state 'FAILED', wanted target 'SUCCEEDED'. last error: "
AS_AWS_SAYS = {
    "analyzer-trust-not-seen": (
        "creating IAM Access Analyzer Analyzer (x): operation error AccessAnalyzer: CreateAnalyzer, https response "
        "error StatusCode: 400, RequestID: 1, ValidationException: Service not enabled for AWS Organizations"
    ),
    "iam-trust-not-seen": (
        "creating IAM Organizations Features: operation error IAM: EnableOrganizationsRootSessions, https response "
        "error StatusCode: 409, RequestID: 1, api error ServiceAccessNotEnabledException: x"
    ),
    "sharing-not-seen": (
        "associating RAM Resource Share: OperationNotPermittedException: The resource you are attempting to share can "
        "only be shared within your AWS Organization. This error may also occur if you have not enabled sharing with "
        "your AWS organization, or that onboarding process is still in progress."
    ),
    "account-not-prepared": (
        f"waiting for SSO Account Assignment for GROUP (9067-1) create: {_FAILED}AWS SSO is unable to complete your "
        "request at this time. Obtaining permissions to manage your AWS account '123456789012' takes longer than "
        "usual. Please try again in a few minutes. If this problem continues, contact AWS Support."
    ),
}


@pytest.mark.parametrize("reason", AS_AWS_SAYS)
def test_the_first_minutes_of_an_organization_are_waited_for(reason: str) -> None:
    """Each as the provider hands AWS's words on; docs/messages.md has them shorter."""
    found = settling(Failure(AS_AWS_SAYS[reason]))

    assert found
    assert found.id == reason


def test_an_account_that_stays_closed_is_not_waited_for() -> None:
    """Nothing that is taken away there ever passes, and the advice says so."""
    text = AS_AWS_SAYS["account-not-prepared"].replace(" create: ", " delete: ")

    assert settling(Failure(text)) is None
    assert [one.id for one in told(text)] == ["account-not-prepared"]


# Waits are bounded


def test_what_reaches_every_account_has_an_hour(deployment: Deployment) -> None:
    """The provider waits for 10 minutes, then leaves it tainted, and the next plan would take it away everywhere."""
    hours = {
        "aws_ssoadmin_customer_managed_policy_attachment": {"create": "60m", "delete": "60m"},
        "aws_ssoadmin_managed_policy_attachment": {"create": "60m", "delete": "60m"},
        "aws_ssoadmin_permission_set": {"update": "60m"},
        "aws_ssoadmin_permission_set_inline_policy": {"create": "60m", "delete": "60m"},
        "aws_ssoadmin_permissions_boundary_attachment": {"create": "60m", "delete": "60m"},
        "aws_ssoadmin_account_assignment": {"create": "15m", "delete": "15m"},
    }
    for kind, resources in deployment["sso"].json["resource"].items():
        for name, resource in resources.items():
            assert resource.get("timeouts") == hours.get(kind), f"{kind}.{name}"


def test_timeouts_are_those_that_the_provider_has(deployment: Deployment) -> None:
    from tests.provider.schema import load_schema

    schema = load_schema()["resources"]
    for stack in deployment.values():
        for kind, resources in stack.json["resource"].items():
            for name, resource in resources.items():
                if "timeouts" in resource:
                    known = schema[kind]["blocks"]["timeouts"]["block"]["attributes"]
                    assert set(resource["timeouts"]) <= set(known), f"{kind}.{name}"
