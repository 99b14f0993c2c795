"""Who can undo a configuration once it is deployed: each way in which somebody could, with its answer.

Three things have to stay possible:

- In the management account, for a person or the role that deploys: every write action of the documents in
  `strata/policies/deployer/`, and reading the state. SCPs and RCPs do not bind there, and whatever they do is undone
  from there, so only permission sets, the deployer's policies and those of the state's buckets and keys count.
- In each member, for the management account: to assume the access role, and for that role what repairs an account whose
  own policies keep everybody out, which nobody can do from outside. Of its roles that is to change whom they trust, to
  give them a policy, and to assume them; SCPs and RCPs can deny it. Of its buckets, keys, queues and secrets, it is to
  change their policies, against which only RCPs count: an SCP may close a service to an account that does not use it.
- In each member, for whom it is given access to: to sign in by Identity Center. RCPs bind the roles of Identity Center,
  which are no service-linked roles, and whoever assumes one by SAML is no principal of the organization yet.

Layers of one's own and the baseline need more of the access role, as docs/layers.md says; a guardrail that stops any of
them stops no repair. What the layer `accounts` sets is undone with the rights of `security`. Declarative and management
policies deny no request.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from strata.config.layers import READER
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, MANAGEMENT, PARTITION, PolicyType, Project
from strata.evaluation.administrators import has_ended
from strata.evaluation.landing_zone import Actor, Evaluated, aws_policy
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import FULL_ACCESS
from strata.landing_zone.permissions import STACKS, permissions
from strata.landing_zone.placeholders import placeholder_values
from strata.landing_zone.state import bucket_denials, default_key_policy
from strata.landing_zone.units import Target
from strata.policy import unknown
from strata.policy.answers import Answer, Outcome, Step
from strata.policy.asked import never_sent, settled
from strata.policy.documents import RESOURCE, Statement, parse, statements
from strata.policy.keys import OF_ROLE, following, region_of
from strata.policy.layers import AccountLevels, Policies, PolicyLayer
from strata.policy.reference import reference
from strata.policy.requests import ABSENT, Context, Missing, PrincipalKind, Request, RequestPrincipal, Value
from strata.policy.usual import usual

DEPLOYER = "deployer"
_ORDER = (Outcome.ALLOWED, Outcome.DEPENDS, Outcome.DENIED)


class Doubt(NamedTuple):
    """A statement that may deny an action, whatever is asked for, by keys of whoever asks."""

    action: str
    statement: Statement
    keys: frozenset[str]


class UndoingWay(NamedTuple):
    """A way in which somebody could undo something, and whether it stays open."""

    what: str
    """In the management account the stack that is undone; in members `enter`, or what is repaired."""
    accounts: tuple[str, ...]
    """Where; members that the same policies bind have one way together."""
    by: str
    """Who, as people read it."""
    outcome: Outcome
    action: str
    """The action that decides; where all are allowed, any of them."""
    decided: Step
    """The level that decides, with its statement."""
    denials: tuple[tuple[str, Step], ...] = ()
    """In members, every action that is denied, with each level that denies it."""
    doubts: tuple[Doubt, ...] = ()
    """In members where it depends, every statement on which it does."""
    permission_set: str = ""
    """The one by which people could; empty for anybody else."""
    falls_short: bool = False
    """Whether an action is not among those that their policies allow, so that it was never meant to be one."""
    external: bool = False
    """Whether it depends on an identity provider alone."""


def ways(landing_zone: LandingZone, day: dt.date | None = None) -> list[UndoingWay]:
    """Returns the ways to undo something, the management account first; with a day, none of access that is over."""
    evaluated = Evaluated(landing_zone, day)
    management = Management(evaluated, day)
    return [*management.ways(), *in_members(evaluated, management.actors)]


# In the management account


class _Deed(NamedTuple):
    action: str
    resource: str
    keys: Mapping[str, Value]


class Management:
    """What a deploy writes in the management account, and who can write it."""

    def __init__(self, evaluated: Evaluated, day: dt.date | None = None, *, lasting: bool = False) -> None:
        """Leaves out access that ended before the day, and that has a last day where only lasting access counts."""
        self.evaluated = evaluated
        self._day, self._lasting = day or dt.date.min, lasting

    @cached_property
    def holders(self) -> Mapping[str, tuple[str, ...]]:
        """Returns the permission sets that somebody has there, each with its users and its groups of a provider."""
        landing_zone = self.evaluated.landing_zone
        day = dt.date.max if self._lasting else self._day
        holders: dict[str, set[str]] = {}
        for grant in self.evaluated.grants(MANAGEMENT):
            if all(has_ended(landing_zone, entry, day) for entry in landing_zone.grants[grant]):
                continue
            people: Iterable[str] = (grant.principal,)
            if grant.principal_type == "GROUP":
                group = landing_zone.groups[grant.principal]
                people = (*group.members, *([f"group {group.key}"] if group.has_others else []))
            holders.setdefault(grant.permission_set, set()).update(people)
        order = sorted(holders, key=lambda key: (not _is_wide(landing_zone, key), key))
        return {key: tuple(sorted(holders[key])) for key in order if holders[key]}

    @property
    def landing_zone(self) -> LandingZone:
        """Returns the landing zone that is evaluated."""
        return self.evaluated.landing_zone

    @property
    def actors(self) -> list[Actor]:
        """Returns everybody who acts there."""
        sets = [self.evaluated.permission_set(key, MANAGEMENT) for key in self.holders]
        return [*sets, self.evaluated.deployer()]

    def ways(self) -> Iterator[UndoingWay]:
        """Yields every way to undo every stack."""
        for stack in STACKS:
            yield from self.of_stack(stack)

    def of_stack(self, stack: str) -> Iterator[UndoingWay]:
        """Yields every way to undo a stack, those of full access first."""
        for key, people in self.holders.items():
            yield from self._by_set(stack, key, people)
        yield self.of_deployer(stack)

    def of_deployer(self, stack: str) -> UndoingWay:
        """Returns whether the role that deploys can undo a stack."""
        return self._asked(stack, self.evaluated.deployer(), DEPLOYER)

    def _by_set(self, stack: str, key: str, people: Sequence[str]) -> Iterator[UndoingWay]:
        """Yields a way for all who have a set, or one for each where the answer depends on who it is."""
        way = self._asked(stack, self.evaluated.permission_set(key, MANAGEMENT), f"permission set {key}")
        every = self.evaluated.landing_zone.users
        users = [person for person in people if not person.startswith("group ") and not every[person].external]
        if not any(key.lower().startswith(_OF_PERSON) for key in way.decided.keys):
            known, others = users, [person for person in people if person not in users]
            for some, external in ((known, False), (others, True)):
                if some:
                    yield _of_people(way, key, some, external=external)
            return
        for person in people:
            user = None if person.startswith("group ") else person
            actor = self.evaluated.permission_set(key, MANAGEMENT, user)
            if user in users:  # who has no provider that sends tags: Identity Center passes on what it is told to alone
                actor = replace(actor, keys={**actor.keys, "aws:PrincipalTag/*": ABSENT})
            own = self._asked(stack, actor, f"{key} of {person}")
            yield _of_people(own, key, [person], external=person not in users)

    def _asked(self, stack: str, actor: Actor, name: str) -> UndoingWay:
        worst: UndoingWay | None = None
        for deed in self._deciding(stack, actor):
            answer = self._answer(actor, deed)
            way = UndoingWay(stack, (MANAGEMENT,), name, answer.outcome, deed.action, answer.decided)
            if _falls_short(answer, actor):
                return way._replace(falls_short=True)
            if worst is None or _ORDER.index(way.outcome) > _ORDER.index(worst.outcome):
                worst = way
        if worst is None:
            raise ValueError(f"the document of {stack} allows nothing")
        return worst

    def _deciding(self, stack: str, actor: Actor) -> Sequence[_Deed]:
        """Returns what has to be asked: of full access and nothing else, what policies of resources could deny."""
        deeds, own = self._deeds[stack], actor.identity
        if actor.boundary or own.unknown or [document.name for document in own.documents] != [aws_policy(FULL_ACCESS)]:
            return deeds
        return [deed for deed in deeds if self._of_resource(deed)] or deeds[:1]

    def _answer(self, actor: Actor, deed: _Deed) -> Answer:
        here = actor.account
        project = self.evaluated.landing_zone.project
        region = region_of(deed.action, deed.resource)
        if not region and deed.action.startswith(("sso:", "identitystore:")):
            region = project.identity_center_region
        elif not region:
            replica = deed.resource.startswith(_bucket(project.replica_bucket))
            region = project.regions.secondary if replica else project.regions.primary
        keys = following(actor.principal, here, here, action=deed.action, resource=deed.resource, region=region)
        context = Context({**_sent_by_people(self.evaluated.today), **_DIRECT, **deed.keys})
        own = actor.keys
        if actor.name != DEPLOYER:  # whose session may have keys of a service it runs on; that of people none about MFA
            layers = (actor.identity, *([actor.boundary] if actor.boundary else []))
            own = {**never_sent(layers, deed.action), **own, **_WITHOUT_MFA}
        context = context.filled(own).filled(keys)
        request = Request(actor.principal, deed.action, deed.resource, here.id, context)
        policies = Policies(here, here, actor.identity, actor.boundary, self._of_resource(deed))
        return _decided(request, policies, actor.keys)

    def _of_resource(self, deed: _Deed) -> PolicyLayer | None:
        if deed.action.startswith("s3:"):
            return self._buckets.get(deed.resource.partition("/")[0])
        return self._key if deed.action.startswith("kms:") else None

    @cached_property
    def _buckets(self) -> Mapping[str, PolicyLayer]:
        project = self.evaluated.landing_zone.project
        arns = map(_bucket, (project.state_bucket, project.replica_bucket, project.trail_bucket))
        return {arn: _layer(f"policy of bucket {arn}", {"Statement": bucket_denials(arn)}) for arn in arns}

    @cached_property
    def _key(self) -> PolicyLayer:
        account = self.evaluated.landing_zone.project.management_account.id
        return _layer("policy of the state's key", default_key_policy(PARTITION, account))

    @cached_property
    def _deeds(self) -> Mapping[str, tuple[_Deed, ...]]:
        project = self.evaluated.landing_zone.project
        documents = permissions(project)
        return {stack: tuple(_deeds(project, documents[stack].content, documents[READER].content)) for stack in STACKS}


_OVER_TLS: Mapping[str, Value] = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
_BY_NO_SERVICE: Mapping[str, Value] = dict.fromkeys(
    ("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"), ABSENT
)
"""AWS: 'only available when the call to your resource is made directly by an AWS service principal'.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_DIRECT: Mapping[str, Value] = {"aws:ViaAWSService": "false", "aws:CalledVia": ABSENT}
"""Who deploys or repairs calls AWS, and has no service do it on their behalf."""


