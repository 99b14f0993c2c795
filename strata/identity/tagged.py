"""Access that an edit of an account's tags takes or gives, by rules that name tags: the plan shows no reason for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from strata.config import ORGANIZATION, SSO
from strata.config.models import Assignment
from strata.errors import Message
from strata.identity.things import Holdings
from strata.landing_zone import LandingZone
from strata.landing_zone.selection import matching
from strata.text import listed


def told_by_tag(landing_zone: LandingZone, declared: Holdings, recorded: Holdings) -> Iterator[Message]:
    """Yields what accounts lose and get since their tags are other ones than the state has; nothing of new accounts."""
    had, has = recorded.assignments, declared.assignments
    changes: dict[tuple[str, int, bool], list[str]] = defaultdict(list)
    for assignment in sorted(had ^ has):
        was = recorded.tags.get(assignment.account)
        if was is None or assignment.account not in landing_zone.members:
            continue
        for index, rule in enumerate(landing_zone.sso.assignments):
            before, now = _reaches(rule, was), _reaches(rule, landing_zone.accounts[assignment.account].tags)
            principals = rule.groups if assignment.principal_type == "group" else rule.users
            given = assignment.permission_set in rule.permission_sets and assignment.principal in principals
            if given and before != now and now == (assignment in has):
                changes[assignment.account, index, now].append(str(assignment))
    for (account, index, gives), texts in changes.items():
        tags = " and ".join(f"{tag}={value}" for tag, value in landing_zone.sso.assignments[index].tags.items())
        source = landing_zone.source(SSO, ("assignments", index))
        verb, match = ("gets", "match now") if gives else ("loses", "no longer match")
        text = f"{verb} {listed(texts)}, which {source} gives by tag {tags}: the account's tags {match}"
        case = "tags-give-access" if gives else "tags-take-access"
        problem = Message(case, text, account=account, grants=texts, rule=str(source))
        remedy = "leave it out there, under except" if gives else "name the account there, or give it the tag again"
        yield landing_zone.fault(ORGANIZATION, landing_zone.accounts[account].location, problem, remedy).message


def _reaches(rule: Assignment, tags: Mapping[str, str]) -> bool:
    return bool(rule.tags) and all(tag in tags and matching(value, [tags[tag]]) for tag, value in rule.tags.items())
