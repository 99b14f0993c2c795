"""Texts: what AWS's own API models take is taken, but for characters nobody sees; lengths and patterns are theirs."""

from __future__ import annotations

import gzip
import json
import re
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import pytest

from strata.config import types
from strata.config.limits import aws_limits
from strata.config.text import Problem, Text, is_visible, matches, short, text_problem, unseen
from strata.kinds import RESOURCES
from strata.kinds.import_ids import check_import_id
from tests.synthesized import CHECKOUT

KINDS: dict[str, Text] = {
    name: part
    for name, kind in vars(types).items()
    for part in getattr(kind, "__metadata__", ())
    if isinstance(part, Text)
}
OF_CHARACTERS = {
    **{
        name: f"organizations {name}"
        for name in ("PolicyDescription", "TagKey", "TagValue", "OrganizationalUnitName", "PolicyName")
    },
    **dict.fromkeys(("PersonName", "GroupDescription"), "identitystore SensitiveStringType"),
    "UserName": "identitystore UserName",
    "GroupName": "identitystore GroupDisplayName",
    "SessionTag": "sso-admin AccessControlAttributeKey",
    "PermissionSetDescription": "sso-admin PermissionSetDescription",
}
"""Kinds of which AWS says nothing but the characters, and the shape of its API model of each."""

NOT_OURS = {
    **dict.fromkeys(("PersonName", "GroupName", "OrganizationalUnitName", "PolicyName"), "\t\n\r"),
    "SessionTag": "\u2028\u2029",
}
"""Characters that AWS takes and we do not: no name is meant to have a line break."""


@pytest.mark.parametrize("name", OF_CHARACTERS)
def test_every_visible_character_that_aws_takes_is_taken_and_no_other(name: str) -> None:
    kind, model = KINDS[name], shape(OF_CHARACTERS[name])
    pattern = model["pattern"].strip("^$")
    assert kind.limit
    assert aws_limits()[kind.limit].value <= model.get("max", sys.maxsize)
    differ = []
    for code in (*range(0x3100), *range(0xF900, 0x10000), *range(0x1F300, 0x1F700), *range(0xE0000, 0xE0200)):
        text = f"x{chr(code)}"
        taken = unseen(text) is None and chr(code) not in NOT_OURS.get(name, "") and matches(pattern, text)
        if taken and unicodedata.normalize("NFC", text) == text and takes(kind, text) != taken:
            differ.append(hex(code))
        if takes(kind, text) and not matches(pattern, text):
            differ.append(hex(code))
    assert differ == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RootEmail", "aws+shop.$x{y}@sub.acme-corp.io"),
        ("Email", "o'neil+x#1@acme.co.uk"),
        ("PersonEmail", "jörg.müller@straße.example"),
        ("PersonEmail", "山田@例え.jp"),
        ("CostEmail", "a{b}|c@acme_corp.io"),
        ("ContactEmail", "a#b!&c.@acme.io"),
        *(
            ("PortalUrl", url)
            for url in (
                "https://d-1234567890.awsapps.com/start",
                "https://d-1234567890.awsapps.com/start/",
                "https://acme-corp.awsapps.com/start#/",
                "https://ssoins-1234567890abcdef.portal.eu-west-1.app.aws",
                "https://ssoins-1234567890abcdef.portal.eu-west-1.app.aws/",
                "https://ssoins-1234567890abcdef.eu-west-1.portal.amazonaws.com",
                "https://identitycenter.amazonaws.com/ssoins-1234567890abcdef",
            )
        ),
        *(
            ("RelayState", url)
            for url in (
                "https://console.aws.amazon.com",
                "https://console.aws.amazon.com/billing/",
                "https://eu-central-1.console.aws.amazon.com/athena/home?region=eu-central-1#x/~'a*b",
                "https://s3.console.aws.amazon.com/s3/buckets/a?prefix=b%2Fc",
                "https://us-east-1.quicksight.aws.amazon.com/sn/start",
                "https://health.aws.amazon.com/health/home",
            )
        ),
        ("PersonName", "\u00c5sa\u00a0Maria O\u2019Neill\u3000\u5c71\u7530"),
        ("GroupName", "\u2764\ufe0f \U0001f680 \u0905\u0928\u094d\u0928\u093e 1\ufe0f\u20e3"),
        ("GroupDescription", "two\n\tlines"),
        ("PolicyDescription", ""),
        ("TagValue", ""),
        ("IdentityAttribute", '${path:emails[primary eq "true"].value}'),
    ],
)
def test_what_aws_takes_is_taken(name: str, text: str) -> None:
    assert KINDS[name].check(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("a\x00", "a\x1b[0m", "a\x7f", "a\x85", "a\x9b"),
        *("a\u200bb", "a\u200db", "a\u202eb", "a\u2066b", "a\u00adb", "a\ufeffb", "a\u061cb", "a\u180eb"),
        *("a\u2028b", "a\u2029b", "a\ue000b", "a\U000f0000b", "a\uffffb", "a\U0001fffeb", "a\u0378b", "a\ud800b"),
        *("a\U000e0041b", "\ufe0f", "a\ufe0f", "\u2764\ufe0f\ufe0f", "a\U000e0100", "a\u3164b", "a\u034fb", "a\u115fb"),
    ],
)
def test_what_nobody_sees_is_refused_and_named(text: str) -> None:
    found = text_problem(text)
    assert found
    assert found.problem.id == "invisible-character"
    assert re.fullmatch(r"U\+[0-9A-F]{4,6}", found.problem.data["character"])
    assert found.problem.isprintable()
    for kind in (KINDS["PolicyDescription"], KINDS["Reason"]):
        assert not takes(kind, text)


