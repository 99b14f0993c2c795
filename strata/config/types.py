"""The strings with rules that a configuration is made of: keys, account ids, e-mails, names in AWS's alphabets."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from strata.config.limits import aws_limits
from strata.config.text import Form, Problem, Text, check_length, matches, short
from strata.errors import Message

REPLICA = "-replica"
"""What the name of the replica of the state bucket ends with."""

_KEY = Text(
    r"[A-Za-z][A-Za-z0-9-]*",
    "cannot be a key: a letter, then letters, digits and hyphens",
    "keys stay; names may change",
    kind="key",
    example="security",
)
_KEY_LENGTH = 64


def _check_key_length(value: str) -> str:
    if len(value) > _KEY_LENGTH:
        problem = f"{short(value)} has {len(value)} characters, a key has at most {_KEY_LENGTH}"
        message = Message("text-too-long", problem, length=len(value), limit=_KEY_LENGTH)
        raise Problem(message, "shorten it; names may be longer")
    return value


def check_key(value: str) -> str:
    """Accepts a configuration key, which becomes part of a Terraform address.

    Raises:
        Problem: it is not a letter followed by letters, digits and hyphens, or too long.
    """
    return _check_key_length(_KEY.check(value))


def _within(name: str) -> Callable[[int], int]:
    """Makes a validator of a number that AWS bounds on both sides."""

    def check(value: int) -> int:
        limit = aws_limits()[name]
        if not limit.minimum <= value <= limit.value:
            problem = f"{value} is not a number of {limit.unit} that AWS allows ({limit.cited})"
            message = Message("number-out-of-range", problem, value=value, minimum=limit.minimum, limit=limit.value)
            raise Problem(message, f"give a number from {limit.minimum} to {limit.value}")
        return value

    return check


def _bounds(name: str) -> Callable[[dict[str, Any]], None]:
    def add(schema: dict[str, Any]) -> None:
        limit = aws_limits()[name]
        schema.update(minimum=limit.minimum, maximum=limit.value)

    return add


def _regions(schema: dict[str, Any]) -> None:
    schema.update(enum=sorted(aws_limits().regions), examples=["eu-central-1"])


def check_region(value: str) -> str:
    """Accepts a region of the partition that Strata builds for.

    Raises:
        Problem: it is another.
    """
    regions = aws_limits().regions
    if value in regions:
        return value
    if value.startswith(("cn-", "us-gov-", "us-iso", "eu-isoe", "eusc-")):
        problem = f"{short(value)} is in another partition than 'aws', which the AWS provider 6.25 cannot set up safely"
        raise Problem(Message("other-partition", problem, region=value), "use a region of the commercial partition")
    problem = f"{short(value)} is not an AWS region{did_you_mean(value, regions)}"
    raise Problem(Message("unknown-name", problem, kind="region", name=value), "use a region code such as eu-west-1")


def _asked_regions(schema: dict[str, Any]) -> None:
    schema.update(enum=[*sorted(aws_limits().regions), "other"], examples=["other"])


def _check_asked_region(value: str) -> str:
    return value if value == "other" else check_region(value)


def _check_state_bucket(value: str) -> str:
    prefix = next((prefix for prefix in ("xn--", "sthree-", "amzn-s3-demo-") if value.startswith(prefix)), None)
    suffix = next((s for s in ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3") if value.endswith(s)), None)
    if prefix or suffix:
        problem = f"{short(value)} uses {prefix or suffix!r}, which AWS reserves"
        raise Problem(Message("name-reserved", problem, value=value, part=prefix or suffix), "choose another name")
    if "." in value:
        problem = f"{short(value)} has a dot, which breaks TLS to the bucket's own host name"
        raise Problem(Message("bucket-name-dotted", problem, value=value), "use hyphens")
    limit = aws_limits()["bucket_name"]
    longest = limit.value - len(REPLICA)
    if len(value) > longest:
        problem = f"{short(value)} has {len(value)} characters, with {REPLICA!r} for the replica AWS allows {longest}"
        message = Message("text-too-long", f"{problem} ({limit.cited})", length=len(value), limit=longest)
        raise Problem(message, "shorten it")
    return value


_DURATION = Text(
    r"PT(?=[0-9])(?:([0-9]{1,4})H)?(?:([0-9]{1,4})M)?",
    "is not a duration of hours and minutes",
    "write it in ISO 8601, such as PT1H or PT8H30M",
    kind="duration",
    example="PT4H",
)


def session_minutes(text: str) -> int:
    """Returns how long an ISO 8601 duration of hours and minutes is, 0 for what is none."""
    match = re.fullmatch(_DURATION.pattern, text)
    return 60 * int(match[1] or 0) + int(match[2] or 0) if match else 0


def session_length(text: str) -> float | str:
    """Returns how many seconds a duration is, as AWS takes it for a session; the text where it is none."""
    match = re.fullmatch(r"PT(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?", text)
    if not match:
        return text
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def _check_session_duration(value: str) -> str:
    limit = aws_limits()["session_hours"]
    if not limit.minimum <= session_minutes(value) / 60 <= limit.value:
        problem = f"{short(value)} is not a session duration of {limit.minimum} to {limit.value} hours ({limit.cited})"
        message = Message("number-out-of-range", problem, value=value, minimum=limit.minimum, limit=limit.value)
        raise Problem(message, _DURATION.remedy)
    return value


def _check_tag_key(value: str) -> str:
    if value.lower().startswith("aws:"):
        problem = f"{short(value)} starts with 'aws:', which AWS reserves"
        raise Problem(Message("name-reserved", problem, value=value, part="aws:"), "choose another prefix")
    return value


def _check_no_arn(name: str) -> str:
    if name.startswith("arn:"):
        remedy = f"write its name with its path: {short(name.rpartition(':policy/')[2])}"
        raise Problem(Message("arn-for-name", f"{short(name)} is an ARN", value=name), remedy)
    return name


def _check_last_part(name: str) -> str:
    check_length(name.rpartition("/")[2], aws_limits()["managed_policy_name"])
    return name


def _check_address(value: str) -> str:
    return _ROOT_EMAIL.check(value) if "@" in value else value


_ACTION = Text(
    r"[A-Za-z0-9-]+:[A-Za-z0-9_*?]+|\*(?::\*)?",
    "is not an action",
    "write it as in s3:GetObject or s3:Get*",
    kind="action",
    example="s3:Get*",
)


def is_action(text: str) -> bool:
    """Returns whether a text is an action as IAM's grammar has them, `*` among them."""
    return matches(_ACTION.pattern, text)


