"""Runs the `aws` lines of the documentation: as much of the AWS CLI as they need, read from botocore's models.

The AWS CLI is no dependency of ours. `aws <service> <operation> --parameter value` names an operation and its
parameters; what botocore does not know is refused, so a misspelt line fails here as it would there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OWN = ("region", "profile", "query", "output")
_SERVICES = {"s3api": "s3"}


class UnknownLineError(Exception):
    """The AWS CLI would not take this line."""


@dataclass(frozen=True)
class Line:
    """One command line, understood."""

    service: str
    operation: str
    parameters: dict[str, Any]
    own: dict[str, str]
    outfile: str | None

    def run(self) -> str:
        """Calls AWS and returns what the CLI would print."""
        import boto3
        import jmespath

        client = boto3.Session().client(self.service, region_name=self.own.get("region", "us-east-1"))
        answer = getattr(client, self.operation)(**self.parameters)
        answer.pop("ResponseMetadata", None)
        if self.outfile:
            Path(self.outfile).write_bytes(answer.pop("Body").read())
        found = jmespath.search(self.own["query"], answer) if "query" in self.own else answer
        if self.own.get("output") == "text":
            return "\n".join(_text(found))
        return json.dumps(found, indent=4, default=str) if found else ""


def commands(text: str) -> Iterator[list[str]]:
    """Yields the words of every `aws` and `strata` line of a text, as a shell takes it apart."""
    functions = (f"{name}() {{ printf '%s\\0' $(($# + 1)) {name} \"$@\"; }}\n" for name in ("aws", "strata"))
    script = "".join((*functions, text))
    said = iter(
        subprocess.run(["sh", "-eu", "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    )
    while number := next(said):
        yield [next(said) for _ in range(int(number))]


def parse(words: Sequence[str]) -> Line:
    """Reads a command line, without the leading `aws`.

    Raises:
        UnknownLineError: there is no such service, operation or parameter.
    """
    service = _SERVICES.get(words[0], words[0])
    model = _model(service)
    names = {_dashed(name): name for name in model.operation_names}
    if len(words) < 2 or words[1] not in names:
        raise UnknownLineError(f"aws {words[0]} has no operation {' '.join(words[1:2])}")
    shape = model.operation_model(names[words[1]]).input_shape
    members = {_dashed(name): (name, member) for name, member in (shape.members.items() if shape else ())}
    parameters: dict[str, Any] = {}
    own: dict[str, str] = {}
    positional, rest = [], list(words[2:])
    while rest:
        word = rest.pop(0)
        option, no = word.removeprefix("--"), word.removeprefix("--").removeprefix("no-")
        if not word.startswith("--"):
            positional.append(word)
        elif option in _OWN:
            own[option] = rest.pop(0)
        elif no in members and members[no][1].type_name == "boolean":
            parameters[members[no][0]] = no == option
        elif option in members:
            name, member = members[option]
            parameters[name] = _value(member, rest.pop(0))
        else:
            raise UnknownLineError(f"aws {words[0]} {words[1]} has no option {word}")
    missing = sorted(set(shape.required_members if shape else ()) - set(parameters))
    if missing:
        raise UnknownLineError(f"aws {words[0]} {words[1]} needs {', '.join(missing)}")
    from botocore import xform_name

    return Line(service, xform_name(names[words[1]]), parameters, own, positional[0] if positional else None)


def _model(service: str) -> Any:
    from botocore.exceptions import UnknownServiceError
    from botocore.session import get_session

    try:
        return get_session().get_service_model(service)
    except UnknownServiceError:
        raise UnknownLineError(f"aws has no service {service}") from None


def _dashed(name: str) -> str:
    from botocore import xform_name

    return str(xform_name(name, "-"))


def _value(shape: Any, text: str) -> Any:
    """Reads a value; the shorthand `Name=value,Name=value` of one with members as well as JSON."""
    kind = shape.type_name
    if kind in ("structure", "map") and text[:1] != "{":
        pairs = [pair.partition("=")[::2] for pair in text.split(",")]
        return {name: _value(shape.value if kind == "map" else shape.members[name], value) for name, value in pairs}
    if kind in ("structure", "map", "list"):
        return json.loads(text)
    if kind == "boolean":
        return text == "true"
    return int(text) if kind in ("integer", "long") else text


def _text(found: Any) -> Iterator[str]:
    for row in found if isinstance(found, list) else [found]:
        yield "\t".join(str(cell) for cell in (row if isinstance(row, list) else [row]))


def main() -> None:
    """Runs the command line."""
    from botocore.exceptions import ClientError

    try:
        said = parse(sys.argv[1:]).run()
    except (UnknownLineError, ClientError) as error:
        sys.exit(f"aws: {error}")
    if said:
        print(said)


if __name__ == "__main__":
    main()
