"""Settings that AWS has for every account and its regions: a reader for each, which returns Terraform's arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from strata.aws.session import Aws, Client, unless_absent
from strata.config.models import Project
from strata.text import snake

Values = Mapping[str, Any]


def _image_public_access(ec2: Client) -> Values:
    values = _by_argument(ec2.get_image_block_public_access_state())
    return {**values, "state": values.get("image_block_public_access_state")}


REGIONAL: Mapping[str, Callable[[Client], Values]] = {
    "ebs_encryption": lambda ec2: {"enabled": ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]},
    "instance_metadata": lambda ec2: _by_argument(ec2.get_instance_metadata_defaults().get("AccountLevel", {})),
    "snapshot_public_access": lambda ec2: _by_argument(ec2.get_snapshot_block_public_access_state()),
    "image_public_access": _image_public_access,
}
"""The reader of each setting that a region has, by key of security.yaml."""

OF_ACCOUNT: Mapping[str, tuple[str, Callable[[Client, str], Values]]] = {
    "s3_public_access": (
        "s3control",
        lambda s3control, account_id: _unless(
            lambda: s3control.get_public_access_block(AccountId=account_id),
            "PublicAccessBlockConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
        ),
    ),
    "password_policy": (
        "iam",
        lambda iam, _: _unless(
            iam.get_account_password_policy, "PasswordPolicy", "NoSuchEntity", "NoSuchEntityException"
        ),
    ),
}
"""The service and the reader of each setting of the account as a whole, by key of security.yaml."""


def setting(aws: Aws, key: str, project: Project) -> Mapping[str, Values]:
    """Returns a setting by region; a setting of the account as a whole under the empty text.

    Raises:
        AwsError: AWS rejected a call.
    """
    if key in OF_ACCOUNT:
        return {"": account_setting(aws, key, project.management_account.id)}
    return regional_setting(aws, key, project.regions.all_governed)


def regional_setting(aws: Aws, key: str, regions: Iterable[str]) -> dict[str, Values]:
    """Returns a setting by region.

    Raises:
        AwsError: AWS rejected a call.
    """
    return {region: REGIONAL[key](aws.client("ec2", region)) for region in regions}


def account_setting(aws: Aws, key: str, account_id: str) -> Values:
    """Returns a setting of the account as a whole.

    Raises:
        AwsError: AWS rejected a call.
    """
    service, read = OF_ACCOUNT[key]
    return read(aws.client(service), account_id)


def root_features(aws: Aws) -> frozenset[str]:
    """Returns the features of central root access that are on; AWS rejects the question where it has none.

    Raises:
        AwsError: AWS rejected the call for another reason.
    """
    answer = unless_absent(aws.client("iam").list_organizations_features, _NO_ROOT_ACCESS) or {}
    return frozenset(answer.get("EnabledFeatures") or ())


_NO_ROOT_ACCESS = frozenset(
    {"ServiceAccessNotEnabled", "ServiceAccessNotEnabledException", "OrganizationNotFoundException"}
)


def _unless(read: Callable[[], Any], key: str, *absent: str) -> Values:
    """Returns the values under a key of a response, by argument; empty where AWS has none."""
    answer = unless_absent(read, absent)
    return {} if answer is None else _by_argument(answer[key])


def _by_argument(values: Values) -> Values:
    """Returns an answer of AWS by the names that Terraform gives its arguments."""
    return {snake(name): value for name, value in values.items() if name != "ResponseMetadata"}
