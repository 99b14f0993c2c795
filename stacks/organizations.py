"""The `organizations` stack: the organization, its units, accounts and policies, and what it trusts."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_iam_roles import DataAwsIamRoles
from cdktf_cdktf_provider_aws.data_aws_organizations_organization import DataAwsOrganizationsOrganization
from cdktf_cdktf_provider_aws.data_aws_organizations_organizational_units import (
    DataAwsOrganizationsOrganizationalUnits,
)
from cdktf_cdktf_provider_aws.data_aws_organizations_policies import DataAwsOrganizationsPolicies
from cdktf_cdktf_provider_aws.data_aws_organizations_policy import DataAwsOrganizationsPolicy
from cdktf_cdktf_provider_aws.iam_organizations_features import IamOrganizationsFeatures
from cdktf_cdktf_provider_aws.iam_service_linked_role import IamServiceLinkedRole
from cdktf_cdktf_provider_aws.organizations_account import OrganizationsAccount, OrganizationsAccountTimeouts
from cdktf_cdktf_provider_aws.organizations_delegated_administrator import OrganizationsDelegatedAdministrator
from cdktf_cdktf_provider_aws.organizations_organization import OrganizationsOrganization
from cdktf_cdktf_provider_aws.organizations_organizational_unit import OrganizationsOrganizationalUnit
from cdktf_cdktf_provider_aws.organizations_policy import OrganizationsPolicy
from cdktf_cdktf_provider_aws.organizations_policy_attachment import OrganizationsPolicyAttachment
from cdktf_cdktf_provider_aws.ram_sharing_with_organization import RamSharingWithOrganization
from constructs import Construct

from stacks import hcl
from stacks.backend import BackendStack
from stacks.base import RETIRED, TIMES, BaseStack, Precondition, address_in, ignore_changes, resource_name
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, ROOT
from strata.kinds.moves import moved_keys
from strata.landing_zone import LandingZone
from strata.landing_zone.accounts import Account
from strata.landing_zone.facts import NO_FACTS, Facts
from strata.landing_zone.policies import ACCESS_ANALYZER, Policy, security_administrator
from strata.landing_zone.services import delegation, policy_types
from strata.landing_zone.units import Target


class OrganizationsStack(BaseStack):
    """The organization, imported as `strata bootstrap` created it or saw it, and everything in it.

    Attributes:
        account_ids: the id of every account by key, the management account under `management`.
        organization_id: the id of the organization.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        landing_zone: LandingZone,
        backend: BackendStack,
        keys: Mapping[str, Mapping[str, str]],
        facts: Facts = NO_FACTS,
    ) -> None:
        super().__init__(scope, id, project=landing_zone.project)
        self.landing_zone, self.configuration = landing_zone, landing_zone.organization
        self.add(DataAwsOrganizationsOrganization, "live")
        self.organization = self._organization(types_stay=facts.types_stay)
        self.units = self._organizational_units()
        self.accounts = self._accounts()
        # Also of those that are left out since they are closed at AWS.
        left_out = {key: id for key, id in landing_zone.account_ids.items() if id}
        self.account_ids = {**left_out, **{key: account.id for key, account in self.accounts.items()}}
        self.organization_id = self.organization.id
        self._policies(backend)
        self._delegations()
        self._options()
        self._outputs()
        self._declare(keys)

    def _declare(self, keys: Mapping[str, Mapping[str, str]]) -> None:
        """Stops when an account that is deployed is neither declared nor retired, wherever its entry went."""
        retired = {key: account.email.lower() for key, account in self.landing_zone.retired.items()}
        self._retired = frozenset(retired)
        away = moved_keys(self.landing_zone.moves, "account")
        lost = hcl.lost_keys("account", {*keys["account"], *retired, *away})
        guard = Precondition(
            hcl.is_empty(lost),
            hcl.template(
                "Accounts that are deployed and no longer declared: ",
                hcl.listed(lost),
                ". Nothing was changed: Terraform would remove them from the organization. Put their entries back into "
                "organization.yaml with retired: true and deploy; after that they may go, to unmanaged_accounts while "
                "the account is active.",
            ),
        )
        parts = {kind: entries for kind, entries in {**keys, RETIRED: retired}.items() if entries}
        self.declare_keys(parts, preconditions=[guard], moves=self.landing_zone.moves)

    def _organization(self, *, types_stay: bool) -> OrganizationsOrganization:
        """Imports the organization; services and policy types are added to the enabled ones, never silently removed.

        Args:
            types_stay: an enabled type has a name that the provider refuses; left out, the plan would disable it.
        """
        zone, off = self.landing_zone, self.configuration.disable_services
        organization = self.add(
            OrganizationsOrganization,
            "main",
            feature_set="ALL",
            lifecycle={"prevent_destroy": True, **({"ignore_changes": ["enabled_policy_types"]} if types_stay else {})},
        )
        organization.add_override("aws_service_access_principals", hcl.services(on=zone.trusted_services, off=off))
        if not types_stay:
            organization.add_override("enabled_policy_types", hcl.policy_types(zone.policy_types))
        self.import_resource("aws_organizations_organization.main", hcl.ORGANIZATION_ID)
        return organization

    def _organizational_units(self) -> dict[str, OrganizationsOrganizationalUnit]:
        """Declares the units; those that live already under the same name in the same place are imported."""
        units: dict[str, OrganizationsOrganizationalUnit] = {}
        if self.configuration.organizational_units:
            self._read_children(ROOT, hcl.ROOT)
        for key, unit in self.landing_zone.units.items():
            units[key] = self.add(
                OrganizationsOrganizationalUnit,
                key,
                name=unit.name,
                parent_id=units[unit.parent].id if unit.parent else hcl.ROOT_ID,
                # Terraform moves accounts out before it deletes the unit they were in.
                lifecycle={
                    "prevent_destroy": True,
                    "create_before_destroy": True,
                    "ignore_changes": ["tags"],
                },
                depends_on=[self.organization],
            )
            live = hcl.live_units(unit.parent or ROOT, unit.name)
            self.import_if_exists(f"aws_organizations_organizational_unit.{key}", live)
            if unit.has_units:
                self._read_children(key, live)
        return units

    def _read_children(self, name: str, parent_ids: hcl.Expression) -> None:
        """Reads the units below a unit if it lives already."""
        children = self.add(DataAwsOrganizationsOrganizationalUnits, name, parent_id=hcl.EACH_VALUE)
        children.add_override("for_each", parent_ids)

    def _accounts(self) -> dict[str, OrganizationsAccount]:
        """Declares the accounts; those that live already under the same e-mail are imported, not created twice."""
        accounts = {MANAGEMENT: self._management_account()}
        keys = list(self.landing_zone.members)
        at_once = aws_limits()["accounts_created_at_once"].value
        for index, (key, account) in enumerate(self.landing_zone.members.items()):
            # AWS creates five at a time and refuses the sixth: each waits for that five before.
            before = [accounts[keys[index - at_once]]] if index >= at_once else []
            accounts[key] = self._account(account, [self.organization, *before])
        self.remove_from_state(*(f"aws_organizations_account.{key}" for key in self.landing_zone.retired))
        return accounts

    def _management_account(self) -> OrganizationsAccount:
        management = self.project.management_account
        account = self.add(
            OrganizationsAccount,
            MANAGEMENT,
            name=management.name,
            email=management.email,
            lifecycle=TerraformResourceLifecycle(
                prevent_destroy=True,
                # AWS does not rename the management account, and a changed e-mail would replace it.
                ignore_changes=["name", "email", "role_name", "iam_user_access_to_billing", "tags"],
            ),
            depends_on=[self.organization],
        )
        self.import_resource(f"aws_organizations_account.{MANAGEMENT}", management.id)
        return account

    def _account(self, account: Account, after: list[ITerraformDependable]) -> OrganizationsAccount:
        made = self.add(
            OrganizationsAccount,
            account.key,
            name=account.name,
            email=account.email,
            parent_id=hcl.ROOT_ID if account.unit == ROOT else self.units[account.unit].id,
            tags=account.tags or None,
            timeouts=_TIMES_OF_AN_ACCOUNT,
            lifecycle=_TAGS_STAY if account.keeps_tags else _TAGS_CHANGE,
            depends_on=after,
        )
        self.import_if_exists(f"aws_organizations_account.{account.key}", hcl.live_accounts(account.email))
        return made

    def _policies(self, backend: BackendStack) -> None:
        """Makes and attaches the policies; those that name the state get its ARNs from the backend stack."""
        own = [policy for policy in self.landing_zone.policies.values() if not policy.external]
        for kind in policy_types(own):  # reads those that live already
            self.add(DataAwsOrganizationsPolicies, kind, filter=kind)
            live = self.add(DataAwsOrganizationsPolicy, kind, policy_id=hcl.EACH_VALUE)
            live.add_override("for_each", hcl.live_policy_ids(kind))
        delegated = self.configuration.delegated_administrators.values()
        ids = {key: self.accounts[key].id for key in delegated if key in self.accounts}
        named = security_administrator(self.configuration, {**self.landing_zone.account_ids, **ids})
        for policy in own:
            self._policy(policy, policy.document.with_values({**backend.references, **named}))

    def _policy(self, policy: Policy, content: str) -> None:
        self.add(
            OrganizationsPolicy,
            policy.key,
            name=policy.name,
            type=policy.type,
            content=content,
            description=policy.description or None,
            lifecycle=ignore_changes("tags"),
            depends_on=[self.organization],
        )
        self.import_if_exists(f"aws_organizations_policy.{policy.key}", hcl.live_policies(policy.type, policy.name))
        for target in sorted(policy.attachments, key=lambda target: target.address_part):
            if target.kind == "account" and target.key not in self.accounts:
                continue  # it is closed
            name = resource_name(policy.key, target.address_part)
            self.add_json(
                OrganizationsPolicyAttachment,
                name,
                policy_id=hcl.attribute(address_in(OrganizationsPolicy, policy.key), "id"),
                target_id=_id_of(target),
            )

    def _delegations(self) -> None:
        """Registers delegated administrators; Access Analyzer needs its service-linked role first."""
        delegated = self.landing_zone.delegations
        if (detection := self.landing_zone.detection) and detection.config:
            service, _ = detection.config.trusted
            if service not in delegated:
                self.remove_from_state(f"aws_organizations_delegated_administrator.{delegation(service)}")
        role: list[ITerraformDependable] = []
        if ACCESS_ANALYZER in delegated:
            role = [self._access_analyzer_role()]
        else:
            self.remove_from_state("aws_iam_service_linked_role.access-analyzer")
        for service, account in sorted(delegated.items()):
            if account not in self.accounts:  # it is closed
                continue
            self.add(
                OrganizationsDelegatedAdministrator,
                delegation(service),
                account_id=self.accounts[account].id,
                service_principal=service,
                depends_on=[self.organization, *(role if service == ACCESS_ANALYZER else [])],
            )

    def _access_analyzer_role(self) -> IamServiceLinkedRole:
        self.add(
            DataAwsIamRoles,
            "access-analyzer",
            name_regex="^AWSServiceRoleForAccessAnalyzer$",
            path_prefix=f"/aws-service-role/{ACCESS_ANALYZER}/",
        )
        expression = hcl.set_of("data.aws_iam_roles.access-analyzer.arns")
        self.import_if_exists("aws_iam_service_linked_role.access-analyzer", expression)
        return self.add(
            IamServiceLinkedRole,
            "access-analyzer",
            aws_service_name=ACCESS_ANALYZER,
            # AWS makes it, too, and describes it in its own words.
            lifecycle=ignore_changes("description", "tags"),
        )

    def _options(self) -> None:
        if self.configuration.ram_sharing is True:
            self.add(RamSharingWithOrganization, "main", depends_on=[self.organization])
        elif self.configuration.ram_sharing == "unmanaged":
            self.remove_from_state("aws_ram_sharing_with_organization.main")
        root_access = self.configuration.member_root_access
        if root_access:
            features = {
                "RootCredentialsManagement": root_access.credentials_management,
                "RootSessions": root_access.sessions,
            }
            enabled = [name for name, on in features.items() if on]
            if enabled:
                self.add(IamOrganizationsFeatures, "main", enabled_features=enabled, depends_on=[self.organization])

    def _outputs(self) -> None:
        self.output("organization_id", self.organization_id, description="Id of the organization")
        self.output(
            "account_ids",
            {key: self.account_ids[key] for key in self.accounts},
            description="Account ids by configuration key",
            preconditions=[self._nothing_undeclared(), self._nothing_closed()],
        )

    def _nothing_undeclared(self) -> Precondition:
        """Stops when an account that is live is neither declared, retired nor listed as unmanaged.

        prevent_destroy leaves with the block it stands in, so an account taken out of the YAML would be removed from
        the organization.
        """
        organization = self.configuration
        known = (*self.landing_zone.members.values(), *self.landing_zone.retired.values())
        emails = [account.email.lower() for account in known]
        undeclared = hcl.undeclared_accounts(
            emails={*emails, *(entry.lower() for entry in organization.unmanaged_accounts)},
            ids={self.account_id, *organization.unmanaged_accounts},
        )
        return Precondition(
            hcl.is_empty(undeclared),
            hcl.template(
                "Accounts that are not declared: ",
                hcl.listed(undeclared),
                ". Nothing was changed. Write them into organization.yaml by strata adopt --to DIR; or list the "
                "address under unmanaged_accounts if others look after it, such as Control Tower; or set retired: "
                "true on an account to let go of.",
            ),
        )

    def _nothing_closed(self) -> Precondition:
        """Stops when Terraform would try to create an account again that is closed or suspended."""
        closed = hcl.closed_accounts(account.email.lower() for account in self.landing_zone.members.values())
        return Precondition(
            hcl.is_empty(closed),
            hcl.template(
                "Declared accounts that are closed or suspended: ",
                hcl.listed(closed),
                ". Nothing was changed: AWS makes none a second time. strata deploy leaves out those that it has "
                "deployed; or set retired: true on them in organization.yaml, or reopen them.",
            ),
        )


_TIMES_OF_AN_ACCOUNT = OrganizationsAccountTimeouts(create="30m")
# The first two cannot be read back from AWS; an e-mail that differs, if only in case, would replace the account as they
# would. A new address is noticed by the guard against undeclared accounts. An import brings no timeouts, so that they
# alone would be a change.
_LEFT_OF_AN_ACCOUNT = ["role_name", "iam_user_access_to_billing", "email", TIMES]
_TAGS_CHANGE = TerraformResourceLifecycle(prevent_destroy=True, ignore_changes=_LEFT_OF_AN_ACCOUNT)
_TAGS_STAY = TerraformResourceLifecycle(prevent_destroy=True, ignore_changes=[*_LEFT_OF_AN_ACCOUNT, "tags"])


def _id_of(target: Target) -> hcl.Expression:
    """Returns the id of what a policy is attached to."""
    if target.kind == "root":
        return hcl.ROOT_ID
    kind = OrganizationsOrganizationalUnit if target.unit else OrganizationsAccount
    return hcl.attribute(address_in(kind, target.key), "id")
