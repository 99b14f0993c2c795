"""Puts the policies of a request together as AWS does: a Deny anywhere wins, and every level must allow.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
https://docs.aws.amazon.com/kms/latest/developerguide/resource-control-policies.html
"""

from __future__ import annotations

from strata.config.limits import aws_limits
from strata.policy.answers import Answer, Outcome, Step, denial, step
from strata.policy.layers import Granted, Policies, PolicyLayer, Verdict, judge_resource
from strata.policy.principals import Grade
from strata.policy.requests import PrincipalKind, Request
from strata.policy.truth import Truth, all_of, any_of

NO_POLICY = PolicyLayer("policy of the resource")


def evaluate(request: Request, policies: Policies) -> Answer:
    """Returns whether a request is allowed, denied, or what that depends on, with every level on the way."""
    if request.name == "sts:getcalleridentity" and _has_identity(request):
        free = Step("sts:GetCallerIdentity", Outcome.ALLOWED, "needs no permission, and no policy denies it")
        return Answer(Outcome.ALLOWED, (), free, (free,), request)
    bounded = policies.boundary is not None
    granted = judge_resource(policies.resource or NO_POLICY, request, bounded=bounded)
    controls = _controls(request, policies)
    verdicts = [*(verdict for verdict in controls if isinstance(verdict, Verdict)), granted.verdict]
    own: list[Step] | None = None
    if _has_identity(request):
        identity, boundary = policies.identity.judge(request), policies.boundary and policies.boundary.judge(request)
        verdicts += [boundary, identity] if boundary else [identity]
        mine = _passed(identity)
        if request.principal.kind is PrincipalKind.ROOT:
            mine = Step(identity.layer.name, Outcome.ALLOWED, "may do everything in its account")
        own = [*([_passed(boundary)] if boundary else []), mine]
    denials = [denied for verdict in verdicts if (denied := denial(verdict))]
    passed = [control if isinstance(control, Step) else _passed(control) for control in controls]
    return _answer(request, denials, [*passed, *_access(request, granted, own)])


def _has_identity(request: Request) -> bool:
    return request.principal.kind not in (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS)


def _answer(request: Request, denials: list[Step], needed: list[Step]) -> Answer:
    """Decides by the first denial, else by the first level that does not allow, else by the unknown keys."""
    steps = (*denials, *needed)
    for first in steps:
        if first.outcome is Outcome.DENIED:
            return Answer(Outcome.DENIED, (), first, steps, request)
    unknown = [open_step for open_step in steps if open_step.outcome is Outcome.DEPENDS]
    if unknown:
        keys = {key.lower(): key for key in sorted({key for open_step in unknown for key in open_step.keys})}
        return Answer(Outcome.DEPENDS, tuple(keys.values()), unknown[0], steps, request)
    return Answer(Outcome.ALLOWED, (), steps[-1], steps, request)


# The organization: SCPs follow the principal's account, RCPs the resource's


def _controls(request: Request, policies: Policies) -> list[Step | Verdict]:
    """Returns the result of each level of both chains, or the reason why a chain does not bind."""
    results: list[Step | Verdict] = []
    kind = request.principal.kind
    account, resource_account = policies.principal_account, policies.resource_account
    if kind is PrincipalKind.SERVICE_LINKED_ROLE:
        return [_unbound("SCPs and RCPs", "do not bind service-linked roles")]
    if kind in (PrincipalKind.SERVICE, PrincipalKind.ANONYMOUS):
        results.append(_unbound("SCPs", "do not bind services or strangers"))
    elif account.management:
        results.append(_unbound("SCPs", "do not bind principals of the management account"))
    else:
        results += [level.judge(request) for level in account.service_control]
    if resource_account.management:
        results.append(_unbound("RCPs", "do not bind resources of the management account"))
    elif request.name == "kms:retiregrant":
        results.append(_unbound("RCPs", "do not bind kms:RetireGrant"))
    elif request.service not in aws_limits().resource_control_prefixes:
        results.append(_unbound("RCPs", f"do not bind {request.service}"))
    else:
        results += [level.judge(request) for level in resource_account.resource_control]
    return results


def _unbound(level: str, reason: str) -> Step:
    return Step(level, Outcome.ALLOWED, reason)


def _passed(verdict: Verdict) -> Step:
    if verdict.allows is False:
        return Step(verdict.layer.name, Outcome.DENIED, "no statement allows it")
    return step(verdict.layer.name, verdict.allows, "allows it", "may allow it", verdict.allowed_by)


# Principal and resource


def _access(request: Request, granted: Granted, own: list[Step] | None) -> list[Step]:
    """Returns the result of identity and resource policies together; without identity policies the resource decides."""
    if own is None:
        return [_by_resource(granted, granted.allows(Grade.ITSELF))]
    if request.crosses_accounts:
        return [_by_resource(granted, granted.allows(*Grade)), *own]
    limits, within = own[:-1], all_of(map(_truth, own[:-1]))
    named, role = granted.allows(Grade.ITSELF), granted.allows(Grade.ROLE)
    if named is True:
        return [_granted(granted, Grade.ITSELF, "allows it, names the principal itself")]
    if role is True and within is True:
        return [*limits, _granted(granted, Grade.ROLE, "allows it, names the role")]
    delegated = granted.allows(Grade.ACCOUNT) if needs_resource(request) else True
    through_own = all_of((delegated, *map(_truth, own)))
    if through_own is True:
        if needs_resource(request):
            own = [_granted(granted, Grade.ACCOUNT, "leaves it to the account"), *own]
        return own
    access = any_of((named, all_of((role, within)), through_own))
    if not isinstance(access, bool):  # undecided, at the first level that it rests on
        first = next((level for level in own if access.intersection(level.keys)), None)
        first = first or step(granted.verdict.layer.name, access, "", "may allow it", granted.verdict.allowed_by)
        return [first._replace(keys=tuple(sorted(access)))]
    return [_by_resource(granted, False)] if granted.allows(*Grade) is False and needs_resource(request) else own


def _by_resource(granted: Granted, truth: Truth) -> Step:
    level, statement = granted.verdict.layer.name, granted.verdict.allowed_by
    if truth is False:
        return Step(level, Outcome.DENIED, "no statement allows it, and without one nobody is allowed")
    return step(level, truth, "allows it", "may allow it", statement)


def _granted(granted: Granted, grade: Grade, reason: str) -> Step:
    return Step(granted.verdict.layer.name, Outcome.ALLOWED, reason, granted.by_grade[grade][1])


def _truth(passed: Step) -> Truth:
    if passed.outcome is Outcome.DEPENDS:
        return frozenset(passed.keys)
    return passed.outcome is Outcome.ALLOWED


_TRUST = ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity")


def needs_resource(request: Request) -> bool:
    """Returns whether the resource-based policy must allow as well: KMS keys, and roles that are assumed."""
    return (request.service == "kms" and request.resource != "*") or request.name.startswith(_TRUST)
