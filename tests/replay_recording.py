"""`python -m tests.replay_recording FILE` makes the calls of a recording at an emulated AWS, and lists what differs.

A call is listed whose refusal, shape or state is another: what the emulated AWS has to learn. It begins with an empty
account, as the evening of docs/first-real-run.md does. An organization that was there before is made, empty; a call
that misses what was there before is counted, not compared.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from strata.aws.pseudonyms import SECRET
from strata.aws.recording import read
from strata.errors import StrataError
from strata.printing import readers_may_leave
from tests.aws.client import ACCOUNT, Aws, emulated_aws

_READING = re.compile(r"BatchGet|Describe|Get|List|Lookup|Head|Query|Scan")
_OF_PAGES = re.compile(
    r"(?:Next|Continuation|Pagination)?(?:Token|Marker)$|IsTruncated|MaxResults|MaxItems|MaxKeys|KeyCount"
)
_UNDER_WAY = re.compile(r"^[A-Z_]*(?:PROGRESS|PENDING|CREATING|UPDATING|DELETING|STARTING)[A-Z_]*$")
_WORD = re.compile(r"[^\W_]+")
_AGENTS = {"boto3": "strata", "provider": "terraform-provider-aws/6"}
_STATE = re.compile(r"(?:State|Status|Enabled|ByDefault)$")
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
"""Refusals of whoever comes second, of which AWS has one while the first is under way."""
_MISSED = re.compile(r"AccessDenied|DoesNotExist|NoSuch|NotFound|NotInUse|^404$")
_NAME = re.compile(r"(?!amazonaws|organization|policy|account|central|north|south)[a-z0-9]{5,}")
Json = Mapping[str, Any]


def main(arguments: list[str]) -> int:
    """Prints a line for each call that is answered otherwise; 1 where there is any."""
    if len(arguments) != 1:
        sys.exit("python -m tests.replay_recording FILE")
    try:
        _, calls = read(Path(arguments[0]))
    except StrataError as error:
        sys.exit("\n".join(error.lines()))
    with tempfile.TemporaryDirectory() as folder, emulated_aws(Path(folder) / "log") as aws:
        replay = Replay(aws)
        differences = list(replay.differences(calls))
    with readers_may_leave():
        for text in differences:
            print(text)
        sys.stdout.flush()
    print(f"{len(calls)} calls, {len(differences)} differ, {replay.left} not compared", file=sys.stderr)
    return 1 if differences else 0


class Replay:
    """The calls of a recording, with the ids that the emulated AWS gives in the place of the recorded ones.

    Attributes:
        left: the number of calls that were not compared.
    """

    def __init__(self, aws: Aws) -> None:
        self.left = 0
        self._aws = aws
        self._bound: dict[str, str] = {}
        self._met: set[str] = set()
        """The words of what was made, and of what the emulated AWS has answered with."""
        self._is_from_before = False
        self._own: set[str] = set()
        """The words of what was made alone."""
        self._seen: set[str] = set()
        """The words of all else that was in an answer."""
        self._bodies = 0
        self._clients: dict[tuple[str, ...], Any] = {}
        self._management = ""

    def differences(self, calls: list[Json]) -> Iterator[str]:
        """Yields what differs, with the number of the line in the file."""
        for number, call in _in_order(calls):
            where = f"{number}: {call['service']}:{call['operation']}"
            if call["answer"] is None or not self._can_be_made(call):
                self.left += 1
                continue
            code, answer, shape = self._made(call)
            is_own = not self._own.isdisjoint(_names(call["parameters"]))
            missed = _MISSED.search(code) and (not call["code"] or "AccessDenied" in code)
            if code != call["code"] and missed and not is_own:
                self.left += 1
                continue
            if code != call["code"] and not {code, call["code"]} <= _TAKEN:
                yield f"{where}: AWS {call['code'] or 'does it'}, here {code or 'it is done'}"
                continue
            if not _READING.match(call["operation"]) and not code:
                self._met |= set(_words(call["parameters"]))
                self._own |= {*_names(call["parameters"]), *_names(call["answer"])} - self._seen
            self._seen |= {*_names(call["answer"])} - self._own
            if any(map(_UNDER_WAY.search, _texts(call["answer"]))) and not any(map(_UNDER_WAY.search, _texts(answer))):
                self.left += 1  # AWS takes its time, which is no difference
                continue
            self._bind(call["answer"], answer)
            if shape is None or code:
                continue
            if _READING.match(call["operation"]) and [*self._compared(shape, call["answer"], answer, "")]:
                self._aws.wait_an_hour()
                _, answer, _ = self._made(call)
                self._bind(call["answer"], answer)
            texts = [*self._compared(shape, call["answer"], answer, "")]
            told = [text for text in texts if text]
            self.left += bool(texts and not told)
            yield from (f"{where}: {text}" for text in told)

    def _can_be_made(self, call: Json) -> bool:
        asked = call["parameters"]
        if asked is None or any(_OF_PAGES.fullmatch(name) and "Max" not in name for name in asked):
            return False
        words = {word for word in _words(asked) if len(word) > len("role")}
        is_about_others = bool(words) and words.isdisjoint(self._met)
        return not (is_about_others and not call["code"] and _READING.match(call["operation"]))

    def _made(self, call: Json) -> tuple[str, Json, Any]:
        """Makes a call, and returns the refusal or the answer, and botocore's description of it."""
        from botocore import xform_name
        from botocore.exceptions import ClientError

        if call["operation"] == "ListInstances" and call["answer"].get("Instances"):
            self._aws.switch_identity_center_on(call["region"])  # in AWS it was done by hand
            self._aws.wait_an_hour()
        if call["operation"] in ("DescribeOrganization", "ListRoots") and not call["code"]:
            self._there_before(call["answer"].get("Roots", []))
        client = self._client(call)
        model = client.meta.service_model.operation_model(call["operation"])
        try:
            asked = self._with_ids_of_here(call["parameters"])
            if "Body" in asked:  # which no recording has
                self._bodies += 1
                asked["Body"] = str(self._bodies).encode()
            answer = getattr(client, xform_name(call["operation"]))(**asked)
            if hasattr(answer.get("Body"), "close"):
                answer["Body"].close()
        except ClientError as error:
            return str(error.response["Error"]["Code"]), {}, None
        return "", answer, model.output_shape

    def _there_before(self, roots: list[Json]) -> None:
        """Makes an organization where there is none; one that was there before has the types of policies as there."""
        organizations = self._aws.client("organizations")
        try:
            organizations.create_organization(FeatureSet="ALL")
            self._is_from_before = True
        except organizations.exceptions.AlreadyInOrganizationException:
            pass
        (root,) = organizations.list_roots()["Roots"]
        types = {type["Type"] for one in roots for type in one["PolicyTypes"]} if self._is_from_before else set()
        for type in types - {type["Type"] for type in root["PolicyTypes"]}:
            organizations.enable_policy_type(RootId=root["Id"], PolicyType=type)

    def _client(self, call: Json) -> Any:
        account = self._here(call["account"])
        self._management = self._management or account
        region = call["region"] if call["region"] != "aws-global" else "us-east-1"
        kind = call["service"], region, account, call["by"]
        if kind not in self._clients:
            self._clients[kind] = self._new_client(*kind)
        return self._clients[kind]

    def _new_client(self, service: str, region: str, account: str, by: str) -> Any:
        import boto3
        from botocore.config import Config

        given = {}
        if account not in ("", self._management, ACCOUNT):
            role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
            made = self._aws.client("sts").assume_role(RoleArn=role, RoleSessionName="replay")["Credentials"]
            given = {"aws_session_token": made["SessionToken"]}
            given |= {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
        keys = given or {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        proxies = {"http": self._aws.url} if service == "s3control" else {}
        settings = Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            proxies=proxies,
            parameter_validation=False,
            user_agent_extra=_AGENTS.get(by, ""),
        )
        return boto3.client(service, region_name=region, endpoint_url=self._aws.url, config=settings, **keys)

    # Ids

    def _here(self, text: str) -> str:
        """Returns a recorded text with the ids that things have here."""
        if text in self._bound:
            return self._bound[text]
        return _WORD.sub(lambda match: self._bound.get(match[0], match[0]), text)

    def _with_ids_of_here(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self._with_ids_of_here(below) for key, below in value.items()}
            case list():
                return [self._with_ids_of_here(below) for below in value]
            case str():
                return self._here(value)
        return value

    def _bind(self, recorded: Any, here: Any) -> None:
        """Learns what is called what here, from two answers to the same question."""
        match recorded, here:
            case dict(), dict():
                for key in recorded.keys() & here.keys():
                    self._bind(recorded[key], here[key])
            case list(), list():
                for one, other in self._pairs(recorded, here):
                    self._bind(one, other)
            case str(), str():
                self._met |= {recorded, *_WORD.findall(recorded)}
                if recorded == here:
                    return
                words, others = _WORD.findall(recorded), _WORD.findall(here)
                if _WORD.sub("", recorded) == _WORD.sub("", here) and len(words) == len(others):
                    self._bound.update((one, other) for one, other in zip(words, others, strict=True) if one != other)
                else:
                    self._bound[recorded] = here

    def _pairs(self, recorded: list[Any], here: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Yields elements that belong together: those of which most is called the same, else by their order."""
        left = list(here)
        for element in recorded:
            if not left:
                return
            texts = {self._here(text) for text in _texts(element)}
            best = max(range(len(left)), key=lambda index: (len(texts & {*_texts(left[index])}), -index))
            yield element, left.pop(best)

    # What differs

    def _compared(self, shape: Any, recorded: Any, here: Any, path: str) -> Iterator[str]:
        kind = shape.type_name
        if kind == "structure":
            for name, member in shape.members.items():
                one, other = recorded.get(name), here.get(name)
                if SECRET.search(name) or _OF_PAGES.search(name) or member.type_name == "blob":
                    continue
                at = f"{path}.{name}".lstrip(".")
                if _is_there(one) and _is_there(other):
                    yield from self._compared(member, one, other, at)
                elif isinstance(one, list) and one and "[]" not in at and self._own.isdisjoint(_names(one)):
                    yield ""  # was there before
                elif _is_there(one) or _is_there(other):
                    yield f"{at}: {'AWS alone has it' if _is_there(one) else 'it is here alone'}"
        elif kind == "list":
            found = (self._compared(shape.member, *pair, f"{path}[]") for pair in self._pairs(recorded, here))
            yield from dict.fromkeys(text for some in found for text in some)
        elif recorded != here and (kind == "boolean" or (kind == "string" and (shape.enum or _STATE.search(path)))):
            yield f"{path}: AWS has {recorded}, here it is {here}"


def _in_order(calls: list[Json]) -> Iterator[tuple[int, Json]]:
    """Yields the calls with their lines; of equal ones that were made at once the one first that was not refused."""
    for _, equal in groupby(enumerate(calls, 2), lambda pair: {**pair[1], "code": "", "answer": None}):
        yield from sorted(equal, key=lambda pair: pair[1]["code"] in _TAKEN)


def _names(value: Any) -> Iterator[str]:
    """Yields the words that may be somebody's names."""
    return (word for word in _words(value) if _NAME.fullmatch(word))


def _is_there(value: Any) -> bool:
    return value not in (None, "", [], {})


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for below in value.values():
                yield from _texts(below)
        case list():
            for below in value:
                yield from _texts(below)
        case str():
            yield value


def _words(value: Any) -> Iterator[str]:
    for text in _texts(value):
        yield from _WORD.findall(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
