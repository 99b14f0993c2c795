"""The `security` stack: controls of the management account and its regions, the organization trail, alerts, cost.

One provider reaches one account: settings of member accounts come from policies of the `organizations` stack.
"""

from __future__ import annotations

from collections.abc import Sequence

from stacks.base import Layer, address
from stacks.components.alert import alert_rule, alert_topic, forget_rule, forget_topic
from stacks.components.bucket import SafeBucket
from stacks.organizations import OrganizationsStack
from stacks.pipeline import ADDRESSES as GITHUB_ADDRESSES
from stacks.pipeline import github_roles

from cdktf_cdktf_provider_aws.accessanalyzer_analyzer import AccessanalyzerAnalyzer
from cdktf_cdktf_provider_aws.account_alternate_contact import AccountAlternateContact
from cdktf_cdktf_provider_aws.budgets_budget import BudgetsBudget, BudgetsBudgetNotification
from cdktf_cdktf_provider_aws.ce_anomaly_monitor import CeAnomalyMonitor
from cdktf_cdktf_provider_aws.ce_anomaly_subscription import (
    CeAnomalySubscription,
    CeAnomalySubscriptionSubscriber,
    CeAnomalySubscriptionThresholdExpression,
    CeAnomalySubscriptionThresholdExpressionDimension,
)
from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail
from cdktf_cdktf_provider_aws.ebs_encryption_by_default import EbsEncryptionByDefault
from cdktf_cdktf_provider_aws.ebs_snapshot_block_public_access import EbsSnapshotBlockPublicAccess
from cdktf_cdktf_provider_aws.ec2_instance_metadata_defaults import Ec2InstanceMetadataDefaults
from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
from cdktf_cdktf_provider_aws.s3_account_public_access_block import S3AccountPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct

from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, PARTITION, Control, Mode, Project, Security

ROOT_EVENTS_REGION = "us-east-1"
"""Where CloudTrail records the console sign-in of root, wherever it happened."""

CONTACT_TYPES = ("BILLING", "OPERATIONS", "SECURITY")

TRAIL_BUCKET_PARTS = (
    "aws_s3_bucket.trail",
    "aws_s3_bucket_lifecycle_configuration.trail",
    "aws_s3_bucket_ownership_controls.trail",
    "aws_s3_bucket_policy.trail",
    "aws_s3_bucket_public_access_block.trail",
    "aws_s3_bucket_server_side_encryption_configuration.trail",
)


