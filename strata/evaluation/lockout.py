"""What has to stay possible once a configuration is deployed: a list of questions to the evaluator, and who is asked.

- In the management account, of everybody who administers it and of a deployer whose policies are named: to read and
  write the state, to change policies of the organization, to give access. SCPs and RCPs do not bind there.
- In each member: the management account enters by the access role, that role repairs roles, itself among them, and
  Identity Center signs in whoever has access. Whatever else a guardrail closes in a member, the management account
  opens again by taking the guardrail off.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from strata.config.models import ACCESS_ROLE, MANAGEMENT, PARTITION, Project
from strata.evaluation.administrators import has_ended
from strata.evaluation.landing_zone import Actor, Evaluated
from strata.landing_zone.grants import Grant
from strata.landing_zone.state import bucket_denials, default_key_policy
from strata.policy import unknown
from strata.policy.answers import Answer, Outcome
from strata.policy.asked import never_sent, settled
from strata.policy.documents import Statement, parse
from strata.policy.keys import following
from strata.policy.layers import AccountLevels, Policies, PolicyLayer
from strata.policy.requests import ABSENT, Context, Request, RequestPrincipal, Value

STATE, POLICIES, ACCESS = "state", "policies", "access"
ENTRY, REPAIRS, SIGN_IN = "entry", "repairs", "sign-in"


class Question(NamedTuple):
    """Something that somebody has to be allowed."""

    what: str
    actions: tuple[str, ...]
    """One of them is enough."""
    resource: str
    policy: PolicyLayer | None = None
    """That of the resource."""
    region: str | None = None
    """Of the request, where action and resource do not determine it."""


class Reply(NamedTuple):
    """The answer of the evaluator to a question about somebody."""

    question: Question
    by: str
    """Who was asked, as people read it."""
    answer: Answer
    policies: Policies
    person: str = ""
    """The user, or the group of an identity provider; empty for a role."""
    permission_set: str = ""
    external: bool = False
    """Whether an identity provider decides who that is."""

    @property
    def outcome(self) -> Outcome:
        """Returns the answer, which is not certain where others decide who somebody is."""
        return Outcome.DEPENDS if self.external and self.answer.allowed else self.answer.outcome

    @property
    def keys(self) -> tuple[str, ...]:
        """Returns what it depends on."""
        return (f"{self.person} of an identity provider",) if self.answer.allowed else self.answer.keys

    @property
    def statements(self) -> list[Statement]:
        """Returns the statements that deny it; where it depends, those that may."""
        answer = self.answer
        if answer.outcome is not Outcome.DEPENDS:
            return [step.statement for step in answer.steps if step.outcome is Outcome.DENIED and step.statement]
        open_levels = {step.level for step in answer.steps if step.outcome is Outcome.DEPENDS}
        layers = (layer for layer in self.policies.layers if layer.name in open_levels)
        about = (statement for layer in layers for statement in layer.about(answer.request.name))
        statements = [statement for statement in about if not isinstance(statement.applies(answer.request), bool)]
        return [statement for statement in statements if not statement.allows] or statements

    @property
    def allowing_nothing(self) -> set[str]:
        """Returns the levels of which no statement allows it."""
        steps = self.answer.steps
        return {step.level for step in steps if step.outcome is Outcome.DENIED and not step.statement}


class Asked(NamedTuple):
    """A question, with the replies of everybody who was asked in accounts that the same policies bind."""

    question: Question
    accounts: tuple[str, ...]
    replies: tuple[Reply, ...]

    @property
    def best(self) -> Reply | None:
        """Returns the reply that is nearest to allowed, since one is enough; None where nobody is to be asked."""
        return min(self.replies, key=lambda reply: _ORDER.index(reply.outcome), default=None)

    @property
    def outcome(self) -> Outcome | None:
        """Returns that of the best reply."""
        return self.best.outcome if self.best else None


_ORDER = (Outcome.ALLOWED, Outcome.DEPENDS, Outcome.DENIED)


# The management account


def in_management(evaluated: Evaluated, day: dt.date | None) -> list[Asked]:
    """Returns each question of the management account; access that ended before the day counts for nobody.

    An administrator is whose own policies allow all of it, whatever denies it besides: nobody else was meant to.
    """
    project = evaluated.landing_zone.project
    questions, asked = _questions(project), []
    for person, key in _holders(evaluated, day):
        every = (_of_person(evaluated, question, person, key) for question in questions)
        replies = list(itertools.takewhile(_is_meant, every))
        if len(replies) == len(questions):
            asked.append(replies)
    deployer = evaluated.landing_zone.deployer
    if deployer and deployer.policies:
        asked.append([_in_management(project, question, evaluated.deployer(), {}) for question in questions])
    return [
        Asked(question, (MANAGEMENT,), tuple(replies[number] for replies in asked))
        for number, question in enumerate(questions)
    ]


_OF_STATE = (
    (STATE, "{bucket}/management/sso/terraform.tfstate", ("s3:GetObject", "s3:PutObject")),
    (STATE, "{bucket}/management/sso/terraform.tfstate.tflock", ("s3:DeleteObject",)),
    (STATE, "{bucket}", ("s3:PutBucketPolicy",)),
)
_OF_KEY = ((STATE, "arn:{partition}:kms:{region}:{account}:key/{any}", ("kms:Decrypt", "kms:GenerateDataKey")),)
_OF_ORGANIZATION = (
    (
        POLICIES,
        "arn:{partition}:organizations::{account}:policy/{any}",
        ("organizations:AttachPolicy", "organizations:DetachPolicy", "organizations:UpdatePolicy"),
    ),
    (
        ACCESS,
        "arn:{partition}:sso:::permissionSet/{any}",
        (
            *("sso:AttachManagedPolicyToPermissionSet", "sso:CreateAccountAssignment", "sso:ProvisionPermissionSet"),
            *("sso:DeleteInlinePolicyFromPermissionSet", "sso:PutInlinePolicyToPermissionSet"),
        ),
    ),
    # AWS does this with the rights of whoever assigns or provisions a permission set in the management account.
    # https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html
    (
        ACCESS,
        "arn:{partition}:iam::{account}:role/aws-reserved/sso.amazonaws.com/{any}",
        ("iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"),
    ),
)


def _questions(project: Project) -> list[Question]:
    account, bucket = project.management_account.id, f"arn:{PARTITION}:s3:::{project.state_bucket}"
    values = {"partition": PARTITION, "bucket": bucket, "region": project.regions.primary, "account": account}
    resource_policies = {
        "s3": _layer("policy of the state's bucket", {"Statement": bucket_denials(bucket)}),
        "kms": _layer("policy of the state's key", default_key_policy(PARTITION, account)),
    }
    regions = {"sso": project.identity_center_region}
    questions = []
    for what, resource, actions in (*_OF_STATE, *(_OF_KEY if project.state.kms else ()), *_OF_ORGANIZATION):
        named, service = resource.format(**values, any=unknown.ANYTHING), actions[0].partition(":")[0]
        region = regions.get(service, project.regions.primary)
        questions += [Question(what, (action,), named, resource_policies.get(service), region) for action in actions]
    return questions


def holding(evaluated: Evaluated, account: str, day: dt.date | None) -> list[Grant]:
    """Returns the grants of an account that have not ended before a day."""
    zone, since = evaluated.landing_zone, day or dt.date.min
    return [
        grant
        for grant in evaluated.grants(account)
        if not all(has_ended(zone, entry, since) for entry in zone.grants[grant])
    ]


def _holders(evaluated: Evaluated, day: dt.date | None) -> list[tuple[str, str]]:
    """Returns who has which permission set there: users, and groups whose members an identity provider knows."""
    holders: dict[tuple[str, str], None] = {}
    for grant in holding(evaluated, MANAGEMENT, day):
        people: Iterable[str] = (grant.principal,)
        if grant.principal_type == "GROUP":
            group = evaluated.landing_zone.groups[grant.principal]
            people = (*group.members, *(() if group.is_known else (f"group {group.key}",)))
        holders.update(dict.fromkeys((person, grant.permission_set) for person in people))
    return list(holders)


def _of_person(evaluated: Evaluated, question: Question, person: str, key: str) -> Reply:
    user = evaluated.landing_zone.users.get(person)
    actor = evaluated.permission_set(key, MANAGEMENT, person if user else None)
    reply = _in_management(evaluated.landing_zone.project, question, actor, _WITHOUT_MFA)
    by = f"{person} as {actor.name}"
    return reply._replace(by=by, person=person, permission_set=key, external=user is None or user.external)


def _in_management(project: Project, question: Question, actor: Actor, session: Mapping[str, Value]) -> Reply:
    sent = {**_SENT, **_DIRECT, "kms:ViaService": f"s3.{project.regions.primary}.amazonaws.com", **session}
    return _reply(question, actor, actor.account, sent)


def _is_meant(reply: Reply) -> bool:
    """Returns whether somebody's own policies allow it, whatever denies it besides."""
    return reply.policies.identity.name not in reply.allowing_nothing


