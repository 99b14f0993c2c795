"""What watches and what warns: trail, analyzers, EC2's defaults, events, topics, parameters, budgets and anomalies."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from tests.provider.aws import Aws, AwsError, Session
from tests.provider.mapping import Object, from_aws, is_unknown, to_aws
from tests.provider.resource import Resource, Tagging, words

NO_PREFERENCE = "no-preference"
_POLL = 0.01
_PROTOCOLS = ("Application", "Firehose", "HTTP", "Lambda", "SQS")


class Trail(Resource, type="aws_cloudtrail"):
    service, title, id, gone = "cloudtrail", "CloudTrail Trail", "{arn}", ("TrailNotFoundException",)
    names = words(arn="TrailARN", enable_log_file_validation="EnableLogFileValidation")
    tagging = Tagging("list_tags", "add_tags", "remove_tags", under="ResourceId", by="arn", keys="TagsList")

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it; what fails after that, as starting it, leaves it tainted."""
        new["id"] = new["arn"] = aws.send("create_trail", {name: value for name, value in new.items() if value})[
            "TrailARN"
        ]
        if new["enable_logging"]:
            aws("start_logging", Name=new["arn"])

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads it by its ARN, and whether it runs."""
        found = next(iter(aws("describe_trails", trailNameList=[old["id"]])["trailList"]), None)
        if found is None:
            return None
        shown = from_aws(aws.output("describe_trails", "trailList").member, found, self.block, self.names)
        shown["enable_log_file_validation"] = found.get("LogFileValidationEnabled", False)
        shown["enable_logging"] = aws("get_trail_status", Name=old["id"])["IsLogging"]
        return {**shown, "arn": found["TrailARN"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        changed = self.changed(old, new)
        if sent := {name: new[name] for name in changed - {"enable_logging"}}:
            aws.send("update_trail", sent, Name=new["arn"])
        if "enable_logging" in changed:
            aws("start_logging" if new["enable_logging"] else "stop_logging", Name=new["arn"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Deletes it; its files stay."""
        aws("delete_trail", Name=old["arn"])

    def tags(self, aws: Aws, state: Object) -> dict[str, str]:
        """Reads them from a list of lists."""
        found = aws("list_tags", ResourceIdList=[state["arn"]])["ResourceTagList"]
        return {tag["Key"]: tag["Value"] for tag in found[0].get("TagsList", ())} if found else {}


class Analyzer(Resource, type="aws_accessanalyzer_analyzer"):
    """An analyzer of one region."""

    service, title, id = "accessanalyzer", "IAM Access Analyzer Analyzer", "{analyzer_name}"
    make, get, drop, answer = "create_analyzer", "get_analyzer", "delete_analyzer", "analyzer"
    gone, tags_in_answer = ("ResourceNotFoundException",), True
    names = words(resource_tags="resourceTags")
    tagging = Tagging("", "tag_resource", "untag_resource", under="resourceArn", keys="tagKeys")

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it; that there must be an organization first may pass."""
        sent = {name: new[name] for name in ("analyzer_name", "type", "configuration", "tags_all")}
        aws.patient("You must create an organization").send("create_analyzer", sent)
        self.name(new)


class EbsEncryption(Resource, type="aws_ebs_encryption_by_default"):
    """Whether new volumes are encrypted."""

    service, title = "ec2", "EC2 EBS Encryption By Default"

    def create(self, aws: Aws, new: Object) -> None:
        """Sets it; the id is made up."""
        self.update(aws, {}, new)
        new["id"] = f"terraform-{datetime.now(UTC):%Y%m%d%H%M%S%f}00000001"

    def read(self, aws: Aws, old: Object) -> Object | None:
        return {"enabled": aws("get_ebs_encryption_by_default")["EbsEncryptionByDefault"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        aws("enable_ebs_encryption_by_default" if new["enabled"] else "disable_ebs_encryption_by_default")

    def delete(self, aws: Aws, old: Object) -> None:
        """Switches it off, whatever it was before."""
        aws("disable_ebs_encryption_by_default")


class SnapshotBlock(Resource, type="aws_ebs_snapshot_block_public_access"):
    """Whether snapshots may be public."""

    service, title = "ec2", "EC2 EBS Snapshot Block Public Access"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        new["id"] = aws.region

    def read(self, aws: Aws, old: Object) -> Object | None:
        return {"state": aws("get_snapshot_block_public_access_state")["State"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if new["state"] == "unblocked":
            self.delete(aws, new)
        else:
            aws("enable_snapshot_block_public_access", State=new["state"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Opens sharing again."""
        aws("disable_snapshot_block_public_access")


