"""The Terraform addresses of each stack, computed without Terraform.

A test compares this with `stacks/`. Layers of one's own are not here: `imports.yaml` does not name their
resources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config.models import RegionalSetting
from strata.config.text import address_part
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import PermissionSet

ACCESS_ANALYZER = "access-analyzer.amazonaws.com"

_BUCKET = (
    "aws_s3_bucket",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
)
_RULE = ("aws_cloudwatch_event_rule", "aws_cloudwatch_event_target")


def addresses(landing_zone: LandingZone) -> Mapping[str, frozenset[str]]:
    """Returns the addresses of the resources of every stack, data sources left out."""
    return {
        "backend": frozenset(_backend(landing_zone)),
        "organizations": frozenset(_organizations(landing_zone)),
        "security": frozenset(_security(landing_zone)),
        "sso": frozenset(_sso(landing_zone)),
    }


def imported(landing_zone: LandingZone) -> frozenset[str]:
    """Returns the addresses that the stacks have import blocks for, of which Terraform takes one an address."""
    found = ("aws_organizations_account", "aws_organizations_organizational_unit", "aws_organizations_policy")
    fixed = {"aws_dynamodb_table.lock", "aws_organizations_organization.main", "aws_s3_bucket.state"}
    made = addresses(landing_zone)["organizations"]
    return frozenset(fixed | {one for one in made if one.partition(".")[0] in (*found, "aws_iam_service_linked_role")})


def delegation(service: str) -> str:
    """Returns the name in the address of a delegated administrator."""
    return address_part(service.removesuffix(".amazonaws.com"))


def _all(kinds: tuple[str, ...], name: str) -> Iterator[str]:
    return (f"{kind}.{name}" for kind in kinds)


def _backend(landing_zone: LandingZone) -> Iterator[str]:
    for bucket in ("state", "replica"):
        yield from _all((*_BUCKET, "aws_s3_bucket_versioning"), bucket)
        if landing_zone.project.state.kms:
            yield from _all(("aws_kms_alias", "aws_kms_key"), bucket)
    yield from _all(("aws_iam_role", "aws_iam_role_policy"), "replication")
    yield "aws_s3_bucket_replication_configuration.state"
    yield "aws_dynamodb_table.lock"


def _organizations(landing_zone: LandingZone) -> Iterator[str]:
    organization = landing_zone.organization
    yield "aws_organizations_organization.main"
    yield from (f"aws_organizations_account.{account}" for account in landing_zone.accounts)
    yield from (f"aws_organizations_organizational_unit.{unit}" for unit in landing_zone.units)
    for key, policy in landing_zone.policies.items():
        yield f"aws_organizations_policy.{key}"
        places = (target.address_part for target in policy.attachments)
        yield from (f"aws_organizations_policy_attachment.{key}_{place}" for place in places)
    for service in organization.delegated_administrators:
        yield f"aws_organizations_delegated_administrator.{delegation(service)}"
    if ACCESS_ANALYZER in organization.delegated_administrators:
        yield "aws_iam_service_linked_role.access-analyzer"
    if organization.ram_sharing:
        yield "aws_ram_sharing_with_organization.main"
    if organization.member_root_access:
        yield "aws_iam_organizations_features.main"


def _security(landing_zone: LandingZone) -> Iterator[str]:
    security, regions = landing_zone.security, landing_zone.project.regions.all_governed
    for name, control in security.settings.items():
        if control.on and isinstance(control, RegionalSetting):
            declared = name in landing_zone.declared_controls
            yield from (f"{control.address}_{region}" for region in regions if not declared)
        elif control.on:
            yield control.address
    if security.access_analyzer.on:
        yield from (f"aws_accessanalyzer_analyzer.organization_{region}" for region in regions)
    monitor = security.anomaly_monitor
    single = {
        "aws_cloudtrail.organization": security.trail.on,
        "aws_budgets_budget.monthly": security.budget.on,
        "aws_ce_anomaly_monitor.services": monitor.on,
        "aws_ce_anomaly_subscription.services": monitor.on and bool(monitor.emails),
        "aws_iam_openid_connect_provider.github": security.github_actions.on,
    }
    yield from (name for name, on in single.items() if on)
    if security.trail.on:
        yield from _all(_BUCKET, "trail")
    if security.github_actions.on:
        yield from _all(("aws_iam_role", "aws_iam_role_policy"), "github-plan")
        yield from _all(("aws_iam_role", "aws_iam_role_policy_attachment"), "github-apply")
    yield from _alerts(landing_zone)
    contacts = security.alternate_contacts.contacts if security.alternate_contacts.on else {}
    for account in landing_zone.accounts:
        yield from (f"aws_account_alternate_contact.{account}_{kind.lower()}" for kind in contacts)


def _alerts(landing_zone: LandingZone) -> Iterator[str]:
    alerts = landing_zone.security.alerts
    if not alerts.on:
        return
    yield from _all(_RULE, "root-activity")
    for region in landing_zone.project.alert_regions:
        yield from _all(("aws_sns_topic", "aws_sns_topic_policy"), f"alerts_{region}")
        yield from (
            f"aws_sns_topic_subscription.alerts_{region}_{address_part(mail.lower())}" for mail in alerts.emails
        )


def _sso(landing_zone: LandingZone) -> Iterator[str]:
    sso = landing_zone.sso
    yield from (f"aws_identitystore_user.{key}" for key, user in sso.users.items() if not user.external)
    for key, group in sso.groups.items():
        if not group.external:
            yield f"aws_identitystore_group.{key}"
        yield from (f"aws_identitystore_group_membership.{key}_{member}" for member in group.members)
    for permission_set in landing_zone.permission_sets.values():
        yield from _permission_set(permission_set)
    if sso.access_control_attributes:
        yield "aws_ssoadmin_instance_access_control_attributes.main"
    for one in landing_zone.grants:
        who = f"{one.principal_type.lower()}_{one.principal}"
        yield f"aws_ssoadmin_account_assignment.{one.account}_{one.permission_set}_{who}"
    if landing_zone.security.alerts.on:
        yield from _all(_RULE, "identity-center-settings")
        yield from _all(_RULE, "break-glass") if sso.break_glass else ()


def _permission_set(permission_set: PermissionSet) -> Iterator[str]:
    key = permission_set.key
    yield f"aws_ssoadmin_permission_set.{key}"
    if permission_set.boundary:
        yield f"aws_ssoadmin_permissions_boundary_attachment.{key}"
    if permission_set.inline:
        yield f"aws_ssoadmin_permission_set_inline_policy.{key}"
    for policy in permission_set.managed:
        kind = "managed" if policy.aws else "customer_managed"
        yield f"aws_ssoadmin_{kind}_policy_attachment.{key}_{address_part(policy.name)}"
