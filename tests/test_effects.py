"""The difference of policies by statement: over realistic edits, and over mutants of the shipped policies."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from strata import diff
from strata.config.accepted import Acceptance
from strata.config.models import Boundary, PolicyEntry, PolicyType, Targets
from strata.landing_zone import LandingZone
from strata.load import load
from strata.policy.strictness import Judgment, judged
from tests.conftest import Golden
from tests.mutants import asks, mutants, tells
from tests.synthesized import COMPANY, SHIPPED

Statement = dict[str, Any]


@pytest.fixture(scope="module")
def company() -> LandingZone:
    return load(COMPANY)


@pytest.fixture(scope="module")
def shipped() -> LandingZone:
    return load(SHIPPED)


GUARDRAIL, SET = "policies/keep-payments-private.json", "policies/read-payment-logs.json"
"""The documents of the company that hold an SCP, attached to payments-prod, and a permission set's inline policy."""


def with_document(zone: LandingZone, file: str, found: Sequence[Statement]) -> LandingZone:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(found)})
    return replace(zone, documents={**zone.documents, file: text})


def alone(zone: LandingZone) -> LandingZone:
    """Returns a zone with the one SCP, so that no other covers what it no longer denies."""
    policies = {"keep-payments-private": zone.organization.policies["keep-payments-private"]}
    options = {"policies": policies, "region_restriction": None}
    return replace(zone, organization=zone.organization.model_copy(update=options))


def deny(action: Any, **parts: Any) -> Statement:
    return {"Sid": "S", "Effect": "Deny", "Action": action, "Resource": "*", **parts}


def allow(action: Any, **parts: Any) -> Statement:
    return {**deny(action, **parts), "Effect": "Allow"}


