"""Serves cdktn under cdktf's names, where cdktn is installed and cdktf is not; docs/decisions/cdktn.md says why.

`from cdktf import App` and `from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket` return the classes of `cdktn` and
`cdktn_provider_aws`, which can be imported by these names as well.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

NAMES = {"cdktf": "cdktn", "cdktf_cdktf_provider_aws": "cdktn_provider_aws"}


def serve_cdktf_names() -> None:
    """Has Python find cdktn by cdktf's names from now on."""
    if find_spec("cdktf") is None and find_spec("cdktn") is not None:
        # First, or Python would load a module of the bindings a second time under its other name.
        sys.meta_path.insert(0, _Alias())


class _Alias(MetaPathFinder, Loader):
    """Finds a module by its old name, and puts that with the other name in its place."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname.partition(".")[0] in NAMES else None

    def exec_module(self, module: ModuleType) -> None:
        package, dot, rest = module.__name__.partition(".")
        sys.modules[module.__name__] = import_module(f"{NAMES[package]}{dot}{rest}")
