"""`strata price --live`: writes `usage` into detection.yaml, as AWS has counted what accounts use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from strata.adoption.inheriting import by_place, nested
from strata.aws.access_role import entered
from strata.aws.organization import list_accounts
from strata.aws.prerequisites import management_caller
from strata.aws.session import Aws, AwsError, connect
from strata.config import DETECTION
from strata.config.detection import Usage
from strata.config.entries import with_value
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER
from strata.config.models import MANAGEMENT
from strata.errors import Message, StrataError
from strata.files.config_edit import loaded, offer, texts
from strata.landing_zone import LandingZone
from strata.landing_zone.inherited import Path, places
from strata.live.usage import read_usage
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.price.charges import usage_by_account
from strata.printing import document, readers_may_leave
from strata.terminal import require_terminal
from strata.text import folded

Written = Mapping[str, Mapping[str, float]]
"""What is said of the use, by place and word."""


def run(options: Options, *, json: bool, yes: bool) -> int:
    """Reads, shows what changes in detection.yaml, asks, and writes it; with JSON it prints that and writes nothing."""
    before, zone = texts(options.config), load(options.config)
    if zone.detection is None:
        text = f"there is no {DETECTION}, which has usage; write who administers it, see docs/detection.md"
        raise StrataError(Message("detection-missing", text))
    if not (json or yes):
        require_terminal("the changes with --json")
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    ids = _ids(aws, zone)
    used, unread = read_usage(zone, ids, lambda key: _entered(aws, zone, ids, key), dt.datetime.now(tz=dt.UTC))
    written = folded_usage(zone, used)
    if json:
        with readers_may_leave():
            document(output("price", {"usage": written, "unread": list(unread)}))
        return 0
    for message in unread:
        options.note(message)
    text = with_usage(before[DETECTION], zone, written)
    if text == before[DETECTION]:
        options.note(f"nothing to do: usage in {DETECTION} is as AWS has it")
        return 0
    loaded(options.config, {**before, DETECTION: text}, options.config)
    return offer(options, before, {DETECTION: text}, DETECTION, dry_run=False, yes=yes)


# At AWS


def _ids(aws: Aws, zone: LandingZone) -> dict[str, str]:
    """Returns the ids of the accounts that are open, by key."""
    there = {folded(account.email): account.id for account in list_accounts(aws) if not account.shut}
    emails = {key: folded(account.email) for key, account in zone.members.items()}
    ids = {key: there[email] for key, email in emails.items() if email in there}
    return {MANAGEMENT: zone.project.management_account.id, **ids}


def _entered(aws: Aws, zone: LandingZone, ids: Mapping[str, str], key: str) -> Aws:
    """Returns AWS as an account has it, by the role with which drift reads there, else by the access role."""
    if key == MANAGEMENT:
        return aws
    if key not in ids:
        text = f"AWS lists no open account with the address of {key}"
        raise AwsError(Message("no-such-account", text, account=key), "NoSuchAccount")
    id, detection = ids[key], zone.detection
    name = DETECTION_LAYER if detection and key == detection.administrator else BASELINE_LAYER
    if layer := zone.layers.get(name):
        return entered(aws, id, layer.roles.reader)
    return entered(aws, id)


# In the file


def folded_usage(zone: LandingZone, used: Written) -> dict[str, dict[str, float]]:
    """Returns what the file is to say: what was read, and of all else what it says; alike at the highest place.

    Args:
        zone: has what the file says.
        used: what was read, by account and word.
    """
    before = usage_by_account(zone)
    values: dict[str, dict[Path, Any]] = {
        account: {
            **{path: given.value for path, given in its.items()},
            **{(word,): _rounded(amount) for word, amount in used.get(account, {}).items()},
        }
        for account, its in before.items()
        if account in zone.accounts
    }
    ways = {account: way for account, way in places(zone.organization).items() if account in values}
    return {place: nested(words) for place, words in by_place(values, ways).items()}


def _rounded(amount: float) -> float:
    """Returns four digits of an amount, and whole ones without a point: the bill needs no more."""
    rounded = round(float(f"{amount:.4g}"), 4)
    return int(rounded) if rounded == int(rounded) else rounded


def with_usage(text: str, zone: LandingZone, written: Written) -> str:
    """Returns the text of detection.yaml with other usage; all else in it stays, as do places of no account in use."""
    said = {place: its.said for place, its in zone.detection.usage.items()} if zone.detection else {}
    ways = places(zone.organization).items()
    in_use = {place for account, way in ways if account in zone.accounts for place in way}
    for place in dict.fromkeys([*said, *written]):
        if place in in_use:
            text = _with_place(text, place, said.get(place, {}), written.get(place))
    return text


def _with_place(text: str, place: str, said: Mapping[str, Any], new: Mapping[str, float] | None) -> str:
    at = ("usage", place)
    try:
        if new is None:
            return with_value(text, at, None, DETECTION)
        for word, value in _changes(said, new):
            text = with_value(text, (*at, word), value, DETECTION)
    except StrataError:  # of a mapping in a line words are not taken out one by one
        return with_value(text, at, dict(new or {}), DETECTION)
    return text


def _changes(said: Mapping[str, Any], new: Mapping[str, float]) -> Iterator[tuple[str, float | None]]:
    for word in Usage.model_fields:
        if word in new and (word not in said or said[word] != new[word]):
            yield word, new[word]
        elif word in said and word not in new:
            yield word, None
