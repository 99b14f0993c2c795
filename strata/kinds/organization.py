"""The organization itself, with what is switched on in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config import ORGANIZATION as FILE
from strata.config.limits import aws_limits
from strata.config.models import Mode
from strata.errors import Message
from strata.kinds import cli
from strata.kinds.arguments import text
from strata.kinds.kind import AlreadyExists, Ask, Kind, Resource
from strata.kinds.thing import AtAws, InStates, Thing
from strata.landing_zone.policies import ACCESS_ANALYZER
from strata.landing_zone.services import CONTROL_TOWER, delegation

ADDRESS = "aws_organizations_organization.main"
ORGANIZATION = Kind(
    "organization",
    "organizations",
    (Resource("aws_organizations_organization", "<organization id>", imported=True),),
    addresses=lambda _: (ADDRESS,),
)


# Trusted access, an argument of the organization


def _trusted(aws: AtAws) -> Iterator[Thing]:
    """Yields the services, but for those of what is `unmanaged`: somebody else may have switched them on for it."""
    zone = aws.zone
    unmanaged = {control.trusted[0] for control in zone.security.controls.values() if control.mode is Mode.UNMANAGED}
    unmanaged |= {"ram.amazonaws.com"} if zone.organization.ram_sharing == "unmanaged" else set()
    watching = (zone.detection.guardduty, zone.detection.config) if zone.detection else ()
    unmanaged |= {control.trusted[0] for control in watching if control and control.mode is Mode.UNMANAGED}
    others = unmanaged - zone.trusted_services - {*zone.organization.disable_services}
    for service in aws.inventory.organization.trusted_services:
        if service in others:
            continue
        undo = cli.line("organizations", "disable-aws-service-access", service_principal=service)
        if service == CONTROL_TOWER:  # It has to be taken down in its console, before it loses its access.
            yield Thing("trusted service", service, noted=True)
        else:
            note = Message("keep-service-off", "disable_services in organization.yaml keeps it off")
            yield Thing("trusted service", service, undo=(undo,), note=note, noted=True)


def _recorded_services(states: InStates) -> Iterator[Thing]:
    """Yields the services; a state notes others that were on as well, which no deploy switches off.

    Those were declared once, or somebody else switched them on before the last deploy: a state does not tell which.
    """
    services = {*states.zone.trusted_services, *states.zone.organization.disable_services}
    for organization in states.of("aws_organizations_organization").values():
        for name in map(str, organization.get("aws_service_access_principals") or ()):
            yield Thing("trusted service", name, noted=name not in services)


TRUSTED = Kind(
    "trusted service",
    "organizations",
    declared=lambda zone: (
        Thing("trusted service", trusted_service, {}, FILE, ("trusted_services",))
        for trusted_service in zone.trusted_services
    ),
    recorded=_recorded_services,
    live=_trusted,
)


# Delegated administrators

_DELEGATED = "aws_organizations_delegated_administrator"
_GUARDDUTY = "guardduty.amazonaws.com"


def _name(account: str, service: str) -> str:
    return f"{account} of {service}"


def _recorded_delegations(states: InStates) -> Iterator[Thing]:
    accounts = {text(account, "id"): key for key, account in states.of("aws_organizations_account").items()}
    for administrator in states.of(_DELEGATED).values():
        account, service = text(administrator, "account_id"), text(administrator, "service_principal")
        ids = {"account": account, "service": service}
        yield Thing("delegated administrator", _name(accounts.get(account, account), service), ids=ids)


def _live_delegations(aws: AtAws) -> Iterator[Thing]:
    detection = aws.zone.detection
    theirs = {_GUARDDUTY, *(detection.config.trusted if detection and detection.config else ())} - {
        *aws.zone.delegations
    }
    for service, registered in aws.inventory.organization.delegations.items():
        # A layer of your own may delegate: some services have a resource for that.
        own = aws_limits().delegated_by_own_resource.get(service, "")
        for id in registered:
            here = service in theirs and detection and aws.account(id) == detection.administrator
            if not (here or aws.is_elsewhere(_DELEGATED, f"{id}/{service}") or aws.is_elsewhere(own, id)):
                operation = "deregister-delegated-administrator"
                undo = cli.line("organizations", operation, account_id=id, service_principal=service)
                ids = {"account": id, "service": service}
                name = _name(aws.account(id), service)
                yield Thing("delegated administrator", name, ids=ids, undo=(undo,))


DELEGATED = Kind(
    "delegated administrator",
    "organizations",
    (
        Resource(
            _DELEGATED,
            "<account id>/<service principal>",
            existing=AlreadyExists("AccountAlreadyRegisteredException", "{account_id}/{service_principal}"),
        ),
        Resource("aws_iam_service_linked_role", "<role ARN>", imported=True),
    ),
    addresses=lambda zone: (
        address
        for service in zone.delegations
        for address in (
            f"{_DELEGATED}.{delegation(service)}",
            *(["aws_iam_service_linked_role.access-analyzer"] if service == ACCESS_ANALYZER else []),
        )
    ),
    wanted=lambda zone, _, ids: (
        (f"{_DELEGATED}.{delegation(service)}", f"{ids['account'][account]}/{service}")
        for service, account in zone.delegations.items()
        if account in ids["account"]
    ),
    import_ids=lambda inventory: (
        (_DELEGATED, f"{account}/{service}")
        for service, accounts in inventory.organization.delegations.items()
        for account in accounts
    ),
    declared=lambda zone: (
        Thing("delegated administrator", _name(account, service), {}, *zone.delegated_at(service))
        for service, account in zone.delegations.items()
    ),
    recorded=_recorded_delegations,
    live=_live_delegations,
)


# Central root access, and sharing by Resource Access Manager


def _root_features(ask: Ask) -> str | None:
    features = ask.client("iam").list_organizations_features()
    return str(features["OrganizationId"]) if features.get("EnabledFeatures") else None


ROOT_FEATURES: Mapping[str, str] = {"RootCredentialsManagement": "credentials_management", "RootSessions": "sessions"}
"""The key in `member_root_access` of each feature of central root access."""
_OPERATIONS = {
    "RootCredentialsManagement": "disable-organizations-root-credentials-management",
    "RootSessions": "disable-organizations-root-sessions",
}


ROOT_ACCESS = Kind(
    "central root access",
    "organizations",
    (
        Resource(
            "aws_iam_organizations_features",
            "<organization id>",
            existing=AlreadyExists(id=_root_features, early=_root_features),
        ),
    ),
    addresses=lambda zone: ("aws_iam_organizations_features.main",) if zone.organization.member_root_access else (),
    declared=lambda zone: (
        Thing("central root access", feature, {}, FILE, ("member_root_access",))
        for feature, key in ROOT_FEATURES.items()
        if getattr(zone.organization.member_root_access, key, False)
    ),
    recorded=lambda states: (
        Thing("central root access", str(name))
        for features in states.of("aws_iam_organizations_features").values()
        for name in features.get("enabled_features") or ()
    ),
    live=lambda aws: (
        Thing(
            "central root access",
            feature,
            undo=(cli.line("iam", _OPERATIONS[feature]),) if feature in _OPERATIONS else (),
        )
        for feature in sorted(aws.inventory.root_features)
    ),
)
RAM_SHARING = Kind(
    "sharing with the organization",
    "organizations",
    (Resource("aws_ram_sharing_with_organization", "<account id>"),),
    addresses=lambda zone: ("aws_ram_sharing_with_organization.main",) if zone.organization.ram_sharing else (),
)
