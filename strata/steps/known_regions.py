"""Which opt-in regions accounts may use by now: AWS is asked where it is not known, as it answers four times a second.

What a deploy has seen enabled is kept beside the states: only somebody at AWS disables a region.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from strata.aws import kept
from strata.aws.session import Aws, AwsError
from strata.config.models import Project
from strata.steps import regions
from strata.steps.regions import AccountRegions, RegionSurvey

KEY = "management/regions.json"


@dataclass(frozen=True)
class KnownRegions:
    """The opt-in regions of accounts, by key.

    Attributes:
        ids: the accounts that there are.
        wanted: the regions that the configuration names.
        before: those that were enabled when a deploy looked.
        survey: what AWS says now of the accounts that have others, or of all.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before: Mapping[str, list[str]] = field(default_factory=dict)
    survey: RegionSurvey = field(default_factory=lambda: RegionSurvey((), {}))

    @classmethod
    def of(
        cls, aws: Aws, project: Project, ids: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]], *, always: bool
    ) -> KnownRegions:
        """Returns what is known, and what AWS says where that is not enough.

        Args:
            aws: the management account.
            project: says where the states are.
            ids: the accounts that there are, by key.
            wanted: the regions that the configuration names, by account.
            always: whether AWS is asked about all accounts.

        Raises:
            AwsError: the credentials cannot be used.
        """
        before = _read(aws, project) if wanted else {}
        asked = {
            key: ids[key]
            for key, names in wanted.items()
            if key in ids and (always or not {*names} <= {*before.get(ids[key], ())})
        }
        survey = regions.survey(aws, asked, wanted) if asked else RegionSurvey((), {})
        return cls(ids, wanted, before, survey)

    @cached_property
    def answers(self) -> Mapping[str, AccountRegions]:
        """Returns what AWS said, by account."""
        return {account.key: account for account in self.survey.accounts}

    @cached_property
    def closed(self) -> dict[str, tuple[str, ...]]:
        """Returns the regions by account that cannot be used yet, none that a deploy has used before."""
        found = {}
        for key, names in self.wanted.items():
            answer = self.answers.get(key)
            open_ = {*self.before.get(self.ids.get(key, ""), ()), *(answer.wanted_of("enabled") if answer else ())}
            if closed := tuple(sorted({*names} - open_)):
                found[key] = closed
        return found

    def keep(self, aws: Aws, project: Project) -> None:
        """Writes down what is enabled now.

        Raises:
            AwsError: the bucket refuses it.
        """
        seen = {
            its.id: sorted({*its.wanted_of("enabled"), *self.before.get(its.id, ())}) for its in self.survey.accounts
        }
        now = {**self.before, **{id: names for id, names in seen.items() if names}}
        if now != self.before:
            kept.write(aws, project, KEY, json.dumps({"format": kept.FORMAT, "enabled": now}, sort_keys=True).encode())


def _read(aws: Aws, project: Project) -> dict[str, list[str]]:
    try:
        found = kept.read(aws, project, KEY)
        enabled = kept.parsed(found.body)["enabled"] if found else {}
        return {str(id): [*map(str, names)] for id, names in enabled.items()}
    except (AwsError, ValueError, KeyError, AttributeError, TypeError):  # then AWS is asked
        return {}
