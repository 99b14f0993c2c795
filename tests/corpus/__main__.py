"""Compares what all commands answer about the corpus with what is recorded, and the JSON that is synthesized.

    python -m tests.corpus [NAME ...]            # prints what differs; exit code 1
    python -m tests.corpus --record [NAME ...]   # writes tests/corpus/expected anew; not in CI

Nothing here knows how a command comes to its answer: it is given a configuration, and asks `tests.organizations`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import gzip
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from typer.main import get_command

from strata.errors import Message, StrataError
from tests.corpus.organizations import DRIFTED, FOUND, MADE, ORGANIZATIONS
from tests.generated import write_configuration
from tests.synthesized import CHECKOUT, COMPANY, SHIPPED, synthesize

EXPECTED = Path(__file__).parent / "expected"
DAY = "2026-11-01"
QUESTIONS = ("s3:GetObject", "iam:CreateUser", "ec2:RunInstances", "organizations:LeaveOrganization", "sts:AssumeRole")
SYNTHESIZED: Mapping[str, Path] = {
    "template": SHIPPED,
    "company": COMPANY,
    "every-option": CHECKOUT / "tests" / "every_option",
}


_COMMANDS = cache(get_command)


def commands(name: str) -> Iterator[tuple[str, ...]]:
    """Yields the commands that are asked about an organization.

    Of one that differs at AWS alone the others would say the same as of the one that it was.
    """
    where = ("--primary", "us-east-1", "--secondary", "us-west-2")
    adopted = "adopt", "--dry-run", "--json", "--to", "NEW", "--name", "acme", "--short-name", "ac", *where
    if name in FOUND:
        yield adopted
        return
    yield "report", "--live", "--format", "json"
    yield "drift", "--json", "--thorough"
    yield "adopt", "--dry-run", "--json", "--to", "CONFIG"
    yield "doctor", "--json"
    yield "plan", "--json"
    if name in DRIFTED:
        return
    yield "check", "--json", "--as-of", DAY
    yield "report", "--format", "json", "--as-of", DAY
    yaml = ORGANIZATIONS[name].yaml
    for kind, word in (
        ("user", "user"),
        ("account", "account"),
        ("group", "group"),
        ("permission set", "permission-set"),
    ):
        for key in sorted(yaml.of(kind))[:1]:
            yield "explain", *(("--permission-set", key) if word == "permission-set" else (key,)), "--json"
            yield "rename", word, key, f"{key}-renamed", "--dry-run"
    if name in MADE:
        yield adopted
        for action in QUESTIONS:
            yield "can", action, "--in", "management", "--json"


NOTHING_REFUSED = StrataError(Message("nothing-refused", "what comes after is Terraform's"))
"""Where a plan ends that nothing refuses."""


def asked(name: str) -> dict[str, Any]:
    """Returns what the commands answer, each as exit code and what it printed."""
    there = ORGANIZATIONS[name]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, mock.patch("strata.terraform.workspace.Workspace.synth") as synth:
        synth.side_effect = NOTHING_REFUSED
        config = there.write(Path(folder) / "config")
        folders = {"CONFIG": str(config), "NEW": f"{folder}/new"}
        for words in commands(name):
            result = there.run(*(folders.get(one, one) for one in words), folder=config)
            plain = [_plain(text, folder) for text in (result.stdout, result.stderr)]
            found[" ".join(words)] = {
                "exit": result.exit_code,
                "stdout": _parsed(plain[0]),
                "stderr": plain[1].splitlines(),
            }
    return found


def _plain(text: str, folder: str) -> str:
    """Returns a text without what is otherwise in each run: the folder, the day, the sum over both."""
    text = text.replace(folder, "").replace(str(CHECKOUT), "CHECKOUT")
    text = text.replace(f'"as_of": "{dt.datetime.now(dt.UTC).date()}"', '"as_of": "TODAY"')  # of a reading from AWS
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?[\d.]*(Z|\+00:00| UTC)?", "TIME", text)
    return re.sub(r'("sha256": ")[0-9a-f]{64}', r"\1SHA256", text)


def _parsed(text: str) -> Any:
    """Returns what was printed, JSON as data; doctor's lines about this machine are the same on every one."""
    if not text.startswith("{"):
        return text.splitlines()
    found = json.loads(text)
    for line in found.get("findings", ()):
        if line["check"] in ("python", "node", "cdktf", "terraform"):
            line.update(level="", text="of this machine", remedy="")
    return found


def synthesized(name: str) -> dict[str, Any]:
    """Returns the Terraform of each stack of a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        config = SYNTHESIZED.get(name, Path(folder) / "config")
        if name not in SYNTHESIZED:
            write_configuration(config, accounts=1_000, assignments=4)
        (Path(folder) / "out").mkdir()
        return {stack: found.json for stack, found in synthesize(config, Path(folder) / "out").items()}


def names() -> list[str]:
    """Returns the names of all parts of the corpus."""
    return [*ORGANIZATIONS, *SYNTHESIZED, "generated"]


def answered(name: str) -> str:
    """Returns a part of the corpus as it is now."""
    data = asked(name) if name in ORGANIZATIONS else synthesized(name)
    return json.dumps(data, indent=1, sort_keys=name not in ORGANIZATIONS, ensure_ascii=False) + "\n"


def expected(name: str) -> str:
    """Returns a part of the corpus as it is recorded."""
    file = _file(name)
    if not file.exists():
        return ""
    return gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text(encoding="utf-8")


def record(name: str, text: str) -> None:
    """Writes a part of the corpus; the large one is packed."""
    file = _file(name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(text.encode(), mtime=0) if file.suffix == ".gz" else text.encode())


def _file(name: str) -> Path:
    return EXPECTED / f"{name}.json{'.gz' if name == 'generated' else ''}"


def main(argv: Sequence[str] | None = None) -> int:
    """Compares, or records."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}; else all")
    parser.add_argument("--record", action="store_true", help="write what is expected anew, in a commit of its own")
    given = parser.parse_args(argv)
    if unknown := sorted({*given.names} - {*names()}):
        parser.error(f"there is no {', '.join(unknown)}")
    if given.record and os.environ.get("CI"):
        parser.error("what is expected is not recorded in CI; record it where you commit")
    differing = 0
    for name in given.names or names():
        # As the tests do: typer would make all commands again for each that runs.
        with mock.patch("typer.testing._get_command", _COMMANDS):
            now = answered(name)
        was = expected(name)
        if given.record:
            record(name, now)
        elif now != was:
            differing += 1
            lines = difflib.unified_diff(was.splitlines(), now.splitlines(), f"{name} expected", name, lineterm="")
            sys.stdout.writelines(f"{line}\n" for line in lines)
    if not given.record:
        print(f"{differing} of {len(given.names or names())} differ", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
