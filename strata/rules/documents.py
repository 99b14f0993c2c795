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
    """A policy file with one use of it."""

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
        document_files = [
            DocumentFile(policy.file, policy.document, policy.type) for policy in self.policies if policy.file
        ]
        document_files += [
            DocumentFile(inline_policy.file, inline_policy.document)
            for inline_policy in self._inline_of_sets()
            if inline_policy.file
        ]
        held = self.deployer.policies if self.deployer else ()
        inline = (inline_policy for inline_policy in held if isinstance(inline_policy, InlinePolicy))
        document_files += [
            DocumentFile(inline_policy.file, inline_policy.document, of_deployer=True)
            for inline_policy in inline
            if inline_policy.file
        ]
        yield from (
            {
                (document_file.file, document_file.type, document_file.of_deployer): document_file
                for document_file in document_files
                if document_file.document.template
            }
        ).values()

    def _inline_of_sets(self) -> Iterator[InlinePolicy]:
        for permission_set in self.permission_sets:
            yield from (
                inline_policy for inline_policy in permission_set.policies if isinstance(inline_policy, InlinePolicy)
            )

    def of_aws(self) -> Iterator[AwsPolicy]:
        """Yields the managed policies of AWS's that are named, boundaries among them."""
        for permission_set in self.permission_sets:
            if permission_set.option or permission_set.external:
                continue
            holder = f"permission_sets.{permission_set.key}"
            yield from _of_aws(SSO, permission_set.location, holder, permission_set.policies)
            if permission_set.boundary and permission_set.boundary.aws:
                yield AwsPolicy(SSO, (*permission_set.location, "boundary", "aws"), holder, permission_set.boundary.aws)
        if self.deployer:
            yield from _of_aws(PROJECT, ("deployer",), "deployer", self.deployer.policies)


def _of_aws(file: str, at: Location, holder: str, policies: tuple[Held, ...]) -> Iterator[AwsPolicy]:
    for index, policy in enumerate(policies):
        if isinstance(policy, ManagedPolicy) and policy.aws:
            yield AwsPolicy(file, (*at, "policies", index, "aws"), holder, policy.aws)
