"""Policies are spelled right and do something: what AWS does not have is an error, what is in vain a warning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strata.config.accepted import scalar
from strata.config.findings import FINDINGS, LOCK_OUTS, SPELLING
from strata.config.json_lines import JsonSourceFile
from strata.config.limits import aws_limits
from strata.config.models import PolicyType
from strata.config.source import SourceFile, parse
from strata.errors import ConfigurationError
from strata.load import load
from strata.policy.documents import statements
from strata.policy.equality import meaning
from strata.policy.grammar import document_problems
from strata.policy.reference import MANAGED_FILE, REFERENCE_FILE, managed_documents, reference
from strata.policy.spelling import misspelt, unknown_managed_policy
from strata.rules import found_warnings, warnings
from tests.accepting import accept
from tests.bad_configurations import read as bad_configurations
from tests.bad_configurations import write
from tests.said import Said
from tests.synthesized import Deployment

CHECKOUT = Path(__file__).resolve().parents[1]
VALID, *_ = bad_configurations()

# The data


def test_the_data_is_small_and_says_when_and_where_it_is_from() -> None:
    """The head is read without unpacking anything."""
    for file, largest in ((REFERENCE_FILE, 200_000), (MANAGED_FILE, 270_000)):
        content = file.read_bytes()
        head = json.loads(content.partition(b"\n")[0])
        assert len(content) <= largest
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", head["date"])
        assert all(re.search(r" [\d.]+ \((MIT|Apache-2.0)\)$", source) for source in head["sources"])


def test_the_data_and_the_limits_agree_on_what_resource_control_policies_bind() -> None:
    assert reference().resource_control == set(aws_limits().resource_control_prefixes)


def test_the_region_restriction_names_what_there_is() -> None:
    """But for services that AWS has closed since it published the list."""
    gone = {"importexport", "mobileanalytics"}
    for action in (*aws_limits().global_actions, *aws_limits().us_east_1_actions):
        assert reference().actions(action) or action.partition(":")[0] in gone, action


def test_an_action_has_its_keys_its_level_and_what_it_acts_on() -> None:
    (action,) = reference().actions("S3:getobject")
    assert (action.full_name, action.level) == ("s3:GetObject", "Read")
    assert "s3:ExistingObjectTag/${key}" in action.keys
    assert {kind.arn for kind in action.resource_types or ()} >= {"arn:${Partition}:s3:::${BucketName}/${ObjectName}"}
    (run,) = reference().actions("ec2:RunInstances")
    assert {"image", "instance", "subnet"} <= {kind.name for kind in run.resource_types or ()}
    assert [one.name for one in reference().actions("iam:*AccountAlias")] == [
        "CreateAccountAlias",
        "DeleteAccountAlias",
    ]


@pytest.mark.parametrize(
    ("name", "found", "kind", "many"),
    [
        ("aws:principalarn", "aws:PrincipalArn", "ARN", False),
        ("aws:RequestTag/Cost Center", "aws:RequestTag/${TagKey}", "String", False),
        ("aws:TagKeys", "aws:TagKeys", "String", True),
        ("aws:PrincipalOrgPaths", "aws:PrincipalOrgPaths", "String", True),
        ("kms:EncryptionContext:aws:s3:arn", "kms:EncryptionContext:${EncryptionContextKey}", "String", False),
        (
            "codebuild:secondarySources/a.auth.type",
            "codebuild:secondarySources/${sourceIdentifier}.auth.type",
            None,
            None,
        ),
        ("saml:aud", "saml:aud", "String", False),
        ("token.actions.githubusercontent.com:sub", "token.actions.githubusercontent.com:sub", "String", False),
        ("oidc.eks.eu-west-1.amazonaws.com/id/AB:aud", "oidc.eks.eu-west-1.amazonaws.com/id/ab:aud", "String", False),
    ],
)
def test_a_condition_key_is_found_however_it_is_filled_in(
    name: str, found: str, kind: str | None, many: bool | None
) -> None:
    key = reference().key(name)
    assert key is not None
    assert key.name == found
    assert kind in (None, key.type)
    assert many in (None, key.many)


@pytest.mark.parametrize(
    "name",
    ["aws:PrincipleArn", "aws:RequestTag", "aws:RequestTag/", "token.actions.githubusercontent.com:subject", "x"],
)
def test_what_is_no_condition_key_is_not_found(name: str) -> None:
    assert reference().key(name) is None


def test_managed_policies_have_their_paths_and_documents() -> None:
    assert reference().managed_policy("ViewOnlyAccess") == "job-function/ViewOnlyAccess"
    assert reference().managed_policy("service-role/readonlyaccess") == "ReadOnlyAccess"
    document = managed_documents().get("job-function/ViewOnlyAccess")
    assert document is not None
    assert "Statement" in document
    assert managed_documents().get("ViewOnlyAccess") is None


def test_policies_of_awss_own_are_spelled_right() -> None:
    """AWS's 1,500 documents are a sample that nobody made for this: what is unknown in them is what has gone."""
    unknown = {(one.id, one.value.partition(":")[0]) for name in managed_documents().names for one in _of_aws(name)}
    assert len(unknown) < 20, sorted(unknown)
    assert {finding for finding, _ in unknown} <= {"unknown-action", "unknown-condition-key", "unknown-service"}


