"""Asks AWS about a resource: what a plan would create, or what a state has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.aws.defaults import account_setting
from strata.aws.identity_center import CenterClient
from strata.aws.session import Aws, AwsError, Client, unless_absent
from strata.config.models import Project

_ABSENT = (
    *("NotFoundException", "ResourceNotFoundException"),
    *("NoSuchEntity", "NoSuchEntityException"),  # IAM
    "NoSuchResourceException",  # Service Quotas
    *("404", "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration"),  # S3
    "ObjectLockConfigurationNotFoundError",
)


@dataclass(frozen=True)
class ResourceQuestion:
    """Whoever asks AWS about a resource, by the `Ask` of its kind.

    Attributes:
        values: the arguments that a plan has of it, or what a state has.
        accounts: the ids of the active accounts, where they are known.
        account: the account that is asked; the management account where none is named.
        answers: those that resources of a plan share, with the errors among them.
    """

    aws: Aws
    project: Project
    values: Mapping[str, Any]
    accounts: Collection[str] = ()
    account: str = ""
    answers: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fills in the management account."""
        object.__setattr__(self, "account", self.account or self.project.management_account.id)

    def once(self, ask: Callable[..., Any], *about: str) -> Any:
        """Returns the answer to a question that several resources of a plan have, which AWS is asked once.

        Raises:
            AwsError: AWS refused it, to whichever resource.
        """
        asked = ask.__name__, *about
        if asked not in self.answers:
            try:
                self.answers[asked] = ask(*about)
            except AwsError as error:
                self.answers[asked] = error
        if isinstance(self.answers[asked], AwsError):
            raise self.answers[asked]
        return self.answers[asked]

    def client(self, service: str) -> Client:
        """Returns a client in the region of the resource: the primary region where it names none."""
        return self.aws.client(service, self.values.get("region") or self.project.regions.primary)

    def unless_absent(self, ask: Callable[[], Any]) -> Any | None:
        """Returns the answer to a question, None where AWS has no such thing."""
        return unless_absent(ask, _ABSENT)

    @property
    def center(self) -> CenterClient:
        """Returns Identity Center, by the instance and the identity store that the resource names."""
        region, values = self.project.identity_center_region, self.values
        admin, people = self.aws.client("sso-admin", region), self.aws.client("identitystore", region)
        return CenterClient(admin, people, values.get("instance_arn", ""), values.get("identity_store_id", ""))

    def setting(self, key: str) -> Mapping[str, Any]:
        """Returns the values of a setting of security.yaml in the account."""
        return account_setting(self.aws, key, self.account)