class ImageBlock(Resource, type="aws_ec2_image_block_public_access"):
    """Whether machine images may be public. There is no import, and a deletion leaves everything as it is."""

    service, title = "ec2", "EC2 Image Block Public Access"

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        new["id"] = aws.region

    def read(self, aws: Aws, old: Object) -> Object | None:
        return {"state": aws("get_image_block_public_access_state")["ImageBlockPublicAccessState"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Waits until it is so, which takes AWS minutes."""
        if new["state"] == "unblocked":
            aws("disable_image_block_public_access")
        else:
            aws("enable_image_block_public_access", ImageBlockPublicAccessState=new["state"])
        while self.read(aws, new) != {"state": new["state"]}:
            time.sleep(_POLL)

    def delete(self, aws: Aws, old: Object) -> None:
        """Leaves what is set."""


class MetadataDefaults(Resource, type="aws_ec2_instance_metadata_defaults"):
    """What new instances let read of their metadata. All four are sent, those left out as no preference."""

    service, title, looks_back = "ec2", "EC2 Instance Metadata Defaults", False
    make = change = "modify_instance_metadata_defaults"

    def create(self, aws: Aws, new: Object) -> None:
        aws.send(self.make, new)
        new["id"] = aws.session.account

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Is gone when none is set."""
        found = aws("get_instance_metadata_defaults").get("AccountLevel") or {}
        words = ("HttpTokens", "HttpEndpoint", "InstanceMetadataTags")
        tokens, endpoint, tags = (found.get(word, NO_PREFERENCE) for word in words)
        shown = {"http_tokens": tokens, "http_endpoint": endpoint, "instance_metadata_tags": tags}
        return (
            {**shown, "http_put_response_hop_limit": int(found.get("HttpPutResponseHopLimit", -1))} if found else None
        )

    def delete(self, aws: Aws, old: Object) -> None:
        aws.send(self.make, self.facts.defaults)


class EventRule(Resource, type="aws_cloudwatch_event_rule"):
    """A rule of a bus; creating overwrites."""

    service, title, id, gone = "events", "EventBridge Rule", "{name}", ("ResourceNotFoundException",)
    make, drop, get = "put_rule", "delete_rule", "describe_rule"
    tagging = Tagging("list_tags_for_resource", "tag_resource", "untag_resource", under="ResourceARN")

    def create(self, aws: Aws, new: Object) -> None:
        new["arn"] = aws.send("put_rule", new)["RuleArn"]
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = super().read(aws, old)
        return found and {**found, "is_enabled": found["state"] != "DISABLED"}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new):
            aws.send("put_rule", new)


class EventTarget(Resource, type="aws_cloudwatch_event_target"):
    """Where a rule sends to; the id of the state is not the id for an import."""

    service, title, id, gone = "events", "EventBridge Target", "{rule}-{target_id}", ("ResourceNotFoundException",)
    names = words(target_id="Id", input_paths="InputPathsMap")

    def create(self, aws: Aws, new: Object) -> None:
        """Puts it, over one that is there."""
        target = to_aws(aws.input("put_targets").members["Targets"].member, new, self.names)
        failed = aws("put_targets", Rule=new["rule"], EventBusName=new["event_bus_name"], Targets=[target])
        if entries := failed.get("FailedEntries"):
            raise AwsError(
                entries[0]["ErrorCode"], f"operation error EventBridge: PutTargets, {entries[0]['ErrorMessage']}"
            )
        self.name(new)

    def imported(self, session: Session, id: str) -> Object:
        """Makes the id of the state out of the parts."""
        state = super().imported(session, id)
        self.name(state)
        return state

    def read(self, aws: Aws, old: Object) -> Object | None:
        asked = {"Rule": old["rule"], "EventBusName": old["event_bus_name"], "Limit": 100}
        for found in aws.all("list_targets_by_rule", "Targets", **asked):
            if found["Id"] == old["target_id"]:
                return self.shown(aws, {"Targets": found}, "list_targets_by_rule", "Targets")
        return None

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new):
            self.create(aws, new)

    def delete(self, aws: Aws, old: Object) -> None:
        aws("remove_targets", Rule=old["rule"], EventBusName=old["event_bus_name"], Ids=[old["target_id"]])