def _of_aws(name: str) -> list[Any]:
    return misspelt(managed_documents().get(name))


# Making the data


# Statements in vain


def document(**statement: Any) -> dict[str, Any]:
    """Returns a document of one statement: what is not said is a Deny of s3:GetObject on everything."""
    given = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*", **statement}
    return {"Version": "2012-10-17", "Statement": [{key: value for key, value in given.items() if value is not None}]}


def when(operator: str, key: str, value: Any, **statement: Any) -> dict[str, Any]:
    """Returns a document of one statement with one test."""
    return document(Condition={operator: {key: value}}, **statement)


REFUSED = [
    (document(Resource="arn:s3:::bucket"), "unknown-name", {"kind": "partition", "name": "s3"}),
    (document(Resource="arn:aws-usgov:s3:::bucket"), "unknown-name", {"kind": "partition", "name": "aws-usgov"}),
    *(
        (document(Action="iam:GetRole", Resource=arn), "text-malformed", {"kind": "ARN", "value": arn})
        for arn in ("arn:aws::eu-west-1::bucket", "arn:aws:s3:bucket", "arn:aws:iam:eu-west-1:*:role/x")
    ),
    *(
        (document(Resource=arn), "text-malformed", {"kind": "policy variable", "value": arn})
        for arn in ("arn:aws:s3:::${aws:username", "arn:aws:s3:::${}/*")
    ),
    (
        when("StringEquals", "aws:PrincipalTag/Team", "${ aws:username}"),
        "text-malformed",
        {"kind": "policy variable", "value": "${ aws:username}"},
    ),
    (
        when("NullIfExists", "aws:PrincipalTag/Team", "true"),
        "unknown-name",
        {"kind": "condition operator", "name": "NullIfExists"},
    ),
    (
        when("ForAllValues:ForAnyValue:StringLike", "aws:TagKeys", "team"),
        "unknown-name",
        {"kind": "condition operator", "name": "ForAllValues:ForAnyValue:StringLike", "statement": "statement 1"},
    ),
    (
        document(Condition={"StringEquals": {"aws:RequestedRegion": "a", "AWS:requestedregion": "b"}}),
        "duplicate-key",
        {"key": "AWS:requestedregion", "first": "aws:RequestedRegion"},
    ),
]


@pytest.mark.parametrize(("content", "id", "data"), REFUSED, ids=[f"{one[1]}-{n}" for n, one in enumerate(REFUSED)])
def test_what_aws_refuses_is_refused(content: dict[str, Any], id: str, data: dict[str, Any], said: Said) -> None:
    (found,) = document_problems(content, None)
    assert [(one.id, one.data) for one in said(f"{found.problem}; {found.remedy}")] == [(id, data)]


@pytest.mark.parametrize(
    "resource",
    [
        "arn:*:iam::*:role/x",
        "arn:aws:iam:*:*:role/x",
        "arn:aws:s3*",
        "arn:aws:s3:::${aws:PrincipalTag/Team, 'no team'}/*",
        "arn:aws-us-gov:s3:::b/${*}",
        "arn:aws:ssm:*:*:parameter/a:b",
    ],
)
def test_what_aws_takes_is_taken(resource: str) -> None:
    assert list(document_problems(document(Resource=resource), None)) == []


def test_aws_takes_its_own_policies() -> None:
    """What is refused here of a policy that AWS itself has would be wrong."""
    known = managed_documents()
    assert [(name, one.problem) for name in known.names for one in document_problems(known.get(name), None)] == []