def _sent_by_people(day: dt.date | None) -> Mapping[str, Value]:
    """Returns the keys of every request that people make, at the end of a day: what begins in its course counts."""
    if day is None:
        return {**_OVER_TLS, **_BY_NO_SERVICE}
    seconds = int(dt.datetime.combine(day, dt.time(23, 59, 59), dt.UTC).timestamp())
    now = f"{day}T23:59:59Z"
    time = {"aws:CurrentTime": now, "aws:TokenIssueTime": now, "aws:EpochTime": str(seconds)}
    return {**_OVER_TLS, **_BY_NO_SERVICE, **time}


_WITHOUT_MFA: Mapping[str, Value] = {"aws:MultiFactorAuthPresent": ABSENT, "aws:MultiFactorAuthAge": ABSENT}
"""Sessions of Identity Center are federated, and carry no key about MFA.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

_OF_PERSON = ("aws:principaltag/", "aws:userid")
"""Keys by which the sessions of two people with one set differ."""


def _bucket(name: str) -> str:
    return f"arn:{PARTITION}:s3:::{name}"


def _layer(name: str, document: Mapping[str, object]) -> PolicyLayer:
    return PolicyLayer(name, (parse(json.dumps({"Version": "2012-10-17", **document}), name),))


def _is_wide(landing_zone: LandingZone, key: str) -> bool:
    """Returns whether a set is likely to be enough, so that it is asked about first."""
    permission_set = landing_zone.permission_sets[key]
    return permission_set.boundary is None and any(
        "Administrator" in managed_policy.aws for managed_policy in permission_set.managed
    )


def _of_people(way: UndoingWay, key: str, people: Sequence[str], *, external: bool) -> UndoingWay:
    named = way._replace(by=f"{', '.join(people)} as permission set {key}", permission_set=key)
    if external and way.outcome is Outcome.ALLOWED:
        step = Step("identity provider", Outcome.DEPENDS, "decides who that is", None, ("the identity provider",))
        return named._replace(outcome=Outcome.DEPENDS, decided=step, external=True)
    return named


def _falls_short(answer: Answer, actor: Actor) -> bool:
    """Returns whether no statement of the actor's own policies allows it, whatever denies it besides."""
    return any(
        step.level == actor.identity.name and step.outcome is Outcome.DENIED and step.statement is None
        for step in answer.steps
    )


