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
from strata.config.layers import ARCHIVE
from strata.config.models import Mode
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import trail_in_archive
from strata.landing_zone.detection import sends_findings


class SecurityStack(Controls):
    """The controls of security.yaml.

    Attributes:
        alert_topics: the alert topic by region; empty when alerts are not on.
        leaves_alerts: somebody else looks after the alerts.
    """

    def __init__(
        self, scope: Construct, id: str, *, landing_zone: LandingZone, organizations: OrganizationsStack
    ) -> None:
        super().__init__(scope, id, project=landing_zone.project)
        security, organization_id = landing_zone.security, organizations.organization_id
        # Analyzers and the trail need trusted access, which `organizations` turns on.
        self.add_dependency(organizations)
        settings(self, security.settings, declared=landing_zone.declared_controls)
        analyzers(self, security.access_analyzer)
        # The trail delivers there once the archive's state says so.
        archive = landing_zone.layers[ARCHIVE].stack if trail_in_archive(landing_zone) else None
        trail(self, security.trail, organization_id=organization_id, archive=archive)
        self.alert_topics = alerts(
            self,
            security.alerts,
            organization_id=organization_id,
            sign_ins=_members_send_sign_ins(landing_zone),
            findings=sends_findings(landing_zone.detection),
        )
        self.leaves_alerts = security.alerts.mode is Mode.UNMANAGED
        cost(self, security)
        contacts(self, security.alternate_contacts, organizations=organizations, retired=landing_zone.retired)
        github(self, security.github_actions)
        topics = {region: topic.arn for region, topic in self.alert_topics.items()}
        self.output("alert_topics", topics, description="Alert topics by region")


def _members_send_sign_ins(landing_zone: LandingZone) -> bool:
    given = [settings.sign_in_events for settings in landing_zone.member_settings.values()]
    return any(events and events.on for events in given)
