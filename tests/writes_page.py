"""What docs/deploy.md says each command writes at AWS: by the policies, the steps, the ways back and the code."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from strata.config.layers import ACCOUNTS, BASELINE_LAYER, DELEGATION, DETECTION_LAYER, shipped, types_of
from strata.landing_zone.permissions import STACKS, template, types
from tests.documents import CHECKOUT, with_rows

READS = re.compile(r"(?:BatchGet|Describe|Get|Head|List|Lookup|Query|Scan|View|Assume)|Decrypt$")
_STRATA = CHECKOUT / "strata"
_ONLY = {
    "iam": re.compile(r".*Role$|.*OrganizationsRoot"),  # others that are named are Identity Center's
    "organizations": re.compile(r"(?!TagResource)"),  # which DynamoDB has as well
}
_ANY = re.compile("")
"""What a service may be meant by, where another has operations of the same name."""
_HEAD = "| Command | Service | Writing calls |"
Calls = Mapping[str, frozenset[str]]


@cache
def by_command() -> Calls:
    """Returns the writing calls, as IAM names them for a deploy, as operations for all else."""
    stacks = {f"deploy {stack}": _allowed(json.loads(template(stack))) for stack in STACKS}
    layers = {
        f"deploy {called}": frozenset(action for name in names for action in _of_layer(name))
        for called, names in (
            ("accounts", (ACCOUNTS,)),
            ("baseline", (BASELINE_LAYER,)),
            ("detection", (DELEGATION, DETECTION_LAYER)),
        )
    }
    return {
        "bootstrap": _named_in(
            ("aws/state_store.py", "aws/prerequisites.py", "aws/resources.py"), ("dynamodb", "organizations", "s3")
        ),
        "deploy": _named_in(
            ("aws/kept.py", "aws/identity_center.py", "terraform/recovery.py"), ("dynamodb", "s3", "sso-admin")
        ),
        **stacks,
        **layers,
    }


def page(text: str) -> str:
    """Returns docs/deploy.md with the table made anew."""
    return with_rows(text, _HEAD, _rows())


def _rows() -> Iterator[str]:
    for command, calls in by_command().items():
        services = defaultdict[str, list[str]](list)
        for call in sorted(calls):
            services[call.partition(":")[0]].append(f"`{call.partition(':')[2]}`")
        yield from (f"| `{command}` | {service} | {', '.join(named)} |" for service, named in sorted(services.items()))


def _allowed(document: Any) -> frozenset[str]:
    allowed = (statement for statement in document["Statement"] if statement["Effect"] == "Allow")
    listed = (statement["Action"] for statement in allowed)
    return _writing(action for some in listed for action in ([some] if isinstance(some, str) else some))


def _of_layer(name: str) -> frozenset[str]:
    rows = [row for type in types_of(shipped(name, "").code.folder) if (row := types().get(type))]
    steps = json.loads((_STRATA / "policies/steps.json").read_text(encoding="utf-8")).get(name, {"writes": []})
    return _writing(action for row in [*rows, steps] for action in row["writes"])


def _writing(actions: Iterable[str]) -> frozenset[str]:
    return frozenset(action for action in actions if not READS.match(action.partition(":")[2]))


def _named_in(files: Iterable[str], services: Iterable[str]) -> frozenset[str]:
    """Returns the operations whose names stand in files as those of boto3 or of the AWS CLI."""
    texts = "\n".join((_STRATA / file).read_text(encoding="utf-8") for file in files)
    words = {word.replace("-", "_") for word in re.findall(r"\b[a-z]+(?:[_-][a-z0-9]+)+\b", texts)}
    return frozenset(call for service in services for call in _operations(service, words))


def _operations(service: str, words: set[str]) -> Iterator[str]:
    import botocore.session
    from botocore import xform_name

    model = botocore.session.get_session().get_service_model(service)
    for name in model.operation_names:
        if xform_name(name) in words and not READS.match(name) and _ONLY.get(service, _ANY).match(name):
            yield f"{model.signing_name if service != 'account-access' else service}:{name}"
