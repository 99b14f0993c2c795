"""Accounts, units, policies: moto's, with the refusals of AWS and what moto lacks."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from moto.organizations import models
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.organizations.utils import PAGINATION_MODEL

from tests.aws import late, memory, quotas
from tests.aws.calls import Call, Parameters, Refused, Service, mend, order, page

organizations = Service("organizations")
MANAGEMENT = "123456789012"
ACCOUNTS_AT_ONCE = 5
"""https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""
_SLOTS = {"SERVICE_CONTROL_POLICY": 10, "RESOURCE_CONTROL_POLICY": 5}
"""Policies of a type on one target, AWS's own counted; ten where nothing is said.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""
_DECLARATIVE = [
    *("DECLARATIVE_POLICY_EC2", "CHATBOT_POLICY", "SECURITYHUB_POLICY", "S3_POLICY", "INSPECTOR_POLICY"),
    "GUARDDUTY_POLICY",
]
_NEEDS = {"DECLARATIVE_POLICY_EC2": "ec2.amazonaws.com", "SECURITYHUB_POLICY": "securityhub.amazonaws.com"}
_DOCUMENT = 10240
_PAGE = 20
"""What AWS returns of a list at a time; moto returns a hundred accounts, and targets of a policy all at once."""
PAGINATION_MODEL["list_accounts"]["limit_default"] = _PAGE


@dataclass
class Progress:
    """What takes AWS a while, and what moto keeps no place for."""

    room: int | None = None
    """How many accounts AWS allows, where Service Quotas says another number: 'Newly created accounts and organizations
    might have a quota below 10' (https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html)."""
    creations: dict[str, Parameters] = field(default_factory=dict)
    quits: set[str] = field(default_factory=set)


@order("organization")
def adjust(*, account_limit: int | None = None, **settings: Any) -> None:
    """Sets how many accounts Service Quotas says there may be, and what `Progress` says, such as `room`."""
    if account_limit is not None:
        quotas.grant(MANAGEMENT, quotas.HOME, *quotas.ACCOUNTS, account_limit)
    for name, value in settings.items():
        setattr(_progress(), name, value)


@order("account-state")
def turn(account: str, state: str) -> None:
    """Has an account be in a state that no call brings about."""
    _backend(MANAGEMENT).get_account_by_id(account).state = state


def is_active(account: str, management: str = MANAGEMENT) -> bool:
    """Says whether an account belongs to the organization and is open."""
    found = (each for each in _backend(management).accounts if each.id == account)
    return any(each.state == "ACTIVE" for each in found) and not late.is_late(_creation(account))


def is_shut(account: str, management: str = MANAGEMENT) -> bool:
    """Says whether an account of the organization is closed or suspended, or about to be."""
    states = (each.state for each in _backend(management).accounts if each.id == account)
    return any(state not in ("ACTIVE", "PENDING_ACTIVATION") for state in states)


def is_member(account: str, management: str = MANAGEMENT) -> bool:
    """Says whether an account is one of the organization's, but for the management account."""
    return account != management and any(each.id == account for each in _backend(management).accounts)


def trusts(service: str, management: str = MANAGEMENT) -> bool:
    """Says whether a service has trusted access."""
    return any(each["ServicePrincipal"] == service for each in _backend(management).services)


def require_trust(service: str, code: str, management: str = MANAGEMENT) -> None:
    """Raises where Organizations gives a service no trusted access, which it knows at once."""
    if not trusts(service, management):
        raise Refused(code, f"SERVICE_ACCESS_NOT_ENABLED: trusted access for {service} is not enabled")


def require_trust_seen(service: str, code: str, text: str, management: str = MANAGEMENT) -> None:
    """Raises where a service sees no trusted access of its own, by its words: each keeps for minutes what it saw last.

    The AWS provider says so of Access Analyzer: 'appears to be consistently caching for 5 minutes'
    (internal/service/accessanalyzer/analyzer.go).
    """
    if not trusts(service, management) or late.look(_trust(service)):
        raise Refused(code, text)


def trust_begins(service: str, management: str) -> None:
    """Has a service see the trusted access late that it is given now; what it has already it sees."""
    if not trusts(service, management):
        late.begin(_trust(service))


def _trust(service: str) -> str:
    return f"trusted access of {service}"


def unprepared(account: str) -> str:
    """Names what Identity Center lacks in an account that is minutes old."""
    return f"Identity Center in {account}"


def access_role(account: str) -> str:
    """Names the role of an account by which its management account comes in."""
    return f"access role of {account}"


def tagged(management: str, kind: str) -> list[tuple[str, dict[str, str]]]:
    """Returns accounts, units (`ou`) or policies by ARN, with their tags."""
    backend = _backend(management)
    kept: dict[str, list[Any]] = {"account": backend.accounts, "ou": backend.ou, "policy": backend.policies}
    return [(one.arn, dict(one.tags)) for one in kept[kind] if not isinstance(one, models.FakeRoot)]