def test_there_is_not_a_guess_for_each_of_a_thousand_names() -> None:
    """A guess compares with hundreds of names, which a hostile document would make a minute of."""
    found = misspelt(document(Action=[f"ec2:RunInstanc{number}" for number in range(300)]))
    assert len(found) == 300
    assert 1 <= sum("did you mean" in one.problem for one in found) <= 20


@pytest.mark.parametrize(("action", "meant"), [("iamm:Foo", "'iam'"), ("ECC2:*", "'ec2'")])
def test_the_nearest_service_is_guessed(action: str, meant: str) -> None:
    for content in (document(Action=action), document(Action=None, NotAction=[action])):
        (found,) = misspelt(content)
        assert (found.id, found.value) == ("unknown-service", action)
        assert meant in found.problem


# All that is ours


def ours() -> Iterator[tuple[str, Any]]:
    for folder in (CHECKOUT / "strata/template/policies", CHECKOUT / "tests/company/policies", CHECKOUT / "docs"):
        yield from ((path.name, json.loads(path.read_text())) for path in sorted(folder.glob("*.json")))


@pytest.mark.parametrize(("name", "content"), list(ours()), ids=[name for name, _ in ours()])
def test_the_policies_of_this_repository_are_spelled_right(name: str, content: Any) -> None:
    assert misspelt(content) == []


@pytest.mark.parametrize("variable", ["var.team", "aws_s3_bucket.logs.id", "TEAM", "aws:usernam"])
def test_a_variable_that_aws_does_not_fill_in_is_misspelt(variable: str) -> None:
    """A deny with a variable of Terraform or of a shell denies nothing."""
    for content in (
        document(Resource=f"arn:aws:s3:::${{{variable}}}/*"),
        when("StringEquals", "aws:PrincipalTag/Team", f"${{{variable}}}"),
    ):
        assert [(one.id, one.value) for one in misspelt(content)] == [("unknown-condition-key", variable)]


def test_the_documents_that_stacks_make_are_spelled_right(deployment: Deployment) -> None:
    """Trust policies, bucket policies, those of keys and topics: whatever Terraform gets as a document."""
    found = [text for stack in deployment.values() for text in _texts(stack.json) if '"Statement"' in text]
    documents = [json.loads(re.sub(r"\$\$\{", "${", text)) for text in found]
    assert len(documents) >= 10
    filled = [json.loads(re.sub(r"(?<!\$)\$\{[^{}]*\}", "made", text).replace("$${", "${")) for text in found]
    assert [one for each in filled for one in misspelt(each)] == []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


# What check prints, and what is accepted


