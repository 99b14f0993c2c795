"""A file of calls to AWS and its answers that somebody else may have: no name of anybody's is in it, and no secret.

The first line says what the file is, each other one is a call: who made it, of which service, in which region and
account, with which parameters, and the answer.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from strata.aws import provider_log
from strata.aws.pseudonyms import Pseudonyms, secrets_in
from strata.aws.witness import SeenCall, seeing
from strata.errors import Message, StrataError

FORMAT = 1
BOTO, PROVIDER = "boto3", "provider"
VARIABLE = "STRATA_RECORD"
_LOG = {"TF_LOG_PROVIDER": "DEBUG"}


@contextmanager
def recorded(path: Path) -> Iterator[None]:
    """Writes the calls that are made meanwhile, also where it ends by an error; Terraform logs those of the provider.

    Raises:
        StrataError: the file exists, or cannot be written.
    """
    if os.path.lexists(path):
        text = f"{path} exists, and a recording is added to nothing; name another file, or remove it"
        raise StrataError(Message("file-exists", text, place=str(path)))
    if not os.access(path.parent, os.W_OK):  # a deploy of an hour is not to end with that
        raise _unwritable(path, "its folder is not there, or nobody may write to it")
    made, lock = list[tuple[dt.datetime, SeenCall | provider_log.LoggedCall]](), threading.Lock()

    def saw(call: SeenCall) -> None:
        with lock:
            made.append((dt.datetime.now(dt.UTC), call))

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "provider.log"
        before = {name: os.environ.get(name) for name in (*_LOG, "TF_LOG_PATH")}
        os.environ.update(_LOG | {"TF_LOG_PATH": str(log)})
        try:
            with seeing(saw):
                yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            logged = list(provider_log.read(log)) if log.exists() else []
            write(path, [*made, *logged])


def write(path: Path, made: Iterable[tuple[dt.datetime, SeenCall | provider_log.LoggedCall]]) -> None:
    """Writes calls in their order in time.

    Raises:
        StrataError: a value still looks like a secret, or the file cannot be written.
    """
    pseudonyms = Pseudonyms()
    calls = [_call(pseudonyms, call) for _, call in sorted(made, key=lambda pair: pair[0])]
    head = {"format": FORMAT, "calls of": sorted({str(call["by"]) for call in calls})}
    _check(path, calls)
    text = "".join(f"{json.dumps(each, separators=(',', ':'))}\n" for each in (head, *calls))
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def _unwritable(path: Path, why: str | None) -> StrataError:
    return StrataError(Message("file-unwritable", f"cannot write {path}: {why}; name another file", place=str(path)))


def read(path: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """Returns what a recording says of itself, and its calls.

    Raises:
        StrataError: it is none, of a newer format, or has what looks like a secret.
    """
    try:
        head, *calls = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
        format = int(head["format"])
    except (KeyError, OSError, TypeError, ValueError) as error:
        text = f"{path} is no recording of Strata: {error}"
        raise StrataError(Message("no-recording", text, place=str(path))) from error
    if format > FORMAT:
        text = f"{path} has format {format}, this version of Strata reads {FORMAT}; use the version that made it"
        raise StrataError(Message("recording-newer", text, place=str(path), format=format, expected=FORMAT))
    _check(path, calls)
    return head, calls


def _check(path: Path, calls: list[Any]) -> None:
    if found := next(secrets_in(calls, "calls"), ""):
        text = f"{path}: {found} looks like a secret; remove the recording, give it to nobody, and tell its maker"
        raise StrataError(Message("recording-has-secret", text, place=str(path), path=found))


def _call(pseudonyms: Pseudonyms, call: SeenCall | provider_log.LoggedCall) -> dict[str, Any]:
    model = call.model

    def shown(shape: Any, values: Mapping[str, Any] | None) -> Any:
        return None if values is None else pseudonyms.of(shape, dict(values)) if shape else {}

    return {
        "by": BOTO if isinstance(call, SeenCall) else PROVIDER,
        "service": model.service_model.service_name,
        "operation": str(model.name),
        "region": call.region,
        "account": pseudonyms.text(call.account),
        "parameters": shown(model.input_shape, call.parameters),
        "code": call.code,
        "answer": {} if call.code else shown(model.output_shape, call.answer),
    }