def test_what_is_drawn_as_nothing_is_no_name() -> None:
    assert not any(map(is_visible, ("", " ", "\u00a0", "\u3000\u2003", "\u2800", "\u0301", "\t\n")))
    assert all(map(is_visible, ("a", "\u2764\ufe0f", "-", "\u0905")))


@pytest.mark.parametrize("value", ["x" * 5000, "\u202e" * 5000, "\n" * 70, ["x"] * 5000, {"k": "v" * 5000}])
def test_a_fault_quotes_sixty_characters(value: object) -> None:
    assert len(short(value)) <= 60
    assert short(value).isprintable()


# Import ids

SET, INSTANCE = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef", "ssoins-1234567890abcdef"
PERSON, ARN = "11111111-2222-3333-4444-555555555555", f"arn:aws:sso:::instance/{INSTANCE}"
IDS = {
    "aws_accessanalyzer_analyzer": ("acme-organization", "acme-organization@eu-west-1"),
    "aws_account_alternate_contact": ("BILLING", "/BILLING", "210987654321/SECURITY"),
    "aws_budgets_budget": ("210987654321:monthly", "210987654321:My budget"),
    "aws_ce_anomaly_monitor": (f"arn:aws:ce::210987654321:anomalymonitor/{PERSON}",),
    "aws_cloudtrail": ("arn:aws:cloudtrail:eu-west-1:210987654321:trail/acme",),
    "aws_cloudwatch_event_rule": ("rule", "default/rule", "rule@us-east-1"),
    "aws_cloudwatch_event_target": ("rule/mail", "default/rule/mail"),
    "aws_iam_role": ("acme-strata",),
    "aws_iam_role_policy_attachment": ("acme/arn:aws:iam::aws:policy/ReadOnlyAccess",),
    "aws_iam_openid_connect_provider": ("arn:aws:iam::210987654321:oidc-provider/token.actions.githubusercontent.com",),
    "aws_identitystore_group": (f"d-1234567890/{PERSON}", f"d-1234567890/1234567890-{PERSON}@eu-west-1"),
    "aws_kms_key": (PERSON,),
    "aws_organizations_delegated_administrator": ("210987654321/config.amazonaws.com",),
    "aws_organizations_policy_attachment": (
        "r-abcd:p-12345678",
        "ou-abcd-12345678:p-12345678",
        "210987654321:p-12345678",
    ),
    "aws_s3_bucket": ("acme-trail", "acme-trail@eu-west-1"),
    "aws_ssoadmin_account_assignment": (f"{PERSON},GROUP,210987654321,AWS_ACCOUNT,{SET},{ARN}",),
    "aws_ssoadmin_customer_managed_policy_attachment": (f"Boundary,/,{SET},{ARN}", f"B,/a/b/,{SET},{ARN}"),
    "aws_ssoadmin_managed_policy_attachment": (f"arn:aws:iam::aws:policy/job-function/Billing,{SET},{ARN}",),
    "aws_ssoadmin_permission_set": (f"{SET},{ARN}",),
    "aws_made_elsewhere": ("any-text/at:all",),
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in IDS.items() for text in texts])
def test_an_id_is_taken_as_the_importer_reads_it(kind: str, text: str) -> None:
    check_import_id(kind, text)


def test_every_type_of_the_stacks_has_a_form_or_no_importer() -> None:
    """A type that is new is not taken for one that another team's stack makes, whose ids are not checked."""
    made = {
        line.split(".")[0]
        for name in ("company", "shipped")
        for file in (CHECKOUT / "tests/golden" / name).rglob("*.txt")
        for line in file.read_text().split()
        if line.startswith("aws_")
    }

    assert made - RESOURCES.keys() == set()


@pytest.mark.parametrize("kind", sorted({*(type for type, one in RESOURCES.items() if one.form), "aws_made_elsewhere"}))
def test_an_id_with_spaces_an_expression_or_of_another_type_is_refused(kind: str) -> None:
    others = [ids[0] for other, ids in IDS.items() if other.startswith("aws_ssoadmin") and other != kind]
    strange = others if kind.startswith("aws_ssoadmin_account") else []
    for text in ("", " ", "a b c", "${file('x')}", "%{ if true }", "x" * 5000 + " ", "a\nb", *strange):
        with pytest.raises(Problem):
            check_import_id(kind, text)


# What the tests share


def takes(kind: Text, text: str) -> bool:
    try:
        kind.check(text)
    except Problem:
        return False
    return True


def shape(source: str) -> dict[str, Any]:
    """Returns a shape of the API model that botocore has of a service."""
    service, _, name = source.partition(" ")
    found: dict[str, Any] = model(service)[name]
    return found


@cache
def model(service: str) -> dict[str, Any]:
    folder = Path(botocore.__file__).parent / "data" / service
    file = max(folder.glob("*/service-2.json*"))
    data = file.read_bytes()
    shapes: dict[str, Any] = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)["shapes"]
    return shapes