# What a deploy does


def _deeds(project: Project, document: object, reader: object) -> Iterator[_Deed]:
    """Yields what the document of a stack allows to write, and what reads the state, once each."""
    reading = (statement for statement in statements(reader) if statement.sid in _READING)
    for statement in (*statements(document), *reading):
        # The keys by which a request meets the conditions of the documents.
        keys = {test.key: test.texts[0].replace("*", project.regions.primary) for test in statement.condition}
        for action in statement.values("Action"):
            for written in statement.values("Resource") if project.state.kms or not action.startswith("kms:") else ():
                yield _Deed(action, _resource(project, action, written), keys)


_READING = ("States", "StateKey")
"""The statements of the reader's document without which no stack can be planned."""


def _resource(project: Project, action: str, written: str) -> str:
    """Returns a resource that an element stands for, in a region and otherwise any."""
    if written == "*":
        actions = reference().actions(action)
        kinds = sorted(kind.arn for action in actions for kind in action.resource_types or ())
        if not kinds:
            return "*"
        known = {"Partition": PARTITION, "Account": project.management_account.id, "Region": project.regions.primary}
        return re.sub(r"\$\{([^}]*)\}", lambda part: known.get(part[1], unknown.ANYTHING), kinds[0])
    start, star, rest = written.partition(":*:")
    return (f"{start}:{project.regions.primary}:{rest}" if star else written).replace("*", unknown.ANYTHING)


