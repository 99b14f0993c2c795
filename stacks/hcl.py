"""Terraform's expressions: the only place that writes them, and that turns text into what Terraform reads as text.

Everything else passes plain text to `add`, which passes it through `escaped`. Text looks alike whether it came from the
YAML or not, so text that Terraform evaluates has its own type.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cdktf import DefaultTokenResolver, StringConcat, Tokenization
from constructs import IConstruct

from strata.config.models import OPEN

ORGANIZATION = "data.aws_organizations_organization.live"
INSTANCES = "data.aws_ssoadmin_instances.main"

_TOKEN = re.compile(r"(\$\{TfToken\[TOKEN\.\d+\]\})")
"""A placeholder of cdktf for the attribute of a resource. `check` refuses text of the configuration that has it."""


class Expression(str):
    """A value that Terraform evaluates, `${...}` included; plain text is none.

    Inside an f-string it would become plain text: `template` puts both together.
    """

    __slots__ = ()

    def __format__(self, spec: str, /) -> str:
        raise TypeError("an expression is no text: join it with hcl.template")


PLACEHOLDER = "{TfToken["
"""What cdktf has in every text, and in that of a list or map, that stands for the attribute of a construct."""


def escaped(scope: IConstruct, value: Any) -> Any:
    """Returns a value as Terraform takes it: text escaped, at any depth and in keys; expressions and tokens stay.

    Args:
        scope: in whose stack the value is used.
        value: text, a block of the bindings, or anything else.
    """
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, str):
        return _text(scope, value)
    if isinstance(value, Mapping):
        return {_text(scope, key): escaped(scope, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [escaped(scope, inner) for inner in value]
    if hasattr(type(value), "__jsii_struct_bases__"):  # a block of the bindings, which keeps its values in a dict
        block = copy.copy(value)
        block._values = {name: escaped(scope, inner) for name, inner in value._values.items()}
        return block
    return value


def resolved(scope: IConstruct, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values with the expressions that their tokens stand for in a stack, all in a single call to cdktf."""
    resolver = DefaultTokenResolver(StringConcat())
    found = Tokenization.resolve(dict(values), scope=scope, resolver=resolver, preparing=True)
    return {key: Expression(value) if isinstance(value, str) else value for key, value in found.items()}


def _text(scope: IConstruct, text: str) -> str:
    if "{" not in text:
        return text
    pieces = _TOKEN.split(text)
    plain, tokens = pieces[::2], pieces[1::2]
    # cdktf takes `${` beside a token for the start of an expression, and leaves out the braces of tokens inside it.
    if tokens and ("${" in "".join(plain) or any(piece.endswith("$") for piece in plain[:-1])):
        pieces[1::2] = [resolved(scope, {"": token})[""] for token in tokens]
        return template(*pieces)
    pieces[::2] = [_escaped(piece) for piece in plain]
    return "".join(pieces)


