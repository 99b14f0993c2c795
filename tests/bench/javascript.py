"""The yardstick: an app in JavaScript that makes the same resources, without Python between."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from strata.terraform.tools import find_node

APP = Path(__file__).with_name("app.cjs")
PACKAGES = {
    "cdktf": "cdktf",
    "constructs": "constructs",
    "cdktf_cdktf_provider_aws": "@cdktf/provider-aws",
}
"""The Node package that each of our Python packages brings along."""


def command(synthesized: Path, folder: Path) -> Sequence[str]:
    """Unpacks what the app needs into a folder, and returns the command that synthesizes what main.py did."""
    for package, name in PACKAGES.items():
        _unpack(package, folder / "node_modules" / name)
    stacks = {file.parent.name: _resources(json.loads(file.read_text())) for file in synthesized.glob("*/cdk.tf.json")}
    (folder / "resources.json").write_text(json.dumps(stacks))
    app = folder / APP.name
    app.write_bytes(APP.read_bytes())  # so that Node finds the packages beside it
    return [str(find_node(os.environ)), str(app), str(folder / "resources.json"), str(folder / "out")]


def _unpack(package: str, target: Path) -> None:
    spec = find_spec(package)
    assert spec
    assert spec.origin
    (archive,) = Path(spec.origin).parent.glob("_jsii/*.tgz")
    target.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name:
                tar.extract(member, target, filter="data")


def _resources(stack: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parts of a stack that are resources of AWS, without the comments of cdktf."""
    (provider,) = stack["provider"]["aws"]
    backend = {key: stack["terraform"]["backend"]["s3"][key] for key in ("bucket", "key", "region")}
    return {
        "provider": provider,
        "backend": backend,
        **{part: _of_aws(stack.get(part, {})) for part in ("resource", "data")},
    }


def _of_aws(types: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: {name: {key: value for key, value in one.items() if key != "//"} for name, one in named.items()}
        for kind, named in types.items()
        if kind.startswith("aws_")
    }
