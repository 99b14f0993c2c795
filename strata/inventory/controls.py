"""Controls of security.yaml that are things of their own: the trail, analyzers, the budget and alternate contacts.

AWS is asked only about what the state has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from strata.aws.questions import ResourceQuestion
from strata.aws.session import DENIED, Aws, AwsError
from strata.config.models import Project
from strata.kinds import KINDS
from strata.kinds.arguments import Attributes

Held = Mapping[str, Mapping[str, Attributes]]
"""Type to name to attributes."""
Controls = Mapping[str, Mapping[str, Any]]
"""What AWS has, by address in the state; what it does not have is missing."""

KEYS: Mapping[str, str] = {kind.type: kind.control for kind in KINDS if kind.control and kind.is_control}
"""The key of security.yaml, by type."""


def read_controls(aws: Aws, project: Project, held: Held, accounts: Collection[str]) -> tuple[Controls, dict[str, str]]:
    """Returns what AWS has of what the state has, and why some of it may not be read, by key of security.yaml.

    Args:
        aws: the management account.
        project: its id and regions.
        held: what the state has.
        accounts: the ids of the active accounts; the contacts of others count as they are in the state.

    Raises:
        AwsError: AWS rejects a call for another reason.
    """
    controls, unread = dict[str, Mapping[str, Any]](), dict[str, str]()
    for kind, asked in ((kind, kind.asked) for kind in KINDS if kind.asked and kind.is_control):
        try:
            for name, attributes in held.get(kind.type, {}).items():
                if (values := asked(ResourceQuestion(aws, project, attributes, accounts))) is not None:
                    controls[f"{kind.type}.{name}"] = values
        except AwsError as error:
            if error.code not in DENIED:
                raise
            unread[kind.control] = str(error)
    return controls, unread
