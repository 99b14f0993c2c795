"""Rules on entries that could not be read for another fault, by what is written in them."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION, SSO
from strata.config.keys import references
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration, entry_of
from strata.config.models import MANAGEMENT, ROOT
from strata.config.moves import KINDS
from strata.config.source import dotted
from strata.errors import Fault
from strata.landing_zone.selection import is_wildcard
from strata.rules.moves import declared_keys, word
from strata.rules.organization import retired
from strata.rules.reporting import report_unknown


def unread(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """What they name exists, as everywhere else; what is of another kind may belong below a key that is missing."""
    if not any(partial.skipped[file] for file in (ORGANIZATION, SSO)):
        return
    declared = {kind: declared_keys(partial, kind) for kind in KINDS}
    every = frozenset[str]().union(*(keys or () for keys in declared.values()))
    for file in (ORGANIZATION, SSO):
        out, source_file = partial.skipped[file], partial.source_files[file]
        not_a_list = {fault.path for fault in source_file.faults if fault.problem.id == "wrong-type"}
        for at, kind, name in references(source_file.data) if out else ():
            if entry_of(at) not in out or (kind == "account" and is_wildcard(name)):
                continue
            if dotted(source_file.origin(at)[1][:-1]) in not_a_list:
                continue
            if name not in every:
                besides = {"account": MANAGEMENT, "ou": ROOT}.get(kind)
                yield from report_unknown(partial, file, at, name, declared[kind], word(kind), besides)
            yield from retired(partial, file, at, name) if kind == "account" else ()
