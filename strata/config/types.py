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
    r"[A-Za-z][A-Za-z0-9-]{0,63}",
    "cannot be a key: a letter, then letters, digits and hyphens, at most 64 in all",
    "keys stay; names may change",
    example="security",
)


def check_key(value: str) -> str:
    """Accepts a configuration key, which becomes part of a Terraform address.

    Raises:
        Problem: it is not a letter followed by letters, digits and hyphens, or too long.
    """
    return _KEY.check(value)


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
    """Accepts a region of the partition that Strata builds for: the provider cannot set up others safely.

    Raises:
        Problem: it is none.
    """
    regions = aws_limits().regions
    if value in regions:
        return value
    problem = f"{short(value)} is not a region of the AWS partition 'aws'{did_you_mean(value, regions)}"
    raise Problem(Message("unknown-name", problem, kind="region", name=value), "use a region code such as eu-west-1")


def _asked_regions(schema: dict[str, Any]) -> None:
    schema.update(enum=[*sorted(aws_limits().regions), "other"], examples=["other"])


def _check_asked_region(value: str) -> str:
    return value if value == "other" else check_region(value)


def _check_state_bucket(value: str) -> str:
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
    example="PT4H",
)


def session_seconds(text: str) -> float:
    """Returns how many seconds a duration is, as AWS takes it for a session; 0 for what is none."""
    match = re.fullmatch(r"PT(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?", text)
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0, 0, 0)
    return 3600 * hours + 60 * minutes + seconds


def _check_session_duration(value: str) -> str:
    limit = aws_limits()["session_hours"]
    if not limit.minimum <= session_seconds(value) / 3600 <= limit.value:
        problem = f"{short(value)} is not a session duration of {limit.minimum} to {limit.value} hours ({limit.cited})"
        message = Message("number-out-of-range", problem, value=value, minimum=limit.minimum, limit=limit.value)
        raise Problem(message, _DURATION.remedy)
    return value


def _check_last_part(name: str) -> str:
    check_length(name.rpartition("/")[2], aws_limits()["managed_policy_name"])
    return name


_ACTION = Text(
    r"[A-Za-z0-9-]+:[A-Za-z0-9_*?]+|\*(?::\*)?",
    "is not an action",
    "write it as in s3:GetObject or s3:Get*",
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
    return folded[close[0]] if close else None


def damaged(keys: Iterable[str]) -> list[str]:
    """Returns those of some keys that cannot be one, and stand in the place of one that nobody knows."""
    return [key for key in keys if not matches(_KEY.pattern, key)]


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


def word_or_list(
    word: str, entries: str, check: Callable[[str], str] = str, *, least: int = 0
) -> Callable[[object], str | tuple[str, ...]]:
    """Returns a validator of a word that stands for all, or of a list of texts that it does not read as words."""

    def accept(value: object) -> str | tuple[str, ...]:
        if value == word:
            return word
        if not (isinstance(value, list | tuple) and len(value) >= least and all(isinstance(one, str) for one in value)):
            message = Message("wrong-type", f"{short(value)} is neither {word!r} nor a list of {entries}")
            raise Problem(message, f"write {word!r}, or one a line with '- '")
        for index, entry in enumerate(value):
            try:
                check(entry)
            except Problem as problem:
                raise Problem(problem.problem, problem.remedy, at=(index, *problem.at)) from problem
        return tuple(value)

    return accept


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


Key = Annotated[str, _KEY]

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
        # organizations AccountId
        r"[0-9]{12}",
        "is not an account id: 12 digits",
        'write it in quotes: "012345678901"',
        example="210987654321",
    ),
]

# Addresses

