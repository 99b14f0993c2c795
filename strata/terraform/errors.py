"""What an operator does about the errors of Terraform, and which of them pass by themselves."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from strata.aws.session import emulator
from strata.errors import Message, StrataError
from strata.landing_zone.permissions import denied, denied_by, remedy
from strata.policy.keys import region_of
from strata.printing import line, word
from strata.terraform.events import Failure
from strata.terraform.workspace import Workspace

OURS = "account-is-ours"
"""The case of an account whose address is taken by itself."""


class TerraformError(StrataError):
    """Errors of Terraform in a stack.

    Attributes:
        failures: each as Terraform said it.
        advice: what to do, each once.
        told: each with the call, the account, the region and what to do; where another has the same remedy, its place.
    """

    def __init__(self, workspace: Workspace, stack: str, failures: Sequence[Failure]) -> None:
        super().__init__(*(_error(workspace, stack, failure) for failure in failures))
        self.failures = tuple(failures)
        self.advice = list(advice(workspace, stack, failures))
        self.told, first = list[str](), dict[str, str]()
        for error, failure in zip(self.args, failures, strict=True):
            way = "; ".join(advice(workspace, stack, [failure]))
            same = first.setdefault(way, error.place)
            what = f"do as for {same}" if same not in ("", error.place) else line(way, sys.maxsize)
            self.told.append(f"{line(error.removeprefix(f'{stack}: '))}{way and f'; {what}'}")
        self._stack = stack

    def lines(self) -> Iterator[str]:
        """Yields what is printed."""
        yield from (f"error: {self._stack}: {text}" for text in self.told)


EXISTS = r"Already(Exists|OwnedByYou)|already exists"
"""How AWS says that it has what is to be created."""


class Known(NamedTuple):
    """An error that people meet: a pattern of its text, and the message that it has."""

    pattern: str
    message: Message


def known_errors() -> Sequence[Known]:
    """Returns the errors that an operator does something about; the first whose pattern matches counts."""
    return _table()["advice"]


def settling_errors() -> Sequence[Known]:
    """Returns the errors that pass by themselves, with the reason."""
    return _table()["settling"]


@cache
def _table() -> Mapping[str, Sequence[Known]]:
    import yaml

    table = yaml.safe_load(Path(__file__).with_name("advice.yaml").read_text(encoding="utf-8"))
    return {
        name: [Known(entry["error"], Message(entry["id"], entry["text"])) for entry in entries]
        for name, entries in table.items()
    }


def _first(known: Sequence[Known], text: str) -> Message | None:
    return next((entry.message for entry in known if re.search(entry.pattern, text)), None)


_CALL = re.compile(r"operation error ([\w ]+): (\w+)")
_PREFIXES = {
    "Cost Explorer": "ce",
    "EventBridge": "events",
    "S3 Control": "s3",
    "SSO Admin": "sso",
}
"""The services that an SDK calls otherwise than policies do, where it says what was called."""
_OF_STATES = ("s3", "dynamodb")


def _called(text: str) -> tuple[str, str] | None:
    """Returns the service, as policies call it, and the operation that an error of the provider names."""
    match = _CALL.search(text)
    return (_PREFIXES.get(match[1], match[1].lower()), match[2]) if match else None


def _error(workspace: Workspace, stack: str, failure: Failure) -> Message:
    """Returns an error of a stack, with the account and the region that AWS was asked in."""
    where = ""
    if re.search(r"operation error|StatusCode|unexpected state|timeout while waiting", failure.text):
        service, document = (_called(failure.text) or ("", ""))[0], workspace.document(stack)
        type, _, name = failure.place.partition(".")
        provider, of_states = document["provider"]["aws"][0], document["terraform"]["backend"].get("s3")
        asked = of_states if of_states and not failure.place and service in _OF_STATES else provider
        own = document.get("resource", {}).get(type, {}).get(name.partition("[")[0], {}).get("region", "$")
        region = region_of(f"{service}:", "") or (asked["region"] if own.startswith("$") else own)
        account = asked["allowed_account_ids"][0]
        # In a member account the name of the stack has its key.
        where = f" ({region})" if account.startswith("$") else f" (account {account}, {region})"
    return Message(failure.id, f"{stack}: {failure.told}{where}", place=failure.place, stack=stack)


def advice(workspace: Workspace, stack: str, failures: Sequence[Failure]) -> Iterator[Message]:
    """Yields what to do about errors of a stack, each advice once."""
    yield from dict.fromkeys(way for failure in failures for way in _ways(workspace, stack, failure))


def _ways(workspace: Workspace, stack: str, failure: Failure) -> Iterator[Message]:
    if failure.remedy:
        yield failure.remedy
        return
    said = f"{failure.text} {failure.address or ''}"
    known = _first(known_errors(), said)
    ways = [*filter(None, [known and known.saying(known, stack=stack), _denied(said)])]
    yield from ways
    if re.search(_LOCKED, said) and ("Lock Info" in said or not ways):  # else AWS refused the lock, and nobody holds it
        who, lock = re.search(r"Who:\s+(\S+)", said), re.search(r"ID:\s+([0-9a-f-]{36})", said)
        yield from held(workspace, stack, lock[1] if lock else None, who=who[1] if who else "")


_DENIED = r"AccessDenied|AuthorizationError|UnauthorizedOperation|not authorized to perform|StatusCode: 403"


def _denied(said: str) -> Message | None:
    """Returns which policy is missing or in the way."""
    if not re.search(_DENIED, said):
        return None
    action = denied(said, ":".join(_called(said) or ()))
    if action is None:
        return None
    if by := denied_by(said):
        text = f"{action} is denied explicitly: change the {by}"
        return Message("denied-explicitly", text, action=action, by=by)
    if known := remedy(action):
        return Message("policy-not-attached", known, action=action)
    text = f"no policy of `strata permissions` allows {action}: see 'Permissions' in docs/deploy.md"
    return Message("action-in-no-policy", text, action=action)


_LOCKED = r"Error (acquiring|releasing) the state lock|state blob is already locked"


def held(workspace: Workspace, stack: str, lock: str | None, *, who: str, since: str = "") -> Iterator[Message]:
    """Yields what to do about a lock on a state: to wait, or to free it by its id."""
    by = f"{f' by {who}' if who else ''}{f' since {since}' if since else ''}"
    text = f"the state is locked{by}; wait if somebody deploys right now"
    yield Message("state-locked", text, stack=stack, lock=lock, who=who)
    if lock:
        binary, folder = workspace.environment["TERRAFORM_BINARY_NAME"], workspace.stack_folder(stack)
        command = f"{word(binary)} -chdir={word(folder)} force-unlock -force {lock}"
        text = f"if nobody does, a killed run left the lock; free it: {command}"
        yield Message("lock-of-killed-run", text, stack=stack, lock=lock)


# What passes by itself

PAUSES = (5, 15, 30, 60, 60, 60, 60, 60, 60)
"""The seconds to wait before each further try: nine tries, seven minutes in all.

Access Analyzer keeps a refusal for five minutes, as the AWS provider says (`organizationCreationTimeout` in
internal/service/accessanalyzer/analyzer.go).
"""


def settling(failure: Failure) -> Message | None:
    """Returns why an error passes by itself, None if it does not."""
    if failure.remedy and failure.remedy.id == OURS:
        return Message("account-in-the-making", "AWS makes the account already, for an earlier request")
    return _first(settling_errors(), failure.text)


def is_being_made(failure: Failure) -> bool:
    """Says whether AWS makes the account still that has the address: another request would find it taken again."""
    return bool(failure.remedy and failure.remedy.id == OURS and not failure.remedy.data["listed"])


def wait(seconds: float) -> None:
    """Waits; an interrupt ends it. An emulated AWS has no minutes: there another look is enough."""
    time.sleep(0 if emulator() else seconds)