class SecurityStack(Layer):
    """What security.yaml switches on.

    Attributes:
        alert_topics: the alert topic by region; empty when alerts are not on.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: Project,
        security: Security,
        organizations: OrganizationsStack,
    ) -> None:
        super().__init__(scope, id, project=project)
        # Analyzers and the trail need trusted access, which `organizations` turns on.
        self.add_dependency(organizations)
        self.configuration = security
        self.organizations = organizations
        self.alert_topics: dict[str, SnsTopic] = {}
        self._regional_settings()
        self._account_settings()
        self._analyzers()
        self._trail()
        self._alerts()
        self._cost()
        self._alternate_contacts()
        self._pipeline()
        topics = {region: topic.arn for region, topic in self.alert_topics.items()}
        self.output("alert_topics", topics, description="Alert topics by region")

    # Settings of the account: nothing weakens them silently

    def _regional_settings(self) -> None:
        """Sets the defaults of each governed region; in the others, and when not on, what is set stays as it is."""
        security = self.configuration
        metadata, snapshots = security.instance_metadata, security.snapshot_public_access
        managed = self.organizations.ec2_defaults_reach_management
        for region in self._regions(security.ebs_encryption, "aws_ebs_encryption_by_default"):
            self.add(EbsEncryptionByDefault, address("main", region), enabled=True, region=region)
        # AWS refuses an account's own setting where a declarative policy sets it.
        for region in self._regions(metadata, "aws_ec2_instance_metadata_defaults", besides=managed.instance_metadata):
            self.add(
                Ec2InstanceMetadataDefaults,
                address("main", region),
                http_tokens="required",
                http_put_response_hop_limit=metadata.hop_limit,
                region=region,
            )
        for region in self._regions(snapshots, "aws_ebs_snapshot_block_public_access", besides=managed.snapshots):
            self.add(EbsSnapshotBlockPublicAccess, address("main", region), state=snapshots.state, region=region)

    def _regions(self, control: Control, kind: str, *, besides: bool = False) -> Sequence[str]:
        """Returns the regions a control is set in; its resources of all other regions are forgotten, not undone."""
        governed = self.project.regions.all_governed if control.on and not besides else ()
        left = sorted(aws_limits().regions - set(governed))
        self.forget(*(f"{kind}.{address('main', region)}" for region in left))
        return governed

    def _account_settings(self) -> None:
        security, policy = self.configuration, self.configuration.password_policy
        if security.s3_public_access.on:
            self.add(
                S3AccountPublicAccessBlock,
                "main",
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            )
        else:
            self.forget("aws_s3_account_public_access_block.main")
        if not policy.on:
            self.forget("aws_iam_account_password_policy.main")
            return
        self.add(
            IamAccountPasswordPolicy,
            "main",
            minimum_password_length=policy.minimum_length,
            password_reuse_prevention=policy.reuse_prevention,
            max_password_age=policy.max_age_days or None,
            require_lowercase_characters=True,
            require_uppercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            allow_users_to_change_password=True,
        )

    def _alternate_contacts(self) -> None:
        """Sets the contacts of every account; AWS wants no account id for the management account, one for members.

        A retired account keeps those it has.
        """
        control = self.configuration.alternate_contacts
        contacts = control.contacts if control.on else {}
        account_ids = self.organizations.account_ids
        for key in sorted({*account_ids, *self.organizations.configuration.accounts}):
            for kind in CONTACT_TYPES:
                name = address(key, kind.lower())
                contact = contacts.get(kind)
                if not contact or key not in account_ids:
                    self.forget(f"aws_account_alternate_contact.{name}")
                    continue
                self.add(
                    AccountAlternateContact,
                    name,
                    alternate_contact_type=kind,
                    account_id=None if key == MANAGEMENT else account_ids[key],
                    name=contact.name,
                    title=contact.title,
                    email_address=contact.email,
                    phone_number=contact.phone,
                )

    # Things of their own: `off` takes them away, `unmanaged` leaves them

    def _analyzers(self) -> None:
        control = self.configuration.access_analyzer
        governed = self.project.regions.all_governed
        for region in governed if control.on else ():
            self.add(
                AccessanalyzerAnalyzer,
                address("organization", region),
                analyzer_name=f"{self.project.short_name}-organization",
                type="ORGANIZATION",
                region=region,
            )
        kept = set(aws_limits().regions) - set(() if control.mode is Mode.UNMANAGED else governed)
        self.forget(*(f"aws_accessanalyzer_analyzer.{address('organization', region)}" for region in sorted(kept)))

    def _trail(self) -> None:
        """Makes the organization trail after its bucket and policy.

        The bucket stays when the trail goes. Who switches it on again imports the bucket: `aws_s3_bucket.trail`.
        """
        control, project = self.configuration.trail, self.project
        if not control.on:
            gone = ("aws_cloudtrail.organization",) if control.mode is Mode.UNMANAGED else ()
            self.forget(*gone, *TRAIL_BUCKET_PARTS)
            return
        name = f"{project.short_name}-organization"
        trail_arn = f"arn:{PARTITION}:cloudtrail:{project.regions.primary}:{self.account_id}:trail/{name}"
        bucket = SafeBucket(
            self,
            "trail",
            bucket=project.trail_bucket,
            region=project.regions.primary,
            rule=_expire(control.retention_days),
            statements=self._trail_statements(f"arn:{PARTITION}:s3:::{project.trail_bucket}", trail_arn),
        )
        self.add(
            Cloudtrail,
            "organization",
            name=name,
            s3_bucket_name=bucket.name,
            is_organization_trail=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=control.log_file_validation,
            # CloudTrail tries the bucket while it is made, and nothing retries.
            depends_on=[bucket.policy],
        )

    def _trail_statements(self, bucket_arn: str, trail_arn: str) -> list[dict[str, object]]:
        service = {"Service": "cloudtrail.amazonaws.com"}
        source = {"aws:SourceArn": trail_arn}
        prefixes = [
            f"{bucket_arn}/AWSLogs/{self.account_id}/*",
            f"{bucket_arn}/AWSLogs/{self.organizations.organization_id}/*",
        ]
        return [
            {
                "Sid": "CloudTrailReadsAcl",
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:GetBucketAcl",
                "Resource": bucket_arn,
                "Condition": {"StringEquals": source},
            },
            {
                "Sid": "CloudTrailWrites",
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:PutObject",
                "Resource": prefixes,
                "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
            },
        ]

    def _alerts(self) -> None:
        """Mails when root of the management account signs in or changes something in the region of its sign-ins.

        Sign-ins of member root users stay in the member accounts: the organization trail copies logs, not events.
        Read-only calls are left out: a look at the console makes hundreds.
        """
        control = self.configuration.alerts
        regions = sorted({ROOT_EVENTS_REGION, self.project.identity_center_region})
        if control.mode is Mode.UNMANAGED:
            forget_rule(self, "root-activity")
            for region in regions:
                forget_topic(self, region=region, emails=control.emails)
        if not control.on:
            return
        for region in regions:
            self.alert_topics[region] = alert_topic(self, region=region, emails=control.emails)
        alert_rule(
            self,
            "root-activity",
            region=ROOT_EVENTS_REGION,
            topic_arn=self.alert_topics[ROOT_EVENTS_REGION].arn,
            description="The root user of the management account signed in, tried to, or changed something.",
            pattern={
                "detail-type": ["AWS Console Sign In via CloudTrail", "AWS API Call via CloudTrail"],
                "detail": {
                    "userIdentity": {"type": ["Root"], "invokedBy": [{"exists": False}]},
                    "eventType": [{"anything-but": "AwsServiceEvent"}],
                },
            },
        )

    def _pipeline(self) -> None:
        github = self.configuration.github_actions
        if github.on:
            for job, arn in github_roles(self, github).items():
                self.output(f"github_{job}_role", arn, description=f"Role that GitHub Actions assumes to {job}")
        elif github.mode is Mode.UNMANAGED:
            self.forget(*GITHUB_ADDRESSES)

    def _cost(self) -> None:
        budget, monitor = self.configuration.budget, self.configuration.anomaly_monitor
        if budget.on:
            self._budget()
        elif budget.mode is Mode.UNMANAGED:
            self.forget("aws_budgets_budget.monthly")
        if monitor.on:
            self._anomaly_monitor()
        elif monitor.mode is Mode.UNMANAGED:
            self.forget("aws_ce_anomaly_monitor.services", "aws_ce_anomaly_subscription.services")

    def _budget(self) -> None:
        budget = self.configuration.budget
        thresholds = sorted(budget.thresholds_percent)
        due = [(threshold, "ACTUAL") for threshold in thresholds] + [(thresholds[-1], "FORECASTED")]
        notifications = [
            BudgetsBudgetNotification(
                comparison_operator="GREATER_THAN",
                threshold=threshold,
                threshold_type="PERCENTAGE",
                notification_type=kind,
                subscriber_email_addresses=sorted(budget.emails),
            )
            for threshold, kind in due
        ]
        self.add(
            BudgetsBudget,
            "monthly",
            name=f"{self.project.short_name}-monthly",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{budget.limit_usd}.0",
            limit_unit="USD",
            notification=notifications if budget.emails else None,
        )

    def _anomaly_monitor(self) -> None:
        control = self.configuration.anomaly_monitor
        monitor = self.add(
            CeAnomalyMonitor,
            "services",
            name=f"{self.project.short_name}-services",
            monitor_type="DIMENSIONAL",
            monitor_dimension="SERVICE",
        )
        if not control.emails:
            return
        impact = CeAnomalySubscriptionThresholdExpressionDimension(
            key="ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            match_options=["GREATER_THAN_OR_EQUAL"],
            values=[str(control.threshold_usd)],
        )
        self.add(
            CeAnomalySubscription,
            "services",
            name=f"{self.project.short_name}-services",
            frequency="DAILY",
            monitor_arn_list=[monitor.arn],
            subscriber=[
                CeAnomalySubscriptionSubscriber(type="EMAIL", address=email) for email in sorted(control.emails)
            ],
            threshold_expression=CeAnomalySubscriptionThresholdExpression(dimension=impact),
        )


def _expire(days: int) -> S3BucketLifecycleConfigurationRule:
    return S3BucketLifecycleConfigurationRule(
        id="expire",
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter()],
        expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=days)],
        abort_incomplete_multipart_upload=[
            S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(days_after_initiation=7)
        ],
    )