@pytest.fixture
def valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The valid configuration in a folder that is the current one, every account bound by a policy."""
    write(tmp_path, VALID)
    text = (tmp_path / "organization.yaml").read_text()
    (tmp_path / "organization.yaml").write_text(text.replace("unit: security", "unit: production"))
    monkeypatch.chdir(tmp_path)
    return Path()


def errors(folder: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(folder)
    return [str(fault) for fault in caught.value.faults]


def deny(folder: Path, content: dict[str, Any], name: str = "deny-leaving") -> None:
    (folder / f"policies/{name}.json").write_text(json.dumps(content, indent=2))


def test_an_unknown_name_is_accepted_by_what_is_printed_behind_it(valid: Path) -> None:
    """An unknown service is a slip, whose Deny denies nobody, or a new one."""
    actions = ["s3:GetObjects", "s3:GetObjekt", "soontobe:Launch"]
    deny(valid, document(Action=actions, Condition={"Null": {"s3:new": "true"}}))
    for count in (4, 3, 2, 1):
        faults = errors(valid)
        assert len(faults) == count
        accept(valid, faults[0])
    assert warnings(load(valid)) == []


def test_what_is_accepted_until_a_day_is_told_from_the_next_on(valid: Path, said: Said) -> None:
    """Without a day to look from nothing ends, since a check that reads the clock fails by itself."""
    import datetime as dt

    last, next_ = dt.date(2027, 1, 31), dt.date(2027, 2, 1)
    deny(valid, document(Action="s3:GetObjects"))
    accept(valid, errors(valid)[0], ", until: 2027-01-31")
    organization = valid / "organization.yaml"
    text = organization.read_text().replace(
        "policies:\n", "trusted_services:\n  - shiled.amazonaws.com\npolicies:\n", 1
    )
    organization.write_text(text)
    (warning,) = warnings(load(valid))
    accept(valid, warning, ", until: 2027-01-31")

    assert warnings(load(valid)) == warnings(load(valid, last), last) == []
    with pytest.raises(ConfigurationError) as refused:
        load(valid, next_)
    (fault,) = said(refused)
    assert (fault.id, fault.data["value"], fault.data["accepted_until"]) == (
        "unknown-action", "s3:GetObjects", "2027-01-31"
    )  # fmt: skip
    (over,) = found_warnings(load(valid), next_)
    assert (over.finding, over.over) == ("unknown-service-principal", "2027-01-31")


def test_an_entry_that_accepts_nothing_is_a_warning(valid: Path, said: Said) -> None:
    (valid / "accepted.yaml").write_text(
        "- finding: unknown-action\n  at: policies/dev.json s3:Gone\n  reason: new\n"
        "- finding: unattached-policy\n  at: groups.admins\n  reason: to come\n"
    )
    assert [(one.id, one.place, one.data) for one in said(warnings(load(valid)))] == [
        (
            "unused-acceptance",
            "accepted.yaml:1: accepted[1]",
            {"finding": "unknown-action", "at": "policies/dev.json s3:Gone"},
        ),
        ("unused-acceptance", "accepted.yaml:4: accepted[2]", {"finding": "unattached-policy", "at": "groups.admins"}),
    ]
    for _ in range(2):
        accept(valid, warnings(load(valid))[0])
    assert warnings(load(valid)) == []


def test_a_policy_for_service_linked_roles_is_refused_in_a_permission_set(valid: Path, said: Said) -> None:
    sso = valid / "sso.yaml"
    name = "aws-service-role/AWSSupportServiceRolePolicy"
    sso.write_text(sso.read_text().replace("inline: policies/dev.json", f"aws: {name}"))
    (fault,) = said(errors(valid))
    assert (fault.id, fault.place, fault.data) == (
        "service-linked-policy", "sso.yaml:16: permission_sets.Dev.policies[1].aws", {"policy": name}
    )  # fmt: skip


def test_everything_that_can_be_found_can_be_accepted() -> None:
    assert {*SPELLING, *LOCK_OUTS} <= set(FINDINGS)


@pytest.mark.parametrize("text", ["a b", "a, b", "a: b", "a #b", "[a]", "'a'", "on", "a\\b", "1", "é", "a\u202eb"])
def test_a_place_is_printed_as_yaml_reads_it_back(text: str) -> None:
    source_file = SourceFile("x")
    parse(f"- {{at: {scalar(text)}, reason: x}}\n- at: {scalar(text)}\n", source_file, "accepted")
    if text != "a\u202eb":
        assert [entry["at"] for entry in source_file.data["accepted"]] == [text, text]


def test_a_name_of_a_managed_policy_is_right_with_its_path_in_its_case() -> None:
    assert unknown_managed_policy("ReadOnlyAccess") is None
    assert unknown_managed_policy("ViewOnlyAccess") is None, "its path is missing: a warning"
    assert unknown_managed_policy("readonlyaccess")
    assert unknown_managed_policy("aws-service-role/ReadOnlyAccess") is None


def test_lines_of_json_are_those_of_its_values() -> None:
    document = JsonSourceFile("a.json", text='{\n"a": [1,\n\t[2, {"b:,}\\"": true}],\n"x\\/"], "c":\n{}\n}')
    places = [(), ("a",), ("a", 0), ("a", 1), ("a", 1, 0), ("a", 1, 1, 'b:,}"'), ("a", 2), ("c",), ("c", "none")]
    assert [document.line(place) for place in places] == [1, 2, 2, 3, 3, 3, 4, 4, 4]


@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}])
def test_a_document_of_an_old_version_is_a_warning_and_has_no_variables(
    valid: Path, version: dict[str, str], said: Said
) -> None:
    """AWS takes it, and compares `${...}` in it as text."""
    resource = "arn:aws:s3:::home/${unclosed"
    old = {**version, "Statement": document(Resource=resource)["Statement"]}
    (valid / "policies" / "dev.json").write_text(json.dumps(old))

    assert [(one.id, one.place) for one in said(warnings(load(valid)))] == [
        ("old-version", "policies/dev.json:1: Version")
    ]
    assert [*document_problems(document(Resource=resource), None)] != []


def test_an_empty_sid_is_no_sid() -> None:
    """Terraform's provider wrote one to every statement before 5.0."""
    empty = document(Sid="")
    empty["Statement"] *= 2

    assert [*document_problems(empty, PolicyType.SERVICE_CONTROL)] == []
    assert meaning(empty) == meaning({**document(), "Statement": document()["Statement"] * 2})
    assert [one.sid for one in statements(empty)] == ["1", "2"]
