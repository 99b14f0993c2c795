"""The `security` stack: controls of the management account and its regions, the organization trail, alerts, cost.

One module a family of controls. One provider reaches one account: settings of member accounts come from policies of the
`organizations` stack.
"""

from __future__ import annotations

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
from strata.landing_zone import LandingZone


class SecurityStack(Controls):
    """The controls of security.yaml.

    Attributes:
        alert_topics: the alert topic by region; empty when alerts are not on.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        landing_zone: LandingZone,
        organizations: OrganizationsStack,
    ) -> None:
        super().__init__(scope, id, project=landing_zone.project)
        security = landing_zone.security
        # Analyzers and the trail need trusted access, which `organizations` turns on.
        self.add_dependency(organizations)
        settings(self, security.settings, declared=landing_zone.declared_controls)
        analyzers(self, security.access_analyzer)
        trail(self, security.trail, organization_id=organizations.organization_id)
        self.alert_topics = alerts(self, security.alerts)
        cost(self, security)
        contacts(
            self,
            security.alternate_contacts,
            account_ids=organizations.account_ids,
            retired=landing_zone.retired,
        )
        github(self, security.github_actions)
        topics = {region: topic.arn for region, topic in self.alert_topics.items()}
        self.output("alert_topics", topics, description="Alert topics by region")