# Members


def in_members(evaluated: Evaluated, day: dt.date | None) -> Iterator[Asked]:
    """Yields each question of members, once for those that the same policies bind."""
    region, deployer = evaluated.landing_zone.project.regions.primary, evaluated.landing_zone.deployer
    somebody = replace(evaluated.somebody(MANAGEMENT, (ACCESS_ROLE,)), name="the management account")
    entering = [somebody, *([replace(somebody, principal=evaluated.deployer().principal)] if deployer else [])]
    for accounts in _alike(evaluated):
        there = evaluated.account(accounts[0])
        role, roles = evaluated.role(ACCESS_ROLE, accounts[0]), f"arn:{PARTITION}:iam::{there.id}:role/"
        for what, asked, actions, resource in (
            (ENTRY, entering, ("sts:AssumeRole",), ACCESS_ROLE),
            (REPAIRS, [role], ("sts:AssumeRole",), _ANY_ROLE),
            (REPAIRS, [role], ("iam:UpdateAssumeRolePolicy",), ACCESS_ROLE),
            (REPAIRS, [role], ("iam:PutRolePolicy", "iam:AttachRolePolicy"), ACCESS_ROLE),
        ):
            question = Question(what, actions, f"{roles}{resource}", _OPEN, region)
            sent = {**_SENT, **_DIRECT, **_UNTAGGED}
            yield Asked(question, accounts, tuple(_reply(question, actor, there, sent) for actor in asked))
        if entered := {key: held for key in accounts if (held := holding(evaluated, key, day))}:
            yield from _sign_ins(evaluated, entered)


