"""The `baseline` stack of a member account: what baseline.yaml sets there, and AWS Config by detection.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cdktf_cdktf_provider_aws.backup_region_settings import BackupRegionSettings
from cdktf_cdktf_provider_aws.ebs_default_kms_key import EbsDefaultKmsKey
from cdktf_cdktf_provider_aws.ebs_encryption_by_default import EbsEncryptionByDefault
from cdktf_cdktf_provider_aws.ec2_serial_console_access import Ec2SerialConsoleAccess
from cdktf_cdktf_provider_aws.emr_block_public_access_configuration import EmrBlockPublicAccessConfiguration
from cdktf_cdktf_provider_aws.iam_account_alias import IamAccountAlias
from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
from cdktf_cdktf_provider_aws.s3_account_public_access_block import S3AccountPublicAccessBlock
from cdktf_cdktf_provider_aws.servicequotas_service_quota import ServicequotasServiceQuota
from cdktf_cdktf_provider_aws.ssm_service_setting import SsmServiceSetting
from cdktf_cdktf_provider_aws.vpc_block_public_access_options import VpcBlockPublicAccessOptions
from constructs import Construct

from stacks.account import AccountStack, MemberAccount
from stacks.base import BaseStack, resource_name
from stacks.baseline.events import sign_in_events
from stacks.components import recorder
from stacks.security.controls import Controls
from stacks.security.settings import settings
from strata.config.baseline import (
    BACKUP_TYPES,
    AccountAlias,
    BackupTypes,
    Baseline,
    MemberSettings,
    Quotas,
    VolumeEncryption,
)
from strata.config.models import PARTITION, Mode, Setting

# By the imports here `strata permissions baseline/writer` knows what the stack makes.
KINDS: Mapping[str, Any] = {
    "ebs_encryption": EbsEncryptionByDefault,
    "password_policy": IamAccountPasswordPolicy,
    "serial_console_access": Ec2SerialConsoleAccess,
    "emr_public_access": EmrBlockPublicAccessConfiguration,
    "vpc_public_access": VpcBlockPublicAccessOptions,
    "s3_public_access": S3AccountPublicAccessBlock,
}
"""The resource that each setting is which takes nothing but the arguments of its model."""
IMPORTED = {
    "ebs_encryption": ("aws_ebs_encryption_by_default", "default"),
    "serial_console_access": ("aws_ec2_serial_console_access", "default"),
    "vpc_public_access": ("aws_vpc_block_public_access_options", ""),
}
"""Settings that every region has, so that a plan says how AWS has them: type and import id, empty for the region.

Other types the provider would replace or change after an import, though nothing differs.
"""
DOCUMENT_SHARING = "/ssm/documents/console/public-sharing-permission"
"""https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html"""
UNMANAGED: Mapping[str, Any] = {"mode": Mode.UNMANAGED}


class BaselineStack(AccountStack, Controls):
    """The settings of one account, and its recorders; what nobody gives any more stays as it is at AWS."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        account: MemberAccount,
        settings: Baseline,
        archive: BaseStack | None = None,
    ) -> None:
        super().__init__(scope, id, account=account)
        if archive:
            self.add_dependency(archive)
        there = (place for place in account.declared.places if place in settings.settings)
        words = {place: settings.settings[place].said for place in there}
        self.settings = MemberSettings.model_validate(account.nearest(words))
        self._settings()
        sign_in_events(self, self.settings.sign_in_events)
        recorder.recorders(self, account.recorders)

    @property
    def governed(self) -> tuple[str, ...]:
        """Returns the governed regions that the account has enabled."""
        return self.account.regions

    def _given(self, name: str) -> Any:
        """Returns a control as it is given, unmanaged where it is not."""
        kind = MemberSettings.kinds()[name]
        return getattr(self.settings, name) or kind.model_validate(UNMANAGED)

    def _settings(self) -> None:
        given = {name: self._given(name) for name in MemberSettings.kinds()}
        plain = {name: control for name, control in given.items() if name in KINDS and isinstance(control, Setting)}
        settings(self, plain, kinds=KINDS, declared=())
        for name, (type, id) in IMPORTED.items():
            for region in self.governed if plain[name].on else ():
                self.import_resource(f"{type}.{resource_name('main', region)}", f"{id or region}@{region}")
        self.make_in_regions(given["document_public_access"], partial(self._documents, given["document_public_access"]))
        self.make_in_regions(given["ebs_encryption"], partial(self._volume_key, given["ebs_encryption"]))
        self.make_in_regions(given["backup"], partial(self._backup, given["backup"]))
        self.make(given["account_alias"], partial(self._alias, given["account_alias"]))
        self._quotas(given["quotas"])

    def _documents(self, control: Setting, region: str) -> None:
        # The provider reads back an ARN, whatever was written: the short form would differ in each plan.
        id = f"arn:{PARTITION}:ssm:{region}:{self.account_id}:servicesetting{DOCUMENT_SHARING}"
        values: dict[str, Any] = dict(control.values)
        self.add_json(SsmServiceSetting, resource_name("main", region), setting_id=id, region=region, **values)

    def _volume_key(self, control: VolumeEncryption, region: str) -> None:
        if (arn := control.key_arns.get(region)) or not control.on:
            self.add_json(EbsDefaultKmsKey, resource_name("main", region), key_arn=arn or "", region=region)
        else:
            self.remove_from_state(f"aws_ebs_default_kms_key.{resource_name('main', region)}")

    def _backup(self, control: BackupTypes, region: str) -> None:
        # The state has every type of the region; those that nobody names stay as they are.
        named = {type: takes_part for type, takes_part in control.resource_types.items() if takes_part is not None}
        left = [f'resource_type_opt_in_preference["{type}"]' for type in BACKUP_TYPES if type not in named]
        self.add_json(
            BackupRegionSettings,
            resource_name("main", region),
            resource_type_opt_in_preference=named,
            region=region,
            lifecycle={"ignore_changes": left} if left else None,
        )

    def _alias(self, control: AccountAlias) -> None:
        self.add(IamAccountAlias, "main", account_alias=(control.name or "").replace("{key}", self.account.key))

    def _quotas(self, control: Quotas) -> None:
        """Asks for quotas; what is not asked for any more stays, and its address with it in no state."""
        for quota, value in sorted((quota, value) for quota, value in control.values.items() if value):
            service, _, code = quota.partition("/")
            for region in self.governed:
                name = resource_name(service, code, region)
                if control.on:
                    self.add_json(
                        ServicequotasServiceQuota,
                        name,
                        service_code=service,
                        quota_code=code,
                        value=value,
                        region=region,
                    )
                else:
                    self.remove_from_state(f"aws_servicequotas_service_quota.{name}")
