"""Import ids of what AWS numbers itself, looked up by name; the whole way is in tests/engine/test_survival.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from strata.commands.deploy import applied
from strata.commands.deploy_errors import failures
from strata.commands.leftovers import Directory, Named
from strata.commands.recovery import Clients, import_id_of
from strata.config import load
from strata.session import Aws
from tests.synthesized import CHECKOUT

STORE = "d-9067000000"
INSTANCE = "arn:aws:sso:::instance/ssoins-7223000000000000"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    """The clients of an account with one user in one group, and 120 permission sets."""
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Aws(profile=None, region="us-east-1").client


def made(clients: Clients) -> dict[str, Any]:
    store = clients("identitystore")
    group = store.create_group(IdentityStoreId=STORE, DisplayName="devops")["GroupId"]
    user = store.create_user(
        IdentityStoreId=STORE, UserName="jane", DisplayName="Jane", Name={"GivenName": "Jane", "FamilyName": "Doe"}
    )["UserId"]
    member = {"UserId": user}
    membership = store.create_group_membership(IdentityStoreId=STORE, GroupId=group, MemberId=member)["MembershipId"]
    for number in range(120):
        last = clients("sso-admin").create_permission_set(InstanceArn=INSTANCE, Name=f"Set{number}")
    return {
        "aws_identitystore_group": ({"display_name": "devops"}, f"{STORE}/{group}"),
        "aws_identitystore_group_membership": ({"group_id": group, "member_id": user}, f"{STORE}/{membership}"),
        "aws_identitystore_user": ({"user_name": "jane"}, f"{STORE}/{user}"),
        "aws_ssoadmin_permission_set": (
            {"name": "Set119"},
            f"{last['PermissionSet']['PermissionSetArn']},{INSTANCE}",
        ),
    }


def test_what_has_a_name_is_found_on_whatever_page(clients: Clients) -> None:
    things = made(clients)
    zone = load(CHECKOUT / "strata/template")
    directory = Directory(zone, {}, {}, clients("identitystore"), clients("sso-admin"), STORE, INSTANCE)
    named = {
        "aws_identitystore_group": Named("group", "devops", "DevOps", ()),
        "aws_identitystore_user": Named("user", "jane", "Jane", ()),
        "aws_ssoadmin_permission_set": Named("permission-set", "Set119", "Set119", ()),
    }

    for type, thing in named.items():
        assert directory.import_id(thing) == things[type][1], type
    assert directory.import_id(Named("permission-set", "Set119", "set119", ())) is None


def test_a_membership_is_found_by_its_group_and_member(clients: Clients) -> None:
    """Also what the plan does not know yet: the id of a group that is to be imported first."""
    values, import_id = made(clients)["aws_identitystore_group_membership"]
    where = {"identity_store_id": STORE, "instance_arn": INSTANCE}

    assert import_id_of("aws_identitystore_group_membership", {**where, **values}, clients) == import_id
    assert import_id_of("aws_identitystore_group_membership", where, clients) is None


def test_the_end_of_an_apply_is_found_in_a_broken_line() -> None:
    """Cdktf passes on what it gets in pieces, and a piece may end in the middle of a line."""
    whole = "Apply complete! Resources: 1 imported, 12 added, 0 changed, 2 destroyed."
    counts = {"imported": 1, "added": 12, "changed": 0, "destroyed": 2}

    for at in range(len(whole)):
        assert applied(f"security: done\n{whole[:at]}\n{whole[at:]}\nOutputs:\n") == counts, at

    assert applied("Apply complete! Resources: 1 imported") is None


def test_an_error_in_two_pieces_keeps_its_address() -> None:
    """Without the address, what exists already could not be imported."""
    text = "creating Group (builders): ConflictException: there is one of that name"
    where = "with aws_identitystore_group.builders (IdentitystoreGroup.builders),\n  on cdk.tf.json line 9, in resource"
    error = f"Error: {text}\n\n  {where}"
    count = "\n\n\n1 Stack deploying     0 Stacks done     0 Stacks waiting\n"

    for at in range(len("Error: "), error.index(" cdk.tf.json")):
        pieces = f"{error[:at]}{count}{error[at:]}{count}"
        (failure,) = failures(f"{pieces}\n\n0 Stacks deploying\nInvoking Terraform CLI failed\n")
        assert failure.address == "aws_identitystore_group.builders", at
        assert "".join(failure.text.split()).startswith("".join(text.split())), at
