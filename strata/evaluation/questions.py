"""Questions in an operator's words, as `strata can` asks them: who acts with which policies, on what; the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PARTITION
from strata.config.reserved import AWS_ITSELF, DEPLOYER, ROOT_USER
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.evaluation.landing_zone import Actor, Evaluated
from strata.evaluation.names import Named, find
from strata.landing_zone.groups import known_to, may_be_in
from strata.policy import unknown
from strata.policy.answers import Answer, Outcome, Step
from strata.policy.asked import settled
from strata.policy.evaluator import needs_resource
from strata.policy.keys import following, region_of
from strata.policy.layers import AccountLevels, Policies, PolicyLayer
from strata.policy.patterns import ARN_PARTS, matches
from strata.policy.reference import Action, reference
from strata.policy.requests import Context, PrincipalKind, Request, Value
from strata.policy.resources import as_asked

_ROLE_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)


@dataclass(frozen=True)
class PrincipalQuestion:
    """A question about somebody."""

    action: Action
    resource: str | None = None
    """An ARN, or `*`; else any. In it a star is any text, as the account the one that is asked about, whose key may
    stand for its id."""
    region: str | None = None
    """The region of the request where action and resource do not determine it."""
    keys: Mapping[str, Value] = field(default_factory=dict)
    """Keys of the request that somebody gave."""
    but: tuple[str, ...] = ()
    """Where no resource is given: patterns of those that it is none of."""


def find_action(written: str) -> Action:
    """Returns an action by its name, in any case.

    Raises:
        UsageError: it is a pattern, or not written as service:Action.
        StrataError: AWS has no such action.
    """
    prefix, colon, name = written.partition(":")
    if not colon or re.search(r"[*?]", written):
        text = f"{written!r} is not one action; write it as in s3:GetObject"
        raise UsageError(Message("not-one-action", text, value=written))
    known = reference()
    service = known.service(prefix)
    if service is None:
        text = f"{prefix!r} is not an AWS service{did_you_mean(prefix, known.prefixes)}"
        raise StrataError(Message("unknown-service", text, service=prefix))
    action = service.action(name)
    if action is None:
        candidates = [f"{service.prefix}:{name}" for name in service.names]
        guess = did_you_mean(f"{service.prefix}:{name}", candidates)
        text = f"{service.prefix} has no action {name!r}{guess or f' (known on {known.date})'}"
        raise StrataError(Message("unknown-action", text, action=f"{service.prefix}:{name}"))
    return action


def check_region(action: Action, resource: str | None, region: Value) -> None:
    """Checks that an action on a resource may be asked for in a region.

    Raises:
        UsageError: it never is.
    """
    fixed = region_of(action.full_name, resource or "*")
    if fixed and region != fixed:
        what = f"{action.full_name} on {resource!r}" if region_of("", resource or "*") else f"every {action.full_name}"
        named = repr(region) if isinstance(region, str) else "what is named"
        text = f"{what} is a request to {fixed}, not to {named}; leave the region out"
        raise UsageError(Message("region-fixed", text, action=action.full_name, region=fixed))


def ask(evaluated: Evaluated, actor: Actor, question: PrincipalQuestion, account: str) -> Answer:
    """Returns the answer for somebody who acts in an account, or on it from another one.

    Raises:
        UsageError: the resource is not an ARN, or in no account there is.
    """
    request, there = request_of(evaluated, actor, question, account)
    policies = Policies(actor.account, there, actor.identity, actor.boundary, _of_resource(evaluated, request, there))
    answer = settled(request, policies)
    if not actor.group or answer.outcome is Outcome.DENIED:
        return answer
    # Somebody who has access only as a member of a group, and may be one.
    group = evaluated.landing_zone.groups[actor.group]
    keys = (f"membership of {group.key}", *answer.keys)
    step = Step(f"group {group.key}", Outcome.DEPENDS, f"{known_to([group])} alone knows its members", None, keys[:1])
    return Answer(Outcome.DEPENDS, keys, step, (step, *answer.steps), answer.request)


def request_of(
    evaluated: Evaluated, actor: Actor, question: PrincipalQuestion, account: str
) -> tuple[Request, AccountLevels]:
    """Returns the request of a question, and the account of its resource.

    Raises:
        UsageError: the resource is not an ARN, or in no account there is.
    """
    resource, there = resource_of(evaluated, question, evaluated.account(account))
    action = question.action.full_name
    followed = following(
        actor.principal, actor.account, there, action=action, resource=resource, region=question.region
    )
    region = region_of(action, resource)
    fixed = {"aws:requestedregion": region} if region else {}
    request = Request(
        principal=actor.principal,
        action=action,
        resource=resource,
        resource_account=there.id,
        context=Context({**question.keys, **fixed}).filled(actor.keys).filled(followed),
    )
    return request, there


# Resources


def resource_of(evaluated: Evaluated, question: PrincipalQuestion, here: AccountLevels) -> tuple[str, AccountLevels]:
    """Returns the resource of a question and its account.

    Raises:
        UsageError: it is not an ARN, or in no account there is.
    """
    if question.resource is None:
        resource = as_asked(question.action, _any_resource(question, here))
        other = unknown.Other.than(question.but, resource.replace("*", unknown.ANYTHING))
        return resource if resource == "*" else other, here
    check_resource(evaluated, question.resource)
    resource = as_asked(question.action, question.resource)
    if resource == "*":
        return "*", here
    parts = resource.split(":", ARN_PARTS - 1)
    there, written = here, parts[4]
    if written in ("", AWS_ITSELF):
        bucket = evaluated.bucket_account(resource)
        there = evaluated.account(bucket) if bucket else here
    else:
        if written != "*":
            there = evaluated.account(written) if written in evaluated.keys else evaluated.account_of_id(written)
        parts[4] = there.id
    # Whoever writes a star means any text there; AWS takes none in the resource of a request.
    text = re.sub(r"[*?]+", unknown.ANYTHING, ":".join(parts))
    group = _IN_LOG_GROUP.fullmatch(resource)  # no text that follows its name is another such name
    return unknown.Other.than([f"*:{group[1]}"], text) if group else text, there


_IN_LOG_GROUP = re.compile(r"arn:[^:]*:logs:[^:]*:[^:]*:(log-group:[^:*?]+):.*")


def check_resource(evaluated: Evaluated, resource: str) -> None:
    """Checks that a resource is `*`, or an ARN of the partition, in an account and a region there are.

    Raises:
        UsageError: it is not.
    """
    if resource == "*":
        return
    parts = resource.split(":", ARN_PARTS - 1)
    if len(parts) < ARN_PARTS or parts[0] != "arn":
        text = f"{resource!r} is not an ARN; write arn:aws:service:region:account:resource, or '*'"
        raise UsageError(Message("text-malformed", text, kind="ARN", value=resource))
    if parts[4] not in ("", AWS_ITSELF, "*", *evaluated.keys) and not re.fullmatch(r"[0-9]{12}", parts[4]):
        text = f"{resource!r} is in {parts[4]!r}, which is no account{did_you_mean(parts[4], evaluated.keys)}"
        raise UsageError(Message("unknown-name", text, name=parts[4], kind="account"))
    if not matches(parts[1], PARTITION):
        text = f"{resource!r} is of the partition {parts[1]!r}, not of {PARTITION!r}; write arn:{PARTITION}:..."
        raise UsageError(Message("unknown-name", text, name=parts[1], kind="partition"))
    regions = aws_limits().regions
    # `global` is the region in an ARN of AWS Health, of events that no region has.
    if parts[3] and not any(matches(parts[3], region) for region in (*regions, "global")):
        text = f"{resource!r} is in {parts[3]!r}, which is not an AWS region{did_you_mean(parts[3], regions)}"
        raise UsageError(Message("unknown-region", f"{text}; write a code such as eu-west-1", region=parts[3]))


def _any_resource(question: PrincipalQuestion, here: AccountLevels) -> str:
    """Returns the known parts of a resource that was not given: `*` where the action takes no other, or its type."""
    kinds = question.action.resource_types
    if kinds == ():
        return "*"
    arns = {kind.arn for kind in kinds or ()}
    if len(arns) != 1:
        return unknown.ANYTHING
    known = {
        "Partition": PARTITION,
        "Account": here.id,
        "Region": region_of(question.action.full_name, "*") or question.region or unknown.ANYTHING,
    }
    return re.sub(r"\$\{([^}]*)\}", lambda match: known.get(match[1], unknown.ANYTHING), arns.pop())


def _of_resource(evaluated: Evaluated, request: Request, there: AccountLevels) -> PolicyLayer | None:
    """Returns the resource-based policy: KMS keys, roles, strangers and other accounts need it."""
    service = request.principal.kind is PrincipalKind.SERVICE
    if not (needs_resource(request) or request.crosses_accounts or service):
        return None
    if request.name == "sts:assumerole" and (known := evaluated.trust_policy(request.resource)):
        return known
    name = {"kms": "policy of the key", "sts": "trust policy of the role"}.get(
        request.service, "policy of the resource"
    )
    where = f" in {there.name}" if request.crosses_accounts else ""
    return PolicyLayer(f"{name}{where}", unknown=(f"the {name}{where}",))


# Who

Kind = Literal["user", "group", "permission set", "role", "root", "service", "deployer", "anybody"]
_HOLDERS: Mapping[Named, Kind] = {"user": "user", "group": "group", "permission set": "permission set"}


class Who(NamedTuple):
    """Whom a question is about."""

    kind: Kind
    key: str = ""
    account: str = ""
    """The account that the ARN of a role names, by its id or its key; empty where none was given."""

    def __str__(self) -> str:
        return self.key if self.kind in ("user", "group", "service") else f"{self.kind} {self.key}".strip()


ANYBODY = Who("anybody")


def find_who(evaluated: Evaluated, name: str) -> Who:
    """Returns the principals of a name: a user, group, permission set, role, AWS service, root, or the deployer.

    Raises:
        StrataError: it is nobody's name, or that of several.
    """
    if name in (DEPLOYER, ROOT_USER):
        return Who("deployer" if name == DEPLOYER else "root", "" if name == DEPLOYER else "user")
    if match := re.fullmatch(rf"(?:arn:[^:]*:iam::([^:]*):)?role/(.*)|({ACCESS_ROLE})", name):
        role = match[2] or match[3] or ""
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
        if not re.fullmatch(r"(?:[!-~]*/)?[\w+=,.@-]+", role, re.ASCII) or set(role) & set("*?:"):
            text = f"{role!r} is not the name of a role; write role/NAME, with its path if it has one"
            raise UsageError(Message("text-malformed", text, kind="role", value=role))
        return Who("role", role, match[1] or "")
    if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", name):
        return Who("service", name)
    guess = f"; a role is written role/{name}" if _ROLE_NAME.fullmatch(name) else ""
    kind, key = find(evaluated.landing_zone, name, *_HOLDERS, otherwise=guess)
    return Who(_HOLDERS[kind], key)


def actors(evaluated: Evaluated, who: Who, account: str) -> list[Actor]:
    """Returns the ways in which somebody can act in an account; none if it has no access there.

    Raises:
        UsageError: it is a role by an ARN that is not known to be of the account.
    """
    if who.account not in ("", account, evaluated.account(account).id):
        problem = f"the role is in {who.account}, which is not known to be account {account}"
        text = f"{problem}; name its own account by --in, or write role/{who.key}"
        raise UsageError(Message("wrong-account", text, name=who.account, account=account))
    match who.kind:
        case "user" | "group" | "permission set":
            user, given = who.key if who.kind == "user" else None, sets_of(evaluated, who, account)
            return [evaluated.permission_set(key, account, user, group) for key, group in sorted(given.items())]
        case "role":
            return [evaluated.role(who.key, account)]
        case "root":
            return [evaluated.root_user(account)]
        case "service":
            return [evaluated.service(who.key, account)]
        case "deployer":
            return [evaluated.deployer()]
        case "anybody":
            return [evaluated.somebody(account)]


def sets_of(evaluated: Evaluated, who: Who, account: str) -> dict[str, str]:
    """Returns the permission sets by which a user, a group or a set acts in an account.

    Those of a user that depend on an external group have that group.
    """
    grants, groups, users = evaluated.grants(account), evaluated.landing_zone.groups, evaluated.landing_zone.users
    if who.kind == "permission set":
        return {who.key: ""} if any(grant.permission_set == who.key for grant in grants) else {}
    if who.kind == "group":
        mine = ("GROUP", who.key)
        return {grant.permission_set: "" for grant in grants if (grant.principal_type, grant.principal) == mine}
    maybe = may_be_in(users[who.key], groups)
    sets: dict[str, str] = {}
    for grant in grants:
        of_group = grant.principal_type == "GROUP"
        if who.key in (groups[grant.principal].members if of_group else (grant.principal,)):
            sets[grant.permission_set] = ""
        elif of_group and grant.principal in maybe:
            sets.setdefault(grant.permission_set, grant.principal)
    return sets


def everybody(evaluated: Evaluated, account: str) -> list[tuple[Who, str]]:
    """Returns holders with permission sets of an account: users, and groups of whose members some are not known."""
    groups = evaluated.landing_zone.groups
    holders: set[tuple[str, str, str]] = set()
    for grant in evaluated.grants(account):
        if grant.principal_type == "USER":
            holders.add(("user", grant.principal, grant.permission_set))
            continue
        holders |= {("user", member, grant.permission_set) for member in groups[grant.principal].members}
        if not groups[grant.principal].is_known:
            holders.add(("group", grant.principal, grant.permission_set))
    return [(Who("user" if kind == "user" else "group", key), name) for kind, key, name in sorted(holders)]
