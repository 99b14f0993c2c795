"""Messages of a broken run: each has its remedy, and docs/operate.md has them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from strata.aws.session import THROTTLED
from strata.errors import Message
from strata.terraform.errors import _SETTLING, ADVICE, PAUSES, advice, settling
from strata.terraform.events import Failure
from strata.terraform.workspace import Workspace
from tests.synthesized import CHECKOUT, Deployment

Row = tuple[tuple[str, ...], str]


@pytest.fixture(scope="module")
def tables() -> list[list[Row]]:
    """The tables of the section, each row with its samples and what it says of them."""
    section = (CHECKOUT / "docs/operate.md").read_text().partition("### Messages of a broken run\n")[2]
    section = section.partition("\n## ")[0]
    return [list(_rows(block)) for block in section.split("\n\n") if block.startswith("|")]


def _rows(table: str) -> Iterator[Row]:
    for line in table.strip().splitlines()[2:]:
        samples, words = line.strip("| ").split(" | ")
        yield tuple(re.findall("`([^`]+)`", samples)), words


def told(text: str) -> list[Message]:
    return list(advice(Workspace(Path(), {"TERRAFORM_BINARY_NAME": "terraform"}), "a", [Failure(text)]))


def test_the_page_has_each_remedy_and_no_other(tables: list[list[Row]]) -> None:
    *remedies, _lock = tables[0]

    assert [words for _, words in remedies] == [words for *_, words in ADVICE]
    for samples, words in remedies:
        for sample in samples:
            assert told(f"creating a thing: {sample}: x") == [words], sample


def test_the_page_has_what_is_waited_for(tables: list[list[Row]]) -> None:
    assert [words for _, words in tables[1]] == [words for *_, words in _SETTLING]
    for samples, words in tables[1]:
        assert [settling(Failure(sample)) for sample in samples] == [words] * len(samples)
    assert "nine times within seven minutes" in (CHECKOUT / "docs/operate.md").read_text()
    assert len(PAUSES) == 9
    assert 316 < sum(PAUSES) <= 420, "Access Analyzer keeps a refusal for five minutes"


def test_the_page_has_what_a_run_says_by_itself(tables: list[list[Row]]) -> None:
    """Every part of a message stands in the code as it stands on the page."""
    room = (CHECKOUT / "strata").rglob("*.py")
    code = "".join(re.sub(r'"\n\s*f?"', "", file.read_text()) for file in room)
    parts = [part for samples, _ in tables[2] for sample in samples for part in re.split(r" \.\.\.,? ", sample)]

    assert [part for part in parts if part not in code] == []


def test_a_lock_is_no_remedy_of_the_list(tables: list[list[Row]]) -> None:
    for sample in tables[0][-1][0]:
        assert told(sample)[0].id == "state-locked"


def test_every_reason_for_which_aws_makes_no_account_has_a_remedy() -> None:
    """The reasons of the API's model, those that its text alone names, and those of refused calls."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("organizations")
    status = model.shape_for("CreateAccountStatus").members["FailureReason"]
    reasons = {*status.enum, *re.findall(r"<p>\s*([A-Z]+_[A-Z_]+):", status.documentation)}
    assert len(reasons) > 14

    for reason in sorted(reasons):
        text = f"waiting for AWS Organizations Account (x) create: unexpected state 'FAILED', last error: {reason}"
        assert len(told(text)) == 1, reason


@pytest.mark.parametrize(
    "text",
    [
        "CreatePermissionSet, exceeded maximum number of attempts, 25, ThrottlingException: Rate exceeded",
        "api error TooManyRequestsException: AWS Organizations can't complete your request",
        "api error SlowDown: Please reduce your request rate",
        "Error: Throttling: rate exceeded",
    ],
)
def test_throttling_is_called_throttling(text: str) -> None:
    assert [one.id for one in told(text)] == ["aws-throttled"]


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
    """Each as the provider hands AWS's words on; docs/operate.md has them shorter."""
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