_DOMAIN = r"[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]*[A-Za-z0-9]"
_ROOT_EMAIL = Text(
    # https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
    rf"(?!\.)[A-Za-z0-9!#$*+/=?^_`{{}}~.-]+@{_DOMAIN}",
    "is not an e-mail address that AWS accepts for an account: letters, digits and !#$*+/=?^_`{}~.- before one '@', "
    "a domain after it",
    "write name@example.org",
    limit="root_email",
    example="aws+security@acme.io",
)
RootEmail = Annotated[str, _ROOT_EMAIL]
UnmanagedAccount = Annotated[
    str,
    Text(
        rf"{_ROOT_EMAIL.pattern}|[0-9]{{12}}",
        "is neither an e-mail address nor an account id",
        "write one of the two, in quotes",
        limit="root_email",
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
        limit="email",
        example="security@acme.io",
    ),
]
PersonEmail = Annotated[
    str,
    Text(
        # identitystore SensitiveStringType
        r"[\p{L}\p{M}\p{N}.!#%&'*+/=?^_~-]+@[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*(?:\.[\p{L}\p{M}\p{N}-]+)*"
        r"\.[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}]",
        "is not an e-mail address: letters, digits and .!#%&'*+/=?^_~- before one '@', a domain after it",
        "write name@example.org",
        limit="email",
        example="jane.doe@acme.io",
    ),
]
CostEmail = Annotated[
    str,
    Text(
        # ce SubscriberAddress
        r"[a-zA-Z0-9.!#$%&'*+=?^_\u2018{|}~-]+@[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)+",
        "is not an e-mail address that Cost Explorer accepts: letters, digits and .!#$%&'*+=?^_{|}~- before one '@', "
        "a domain after it",
        "use another address",
        limit="cost_email",
        example="finance@acme.io",
    ),
]
ContactEmail = Annotated[
    str,
    Text(
        # AWS's pattern; the last character before the '@' is the narrower rule of the provider's
        # internal/service/account/alternate_contact.go.
        # account EmailAddress
        r"[A-Za-z0-9_+=.#|!&-]*[A-Za-z0-9_+=.-]@[A-Za-z0-9_.-]+\.[A-Za-z0-9_]+",
        "is not an address that AWS accepts for a contact: letters, digits and _+=.#|!&- before the '@', not #|!& "
        "right before it",
        "use another address",
        limit="email",
        example="billing@acme.io",
    ),
]
PortalUrl = Annotated[
    str,
    Text(
        # https://docs.aws.amazon.com/singlesignon/latest/userguide/multi-region-workforce-access.html
        r"https://(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.awsapps\.com/start/?(?:#/?)?"
        r"|ssoins-[0-9a-z]{16}\.portal\.[a-z0-9-]+\.app\.aws/?(?:#/?)?"
        r"|ssoins-[0-9a-z]{16}\.[a-z0-9-]+\.portal\.amazonaws\.com/?(?:#/?)?"
        r"|identitycenter\.amazonaws\.com/ssoins-[0-9a-z]{16}/?)",
        "is not the URL of an AWS access portal, such as https://d-1234567890.awsapps.com/start",
        "copy it from IAM Identity Center, 'AWS access portal URL'",
        example="https://d-1234567890.awsapps.com/start",
    ),
]
RelayState = Annotated[
    str,
    Text(
        # Of the characters of AWS's pattern those that a URL has.
        # sso-admin RelayState
        r"https://(?:[a-z0-9-]+\.)*aws\.amazon\.com(?:[/?#][a-zA-Z0-9&$@#/%?=~_'|!:,.;*+\[\](){}-]*)?",
        "is not a page of the AWS console: https, a host below aws.amazon.com, no space",
        "copy its address from the console, as in https://console.aws.amazon.com/billing/",
        limit="relay_state",
        example="https://console.aws.amazon.com/billing/",
    ),
]

# Names of things that hold the rest

Region = Annotated[str, AfterValidator(check_region), Field(json_schema_extra=_regions)]
AskedRegion = Annotated[str, AfterValidator(_check_asked_region), Field(json_schema_extra=_asked_regions)]
StateBucketName = Annotated[
    str,
    Text(
        r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(?:-s3alias|--ol-s3|--x-s3|--table-s3)$)[a-z0-9][a-z0-9-]+[a-z0-9]",
        "is not a name for the state bucket: at least 3 lower-case letters, digits and hyphens, a letter or digit at "
        "both ends, no dot, and none of the prefixes and suffixes that AWS reserves",
        "see the S3 bucket naming rules",
        limit="bucket_name",
        example="acme-terraform-state",
    ),
    AfterValidator(_check_state_bucket),
]
TableName = Annotated[
    str,
    Text(
        # dynamodb TableName
        r"[a-zA-Z0-9_.-]{3,}",
        "is not a table name: at least 3 letters, digits, '_', '.', '-'",
        "choose another name",
        limit="table_name",
        example="acme-terraform-lock",
    ),
]
ProjectName = Annotated[
    str,
    Text(
        r"[a-z][a-z0-9-]{1,23}[a-z0-9]",
        "is not a project name: 3 to 25 lower-case letters, digits and hyphens, starting with a letter",
        "it prefixes account names; choose a short one",
        example="acme",
    ),
]
ShortName = Annotated[
    str,
    Text(
        r"[a-z][a-z0-9]{1,7}",
        "is not a short name: 2 to 8 lower-case letters and digits, starting with a letter",
        "it prefixes buckets, tables and CLI profiles",
        example="ac",
    ),
]

