"""`strata adopt --prune`: which lines of imports.yaml go, and how the file looks without them."""

from __future__ import annotations

import pytest

from strata.adoption.pruning import gone, lines_of, made
from strata.config.entries import without
from strata.errors import StrataError
from strata.kinds.at_aws import (
    Inventory,
    LiveAssignment,
    LiveCenter,
    LiveCustomerPolicy,
    LiveGroup,
    LiveOrganization,
    LivePermissionSet,
    LivePolicy,
    LiveUser,
)
from tests.said import Said

A, B = "aws_identitystore_group.a", "aws_identitystore_group.b"
TEXTS = {
    "plain": (f"# top\n\n{A}: d-1/1 # one\n# two\n{B}: d-1/2\n", f"# top\n\n# two\n{B}: d-1/2\n"),
    "quoted": (f"'{A}': \"d-1/1\"\n{B}: 'd-1/2'\n", f"{B}: 'd-1/2'\n"),
    "CRLF": (f"{B}: d-1/2\r\n{A}: d-1/1\r\n", f"{B}: d-1/2\r\n"),
    "the last": (f"# only\n{A}: d-1/1", "# only\n"),
    "on two lines": (f"{A}:\n  d-1/1\n{B}: d-1/2\n", f"{B}: d-1/2\n"),
    "folded": (f"{A}: >-\n  d-1/1\n{B}: d-1/2\n", f"{B}: d-1/2\n"),
    "folded, before a blank line": (f"{A}: >-\n  d-1/1\n\n{B}: d-1/2\n", f"{B}: d-1/2\n"),
    "between blank lines": (f"# top\n\n{A}: |\n  d-1/1\n\n{B}: d-1/2\n", f"# top\n\n{B}: d-1/2\n"),
    "the last of a part": (f"# top\n{A}: d-1/1\n\n{B}: d-1/2\n", f"# top\n\n{B}: d-1/2\n"),
    "none of them": (f"{B}: d-1/2\n", f"{B}: d-1/2\n"),
    "the only one": (f"{A}: d-1/1\n", "{}\n"),
}
UNTOUCHED = {
    "in one line": f"{{{A}: d-1/1, {B}: d-1/2}}\n",
    "with an alias": f"{A}: &one d-1/1\n{B}: *one\n",
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_a_line_goes_and_all_others_stay(text: str, expected: str) -> None:
    assert without(text, {A}, "imports.yaml") == expected


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED)
def test_a_file_that_cannot_be_edited_is_left_to_its_owner(text: str, said: Said) -> None:
    with pytest.raises(StrataError) as refused:
        without(text, {A}, "imports.yaml")

    assert [(one.id, one.place) for one in said(refused)] == [("not-editable", "imports.yaml"), ("take-out-by-hand", A)]


@pytest.mark.parametrize("text", ["- a\n", f"{A}: [\n", f"{A}: d-1/1\n{A}: d-1/2\n"])
def test_a_file_with_faults_is_left_to_check(text: str, said: Said) -> None:
    with pytest.raises(StrataError) as refused:
        lines_of(text)

    assert said.ids(refused) == ["file-has-faults"]


def test_a_line_that_keeps_tags_stays_though_it_is_made() -> None:
    assert made([A, B, "aws_cloudtrail.organization"], {A, "aws_cloudtrail.organization"}) == [A]


def test_the_line_of_a_setting_goes_once_it_is_made() -> None:
    """It has no tags, and no account is without it: it is never gone at AWS."""
    setting = "aws_iam_account_password_policy.main"
    organization = LiveOrganization("o-1", "r-1", "1", (), (), (), (), (), {})

    assert made([setting], {setting}) == [setting]
    assert gone({setting: "iam-account-password-policy"}, Inventory(organization, None)) == []


def test_what_aws_does_not_have_is_gone_and_what_was_not_read_is_not() -> None:
    instance, arn = "arn:aws:sso:::instance/i", "arn:aws:sso:::permissionSet/i/ps-1"
    inside = f"{arn},{instance}"
    live = {
        "aws_organizations_policy_attachment.a_root": "r-1:p-1",
        "aws_organizations_delegated_administrator.a": "111111111111/a.amazonaws.com",
        "aws_identitystore_user.a": "d-1/u@us-east-1",
        "aws_identitystore_group.a": "d-1/g",
        "aws_identitystore_group_membership.a_a": "d-1/m",
        "aws_ssoadmin_permission_set.a": inside,
        "aws_ssoadmin_permission_set_inline_policy.a": inside,
        "aws_ssoadmin_permissions_boundary_attachment.a": inside,
        "aws_ssoadmin_managed_policy_attachment.a_R": f"arn:aws:iam::aws:policy/R,{inside}",
        "aws_ssoadmin_customer_managed_policy_attachment.a_C": f"C,/p/,{inside}",
        "aws_ssoadmin_instance_access_control_attributes.main": instance,
        "aws_ssoadmin_account_assignment.a_a_group_a": f"g,GROUP,111111111111,AWS_ACCOUNT,{inside}",
        "aws_ssoadmin_account_assignment.a_a_user_a": f"x,USER,111111111111,AWS_ACCOUNT,{inside}",
    }
    policy = LivePolicy("p-1", "a", "SERVICE_CONTROL_POLICY", "", "{}", False, ("r-1",))
    organization = LiveOrganization(
        "o-1", "r-1", "1", (), (), (policy,), (), (), {"a.amazonaws.com": ("111111111111",)}
    )
    center = LiveCenter(
        instance,
        "d-1",
        "us-east-1",
        (LiveUser("u", "u", "U", "U", "U", (), external=False),),
        (LiveGroup("g", "g", "", external=False, members={"u": "m"}),),
        (
            LivePermissionSet(
                arn, "a", {}, ("arn:aws:iam::aws:policy/R",), (LiveCustomerPolicy("C", "/p/"),), "{}", "B"
            ),
        ),
        frozenset({LiveAssignment("111111111111", arn, "GROUP", "g")}),
        frozenset({LiveAssignment("111111111111", arn, "USER", "x")}),
        {},
    )
    dead = {address: f"x{id}" for address, id in live.items()}
    other = {"aws_cloudtrail.organization": "arn:aws:cloudtrail:us-east-1:1:trail/a"}

    assert gone(live | other, Inventory(organization, center)) == []
    assert gone(dead | other, Inventory(organization, center)) == list(dead)
    assert gone(dead | other, Inventory(organization, None)) == list(dead)[:2]


def test_a_line_of_what_the_reading_does_not_tell_stays() -> None:
    """The role of Access Analyzer is read by nobody, so that it is neither gone nor done with."""
    role = "aws_iam_service_linked_role.access-analyzer"
    organization = LiveOrganization("o-1", "r-1", "1" * 12, (), (), (), (), (), {})

    assert made([role], [role]) == []
    assert gone({role: "arn:aws:iam::111111111111:role/aws-service-role/x"}, Inventory(organization, None)) == []