@organizations.answers("CreateAccount")
def create_account(call: Call) -> Parameters | None:
    """Begins to create an account; a taken e-mail address shows only in the status of the request."""
    backend, progress = _ready(call), _progress()
    running = [each for each in progress.creations.values() if _is_running(each)]
    if len(running) >= ACCOUNTS_AT_ONCE:
        raise Refused("ConstraintViolationException", "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED")
    allowed = quotas.applied(call.account, quotas.HOME, *quotas.ACCOUNTS)
    if len(backend.accounts) >= (allowed if progress.room is None else progress.room):
        # https://github.com/awslabs/compliant-framework-for-federal-and-dod-workloads-in-aws-govcloud-us/issues/12
        raise Refused("ConstraintViolationException", "You have exceeded the allowed number of AWS accounts.")
    email = call["Email"].lower()
    if email in {each.email.lower() for each in backend.accounts} | progress.quits:
        number = f"car-{len(progress.creations):08d}{'f' * 24}"
        made = {"Id": number, "AccountName": call["AccountName"], "FailureReason": "EMAIL_ALREADY_EXISTS"}
    else:
        made = dict(call.moto["CreateAccountStatus"])
        for what in (unprepared(made["AccountId"]), access_role(made["AccountId"])):
            late.begin(what)
        late.begin_days(_wait_period(made["AccountId"]))
    requested = {**made, "State": "IN_PROGRESS", "RequestedTimestamp": time.time()}
    progress.creations[made["Id"]] = requested
    late.begin(_creation_of(requested), 2)
    return {"CreateAccountStatus": _shown(requested)}


@organizations.answers("DescribeCreateAccountStatus")
def create_account_status(call: Call) -> Parameters | None:
    found = _progress().creations.get(call["CreateAccountRequestId"])
    if found is None:
        raise Refused("CreateAccountStatusNotFoundException", "there is no such request")
    late.look(_creation_of(found))
    return {"CreateAccountStatus": _shown(found)}


@organizations.answers("ListCreateAccountStatus")
def create_account_statuses(call: Call) -> Parameters:
    """Lists what was begun, without an e-mail address; to list is to ask about each."""
    for each in _progress().creations.values():
        late.look(_creation_of(each))
    wanted = call.parameters.get("States") or ["IN_PROGRESS", "SUCCEEDED", "FAILED"]
    shown = [one for one in map(_shown, _progress().creations.values()) if one["State"] in wanted]
    return page(call, shown, "CreateAccountStatuses", size=_PAGE)


def creation(request: str) -> Parameters:
    """Returns what becomes of a request for an account."""
    done = "FAILED" if "FailureReason" in _progress().creations[request] else "SUCCEEDED"
    return {**_progress().creations[request], "State": done}


def _creation(account: str) -> str:
    return f"creation of {account}"


def _creation_of(requested: Parameters) -> str:
    return _creation(str(requested.get("AccountId") or requested["Id"]))


def _is_running(requested: Parameters) -> bool:
    return late.is_late(_creation_of(requested))


def _shown(requested: Parameters) -> Parameters:
    """Returns a request as AWS shows it: what becomes of it only at its end."""
    if _is_running(requested):
        return {key: requested[key] for key in ("Id", "AccountName", "State", "RequestedTimestamp")}
    return creation(requested["Id"])


@organizations.answers("DescribeAccount", "ListAccounts", "ListAccountsForParent", "ListDelegatedAdministrators")
def accounts(call: Call) -> Parameters:
    """Answers without `Status`, retired in September 2026; only provider 5 gets it, which knows no `State`.

    An account that is being made is not there yet.
    """
    said = call.moto
    if "Account" in said and late.is_late(_creation(said["Account"]["Id"])):
        raise Refused("AccountNotFoundException", "You specified an account that doesn't exist.")
    if "Accounts" in said:
        said["Accounts"] = [one for one in said["Accounts"] if not late.is_late(_creation(one["Id"]))]
    described = [said["Account"]] if "Account" in said else said.get("Accounts", said.get("DelegatedAdministrators"))
    for account in described or ():
        if late.look(_closing(account["Id"])):
            account["State"] = account["Status"] = "PENDING_CLOSURE"
        if "terraform-provider-aws/5." not in call.user_agent:
            account.pop("Status", None)
    return said


@organizations.answers("ListTargetsForPolicy")
def targets(call: Call) -> Parameters:
    there = [one for one in call.moto["Targets"] if not late.is_late(_creation(one["TargetId"]))]
    return page(call, there, "Targets", size=_PAGE)


