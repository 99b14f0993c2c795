"""external.yaml: what AWS has in the permission sets and policies that others look after, as `strata adopt` read it."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from strata.config.json_lines import minified
from strata.config.models import Model, PolicyType
from strata.config.source import Location
from strata.config.text import Problem, Text, short
from strata.config.types import DayOfReading, Many
from strata.errors import Message


def _document(text: str) -> str:
    problem = Message("not-json", f"{short(text)} is not a policy document in JSON")
    try:
        short_text = minified(text)
    except Problem as error:
        problem = error.problem.saying(f"{short(text)} {error.problem}")
    except (ValueError, RecursionError):  # a number too long, half of a surrogate pair, or too deep
        pass
    else:
        if short_text.startswith("{"):
            return short_text
    raise Problem(problem, "strata adopt --refresh-external rewrites the file")


PolicyDocument = Annotated[str, AfterValidator(_document)]
"""The text of a policy document, minified."""


class HeldPolicy(Model):
    """A managed policy of a permission set: exactly one of aws, customer."""

    aws: str = ""
    """The name of an AWS managed policy with its path."""
    customer: str = ""
    """The name of a customer managed policy."""
    path: str = "/"
    """The path of the customer managed policy."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if bool(self.aws) == bool(self.customer):
            id = "keys-exclude-each-other" if self.aws else "key-missing"
            raise Problem(Message(id, "needs exactly one of aws, customer", keys=["aws", "customer"]), "give one")
        return self


_DURATION = Text(r"P[0-9YMWDTHS.]+", "is not a duration", "write what AWS has", kind="duration", example="PT1H")


class ExternalPermissionSet(Model):
    """What AWS has in a permission set."""

    description: str = ""
    session_duration: Annotated[str, _DURATION] = "PT1H"
    """How long a session lasts, in ISO 8601; AWS takes more than sso.yaml, such as seconds."""
    relay_state: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    policies: Many[HeldPolicy] = ()
    """Its managed policies."""
    inline: PolicyDocument | None = None
    """Its inline policy, as JSON."""
    boundary: HeldPolicy | None = None


class ExternalPolicy(Model):
    """What AWS has of a policy."""

    id: str = ""
    """By which it is known under another name."""
    description: str = ""
    document: PolicyDocument
    """As JSON."""


class ExternalGroup(Model):
    """Who is in a group."""

    members: Many[str] = ()
    """Their names as users."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        seen = set[str]()
        for index, name in enumerate(self.members):
            if name.casefold() in seen:
                message = Message("listed-twice", f"{short(name)} is listed twice", value=name)
                raise Problem(message, "list it once", at=("members", index))
            seen.add(name.casefold())
        return self


class External(Model):
    """external.yaml: what AWS has in what is `external: true`; written by `strata adopt`, not by hand."""

    read: DayOfReading | None = None
    """The day on which it was read."""
    permission_sets: dict[str, ExternalPermissionSet] = Field(default_factory=dict)
    """By the name at AWS."""
    policies: dict[Annotated[PolicyType, Field(strict=False)], dict[str, ExternalPolicy]] = Field(default_factory=dict)
    """By type, and the name at AWS."""
    groups: dict[str, ExternalGroup] = Field(default_factory=dict)
    """By the name in sso.yaml: those of Control Tower, which people fill at AWS."""


def place_of_policy(type: PolicyType, name: str) -> Location:
    """Returns where the file has the document of a policy."""
    return "policies", type.value, name, "document"


def place_of_inline(name: str) -> Location:
    """Returns where the file has the inline policy of a permission set."""
    return "permission_sets", name, "inline"


def place_of_group(name: str) -> Location:
    """Returns where the file has the members of a group."""
    return "groups", name, "members"
