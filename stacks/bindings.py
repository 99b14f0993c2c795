"""Lazy loading of the AWS provider bindings: loads the handful of resource modules in use instead of all 2,200.

Changes nothing in what is synthesized. Where the bindings do not look as expected they load the plain, slow way;
tests/test_bindings.py notices.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from shutil import which
from types import ModuleType

BINDINGS = "cdktf_cdktf_provider_aws"
HOOK = Path(__file__).resolve().with_name("lazy_bindings.cjs")


def install_lazy_bindings() -> None:
    """Defers the bindings in Python and starts the jsii kernel with its Node deferring them too."""
    _defer_modules()
    # The first assembly that is imported, constructs, starts the kernel. Once it runs it is too late.
    if "constructs" not in sys.modules:
        with _kernel_environment():
            import_module("constructs")


def _defer_modules() -> None:
    """Registers the bindings' package without running its __init__, which imports every module of it."""
    if BINDINGS in sys.modules:
        return
    spec = find_spec(BINDINGS)
    if spec is None or not any(Path(place, "_jsii").is_dir() for place in spec.submodule_search_locations or ()):
        return
    package = module_from_spec(spec)
    package.__getattr__ = _submodule  # type: ignore[method-assign]  # PEP 562
    sys.modules[BINDINGS] = package


def _submodule(name: str) -> ModuleType:
    try:
        return import_module(f"{BINDINGS}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{BINDINGS}.{name}":
            raise
        raise AttributeError(f"module {BINDINGS!r} has no attribute {name!r}") from None


@contextmanager
def _kernel_environment() -> Iterator[None]:
    """Sets what only the kernel's Node is to see: child processes started later inherit none of it."""
    before = dict(os.environ)
    # Where PATH has no Node that fits, `make` has put some beside this Python.
    places = os.pathsep.join([str(Path(sys.executable).parent), before.get("PATH", os.defpath)])
    if "JSII_NODE" not in before and which("node", path=places) is None:
        sys.exit("error: no node on PATH; make setup installs one")
    os.environ["PATH"] = places
    # The cdktf CLI is tied to Node 20 and 22, so the kernel's banner about the end of 20 helps nobody.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    if HOOK.exists():  # otherwise Node would die of it
        path = str(HOOK).replace("\\", "\\\\").replace('"', '\\"')
        os.environ["NODE_OPTIONS"] = f'{before.get("NODE_OPTIONS", "")} --require "{path}"'.strip()
    try:
        yield
    finally:
        for name in ("PATH", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "NODE_OPTIONS"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
