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

EFFECT: Mapping[str, str] = {
    "unused-condition-key": "no action of the statement supports the key",
    "operator-type": "the operator is for another type than the key has",
    "operator-value": "the value is no date, number, address or ARN of six parts, as the operator takes it",
    "literal-wildcard": "the operator compares character by character, and the value has a wildcard",
    "set-operator": "the operator expects one value and the key has several, or the reverse",
    "old-version": "a policy without a Version, or with 2008-10-17, in which `${...}` is text",
    "empty-condition": "a condition without a test, which AWS ignores",
    "no-effect": "the statement does nothing, whatever the request",
    "exempts-everybody": "the exemption covers everybody, so the statement does nothing",
    "denies-everything": "nobody is allowed anything",
    "binds-deployer": "the deny applies to the access role too, which the management account needs for repairs",
    "mfa-key": "sessions of Identity Center do not carry the key",
    "foreign-resource": "no action of the statement acts on such a resource",
    "managed-policy-path": "the managed policy has a path that is not given",
}
"""Warnings: statements that do nothing, less or more than they look like."""

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
    **EFFECT,
    **DRIFT,
    "example-value": "an example value of the template",
    "opt-in-region": "a region that is off until it is enabled",
    "mixed-alphabets": "a name with letters that look Latin and are not",
    "look-alike-name": "two names that people cannot tell apart",
    "tag-clash": "tags that IAM does not tell apart, or a tag that replaces one of Strata's",
    "archive-beside-administrator": "the log archive in the account that administers detection",
    "archive-unguarded": "a log archive without a guardrail against the people of its account",
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
    "empty-group": "a group without members",
    "empty-permission-set": "a permission set without policies, which allows nothing",
    "empty-assignment": "an assignment that reaches no account: all are retired, or under except",
    "empty-unit": "an assignment to a unit without accounts",
    "idle-place": "attributes or settings of a place from which no account inherits",
    "recorder-denied": "guardrails that deny the baseline's role to set recorders of AWS Config",
    "control-tower-kept": "what keeps Control Tower from its work, while its policies are declared",
    "control-tower-records": "Config beside the recorders of Control Tower, which plan and deploy refuse",
    "unused-contact": "a contact that no account has",
    "unknown-backup-type": "AWS Backup has no type of that name, or it is newer than Strata's list",
    "region-of-nobody": "a governed region that is off in every member account, where baseline.yaml sets nothing",
    "over-quota": "more than AWS's default quota",
    "unread-external": "external.yaml lacks a permission set, policy or group of others, or was read on a future day",
    "unused-external": "an entry of external.yaml that nothing declared uses",
    "unknown-member": "somebody in a group of external.yaml whom sso.yaml does not have",
    "no-administrator": "nobody is known to administer the management account",
    "uncertain-administrator": "whether somebody administers the management account is not certain",
    "uncertain-repair": "whether a member can be entered, repaired or signed in to is not certain",
    "closed-by-others": "a policy of others keeps a member from being entered, repaired or signed in to",
    "ending-administrator": "nobody administers the management account after a day",
    "idle-expectation": "an expectation that holds whatever the policies say",
    "unused-acceptance": "an entry of accepted.yaml that matches nothing",
}
"""All findings that can be accepted, with their meaning."""

LONGEST = 128
"""Characters of a value by which a place names it in accepted.yaml; more no name has."""