@organizations.answers("CloseAccount")
def close_account(call: Call) -> Parameters | None:
    """Begins to close an account: it is shut at once, and seen as closed one look later."""
    if call["AccountId"] == call.account:
        text = "CANNOT_CLOSE_MANAGEMENT_ACCOUNT: You attempted to close the management account."
        raise Refused("ConstraintViolationException", text)
    account = _backend(call.account).get_account_by_id(call["AccountId"])
    if is_shut(account.id, call.account):
        raise Refused("AccountAlreadyClosedException", "You attempted to close an account that is already closed.")
    account.state = "CLOSED"
    late.begin(_closing(account.id))
    return {}


_FOUR_DAYS = (
    "After you create an Amazon Web Services account, you must wait until at least four days after the account was "
    "created. Invited accounts aren't subject to this waiting period."
)
"""https://docs.aws.amazon.com/organizations/latest/APIReference/API_RemoveAccountFromOrganization.html"""


def _wait_period(account: str) -> str:
    return f"first days of {account}"


def _closing(account: str) -> str:
    return f"closing of {account}"


@organizations.answers("RemoveAccountFromOrganization")
def remove_account(call: Call) -> Parameters | None:
    _no_management(call)
    backend = _backend(call.account)
    if any(admin.account.id == call["AccountId"] for admin in backend.admins):
        raise Refused("ConstraintViolationException", "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG")
    if late.takes_days(_wait_period(call["AccountId"])):
        raise Refused("ConstraintViolationException", f"WAIT_PERIOD_ACTIVE: {_FOUR_DAYS}")
    _progress().quits.add(backend.get_account_by_id(call["AccountId"]).email.lower())
    return None


@organizations.answers("MoveAccount")
def move_account(call: Call) -> Parameters | None:
    account = next((each for each in _backend(call.account).accounts if each.id == call["AccountId"]), None)
    if account and account.parent_id != call["SourceParentId"]:
        raise Refused("SourceParentNotFoundException", f"{account.id} is not in {call['SourceParentId']}")
    if account and call["SourceParentId"] == call["DestinationParentId"]:
        raise Refused("DuplicateAccountException", f"{account.id} is in {account.parent_id} already")
    return None


@organizations.answers("CreateOrganizationalUnit", "UpdateOrganizationalUnit")
def unit(call: Call) -> Parameters | None:
    backend = _ready(call)
    id = call.parameters.get("OrganizationalUnitId", "")
    parent = call.parameters.get("ParentId") or backend.get_organizational_unit_by_id(id).parent_id
    if not any(each.id == parent for each in backend.ou):
        raise Refused("ParentNotFoundException", f"You specified parent {parent} that doesn't exist.")
    name = str(call.parameters.get("Name"))
    if any(each.parent_id == parent and each.name == name and each.id != id for each in backend.ou):
        raise Refused("DuplicateOrganizationalUnitException", f"An OU with the name {name} already exists.")
    if id:  # moto refuses a name that a unit of another parent has
        found = backend.get_organizational_unit_by_id(id)
        found.name = name
        return found.describe()
    return None


@organizations.answers("DeleteOrganizationalUnit")
def delete_unit(call: Call) -> Parameters | None:
    backend, id = _backend(call.account), call["OrganizationalUnitId"]
    inside: list[Any] = [*backend.accounts, *backend.ou]
    if any(each.parent_id == id for each in inside):
        raise Refused("OrganizationalUnitNotEmptyException", f"The OU {id} still contains accounts or OUs.")
    for policy in backend.policies:
        policy.attachments[:] = [target for target in policy.attachments if target.id != id]
    return None


@organizations.answers("CreatePolicy", "UpdatePolicy")
def policy(call: Call) -> Parameters | None:
    _ready(call)
    content = call.parameters.get("Content")
    try:
        valid = content is None or isinstance(json.loads(content), dict)
    except ValueError:
        valid = False
    if not valid:
        raise Refused(
            "MalformedPolicyDocumentException", "The provided policy document does not meet the requirements."
        )
    if content and len(content.encode()) > _DOCUMENT:
        raise Refused("ConstraintViolationException", f"POLICY_CONTENT_LIMIT_EXCEEDED: {len(content)} of {_DOCUMENT}")
    policies, own = _backend(call.account).policies, call.parameters.get("PolicyId")
    type = call.parameters.get("Type") or next((each.type for each in policies if each.id == own), "")
    others = (each for each in policies if each.id != own and each.type == type)
    if any(each.name == call.parameters.get("Name") for each in others):
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2245
        raise Refused("DuplicatePolicyException", "A policy with the specified name and type already exists.")
    return None


