"""What the management policies of a type set together, from the root down: AWS merges them by their operators.

What a merge does not decide, as what two policies of one target assign to the same, counts as a value of its own.
https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
https://docs.aws.amazon.com/organizations/latest/userguide/inheritance-examples.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from strata.config.models import Ec2Defaults, PolicyType, Targets
from strata.landing_zone.policies import ec2_defaults_policy
from strata.report.words import in_place_of, in_words

Path = tuple[str, ...]
Value = frozenset[str] | str
"""The values of a list, in which the order does not count, or one; as JSON."""

CONTROL = "@@operators_allowed_for_child_policies"
ASSIGN, APPEND, REMOVE = "@@assign", "@@append", "@@remove"


class OperatorSetting(NamedTuple):
    """An operator of a document, where it stands and what it is given."""

    path: Path
    operator: str
    value: Any


@dataclass
class MergedPolicies:
    """What policies set together, and which operators they leave to those further down."""

    values: dict[Path, Value] = field(default_factory=dict)
    allowed: dict[Path, frozenset[str]] = field(default_factory=dict)
    sections: set[Path] = field(default_factory=lambda: {()})

    def add(self, documents: Iterable[Any]) -> None:
        """Merges what is attached to one target into what is attached above it."""
        every = (setting for document in documents for setting in settings_of(document))
        settings = []
        for setting in every:
            # `@@none` of a section closes its value, and sections new in it.
            section = setting.path
            while section not in self.sections:
                section = section[:-1]
            if self.allowed.get(section, _EVERY):
                settings.append(setting)
        changes: defaultdict[Path, list[OperatorSetting]] = defaultdict(list)
        for setting in settings:
            if setting.operator != CONTROL:
                changes[setting.path].append(setting)
        for path, applied in changes.items():
            value = _applied(self.values.get(path), applied)
            self.values.pop(path, None)
            if value:
                self.values[path] = value
        for setting in settings:
            self.sections.update(setting.path[:length] for length in range(len(setting.path) + 1))
            if setting.operator == CONTROL:
                named = set(map(str, setting.value if isinstance(setting.value, list) else [setting.value]))
                left = self.allowed.get(setting.path, _EVERY)
                self.allowed[setting.path] = left if "@@all" in named else left & named


_EVERY = frozenset({ASSIGN, APPEND, REMOVE})


def settings_of(document: Any, path: Path = ()) -> Iterator[OperatorSetting]:
    """Yields what a document sets, operator by operator; a value without one counts as assigned."""
    if not isinstance(document, dict):
        yield OperatorSetting(path, ASSIGN, document)
        return
    for key, value in document.items():
        if key.startswith("@@"):
            yield OperatorSetting(path, key, value)
        else:
            yield from settings_of(value, (*path, key))


def _applied(inherited: Value | None, settings: Sequence[OperatorSetting]) -> Value | None:
    given = {
        operator: {_value(setting.value) for setting in settings if setting.operator == operator} for operator in _EVERY
    }
    added, removed = (
        frozenset(text for value in given[operator] for text in ([value] if isinstance(value, str) else value))
        for operator in (APPEND, REMOVE)
    )
    start = next(iter(given[ASSIGN]), inherited)
    is_list = start is None or isinstance(start, frozenset)
    by_order = len(given[ASSIGN]) > 1 or (given[ASSIGN] and (added or removed)) or added & removed
    if by_order or ((added or removed) and not is_list) or any(setting.operator not in _EVERY for setting in settings):
        # AWS takes the policy that was attached first, and that is not known here.
        return f"{_UNKNOWN} {json.dumps([inherited, *sorted(map(repr, settings))], default=sorted)}"
    return start if isinstance(start, str) else (start or frozenset()) - removed | added


_UNKNOWN = "unknown"


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return frozenset(json.dumps(inner, sort_keys=True) for inner in value)
    return json.dumps(value, sort_keys=True)


# Compared


@dataclass(frozen=True)
class Looser:
    """A setting that is another one than before, and not known to be as strict."""

    path: Path
    text: str


def looser(kind: PolicyType, before: MergedPolicies, after: MergedPolicies) -> Iterator[Looser]:
    """Yields what is set otherwise than before, where nothing shows that it is stricter."""
    for path in sorted(before.values.keys() | after.values.keys()):
        was, now = before.values.get(path), after.values.get(path)
        stricter = now and (_is_strictest(kind, path, now) or (was is None and _adds(kind, path, now, before)))
        if was != now and not stricter and not (was is None and (path, now) in _ec2_defaults()):
            yield Looser(path, f"{'.'.join(path)} to {_words(now)}, {in_place_of(_words(was) if was else None)}")
    for path, left in sorted(before.allowed.items()):
        if more := after.allowed.get(path, _EVERY) - left:
            yield Looser(path, f"{'.'.join((*path, CONTROL))} to {in_words(more)}, {in_place_of(left)}")


def _words(value: Value | None) -> str:
    if isinstance(value, str) and value.startswith(_UNKNOWN):
        return "a value that is not known here"
    return in_words(_texts(value))


def _texts(value: Value | None) -> list[str]:
    texts = [value] if isinstance(value, str) else sorted(value or ())
    return [text.strip('"') for text in texts]


def _is_strictest(kind: PolicyType, path: Path, value: Value) -> bool:
    return any(_fits(pattern, path) and value == _value(text) for pattern, text in _STRICTEST.get(kind, {}).items())


def _adds(kind: PolicyType, path: Path, value: Value, before: MergedPolicies) -> bool:
    """Returns whether a section is new, as a whole, where a further one takes nothing away, and copies nothing out."""
    vaults = [text for text in (*path, *_texts(value)) if text.startswith("arn:")]
    stays = bool(vaults) and all(":$account:" in text for text in vaults)
    if _COPIES & {*path} and not stays:
        return False
    for pattern in _FURTHER.get(kind, ()):
        start = path[: len(pattern)]
        if _fits(pattern, start) and not any(
            _folded(known[: len(pattern)]) == _folded(start) for known in before.values
        ):
            return True
    return False


def _fits(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(part in ("*", text) for part, text in zip(pattern, path, strict=True))


def _folded(path: Path) -> Path:
    return tuple(part.casefold() for part in path)


@cache
def _ec2_defaults() -> frozenset[tuple[Path, Value]]:
    """Returns what `ec2_defaults` sets: safe where nothing was set, though some of it has a stricter value."""
    every = Ec2Defaults(disable_serial_console=True, targets=Targets(root=True))
    return frozenset((setting.path, _value(setting.value)) for setting in settings_of(ec2_defaults_policy(every)))


_EC2 = "ec2_attributes"
_GATEWAY = (_EC2, "vpc_block_public_access", "internet_gateway_block")

_STRICTEST: Mapping[PolicyType, Mapping[Path, str]] = {
    PolicyType.AISERVICES_OPT_OUT: {("services", "*", "opt_out_policy"): "optOut"},
    PolicyType.DECLARATIVE_EC2: {
        (_EC2, "instance_metadata_defaults", "http_tokens"): "required",
        (_EC2, "snapshot_block_public_access", "state"): "block_all_sharing",
        (_EC2, "image_block_public_access", "state"): "block_new_sharing",
        (_EC2, "serial_console_access", "status"): "disabled",
        (*_GATEWAY, "mode"): "block_bidirectional",
        (*_GATEWAY, "exclusions_allowed"): "disabled",
    },
}
"""The values that no other one is stricter than."""

_FURTHER: Mapping[PolicyType, Sequence[Path]] = {
    PolicyType.TAG: [("tags", "*"), *(("tags", "*", part) for part in ("tag_value", "enforced_for"))],
    PolicyType.BACKUP: [("plans", "*"), ("plans", "*", "rules", "*"), ("plans", "*", "selections", "*", "*")],
    PolicyType.DECLARATIVE_EC2: [(_EC2, "exception_message")],
}
"""The sections of which one more takes nothing away."""

_COPIES = frozenset({"copy_actions", "target_logically_air_gapped_backup_vault_arn"})
"""The parts of a backup rule that name a vault, which may be of another account."""