REGIONS = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]}}
NOT_ACTION = {"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}
QUEUE = "arn:aws:sqs:eu-central-1:111122223333:orders"

EDITS: dict[str, tuple[str, list[Statement], list[Statement], bool]] = {
    "a statement is split": (
        GUARDRAIL,
        [deny(["s3:GetObject", "s3:PutObject"])],
        [deny("s3:PutObject"), deny("s3:GetObject")],
        True,
    ),
    "one denial replaces several": (GUARDRAIL, [deny("s3:*"), deny("ec2:*", Condition=REGIONS)], [deny("*")], True),
    "all but some services is written as a list of exceptions less": (
        GUARDRAIL,
        [NOT_ACTION],
        [{**NOT_ACTION, "NotAction": "iam:*"}],
        True,
    ),
    "a permission is narrowed to one resource": (
        SET,
        [allow("sqs:SendMessage")],
        [allow("sqs:SendMessage", Resource=QUEUE)],
        True,
    ),
    "a permission is written twice": (SET, [allow("sqs:*")], [allow("sqs:*"), allow("sqs:SendMessage")], True),
    "a role is exempt": (
        GUARDRAIL,
        [deny("s3:*")],
        [deny("s3:*", Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/Deployer"}})],
        True,
    ),
    "a region opens": (
        GUARDRAIL,
        [deny("ec2:*", Condition=REGIONS)],
        [
            deny(
                "ec2:*",
                Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1", "eu-west-2"]}},
            )
        ],
        True,
    ),
    "a list of what is allowed grows, which counts where somebody took FullAWSAccess off": (
        GUARDRAIL,
        [allow("s3:*"), deny("s3:DeleteBucket")],
        [allow(["s3:*", "sqs:*"]), deny("s3:DeleteBucket")],
        True,
    ),
    "a list of what is allowed shrinks": (GUARDRAIL, [allow(["s3:*", "sqs:*"])], [allow("s3:*")], False),
    "a permission set may write": (SET, [allow("sqs:Get*")], [allow(["sqs:Get*", "sqs:SendMessage"])], True),
    "a permission loses its denial": (SET, [allow("sqs:*"), deny("sqs:PurgeQueue")], [allow("sqs:*")], True),
}


def test_the_gate_asks_exactly_when_an_edit_widens(company: LandingZone, golden: Golden) -> None:
    zones = {GUARDRAIL: alone(company), SET: company}
    asked = {
        case: asked_about(with_document(zones[file], file, old), with_document(zones[file], file, new))
        for case, (file, old, new, _) in EDITS.items()
    }
    assert {case: bool(texts) for case, texts in asked.items()} == {case: asks for case, (*_, asks) in EDITS.items()}
    golden("company/effects.txt", sections(asked))


TIGHTER = {
    "one more denial": ([], [deny("s3:*")]),
    "a denial of more actions": ([deny("s3:Get*")], [deny(["S3:get*", "s3:Put*"])]),
    "a denial of all but fewer actions": (
        [{**NOT_ACTION, "Sid": "S"}],
        [{**NOT_ACTION, "Sid": "S", "NotAction": "iam:*"}],
    ),
    "a permission less": ([allow("s3:*")], []),
    "a permission of fewer actions": ([allow(["s3:Get*", "s3:Put*"])], [allow("s3:Get*")]),
}
"""There only what is tighter comes, back only what may be looser."""


@pytest.mark.parametrize(("old", "new"), TIGHTER.values(), ids=TIGHTER.keys())
def test_a_document_is_tighter_one_way_and_may_be_looser_the_other(old: list[Statement], new: list[Statement]) -> None:
    before, after = (json.dumps({"Version": "2012-10-17", "Statement": found}) for found in (old, new))
    there, back = judged(before, after), judged(after, before)
    assert (bool(there.changed), bool(there.tighter)) == (False, True)
    assert (bool(back.changed), bool(back.tighter)) == (True, False)
    assert judged(before, f" {before}") == Judgment()


@pytest.mark.parametrize("known", ['{"Statement": []}', "{}", "", None])
def test_a_document_of_unknown_content_counts_as_changed(known: str | None) -> None:
    assert judged(known, None).changed
    assert judged(None, known).changed


def test_another_version_may_loosen_whatever_the_statements_say() -> None:
    """It says whether a text is a policy variable."""
    assert judged('{"Version": "2008-10-17", "Statement": []}', '{"Version": "2012-10-17", "Statement": []}').changed


def asked_about(before: LandingZone, after: LandingZone) -> list[str]:
    return [change.text for change in diff.compare(before, after) if change.risk]


def sections(asked: dict[str, list[str]]) -> str:
    return "\n".join("".join(f"{text}\n" for text in (f"# {case}", *texts)) for case, texts in asked.items() if texts)


# Whole policies


def test_mutants_of_every_policy_are_noticed(shipped: LandingZone, company: LandingZone) -> None:
    """Twenty of them, from all over."""
    made = list(mutants({"shipped": shipped, "company": company}))
    assert len(made) >= 200
    for one in made[7 :: len(made) // 20]:
        assert asks(one.before, one.after) if one.loosens else tells(one.before, one.after), one.name


# What evaluation does not decide


def test_a_policy_that_binds_nothing_loosens_nothing(company: LandingZone) -> None:
    policy = company.organization.policies["keep-payments-private"].model_copy(update={"targets": Targets()})
    policies = {**company.organization.policies, "keep-payments-private": policy}
    zone = replace(company, organization=company.organization.model_copy(update={"policies": policies}))
    (found,) = diff.compare(with_document(zone, GUARDRAIL, [deny("*")]), with_document(zone, GUARDRAIL, []))
    assert found.risk is None
    assert found.text.endswith("attached to nothing")


def test_a_permission_set_that_nobody_has_widens_nothing(company: LandingZone) -> None:
    assignments = tuple(one for one in company.sso.assignments if "PaymentsSupport" not in one.permission_sets)
    zone = replace(company, sso=company.sso.model_copy(update={"assignments": assignments}))
    (found,) = diff.compare(with_document(zone, SET, [allow("sqs:*")]), with_document(zone, SET, [allow("*")]))
    assert found.risk is None
    assert "changes statement S" in found.text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, "ReadOnlyAccess", None),
        ("AdministratorAccess", "ReadOnlyAccess", "has the boundary"),
        ("PowerUserAccess", "AdministratorAccess", "has the boundary"),
        ("ReadOnlyAccess", None, "loses its boundary"),
    ],
)
def test_a_boundary_that_goes_or_changes_is_asked_about(
    old: str | None, new: str | None, expected: str | None, company: LandingZone
) -> None:
    """Whatever the set allows: the policy of a resource may allow more."""

    def bounded(name: str | None) -> LandingZone:
        boundary = Boundary(aws=name) if name else None
        one = company.sso.permission_sets["PaymentsEngineer"].model_copy(update={"boundary": boundary})
        sets = {**company.sso.permission_sets, "PaymentsEngineer": one}
        return replace(company, sso=company.sso.model_copy(update={"permission_sets": sets}))

    asked = [one.text for one in diff.compare(bounded(old), bounded(new)) if one.risk]
    if expected is None:
        assert asked == []
    else:
        assert any(text.startswith(f"permission set PaymentsEngineer {expected}") for text in asked), asked


# Policies that are merged on their way down

Merge = dict[str, Any]
"""The document at the root, and those at the unit `workloads` and at the account `payments-prod`."""

OPT_OUT = {"services": {"default": {"opt_out_policy": {"@@assign": "optOut"}}}}
LEX = {"services": {"lex": {"opt_out_policy": {"@@assign": "optIn"}}}}
COST = {"tags": {"Cost": {"tag_value": {"@@assign": ["a", "b"]}, "enforced_for": {"@@assign": ["ec2:instance"]}}}}


def _ec2(setting: str, name: str, value: str) -> Any:
    return {"ec2_attributes": {setting: {name: {"@@assign": value}}}}


MERGES: dict[str, tuple[str, Merge, Merge, bool]] = {
    "an account opts in, for one service": (
        "AISERVICES_OPT_OUT",
        {"root": OPT_OUT},
        {"root": OPT_OUT, "account": LEX},
        True,
    ),
    "a policy goes": ("AISERVICES_OPT_OUT", {"root": OPT_OUT, "account": LEX}, {"account": LEX}, True),
    "the same values in another order": (
        "TAG",
        {"root": COST},
        {"root": {"tags": {"Cost": {**COST["tags"]["Cost"], "tag_value": {"@@assign": ["b", "a"]}}}}},
        True,
    ),
    "the strictest value, which nobody knows to be that": (
        "DECLARATIVE_EC2",
        {},
        {"root": _ec2("serial_console_access", "status", "disabled")},
        True,
    ),
    "the same in another order of keys": (
        "TAG",
        {"root": COST},
        {"root": {"tags": {"Cost": dict(reversed(COST["tags"]["Cost"].items()))}}},
        False,
    ),
}


def test_a_merged_policy_is_asked_about_unless_it_sets_the_same(company: LandingZone, golden: Golden) -> None:
    asked = {
        case: asked_about(_merging(company, kind, old), _merging(company, kind, new))
        for case, (kind, old, new, _) in MERGES.items()
    }
    assert {case: bool(texts) for case, texts in asked.items()} == {case: asks for case, (*_, asks) in MERGES.items()}
    golden("company/merged-policies.txt", sections(asked))


def _merging(zone: LandingZone, kind: str, documents: Merge) -> LandingZone:
    targets = {"unit": {"organizational_units": ["workloads"]}, "account": {"accounts": ["payments-prod"]}}
    policies = {
        key: PolicyEntry.model_validate(
            {"type": PolicyType[kind], "file": f"{key}.json", "targets": targets.get(key, {"root": True})}
        )
        for key in documents
    }
    return replace(
        zone,
        organization=zone.organization.model_copy(update={"policies": policies, "ec2_defaults": None}),
        documents={f"{key}.json": json.dumps(document) for key, document in documents.items()},
    )


# What stands for another thing


@pytest.mark.parametrize(
    ("address", "risk"),
    [
        ("aws_identitystore_group.platform-engineers", "access"),
        ("aws_ssoadmin_permission_set.Billing", "access"),
        ("aws_organizations_policy.deny-root-user", "guardrails"),
        ("aws_organizations_account.sandbox", "accounts"),
        ("aws_s3_bucket.trail", "guardrails"),
        ("aws_sns_topic.alerts_us-east-1", "guardrails"),
        ("aws_iam_role.github-apply", "access"),
    ],
)
def test_an_import_makes_a_key_another_thing(address: str, risk: str | None, company: LandingZone) -> None:
    one, other = (replace(company, imports={address: f"d-1/{number}"}) for number in (1, 2))
    for before in (company, one):
        assert [found.risk for found in diff.compare(before, other)] == [risk]
    assert [found.risk for found in diff.compare(other, company)] == [None], "without the line it stays what it is"


def test_imports_of_access_are_counted_since_the_access_itself_is_told(company: LandingZone) -> None:
    links = "aws_ssoadmin_account_assignment.a_Set_user_ana", "aws_identitystore_group_membership.ops_ana"
    one, other = (replace(company, imports=dict.fromkeys(links, id)) for id in ("1", "2"))

    assert [found.risk for found in diff.compare(company, one)] == [None]
    assert [found.risk for found in diff.compare(one, other)] == ["access", "access"], "of another thing"


@pytest.mark.parametrize(
    ("old", "new", "risk"),
    [
        (None, "2027-01-31", None),
        ("2027-01-31", "2027-02-28", "guardrails"),
        ("2027-01-31", None, "guardrails"),
        (None, None, None),
    ],
)
def test_what_is_accepted_from_now_on_is_asked_about(
    old: str | None, new: str | None, risk: str | None, company: LandingZone
) -> None:
    """`None` for an end that is not there; an entry that was not there at all is asked about as well."""

    def accepting(until: str | None) -> LandingZone:
        entry = {"finding": "lock-out", "at": "a", "reason": "b", "until": until and dt.date.fromisoformat(until)}
        return replace(company, accepted=(Acceptance.model_validate(entry),))

    assert diff.risks(diff.compare(accepting(old), accepting(new))) == ({risk} - {None})
    assert diff.risks(diff.compare(company, accepting(new))) == {"guardrails"}
    assert diff.risks(diff.compare(accepting(new), company)) == set()


def test_another_portal_and_a_newly_trusted_service_are_asked_about(company: LandingZone) -> None:
    center = company.project.identity_center.model_copy(update={"start_url": "https://nordwind-aws.awsapps.com/start"})
    phishing = replace(company, project=company.project.model_copy(update={"identity_center": center}))
    assert diff.risks(diff.compare(company, phishing)) == {"access"}
    services = (*company.organization.trusted_services, "stranger.amazonaws.com")
    trusting = replace(company, organization=company.organization.model_copy(update={"trusted_services": services}))
    assert diff.risks(diff.compare(company, trusting)) == {"access"}