# In members


class _Repair(NamedTuple):
    """Something that has to stay possible in a member."""

    what: str
    actions: tuple[tuple[str, ...], ...]
    """Of each entry an action is enough."""
    resource: str
    """With the account's id for a brace."""
    services: bool = True
    """Whether only RCPs count, since a service that an SCP closes is not in use."""


ENTER, SIGN_IN = "enter", "sign in"
_ROLE = f"arn:{PARTITION}:iam::{{}}:role/"
_REPAIRS = (
    _Repair(
        "roles",
        (("sts:AssumeRole",), ("iam:UpdateAssumeRolePolicy",), ("iam:PutRolePolicy", "iam:AttachRolePolicy")),
        f"{_ROLE}{unknown.ANYTHING}",
        services=False,
    ),
    _Repair("buckets", (("s3:DeleteBucketPolicy", "s3:PutBucketPolicy"),), _bucket(unknown.ANYTHING)),
    _Repair("keys", (("kms:PutKeyPolicy",),), f"arn:{PARTITION}:kms:{{region}}:{{}}:key/{unknown.ANYTHING}"),
    _Repair(
        "queues",
        (("sqs:SetQueueAttributes", "sqs:RemovePermission"),),
        f"arn:{PARTITION}:sqs:{{region}}:{{}}:{unknown.ANYTHING}",
    ),
    _Repair(
        "secrets",
        (("secretsmanager:DeleteResourcePolicy", "secretsmanager:PutResourcePolicy"),),
        f"arn:{PARTITION}:secretsmanager:{{region}}:{{}}:secret:{unknown.ANYTHING}",
    ),
)
_OPEN = _layer(
    "policy of the resource", {"Statement": {"Effect": "Allow", "Action": "*", "Principal": "*", "Resource": "*"}}
)


