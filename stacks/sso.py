"""The `sso` stack: users, groups, permission sets and account assignments in IAM Identity Center."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cdktf import Postcondition, TerraformResource, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_identitystore_group import DataAwsIdentitystoreGroup
from cdktf_cdktf_provider_aws.data_aws_identitystore_user import DataAwsIdentitystoreUser
from cdktf_cdktf_provider_aws.data_aws_ssoadmin_instances import DataAwsSsoadminInstances
from cdktf_cdktf_provider_aws.data_aws_ssoadmin_permission_set import DataAwsSsoadminPermissionSet
from cdktf_cdktf_provider_aws.identitystore_group import IdentitystoreGroup
from cdktf_cdktf_provider_aws.identitystore_group_membership import IdentitystoreGroupMembership
from cdktf_cdktf_provider_aws.identitystore_user import IdentitystoreUser
from cdktf_cdktf_provider_aws.ssoadmin_account_assignment import SsoadminAccountAssignment
from cdktf_cdktf_provider_aws.ssoadmin_customer_managed_policy_attachment import SsoadminCustomerManagedPolicyAttachment
from cdktf_cdktf_provider_aws.ssoadmin_instance_access_control_attributes import (
    SsoadminInstanceAccessControlAttributes,
    SsoadminInstanceAccessControlAttributesAttribute,
    SsoadminInstanceAccessControlAttributesAttributeValue,
)
from cdktf_cdktf_provider_aws.ssoadmin_managed_policy_attachment import SsoadminManagedPolicyAttachment
from cdktf_cdktf_provider_aws.ssoadmin_permission_set import SsoadminPermissionSet
from cdktf_cdktf_provider_aws.ssoadmin_permission_set_inline_policy import SsoadminPermissionSetInlinePolicy
from cdktf_cdktf_provider_aws.ssoadmin_permissions_boundary_attachment import SsoadminPermissionsBoundaryAttachment
from constructs import Construct

from stacks import hcl
from stacks.backend import BackendStack
from stacks.base import TIMES, BaseStack, Precondition, address_in, address_of, ignore_changes, resource_name
from stacks.components.alert import AlertRule
from stacks.organizations import OrganizationsStack
from stacks.security import SecurityStack
from strata.config.models import PARTITION, User
from strata.config.text import address_part
from strata.evaluation.administrators import administrators
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.landing_zone.groups import Group
from strata.landing_zone.permission_sets import BREAK_GLASS, InlinePolicy, ManagedPolicy, PermissionSet


class SsoStack(BaseStack):
    """People and their access; its provider works in the region Identity Center was enabled in."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        landing_zone: LandingZone,
        backend: BackendStack,
        organizations: OrganizationsStack,
        security: SecurityStack,
        keys: Mapping[str, Mapping[str, str]],
        allow: Collection[str] = (),
    ) -> None:
        super().__init__(scope, id, project=landing_zone.project, region=landing_zone.project.identity_center_region)
        self.landing_zone = landing_zone
        self._instance()
        self._user_ids = {key: self._user(key, user) for key, user in landing_zone.users.items()}
        self.groups = {key: self._group(group) for key, group in landing_zone.groups.items()}
        self._group_ids = hcl.resolved(self, {key: group.group_id for key, group in self.groups.items()})
        self._memberships()
        self.permission_sets: dict[str, SsoadminPermissionSet | DataAwsSsoadminPermissionSet] = {}
        self._policies: dict[str, list[str]] = {}
        for permission_set in landing_zone.permission_sets.values():
            self._permission_set(permission_set, backend)
        self._arns = hcl.resolved(self, {key: made.arn for key, made in self.permission_sets.items()})
        self._access_control_attributes()
        # Of every account, so that the first grant there needs no output that organizations has yet to write.
        account_ids = hcl.resolved(self, {key: organizations.account_ids[key] for key in organizations.accounts})
        for grant in landing_zone.grants:
            self._assignment(grant, account_ids[grant.account])
        self._alerts(security)
        self._outputs()
        self._declare(keys, allow)

    def _declare(self, keys: Mapping[str, Mapping[str, str]], allow: Collection[str]) -> None:
        """Stops when the last person with full access to the management account would lose it."""
        has = administrators(self.landing_zone)
        named = sorted([*has.people, *has.external])
        previous = hcl.previous_administrators()
        guard = Precondition(
            hcl.is_empty(previous),
            hcl.template(
                "Nobody would keep full access to the management account; these have it: ",
                hcl.listed(previous),
                ". Nothing was changed. Assign a permission set with aws: AdministratorAccess there to somebody, or "
                "run strata deploy --allow last-administrator.",
            ),
        )
        guarded = not named and "last-administrator" not in allow
        self.declare_keys(
            {**{kind: entries for kind, entries in keys.items() if entries}, "administrators": named},
            preconditions=[guard] if guarded else [],
            moves=self.landing_zone.moves,
        )

    def _instance(self) -> None:
        self.add(
            DataAwsSsoadminInstances,
            "main",
            lifecycle=TerraformResourceLifecycle(
                postcondition=[
                    Postcondition(
                        condition=hcl.INSTANCE_FOUND,
                        error_message=(
                            f"IAM Identity Center is not enabled in {self.region}. No API can do it: sign in to the "
                            f"management account, open https://{self.region}.console.aws.amazon.com/singlesignon and "
                            "choose Enable, for the organization. If it is enabled in another region, set "
                            "identity_center.region in project.yaml."
                        ),
                    )
                ]
            ),
        )
        self.instance_arn = hcl.INSTANCE_ARN
        self.identity_store_id = hcl.IDENTITY_STORE_ID

    # People

    def _user(self, key: str, user: User) -> hcl.Expression:
        if user.external:
            by_name = {"attribute_path": "UserName", "attribute_value": user.sign_in_name}
            self.add(
                DataAwsIdentitystoreUser,
                key,
                identity_store_id=self.identity_store_id,
                alternate_identifier={"unique_attribute": by_name},
            )
            return hcl.attribute(address_in(DataAwsIdentitystoreUser, key), "user_id")
        address = self.add_json(
            IdentitystoreUser,
            key,
            identity_store_id=self.identity_store_id,
            user_name=user.sign_in_name,
            display_name=user.shown_name,
            name={"given_name": user.given_name, "family_name": user.family_name},
            emails={"value": user.email, "primary": True, "type": "work"},
            # A changed user name would delete the person: password, MFA and direct assignments with it.
            lifecycle={"ignore_changes": ["user_name", *_FILLED_IN]},
        )
        return hcl.attribute(address, "user_id")

    def _group(self, group: Group) -> IdentitystoreGroup | DataAwsIdentitystoreGroup:
        if not group.external:
            return self.add(
                IdentitystoreGroup,
                group.key,
                identity_store_id=self.identity_store_id,
                display_name=group.name,
                description=group.description or None,
                # The provider empties it by an empty text, which the identity store refuses.
                lifecycle=ignore_changes(*([] if group.description else ["description"])),
            )
        by_name = {"attribute_path": "DisplayName", "attribute_value": group.name}
        return self.add(
            DataAwsIdentitystoreGroup,
            group.key,
            identity_store_id=self.identity_store_id,
            alternate_identifier={"unique_attribute": by_name},
        )

    def _memberships(self) -> None:
        for key, group in self.landing_zone.groups.items():
            for member in () if group.external else sorted(group.members):
                self.add_json(
                    IdentitystoreGroupMembership,
                    resource_name(key, member),
                    identity_store_id=self.identity_store_id,
                    group_id=self._group_ids[key],
                    member_id=self._user_ids[member],
                )

    # Permission sets

    def _permission_set(self, permission_set: PermissionSet, backend: BackendStack) -> None:
        key = permission_set.key
        if permission_set.external:
            self.permission_sets[key] = self.add(
                DataAwsSsoadminPermissionSet, key, instance_arn=self.instance_arn, name=permission_set.name
            )
            self._policies[key] = []
            return
        self.permission_sets[key] = self.add(
            SsoadminPermissionSet,
            key,
            instance_arn=self.instance_arn,
            name=permission_set.name,
            description=permission_set.description or None,
            session_duration=permission_set.session_duration,
            relay_state=permission_set.relay_state or None,
            tags=permission_set.tags or None,
            timeouts={"update": _EVERYWHERE},
            # The provider cannot empty a description, and would provision every account at each deploy:
            # https://github.com/hashicorp/terraform-provider-aws/issues/41897
            lifecycle=ignore_changes(
                *([] if permission_set.description else ["description"]),
                *(["tags"] if permission_set.keeps_tags or permission_set.option else []),
                TIMES,
            ),
        )
        self._policies[key] = [address_of(policy) for policy in self._attach(permission_set, backend)]

    def _attach(self, permission_set: PermissionSet, backend: BackendStack) -> list[TerraformResource]:
        """Attaches the boundary, then the policies, one after the other.

        Each attachment provisions the set again in all its accounts. AWS rejects a change meanwhile with a
        ConflictException, for which the provider would wait up to 50 minutes.
        """
        attached: list[TerraformResource] = []
        if permission_set.boundary:
            attached.append(self._boundary(permission_set.key, permission_set.boundary))
        for policy in permission_set.policies:
            after = attached[-1:] or None
            if isinstance(policy, ManagedPolicy):
                attached.append(self._managed(permission_set.key, policy, after))
            elif isinstance(policy, InlinePolicy):
                # What an option makes refers to the backend itself, so that it comes after it.
                document = policy.document
                text = document.with_values(backend.references) if permission_set.option else document.text
                attached.append(self._inline(permission_set.key, text, after))
        return attached

    def _managed(self, key: str, policy: ManagedPolicy, after: list[TerraformResource] | None) -> TerraformResource:
        arn, name = self.permission_sets[key].arn, resource_name(key, address_part(policy.name))
        if policy.aws:
            return self.add(
                SsoadminManagedPolicyAttachment,
                name,
                instance_arn=self.instance_arn,
                permission_set_arn=arn,
                managed_policy_arn=_arn(policy),
                timeouts=_EACH_WAY,
                lifecycle=ignore_changes(TIMES),
                depends_on=after,
            )
        return self.add(
            SsoadminCustomerManagedPolicyAttachment,
            name,
            instance_arn=self.instance_arn,
            permission_set_arn=arn,
            customer_managed_policy_reference={"name": policy.customer, "path": policy.path},
            timeouts=_EACH_WAY,
            lifecycle=ignore_changes(TIMES),
            depends_on=after,
        )

    def _inline(self, key: str, document: str, after: list[TerraformResource] | None) -> TerraformResource:
        return self.add(
            SsoadminPermissionSetInlinePolicy,
            key,
            instance_arn=self.instance_arn,
            permission_set_arn=self.permission_sets[key].arn,
            inline_policy=document,
            timeouts=_EACH_WAY,
            lifecycle=ignore_changes(TIMES),
            depends_on=after,
        )

    def _boundary(self, key: str, boundary: ManagedPolicy) -> TerraformResource:
        own = {"customer_managed_policy_reference": {"name": boundary.customer, "path": boundary.path}}
        return self.add(
            SsoadminPermissionsBoundaryAttachment,
            key,
            instance_arn=self.instance_arn,
            permission_set_arn=self.permission_sets[key].arn,
            permissions_boundary={"managed_policy_arn": _arn(boundary)} if boundary.aws else own,
            timeouts=_EACH_WAY,
            lifecycle=ignore_changes(TIMES),
        )

    # Access

    def _assignment(self, grant: Grant, account_id: hcl.Expression) -> None:
        """Assigns a permission set, once its policies and boundary are attached.

        Otherwise there is a time without the boundary, and a re-provisioning of every account per policy.
        """
        ids = self._group_ids if grant.principal_type == "GROUP" else self._user_ids
        self.add_json(
            SsoadminAccountAssignment,
            resource_name(grant.account, grant.permission_set, grant.principal_type.lower(), grant.principal),
            instance_arn=self.instance_arn,
            permission_set_arn=self._arns[grant.permission_set],
            principal_id=ids[grant.principal],
            principal_type=grant.principal_type,
            target_id=account_id,
            target_type="AWS_ACCOUNT",
            timeouts={"create": "15m", "delete": "15m"},
            lifecycle={"ignore_changes": [TIMES]},
            depends_on=self._policies[grant.permission_set] or None,
        )

    def _access_control_attributes(self) -> None:
        attributes = self.landing_zone.sso.access_control_attributes
        if attributes:
            self.add(
                SsoadminInstanceAccessControlAttributes,
                "main",
                instance_arn=self.instance_arn,
                attribute=[
                    SsoadminInstanceAccessControlAttributesAttribute(
                        key=key,
                        value=[SsoadminInstanceAccessControlAttributesAttributeValue(source=[source])],
                    )
                    for key, source in sorted(attributes.items())
                ],
            )

    def _alerts(self, security: SecurityStack) -> None:
        """Mails on what weakens Identity Center, and on every use of the break-glass set, in the console or the CLI."""
        topic = security.alert_topics.get(self.region)
        if topic:
            self._settings_alert(topic.arn)
            if self.landing_zone.sso.break_glass:
                self._break_glass_alert(topic.arn)
        elif security.leaves_alerts:
            with self.removing_from_state():
                self._settings_alert("")

    def _settings_alert(self, topic_arn: str) -> None:
        AlertRule(
            self,
            "identity-center-settings",
            name=f"{self.project.short_name}-identity-center-settings",
            region=self.region,
            topic_arn=topic_arn,
            description="The identity source, MFA or sign-in settings of IAM Identity Center changed.",
            pattern={
                "source": ["aws.sso", "aws.sso-directory"],
                "detail": {
                    "eventName": [
                        "AssociateDirectory",
                        "DeleteInstance",
                        "DisableExternalIdPConfigurationForDirectory",
                        "DisassociateDirectory",
                        "EnableExternalIdPConfigurationForDirectory",
                        "PutMfaDeviceManagementForDirectory",
                        "UpdateExternalIdPConfigurationForDirectory",
                    ]
                },
            },
        )

    def _break_glass_alert(self, topic_arn: str) -> None:
        AlertRule(
            self,
            "break-glass",
            name=f"{self.project.short_name}-break-glass",
            region=self.region,
            topic_arn=topic_arn,
            description=f"The permission set {BREAK_GLASS} was used.",
            pattern={
                "source": ["aws.sso"],
                "detail": {
                    # Console sign-ins record Federate, the CLI and SDKs GetRoleCredentials.
                    "eventName": ["Federate", "GetRoleCredentials"],
                    "serviceEventDetails": {"role_name": [BREAK_GLASS]},
                },
            },
            read_only_events=True,
        )

    def _outputs(self) -> None:
        self.output("identity_store_id", self.identity_store_id, description="Identity store of IAM Identity Center")
        start_url = self.project.identity_center.start_url
        portal = start_url or hcl.template("https://", self.identity_store_id, ".awsapps.com/start")
        self.output("portal_url", portal, description="AWS access portal, where people sign in")


_EVERYWHERE = "60m"
"""How long a permission set may take to be provisioned in all its accounts; the provider waits for 10 minutes."""
_EACH_WAY = {"create": _EVERYWHERE, "delete": _EVERYWHERE}
_FILLED_IN = (
    "addresses",
    "emails[0].primary",
    "emails[0].type",
    "locale",
    "name[0].formatted",
    "name[0].honorific_prefix",
    "name[0].honorific_suffix",
    "name[0].middle_name",
    "nickname",
    "phone_numbers",
    "preferred_language",
    "profile_url",
    "timezone",
    "title",
    "user_type",
)
"""Attributes of a person that people and directories fill in at AWS; the provider would erase them."""


def _arn(policy: ManagedPolicy) -> str:
    return f"arn:{PARTITION}:iam::aws:policy/{policy.aws}"
