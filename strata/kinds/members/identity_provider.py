"""The identity provider of a member account by which jobs of GitHub or GitLab assume roles without a key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from strata.config.source import Location
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask
from strata.kinds.members.made import as_it_is, in_member
from strata.kinds.shared import IDENTITY_PROVIDER
from strata.landing_zone import LandingZone


def _declared(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    roles = zone.member_settings[account].roles or {}
    for word in ("github", "gitlab"):
        trusting = [name for name, role in roles.items() if role and role.on and getattr(role.trust, word, None)]
        if trusting:
            yield word, as_it_is("audiences"), zone.baseline[account].location("roles", trusting[0])


def _asked(ask: Ask) -> Attributes | None:
    asked = partial(ask.client("iam").get_open_id_connect_provider, OpenIDConnectProviderArn=ask.values["arn"])
    answer = ask.unless_absent(asked)
    return {"audiences": ", ".join(sorted(answer["ClientIDList"]))} if answer else None


PROVIDER_OF_JOBS = in_member(
    "identity provider",
    (IDENTITY_PROVIDER,),
    called=lambda name, _: name,
    declared=_declared,
    recorded=lambda state: {"audiences": ", ".join(sorted(state.get("client_id_list") or ()))},
    asked=_asked,
)
