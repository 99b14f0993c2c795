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
from strata.landing_zone.placeholders import Document
from strata.landing_zone.policies import Policy, all_policies


class DocumentFile(NamedTuple):
    """A policy file with one use of it."""

    file: str
    document: Document
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
        """Returns what accepted.yaml calls it by."""
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
        rest = partial.project, partial.documents, partial.external
        policies = all_policies(organization, *rest) if organization else ()
        sets = all_permission_sets(sso, *rest) if sso else ()
        return cls(policies, sets, deployer_of(partial.project, partial.documents))

    @classmethod
    def of(cls, landing_zone: LandingZone) -> Named:
        """Returns those of a landing zone."""
        return cls(landing_zone.policies.values(), landing_zone.permission_sets.values(), landing_zone.deployer)

    def files(self) -> Iterator[DocumentFile]:
        """Yields every policy file that could be read, once for each use."""
        found = [DocumentFile(one.file, one.document, one.type) for one in self.policies if one.file]
        found += [DocumentFile(one.file, one.document) for one in self._inline_of_sets() if one.file]
        held = self.deployer.policies if self.deployer else ()
        inline = (one for one in held if isinstance(one, InlinePolicy))
        found += [DocumentFile(one.file, one.document, of_deployer=True) for one in inline if one.file]
        yield from ({(one.file, one.type, one.of_deployer): one for one in found if one.document.template}).values()

    def _inline_of_sets(self) -> Iterator[InlinePolicy]:
        for permission_set in self.permission_sets:
            yield from (one for one in permission_set.policies if isinstance(one, InlinePolicy))

    def of_aws(self) -> Iterator[AwsPolicy]:
        """Yields the managed policies of AWS's that are named, boundaries among them."""
        for one in self.permission_sets:
            if one.option or one.external:
                continue
            holder = f"permission_sets.{one.key}"
            yield from _of_aws(SSO, one.location, holder, one.policies)
            if one.boundary and one.boundary.aws:
                yield AwsPolicy(SSO, (*one.location, "boundary", "aws"), holder, one.boundary.aws)
        if self.deployer:
            yield from _of_aws(PROJECT, ("deployer",), "deployer", self.deployer.policies)


def _of_aws(file: str, at: Location, holder: str, policies: tuple[Held, ...]) -> Iterator[AwsPolicy]:
    for index, policy in enumerate(policies):
        if isinstance(policy, ManagedPolicy) and policy.aws:
            yield AwsPolicy(file, (*at, "policies", index, "aws"), holder, policy.aws)
