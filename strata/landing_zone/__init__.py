"""The landing zone: a frozen object with everything resolved for stacks, rules and reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from strata.config import DETECTION, ORGANIZATION
from strata.config.accepted import Acceptance
from strata.config.expectations import Expectation
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER, IN_ACCOUNT, Layer, Roles
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT, ROOT, Organization, PolicyType, Project, Security, Sso, User
from strata.config.moves import Move
from strata.config.source import Location, SourceFile
from strata.config.split import SplitSourceFile
from strata.errors import Fault, Message
from strata.landing_zone.accounts import Account, accounts
from strata.landing_zone.deployer import Deployer, deployer_of
from strata.landing_zone.detection import config_of, recorded_regions
from strata.landing_zone.grants import Grant, grants
from strata.landing_zone.groups import Group, groups
from strata.landing_zone.inherited import Attributes, Inherited, attributes, words_of
from strata.landing_zone.permission_sets import PermissionSet, all_permission_sets
from strata.landing_zone.placeholders import SECURITY_ADMINISTRATOR
from strata.landing_zone.policies import (
    EffectivePolicy,
    Policy,
    all_policies,
    declared_settings,
    effective_policies,
    without_full_access,
)
from strata.landing_zone.selection import AccountSelector
from strata.landing_zone.services import derived_services, policy_types
from strata.landing_zone.undescribed import UNKNOWN, undescribed
from strata.landing_zone.units import Ancestors, Target, Unit, ancestors, units

if TYPE_CHECKING:
    from strata.config.baseline import MemberSettings
    from strata.config.detection import Detection

__all__ = ["MANAGEMENT", "ROOT", "LandingZone", "SourceLocation"]


class SourceLocation(NamedTuple):
    """A line of the configuration, by the name its file has in the folder; 0 where no file says it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class LandingZone:
    """The whole configuration, valid, with its source lines; its meaning is resolved on first use."""

    project: Project
    organization: Organization
    security: Security
    sso: Sso
    imports: Mapping[str, str] = field(default_factory=dict)
    """Terraform address to import id."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """Policy file to its content, minified."""
    accepted: tuple[Acceptance, ...] = ()
    """The accepted findings."""
    source_files: Mapping[str, SourceFile] = field(default_factory=dict)
    """The content of each file, with lines."""
    moves: tuple[Move, ...] = ()
    """The keys that changed, in order."""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """Your own layers by name, after those that they read from."""
    expectations: tuple[Expectation, ...] = ()
    """What holds whatever else is configured."""
    account_ids: Mapping[str, str] = field(default_factory=dict)
    """The ids of its accounts by key, where AWS was asked."""
    leaving: frozenset[str] = frozenset()
    """The accounts whose baseline is forgotten whole, as they are retired."""

    @cached_property
    def derived(self) -> dict[object, Any]:
        """Returns what others worked out of it and would work out again, by their class and its arguments."""
        return {}

    @cached_property
    def accounts(self) -> Mapping[str, Account]:
        """Returns the accounts that are not retired by key, the management account first, the others sorted."""
        return {key: account for key, account in self._all_accounts.items() if not account.retired}

    @cached_property
    def members(self) -> Mapping[str, Account]:
        """Returns the same without the management account."""
        return {key: account for key, account in self.accounts.items() if key != MANAGEMENT}

    @cached_property
    def retired(self) -> Mapping[str, Account]:
        """Returns the retired accounts, by key."""
        return {key: account for key, account in self._all_accounts.items() if account.retired}

    @cached_property
    def _all_accounts(self) -> Mapping[str, Account]:
        return accounts(self.project, self.organization)

    @cached_property
    def account_stacks(self) -> Mapping[str, str]:
        """Returns the accounts of the stacks that your own layers have in accounts, by the name of the stack."""
        layers = self.layers.values()
        return {layer.stack_in(key): key for layer in layers for key in self.members if layer.is_in(key)}

    def at(self, deployed: Collection[str]) -> LandingZone:
        """Returns it without the stacks of a baseline that make nothing, and of which no state has anything to let go.

        Args:
            deployed: the stacks that have a state.
        """
        layer = self.layers.get(BASELINE_LAYER)
        if not (layer and layer.source):
            return self
        there = {key for key in self.members if layer.stack_in(key) in deployed}
        there |= {key for key, settings in self.member_settings.items() if settings.makes_something}
        there |= {key for key in self.members if recorded_regions(self, key)}
        return replace(self, layers={**self.layers, BASELINE_LAYER: replace(layer, chosen=frozenset(there))})

    def reads(self, layer: Layer) -> tuple[str, ...]:
        """Returns the names of the stacks that a layer reads from."""
        return tuple(self.layers[name].stack if name in self.layers else name for name in layer.reads)

    @cached_property
    def waves(self) -> Mapping[str, tuple[frozenset[str], ...]]:
        """Returns the accounts of each wave, by layer: an account is in the first that names it."""
        all_waves = {}
        for name, layer in self.layers.items():
            if layer.deploying.rollout:
                left, waves = frozenset(filter(layer.is_in, self.members)), list[frozenset[str]]()
                for places in layer.deploying.rollout.waves:
                    named = frozenset[str]().union(*map(self.selector.at, places))
                    waves.append(left & named)
                    left -= named
                all_waves[name] = tuple(waves)
        return all_waves

    def roles(self, stack: str) -> Roles:
        """Returns the roles that a stack in a member account assumes."""
        return self.layers[stack.partition(IN_ACCOUNT)[0]].roles

    def wave(self, stack: str) -> int:
        """Returns the number of the wave that a stack is deployed in, 0 where its layer has none."""
        layer, _, account = stack.partition(IN_ACCOUNT)
        return next((number for number, wave in enumerate(self.waves.get(layer, ()), 1) if account in wave), 0)

    @cached_property
    def attributes(self) -> Mapping[str, Attributes]:
        """Returns contacts, tags, regions and budget of each account, its own or inherited, by key."""
        return attributes(self.organization)

    @cached_property
    def baseline(self) -> Mapping[str, Inherited]:
        """Returns what baseline.yaml gives each member account, by key; empty where there is no such file."""
        layer = self.layers.get(BASELINE_LAYER)
        if not (layer and layer.source and layer.settings):
            return {}
        settings = getattr(layer.settings, "settings", {})
        words = words_of("settings", {place: its.said for place, its in settings.items()})
        return {
            key: Inherited.of(words[place] for place in account.places if place in words)
            for key, account in self.members.items()
        }

    @cached_property
    def member_settings(self) -> Mapping[str, MemberSettings]:
        """Returns the same as it is set, by key."""
        if not self.baseline:
            return {}
        from strata.config.baseline import MemberSettings  # most configurations have none

        return {key: MemberSettings.model_validate(its.at()) for key, its in self.baseline.items()}

    @property
    def detection(self) -> Detection | None:
        """Returns what detection.yaml says, None where there is no such file."""
        layer = self.layers.get(DETECTION_LAYER)
        return cast("Detection | None", layer.settings if layer and layer.source else None)

    @cached_property
    def units(self) -> Mapping[str, Unit]:
        """Returns the organizational units by key, parents first."""
        return {unit.key: unit for unit in units(self.organization)}

    @cached_property
    def ancestors(self) -> Ancestors:
        """Returns the way from the root down to every unit and account."""
        return ancestors(self.units.values(), self.accounts.values())

    @cached_property
    def selector(self) -> AccountSelector:
        """Returns what finds the accounts that an assignment names."""
        return AccountSelector(self.organization)

    @cached_property
    def policies(self) -> Mapping[str, Policy]:
        """Returns the organization policies by key, those of options among them, sorted by type and key."""
        parts = (self.organization, self.project, self.documents)
        order = list(PolicyType)
        policies = sorted(all_policies(*parts, self.account_ids), key=lambda its: (order.index(its.type), its.key))
        return {policy.key: policy for policy in policies}

    def knowing(self, account_ids: Mapping[str, str]) -> LandingZone:
        """Returns the same with ids of accounts in the documents that name any."""
        named = any(SECURITY_ADMINISTRATOR in policy.document.template for policy in self.policies.values())
        return replace(self, account_ids=account_ids) if named else self

    @cached_property
    def effective_policies(self) -> Mapping[Target, tuple[EffectivePolicy, ...]]:
        """Returns the policies that reach the root, each unit and each account."""
        return effective_policies(self.ancestors, self.policies.values())

    @property
    def unbound(self) -> list[str]:
        """Returns the member accounts that no service control policy binds."""
        effective = self.effective_policies
        return [
            key
            for key in self.members
            if not any(policy.policy.type is PolicyType.SERVICE_CONTROL for policy in effective[Target("account", key)])
        ]

    @cached_property
    def undescribed(self) -> Mapping[str, str]:
        """Returns what AWS has and nothing here describes, as `policy NAME` or `permission set NAME`, with a reason."""
        described = {f"policy {policy.name}" for policy in self.policies.values()}
        described |= {f"permission set {held.name}" for held in self.permission_sets.values()}
        return dict(undescribed(self.accepted, described))

    def has_undescribed(self, type: PolicyType) -> bool:
        """Returns whether such a policy may be of a type: its reason names that, or none."""
        return any(
            name.startswith("policy ") and (type in reason or "_POLICY" not in reason)
            for name, reason in self.undescribed.items()
        )

    @cached_property
    def no_policy(self) -> str:
        """Returns how it is called that no policy is known: there may be one that nothing here describes."""
        return UNKNOWN if self.undescribed else "no policy"

    @cached_property
    def policy_types(self) -> list[PolicyType]:
        """Returns the policy types in use."""
        return policy_types(self.policies.values())

    @cached_property
    def declared_controls(self) -> frozenset[str]:
        """Returns the controls that a declarative policy sets in the management account, so that it cannot itself."""
        return frozenset(control for _, _, control in declared_settings(self.policies.values()))

    @cached_property
    def delegated_administrators(self) -> Mapping[str, tuple[str, ...]]:
        """Returns the accounts that administer each service; at AWS there may be several."""
        return {service: (account,) for service, account in self.delegations.items()}

    @cached_property
    def delegations(self) -> Mapping[str, str]:
        """Returns the account that is registered for each service: by organization.yaml, for Config by detection.yaml.

        GuardDuty has a resource of its own that does so.
        """
        detection, control = self.detection, config_of(self.detection)
        ours = {control.trusted[0]: detection.administrator} if detection and control else {}
        return {**self.organization.delegated_administrators, **ours}

    def delegated_at(self, service: str) -> tuple[str, Location]:
        """Returns the file that delegates a service, and the place there."""
        here = service in self.organization.delegated_administrators or service not in self.delegations
        return (ORGANIZATION, ("delegated_administrators", service)) if here else (DETECTION, ("config",))

    @cached_property
    def trusted_services(self) -> frozenset[str]:
        """Returns the services that get trusted access: those listed, and those that what is configured needs."""
        derived = derived_services(self.organization, self.security, self.policy_types, self.detection)
        return frozenset({*self.organization.trusted_services, *derived})

    @cached_property
    def users(self) -> Mapping[str, User]:
        """Returns the users by key, sorted."""
        return dict(sorted(self.sso.users.items()))

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """Returns the groups by key, sorted."""
        return dict(sorted(groups(self.sso).items()))

    @cached_property
    def without_full_access(self) -> Mapping[tuple[PolicyType, Target], Location]:
        """Returns where AWS's FullAWSAccess and RCPFullAWSAccess are not attached, by type and target."""
        return without_full_access(self.organization)

    @cached_property
    def permission_sets(self) -> Mapping[str, PermissionSet]:
        """Returns the permission sets by key, those of options among them, sorted."""
        permission_sets = all_permission_sets(self.sso, self.project, self.documents)
        ordered = sorted(permission_sets, key=lambda its: its.key)
        return {permission_set.key: permission_set for permission_set in ordered}

    @cached_property
    def grants(self) -> Mapping[Grant, tuple[Location, ...]]:
        """Returns who has which permission set where, sorted, with the entries of sso.yaml that give it."""
        return grants(self.sso, self.selector)

    @cached_property
    def deployer(self) -> Deployer | None:
        """Returns the role that deploys, None where project.yaml names none."""
        return deployer_of(self.project, self.documents)

    @classmethod
    def of(cls, partial: PartialConfiguration) -> LandingZone | None:
        """Returns the landing zone of a partial configuration, None if a file could not be read."""
        if not (partial.project and partial.organization and partial.security and partial.sso):
            return None
        parts = (partial.project, partial.organization, partial.security, partial.sso)
        return cls(
            *parts,
            partial.imports,
            partial.documents,
            partial.accepted,
            partial.source_files,
            tuple(partial.moves.values()),
            _chosen(partial.layers, partial.organization),
            tuple(partial.expectations.values()),
        )

    def source(self, file: str, location: Location) -> SourceLocation:
        """Returns the line of something, or of the nearest entry above it, in the file that has it."""
        part, here = self.source_file(file).origin(location)
        return SourceLocation(part.name or file, part.line(here))

    def fault(self, file: str, location: Location, problem: Message, remedy: str) -> Fault:
        """Makes the fault of a value, for what only shows when Terraform is written."""
        return self.source_file(file).fault(location, problem, remedy)

    def source_file(self, file: str) -> SourceFile:
        """Returns a file by its name in the folder."""
        parts = (
            part
            for source_file in self.source_files.values()
            if isinstance(source_file, SplitSourceFile)
            for part in source_file.parts
        )
        return self.source_files.get(file) or next((part for part in parts if part.name == file), SourceFile(file))


def _chosen(layers: Mapping[str, Layer], organization: Organization) -> Mapping[str, Layer]:
    """Returns layers with the accounts at the places that their files name."""
    if not any(layer.deploying.accounts for layer in layers.values()):
        return layers
    at = AccountSelector(organization).at
    named = {name: layer.deploying.accounts for name, layer in layers.items()}
    chosen = {name: frozenset[str]().union(*map(at, places)) if places else None for name, places in named.items()}
    return {name: replace(layer, chosen=chosen[name]) for name, layer in layers.items()}
