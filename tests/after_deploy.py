"""What AWS has right after a deploy of a configuration, without a deploy: each thing of it with an id."""

from __future__ import annotations

from strata.config.models import RegionalSetting, Security
from strata.kinds.at_aws import (
    Inventory,
    LiveAccount,
    LiveAssignment,
    LiveCenter,
    LiveCustomerPolicy,
    LiveGroup,
    LiveOrganization,
    LivePermissionSet,
    LivePolicy,
    LiveUnit,
    LiveUser,
    Settings,
)
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import ManagedPolicy
from strata.landing_zone.permission_sets import PermissionSet as Declared
from strata.landing_zone.policies import security_administrator
from strata.landing_zone.units import Target

ROOT, INSTANCE = "r-abcd", "arn:aws:sso:::instance/ssoins-7223abcdef012345"


def inventory_of(zone: LandingZone) -> Inventory:
    """Returns it."""
    root_access = zone.organization.member_root_access
    features = frozenset({"RootCredentialsManagement", "RootSessions"} if root_access else ())
    settings = _settings(zone.security, zone.project.regions.all_governed)
    return Inventory(_organization(zone), _center(zone), settings, features)


def _ids(zone: LandingZone) -> dict[str, str]:
    return {key: one.id or f"{number:012d}" for number, (key, one) in enumerate(zone.accounts.items(), 10)}


def _organization(zone: LandingZone) -> LiveOrganization:
    ids, units = _ids(zone), {key: f"ou-abcd-{number:08d}" for number, key in enumerate(zone.units)}
    places = {"root": ROOT, **units}
    own = tuple(
        LivePolicy(
            f"p-{number:08d}",
            one.name,
            one.type.value,
            one.description,
            one.document.with_values(security_administrator(zone.organization, ids)),
            aws_managed=False,
            targets=tuple((ids if target.kind == "account" else places)[target.key] for target in one.attachments),
        )
        for number, one in enumerate(zone.policies.values())
    )
    bare = {target for type, target in zone.without_full_access if type == "SERVICE_CONTROL_POLICY"}
    attached = [id for key, id in places.items() if Target("unit" if key in units else "root", key) not in bare]
    everything = (*attached, *(id for key, id in ids.items() if Target("account", key) not in bare))
    full = LivePolicy("p-FullAWSAccess", "FullAWSAccess", "SERVICE_CONTROL_POLICY", "", "", True, everything)
    return LiveOrganization(
        "o-abcdefghij",
        ROOT,
        ids["management"],
        tuple(
            LiveAccount(ids[key], one.name, one.email, "ACTIVE", "CREATED", places[one.unit], one.tags)
            for key, one in zone.accounts.items()
        ),
        tuple(LiveUnit(units[key], one.name, places[one.parent or "root"]) for key, one in zone.units.items()),
        (full, *own),
        tuple(one.value for one in zone.policy_types),
        tuple(sorted(zone.trusted_services)),
        {service: tuple(ids[key] for key in keys) for service, keys in zone.delegated_administrators.items()},
    )


def _center(zone: LandingZone) -> LiveCenter:
    ids, arns = _ids(zone), {key: f"arn:aws:sso:::permissionSet/ssoins-1/ps-{key}" for key in zone.permission_sets}
    return LiveCenter(
        INSTANCE,
        "d-1234567890",
        zone.project.identity_center_region,
        tuple(
            LiveUser(
                f"user {key}",
                one.sign_in_name,
                one.given_name,
                one.family_name,
                one.shown_name,
                (one.email,) if one.email else (),
                one.external,
            )
            for key, one in zone.users.items()
        ),
        tuple(
            LiveGroup(
                f"group {key}",
                one.name,
                one.description,
                one.external,
                {f"user {member}": f"{member} in {key}" for member in one.members},
            )
            for key, one in zone.groups.items()
        ),
        tuple(_permission_set(arns[key], one) for key, one in zone.permission_sets.items()),
        frozenset(
            LiveAssignment(
                ids[one.account],
                arns[one.permission_set],
                one.principal_type,
                f"{one.principal_type.lower()} {one.principal}",
            )
            for one in zone.grants
        ),
        frozenset(),
        zone.sso.access_control_attributes or None,
    )


def _permission_set(arn: str, one: Declared) -> LivePermissionSet:
    return LivePermissionSet(
        arn,
        one.name,
        {"Description": one.description, "SessionDuration": one.session_duration, "RelayState": one.relay_state},
        tuple(sorted(_arn(policy) for policy in one.managed if policy.aws)),
        tuple(sorted(_attached(policy) for policy in one.managed if policy.customer)),
        one.inline.document.text if one.inline else "",
        (_arn(one.boundary) if one.boundary.aws else _attached(one.boundary)) if one.boundary else None,
        one.tags,
    )


def _arn(policy: ManagedPolicy) -> str:
    return f"arn:aws:iam::aws:policy/{policy.aws}"


def _attached(policy: ManagedPolicy) -> LiveCustomerPolicy:
    return LiveCustomerPolicy(policy.customer, policy.path)


def _settings(security: Security, regions: tuple[str, ...]) -> Settings:
    return {
        name: {
            region: {argument: getattr(one, parameter) for parameter, argument in one.arguments.items()}
            | dict(one.always)
            for region in (regions if isinstance(one, RegionalSetting) else ("",))
        }
        for name, one in security.settings.items()
    }