class Topic(Resource, type="aws_sns_topic"):
    service, title, id, gone = "sns", "SNS Topic", "{arn}", ("NotFound", "NotFoundException")
    names = words(arn="TopicArn")
    tagging = Tagging("list_tags_for_resource", "tag_resource", "untag_resource", under="ResourceArn")

    def create(self, aws: Aws, new: Object) -> None:
        new["id"] = new["arn"] = aws.send("create_topic", new)["TopicArn"]
        for name, word in _TOPIC_WORDS.items():
            if new[name] or name in _RATES:
                aws("set_topic_attributes", TopicArn=new["arn"], AttributeName=word, AttributeValue=str(new[name] or 0))

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws("get_topic_attributes", TopicArn=old["id"])["Attributes"]
        shown = {"arn": found["TopicArn"], "name": found["TopicArn"].rpartition(":")[2], "owner": found["Owner"]}
        shown |= {"display_name": found.get("DisplayName"), "kms_master_key_id": found.get("KmsMasterKeyId")}
        return {**shown, "policy": found["Policy"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Sets what changed."""
        for name in sorted(self.changed(old, new, *_TOPIC_WORDS)):
            value = str(new[name] or "")
            aws("set_topic_attributes", TopicArn=new["arn"], AttributeName=_TOPIC_WORDS[name], AttributeValue=value)

    def delete(self, aws: Aws, old: Object) -> None:
        """Deletes it with its subscriptions."""
        aws("delete_topic", TopicArn=old["arn"])


# The provider sets a sample rate of zero for everything a topic can report about, written or not.
_RATES = {f"{name.lower()}_success_feedback_sample_rate": f"{name}SuccessFeedbackSampleRate" for name in _PROTOCOLS}
_TOPIC_WORDS = {"display_name": "DisplayName", "kms_master_key_id": "KmsMasterKeyId", **_RATES}


class TopicPolicy(Resource, type="aws_sns_topic_policy"):
    """The policy of a topic, which cannot be without one."""

    service, title, id, gone = "sns", "SNS Topic Policy", "{arn}", ("NotFound", "NotFoundException")

    def create(self, aws: Aws, new: Object) -> None:
        """Puts it, over what is there."""
        self._put(aws, new["arn"], new["policy"])
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws("get_topic_attributes", TopicArn=old["id"])["Attributes"]
        return {"arn": found["TopicArn"], "owner": found["Owner"], "policy": found["Policy"]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if "policy" in self.changed(old, new):
            self._put(aws, new["arn"], new["policy"])

    def delete(self, aws: Aws, old: Object) -> None:
        """Puts AWS's own policy back."""
        self._put(aws, old["arn"], _DEFAULT_TOPIC_POLICY.replace("TOPIC", old["arn"]).replace("OWNER", old["owner"]))

    def _put(self, aws: Aws, arn: str, policy: str) -> None:
        aws.patient("InvalidParameter")(
            "set_topic_attributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy
        )


_DEFAULT_TOPIC_POLICY = (
    '{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",'
    '"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",'
    '"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish","SNS:Receive"],'
    '"Resource":"TOPIC","Condition":{"StringEquals":{"AWS:SourceOwner":"OWNER"}}}]}'
)


class Subscription(Resource, type="aws_sns_topic_subscription"):
    """Who gets what a topic sends. One that nobody has confirmed cannot be taken away."""

    service, title, id, gone = "sns", "SNS Topic Subscription", "{arn}", ("NotFound", "NotFoundException")

    def create(self, aws: Aws, new: Object) -> None:
        """Subscribes; the ARN comes before the confirmation."""
        sent = {name: new[name] for name in ("topic_arn", "protocol", "endpoint")}
        new["id"] = new["arn"] = aws.send("subscribe", sent, ReturnSubscriptionArn=True)["SubscriptionArn"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws("get_subscription_attributes", SubscriptionArn=old["id"])["Attributes"]
        texts = {"arn": "SubscriptionArn", "topic_arn": "TopicArn", "protocol": "Protocol", "endpoint": "Endpoint"}
        texts |= {"owner_id": "Owner", "filter_policy_scope": "FilterPolicyScope", "filter_policy": "FilterPolicy"}
        flags = {"pending_confirmation": "PendingConfirmation", "raw_message_delivery": "RawMessageDelivery"}
        flags |= {"confirmation_was_authenticated": "ConfirmationWasAuthenticated"}
        shown: Object = {name: found.get(word, "") for name, word in texts.items()}
        return shown | {name: found.get(word) == "true" for name, word in flags.items()}

    def delete(self, aws: Aws, old: Object) -> None:
        """Unsubscribes; AWS keeps what is pending, which the provider takes as done."""
        if not old["pending_confirmation"]:
            aws("unsubscribe", SubscriptionArn=old["arn"])


class Parameter(Resource, type="aws_ssm_parameter"):
    service, title, id, gone = "ssm", "SSM Parameter", "{name}", ("ParameterNotFound",)
    tagging = Tagging(
        "list_tags_for_resource", "add_tags_to_resource", "remove_tags_from_resource", under="ResourceId", by="name"
    )

    def create(self, aws: Aws, new: Object) -> None:
        """Refuses one that is there."""
        aws.send(
            "put_parameter",
            {**new, "tier": None},
            Overwrite=bool(new["overwrite"]),
            AllowedPattern=new["allowed_pattern"] or "",
        )
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws("get_parameter", Name=old["name"] or old["id"], WithDecryption=True)["Parameter"]
        asked = [{"Key": "Name", "Option": "Equals", "Values": [found["Name"]]}]
        more = aws("describe_parameters", ParameterFilters=asked)["Parameters"][0]
        shown: Object = {
            "name": found["Name"],
            "type": found["Type"],
            "value": found["Value"],
            "version": found["Version"],
        }
        shown |= {"arn": found["ARN"], "data_type": found.get("DataType", "text"), "tier": more.get("Tier", "Standard")}
        return shown | {"description": more.get("Description"), "allowed_pattern": more.get("AllowedPattern")}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new):
            sent = {**new, "tags_all": None, "data_type": None}
            aws.send("put_parameter", sent, Overwrite=True, AllowedPattern=new["allowed_pattern"] or "")

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_parameter", Name=old["name"])

    def _tagged(self, state: Object) -> Object:
        return {"ResourceId": state["name"], "ResourceType": "Parameter"}


class Budget(Resource, type="aws_budgets_budget"):
    """A budget; its notifications are calls of their own, and a failure among them leaves it tainted."""

    service, title, id, gone = "budgets", "Budget", "{account_id}:{name}", ("NotFoundException",)
    names = words(name="BudgetName")
    tagging = Tagging(
        "list_tags_for_resource", "tag_resource", "untag_resource", under="ResourceARN", keys="ResourceTagKeys"
    )

    def create(self, aws: Aws, new: Object) -> None:
        new["account_id"] = aws.session.account if is_unknown(new["account_id"]) else new["account_id"]
        aws.send(
            "create_budget", {"tags_all": new["tags_all"]}, AccountId=new["account_id"], Budget=self._budget(aws, new)
        )
        self.name(new)
        self._notify(aws, new, [], new["notification"])

    def read(self, aws: Aws, old: Object) -> Object | None:
        of = {"AccountId": old["account_id"], "BudgetName": old["name"]}
        found = aws("describe_budget", **of)["Budget"]
        shown = from_aws(aws.output("describe_budget", "Budget"), found, self.block, self.names)
        limit, period = found.get("BudgetLimit", {}), found.get("TimePeriod", {})
        notifications = []
        for one in aws.all("describe_notifications_for_budget", "Notifications", **of):
            told = aws.all("describe_subscribers_for_notification", "Subscribers", **of, Notification=one)
            by: dict[str, list[str]] = {"EMAIL": [], "SNS": []}
            for subscriber in told:
                by[subscriber["SubscriptionType"]].append(subscriber["Address"])
            notifications.append(
                {
                    "comparison_operator": one["ComparisonOperator"],
                    "notification_type": one["NotificationType"],
                    "threshold": one["Threshold"],
                    "threshold_type": one.get("ThresholdType", "PERCENTAGE"),
                    "subscriber_email_addresses": sorted(by["EMAIL"]) or None,
                    "subscriber_sns_topic_arns": sorted(by["SNS"]) or None,
                }
            )
        return {
            **{name: shown[name] for name in ("budget_type", "time_unit", "cost_types")},
            "arn": f"arn:aws:budgets::{old['account_id']}:budget/{old['name']}",
            "cost_filter": [
                {"name": name, "values": values} for name, values in sorted((found.get("CostFilters") or {}).items())
            ],
            "limit_amount": limit.get("Amount"),
            "limit_unit": limit.get("Unit"),
            "time_period_start": _minutes(period.get("Start")),
            "time_period_end": _minutes(period.get("End")),
            "notification": notifications,
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Sends the whole budget, then the notifications that differ."""
        aws("update_budget", AccountId=new["account_id"], NewBudget=self._budget(aws, new))
        self._notify(aws, new, old["notification"], new["notification"])

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_budget", AccountId=old["account_id"], BudgetName=old["name"])

    def tags(self, aws: Aws, state: Object) -> dict[str, str]:
        """Reads them, by the ARN that a new one has not in its state yet."""
        return super().tags(aws, {**state, "arn": f"arn:aws:budgets::{state['account_id']}:budget/{state['name']}"})

    def _budget(self, aws: Aws, new: Object) -> Object:
        budget = to_aws(aws.input("create_budget").members["Budget"], {**new, "notification": None}, self.names)
        period = {"Start": _moment(new["time_period_start"]), "End": _moment(new["time_period_end"])}
        return {
            **budget,
            "BudgetLimit": {"Amount": new["limit_amount"], "Unit": new["limit_unit"]},
            "CostFilters": {one["name"]: one["values"] for one in new["cost_filter"] or ()},
            "TimePeriod": {name: moment for name, moment in period.items() if moment},
        }

    def _notify(self, aws: Aws, new: Object, before: list[Object], after: list[Object]) -> None:
        of = {"AccountId": new["account_id"], "BudgetName": new["name"]}
        shape = aws.input("create_notification").members["Notification"]
        for one in before:
            if one not in after:
                aws("delete_notification", **of, Notification=to_aws(shape, one, {}))
        for one in after:
            if one not in before:
                told = [{"SubscriptionType": "SNS", "Address": arn} for arn in one["subscriber_sns_topic_arns"] or ()]
                told += [{"SubscriptionType": "EMAIL", "Address": a} for a in one["subscriber_email_addresses"] or ()]
                aws("create_notification", **of, Notification=to_aws(shape, one, {}), Subscribers=told)


class AnomalyMonitor(Resource, type="aws_ce_anomaly_monitor"):
    """A monitor of what is spent."""

    service, title, names, id = "ce", "Cost Explorer Anomaly Monitor", words(name="MonitorName"), "{arn}"
    gone, tagging = (
        ("UnknownMonitorException",),
        Tagging(
            "list_tags_for_resource", "tag_resource", "untag_resource", under="ResourceArn", keys="ResourceTagKeys"
        ),
    )

    def create(self, aws: Aws, new: Object) -> None:
        sent = {name: new[name] for name in ("name", "monitor_type", "monitor_dimension", "tags_all")}
        monitor = to_aws(aws.input("create_anomaly_monitor").members["AnomalyMonitor"], sent, self.names)
        if new["monitor_specification"]:
            import json

            monitor["MonitorSpecification"] = json.loads(new["monitor_specification"])
        new["id"] = new["arn"] = aws.send("create_anomaly_monitor", sent, AnomalyMonitor=monitor)["MonitorArn"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = next(
            iter(aws("get_anomaly_monitors", MonitorArnList=[old["id"]], MaxResults=1)["AnomalyMonitors"]), None
        )
        return found and {
            "arn": found["MonitorArn"],
            "name": found["MonitorName"],
            "monitor_type": found["MonitorType"],
            "monitor_dimension": found.get("MonitorDimension"),
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if old["name"] != new["name"]:
            aws("update_anomaly_monitor", MonitorArn=new["arn"], MonitorName=new["name"])

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_anomaly_monitor", MonitorArn=old["arn"])


class AnomalySubscription(Resource, type="aws_ce_anomaly_subscription"):
    """Who is told of an anomaly."""

    service, title, id = "ce", "Cost Explorer Anomaly Subscription", "{arn}"
    names = words(
        name="SubscriptionName", dimension="Dimensions", arn="SubscriptionArn", cost_category="CostCategories"
    )
    gone, tagging = ("UnknownSubscriptionException",), AnomalyMonitor.tagging

    def create(self, aws: Aws, new: Object) -> None:
        shape = aws.input("create_anomaly_subscription").members["AnomalySubscription"]
        subscription = to_aws(shape, {**new, "account_id": None, "arn": None}, self.names)
        answer = aws.send(
            "create_anomaly_subscription", {"tags_all": new["tags_all"]}, AnomalySubscription=subscription
        )
        new["id"] = new["arn"] = answer["SubscriptionArn"]

    def read(self, aws: Aws, old: Object) -> Object | None:
        asked = {"SubscriptionArnList": [old["id"]], "MaxResults": 1}
        found = next(iter(aws("get_anomaly_subscriptions", **asked)["AnomalySubscriptions"]), None)
        if found is None:
            return None
        shown = from_aws(
            aws.output("get_anomaly_subscriptions", "AnomalySubscriptions").member, found, self.block, self.names
        )
        return {**shown, "subscriber": [{"address": s["Address"], "type": s["Type"]} for s in found["Subscribers"]]}

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if changed := self.changed(old, new):
            aws.send("update_anomaly_subscription", {**{name: new[name] for name in changed}, "arn": new["arn"]})

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_anomaly_subscription", SubscriptionArn=old["arn"])


def _minutes(moment: Any) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d_%H:%M") if moment else ""


def _moment(text: Any) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%d_%H:%M").replace(tzinfo=UTC) if isinstance(text, str) and text else None
