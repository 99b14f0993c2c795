"""What AWS provider 5.100 lacks of the pinned one, made good in the Terraform of a stack: the shims, all of them.

Run as a command it is Terraform: it mends the stack in the folder that Terraform runs in, then becomes Terraform.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_STATE = re.compile(r"(?<=\b[a-z]\.)state\b|(?<=\baccount\.)state\b")
_REGION_OF_IMPORT = re.compile(r"@[a-z]{2}-[a-z]+-\d$")


def mend(stack: Json, version: str) -> None:
    """Changes the JSON of a stack so that provider 5 takes it; what is mended already stays."""
    stack["terraform"]["required_providers"] = {"aws": {"source": "hashicorp/aws", "version": version}}
    _alias_regions(stack)
    for rules in _entries(stack, "aws_s3_bucket_server_side_encryption_configuration"):
        for rule in rules["rule"]:
            rule.pop("blocked_encryption_types", None)
    _read_status(stack)


def _alias_regions(stack: Json) -> None:
    """Gives what is in another region a provider of that region: the argument `region` is new in version 6."""
    providers = stack["provider"]["aws"]
    home = providers[0]
    regions = {provider["region"] for provider in providers if "alias" in provider}
    for kind, entries in [*stack.get("resource", {}).items(), *stack.get("data", {}).items()]:
        for entry in entries.values() if kind.startswith("aws_") else ():
            region = entry.pop("region", home["region"])
            if region != home["region"]:
                entry["provider"] = f"aws.{region}"
                regions.add(region)
    stack["provider"]["aws"] = [home, *({**home, "region": region, "alias": region} for region in sorted(regions))]
    for block in stack.get("import", ()):
        block["id"] = _REGION_OF_IMPORT.sub("", block["id"])


def _read_status(stack: Json) -> None:
    """Reads `status` of accounts, since `state` is new in version 6."""
    for section in ("data", "import", "locals", "output", "resource"):
        if section in stack:
            stack[section] = _with_status(stack[section])


def _with_status(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_status(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_status(inner) for inner in value]
    return _STATE.sub("status", value) if isinstance(value, str) and "${" in value else value


def _entries(stack: Json, kind: str) -> list[Json]:
    return list(stack.get("resource", {}).get(kind, {}).values())


def main(terraform: str, version: str, arguments: list[str]) -> None:
    """Mends the stack and becomes Terraform."""
    folder = next((each.removeprefix("-chdir=") for each in arguments if each.startswith("-chdir=")), ".")
    file = Path(folder, "cdk.tf.json")
    if file.exists():
        stack = json.loads(file.read_text())
        mend(stack, version)
        file.write_text(json.dumps(stack, indent=2))
    os.execv(terraform, [terraform, *arguments])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
