"""The `security` stack: controls of the management account and its regions, the organization trail, alerts, cost.

One module a family of controls. One provider reaches one account: settings of member accounts come from policies of the
`organizations` stack.
"""

from __future__ import annotations

from collections.abc import Collection

from constructs import Construct

from stacks.organizations import OrganizationsStack
from stacks.security.alerts import alerts
from stacks.security.analyzers import analyzers
from stacks.security.contacts import contacts
from stacks.security.controls import Controls
from stacks.security.cost import cost
from stacks.security.github import github
from stacks.security.settings import settings
from stacks.security.trail import trail
from strata.config.models import Mode, Project, Security


class SecurityStack(Controls):
    """The controls of security.yaml.

    Args:
        project: names, account and regions.
        security: the controls.
        declared: the settings that a declarative policy sets.
        retired: keys of accounts that keep what they have.
        organizations: knows the ids, and turns trusted access on.
        archive: the stack of the log archive that the trail delivers to once it is there.
        hears_members: the baseline sends sign-ins in member accounts.
        hears_findings: the administrator of GuardDuty sends its findings.

    Attributes:
        alert_topics: the alert topic by region; empty when alerts are not on.
        leaves_alerts: somebody else looks after the alerts.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: Project,
        security: Security,
        declared: Collection[str],
        retired: Collection[str],
        organizations: OrganizationsStack,
        archive: str | None = None,
        hears_members: bool = False,
        hears_findings: bool = False,
    ) -> None:
        super().__init__(scope, id, project=project)
        # Analyzers and the trail need trusted access, which `organizations` turns on.
        self.add_dependency(organizations)
        settings(self, security.settings, declared=declared)
        analyzers(self, security.access_analyzer)
        trail(self, security.trail, organization_id=organizations.organization_id, archive=archive)
        self.alert_topics = alerts(
            self,
            security.alerts,
            organization_id=organizations.organization_id,
            sign_ins=hears_members,
            findings=hears_findings,
        )
        self.leaves_alerts = security.alerts.mode is Mode.UNMANAGED
        cost(self, security)
        contacts(
            self,
            security.alternate_contacts,
            organizations=organizations,
            retired=retired,
        )
        github(self, security.github_actions)
        topics = {region: topic.arn for region, topic in self.alert_topics.items()}
        self.output("alert_topics", topics, description="Alert topics by region")
