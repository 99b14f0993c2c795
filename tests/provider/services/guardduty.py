"""GuardDuty: detectors, the organization's administrator, and what that says of all accounts or of single members."""

from __future__ import annotations

from typing import Any

from tests.provider.aws import Aws, AwsError, Session
from tests.provider.mapping import Object
from tests.provider.resource import Resource, Tagging, words

_NOT_OWNED = "is not owned by the current account"
_AGENTS = "additional_configuration"


def _unless_gone(aws: Aws, operation: str, **parameters: Any) -> Any | None:
    """Returns the answer about a detector, None where the account has it no more."""
    try:
        return aws(operation, **parameters)
    except AwsError as error:
        if _NOT_OWNED in str(error):
            return None
        raise


class Detector(Resource, type="aws_guardduty_detector"):
    """The detector of a region, with its findings."""

    service, title, id = "guardduty", "GuardDuty Detector", "{id}"
    tagging = Tagging("list_tags_for_resource", "tag_resource", "untag_resource", "ResourceArn", "arn")
    tags_in_answer = True

    def create(self, aws: Aws, new: Object) -> None:
        frequency = new["finding_publishing_frequency"]
        given = {"FindingPublishingFrequency": frequency} if isinstance(frequency, str) else {}
        new["id"] = aws("create_detector", Enable=new["enable"], Tags=new["tags_all"] or None, **given)["DetectorId"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = _unless_gone(aws, "get_detector", DetectorId=old["id"])
        if found is None:
            return None
        account = aws.session.account
        return {
            "account_id": account,
            "arn": f"arn:aws:guardduty:{aws.region}:{account}:detector/{old['id']}",
            "enable": found["Status"] == "ENABLED",
            "finding_publishing_frequency": found["FindingPublishingFrequency"],
            "datasources": [],
            "tags_all": found.get("Tags", {}),
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new, "enable", "finding_publishing_frequency"):
            frequency = new["finding_publishing_frequency"]
            aws("update_detector", DetectorId=new["id"], Enable=new["enable"], FindingPublishingFrequency=frequency)

    def delete(self, aws: Aws, old: Object) -> None:
        _unless_gone(aws, "delete_detector", DetectorId=old["id"])


class Administrator(Resource, type="aws_guardduty_organization_admin_account"):
    """The account that administers GuardDuty in a region; waits for nothing here."""

    service, title, id = "guardduty", "GuardDuty Organization Admin Account", "{admin_account_id}"

    def create(self, aws: Aws, new: Object) -> None:
        aws("enable_organization_admin_account", AdminAccountId=new["admin_account_id"])
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        there = [one["AdminAccountId"] for one in aws.all("list_organization_admin_accounts", "AdminAccounts")]
        return {"admin_account_id": old["id"]} if old["id"] in there else None

    def delete(self, aws: Aws, old: Object) -> None:
        aws("disable_organization_admin_account", AdminAccountId=old["id"])
        self.read(aws, old)


class Feature(Resource, type="aws_guardduty_detector_feature"):
    """A protection plan of an account; a deletion calls nothing."""

    service, title, id = "guardduty", "GuardDuty Detector Feature", "{detector_id}/{name}"
    names = words(additional_configuration="AdditionalConfiguration")

    def create(self, aws: Aws, new: Object) -> None:
        self._put(aws, new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = _unless_gone(aws, "get_detector", DetectorId=old["detector_id"])
        return _feature(found["Features"] if found else (), old, "Status", "status")

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        self._put(aws, new)

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves it as it is."""

    def _put(self, aws: Aws, new: Object) -> None:
        aws("update_detector", DetectorId=new["detector_id"], Features=[_sent(new, "Status", "status")])


class Configuration(Resource, type="aws_guardduty_organization_configuration"):
    """Which accounts are switched on by themselves; a deletion calls nothing."""

    service, title, id = "guardduty", "GuardDuty Organization Configuration", "{detector_id}"

    def settle(self, planned: Object, prior: Object | None, config: Object) -> None:
        """Keeps the older word for it."""
        if "auto_enable" in planned and isinstance(planned["auto_enable_organization_members"], str):
            planned["auto_enable"] = planned["auto_enable_organization_members"] != "NONE"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = _unless_gone(aws, "describe_organization_configuration", DetectorId=old["id"])
        if found is None:
            return None
        members = found["AutoEnableOrganizationMembers"]
        return {"detector_id": old["id"], "auto_enable_organization_members": members, "datasources": []}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        members = new["auto_enable_organization_members"]
        aws("update_organization_configuration", DetectorId=new["detector_id"], AutoEnableOrganizationMembers=members)

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves it as it is."""


class OrganizationFeature(Resource, type="aws_guardduty_organization_configuration_feature"):
    """In which accounts a protection plan is switched on by itself; a deletion calls nothing."""

    service, title, id = "guardduty", "GuardDuty Organization Configuration Feature", "{detector_id}/{name}"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = _unless_gone(aws, "describe_organization_configuration", DetectorId=old["detector_id"])
        return _feature(found["Features"] if found else (), old, "AutoEnable", "auto_enable")

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Sends what is switched on by itself as it is, which AWS demands with each feature."""
        now = aws("describe_organization_configuration", DetectorId=new["detector_id"])
        aws(
            "update_organization_configuration",
            DetectorId=new["detector_id"],
            AutoEnableOrganizationMembers=now["AutoEnableOrganizationMembers"],
            Features=[_sent(new, "AutoEnable", "auto_enable")],
        )

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves it as it is."""


class Member(Resource, type="aws_guardduty_member"):
    """An account that the administrator watches."""

    service, title, id = "guardduty", "GuardDuty Member", "{detector_id}:{account_id}"

    def create(self, aws: Aws, new: Object) -> None:
        """Makes it; what AWS could not process is no error of its own."""
        details = [{"AccountId": new["account_id"], "Email": new["email"]}]
        aws("create_members", DetectorId=new["detector_id"], AccountDetails=details)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        detector, _, account = old["id"].partition(":")
        found = _unless_gone(aws, "get_members", DetectorId=detector, AccountIds=[account])
        if not found or not found["Members"]:
            return None
        its = found["Members"][0]
        return {
            "account_id": account,
            "detector_id": detector,
            "email": its["Email"],
            "relationship_status": its["RelationshipStatus"],
            "invite": its["RelationshipStatus"] in ("Disabled", "Enabled", "Invited", "EmailVerificationInProgress"),
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if "invite" in self.changed(old, new, "invite"):
            call = "invite_members" if new["invite"] else "disassociate_members"
            aws(call, DetectorId=new["detector_id"], AccountIds=[new["account_id"]])

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_members", DetectorId=old["detector_id"], AccountIds=[old["account_id"]])


class MemberFeature(Resource, type="aws_guardduty_member_detector_feature"):
    """A protection plan of a member; a deletion calls nothing."""

    service, title = "guardduty", "GuardDuty Member Detector Feature"
    looks_back = False

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)

    def created(self, session: Session, planned: Object) -> Object:
        """Creates it; its state has no id."""
        return {name: value for name, value in super().created(session, planned).items() if name != "id"}

    def read(self, aws: Aws, old: Object) -> Object | None:
        accounts = [old["account_id"]]
        found = _unless_gone(aws, "get_member_detectors", DetectorId=old["detector_id"], AccountIds=accounts)
        its = found["MemberDataSourceConfigurations"] if found else ()
        return _feature(its[0]["Features"], old, "Status", "status") if its else None

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        given = {"DetectorId": new["detector_id"], "AccountIds": [new["account_id"]]}
        answer = aws("update_member_detectors", **given, Features=[_sent(new, "Status", "status")])
        if answer["UnprocessedAccounts"]:
            raise AwsError("Unprocessed", answer["UnprocessedAccounts"][0]["Result"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves it as it is."""


def _sent(new: Object, member: str, argument: str) -> Object:
    """Returns a feature as it is sent, with the agents where they are given."""
    agents = [{"Name": one["name"], member: one[argument]} for one in new[_AGENTS] or ()]
    return {"Name": new["name"], member: new[argument], **({"AdditionalConfiguration": agents} if agents else {})}


def _feature(features: Any, old: Object, member: str, argument: str) -> Object | None:
    """Returns what AWS has of a feature, the agents in its own order."""
    its = next((one for one in features if one["Name"] == old["name"]), None)
    if its is None:
        return None
    agents = [{"name": one["Name"], argument: one[member]} for one in its.get("AdditionalConfiguration", ())]
    return {argument: its[member], _AGENTS: agents}
