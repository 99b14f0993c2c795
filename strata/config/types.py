"""The strings with rules that a configuration is made of: keys, account ids, e-mails, names in AWS's alphabets."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from strata.config.limits import Limit, aws_limits

REPLICA = "-replica"
"""What the name of the replica of the state bucket ends with."""


class Problem(ValueError):
    """What is wrong with one value, and what to do about it; `at` leads to the part of the value that is meant."""

    def __init__(self, problem: str, remedy: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.at = at


_KEY_LENGTH = 64
_SHOWN = 40


def check_key(value: str) -> str:
    """Accepts a configuration key, which becomes part of a Terraform address.

    Raises:
        Problem: it is not a letter followed by letters, digits and hyphens.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", value):
        raise Problem(
            f"{value!r} cannot be a key: a letter, then letters, digits and hyphens", "keys stay; names may change"
        )
    if len(value) > _KEY_LENGTH:
        problem = f"{value!r} has {len(value)} characters, a key has at most {_KEY_LENGTH}"
        raise Problem(problem, "shorten it; names may be longer")
    return value


def _matching(pattern: str, problem: str, remedy: str, limit: str | None = None) -> Callable[[str], str]:
    """Makes a validator of one alphabet, and of one length where AWS has a limit by that name."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise Problem(f"{value!r} {problem}", remedy)
        if limit:
            check_length(value, aws_limits()[limit])
        return value

    return check


def check_length(value: str, limit: Limit) -> None:
    """Refuses text that is longer than AWS takes.

    Raises:
        Problem: the text is too long; its length, the limit, its source and date are in the message.
    """
    if len(value) > limit.value:
        raise Problem(
            f"{_shortened(value)!r} has {len(value)} characters, the limit is {limit.value} ({limit.cited})",
            f"shorten it by {len(value) - limit.value}",
        )


def _within(name: str) -> Callable[[int], int]:
    """Makes a validator of a number that AWS bounds on both sides."""

    def check(value: int) -> int:
        limit = aws_limits()[name]
        if not limit.minimum <= value <= limit.value:
            raise Problem(
                f"{value} is not a number of {limit.unit} AWS takes ({limit.cited})",
                f"give a number from {limit.minimum} to {limit.value}",
            )
        return value

    return check


def _bounds(name: str) -> Callable[[dict[str, Any]], None]:
    def add(schema: dict[str, Any]) -> None:
        limit = aws_limits()[name]
        schema.update(minimum=limit.minimum, maximum=limit.value)

    return add


def _shortened(value: str) -> str:
    return value if len(value) <= _SHOWN else f"{value[: _SHOWN - 3]}..."


def check_email(value: str) -> str:
    """Accepts an e-mail address.

    Raises:
        Problem: it has not one '@' with a dot after it, or a space, or is too long.
    """
    shaped = re.fullmatch(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\.[^\s@\x00-\x1f\x7f]+", value)
    domain = value.rpartition("@")[2]
    if not shaped or ".." in domain or domain.startswith("."):
        raise Problem(
            f"{value!r} is not an e-mail address: one '@', a dot after it, no space", "write name@example.org"
        )
    check_length(value, aws_limits()["email"])
    return value


def _check_root_email(value: str) -> str:
    limit = aws_limits()["root_email"]
    if len(check_email(value)) < limit.minimum:
        raise Problem(
            f"{value!r} has {len(value)} characters, AWS wants {limit.minimum} ({limit.cited})", "use another"
        )
    check_length(value, limit)
    return value


def _check_region(value: str) -> str:
    regions = aws_limits().regions
    if value in regions:
        return value
    if value.startswith(("cn-", "us-gov-", "us-iso", "eu-isoe", "eusc-")):
        raise Problem(
            f"{value!r} is in another partition than 'aws', which the AWS provider 6.25 cannot set up safely",
            "use a region of the commercial partition",
        )
    raise Problem(
        f"{value!r} is not an AWS region{did_you_mean(value, regions)}", "use a region code such as eu-west-1"
    )


def check_bucket(value: str) -> str:
    """Accepts the name of a bucket.

    Raises:
        Problem: S3 or TLS does not take it.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]+[a-z0-9]", value) or ".." in value:
        raise Problem(
            f"{value!r} is not a bucket name: at least 3 lower-case letters, digits and hyphens, "
            "starting and ending with a letter or digit",
            "see the S3 bucket naming rules",
        )
    check_length(value, aws_limits()["bucket_name"])
    prefix = next((prefix for prefix in ("xn--", "sthree-", "amzn-s3-demo-") if value.startswith(prefix)), None)
    suffix = next((s for s in ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3") if value.endswith(s)), None)
    if prefix or suffix:
        raise Problem(f"{value!r} uses {prefix or suffix!r}, which AWS reserves", "choose another name")
    if "." in value:
        raise Problem(f"{value!r} has a dot, which breaks TLS to the bucket's own host name", "use hyphens")
    return value


def _check_state_bucket(value: str) -> str:
    limit = aws_limits()["bucket_name"]
    longest = limit.value - len(REPLICA)
    if len(check_bucket(value)) > longest:
        problem = f"{value!r} has {len(value)} characters, with {REPLICA!r} for the replica AWS takes {longest}"
        raise Problem(f"{problem} ({limit.cited})", "shorten it")
    return value


def session_minutes(text: str) -> int:
    """Returns how long an ISO 8601 duration of hours and minutes is, 0 for what is none."""
    match = re.fullmatch(r"PT(?:([0-9]{1,4})H)?(?:([0-9]{1,4})M)?", text)
    return 60 * int(match[1] or 0) + int(match[2] or 0) if match else 0


def _check_session_duration(value: str) -> str:
    limit = aws_limits()["session_hours"]
    if not limit.minimum <= session_minutes(value) / 60 <= limit.value:
        raise Problem(
            f"{value!r} is not a session duration of {limit.minimum} to {limit.value} hours ({limit.cited})",
            "write it in ISO 8601, such as PT1H or PT8H30M",
        )
    return value


def _check_https(value: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(?:/\S*)?", value):
        raise Problem(f"{value!r} is not an https URL", "copy it from IAM Identity Center, 'AWS access portal URL'")
    return value


def _check_tag_key(value: str) -> str:
    if not re.fullmatch(r"[\w .:/=+@-]+", value):
        raise Problem(f"{value!r} cannot be a tag key: letters, digits, spaces and _.:/=+-@", "change it")
    if value.lower().startswith("aws:"):
        raise Problem(f"{value!r} starts with 'aws:', which AWS reserves", "choose another prefix")
    check_length(value, aws_limits()["tag_key"])
    return value


def check_managed_policy(name: str) -> str:
    """Accepts the name of an AWS managed policy with its path.

    Raises:
        Problem: it is an ARN, or has a character that no such name has.
    """
    if name.startswith("arn:"):
        raise Problem(f"{name!r} is an ARN", f"write its name with its path: {name.rpartition(':policy/')[2]!r}")
    if not re.fullmatch(r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_+=,.@-]+", name):
        raise Problem(
            f"{name!r} is not the name of an AWS managed policy", "write it as in job-function/ViewOnlyAccess"
        )
    return name


def _check_unmanaged(value: str) -> str:
    if "@" in value:
        return _check_root_email(value)
    if not re.fullmatch(r"[0-9]{12}", value):
        raise Problem(f"{value!r} is neither an e-mail address nor an account id", "write one of the two, in quotes")
    return value


def _check_action(value: str) -> str:
    if not is_action(value):
        raise Problem(f"{value!r} is not an action", "write it as in s3:GetObject or s3:Get*")
    return value


def is_action(text: str) -> bool:
    """Returns whether a text is an action as IAM's grammar has them, `*` among them."""
    return bool(re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9_*?]+|\*(?::\*)?", text))


def did_you_mean(value: str, candidates: Iterable[str]) -> str:
    """Returns `, did you mean 'x'?` when one of the candidates is close to the value, else nothing."""
    from difflib import get_close_matches

    folded = {candidate.lower(): candidate for candidate in sorted(candidates)}
    close = get_close_matches(value.lower(), folded, n=1, cutoff=0.7)
    return f", did you mean {folded[close[0]]!r}?" if close else ""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_date(value: Any) -> dt.date:
    """Accepts a date, in quotes or not."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    raise Problem(f"{value!r} is not a date", "write its last day as in 2027-01-31")


T = TypeVar("T")
Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A list in YAML, a tuple in Python, so that the configuration stays frozen."""

Key = Annotated[str, AfterValidator(check_key), Field(description="a letter, then letters, digits and hyphens")]
AccountId = Annotated[
    str,
    AfterValidator(_matching(r"[0-9]{12}", "is not an account id: 12 digits", 'write it in quotes: "012345678901"')),
]
Email = Annotated[str, AfterValidator(check_email)]
RootEmail = Annotated[str, AfterValidator(_check_root_email)]
UnmanagedAccount = Annotated[str, AfterValidator(_check_unmanaged)]
Region = Annotated[str, AfterValidator(_check_region)]
StateBucketName = Annotated[str, AfterValidator(_check_state_bucket)]
TableName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-zA-Z0-9_.-]{3,}",
            "is not a table name: at least 3 letters, digits, '_', '.', '-'",
            "choose another name",
            "table_name",
        )
    ),
]
ProjectName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-z][a-z0-9-]{1,23}[a-z0-9]",
            "is not a project name: 3 to 25 lower-case letters, digits and hyphens, starting with a letter",
            "it prefixes account names; choose a short one",
        )
    ),
]
ShortName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-z][a-z0-9]{1,7}",
            "is not a short name: 2 to 8 lower-case letters and digits, starting with a letter",
            "it prefixes buckets, tables and CLI profiles",
        )
    ),
]
AccountName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[ -;=?-~]+",
            "is not an account name: printable ASCII without '<' and '>'",
            "choose another name",
            "account_name",
        )
    ),
]
OrganizationalUnitName = Annotated[
    str,
    AfterValidator(
        _matching(r"[^\x00-\x1f\x7f]+", "is not a name: visible text", "change it", "organizational_unit_name")
    ),
]
PolicyName = Annotated[
    str, AfterValidator(_matching(r"[^\x00-\x1f\x7f]+", "is not a name: visible text", "change it", "policy_name"))
]
PolicyDescription = Annotated[
    str, AfterValidator(_matching(r"[\s\S]*", "is not a description", "change it", "policy_description"))
]
ServicePrincipal = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com",
            "is not a service principal",
            "write it as in 'config.amazonaws.com'",
            "service_principal",
        )
    ),
]
TagKey = Annotated[str, AfterValidator(_check_tag_key)]
TagValue = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[\w .:/=+@-]*",
            "cannot be a tag value: letters, digits, spaces and _.:/=+-@",
            "change it",
            "tag_value",
        )
    ),
]
TagPattern = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[\w .:/=+@*?-]*",
            "cannot match a tag value: letters, digits, spaces, _.:/=+-@ and the wildcards * and ?",
            "change it",
            "tag_value",
        )
    ),
]
Reason = Annotated[
    str,
    AfterValidator(
        _matching(r"(?=[\s\S]*\S)[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+", "is not a reason: visible text", "say why")
    ),
]
LastDay = Annotated[dt.date, PlainValidator(_as_date, json_schema_input_type=dt.date)]
HttpsUrl = Annotated[str, AfterValidator(_check_https)]
SessionDuration = Annotated[str, AfterValidator(_check_session_duration)]
PermissionSetName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9_+=,.@-]+",
            "is not a permission set name: letters, digits and +=,.@-_",
            "change it",
            "permission_set_name",
        )
    ),
]
PermissionSetDescription = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]+",
            "has a character AWS does not take in a permission set description",
            "use plain Latin text",
            "permission_set_description",
        )
    ),
]
RelayState = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-zA-Z0-9&$@#\\/%?=~\-_'\"|!:,.;*+\[\] ()^{}]+",
            "has a character AWS does not take in a relay state",
            "use an AWS console URL",
            "relay_state",
        )
    ),
]
RESERVED_NAMES = frozenset({"administrator", "awsadministrators"})
"""What neither a user nor a group may be called, in whatever case."""