def in_members(evaluated: Evaluated, entering: Sequence[Actor]) -> Iterator[UndoingWay]:
    """Yields what the management account and the access role can do in members, for those that are bound alike.

    Policies of their resources do not count: they are what is repaired.
    """
    for accounts, there in _alike(evaluated):
        yield _entrance(evaluated, entering, accounts, there)
        for repair in _REPAIRS:
            yield _repaired(evaluated, repair, accounts, there)


def sign_ins(evaluated: Evaluated) -> Iterator[UndoingWay]:
    """Yields whether Identity Center can sign people in to members in which somebody has access, likewise."""
    for alike, there in _alike(evaluated):
        if accounts := tuple(key for key in alike if evaluated.grants(key)):
            yield _signed_in(evaluated, accounts, there)


def _signed_in(evaluated: Evaluated, accounts: tuple[str, ...], there: AccountLevels) -> UndoingWay:
    """Returns whether any of the roles of Identity Center there may be assumed, as far as RCPs decide it.

    AWS: 'The aws:PrincipalOrgID condition key is included in the request context only if the calling principal is a
    member of an organization. This is not the case with federated users'; nor do requests that nobody signs say whether
    a service makes them. Session tags need sts:TagSession as well.
    https://github.com/aws-samples/data-perimeter-policy-examples/tree/main/resource_control_policies
    https://github.com/aws/lza-universal-configuration/issues/29
    """
    center = PolicyLayer("Identity Center")
    policies = Policies(there, there, center, None, _OPEN)
    sets = sorted({grant.permission_set for key in accounts for grant in evaluated.grants(key)})
    arns = [evaluated.permission_set(key, accounts[0]).principal.arn for key in sets]
    roles = [_ROLE.format(there.id) + arn.partition(":role/")[2] for arn in arns]
    tags = evaluated.landing_zone.sso.access_control_attributes
    answers = []
    for action in ("sts:AssumeRoleWithSAML", *(["sts:TagSession"] if tags else [])):
        context = Context({**_sent_by_people(evaluated.today), **_BY_SAML})
        context = context.filled(following(_STRANGER, there, there, action=action))
        requests = (Request(_STRANGER, action, role, there.id, context) for role in roles)
        answers.append(_best(_decided(request, policies, {}) for request in requests))
    return _way(SIGN_IN, accounts, there, center.name, *answers)


_STRANGER = RequestPrincipal("*")
_BY_SAML: Mapping[str, Value] = {"aws:PrincipalIsAWSService": ABSENT, "saml:aud": "https://signin.aws.amazon.com/saml"}


def _alike(evaluated: Evaluated) -> list[tuple[tuple[str, ...], AccountLevels]]:
    """Returns the members in groups that the same SCPs and RCPs bind alike, each with an account that stands for all.

    Levels do not count: each allows everything, and a Deny does the same on every level. The id of a member is not
    known; where no policy may be about one, it is told from all others.
    """
    landing_zone = evaluated.landing_zone
    own = landing_zone.project.management_account.id
    some = next(number for number in ("111122223333", "444455556666") if number != own)
    members: dict[frozenset[tuple[PolicyType, str]], list[str]] = {}
    about_ids: dict[frozenset[tuple[PolicyType, str]], bool] = {}
    for key in landing_zone.members:
        effective = landing_zone.effective_policies[Target("account", key)]
        bound = frozenset(
            (policy.policy.type, policy.policy.document.text) for policy in effective if policy.policy.type in _BINDING
        )
        members.setdefault(bound, []).append(key)
        if bound not in about_ids:
            about_ids[bound] = any(_NUMBER.search(text.replace(own, "")) for _, text in bound)
    alike = [(tuple(keys), evaluated.account(keys[0]), about_ids[bound]) for bound, keys in members.items()]
    return [(keys, account if about else replace(account, id=some)) for keys, account, about in alike]


