"""`strata drift --who` finds in CloudTrail's event history by whom a difference was made, and says where it cannot."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from strata.aws.session import Aws, AwsError
from strata.commands.drift import _history
from strata.drift.authors import MOST, Author, _names, authors
from strata.drift.comparison import ORDER, compare
from strata.drift.difference import Difference
from strata.drift.event_history import PAGES, Event, History
from strata.errors import Message
from strata.kinds.detection import OF_DETECTION
from strata.kinds.events import RESULTS
from strata.kinds.members import OF_ACCOUNTS
from strata.load import load
from strata.policy.reference import reference
from tests.organizations import MANAGEMENT, Organization, account, gone
from tests.organizations.deployed import DEPLOYED, SHOP
from tests.organizations.drifts import BY_HAND
from tests.synthesized import EVERY_OPTION

AT = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
JANE = f"arn:aws:sts::{MANAGEMENT}:assumed-role/AWSReservedSSO_Administrator_0123456789abcdef/jane"


def event(name: str, by: str = JANE, at: dt.datetime = AT, **asked: Any) -> dict[str, Any]:
    """Returns an event as LookupEvents has it."""
    whole = {"userIdentity": {"arn": by}, "requestParameters": asked.pop("asked", asked), **asked.pop("more", {})}
    return {"EventName": name, "EventTime": at, "Username": "jane", "CloudTrailEvent": json.dumps(whole)}


class Client:
    """CloudTrail in one region, with pages of two events."""

    def __init__(self, events: list[dict[str, Any]], asked: list[str]) -> None:
        self.events, self.asked = events, asked

    def lookup_events(self, LookupAttributes: Any, MaxResults: int, NextToken: str = "0") -> Any:  # noqa: N803
        (attribute,) = LookupAttributes
        assert (attribute["AttributeKey"], MaxResults) == ("EventName", 50)
        self.asked.append(attribute["AttributeValue"])
        found = [one for one in self.events if one["EventName"] == attribute["AttributeValue"]]
        start = int(NextToken)
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"Events": found[start : start + 2], **more}


class Told(History):
    """The history of an account as a test has it, by region."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, events: Mapping[str, list[dict[str, Any]]]) -> None:
        super().__init__(Aws(None, "us-east-1"))
        self.asked: list[str] = []
        self.regions: list[str] = []

        def client(_: Aws, service: str, region: str) -> Client:
            assert service == "cloudtrail"
            self.regions.append(region)
            return Client(events.get(region, []), self.asked)

        monkeypatch.setattr(Aws, "client", client)


def differences(there: Organization) -> tuple[Difference, ...]:
    return compare(there.zone, there.states, there.inventory).differences


def asked_who(history: History, *some: Difference) -> list[Author]:
    return list(authors(lambda _: history, DEPLOYED.model, some))