# AWS Organizations

AccountName = Annotated[
    str,
    Text(
        # account AccountName
        r"[ -;=?-~]+",
        "is not an account name: printable ASCII without '<' and '>'",
        "choose another name",
        limit="account_name",
        example="acme-security",
    ),
]
# AWS takes any character in these; a line break in a name is never meant.
_NAME = r"[^\t\n\r]+"


def _visible(part: str, limit: str, example: str) -> Text:
    return Text(_NAME, f"is not a {part}: visible text", limit=limit, example=example)


OrganizationalUnitName = Annotated[str, _visible("name", "organizational_unit_name", "Workloads")]
PolicyName = Annotated[str, _visible("name", "policy_name", "Deny leaving")]
PolicyDescription = Annotated[
    str,
    Text(
        # organizations PolicyDescription
        r"[\s\S]*",
        "is not a description",
        limit="policy_description",
        blank=True,
        example="Members cannot leave the organization.",
    ),
]
ServicePrincipal = Annotated[
    str,
    Text(
        # organizations ServicePrincipal
        r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com",
        "is not a service principal",
        "write it as in 'config.amazonaws.com'",
        limit="service_principal",
        example="config.amazonaws.com",
    ),
]
_TAG_CHARACTERS = r"\p{L}\p{Z}\p{N}_.:/=+\-@"
TagKey = Annotated[
    str,
    Text(
        # organizations TagKey
        rf"(?![aA][wW][sS]:)[{_TAG_CHARACTERS}]+",
        "cannot be a tag key: letters, digits, spaces and _.:/=+-@, not 'aws:' before them",
        limit="tag_key",
        example="Team",
    ),
]
TagValue = Annotated[
    str,
    Text(
        # organizations TagValue
        rf"[{_TAG_CHARACTERS}]*",
        "cannot be a tag value: letters, digits, spaces and _.:/=+-@",
        limit="tag_value",
        blank=True,
        example="payments",
    ),
]
TagPattern = Annotated[
    str,
    Text(
        rf"[{_TAG_CHARACTERS}*?]*",
        "cannot match a tag value: letters, digits, spaces, _.:/=+-@ and the wildcards * and ?",
        limit="tag_value",
        blank=True,
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
        example="stacksets-exec-*",
    ),
]
AssumedRole = Annotated[
    str,
    Text(
        # iam roleNameType
        r"(?!role/)(?:(?!\.\.?/)[A-Za-z0-9_+=,.@-]+/)*(?!\.\.?$)[A-Za-z0-9_+=,.@-]{1,64}",
        "is not the name of a role: at most 64 letters, digits and +=,.@-_",
        "write its name, with its path if it has one, as ci/deployer: no ARN, no role/ before it and no .. in it",
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
        # identitystore UserName
        rf"{_NOT_RESERVED}[{_VISIBLE}]+",
        "is not a user name: no space, not one AWS reserves",
        "the e-mail address is a good one",
        limit="user_name",
        example="jane.doe@acme.io",
    ),
]
PersonName = Annotated[
    str,
    Text(
        # identitystore SensitiveStringType
        rf"[{_VISIBLE} \u00a0\u3000]+",
        "is not a name: visible text",
        limit="person_name",
        example="Jane",
    ),
]
GroupName = Annotated[
    str,
    Text(
        # identitystore GroupDisplayName
        rf"{_NOT_RESERVED}[{_VISIBLE} \u00a0\u3000]+",
        "is not a group name: visible text, not one AWS reserves",
        "choose another",
        limit="group_name",
        example="Administrators",
    ),
]
GroupDescription = Annotated[
    str,
    Text(
        # identitystore SensitiveStringType
        rf"[{_VISIBLE}\t\n\r \u00a0\u3000]+",
        "is not a description",
        limit="group_description",
        blank=True,
        example="Full access, everywhere.",
    ),
]
SessionDuration = Annotated[str, _DURATION, AfterValidator(_check_session_duration)]
PermissionSetName = Annotated[
    str,
    Text(
        # sso-admin PermissionSetName
        r"[A-Za-z0-9_+=,.@-]+",
        "is not a permission set name: letters, digits and +=,.@-_",
        limit="permission_set_name",
        example="ReadOnly",
    ),
]
PermissionSetDescription = Annotated[
    str,
    Text(
        # sso-admin PermissionSetDescription
        r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]+",
        "has a character AWS does not allow in a permission set description",
        "use plain Latin text",
        limit="permission_set_description",
        blank=True,
        example="Sees resources and their metadata.",
    ),
]
# The provider's import ids part these by commas, and it cannot read an id back that has more of them.
ManagedPolicyName = Annotated[
    str,
    Text(
        # sso-admin ManagedPolicyName
        r"[A-Za-z0-9_+=.@-]+",
        "is not a policy name the AWS provider can attach: letters, digits and +=.@-_, no comma",
        limit="managed_policy_name",
        example="TeamBoundary",
    ),
]
ManagedPolicyPath = Annotated[
    str,
    Text(
        # sso-admin ManagedPolicyPath
        r"(?:/[A-Za-z0-9.+@=_-]+)*/",
        "is not a path: it starts and ends with '/' and has no comma",
        "write it as in /teams/",
        limit="managed_policy_path",
        example="/teams/",
    ),
]
AwsManagedPolicy = Annotated[
    str,
    Text(
        r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_+=,.@-]+",
        "is not the name of an AWS managed policy, which is no ARN",
        "write it as in job-function/ViewOnlyAccess",
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
        example="policies/deny-leaving-organization.json",
    ),
]
SessionTag = Annotated[
    str,
    Text(
        # sso-admin AccessControlAttributeKey
        rf"[{_TAG_CHARACTERS}]+",
        "is not a session tag: letters, digits, spaces and _.:/=+-@",
        limit="access_control_attribute_key",
        example="CostCenter",
    ),
]
IdentityAttribute = Annotated[
    str,
    Text(
        # sso-admin AccessControlAttributeValueSource
        r'\$\{path:[\p{L}\p{N}_.:\[\]" -]+\}',
        "is not an Identity Center attribute",
        'write it as in "${path:enterprise.costCenter}"',
        limit="access_control_attribute_source",
        example="${path:enterprise.costCenter}",
    ),
]
Reason = Annotated[str, Text(r"[^\r]+", "is not a reason: visible text", "say why", example="Migration of the shop")]
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