_BINDING = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
_NUMBER = re.compile(r"[0-9]{5,}|[*?][0-9]|[0-9][*?]")
"""A part of a policy that may be an account id, or a pattern of some."""


def _entrance(
    evaluated: Evaluated, entering: Sequence[Actor], accounts: tuple[str, ...], there: AccountLevels
) -> UndoingWay:
    """Returns whether somebody in the management account may assume the access role, as far as members decide it.

    Whose own policies do not allow it can change them.
    """
    role = f"{_ROLE}{ACCESS_ROLE}".format(there.id)
    named = [_named(evaluated, actor, accounts[0]) for actor in entering]
    answers = [(_answered(evaluated, actor, there, "sts:AssumeRole", role), actor) for actor in named]
    bound = [
        (answer, actor)
        for answer, actor in answers
        if answer.allowed or answer.decided.level not in (actor.identity.name, actor.boundary and actor.boundary.name)
    ]
    if not bound:
        actor = _named(evaluated, evaluated.somebody(MANAGEMENT), accounts[0])
        bound = [(_answered(evaluated, actor, there, "sts:AssumeRole", role), actor)]
    best, actor = min(bound, key=lambda answered: _ORDER.index(answered[0].outcome))
    return _way(ENTER, accounts, there, f"{actor.name} in {MANAGEMENT}", best)


def _named(evaluated: Evaluated, actor: Actor, account: str) -> Actor:
    """Returns a role of an unknown name under another one, where RCPs exempt no roles but those of members."""
    unnamed = f"role/{unknown.ANYTHING}"
    if not actor.principal.arn.endswith(unnamed):
        return actor
    exempt = json.loads(f'["{placeholder_values(evaluated.landing_zone.project)["exempt_role_arns"]}"]')
    effective = evaluated.landing_zone.effective_policies[Target("account", account)]
    documents = (policy.policy.document for policy in effective if policy.policy.type is PolicyType.RESOURCE_CONTROL)
    tests = (
        test for document in documents for statement in statements(document.content) for test in statement.condition
    )
    about = {value for test in tests if test.key.lower() == "aws:principalarn" for value in test.texts}
    if not about <= set(exempt):
        return actor
    return replace(actor, principal=RequestPrincipal(actor.principal.arn.replace(unnamed, "role/deployer")))


def _repaired(evaluated: Evaluated, repair: _Repair, accounts: tuple[str, ...], there: AccountLevels) -> UndoingWay:
    role, account = evaluated.role(ACCESS_ROLE, accounts[0]), there
    if repair.services:
        account = replace(account, service_control=())
    principal = RequestPrincipal(f"{_ROLE}{ACCESS_ROLE}".format(there.id))
    actor = replace(role, principal=principal, account=account)
    region = evaluated.landing_zone.project.regions.primary
    resource = repair.resource.format(actor.account.id, region=region)
    best = [
        _best(_answered(evaluated, actor, there, action, resource) for action in enough) for enough in repair.actions
    ]
    return _way(repair.what, accounts, account, ACCESS_ROLE, *best)


def _best(answers: Iterable[Answer]) -> Answer:
    return min(answers, key=lambda answer: _ORDER.index(answer.outcome))


def _answered(evaluated: Evaluated, actor: Actor, there: AccountLevels, action: str, resource: str) -> Answer:
    """Returns the answer to a call of the actor for a resource in a member, whose own policy allows it.

    A role may be assumed in each region, so that one is enough.
    """
    primary = evaluated.landing_zone.project.regions.primary
    region = region_of(action, resource) or primary
    answer = _answered_in(evaluated, region, actor, there, action, resource)
    if answer.outcome is not Outcome.DENIED or action != "sts:AssumeRole":
        return answer
    # A statement that denies and is about regions may say something else elsewhere.
    tests = (test for step in answer.steps if step.statement for test in step.statement.condition)
    if not any(test.key.lower() == "aws:requestedregion" for test in tests):
        return answer
    others = sorted(aws_limits().regions - {region})
    return _best(
        [answer, *(_answered_in(evaluated, elsewhere, actor, there, action, resource) for elsewhere in others)]
    )


