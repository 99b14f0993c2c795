"""An organization with something of everything that no configuration describes."""

from __future__ import annotations

from tests.organizations import (
    Organization,
    account,
    attribute,
    delegated,
    entitlement,
    gone,
    grant,
    group,
    permission_set,
    policy,
    policy_type,
    service,
    unit,
    user,
)

_BRACES = '{"Version": "2012-10-17", "Statement": [], "Id": "{{x}}"}'
_ANALYZER, _GUARDDUTY = "access-analyzer.amazonaws.com", "guardduty.amazonaws.com"

LEFT_OVER = Organization(
    [unit("u1", "a\ntouch x"), unit("u2", "Inside", within="u1"), unit("u3", "Tagged", tags={"team": "x"})],
    [account("a2", state="SUSPENDED"), account("a3", state="CLOSED"), account("a4", state="PENDING_ACTIVATION")],
    [account("a5", state="PENDING_CLOSURE"), account("a6", email="a b@example.com"), account("a7"), account("a8")],
    [account("a9", tags={"aws:x": "y"}), account("a10", within="u1")],
    [
        policy_type("BACKUP_POLICY"),
        policy_type("GUARDDUTY_POLICY"),
        service(_ANALYZER),
        service(_GUARDDUTY),
        service("controltower.amazonaws.com"),
    ],
    [policy("p1", "a2"), policy("p2", type="GUARDDUTY_POLICY"), policy("p3", type="TAG_POLICY")],
    [policy("p4", type="BACKUP_POLICY"), policy("p5", name="aws-guardrails-x"), policy("p6", document=_BRACES)],
    [policy("p7", document="[]"), policy("p8", name="a\u200b")],
    [delegated(_ANALYZER, one) for one in ("a2", "a7", "a8")],
    [delegated(_GUARDDUTY, "a7"), delegated("ssm.amazonaws.com", "a7")],
    [user("u1", external=True), user("u2", emails=()), user("u3", name="no space"), user("u4", title="Head")],
    [user("u5", name="U4@example.com", title="Head")],
    [group("SCIM", external=True), group("AWSSecurityAuditors"), group("Ops"), group("OPS")],
    [group("Own", "u3"), group("Long\u200b", external=True), group("g99")],
    [permission_set("AWSReadOnlyAccess"), permission_set("Templated", inline=_BRACES), permission_set("Read")],
    [permission_set("Cn", "arn:aws-cn:iam::aws:policy/X"), permission_set("Odd", inline="[]")],
    [permission_set("Long", session="PT3601S"), permission_set("Two", customer=("/Ops", "/Ops"))],
    grant("Read", "u3", "management"),
    grant("Odd", "Own", "management"),
    grant("Read", "Own", "a2"),
    grant("Read", "Long\u200b", "management"),
    grant("Read", "g99", "management"),
    attribute("{", "x"),
    entitlement("e1", "u4", "arn:aws:iam::000000000007:role/Ops"),
    default_tags=False,
).at_aws(gone("group", "g99"))
