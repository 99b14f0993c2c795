"""By whom a difference was made, as far as CloudTrail's event history of the management account tells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from strata.aws.session import AwsError, named
from strata.config.models import Project
from strata.drift import facts
from strata.drift.comparison import Difference, How
from strata.drift.event_history import DAYS, Event, History
from strata.errors import Message
from strata.kinds.organization import ROOT_FEATURES
from strata.kinds.setting import key_of
from strata.kinds.thing import Thing

MOST = 50
"""So many differences are looked up."""

Clues = Sequence[Sequence[str]]
"""Texts that an event has all of: those of one of these lists."""
_GLOBAL = "us-east-1"
"""Where the events of Organizations, IAM and account management are:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html"""


@dataclass(frozen=True)
class Author:
    """Who made a difference.

    Attributes:
        by: the ARN; empty where nothing was found.
        event: the event by which.
        unknown: why it is not known.
    """

    by: str = ""
    at: dt.datetime | None = None
    event: str = ""
    unknown: Message | Literal[""] = ""


def authors(history: History, project: Project, differences: Sequence[Difference]) -> Iterator[Author]:
    """Yields who made each difference, as long as it is asked for."""
    refused: Message | None = None
    for number, one in enumerate(differences):
        if number >= MOST:
            yield Author(unknown=Message("too-many-differences", f"not asked: only the first {MOST} are", limit=MOST))
        elif refused:
            yield Author(unknown=refused)
        else:
            try:
                with named(project.management_account.id):
                    author = _author(history, project, one)
                yield author
            except AwsError as error:
                (refused,) = error.args
                yield Author(unknown=refused)


def _author(history: History, project: Project, one: Difference) -> Author:
    found = list[Event]()
    for region in _regions(project, one):
        for name in _names(one):
            fitting = (each for each in history.events(region, name) if _fits(each, _clues(one)))
            found += [each for each in [next(fitting, None)] if each]
    if not found:
        text = f"no event of the last {DAYS} days in the management account tells"
        return Author(unknown=Message("no-event", text, days=DAYS))
    last = max(found, key=lambda each: each.at)
    return Author(last.by, last.at, last.name)


def _fits(event: Event, clues: Clues) -> bool:
    return any(event.words.issuperset(some) for some in clues)


def _regions(project: Project, one: Difference) -> list[str]:
    if one.kind == facts.CONTROL and one.name == "trail":
        return [project.regions.primary]
    if one.kind in (facts.SETTING, facts.CONTROL):
        region = one.name.partition(" in ")[2]
        return [region] if region else list(dict.fromkeys([_GLOBAL, project.regions.primary]))
    return [project.identity_center_region if facts.STACKS[one.kind] == "sso" else _GLOBAL]


# What to look for


def _names(one: Difference) -> Sequence[str]:
    """Returns the events that may have made a difference; the console and the API of people have some of their own."""
    if one.kind == facts.ASSIGNMENT and one.attribute:
        return ("DeleteUser", "DeleteGroup")
    if one.kind in (facts.SETTING, facts.CONTROL):
        return _OF_SETTINGS.get(key_of(one.name), ())
    if one.kind == facts.ACCOUNT and one.how is How.CHANGED:
        return _OF_ACCOUNTS[one.attribute]
    if one.kind in (facts.ACCOUNT, facts.SET, facts.POLICY, facts.UNIT) and one.attribute == "tags":
        return ("TagResource", "UntagResource")
    if one.kind == facts.ROOT_FEATURE:
        done = "Disable" if one.how is How.GONE else "Enable"
        return tuple(f"{done}Organizations{each}" for each in ROOT_FEATURES)
    return _EVENTS[one.kind][How.MADE if one.how is How.LEFT else one.how]


_OF_ACCOUNTS: Mapping[str, Sequence[str]] = {
    "name": ("PutAccountName",),
    "email": ("AcceptPrimaryEmailUpdate", "StartPrimaryEmailUpdate"),
    "unit": ("MoveAccount",),
    "state": ("CloseAccount",),
    "tags": ("TagResource", "UntagResource"),
}
_OF_SETTINGS: Mapping[str, Sequence[str]] = {
    "ebs_encryption": ("EnableEbsEncryptionByDefault", "DisableEbsEncryptionByDefault"),
    "instance_metadata": ("ModifyInstanceMetadataDefaults",),
    "snapshot_public_access": ("EnableSnapshotBlockPublicAccess", "DisableSnapshotBlockPublicAccess"),
    "image_public_access": ("EnableImageBlockPublicAccess", "DisableImageBlockPublicAccess"),
    "s3_public_access": ("PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"),
    "trail": ("StopLogging", "UpdateTrail", "DeleteTrail", "StartLogging"),
    "budget": ("UpdateBudget", "UpdateNotification", "UpdateSubscriber", "DeleteBudget", "ModifyBudget"),
    "access_analyzer": ("DeleteAnalyzer",),
    "alternate_contacts": ("PutAlternateContact", "DeleteAlternateContact"),
    "password_policy": ("UpdateAccountPasswordPolicy", "DeleteAccountPasswordPolicy"),
}


def _of(
    word: str, change: str = "Update{}", made: str = "Create{}", gone: str = "Delete{}"
) -> dict[How, Sequence[str]]:
    """Returns the events of a kind: what is changed may have been deleted and made again."""
    making = tuple(made.format(one) for one in word.split("|"))
    changing = tuple(change.format(one) for one in word.split("|"))
    taking = tuple(gone.format(one) for one in word.split("|"))
    return {How.MADE: making, How.GONE: taking, How.CHANGED: tuple(dict.fromkeys((*changing, *making)))}


_ATTRIBUTES = "InstanceAccessControlAttributeConfiguration"
_POLICIES_OF_SET = "ManagedPolicyToPermissionSet|CustomerManagedPolicyReferenceToPermissionSet"
_FROM_SET = ("DetachManagedPolicyFromPermissionSet", "DetachCustomerManagedPolicyReferenceFromPermissionSet")
_EVENTS: Mapping[str, Mapping[How, Sequence[str]]] = {
    facts.ACCOUNT: {
        How.MADE: ("CreateAccountResult", "CreateAccount", "AcceptHandshake", "InviteAccountToOrganization"),
        How.GONE: ("RemoveAccountFromOrganization", "LeaveOrganization"),
    },
    facts.UNIT: _of("OrganizationalUnit"),
    facts.POLICY: _of("Policy"),
    facts.POLICY_TYPE: _of("PolicyType", made="Enable{}", gone="Disable{}"),
    facts.ATTACHMENT: _of("Policy", made="Attach{}", gone="Detach{}"),
    facts.TRUSTED: _of("AWSServiceAccess", made="Enable{}", gone="Disable{}"),
    facts.DELEGATED: _of("DelegatedAdministrator", made="Register{}", gone="Deregister{}"),
    facts.USER: _of("User"),
    facts.GROUP: _of("Group"),
    facts.MEMBERSHIP: {
        How.MADE: ("CreateGroupMembership", "AddMemberToGroup"),
        How.GONE: ("DeleteGroupMembership", "RemoveMemberFromGroup"),
        How.CHANGED: ("CreateGroupMembership", "AddMemberToGroup"),
    },
    facts.ATTRIBUTE: {
        How.MADE: (f"Create{_ATTRIBUTES}", f"Update{_ATTRIBUTES}"),
        How.GONE: (f"Delete{_ATTRIBUTES}", f"Update{_ATTRIBUTES}"),
        How.CHANGED: (f"Create{_ATTRIBUTES}", f"Update{_ATTRIBUTES}"),
    },
    facts.SET: _of("PermissionSet"),
    facts.SET_POLICY: {**_of(_POLICIES_OF_SET, made="Attach{}"), How.GONE: _FROM_SET},
    facts.INLINE: {
        **_of("InlinePolicyToPermissionSet", change="Put{}", made="Put{}"),
        How.GONE: ("DeleteInlinePolicyFromPermissionSet",),
    },
    facts.BOUNDARY: {
        **_of("PermissionsBoundaryToPermissionSet", change="Put{}", made="Put{}"),
        How.GONE: ("DeletePermissionsBoundaryFromPermissionSet",),
    },
    facts.ASSIGNMENT: _of("AccountAssignment"),
    facts.ENTITLEMENT: _of("Entitlement"),
}


def _clues(one: Difference) -> Clues:
    """Returns the texts by which an event is about a difference, as its ids at AWS and in the state have them."""
    found = [_ids(each) for each in (one.live, one.recorded) if each]
    return [each for some in found for each in some] or [()]


def _ids(fact: Thing) -> Clues:
    if fact.kind in (facts.ROOT_FEATURE, facts.ATTRIBUTE, facts.SETTING, facts.CONTROL):
        return [()]
    if fact.kind in (facts.TRUSTED, facts.POLICY_TYPE):
        return [(fact.name,)]
    if fact.kind == facts.MEMBERSHIP:  # its deletion names it by its id alone
        return [[fact.ids[name] for name in names] for names in (("group", "user"), ("id",)) if fact.ids.get(names[0])]
    return [[value for name, value in fact.ids.items() if name in _OF_EVENTS and value]]


_OF_EVENTS = frozenset({"id", "account", "service", "policy", "target", "arn", "principal", "name"})
"""The ids of a fact that an event of it names."""
