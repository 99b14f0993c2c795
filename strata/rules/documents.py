"""Every policy that a configuration names, each where it is named, for rules that look at all of them alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from strata.config import PROJECT, SSO
from strata.config.loader import PartialConfiguration
from strata.config.models import PolicyType
from strata.config.source import Location
from strata.landing_zone import LandingZone
from strata.landing_zone.deployer import Deployer, deployer_of
from strata.landing_zone.permission_sets import Held, InlinePolicy, ManagedPolicy, PermissionSet, all_permission_sets
from strata.landing_zone.placeholders import DocumentTemplate
from strata.landing_zone.policies import Policy, all_policies


class DocumentFile(NamedTuple):
    """A policy file with a use of it."""

    file: str
    document: DocumentTemplate
    type: PolicyType | None = None
    """None for an inline policy."""
    of_deployer: bool = False


class AwsPolicy(NamedTuple):
    """A managed policy of AWS's that a permission set or the deployer names."""

    file: str
    location: Location
    holder: str
    """The place that names it, as in accepted.yaml."""
    name: str

    @property
    def place(self) -> str:
        """Returns the place by which accepted.yaml names it."""
        return f"{self.holder} {self.name}"


class Named(NamedTuple):
    """The policies of a configuration and what names some, as far as it could be read."""

    policies: Collection[Policy]
    permission_sets: Collection[PermissionSet]
    deployer: Deployer | None

    @classmethod
    def of_partial(cls, partial: PartialConfiguration) -> Named:
        """Returns those of a partial."""
        organization, sso = partial.organization, partial.sso
        rest = partial.project, partial.documents
        policies = all_policies(organization, *rest) if organization else ()
        sets = all_permission_sets(sso, *rest) if sso else ()
        return cls(policies, sets, deployer_of(partial.project, partial.documents))

    @classmethod
    def of(cls, landing_zone: LandingZone) -> Named:
        """Returns those of a landing zone."""
        sets = landing_zone.permission_sets.values()
        return cls(landing_zone.policies.values(), sets, landing_zone.deployer)

    def files(self) -> Iterator[DocumentFile]:
        """Yields every policy file that could be read, once for each use."""
        uses = [DocumentFile(policy.file, policy.document, policy.type) for policy in self.policies if policy.file]
        held = [(policy, False) for permission_set in self.permission_sets for policy in permission_set.policies]
        held += [(policy, True) for policy in (self.deployer.policies if self.deployer else ())]
        uses += [
            DocumentFile(policy.file, policy.document, of_deployer=of_deployer)
            for policy, of_deployer in held
            if isinstance(policy, InlinePolicy) and policy.file
        ]
        once = {(use.file, use.type, use.of_deployer): use for use in uses if use.document.template}
        yield from once.values()

    def of_aws(self) -> Iterator[AwsPolicy]:
        """Yields the managed policies of AWS's that are named, boundaries among them."""
        for permission_set in self.permission_sets:
            if permission_set.option or permission_set.external:
                continue
            yield from _of_holder(SSO, f"permission_sets.{permission_set.key}", permission_set)
        if self.deployer:
            yield from _of_aws(PROJECT, ("deployer",), "deployer", self.deployer.policies)


def _of_holder(file: str, holder: str, its: PermissionSet) -> Iterator[AwsPolicy]:
    yield from _of_aws(file, its.location, holder, its.policies)
    if its.boundary and its.boundary.aws:
        yield AwsPolicy(file, (*its.location, "boundary", "aws"), holder, its.boundary.aws)


def _of_aws(file: str, at: Location, holder: str, policies: tuple[Held, ...]) -> Iterator[AwsPolicy]:
    for index, policy in enumerate(policies):
        if isinstance(policy, ManagedPolicy) and policy.aws:
            yield AwsPolicy(file, (*at, "policies", index, "aws"), holder, policy.aws)