@organizations.answers("AttachPolicy", "DetachPolicy")
def attachment(call: Call) -> Parameters | None:
    backend, target = _ready(call), call["TargetId"]
    found = backend.get_policy_by_id(call["PolicyId"])
    here = [each for each in backend.policies if any(at.id == target for at in each.attachments)]
    used, slots = sum(each.type == found.type for each in here), _SLOTS.get(str(found.type), 10)
    if call.operation == "DetachPolicy":
        if found not in here:
            raise Refused("PolicyNotAttachedException", f"{found.id} isn't attached to {target}.")
        if found.type in _SLOTS and used == 1:
            raise Refused("ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
        return None
    if found in here:
        raise Refused("DuplicatePolicyAttachmentException", f"{found.id} is attached to {target} already.")
    if found.type not in _types_on(backend):
        raise Refused("PolicyTypeNotEnabledException", f"{found.type} isn't enabled in this root.")
    if used >= slots:
        raise Refused("ConstraintViolationException", f"MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED: {used} on {target}")
    return None


@organizations.answers("EnablePolicyType")
def enable_policy_type(call: Call) -> Parameters | None:
    if service := _NEEDS.get(call["PolicyType"]):
        require_trust(service, "ConstraintViolationException", call.account)
    return None


@organizations.answers("EnableAWSServiceAccess")
def enable_service(call: Call) -> Parameters | None:
    trust_begins(call["ServicePrincipal"], call.account)
    return None


@organizations.answers("DisableAWSServiceAccess")
def disable_service(call: Call) -> Parameters | None:
    service = call["ServicePrincipal"]
    in_use = [
        type for type, needed in _NEEDS.items() if needed == service and type in _types_on(_backend(call.account))
    ]
    if in_use:
        raise Refused("ConstraintViolationException", f"POLICY_TYPE_ENABLED_FOR_THIS_SERVICE: {in_use[0]}")
    return None


@organizations.answers("RegisterDelegatedAdministrator")
def register(call: Call) -> Parameters | None:
    require_trust(call["ServicePrincipal"], "ConstraintViolationException", call.account)
    return None


def delegate(account: str, service: str) -> None:
    """Has a service take an account for its administrator, as a call of its own does with trusted access.

    https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-guardduty.html
    """
    backend, given = _backend(MANAGEMENT), {"AccountId": account, "ServicePrincipal": service}
    if account not in delegated(service):
        backend.enable_aws_service_access(ServicePrincipal=service)
        backend.register_delegated_administrator(**given)


def delegated(service: str) -> set[str]:
    """Returns the ids of the accounts that are registered as delegated administrators of a service."""
    return {admin.account.id for admin in _backend(MANAGEMENT).admins if service in admin.services}


def members() -> list[str]:
    """Returns the ids of all accounts of the organization that are open."""
    return [each.id for each in _backend(MANAGEMENT).accounts if is_active(each.id)]


def _backend(account: str) -> OrganizationsBackend:
    """Returns moto's organization, as its management account has it."""
    management, _ = organizations_backends.master_accounts.get(account, (account, ""))
    return organizations_backends[management]["aws"]


def _progress() -> Progress:
    return memory.of(Progress, "", "")


def _ready(call: Call) -> OrganizationsBackend:
    backend = _backend(call.account)
    if backend.org is None:
        raise Refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    return backend


def _no_management(call: Call) -> None:
    if call["AccountId"] == call.account:
        raise Refused("MasterCannotLeaveOrganizationException", "You can't remove the management account.")


def _types_on(backend: OrganizationsBackend) -> set[str]:
    roots = [each for each in backend.ou if isinstance(each, models.FakeRoot)]
    return {type["Type"] for root in roots for type in root.policy_types}


def _any_service(principal: str) -> bool:
    """Says whether AWS would know a service, of which moto's lists lack many."""
    return re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", principal) is not None


def _widen() -> None:
    """Makes moto take the policy types and services that it does not know."""
    mend(models.FakeServiceAccess, "trusted_service", staticmethod(_any_service))
    mend(models.FakeDelegatedAdministrator, "supported_service", staticmethod(_any_service))
    models.FakeRoot.SUPPORTED_POLICY_TYPES += _DECLARATIVE
    models.FakePolicy.SUPPORTED_POLICY_TYPES += _DECLARATIVE
    made = models.FakePolicy.__init__

    def make(policy: models.FakePolicy, organization: models.FakeOrganization, **given: Any) -> None:
        type = given.get("Type", "")
        made(
            policy, organization, **given | ({"Type": "TAG_POLICY"} if type in (*_DECLARATIVE, "BACKUP_POLICY") else {})
        )
        policy.type = type
        policy._arn_format = policy._arn_format.replace("tag_policy", type.lower())

    def create(backend: OrganizationsBackend, **given: Any) -> Any:
        """Moto has a name once over all types; `policy` refuses one of the same type."""
        assert backend.org is not None
        backend.policies.append(models.FakePolicy(backend.org, **given))
        return backend.policies[-1].describe()

    mend(models.FakePolicy, "__init__", make)
    mend(OrganizationsBackend, "create_policy", create)


_widen()