ContactName = Annotated[str, _visible("name", "alternate_contact_name", "Jane Doe")]
ContactTitle = Annotated[str, _visible("title", "alternate_contact_title", "Head of Finance")]
ContactPhone = Annotated[
    str,
    Text(
        # account PhoneNumber
        r"[ 0-9()+-]+",
        "is not a phone number: digits, spaces and ()+-",
        "write it as in +49 30 1234567",
        limit="alternate_contact_phone",
        example="+49 30 1234567",
    ),
]


OwnerName = Annotated[str, _visible("name", "primary_contact_name", "Jane Doe")]
AddressLine = Annotated[str, _visible("line of an address", "primary_contact_address", "1 Main Street")]
City = Annotated[str, _visible("city", "primary_contact_name", "Hamburg")]
PostalCode = Annotated[str, _visible("postal code", "primary_contact_postal_code", "20457")]
Website = Annotated[str, _visible("website", "primary_contact_website", "https://acme.io")]
CountryCode = Annotated[
    str,
    Text(
        r"[A-Z]{2}",
        "is not the code of a country: two capital letters, ISO 3166-1",
        "write it as in DE",
        example="DE",
    ),
]
OwnerPhone = Annotated[
    str,
    Text(
        # account ContactInformationPhoneNumber
        r"[+][ 0-9()-]+",
        "is not a phone number with the code of its country: +, then digits, spaces and ()-",
        "write it as in +49 30 1234567",
        limit="primary_contact_phone",
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