def _escaped(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def parts_of_tokens(document: str) -> Iterator[str]:
    """Yields where a written stack has what Python leaves of a token that it cuts or changes, as by `[:5]` or `* 2`."""
    if _PART_OF_TOKEN.search(document) or _LARGE.search(document):
        yield from _with_parts(json.loads(document), "")


def _with_parts(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _with_parts(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _with_parts(inner, path)
    elif isinstance(value, str):
        if _PART_OF_TOKEN.search(value):
            yield path
    elif isinstance(value, float) and abs(value) > _LARGEST:
        yield path


_PART_OF_TOKEN = re.compile(r"(?i:tftoken\[)|\[TOKEN\.\d|\$\{TfT|\$\{Tf?(?:\"|\Z)")
_LARGE, _LARGEST = re.compile(r"e\+(?:2[89]|30)\d"), 1e280
"""Tokens of numbers are beyond."""


# Building expressions


def interpolated(code: str) -> Expression:
    """Returns Terraform code as a value; text inside it must come from `hcl_literal`."""
    return Expression(f"${{{code}}}")


def template(*parts: str) -> Expression:
    """Returns text and expressions, one after the other, as a single value."""
    result = ""
    for part in parts:
        if isinstance(part, Expression):
            # `$${` would be the escape; a dollar sign in front of an expression is an expression itself.
            text = result.rstrip("$")
            dollars = result[len(text) :]
            result = text + (f'${{"{dollars}"}}' if dollars else "") + part
        else:
            result += _escaped(part)
    return Expression(result)


def hcl_literal(value: str | Sequence[str]) -> str:
    """Returns text, or a list of texts, as a part of Terraform code."""
    return _escaped(json.dumps(value, ensure_ascii=False))


def attribute(address: str, name: str) -> Expression:
    """Returns an attribute of a resource or data source of the same stack."""
    return interpolated(f"{address}.{name}")


EACH_VALUE = attribute("each", "value")


def set_of(code: str) -> Expression:
    """Returns a list as a set for `for_each`."""
    return interpolated(f"toset({code})")


# The organization as it is while planning


ORGANIZATION_ID = attribute(ORGANIZATION, "id")
_ROOT = f"{ORGANIZATION}.roots[0].id"
ROOT_ID = interpolated(_ROOT)
ROOT = set_of(f"[{_ROOT}]")


def services(*, on: Iterable[str], off: Iterable[str]) -> Expression:
    """Returns the trusted services and the declared ones, without the disabled ones."""
    live = f"coalesce({ORGANIZATION}.aws_service_access_principals, [])"
    return interpolated(f"sort(setsubtract(setunion({live}, {hcl_literal(sorted(on))}), {hcl_literal(sorted(off))}))")


def policy_types(types: Sequence[str]) -> Expression:
    """Returns the enabled policy types and the declared ones."""
    live = f"coalesce({ORGANIZATION}.enabled_policy_types, [])"
    return interpolated(f"sort(setunion({live}, {hcl_literal(types)}))")


def live_units(children: str, name: str) -> Expression:
    """Returns the ids of the live units with a name among those that a data source reads."""
    units = f"flatten(values(data.aws_organizations_organizational_units.{children})[*].children)"
    return set_of(f"[for unit in {units} : unit.id if unit.name == {hcl_literal(name)}]")


def live_accounts(email: str) -> Expression:
    """Returns the ids of the open accounts with an e-mail address, those that nobody has activated yet among them."""
    wanted = f"lower(a.email) == {hcl_literal(email.lower())} && contains({hcl_literal(OPEN)}, a.state)"
    return set_of(f"[for a in {ORGANIZATION}.accounts : a.id if {wanted}]")


def live_policy_ids(kind: str) -> Expression:
    """Returns the ids of all live policies of a type."""
    return set_of(f"data.aws_organizations_policies.{kind}.ids")


def live_policies(kind: str, name: str) -> Expression:
    """Returns the ids of the live policies of a type with a name, but for AWS's own."""
    policies = f"data.aws_organizations_policy.{kind}"
    return set_of(f"[for p in {policies} : p.id if !p.aws_managed && p.name == {hcl_literal(name)}]")


def undeclared_accounts(emails: Iterable[str], ids: Iterable[str]) -> str:
    """Returns the code for the addresses of ACTIVE accounts that are in neither list."""
    live = f'a in {ORGANIZATION}.accounts : a.email if a.state == "ACTIVE"'
    unlisted = (
        f"!contains({hcl_literal(sorted(emails))}, lower(a.email)) && !contains({hcl_literal(sorted(ids))}, a.id)"
    )
    return f"[for {live} && {unlisted}]"


def closed_accounts(emails: Iterable[str]) -> str:
    """Returns the code for those of some accounts that are closed or suspended, each with its state."""
    closed = (
        f'a in {ORGANIZATION}.accounts : "${{a.email}} (${{a.state}})" if a.state != "ACTIVE" && '
        f'a.state != "PENDING_ACTIVATION" && contains({hcl_literal(sorted(emails))}, lower(a.email))'
    )
    return f"[for {closed}]"


# What a state says of itself, before it is changed


OWN_STATE, ARCHIVE_STATE = "own", "archive"


def state_exists(name: str, key: str) -> Expression:
    """Returns 1 if there is a state, 0 before the first apply of its stack."""
    return interpolated(f"contains(data.aws_s3_objects.{name}.keys, {hcl_literal(key)}) ? 1 : 0")


def delivery(archive: str, own: str) -> Expression:
    """Returns bucket and key of the trail: of the archive as its state says, as this stack had them before, or its own.

    Args:
        archive: the name of the bucket that the archive has for the trail.
        own: that of the bucket of this stack.
    """
    there, before = (f"data.terraform_remote_state.{name}[0].outputs.delivery" for name in (ARCHIVE_STATE, OWN_STATE))
    kept = (
        f"[for its in [{before}] : {{bucket = its.bucket, key = its.key}} if its.bucket == {hcl_literal(archive)}][0]"
    )
    ours = f"{{bucket = {hcl_literal(own)}, key = null}}"
    return interpolated(f"try({{bucket = {there}.bucket, key = {there}.key}}, {kept}, {ours})")


def _previous(part: str, otherwise: str) -> str:
    """Returns a part of the output `declared_keys` as the last apply left it."""
    output = f"data.terraform_remote_state.{OWN_STATE}[0].outputs.declared_keys"
    return f"try({output}[{hcl_literal(part)}], {otherwise})"


DECLARED = "declared"
"""The local value that holds the keys of now by kind and identity: evaluated once, and read without a search."""


def keys_by_identity(identities: Mapping[str, str]) -> Expression:
    """Returns the key of each identity.

    It is a document inside of text: an identity may be a name that JavaScript does not take for a key.
    """
    return interpolated(_document({identity: key for key, identity in sorted(identities.items())}))


def lost_keys(kind: str, keys: Iterable[str]) -> str:
    """Returns the code for the keys of a kind that were declared and are not now."""
    return f"[for key in setsubtract(keys({_previous(kind, '{}')}), {hcl_literal(sorted(keys))}) : key]"


def changed_keys(kind: str, but: Iterable[str], moves: Mapping[str, str]) -> str:
    """Returns the code for what is under another key than it was: `new (was old)`, old keys left out as told.

    Args:
        kind: the kind of the keys.
        but: old keys that are left out.
        moves: new keys by old ones, which are left out as pairs.
    """
    new = f"try(local.{DECLARED}[{hcl_literal(kind)}][was], old)"
    recorded = f" && {new} != try({_document(moves)}[old], old)" if moves else ""
    pairs = f"[for old, was in {_previous(kind, '{}')} : [old, {new}] if {new} != old{recorded}]"
    return (
        f'[for pair in {pairs} : "${{pair[1]}} (was ${{pair[0]}})" if !contains({hcl_literal(sorted(but))}, pair[0])]'
    )


def joined_keys(kind: str, moves: Mapping[str, str]) -> str:
    """Returns the code for moves whose new key is not of the thing that had the old key: `new (was old)`."""
    was = _previous(kind, "{}")
    same = f'try(local.{DECLARED}[{hcl_literal(kind)}][{was}[old]], "") == new'
    return f'[for old, new in {_document(moves)} : "${{new}} (was ${{old}})" if can({was}[old]) && !({same})]'


def _document(texts: Mapping[str, str]) -> str:
    return f"jsondecode({hcl_literal(json.dumps(dict(texts)))})"


def previous_administrators() -> str:
    """Returns the code for those who had full access to the management account."""
    return _previous("administrators", "[]")


# Conditions


def is_empty(code: str) -> Expression:
    """Returns the condition that a list has nothing in it."""
    return interpolated(f"length({code}) == 0")


def listed(code: str) -> Expression:
    """Returns the texts of a list, with commas between them."""
    return interpolated(f'join(", ", {code})')


# IAM Identity Center


INSTANCE_ARN = interpolated(f"tolist({INSTANCES}.arns)[0]")
IDENTITY_STORE_ID = interpolated(f"tolist({INSTANCES}.identity_store_ids)[0]")
INSTANCE_FOUND = interpolated("length(self.arns) > 0")
