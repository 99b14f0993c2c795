"""adopted.json: the keys and ids that earlier runs of `strata adopt` described, so that the next run knows what is new.

Nothing else reads it. Without it everything that the configuration does not have counts as new.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from strata.adoption.live_ids import TypedId
from strata.config.moves import KINDS
from strata.config.text import as_data
from strata.errors import Message, StrataError
from strata.sides.join import Keys

RECORD = "adopted.json"
FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What was described.

    Attributes:
        keys: kind to id to key, as it was when it was described.
        ids: what has no key of its own, by type: memberships, attachments, assignments, entries of lists.
    """

    keys: Keys = field(default_factory=dict)
    ids: frozenset[TypedId] = frozenset()

    @classmethod
    def read(cls, text: str, organization: str) -> Record:
        """Returns the record in a text, an empty record where there is no text.

        Raises:
            StrataError: it is damaged, or another organization's.
        """
        if not text:
            return cls()
        damaged = f"{RECORD} is damaged; restore it, or remove it: then all that the YAML lacks counts as new"
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                text = f"{RECORD} has format {data['format']!r}, and this Strata knows {FORMAT}"
                value = as_data(data["format"])
                raise StrataError(Message("unknown-format", text, place=RECORD, value=value, limit=FORMAT))
            if data["organization"] != organization:
                text = f"{RECORD} is of organization {data['organization']}, and this is {organization}"
                told = as_data(data["organization"])
                raise StrataError(Message("other-organization", text, place=RECORD, organization=told))
            keys = {kind: {str(id): str(key) for id, key in data["keys"].get(kind, {}).items()} for kind in KINDS}
            return cls(keys, frozenset((type, str(id)) for type, some in data["ids"].items() for id in some))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StrataError(Message("record-damaged", damaged, place=RECORD)) from error

    def written(self, organization: str) -> str:
        """Returns the text of the record, a line for each entry."""
        ids = defaultdict(list)
        for type, id in sorted(self.ids):
            ids[type].append(id)
        keys = {kind: dict(sorted(some.items())) for kind, some in sorted(self.keys.items()) if some}
        data = {"format": FORMAT, "organization": organization, "keys": keys, "ids": dict(ids)}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

    def with_more(self, keys: Keys, ids: Iterable[TypedId]) -> Record:
        """Returns the record with more described; an id has the key that it was given last."""
        merged: Keys = {kind: {**self.keys.get(kind, {}), **keys.get(kind, {})} for kind in KINDS}
        return Record(merged, self.ids | frozenset(ids))
