"""Words in the place of those that name somebody's things, the same for the same word; AWS's own words stay."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

TIME = "2026-01-01T00:00:00Z"
"""Stands for every time."""


class Pseudonyms:
    """What was given for which word. No two words get the same one, so that what is equal stays equal, and else not."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._counts: Counter[tuple[str, int]] = Counter()
        self._taken = set(OF_AWS)

    def of(self, shape: Any, value: Any, name: str = "") -> Any:
        """Returns a value by botocore's description of it, None for what nobody describes; `name` is its member's."""
        kind = shape.type_name if shape is not None else ""
        match value:
            case dict() if kind == "structure":
                members = {key: value[key] for key in value if key in shape.members}
                is_filter = shape.name == "Filter"
                return {
                    key: self.of(shape.members[key], below, _FILTER if is_filter and key == "Name" else key)
                    for key, below in members.items()
                }
            case dict() if kind == "map":
                return {
                    str(self.of(shape.key, key)): self.of(shape.value, below, str(key)) for key, below in value.items()
                }
            case list() | tuple():
                return [self.of(shape.member if kind == "list" else None, below, name) for below in value]
            case dict():  # botocore reads the documents of IAM
                return json.dumps(self._document(value, ""))
            case str():
                if SECRET.search(name):
                    return ""
                stays = name in _OF_REQUESTS or (kind == "string" and value in shape.enum)
                stays = stays or bool(_STATE.search(name) and _OF_STATES.fullmatch(value))
                return value if stays else self.text(value)
            case bool() | int() | float() | None:
                return value
            case dt.datetime():
                return TIME
        return ""  # bytes, or a stream that somebody else reads

    def text(self, text: str) -> str:
        """Returns a text with other words."""
        text = unquote(text) if text.startswith("%7B") else text
        if text[:1] in ("{", "["):
            try:
                return json.dumps(self._document(json.loads(text), ""))
            except (RecursionError, ValueError):
                pass
        if _AS_IT_IS.fullmatch(text):
            return text
        return _KEPT_OR_WORD.sub(lambda match: match["kept"] or self._word(match["word"]), text)

    def _document(self, value: Any, key: str) -> Any:
        """Returns a document of JSON, of whose keys and actions those stay that are of AWS's policy languages."""
        match value:
            case dict():
                return {
                    name if _OF_POLICIES.fullmatch(name) else self.text(name): self._document(below, name)
                    for name, below in value.items()
                }
            case list():
                return [self._document(below, key) for below in value]
            case str():
                stays = key in _OF_STATEMENTS and _ACTION.fullmatch(value)
                return "" if SECRET.search(key) else value if stays else self.text(value)
        return value

    def _word(self, word: str) -> str:
        if word in OF_AWS:
            return word
        if word not in self._given:
            letters = _letters(word)
            for length in range(len(word), len(word) + _LONGER):
                given = self._next(letters, length)
                if given:
                    self._given[word] = given
                    break
        return self._given[word]

    def _next(self, letters: str, length: int) -> str:
        """Returns the next word of a length, empty once there is none."""
        while True:
            self._counts[letters, length] += 1
            number = self._counts[letters, length]
            if number >= len(letters) ** length:
                return ""
            word = ""
            for _ in range(length):
                number, digit = divmod(number, len(letters))
                word = letters[digit] + word
            if word not in self._taken:
                self._taken.add(word)
                return word


_LONGER = 12


def _letters(word: str) -> str:
    """Returns what a word is made of: AWS tells digits, hexadecimal ids and names apart."""
    if re.fullmatch(r"[0-9]+", word):
        return "0123456789"
    if len(word) >= len("0123abcd") // 2 and re.fullmatch(r"[0-9a-f]*[0-9][0-9a-f]*", word):
        return "abcdef0123456789"
    return "abcdefghijklmnopqrstuvwxyz"