_RESERVED = f"(?!(?i:{'|'.join(sorted(RESERVED_NAMES))})$)"

UserName = Annotated[
    str,
    AfterValidator(
        _matching(
            rf"{_RESERVED}[^\x00-\x1f\x7f\s]+",
            "is not a user name: no space, not one AWS reserves",
            "the e-mail address is a good one",
            "user_name",
        )
    ),
]
PersonName = Annotated[
    str, AfterValidator(_matching(r"[^\x00-\x1f\x7f]+", "is not a name: visible text", "change it", "person_name"))
]
GroupName = Annotated[
    str,
    AfterValidator(
        _matching(
            rf"{_RESERVED}[^\x00-\x1f\x7f]+",
            "is not a group name: visible text, not one AWS reserves",
            "choose another",
            "group_name",
        )
    ),
]
GroupDescription = Annotated[
    str,
    AfterValidator(
        _matching(r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+", "is not a description", "change it", "group_description")
    ),
]
ManagedPolicyName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9_+=,.@-]+",
            "is not a policy name: letters, digits and +=,.@-_",
            "change it",
            "managed_policy_name",
        )
    ),
]
ManagedPolicyPath = Annotated[
    str,
    AfterValidator(
        _matching(
            r"(?:/[A-Za-z0-9.,+@=_-]+)*/",
            "is not a path: it starts and ends with '/'",
            "write it as in /teams/",
            "managed_policy_path",
        )
    ),
]
PolicyFile = Annotated[
    str,
    AfterValidator(
        _matching(
            r"(?!/)(?!.*\.\.)[A-Za-z0-9_./-]{1,200}\.json",
            "is not a policy file: a path below the configuration that ends in .json",
            "write it as in policies/deny-leaving-organization.json",
        )
    ),
]
AwsManagedPolicy = Annotated[str, AfterValidator(check_managed_policy)]
ContactName = Annotated[
    str,
    AfterValidator(
        _matching(r"[^\x00-\x1f\x7f]+", "is not a name: visible text", "change it", "alternate_contact_name")
    ),
]
ContactTitle = Annotated[
    str,
    AfterValidator(
        _matching(r"[^\x00-\x1f\x7f]+", "is not a title: visible text", "change it", "alternate_contact_title")
    ),
]
ContactPhone = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[ 0-9()+-]+",
            "is not a phone number: digits, spaces and ()+-",
            "write it as in +49 30 1234567",
            "alternate_contact_phone",
        )
    ),
]
ContactEmail = Annotated[
    Email,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9_+=.#|!&-]+@[A-Za-z0-9_.-]+\.[A-Za-z0-9_]+",
            "is not an address AWS takes for a contact: letters, digits and _+=.#|!&- before the '@'",
            "use another address",
        )
    ),
]
SessionTag = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[\w .:/=+@-]+",
            "is not a session tag: letters, digits, spaces and _.:/=+-@",
            "change it",
            "access_control_attribute_key",
        )
    ),
]
IdentityAttribute = Annotated[
    str,
    AfterValidator(
        _matching(
            r"\$\{path:[\w.:\[\]\" -]+\}",
            "is not an Identity Center attribute",
            'write it as in "${path:enterprise.costCenter}"',
            "access_control_attribute_source",
        )
    ),
]
Action = Annotated[str, AfterValidator(_check_action)]
RoleName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9_+=,.@/*?-]{1,512}",
            "is not a role name: letters, digits, +=,.@-_/ and the wildcards * and ?",
            "write a name, with its path if it has one, not an ARN",
        )
    ),
]
PasswordLength = Annotated[
    int, AfterValidator(_within("password_length")), Field(json_schema_extra=_bounds("password_length"))
]
PasswordAge = Annotated[int, AfterValidator(_within("password_age")), Field(json_schema_extra=_bounds("password_age"))]
PasswordReuse = Annotated[
    int, AfterValidator(_within("password_reuse")), Field(json_schema_extra=_bounds("password_reuse"))
]
MetadataHops = Annotated[
    int, AfterValidator(_within("metadata_hops")), Field(json_schema_extra=_bounds("metadata_hops"))
]
