"""The form of import ids, as the importers of the AWS provider read them.

`<part>` is one of the parts below, `[...]` may be left out.
"""

from __future__ import annotations

import re
from functools import cache

from strata.config.text import Problem, short
from strata.errors import Message
from strata.kinds import RESOURCES

_PARTS = {
    "account id": r"[0-9]{12}",
    "budget name": r"[^:\\\s]+(?: [^:\\\s]+)*",
    "region": r"[a-z]{2}(?:-[a-z]+)+-[0-9]",
    "service setting": r"[^\s{}]+",
}
"""The parts that have a form of their own, by their name in a remedy; of the others AWS says whether it has them."""
_ARN, _OTHER = r"arn:aws:[^\s{}]+", r"[^\s:{}]+"
_ANYWHERE = "[@<region>]"
"""The optional end of the id of a regional type."""
_LONGEST = 2048


def check_import_id(kind: str, import_id: str) -> None:
    """Refuses an id that the importer of a resource type cannot read.

    Raises:
        Problem: the id is of another form, or the provider imports nothing of this type.
    """
    resource = RESOURCES.get(kind)
    if resource and not resource.form:
        problem = f"the AWS provider imports no {kind}, and it needs no import"
        message = Message("not-importable", problem, type=kind)
        raise Problem(message, "remove the line: creating the resource updates the existing settings")
    if resource is None:
        if not re.fullmatch(r"[!-~]+", import_id) or re.search(r"[$%]\{", import_id) or len(import_id) > _LONGEST:
            problem = f"{short(import_id)} is not an import id"
            message = Message("text-malformed", problem, kind="import id", value=import_id, type=kind)
            raise Problem(message, "write the id AWS shows, as plain text")
    elif len(import_id) > _LONGEST or not _pattern(resource.form).fullmatch(import_id):
        readable = resource.form.replace(_ANYWHERE, "")
        problem = f"{short(import_id)} is not the id of an {kind}"
        message = Message("text-malformed", problem, kind="import id", value=import_id, type=kind)
        raise Problem(message, f"write it as {readable}")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    pattern = ""
    for part in re.split(r"(<[^>]+>|\[|\])", form):
        if part.startswith("<"):
            pattern += f"(?:{_part(part[1:-1])})"
        else:
            pattern += {"[": "(?:", "]": ")?"}.get(part, re.escape(part))
    return re.compile(pattern)


def _part(name: str) -> str:
    """Returns the pattern of a part by its name, which may say all that it can be, as in `GROUP or USER`."""
    if re.fullmatch(r"[A-Z]+(?:, [A-Z]+)* or [A-Z]+", name):
        return "|".join(re.findall("[A-Z]+", name))
    return _PARTS.get(name, _ARN if name.endswith(" ARN") else _OTHER)
