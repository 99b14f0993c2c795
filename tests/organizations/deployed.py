"""A small organization with something of every kind: as it was found, and as it is after a deploy."""

from __future__ import annotations

import datetime as dt

from tests.organizations import (
    DENY,
    Organization,
    account,
    attribute,
    changed,
    control,
    delegated,
    gone,
    grant,
    group,
    permission_set,
    policy,
    service,
    unit,
    user,
)

SHOP = account("a3").id
_CONFIG = "config.amazonaws.com"
_THERE = (
    [unit("workloads", "Workloads", number=1), unit("prod", "Prod", within="workloads", number=2)],
    [account(key, within="prod") for key in ("a2", "a3", "a4")],
    [policy("policy-1", "workloads", name="policy 1"), service(_CONFIG), delegated(_CONFIG, "a2")],
    [user("ana", number=1), user("bo", number=2)],
    [group("admins", "ana", number=11), group("readers-of-it", "ana", name="Readers of it", number=12)],
    [permission_set("Admin", "ReadOnlyAccess"), permission_set("Reader", "ReadOnlyAccess", inline=DENY)],
    [grant("Admin", "admins", "management"), grant("Reader", "readers-of-it", "a2", "a3", "a4")],
)
FOUND = Organization(*_THERE, default_tags=False)
"""Three accounts in a unit of a unit, two people, two groups and two permission sets; nothing of it is Strata's."""

_RICH = permission_set(
    "Rich",
    "ReadOnlyAccess",
    customer=("/teams/Billing",),
    boundary="/teams/Billing",
    inline=DENY,
    tags={"team": "a"},
    description="All of it.",
    session="PT2H",
    relay_state="https://console.aws.amazon.com/",
)
DEPLOYED = (
    Organization(*_THERE)
    .but(
        [
            changed("account", "a2", name="shop one", tags={"cost": "1"}),
            changed("policy", "policy-1", description="Denies."),
        ],
        [changed("group", "admins", description="Full."), service("cloudtrail.amazonaws.com"), _RICH],
        [grant("Rich", "ana", "a3"), attribute("team", "${path:userName}")],
    )
    .at_aws(user("guest3", name="guest@idp.example.com", external=True), group("idp19", name="idp", external=True))
)
"""The same with every attribute that a thing can have, right after a deploy, beside people of an identity provider."""

_ON = [control(key) for key in ("ebs_encryption", "snapshot_public_access", "s3_public_access", "password_policy")]
CLEAN = (
    DEPLOYED.at_aws(gone("user", "guest3"), gone("group", "idp19"))
    .but(_ON)
    .at_aws(control("instance_metadata"), control("image_public_access"))
    .in_yaml(grant("Rich", "ana", "a3", reason="Her shop.", until=dt.date(2025, 2, 15)))
    .with_texts({"expectations.yaml": "- {id: closed, reason: It is., denied: s3:GetObject, in: ou/workloads}\n"})
)
"""What was deployed with every setting, without what others look after, with a reason and a last day."""
