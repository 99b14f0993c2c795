"""What a baseline sets in an account and its regions: defaults, blocks, preferences, quotas, its name and contact."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.provider.aws import Aws, AwsError
from tests.provider.mapping import Object, from_aws, is_unknown, to_aws
from tests.provider.resource import Refused, Resource, words

_POLL, _POLLS = 0.01, 1000


class DefaultKey(Resource, type="aws_ebs_default_kms_key"):
    """The key of new volumes."""

    service, title = "ec2", "EBS Default KMS Key"

    def create(self, aws: Aws, new: Object) -> None:
        new["id"] = aws("modify_ebs_default_kms_key_id", KmsKeyId=new["key_arn"])["KmsKeyId"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        return {"key_arn": aws("get_ebs_default_kms_key_id")["KmsKeyId"]}

    def delete(self, aws: Aws, old: Object) -> None:
        """Goes back to AWS's own key."""
        aws("reset_ebs_default_kms_key_id")


class SerialConsole(Resource, type="aws_ec2_serial_console_access"):
    """Whether somebody gets at the serial console of an instance."""

    service, title = "ec2", "EC2 Serial Console Access"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        new["id"] = aws.session.account

    def read(self, aws: Aws, old: Object) -> Object | None:
        return {"enabled": aws("get_serial_console_access_status")["SerialConsoleAccessEnabled"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        aws("enable_serial_console_access" if new["enabled"] else "disable_serial_console_access")

    def delete(self, aws: Aws, old: Object) -> None:
        """Switches it off, as AWS has it."""
        aws("disable_serial_console_access")


class VpcBlock(Resource, type="aws_vpc_block_public_access_options"):
    """Whether internet gateways let traffic through."""

    service, title, answer = "ec2", "VPC Block Public Access Options", "VpcBlockPublicAccessOptions"
    get = "describe_vpc_block_public_access_options"

    def create(self, aws: Aws, new: Object) -> None:
        """Sets it and waits; what goes wrong while waiting leaves it tainted."""
        found = self._modify(aws, new["internet_gateway_block_mode"])
        new["id"] = new["aws_region"] = found["AwsRegion"]
        new["aws_account_id"] = found["AwsAccountId"]
        self._wait(aws)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        self._modify(aws, new["internet_gateway_block_mode"])
        self._wait(aws)

    def delete(self, aws: Aws, old: Object) -> None:
        """Lets all traffic through, as AWS has it."""
        self._modify(aws, "off")
        self._wait(aws)

    def _modify(self, aws: Aws, mode: str) -> Any:
        return aws("modify_vpc_block_public_access_options", InternetGatewayBlockMode=mode)[self.answer]

    def _wait(self, aws: Aws) -> None:
        """Takes every state that is not one of an update for an error, as the real one does."""
        for _ in range(_POLLS):
            state = aws(self.get)[self.answer]["State"]
            if state == "update-complete":
                return
            if state != "update-in-progress":
                raise AwsError("UnexpectedState", f"unexpected state '{state}', wanted target 'update-complete'")
            time.sleep(_POLL)
        raise AwsError("Timeout", "timeout while waiting for state to become 'update-complete'")


class EmrBlock(Resource, type="aws_emr_block_public_access_configuration"):
    """Which public traffic the security groups of clusters may have."""

    service, title, id = "emr", "EMR Block Public Access Configuration", "emr-block-public-access-configuration"
    get, answer = "get_block_public_access_configuration", "BlockPublicAccessConfiguration"

    def create(self, aws: Aws, new: Object) -> None:
        """Puts all of it, over what is there."""
        self._put(aws, to_aws(aws.output(self.get, self.answer), new, self.names))
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Fails: other ports in as many ranges are no replacement for the real one, and no change that it can make."""
        raise AwsError("NoUpdate", "doesn't support update")

    def replaced_by(self, prior: Object, planned: Object) -> list[str]:
        """Another number of ranges replaces it."""
        ranges = "permitted_public_security_group_rule_range"
        return [ranges] if len(prior[ranges] or ()) != len(planned[ranges] or ()) else []

    def delete(self, aws: Aws, old: Object) -> None:
        """Puts back what AWS has in a new account: all but SSH is blocked."""
        ssh = {"MinRange": 22, "MaxRange": 22}
        self._put(aws, {"BlockPublicSecurityGroupRules": True, "PermittedPublicSecurityGroupRuleRanges": [ssh]})

    def _put(self, aws: Aws, configuration: Object) -> None:
        aws("put_block_public_access_configuration", BlockPublicAccessConfiguration=configuration)


class ServiceSetting(Resource, type="aws_ssm_service_setting"):
    """A setting that Systems Manager keeps, named by its id or, as the id of the state always is, by its ARN."""

    service, title, gone = "ssm", "SSM Service Setting", ("ServiceSettingNotFound",)

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        named = new["setting_id"]
        own = f"arn:aws:ssm:{aws.region}:{aws.session.account}:servicesetting"
        new["id"] = named if named.startswith("arn:") else f"{own}{named}"

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Keeps to the form of the id that is in the state, which an import has not."""
        found = aws("get_service_setting", SettingId=old["id"])["ServiceSetting"]
        in_full = (old["setting_id"] or "").startswith("arn:")
        return {
            "arn": found["ARN"],
            "setting_id": found["ARN" if in_full else "SettingId"],
            "setting_value": found["SettingValue"],
            "status": found["Status"],
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        aws("update_service_setting", SettingId=new["setting_id"], SettingValue=new["setting_value"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Goes back to AWS's value."""
        aws("reset_service_setting", SettingId=old["id"])


class BackupTypes(Resource, type="aws_backup_region_settings"):
    """Which types of resources AWS Backup looks after; all that the region has are in the state, named or not."""

    service, title = "backup", "Backup Region Settings"
    get = "describe_region_settings"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        new["id"] = aws.region

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        aws.send("update_region_settings", new)

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves what is set."""


class Quota(Resource, type="aws_servicequotas_service_quota"):
    """A quota that is to be raised. Its value is the one that was asked for while AWS thinks about it."""

    service, title, id, gone = "service-quotas", "Service Quotas", "{service_code}/{quota_code}", ()
    get, answer = "get_aws_default_service_quota", "Quota"

    def create(self, aws: Aws, new: Object) -> None:
        """Asks for more, unless it is so much already."""
        now = self._value(aws, new)
        if new["value"] < now:
            raise Refused(
                f"requesting Service Quotas Service Quota ({self.id.format(**new)}) with value less than current"
            )
        if new["value"] > now:
            new["request_id"] = self._request(aws, new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Forgets a request that is decided."""
        code = {"ServiceCode": old["service_code"], "QuotaCode": old["quota_code"]}
        try:
            found = aws(self.get, **code)["Quota"]
        except AwsError as error:
            if error.code == "NoSuchResourceException":
                return None
            raise
        shown = from_aws(aws.output(self.get, "Quota"), found, self.block, self.names)
        shown |= {"arn": found["QuotaArn"], "default_value": found["Value"], "value": self._value(aws, old)}
        request = old["request_id"]
        if not request or is_unknown(request):
            return {**shown, "request_id": "", "request_status": "" if is_unknown(request) else old["request_status"]}
        asked = aws("get_requested_service_quota_change", RequestId=request)["RequestedQuota"]
        open = asked["Status"] in ("PENDING", "CASE_OPENED")
        shown |= {"request_status": asked["Status"], "request_id": request if open else ""}
        return {**shown, "value": asked["DesiredValue"]} if open else shown

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Takes an open request for the one that is to be made."""
        try:
            new["request_id"] = self._request(aws, new)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves what was granted: AWS lowers no quota."""

    def _request(self, aws: Aws, new: Object) -> str:
        sent = {"service_code": new["service_code"], "quota_code": new["quota_code"]}
        made = aws.send("request_service_quota_increase", sent, DesiredValue=new["value"])
        return str(made["RequestedQuota"]["Id"])

    def _value(self, aws: Aws, new: Object) -> float:
        code = {"ServiceCode": new["service_code"], "QuotaCode": new["quota_code"]}
        default = aws(self.get, **code)["Quota"]["Value"]
        try:
            return float(aws("get_service_quota", **code)["Quota"]["Value"])
        except AwsError as error:
            if error.code == "NoSuchResourceException":
                return float(default)
            raise


class AccountAlias(Resource, type="aws_iam_account_alias"):
    """The name of an account in its sign-in address; creating takes the place of another."""

    service, title, id, gone = "iam", "IAM Account Alias", "{account_alias}", ("NoSuchEntity",)
    make, looks_back = "create_account_alias", False

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Shows the alias that there is, whichever it is."""
        found = aws.all("list_account_aliases", "AccountAliases")
        return {"account_alias": found[0]} if found else None

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_account_alias", AccountAlias=old["id"])


class PrimaryContact(Resource, type="aws_account_primary_contact"):
    """The contact of the account, or of a member account; creating overwrites."""

    service, title, gone = "account", "Account Primary Contact", ("ResourceNotFoundException",)
    names = words(address_line_1="AddressLine1", address_line_2="AddressLine2", address_line_3="AddressLine3")
    get, answer = "get_contact_information", "ContactInformation"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        new["id"] = new["account_id"] or "default"

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads the own account's after an import, whose id is no argument."""
        return self.shown(aws, aws(self.get, AccountId=old["account_id"] or None))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Puts all of it, over what is there."""
        contact = to_aws(aws.output(self.get, self.answer), new, self.names)
        aws("put_contact_information", AccountId=new["account_id"] or None, ContactInformation=contact)

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves the contact: an account has one."""


class BusPermission(Resource, type="aws_cloudwatch_event_permission"):
    """A statement in the policy of a bus; creating overwrites."""

    service, title, gone = "events", "EventBridge Permission", ("ResourceNotFoundException",)

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        bus = new["event_bus_name"]
        new["id"] = new["statement_id"] if bus == "default" else f"{bus}/{new['statement_id']}"

    def read(self, aws: Aws, old: Object) -> Object | None:
        policy = json.loads(aws("describe_event_bus", Name=old["event_bus_name"]).get("Policy") or "{}")
        for statement in policy.get("Statement", ()):
            if statement["Sid"] == old["statement_id"]:
                principal = statement["Principal"]
                arn = principal if isinstance(principal, str) else principal["AWS"]
                return {
                    "action": statement["Action"],
                    "principal": arn.split(":")[4] if arn.startswith("arn:") else arn,
                    "condition": [
                        {"type": type, "key": key, "value": value}
                        for type, tested in statement.get("Condition", {}).items()
                        for key, value in tested.items()
                    ],
                }
        return None

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        aws.send("put_permission", new)

    def delete(self, aws: Aws, old: Object) -> None:
        aws("remove_permission", EventBusName=old["event_bus_name"], StatementId=old["statement_id"])