def test_the_last_event_about_the_very_thing_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one about another group, and not one that AWS refused."""
    (one,) = differences(BY_HAND["membership made"].there)
    bo = {"userId": DEPLOYED.id("user", "bo")}
    here = {"groupId": DEPLOYED.id("group", "admins"), "memberId": bo}
    other = {"groupId": DEPLOYED.id("group", "readers-of-it"), "memberId": bo}
    events = [
        event("CreateGroupMembership", "arn:of:eve", AT + dt.timedelta(days=3), asked=here, more={"errorCode": "No"}),
        event("CreateGroupMembership", "arn:of:bo", AT + dt.timedelta(days=2), asked=other),
        event("CreateGroupMembership", JANE, AT + dt.timedelta(days=1), asked=here),
        event("CreateGroupMembership", "arn:of:deployer", AT, asked=here),
    ]
    history = Told(monkeypatch, {"us-east-1": events})

    assert asked_who(history, one) == [Author(JANE, AT + dt.timedelta(days=1), "CreateGroupMembership")]


def test_what_nobody_finds_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    some = differences(BY_HAND["trusted service made"].there)

    (one,) = asked_who(Told(monkeypatch, {}), *some)

    assert isinstance(one.unknown, Message)
    assert (one.unknown.id, one.unknown.data) == ("no-event", {"days": 90})


def test_organizations_and_identity_center_are_asked_where_their_events_are(monkeypatch: pytest.MonkeyPatch) -> None:
    project = DEPLOYED.model.model_copy(deep=True)
    object.__setattr__(project.identity_center, "region", "eu-central-1")
    less = DEPLOYED.at_aws(
        [gone("service", key) for key in DEPLOYED.aws.of("service")],
        gone(one for one in DEPLOYED.aws.of("grant").values() if one["set"] != "Admin"),
    )
    some = [one for one in differences(less) if one.kind in ("assignment", "trusted service")]
    history = Told(monkeypatch, {})

    list(authors(lambda _: history, project, some))

    assert {*history.regions} == {"us-east-1", "eu-central-1"}
    assert len(history.asked) == len({*history.asked}) == 2, "each name once, whatever many differences there are"


def test_only_the_first_fifty_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = differences(BY_HAND["trusted service made"].there)
    made = event("EnableAWSServiceAccess", servicePrincipal="ssm.amazonaws.com")

    found = asked_who(Told(monkeypatch, {"us-east-1": [made]}), *([one] * (MOST + 1)))

    assert {each.by for each in found[:MOST]} == {JANE}
    told = found[MOST].unknown
    assert isinstance(told, Message)
    assert (told.id, told.data) == ("too-many-differences", {"limit": 50})


def test_who_may_not_ask_is_told_once_for_all() -> None:
    class Refusing(History):
        def __init__(self) -> None:
            self.times = 0

        def events(self, region: str, name: str) -> Iterator[Event]:
            self.times += 1
            raise AwsError(Message("aws-denied", "LookupEvents: no"), "AccessDeniedException")

    some = differences(BY_HAND["attachment made"].there)
    history = Refusing()

    found = asked_who(history, *some)

    assert [one.unknown for one in found] == ["LookupEvents: no"] * 2
    assert history.times == 1


def test_the_reading_ends_where_nothing_is_found_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [event("CreateGroup", groupId=str(number)) for number in range(4 * PAGES)]
    history = Told(monkeypatch, {"us-east-1": many})
    monkeypatch.setattr("strata.inventory.pace.time.sleep", lambda _: None)

    assert len(list(history.events("us-east-1", "CreateGroup"))) == 2 * PAGES
    assert len(list(history.events("us-east-1", "CreateGroup"))) == 2 * PAGES, "the pages are kept"
    assert len(history.asked) == PAGES


OTHERS = RESULTS
"""Events that are no actions."""


def test_each_kind_and_direction_has_its_events() -> None:
    """Each is an action that AWS knows, but for a few."""
    known = reference()
    actions = {
        action.name
        for service in ("organizations", "sso", "sso-directory", "identitystore", "iam", "account", "account-access")
        if (found := known.service(service))
        for action in found.actions
    }
    unknown, met = {}, set()
    for name, case in BY_HAND.items():
        for one in differences(case.there):
            met.add(one.kind)
            names = _names(one)
            if not names or (strange := {*names} - actions - OTHERS):
                unknown[name] = strange if names else {"none"}
    assert unknown == {}
    assert met == ORDER.keys() - {"setting", "control", *(kind.name for kind in (*OF_ACCOUNTS, *OF_DETECTION))}


def test_each_kind_in_accounts_has_events_that_aws_knows() -> None:
    known = reference()
    services = ("account", "backup", "budgets", "ec2", "elasticmapreduce", "events", "iam", "servicequotas", "ssm")
    actions = {
        action.name
        for name in (*services, "config", "guardduty", "kms", "s3")
        if (service := known.service(name))
        for action in service.actions
    }

    kinds = (*OF_ACCOUNTS, *OF_DETECTION)
    names = {name for kind in kinds for some in kind.events.values() for name in some}

    assert names - actions == BY_THE_CONSOLE


BY_THE_CONSOLE = {
    *("CreateBudget", "DeleteBudget", "UpdateBudget", "UpdateNotification"),
    *("DeleteBucketEncryption", "DeleteBucketPublicAccessBlock", "PutBucketEncryption"),
}
"""Operations of which IAM has another name."""


def test_an_undeclared_account_is_found_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """CreateAccountResult has it, of which nobody is the author: the request has one, and names no account."""
    (one,) = differences(BY_HAND["account made"].there)
    status = {"accountId": "000000000009", "state": "SUCCEEDED", "id": "car-9"}
    made = told_by_the_service("CreateAccountResult", createAccountStatus=status)
    begun = [
        event(
            "CreateAccount", by, more={"responseElements": {"createAccountStatus": {"id": id, "state": "IN_PROGRESS"}}}
        )
        for by, id in (("arn:of:bo", "car-8"), (JANE, "car-9"))
    ]

    (found,) = asked_who(Told(monkeypatch, {"us-east-1": [made, *begun]}), one)
    (alone,) = asked_who(Told(monkeypatch, {"us-east-1": [made]}), one)

    assert (found.by, found.event) == (JANE, "CreateAccount")
    assert (alone.by, alone.event) == ("AWS Internal", "CreateAccountResult")
    assert SHOP not in str(found)


def test_who_removed_an_account_is_told_and_of_one_that_left_by_itself_that_it_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LeaveOrganization stands in the history of the member; here the service tells alone, and last."""
    (one,) = [each for each in differences(BY_HAND["account gone"].there) if each.kind == "account"]
    id = account("a4").id
    removed = event("RemoveAccountFromOrganization", accountId=id)
    left = told_by_the_service("AccountDepartedOrganization", accountId=id)
    left["EventTime"] += dt.timedelta(seconds=3)

    found = [asked_who(Told(monkeypatch, {"us-east-1": some}), one)[0] for some in ([left, removed], [left])]

    assert [(each.by, each.event) for each in found] == [
        (JANE, "RemoveAccountFromOrganization"),
        ("AWS Internal", "AccountDepartedOrganization"),
    ]


def told_by_the_service(name: str, **details: Any) -> dict[str, Any]:
    """Returns an event of which nobody is the author."""
    whole = {"userIdentity": {"invokedBy": "AWS Internal"}, "serviceEventDetails": details}
    return {"EventName": name, "EventTime": AT, "CloudTrailEvent": json.dumps(whole)}


def test_a_member_that_aws_lists_no_more_has_no_history() -> None:
    zone = load(EVERY_OPTION)
    inventory = DEPLOYED.at_aws().inventory

    with pytest.raises(AwsError) as gone:
        _history(Aws(None, "us-east-1"), zone, inventory, "baseline_audit")

    assert [message.id for message in gone.value.args] == ["no-such-account"]