_REGION = r"(?:af|ap|ca|cn|eu|il|me|mx|sa|us)-(?:gov-)?(?:central|(?:north|south)?(?:east|west)?)-\d"
_SERVICE = r"(?<![\w.-])(?:member\.org\.stacksets\.|reporting\.|malware-protection\.)?[a-z0-9-]+\.amazonaws\.com\b"
"""A name of a host or bucket in front of it is somebody's."""
_KEPT_OR_WORD = re.compile(
    rf"(?P<kept>\b{_REGION}\b|\barn:aws[a-z-]*:[a-z0-9-]*:|{_SERVICE}|\$\{{aws:\w+\}})"
    r"|(?P<word>[^\W_]+)"
)
_AS_IT_IS = re.compile(
    r"\d{1,3}|P(?:T?\d+[DHMSW])+|\d{4}-\d\d-\d\d(?:T[\d:.+-]+Z?)?|"  # durations and days
    r"arn:aws:iam::aws:policy/[\w/+=,.@-]+|p-FullAWSAccess|p-RCPFullAWSAccess|"
    r"OrganizationAccountAccessRole|True|False|true|false|\*"
)
OF_AWS = frozenset(
    {
        *("arn", "aws", "ou", "o", "p", "r", "d", "ps", "ssoins", "car", "root", "role", "user", "group", "policy"),
        *("organization", "account", "assumed", "permissionSet", "instance", "table", "trail", "analyzer", "alias"),
        *("s3", "iam", "sts", "sso", "organizations", "ec2", "kms", "sns", "dynamodb"),
        *("FullAWSAccess", "RCPFullAWSAccess", "OrganizationAccountAccessRole"),
    }
)
_FILTER = "name of a filter"
_OF_REQUESTS = frozenset({"AttributeName", "AttributePath", "ServiceCode", "QuotaCode", "ResourceTypeFilters", _FILTER})
"""Members with words of AWS's that its description does not list."""
_STATE = re.compile(r"(?:State|Status)$")
_OF_STATES = re.compile(r"[a-z]+(?:[-_][a-z]+)*", re.IGNORECASE)
"""The same, as EC2 has them."""
_OF_STATEMENTS = frozenset({"Action", "NotAction", "Effect", "Version", "Service"})
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z*]+|\*|Allow|Deny|20\d\d-\d\d-\d\d|" + _SERVICE)
_OF_POLICIES = re.compile(
    r"Version|Id|Statement|Sid|Effect|(?:Not)?(?:Action|Resource|Principal)|Condition|AWS|Service|Federated|@@\w+|"
    r"(?:For(?:All|Any)Value:)?(?:String|Arn|Numeric|Date|Bool|Null|IpAddress|NotIpAddress|Binary)\w*|"
    r"aws:[A-Za-z0-9]+|tags|tag_key|tag_value|enforced_for|ec2_attributes|plans|services"
)
SECRET = re.compile(r"secret|passw|session_?token|private_?key|credential|access_?key|authorization", re.IGNORECASE)
"""Members whose text nobody is to have, whatever is in it."""


def secrets_in(value: Any, path: str = "") -> Iterator[str]:
    """Yields the path of each value that looks like a secret."""
    match value:
        case Mapping():
            for key, below in value.items():
                at = f"{path}.{key}".lstrip(".")
                if _LIKE_A_SECRET.search(str(key)):
                    yield f"a key of {path}"
                elif isinstance(below, str) and below and SECRET.search(str(key)):
                    yield at
                else:
                    yield from secrets_in(below, at)
        case list():
            for number, below in enumerate(value):
                yield from secrets_in(below, f"{path}[{number}]")
        case str():
            if _LIKE_A_SECRET.search(value):
                yield path


_LIKE_A_SECRET = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}|-----BEGIN |\beyJ[\w-]{8,}\.|\bgh[a-z]_\w{20,}|\b(?:IQoJ|FwoG|FQoG)[\w+/]{40,}|"
    r"(?<![\w+/])(?=[\w+/]*[a-z])(?=[\w+/]*[A-Z])(?=[\w+/]*\d)[A-Za-z0-9+/]{40}(?![\w+/])"
)
