"""The configuration that a rerun adds to, and the result: data alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from strata.adoption.describing import Description
from strata.adoption.record import Record
from strata.adoption.rendering import Since
from strata.config.moves import Kind
from strata.landing_zone import LandingZone

Texts = Mapping[str, str]


@dataclass(frozen=True)
class ExistingConfiguration:
    """The configuration as it is.

    Attributes:
        landing_zone: what it means.
        texts: its YAML files by name.
        kept: the texts of what earlier runs wrote beside it, the record among them.
        documents: its policy documents, relative to the folder.
        choose: returns the file that takes entries of a section, by the name of the single file and the section.
        load: returns what it means with some files replaced.
        found: returns the entries of accepted.yaml for what is an error and so at AWS, with some files replaced.
        record: what earlier runs described.
        imported: the ids that states have by address, which need no import.
        elsewhere: the ids that the states of your own layers have by address: nothing new for this configuration.
    """

    landing_zone: LandingZone
    texts: Texts
    kept: Texts
    documents: frozenset[str]
    choose: Callable[[str, str], str]
    load: Callable[[Texts], LandingZone]
    found: Callable[[Texts], list[dict[str, Any]]]
    record: Record
    imported: Mapping[str, str]
    elsewhere: Mapping[str, str]


@dataclass(frozen=True)
class MergedFiles:
    """The result: the files that change, what they mean, the new record, what AWS has, and the words for it."""

    files: Texts
    landing_zone: LandingZone
    record: Record
    description: Description
    since: Since


SECTIONS: Mapping[Kind, str] = {
    "account": "accounts",
    "policy": "policies",
    "user": "users",
    "group": "groups",
    "permission-set": "permission_sets",
}
"""The sections of the YAML; units have a tree of their own."""