_ANY_ROLE = "role-that-no-policy-names"


def _alike(evaluated: Evaluated) -> list[tuple[str, ...]]:
    """Returns the members in groups that the same SCPs and RCPs bind."""
    members = defaultdict[object, list[str]](list)
    for key in evaluated.landing_zone.members:
        members[evaluated.bound(key)].append(key)
    return [tuple(keys) for keys in members.values()]


def _sign_ins(evaluated: Evaluated, held: Mapping[str, Sequence[Grant]]) -> Iterator[Asked]:
    """Yields whether Identity Center signs in people who have access, as far as RCPs decide it.

    AWS: 'The aws:PrincipalOrgID condition key is included in the request context only if the calling principal is a
    member of an organization. This is not the case with federated users'; nor do requests that nobody signs say whether
    a service makes them. Session tags need sts:TagSession as well.
    https://github.com/aws-samples/data-perimeter-policy-examples/tree/main/resource_control_policies
    https://github.com/aws/lza-universal-configuration/issues/29
    """
    accounts = tuple(held)
    there = evaluated.account(accounts[0])
    sets = sorted({grant.permission_set for grants in held.values() for grant in grants})
    roles = [evaluated.permission_set(key, accounts[0]).principal.arn for key in sets]
    actor = Actor("Identity Center", RequestPrincipal("*"), there, PolicyLayer("Identity Center"))
    tags = evaluated.landing_zone.sso.access_control_attributes
    for action in ("sts:AssumeRoleWithSAML", *(("sts:TagSession",) if tags else ())):
        questions = [Question(SIGN_IN, (action,), role, _OPEN) for role in roles]
        replies = [_reply(question, actor, there, {**_SENT, **_BY_SAML}) for question in questions]
        yield Asked(questions[0], accounts, tuple(replies))


# What is known of each request


_SENT: Mapping[str, Value] = {
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
    # AWS: 'only available when the call to your resource is made directly by an AWS service principal'.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    **dict.fromkeys(("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"), ABSENT),
}
_DIRECT: Mapping[str, Value] = {"aws:ViaAWSService": "false", "aws:CalledVia": ABSENT}
_WITHOUT_MFA: Mapping[str, Value] = {"aws:MultiFactorAuthPresent": ABSENT, "aws:MultiFactorAuthAge": ABSENT}
"""Sessions of Identity Center are federated, and carry no key about MFA.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_UNTAGGED: Mapping[str, Value] = {"aws:ResourceTag/*": ABSENT, "iam:ResourceTag/*": ABSENT}
"""AWS gives the access role no tag."""
_BY_SAML: Mapping[str, Value] = {"aws:PrincipalIsAWSService": ABSENT, "saml:aud": "https://signin.aws.amazon.com/saml"}


def _layer(name: str, document: Mapping[str, object]) -> PolicyLayer:
    return PolicyLayer(name, (parse(json.dumps({"Version": "2012-10-17", **document}), name),))


_OPEN = _layer(
    "policy of the resource", {"Statement": {"Effect": "Allow", "Action": "*", "Principal": "*", "Resource": "*"}}
)


def _reply(question: Question, actor: Actor, there: AccountLevels, sent: Mapping[str, Value]) -> Reply:
    """Returns the answer of the action that is nearest to allowed."""
    policies, answers = Policies(actor.account, there, actor.identity, actor.boundary, question.policy), []
    for action in question.actions:
        keys = following(
            actor.principal, actor.account, there, action=action, resource=question.resource, region=question.region
        )
        context = Context(sent).filled(actor.keys).filled(keys).filled(never_sent(policies.layers, action))
        answers.append(settled(Request(actor.principal, action, question.resource, there.id, context), policies))
    return Reply(question, actor.name, min(answers, key=lambda answer: _ORDER.index(answer.outcome)), policies)