def validated(kind: Any, text: str) -> str:
    """Returns a text as a type of a model accepts it, for what is typed or given as an option.

    Raises:
        Problem: the type does not accept it.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return str(TypeAdapter(kind).validate_python(text))
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, Problem):
            raise cause from error
        raise Problem(Message("value-rejected", details["msg"], value=text), "change it") from error


def did_you_mean(value: str, candidates: Iterable[str]) -> str:
    """Returns `, did you mean 'x'?` when a candidate is close to the value, else nothing."""
    near = closest(value, candidates)
    return f", did you mean {short(near)}?" if near is not None else ""


def closest(value: str, candidates: Iterable[str]) -> str | None:
    """Returns the candidate that is close to a value and is probably meant, None where none is."""
    from difflib import get_close_matches

    text = value.lower().removesuffix(_OF_SERVICES)
    folded = {candidate.lower().removesuffix(_OF_SERVICES): candidate for candidate in sorted(candidates)}
    close = get_close_matches(text, folded, n=1, cutoff=0.7)
    # Of three letters, two that are the wrong way round are too many.
    swapped = {text[1::-1] + text[2:], text[0] + text[:0:-1]} if text[2:] and not text[3:] else set()
    close = close or [other for other in folded if other in swapped]
    return folded[close[0]] if close else None


def damaged(keys: Iterable[str]) -> list[str]:
    """Returns those of some keys that cannot be one, and stand in the place of one that nobody knows."""
    return [key for key in keys if len(key) > _KEY_LENGTH or not matches(_KEY.pattern, key)]


_OF_SERVICES = ".amazonaws.com"
"""At the end of each service principal, so that any two of them are alike by it, and slow to compare."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_tuple_of_one(value: Any) -> Any:
    return (value,) if isinstance(value, str | bool | int | float | dt.date) else _as_tuple(value)


