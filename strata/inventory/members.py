"""Reads what accounts have of that which they may inherit: alternate contacts, and settings inside of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws, AwsError, asked_at_once
from strata.config.models import Project
from strata.kinds.arguments import Attributes
from strata.kinds.control import contact_now
from strata.kinds.kind import Kind
from strata.kinds.members.alias import ALIAS
from strata.kinds.members.ebs_encryption import VOLUMES
from strata.kinds.members.password_policy import PASSWORDS
from strata.kinds.members.serial_console import CONSOLE
from strata.kinds.members.vpc import INTERNET

CONTACTS, SETTINGS = "contacts", "settings"
"""The parts that may be unread, each for an account."""
TYPES = ("billing", "operations", "security")
REGIONAL: dict[str, Kind] = {
    "ebs_encryption": VOLUMES,
    "serial_console_access": CONSOLE,
    "vpc_public_access": INTERNET,
}
"""Settings of baseline.yaml that a plan imports, those that each region has."""
OF_ACCOUNT: dict[str, Kind] = {"password_policy": PASSWORDS, "account_alias": ALIAS}
"""Those that an account has."""


@dataclass(frozen=True)
class LiveMembers:
    """What accounts have, by id; of an account that could not be read it has nothing.

    Attributes:
        contacts: alternate contacts by type; AWS may have none of a type.
        settings: by key of baseline.yaml and region, which is empty for what the account has.
        unread: AWS's words, by part and account.
    """

    contacts: Mapping[str, Mapping[str, Attributes]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Mapping[str, Attributes]]] = field(default_factory=dict)
    unread: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read_members(
    aws: Aws,
    enter: Callable[[str], Aws],
    project: Project,
    regions: Mapping[str, tuple[str, ...]],
    told: Callable[[int], None] = lambda _: None,
) -> LiveMembers:
    """Returns what accounts have.

    Args:
        aws: the management account, which knows the contacts.
        enter: returns AWS as the access role of a member account sees it, by id.
        project: its id and governed regions.
        regions: the governed regions that each account has enabled, by id, the management account among them.
        told: called with the number of accounts that were read.

    Raises:
        AwsError: the caller's own credentials cannot be used.
    """
    own, done = project.management_account.id, [0]

    def contacts(account: str) -> dict[str, Attributes]:
        of: dict[str, Any] = {} if account == own else {"account_id": account}
        asked = {type: of | {"alternate_contact_type": type.upper()} for type in TYPES}
        ask = partial(ResourceQuestion, aws, project, accounts={account})
        answers = {type: contact_now(ask(values=values)) for type, values in asked.items()}
        return {type: answer for type, answer in answers.items() if answer}

    def settings(account: str) -> dict[str, dict[str, Attributes]]:
        if account == own:
            return {}
        inside, found = enter(account), dict[str, dict[str, Attributes]]()
        for key, kind in (REGIONAL | OF_ACCOUNT).items():
            asked = regions[account] if key in REGIONAL else ("",)
            ask = partial(ResourceQuestion, inside, project, account=account)
            answers = {region: kind.asked(ask(values={"region": region})) for region in asked if kind.asked}
            found[key] = {region: answer for region, answer in answers.items() if answer}
        return found

    def ask(account: str) -> dict[str, Any]:
        answers = {CONTACTS: _unless_refused(contacts, account), SETTINGS: _unless_refused(settings, account)}
        done[0] += 1
        told(done[0])
        return answers

    answers = dict(zip(regions, asked_at_once(ask, regions), strict=True))
    refused = {
        (part, id): str(answer)
        for id, its in answers.items()
        for part, answer in its.items()
        if isinstance(answer, AwsError)
    }
    contacts_, settings_ = (
        {id: its[part] for id, its in answers.items() if (part, id) not in refused} for part in (CONTACTS, SETTINGS)
    )
    return LiveMembers(contacts_, settings_, refused)


def _unless_refused(question: Callable[[str], Any], account: str) -> Any:
    """Returns the answer about an account, or the error that concerns nothing but the account."""
    try:
        return question(account)
    except AwsError as error:
        if error.args[0].id == "sign-in-expired":
            raise
        return error