def _answered_in(
    evaluated: Evaluated, region: str, actor: Actor, there: AccountLevels, action: str, resource: str
) -> Answer:
    keys = following(actor.principal, actor.account, there, action=action, resource=resource, region=region)
    context = Context({**_sent_by_people(evaluated.today), **_DIRECT}).filled(actor.keys).filled(keys)
    if actor.account.id == there.id:
        context = context.filled(never_sent((*actor.account.service_control, *there.resource_control), action))
    request = Request(actor.principal, action, resource, there.id, context)
    return _decided(request, Policies(actor.account, there, actor.identity, actor.boundary, _OPEN), actor.keys)


def _way(what: str, accounts: tuple[str, ...], there: AccountLevels, by: str, *needed: Answer) -> UndoingWay:
    """Returns the way that needs all of some answers."""
    worst = max(needed, key=lambda answer: _ORDER.index(answer.outcome))
    denials = [
        (answer.request.action, step)
        for answer in needed
        for step in answer.steps
        if step.outcome is Outcome.DENIED and step.statement is not None
    ]
    open_ = needed if worst.outcome is Outcome.DEPENDS else ()
    doubts = tuple(doubt for answer in open_ for doubt in _doubts(answer, there))
    return UndoingWay(what, accounts, by, worst.outcome, worst.request.action, worst.decided, tuple(denials), doubts)


def _doubts(answer: Answer, there: AccountLevels) -> Iterator[Doubt]:
    """Yields the statements of guardrails that may deny it; not those that leave something else to be asked for.

    Tags of a resource are not asked for: a statement that denies all without a tag may deny what needs the repair.
    """
    request, action = answer.request, answer.request.action
    untagged = replace(request, context=request.context.filled(_UNTAGGED))
    taken = (key for known in reference().actions(action) for key in known.keys)
    chosen = {RESOURCE, *(() if request.principal == _STRANGER else map(_family, taken))}
    open_ = {step.level for step in answer.steps if step.outcome is Outcome.DEPENDS}
    for layer in (*there.service_control, *there.resource_control):
        for statement in layer.about(request.name) if layer.name in open_ else ():
            truth = statement.applies(request)
            if statement.allows or isinstance(truth, bool):
                continue
            if not chosen & {_family(key) for key in truth} or statement.applies(untagged) is True:
                yield Doubt(action, statement, truth)


_UNTAGGED: Mapping[str, Value] = dict.fromkeys(
    ("aws:ResourceTag/*", "iam:ResourceTag/*", "s3:BucketTag/*", "secretsmanager:ResourceTag/*"), ABSENT
)


def _family(key: str) -> str:
    return key.lower().partition("/")[0]


# What people can be expected to send


def _decided(request: Request, policies: Policies, session: Mapping[str, Value | Missing]) -> Answer:
    """Returns the answer; denied too where it is to everybody who is known, by every usual client from everywhere.

    Nobody is known to have given a role a tag, where its session says nothing of tags. AWS gives the access role none,
    so that it is entered as one without tags.
    """
    answer = settled(request, policies)
    if answer.outcome is not Outcome.DEPENDS:
        return answer
    known: dict[str, Value | Missing] = {"aws:PrincipalTag/*": ABSENT, **session}
    if request.principal.kind is PrincipalKind.ROLE:
        known["aws:userid"] = f"{OF_ROLE}:{unknown.ANYTHING}"
    if request.resource.endswith(f":role/{ACCESS_ROLE}"):
        known |= _UNTAGGED
    context = request.context.filled(known)
    denied = answer
    for keys in usual(answer, policies):
        denied = settled(replace(request, context=context.filled(keys)), policies)
        if denied.outcome is not Outcome.DENIED:
            return answer
    return denied
