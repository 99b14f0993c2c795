"""The policies of two configurations, compared by effect: guardrails for everybody, permission sets for who has them.

SCPs and RCPs are compared for whoever there may be. A permission set is compared for its role, below the SCPs of the
accounts in which somebody has it: what they deny anyway is no access that it gives.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from strata.config import ORGANIZATION, SSO
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PARTITION, PolicyType
from strata.config.source import Location
from strata.diff.boxes import PossibleRequests
from strata.diff.effects import ALLOWS_LESS, PRINCIPAL, Comparison, Effect, FoundDifferences, Identity, told
from strata.diff.statements import allowed_more, denied_less
from strata.evaluation.landing_zone import may_send_tags
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import Held, InlinePolicy, ManagedPolicy, PermissionSet, UnknownPolicies
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import THE_ROOT, Target
from strata.policy.documents import Document, DocumentError, parse
from strata.policy.keys import PRESENT
from strata.policy.patterns import PatternKind, is_arn, pattern
from strata.policy.reference import managed_documents
from strata.policy.requests import ABSENT, PrincipalKind, RequestPrincipal
from strata.policy.values import Choice
from strata.report.policies import in_words
from strata.text import accounts_in_words, listed

MOST_PEOPLE = 4
"""People that are named; more are counted."""

NOT_SHOWN = "no difference was found, and the texts do not show that there is none"

_ANYWHERE = "000000000000"
"""An account that stands for any."""

_SUFFIX = "0123456789abcdef"
"""What Identity Center puts behind the name of a role, for any."""

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_OF_PEOPLE = ("aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths")
_PRINCIPALS = ("arn:*:iam::*:role/*", "arn:*:iam::*:user/*", "arn:*:iam::*:root")


class Guardrails:
    """The SCPs or RCPs of two configurations."""

    def __init__(self, before: LandingZone, after: LandingZone, kind: PolicyType) -> None:
        self._zones = {"before": before, "after": after}
        self._kind = kind
        self._documents: dict[tuple[str, str], Document | None] = {}

    def less(self, policy: Policy, now: Sequence[Policy]) -> list[Effect]:
        """Returns what a policy denied, and those of now do not; and what it now allows."""
        missing = self._missing("before", policy, "after", now, "no longer denies")
        if missing is None or not (missing.effects or missing.complete):
            as_text = denied_less([policy.document.content], [other.document.content for other in now])
            shown = f"; {NOT_SHOWN}" if missing else ""
            return [Effect(f"changes: {listed(as_text)}{shown}")] if as_text else self._allowed(policy, now)
        return [*missing.effects, *self._allowed(policy, now)]

    def more(self, policy: Policy, earlier: Sequence[Policy]) -> list[Effect]:
        """Returns what a policy denies, and those of before did not."""
        missing = self._missing("after", policy, "before", earlier, "now denies")
        if missing is None or not (missing.effects or missing.complete):
            return [Effect("changes, and may deny more")]
        return list(missing.effects)

    def words(self, actions: int, alike: Sequence[Effect]) -> str:
        """Returns differences as text that are alike but for their actions."""
        return self._comparison.words(actions, alike) if actions else alike[0].verb

    def _missing(
        self, zone: str, policy: Policy, other_zone: str, others: Sequence[Policy], verb: str
    ) -> FoundDifferences | None:
        """Returns what a policy denies and others do not; None where a version of it is not known to the evaluator."""
        old = self._document(zone, policy)
        own = [self._document(other_zone, other) for other in others if other.key == policy.key]
        if old is None or None in own:
            return None
        # One that is not known counts as if it denied nothing.
        besides = [self._document(other_zone, other) for other in others if other.key != policy.key]
        before, after, always = (self._comparison.parts(filter(None, some)) for some in ([old], own, besides))
        return self._comparison.denied_less(before, after, always, verb)

    def _allowed(self, policy: Policy, now: Sequence[Policy]) -> list[Effect]:
        """Returns what a policy allows more, which decides only where somebody took FullAWSAccess off."""
        old = self._document("before", policy)
        new = [self._document("after", other) for other in now if other.key == policy.key]
        before, after = (
            [part for part in self._comparison.parts(filter(None, some)) if part.statement.allows]
            for some in ([old], new)
        )
        verb = "where FullAWSAccess is not attached now allows"
        verbs = (verb, "no longer denies")
        allowed = self._comparison.allowed_more(Identity(before, []), Identity(after, []), verbs=verbs)
        if allowed.effects or allowed.complete:
            return list(allowed.effects)
        return [Effect(f"may allow more where FullAWSAccess is not attached: {NOT_SHOWN}")]

    def _document(self, zone: str, policy: Policy) -> Document | None:
        """Returns a document, None if it has what the evaluator does not know."""
        if (zone, policy.key) not in self._documents:
            try:
                self._documents[zone, policy.key] = document_of(self._zones[zone], policy)
            except DocumentError:
                self._documents[zone, policy.key] = None
        return self._documents[zone, policy.key]

    @cached_property
    def _comparison(self) -> Comparison:
        documents = [
            document
            for zone, landing_zone in self._zones.items()
            for policy in landing_zone.policies.values()
            if policy.type is self._kind and (document := self._document(zone, policy))
        ]
        people = self._kind is PolicyType.SERVICE_CONTROL
        known = [*_people(self._zones["before"]), *_people(self._zones["after"])]
        present = PRESENT.union(_OF_PEOPLE) if people else PRESENT
        given = PossibleRequests(
            known={PRINCIPAL: list(dict.fromkeys(known))},
            present=present,
            possible=_possible,
            shapes={PRINCIPAL: _PRINCIPALS},
        )
        comparison = Comparison(documents, given)
        if not people:
            comparison.bind(aws_limits().resource_control_prefixes)
        return comparison


def _possible(key: str, value: str) -> bool:
    """Returns whether a principal can have an ARN; none of service-linked roles, which neither SCPs nor RCPs bind."""
    if key != PRINCIPAL:
        return True
    if value.endswith("/"):
        return False
    try:
        return is_arn(value) and RequestPrincipal(value).kind is not PrincipalKind.SERVICE_LINKED_ROLE
    except ValueError:
        return True


def _people(landing_zone: LandingZone) -> Iterator[Choice]:
    """Yields who there is: the root user, the access role, the permission sets that somebody has."""
    yield Choice(f"arn:{PARTITION}:iam::{_ANYWHERE}:root", "the root user", occurs=True)
    yield Choice(f"arn:{PARTITION}:iam::{_ANYWHERE}:role/{ACCESS_ROLE}", f"role {ACCESS_ROLE}", occurs=True)
    for key in sorted({grant.permission_set for grant in landing_zone.grants}):
        yield Choice(_role(landing_zone, key), f"permission set {key}", occurs=True)


def _role(landing_zone: LandingZone, key: str) -> str:
    region = landing_zone.project.identity_center_region
    path = "aws-reserved/sso.amazonaws.com/" + (f"{region}/" if region != "us-east-1" else "")
    name = f"AWSReservedSSO_{landing_zone.permission_sets[key].name}_{_SUFFIX}"
    return f"arn:{PARTITION}:iam::{_ANYWHERE}:role/{path}{name}"


# Documents


def document_of(landing_zone: LandingZone, policy: Policy) -> Document:
    """Returns the document of an organization policy, its statements with their lines.

    Raises:
        DocumentError: it has what the evaluator does not know.
    """
    if policy.file:
        return _file(landing_zone, policy.file, policy.document.text)
    return _made(landing_zone, policy.document.text, ORGANIZATION, policy.location)


def _made(landing_zone: LandingZone, text: str, file: str, location: Location) -> Document:
    """Returns a document that is in no file of its own, each statement at the line that has it."""
    source = landing_zone.source(file, location)
    return parse(text, source.file, line=lambda _: source.line)


def _file(landing_zone: LandingZone, file: str, text: str) -> Document:
    source = landing_zone.source_file(file)
    return parse(text or '{"Statement": []}', file, line=source.line)


# Permission sets


class PermissionSets:
    """The permission sets of two configurations, as far as somebody has them."""

    def __init__(self, before: LandingZone, after: LandingZone) -> None:
        self._before, self._after = before, after
        self._guardrails: dict[str, Document] = {}
        self._comparisons: dict[str, tuple[Comparison, Identity, Identity]] = {}

    def more(self, key: str) -> list[str]:
        """Returns what a permission set allows that it did not, as text."""
        old, new = self._before.permission_sets[key], self._after.permission_sets[key]
        try:
            return self._more(key, old, new)
        except DocumentError:
            return [f"changes: {text}" for text in self._as_text(old, new)]

    def less(self, key: str) -> list[str]:
        """Returns what a permission set allowed, and no longer does, as text."""
        old, new = self._before.permission_sets[key], self._after.permission_sets[key]
        try:
            comparison, before, after = self._compared(key, old, new)
        except DocumentError:
            return []
        lost = comparison.allowed_more(after, before, verbs=ALLOWS_LESS)
        return list(told([(effect, THE_ROOT) for effect in lost.effects], comparison.words))

    def _compared(self, key: str, old: PermissionSet, new: PermissionSet) -> tuple[Comparison, Identity, Identity]:
        if key not in self._comparisons:
            known = [_known(zone, permission_set) for zone, permission_set in ((self._before, old), (self._after, new))]
            controls = [document for documents, _ in self._limits(key) for document in documents]
            comparison = Comparison([*known[0].documents, *known[1].documents, *controls], self._given(key))
            self._comparisons[key] = comparison, known[0].parts(comparison), known[1].parts(comparison)
        return self._comparisons[key]

    def _more(self, key: str, old: PermissionSet, new: PermissionSet) -> list[str]:
        comparison, before, after = self._compared(key, old, new)
        both = before.within is not None and after.within is not None
        boundary = comparison.allowed_more(before.limit, after.limit) if both else FoundDifferences()
        gained = comparison.allowed_more(before, after)
        if gained.complete and not gained.effects and boundary.complete and not boundary.effects:
            return []
        where: list[tuple[Effect, Target]] = []
        for documents, accounts in self._limits(key):
            limits = comparison.parts(documents)
            below = comparison.allowed_more(before, after, limits, among=gained.actions) if limits else gained
            effects = list(below.effects)
            if not effects and not (below.complete and boundary.complete):
                effects = [Effect(f"{text}: {NOT_SHOWN}") for text in self._as_text(old, new)]
            if not effects and boundary.effects:
                effects = [effect._replace(verb="has a boundary that now allows") for effect in boundary.effects]
            where += [(effect, Target("account", account)) for effect in effects for account in accounts]
        return [
            f"{text} in {self._places(targets)} for {self._people(key, targets)}"
            for text, targets in told(where, comparison.words).items()
        ]

    def _places(self, targets: Collection[Target]) -> str:
        """Returns accounts as text, whole units together."""
        left = {target.key for target in targets}
        if every := accounts_in_words(left, self._after.accounts):
            return every
        units: list[Target] = []
        for unit in self._after.units:
            below = self._after.selector.in_unit(unit)
            if len(below) > 1 and below <= left:
                units.append(Target("unit", unit))
                left -= below
        return in_words([*units, *(Target("account", key) for key in sorted(left))])

    def _people(self, key: str, targets: Collection[Target]) -> str:
        """Returns the holders of a permission set in some accounts, as text."""
        places, groups = {target.key for target in targets}, self._after.groups
        people: set[str] = set()
        for grant in self._after.grants:
            if grant.permission_set == key and grant.account in places:
                group = groups[grant.principal] if grant.principal_type == "GROUP" else None
                people.update(group.members if group else [grant.principal])
                people.update([f"members of {grant.principal}"] if group and not group.is_known else [])
        return listed(sorted(people), MOST_PEOPLE) or "nobody yet"

    def _limits(self, key: str) -> list[tuple[list[Document], list[str]]]:
        """Returns the accounts in which somebody has a permission set, those below the same SCPs together."""
        alike: defaultdict[frozenset[str], list[str]] = defaultdict(list)
        known: dict[str, Document] = {}
        for account in sorted({grant.account for grant in self._after.grants if grant.permission_set == key}):
            effective = self._after.effective_policies[Target("account", account)]
            binding = [
                policy.policy
                for policy in effective
                if policy.binds and policy.policy.type is PolicyType.SERVICE_CONTROL
            ]
            known |= {
                policy.document.text: self._guardrail(policy) for policy in binding if policy.document.text not in known
            }
            alike[frozenset(policy.document.text for policy in binding)].append(account)
        return [([known[text] for text in sorted(texts)], accounts) for texts, accounts in alike.items()]

    def _guardrail(self, policy: Policy) -> Document:
        """Returns the document of an SCP; as if it denied nothing, if it has what the evaluator does not know."""
        if policy.key not in self._guardrails:
            try:
                self._guardrails[policy.key] = document_of(self._after, policy)
            except DocumentError:
                self._guardrails[policy.key] = Document(policy.key, ())
        return self._guardrails[policy.key]

    def _given(self, key: str) -> PossibleRequests:
        """Returns what the sessions of a permission set have: no tags where nobody can send any."""
        absent = Choice(ABSENT, "none")
        fixed = {
            "aws:principaltype": (Choice("AssumedRole", "AssumedRole"),),
            "aws:principalisawsservice": (Choice("false", "false"),),
            **dict.fromkeys(("aws:principalservicename", "aws:username", "aws:assumedroot"), (absent,)),
            **({} if may_send_tags(self._after) else {"aws:principaltag/*": (absent,)}),
        }
        role = _role(self._after, key)
        shape = role.replace(_ANYWHERE, "*").replace(_SUFFIX, "?" * len(_SUFFIX))
        return PossibleRequests(
            known={PRINCIPAL: [Choice(role, "its role")]},
            fixed=fixed,
            present=PRESENT.union(_OF_PEOPLE),
            possible=lambda name, value: name != PRINCIPAL or pattern(shape, PatternKind.ARN).match(value) is True,
            shapes={PRINCIPAL: [shape]},
        )

    def _as_text(self, old: PermissionSet, new: PermissionSet) -> list[str]:
        """Compares the texts: what the evaluator cannot tell."""
        was, now = ([*_contents(permission_set)] for permission_set in (old, new))
        return [*allowed_more(was, now), *denied_less(was, now)]


def is_known(policy: ManagedPolicy | None) -> bool:
    """Returns whether the document of a policy is known: of one of your own it is not."""
    return policy is None or (bool(policy.aws) and managed_documents().get(policy.aws) is not None)


class _KnownDocuments(NamedTuple):
    """The documents of a permission set and of its boundary, as far as they are known."""

    policies: list[Document]
    boundary: Document | None

    @property
    def documents(self) -> list[Document]:
        return [*self.policies, *([self.boundary] if self.boundary else [])]

    def parts(self, comparison: Comparison) -> Identity:
        own, limit = comparison.parts(self.policies), comparison.parts([self.boundary] if self.boundary else [])
        denies, denies_too = ([part for part in some if not part.statement.allows] for some in (own, limit))
        within = [part for part in limit if part.statement.allows] if self.boundary else None
        return Identity([part for part in own if part.statement.allows], [*denies, *denies_too], within, denies_too)


def _known(landing_zone: LandingZone, permission_set: PermissionSet) -> _KnownDocuments:
    documents = (_known_document(landing_zone, permission_set, policy) for policy in permission_set.policies)
    boundary = (
        _known_document(landing_zone, permission_set, permission_set.boundary) if permission_set.boundary else None
    )
    return _KnownDocuments([document for document in documents if document], boundary)


def _known_document(landing_zone: LandingZone, permission_set: PermissionSet, policy: Held) -> Document | None:
    if isinstance(policy, ManagedPolicy):
        content = managed_documents().get(policy.aws)
        return parse(json.dumps(content), str(policy)) if content else None
    if isinstance(policy, UnknownPolicies):
        return None
    if policy.file:
        return _file(landing_zone, policy.file, policy.document.text)
    return _made(landing_zone, policy.document.text, SSO, permission_set.location)


def _contents(permission_set: PermissionSet) -> Iterator[Any]:
    for policy in permission_set.policies:
        if isinstance(policy, InlinePolicy):
            yield policy.document.content
        elif isinstance(policy, ManagedPolicy) and (content := managed_documents().get(policy.aws)):
            yield content