def _as_date(value: Any, remedy: str = "write its last day as in 2027-01-31") -> dt.date:
    """Accepts a date, in quotes or not."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass
    message = Message("text-malformed", f"{short(value)} is not a date", kind="date", value=str(value))
    raise Problem(message, remedy)


T = TypeVar("T")
Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A list in YAML, a tuple in Python, so that the configuration stays frozen."""


class _OrOne:
    """Says in the JSON Schema that an entry may stand for a list of it alone."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


OneOrMany = Annotated[tuple[T, ...], BeforeValidator(_as_tuple_of_one), _OrOne()]
"""A list in YAML or its only entry, a tuple in Python."""


Key = Annotated[str, _KEY, AfterValidator(_check_key_length), Field(json_schema_extra={"maxLength": _KEY_LENGTH})]

# References: a rule says which keys are known, and where `*` and `?` are wildcards.

_WILDCARDS = r"[A-Za-z*?][A-Za-z0-9*?-]*"
AccountReference = Annotated[str, Form(_KEY.pattern, example="security")]
AccountPattern = Annotated[str, Form(_WILDCARDS, example="*-prod")]
UnitReference = Annotated[str, Form(_KEY.pattern, example="workloads")]
UserReference = Annotated[str, Form(_KEY.pattern, example="jane-doe")]
GroupReference = Annotated[str, Form(_KEY.pattern, example="administrators")]
ContactReference = Annotated[str, Form(_KEY.pattern, example="finance")]
PermissionSetReference = Annotated[str, Form(_KEY.pattern, example="ReadOnly")]

AccountId = Annotated[
    str,
    Text(
        r"[0-9]{12}",
        "is not an account id: 12 digits",
        'write it in quotes: "012345678901"',
        source="organizations AccountId",
        kind="account id",
        example="210987654321",
    ),
]

# Addresses

_DOMAIN = r"[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]*[A-Za-z0-9]"
_ROOT_EMAIL = Text(
    rf"(?!\.)[A-Za-z0-9!#$*+/=?^_`{{}}~.-]+@{_DOMAIN}",
    "is not an e-mail address that AWS accepts for an account: letters, digits and !#$*+/=?^_`{}~.- before one '@', "
    "a domain after it",
    "write name@example.org",
    "root_email",
    "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html",
    kind="root e-mail",
    example="aws+security@acme.io",
)
RootEmail = Annotated[str, _ROOT_EMAIL]
UnmanagedAccount = Annotated[
    str,
    AfterValidator(_check_address),
    Text(
        rf"{_ROOT_EMAIL.pattern}|[0-9]{{12}}",
        "is neither an e-mail address nor an account id",
        "write one of the two, in quotes",
        kind="unmanaged account",
        example="somebody@acme.io",
    ),
]
# SNS and Budgets say nothing of the form of an address; this is what mail systems take without quotes (RFC 5322).
Email = Annotated[
    str,
    Text(
        rf"[A-Za-z0-9.!#%&'*+/=?^_~-]+@{_DOMAIN}",
        "is not an e-mail address: letters, digits and .!#%&'*+/=?^_~- before one '@', a domain after it",
        "write name@example.org",
        "email",
        kind="e-mail",
        example="security@acme.io",
    ),
]
PersonEmail = Annotated[
    str,
    Text(
        r"[\p{L}\p{M}\p{N}.!#%&'*+/=?^_~-]+@[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*(?:\.[\p{L}\p{M}\p{N}-]+)*"
        r"\.[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}]",
        "is not an e-mail address: letters, digits and .!#%&'*+/=?^_~- before one '@', a domain after it",
        "write name@example.org",
        "email",
        "identitystore SensitiveStringType",
        kind="person e-mail",
        example="jane.doe@acme.io",
    ),
]
CostEmail = Annotated[
    str,
    Text(
        r"[a-zA-Z0-9.!#$%&'*+=?^_\u2018{|}~-]+@[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)+",
        "is not an e-mail address that Cost Explorer accepts: letters, digits and .!#$%&'*+=?^_{|}~- before one '@', "
        "a domain after it",
        "use another address",
        "cost_email",
        "ce SubscriberAddress",
        kind="cost e-mail",
        example="finance@acme.io",
    ),
]
ContactEmail = Annotated[
    str,
    Text(
        # AWS's pattern; the last character before the '@' is the narrower rule of the provider's
        # internal/service/account/alternate_contact.go.
        r"[A-Za-z0-9_+=.#|!&-]*[A-Za-z0-9_+=.-]@[A-Za-z0-9_.-]+\.[A-Za-z0-9_]+",
        "is not an address that AWS accepts for a contact: letters, digits and _+=.#|!&- before the '@', not #|!& "
        "right before it",
        "use another address",
        "email",
        "account EmailAddress",
        kind="contact e-mail",
        example="billing@acme.io",
    ),
]
PortalUrl = Annotated[
    str,
    Text(
        r"https://(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.awsapps\.com/start/?(?:#/?)?"
        r"|ssoins-[0-9a-z]{16}\.portal\.[a-z0-9-]+\.app\.aws/?(?:#/?)?"
        r"|ssoins-[0-9a-z]{16}\.[a-z0-9-]+\.portal\.amazonaws\.com/?(?:#/?)?"
        r"|identitycenter\.amazonaws\.com/ssoins-[0-9a-z]{16}/?)",
        "is not the URL of an AWS access portal, such as https://d-1234567890.awsapps.com/start",
        "copy it from IAM Identity Center, 'AWS access portal URL'",
        source="https://docs.aws.amazon.com/singlesignon/latest/userguide/multi-region-workforce-access.html",
        kind="portal url",
        example="https://d-1234567890.awsapps.com/start",
    ),
]
RelayState = Annotated[
    str,
    Text(
        # Of the characters of AWS's pattern those that a URL has.
        r"https://(?:[a-z0-9-]+\.)*aws\.amazon\.com(?:[/?#][a-zA-Z0-9&$@#/%?=~_'|!:,.;*+\[\](){}-]*)?",
        "is not a page of the AWS console: https, a host below aws.amazon.com, no space",
        "copy its address from the console, as in https://console.aws.amazon.com/billing/",
        "relay_state",
        "sso-admin RelayState",
        kind="relay state",
        example="https://console.aws.amazon.com/billing/",
    ),
]

# Names of things that hold the rest

Region = Annotated[str, AfterValidator(check_region), Field(json_schema_extra=_regions)]
AskedRegion = Annotated[str, AfterValidator(_check_asked_region), Field(json_schema_extra=_asked_regions)]
StateBucketName = Annotated[
    str,
    Text(
        r"(?!.*\.\.)[a-z0-9][a-z0-9.-]+[a-z0-9]",
        "is not a bucket name: at least 3 lower-case letters, digits and hyphens, starting and ending with a letter or "
        "digit",
        "see the S3 bucket naming rules",
        "bucket_name",
        kind="state bucket name",
        example="acme-terraform-state",
    ),
    AfterValidator(_check_state_bucket),
]
TableName = Annotated[
    str,
    Text(
        r"[a-zA-Z0-9_.-]{3,}",
        "is not a table name: at least 3 letters, digits, '_', '.', '-'",
        "choose another name",
        "table_name",
        "dynamodb TableName",
        kind="table name",
        example="acme-terraform-lock",
    ),
]
ProjectName = Annotated[
    str,
    Text(
        r"[a-z][a-z0-9-]{1,23}[a-z0-9]",
        "is not a project name: 3 to 25 lower-case letters, digits and hyphens, starting with a letter",
        "it prefixes account names; choose a short one",
        kind="project name",
        example="acme",
    ),
]
ShortName = Annotated[
    str,
    Text(
        r"[a-z][a-z0-9]{1,7}",
        "is not a short name: 2 to 8 lower-case letters and digits, starting with a letter",
        "it prefixes buckets, tables and CLI profiles",
        kind="short name",
        example="ac",
    ),
]

# AWS Organizations

AccountName = Annotated[
    str,
    Text(
        r"[ -;=?-~]+",
        "is not an account name: printable ASCII without '<' and '>'",
        "choose another name",
        "account_name",
        "account AccountName",
        kind="account name",
        example="acme-security",
    ),
]
# AWS takes any character in these; a line break in a name is never meant.
_NAME = r"[^\t\n\r]+"
OrganizationalUnitName = Annotated[
    str,
    Text(
        _NAME,
        "is not a name: visible text",
        "change it",
        "organizational_unit_name",
        "organizations OrganizationalUnitName",
        kind="organizational unit name",
        example="Workloads",
    ),
]
PolicyName = Annotated[
    str,
    Text(
        _NAME,
        "is not a name: visible text",
        "change it",
        "policy_name",
        "organizations PolicyName",
        kind="policy name",
        example="Deny leaving",
    ),
]
PolicyDescription = Annotated[
    str,
    Text(
        r"[\s\S]*",
        "is not a description",
        "change it",
        "policy_description",
        "organizations PolicyDescription",
        blank=True,
        kind="policy description",
        example="Members cannot leave the organization.",
    ),
]
ServicePrincipal = Annotated[
    str,
    Text(
        r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com",
        "is not a service principal",
        "write it as in 'config.amazonaws.com'",
        "service_principal",
        "organizations ServicePrincipal",
        kind="service principal",
        example="config.amazonaws.com",
    ),
]
_TAG_CHARACTERS = r"\p{L}\p{Z}\p{N}_.:/=+\-@"
TagKey = Annotated[
    str,
    Text(
        rf"[{_TAG_CHARACTERS}]+",
        "cannot be a tag key: letters, digits, spaces and _.:/=+-@",
        "change it",
        "tag_key",
        "organizations TagKey",
        kind="tag key",
        example="Team",
    ),
    AfterValidator(_check_tag_key),
]
TagValue = Annotated[
    str,
    Text(
        rf"[{_TAG_CHARACTERS}]*",
        "cannot be a tag value: letters, digits, spaces and _.:/=+-@",
        "change it",
        "tag_value",
        "organizations TagValue",
        blank=True,
        kind="tag value",
        example="payments",
    ),
]
TagPattern = Annotated[
    str,
    Text(
        rf"[{_TAG_CHARACTERS}*?]*",
        "cannot match a tag value: letters, digits, spaces, _.:/=+-@ and the wildcards * and ?",
        "change it",
        "tag_value",
        blank=True,
        kind="tag pattern",
        example="pay*",
    ),
]
Action = Annotated[str, _ACTION]
RoleName = Annotated[
    str,
    Text(
        r"[A-Za-z0-9_+=,.@/*?-]{1,512}",
        "is not a role name: letters, digits, +=,.@-_/ and the wildcards * and ?",
        "write a name, with its path if it has one, not an ARN",
        kind="role name",
        example="stacksets-exec-*",
    ),
]
AssumedRole = Annotated[
    str,
    Text(
        r"(?!role/)(?:(?!\.\.?/)[A-Za-z0-9_+=,.@-]+/)*(?!\.\.?$)[A-Za-z0-9_+=,.@-]{1,64}",
        "is not the name of a role: at most 64 letters, digits and +=,.@-_",
        "write its name, with its path if it has one, as ci/deployer: no ARN, no role/ before it and no .. in it",
        source="iam roleNameType",
        kind="role name",
        example="deployer",
    ),
]

# Identity Center. Lengths of users, groups and descriptions count bytes: the provider's validators do.

RESERVED_NAMES = frozenset({"administrator", "awsadministrators"})
"""What neither a user nor a group may be called, in whatever case."""


_RESERVED = ("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in sorted(RESERVED_NAMES))
_NOT_RESERVED = f"(?!(?:{'|'.join(_RESERVED)})$)"
_VISIBLE = r"\p{L}\p{M}\p{S}\p{N}\p{P}"

UserName = Annotated[
    str,
    Text(
        rf"{_NOT_RESERVED}[{_VISIBLE}]+",
        "is not a user name: no space, not one AWS reserves",
        "the e-mail address is a good one",
        "user_name",
        "identitystore UserName",
        kind="user name",
        example="jane.doe@acme.io",
    ),
]
PersonName = Annotated[
    str,
    Text(
        rf"[{_VISIBLE} \u00a0\u3000]+",
        "is not a name: visible text",
        "change it",
        "person_name",
        "identitystore SensitiveStringType",
        kind="person name",
        example="Jane",
    ),
]
GroupName = Annotated[
    str,
    Text(
        rf"{_NOT_RESERVED}[{_VISIBLE} \u00a0\u3000]+",
        "is not a group name: visible text, not one AWS reserves",
        "choose another",
        "group_name",
        "identitystore GroupDisplayName",
        kind="group name",
        example="Administrators",
    ),
]
GroupDescription = Annotated[
    str,
    Text(
        rf"[{_VISIBLE}\t\n\r \u00a0\u3000]+",
        "is not a description",
        "change it",
        "group_description",
        "identitystore SensitiveStringType",
        blank=True,
        kind="group description",
        example="Full access, everywhere.",
    ),
]
SessionDuration = Annotated[str, _DURATION, AfterValidator(_check_session_duration)]
PermissionSetName = Annotated[
    str,
    Text(
        r"[A-Za-z0-9_+=,.@-]+",
        "is not a permission set name: letters, digits and +=,.@-_",
        "change it",
        "permission_set_name",
        "sso-admin PermissionSetName",
        kind="permission set name",
        example="ReadOnly",
    ),
]
PermissionSetDescription = Annotated[
    str,
    Text(
        r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]+",
        "has a character AWS does not allow in a permission set description",
        "use plain Latin text",
        "permission_set_description",
        "sso-admin PermissionSetDescription",
        blank=True,
        kind="permission set description",
        example="Sees resources and their metadata.",
    ),
]
# The provider's import ids part these by commas, and it cannot read an id back that has more of them.
ManagedPolicyName = Annotated[
    str,
    Text(
        r"[A-Za-z0-9_+=.@-]+",
        "is not a policy name the AWS provider can attach: letters, digits and +=.@-_, no comma",
        "change it",
        "managed_policy_name",
        "sso-admin ManagedPolicyName",
        kind="managed policy name",
        example="TeamBoundary",
    ),
]
ManagedPolicyPath = Annotated[
    str,
    Text(
        r"(?:/[A-Za-z0-9.+@=_-]+)*/",
        "is not a path: it starts and ends with '/' and has no comma",
        "write it as in /teams/",
        "managed_policy_path",
        "sso-admin ManagedPolicyPath",
        kind="managed policy path",
        example="/teams/",
    ),
]
AwsManagedPolicy = Annotated[
    str,
    AfterValidator(_check_no_arn),
    Text(
        r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_+=,.@-]+",
        "is not the name of an AWS managed policy",
        "write it as in job-function/ViewOnlyAccess",
        kind="AWS managed policy",
        example="job-function/ViewOnlyAccess",
    ),
    AfterValidator(_check_last_part),
]
PolicyFile = Annotated[
    str,
    Text(
        r"(?!/)(?!.*\.\.)[A-Za-z0-9_./-]{1,200}\.json",
        "is not a policy file: a path below the configuration that ends in .json",
        "write it as in policies/deny-leaving-organization.json",
        kind="policy file",
        example="policies/deny-leaving-organization.json",
    ),
]
SessionTag = Annotated[
    str,
    Text(
        rf"[{_TAG_CHARACTERS}]+",
        "is not a session tag: letters, digits, spaces and _.:/=+-@",
        "change it",
        "access_control_attribute_key",
        "sso-admin AccessControlAttributeKey",
        kind="session tag",
        example="CostCenter",
    ),
]
IdentityAttribute = Annotated[
    str,
    Text(
        r'\$\{path:[\p{L}\p{N}_.:\[\]" -]+\}',
        "is not an Identity Center attribute",
        'write it as in "${path:enterprise.costCenter}"',
        "access_control_attribute_source",
        "sso-admin AccessControlAttributeValueSource",
        kind="identity attribute",
        example="${path:enterprise.costCenter}",
    ),
]
Reason = Annotated[
    str, Text(r"[^\r]+", "is not a reason: visible text", "say why", kind="reason", example="Migration of the shop")
]
LastDay = Annotated[
    dt.date,
    BeforeValidator(_as_date),
    Field(json_schema_extra={"examples": ["2027-01-31"]}),
]

# Texts of which other modules say what is wrong with them

PlaceReference = Annotated[str, Form(rf"(?:ou/)?{_KEY.pattern}", example="ou/workloads")]
PrincipalReference = Annotated[str, Form(r"\S(?:.*\S)?", example="everybody")]
ResourceReference = Annotated[str, Form(r"\S+", example="arn:aws:s3:::acme-orders/*")]
ConditionKey = Annotated[str, Form(r"[^\s:]+:\S+", example="aws:SourceIp")]
ConditionValue = Annotated[str, Form(r"[\s\S]*", example="203.0.113.7")]
AcceptedPlace = Annotated[str, Form(r"[\s\S]+", example="accounts.audit")]
IMPORT_ADDRESS = Form(r"aws_[a-z0-9_]+\.[A-Za-z0-9_-]+", example="aws_budgets_budget.monthly")
ImportAddress = Annotated[str, IMPORT_ADDRESS]
ImportId = Annotated[str, Form(r"[^\s](?:.*[^\s])?", example="210987654321:monthly")]

# Alternate contacts: AWS gives the name and the title a length and no pattern.

ContactName = Annotated[
    str,
    Text(
        _NAME,
        "is not a name: visible text",
        "change it",
        "alternate_contact_name",
        "account Name",
        kind="contact name",
        example="Jane Doe",
    ),
]
ContactTitle = Annotated[
    str,
    Text(
        _NAME,
        "is not a title: visible text",
        "change it",
        "alternate_contact_title",
        "account Title",
        kind="contact title",
        example="Head of Finance",
    ),
]
ContactPhone = Annotated[
    str,
    Text(
        r"[ 0-9()+-]+",
        "is not a phone number: digits, spaces and ()+-",
        "write it as in +49 30 1234567",
        "alternate_contact_phone",
        "account PhoneNumber",
        kind="contact phone",
        example="+49 30 1234567",
    ),
]


def _address(part: str, limit: str, shape: str, example: str) -> Text:
    name = f"{part} of a primary contact"
    return Text(
        _NAME, f"is not a {part}: visible text", "change it", limit, f"account {shape}", kind=name, example=example
    )


OwnerName = Annotated[str, _address("name", "primary_contact_name", "FullName", "Jane Doe")]
AddressLine = Annotated[str, _address("line of an address", "primary_contact_address", "AddressLine", "1 Main Street")]
City = Annotated[str, _address("city", "primary_contact_name", "City", "Hamburg")]
PostalCode = Annotated[str, _address("postal code", "primary_contact_postal_code", "PostalCode", "20457")]
Website = Annotated[str, _address("website", "primary_contact_website", "WebsiteUrl", "https://acme.io")]
CountryCode = Annotated[
    str,
    Text(
        r"[A-Z]{2}",
        "is not the code of a country: two capital letters, ISO 3166-1",
        "write it as in DE",
        kind="country code",
        example="DE",
    ),
]
OwnerPhone = Annotated[
    str,
    Text(
        r"[+][ 0-9()-]+",
        "is not a phone number with the code of its country: +, then digits, spaces and ()-",
        "write it as in +49 30 1234567",
        "primary_contact_phone",
        "account ContactInformationPhoneNumber",
        kind="phone of a primary contact",
        example="+49 30 1234567",
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
