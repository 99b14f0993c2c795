"""Who has which permission set in which account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config import SSO
from strata.errors import Message
from strata.kinds import cli
from strata.kinds.arguments import Attributes, text
from strata.kinds.at_aws import Inventory, LiveAssignment
from strata.kinds.kind import AlreadyExists, Ask, Ids, Key, Kind, Resource
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AtAws, Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant

_TYPE = "aws_ssoadmin_account_assignment"


def assignment_id(assignment: tuple[str, str, str, str], instance: str) -> str:
    """Returns the import id of an account assignment."""
    account, permission_set, principal_type, principal = assignment
    return f"{principal},{principal_type},{account},AWS_ACCOUNT,{permission_set},{instance}"


def _is_given(ask: Ask) -> bool:
    """Returns whether AWS has an assignment already: Control Tower gives its own in each account that it opens.

    What somebody has is asked first, once for all accounts; it may be behind, and Terraform asks about the account.
    """
    values, center = ask.values, ask.center
    account, arn, principal = values["target_id"], values["permission_set_arn"], values["principal_id"]
    listed = ask.once(center.assignments_of, values["principal_type"], principal)
    if (account, arn) not in {(given["AccountId"], given["PermissionSetArn"]) for given in listed}:
        return False
    return principal in {given["PrincipalId"] for given in ask.once(center.assignments_in, arn, account)}


def name_of(permission_set: str, principal_type: str, principal: str, account: str) -> str:
    """Returns the name of an assignment."""
    return f"{permission_set} of {principal_type.lower()} {principal} in {account}"


def _in_states(recorded: Mapping[str, Attributes]) -> Iterator[Thing]:
    for name, attributes in recorded.items():
        match name.split("_"):
            case [account, permission_set, principal_type, principal]:
                words = name_of(permission_set, principal_type, principal, account)
                ids = {
                    "account": text(attributes, "target_id"),
                    "principal": text(attributes, "principal_id"),
                    "arn": text(attributes, "permission_set_arn"),
                }
                yield Thing("assignment", words, {"principal": "there"}, ids=ids)


_NOBODY_HAS_IT = Message("principal-deleted", "its user or group was deleted, so that nobody has it")


def _live(aws: AtAws) -> Iterator[Thing]:
    """Yields who has what where: what a state has by its ids is called as there, whatever became of the principal.

    A principal that was deleted comes first, so that the living counts where both are called alike.
    """
    recorded = _in_states(aws.attributes.get(_TYPE, {}))
    deployed = {(thing.ids["account"], thing.ids["arn"], thing.ids["principal"]): thing.name for thing in recorded}
    for center in aws.inventory.centers:
        for assignment in (*sorted(center.orphans), *sorted(center.assignments)):
            id = assignment_id(assignment, center.instance)
            if aws.is_elsewhere(_TYPE, id):
                continue
            account, arn, principal_type, principal = assignment
            deleted, who = assignment in center.orphans, aws.principal(principal)
            if deleted:  # its key, where the state has it and no other has the key by now
                kind: Key = "user" if principal_type == "USER" else "group"
                users = aws.attributes.get(f"aws_identitystore_{kind}", {})
                had = next((key for key, user in users.items() if user.get(f"{kind}_id") == principal), None)
                who = had if had and had not in aws.known[kind].values() else principal
            name = name_of(aws.permission_set(arn), principal_type, who, aws.account(account))
            yield Thing(
                "assignment",
                deployed.get((account, arn, principal), name),
                {"principal": "deleted" if deleted else "there"},
                ids={"account": account, "arn": arn, "principal": principal},
                undo=(_taken(aws, assignment),),
                note=_NOBODY_HAS_IT if deleted else "",
                external=aws.is_external_set(arn),
            )


def _taken(aws: AtAws, assignment: LiveAssignment) -> str:
    return aws.cli.admin(
        "delete-account-assignment",
        target_type="AWS_ACCOUNT",
        target_id=assignment.account,
        permission_set_arn=assignment.permission_set,
        principal_type=assignment.principal_type,
        principal_id=assignment.principal,
    )


def _addresses(zone: LandingZone) -> Iterator[tuple[Grant, str]]:
    for grant in zone.grants:
        names = grant.account, grant.permission_set, grant.principal_type.lower(), grant.principal
        yield grant, f"{_TYPE}.{'_'.join(names)}"


def _wanted(zone: LandingZone, inventory: Inventory, ids: Ids) -> Iterator[tuple[str, str]]:
    for center in inventory.centers:
        for grant, address in _addresses(zone):
            kind: Key = "group" if grant.principal_type == "GROUP" else "user"
            account, arn = ids["account"].get(grant.account), ids["permission-set"].get(grant.permission_set)
            if account and arn and (principal := ids[kind].get(grant.principal)):
                yield address, assignment_id((account, arn, grant.principal_type, principal), center.instance)


def _given(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for center in inventory.centers:
        for assignment in center.assignments | center.orphans:
            yield _TYPE, assignment_id(assignment, center.instance)


ASSIGNMENT = Kind(
    "assignment",
    "sso",
    (
        Resource(
            _TYPE,
            "<principal id>,<GROUP or USER>,<account id>,AWS_ACCOUNT,<permission set ARN>,<instance ARN>[@<region>]",
            keys=("account", "permission-set"),
            branches={"group": "group", "user": "user"},
            references=("target_id", "permission_set_arn", "principal_id"),
            existing=AlreadyExists(
                f"already exists|{CONFLICT}",
                "{principal_id},{principal_type},{target_id},{target_type},{permission_set_arn},{instance_arn}",
                early=_is_given,
                regional=True,
            ),
        ),
    ),
    addresses=lambda zone: (address for _, address in _addresses(zone)),
    declared=lambda zone: (
        Thing(
            "assignment",
            name_of(grant.permission_set, grant.principal_type, grant.principal, grant.account),
            {"principal": "there"},
            SSO,
            locations[0],
        )
        for grant, locations in zone.grants.items()
    ),
    recorded=lambda states: _in_states(states.of(_TYPE)),
    live=_live,
    wanted=_wanted,
    import_ids=_given,
)


def _entitlements(aws: AtAws) -> Iterator[Thing]:
    entitlements = aws.inventory.entitlements
    for entitlement in entitlements if aws.inventory.center and not isinstance(entitlements, str) else ():
        name, id, undo = f"{entitlement.role} of {aws.principal(entitlement.principal)}", entitlement.id, cli.Lines()
        if id:  # a role may be given twice
            ids = {"application_arn": entitlement.application, "entitlement_id": id}
            undo = (cli.line("account-access", "delete-entitlement", **ids, region=aws.cli.region),)
        yield Thing("entitlement", f"{name} ({id})" if id else name, ids={"id": id}, undo=undo)


ENTITLEMENT = Kind(
    "entitlement",
    "sso",
    live=_entitlements,
)
"""What Account access manager gives beside permission sets; no provider has a resource for it."""
