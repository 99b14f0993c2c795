"""All findings that can be accepted: id and meaning."""

from __future__ import annotations

from collections.abc import Mapping

SPELLING: Mapping[str, str] = {
    "unknown-service": "no service has that prefix, or it is newer than the reference data",
    "unknown-action": "a service has no such action",
    "unmatched-pattern": "a pattern matches no action of its service",
    "unknown-condition-key": "no request has such a key",
    "unknown-managed-policy": "AWS has no managed policy of that name",
    "unknown-operator": "a management policy has an inheritance operator that AWS does not know",
}
"""Errors: names that AWS does not have, as far as the reference data goes."""

LOCK_OUTS: Mapping[str, str] = {
    "lock-out": "nobody could undo a deploy, or repair an account, once this is deployed",
}
"""Errors: what takes the last way back."""

DRIFT: Mapping[str, str] = {
    "made-outside": "something at AWS that nobody declared and no deploy made",
    "left-on": "a trusted service that is on, was so at the last deploy, and is not declared",
    "gone-outside": "something that is declared and was deployed, and that AWS no longer has",
    "changed-outside": "a value at AWS that is not the declared one, and that no deploy set",
}
"""What `strata drift` finds at AWS; `strata check` does not see it."""

FINDINGS: Mapping[str, str] = {
    **SPELLING,
    **LOCK_OUTS,
    **DRIFT,
    "old-version": "a policy without a Version, or with 2008-10-17, in which `${...}` is text",
    "managed-policy-path": "the managed policy has a path that is not given",
    "example-value": "an example value of the template",
    "opt-in-region": "a region that is off until it is enabled",
    "archive-beside-administrator": "the log archive in the account that administers detection",
    "unbound-account": "an account without any service control policy",
    "unattached-policy": "a policy that is attached to nothing",
    "bound-management": "a policy on the management account, which it never binds",
    "allow-only": "a service control policy that only allows, beside FullAWSAccess",
    "unknown-service-principal": "no service has that principal, or it is newer than the reference data",
    "unknown-delegation": "a service not known to support a delegated administrator",
    "own-switch": "a service that trusted access alone does not switch on",
    "delegated-sign-in": "whoever administers the account reaches the management account",
    "disabled-policy-type": "trusted access that AWS does not disable while a policy type needs it",
    "unmanaged-trail": "alerts that depend on a trail that Strata does not manage",
    "silent-control": "a control that sends no mail",
    "control-tower-records": "Config beside the recorders of Control Tower, which a deploy leaves alone",
    "over-quota": "more than AWS's default quota",
    "no-administrator": "nobody is known to administer the management account",
    "uncertain-administrator": "whether somebody administers the management account is not certain",
    "uncertain-repair": "whether a member can be entered, repaired or signed in to is not certain",
    "ending-administrator": "nobody administers the management account after a day",
    "unused-acceptance": "an entry of accepted.yaml that matches nothing",
}
"""All findings that can be accepted, with their meaning."""

LONGEST = 128
"""Characters of a value by which a place names it in accepted.yaml; more no name has."""
