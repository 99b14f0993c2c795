"""Your own layers: the code in `stacks/layers/` that a configuration switches on by a file in its folder `layers/`.

`stack.py` is read here and not run, `model.py` is run by its path: `strata check` loads neither `stacks` nor cdktf.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated, get_args, get_origin

from pydantic import BaseModel, Field

from strata.atomic import UnreadableError, read_bytes
from strata.config.models import ACCESS_ROLE, Model
from strata.config.source import shown
from strata.config.text import short
from strata.config.types import AccountReference, AssumedRole, Many, PlaceReference, did_you_mean
from strata.errors import Fault, Message

SHIPPED = Path(__file__).resolve().parents[2] / "stacks"
CODE = SHIPPED / "layers"
ACCOUNTS, BASELINE_LAYER = "accounts", "baseline"
DETECTION_LAYER, DELEGATION = "detection", "detection-delegation"
ARCHIVE = "archive"
"""The layers that come with Strata: the attributes of accounts, their baseline, detection, and the log archive.

Detection is two: the account that administers it has a stack, and before that the management account, by `DELEGATION`.
"""
STACKS = ("backend", "organizations", "security", "sso")
"""The stacks of Strata itself, in the order of a first deploy."""
GIVEN = ("landing_zone", "settings", "account")
"""What a layer may ask for besides stacks."""
READER = "reader"
"""The policy that a plan needs; a deploy needs it and those of the stacks that it deploys, which have their names."""
IN_ACCOUNT = "_"
"""What stands between layer and account in the name of a stack; no key and no name of a layer has it."""

_BINDINGS = ("cdktf_cdktf_provider_aws", "cdktn_provider_aws")
_STACK, _SETTINGS, _BASES = "Stack", "Settings", ("AccountStack", "BaseStack")
_LONGEST_NAME = 64


class Rollout(Model):
    """In which order the stacks of a layer are deployed, and how many failures it takes to stop."""

    waves: Annotated[Many[Annotated[Many[PlaceReference], Field(min_length=1)]], Field(min_length=1)]
    """Accounts by key, `ou/KEY` for a unit and all below, `root` or `all`: each is in the first that names it."""
    at_once: Annotated[int, Field(ge=1)] | None = None
    """How many stacks are deployed at once at most; --at-once says otherwise."""
    stop_after: Annotated[int, Field(ge=0)] = 0
    """So many stacks of a wave may fail, and the next one begins all the same."""


ROLE = "strata_role"
"""The variable that is the name of the role to assume, where that is not always the access role."""


class Roles(Model):
    """The roles that the stacks of a layer assume in their accounts."""

    reader: AssumedRole = ACCESS_ROLE
    """While a plan is made."""
    writer: AssumedRole = ACCESS_ROLE
    """While it is applied."""


class Deploying(Model):
    """What the file of a layer says to Strata itself, beside the settings of the layer's code."""

    rollout: Rollout | None = None
    roles: Roles | None = None
    account: AccountReference | None = None
    """The member account that has its only stack, which other layers may read."""
    accounts: Annotated[Many[PlaceReference], Field(min_length=1)] | None = None
    """The member accounts that have a stack, where not all have: by key, `ou/KEY` for a unit and all below, `root`."""


@dataclass(frozen=True)
class Code:
    """What the folder of a layer says."""

    folder: Path
    inputs: tuple[str, ...] = ()
    """The keyword arguments of its stack."""
    in_accounts: bool = False
    """It has a stack in each member account, none in the management account."""
    model: type[Model] | None = None

    @property
    def package(self) -> str:
        """Returns the Python package that has its stack."""
        return f"stacks.{self.folder.name}" if self.folder.parent == SHIPPED else f"stacks.layers.{self.folder.name}"


@dataclass(frozen=True)
class Layer:
    """A layer that takes part, with its settings."""

    name: str
    code: Code
    settings: BaseModel | None = None
    deploying: Deploying = field(default_factory=Deploying)
    source: str = ""
    """The file that switches it on, of one that comes with Strata."""
    called: str = ""
    """The name of its single stack, where that is not its own."""
    records: bool = True
    """What it may make of AWS Config is made: of the baseline where detection.yaml says so."""
    chosen: frozenset[str] | None = None
    """The accounts at the places of its file, where it names any."""

    @property
    def roles(self) -> Roles:
        """Returns the roles that its stacks assume."""
        return self.other_roles or Roles()

    @property
    def other_roles(self) -> Roles | None:
        """Returns the same where they are not always the access role."""
        return self.deploying.roles

    @property
    def file(self) -> str:
        """Returns the name of its file in the folder of the configuration."""
        return self.source or f"layers/{self.name}.yaml"

    @property
    def by_place(self) -> tuple[str, ...]:
        """Returns the settings that are mappings by place: those whose keys are `PlaceReference`."""
        fields = type(self.settings).model_fields.items() if self.settings else ()
        placed = ((name, get_args(field.annotation)) for name, field in fields if get_origin(field.annotation) is dict)
        return tuple(name for name, arguments in placed if arguments[0] == PlaceReference)

    @property
    def stack(self) -> str:
        """Returns the name of its stack, of a layer that has a single one."""
        return self.stack_in(self.deploying.account) if self.deploying.account else self.called or self.name

    @property
    def reads(self) -> tuple[str, ...]:
        """Returns the names of the layers, and of the stacks of Strata, that it reads from."""
        read = (stack_name(argument) for argument in self.code.inputs if argument not in GIVEN)
        return tuple(sorted({*read, *(("organizations",) if self.code.in_accounts else ())}))

    @property
    def in_each_account(self) -> bool:
        """Returns whether it has a stack in each member account, and so no single one."""
        return self.code.in_accounts and not self.deploying.account

    def is_in(self, account: str) -> bool:
        """Says whether it has a stack in a member account."""
        here = self.deploying.account in (None, account) and (self.chosen is None or account in self.chosen)
        return self.code.in_accounts and here

    def stack_in(self, account: str) -> str:
        """Returns the name of its stack in an account."""
        return f"{self.name}{IN_ACCOUNT}{account}"


def baseline_in(account: str) -> str:
    """Returns the name of the stack that has the baseline of an account."""
    return f"{BASELINE_LAYER}{IN_ACCOUNT}{account}"


def stack_name(argument: str) -> str:
    """Returns the stack that a keyword argument stands for."""
    return argument.replace("_", "-")


def deploying_keys(code: Code) -> tuple[str, ...]:
    """Returns what the file of a layer may say to Strata itself; where detection has its stack, its own words say."""
    return ("roles",) if code.folder == SHIPPED / DETECTION_LAYER else tuple(Deploying.model_fields)


def folder_of(name: str) -> Path:
    """Returns where the code of a layer is: in the folder of its name, with `_` for `-` as Python's modules have it."""
    exact, pythonic = CODE / name, CODE / name.replace("-", "_")
    return exact if exact.is_dir() else pythonic


def shipped(name: str, file: str, model: type[Model] | None = None) -> Layer:
    """Returns a layer that comes with Strata, without its settings."""
    inputs, in_accounts, called = _SHIPPED[name]
    folder = SHIPPED / name.replace("-", "_")
    code, records = Code(folder, inputs, in_accounts, model), name != BASELINE_LAYER
    return Layer(name, code, source=file, called=called, records=records)


_SHIPPED: Mapping[str, tuple[tuple[str, ...], bool, str]] = {
    ACCOUNTS: (("landing_zone", "organizations"), False, ""),
    BASELINE_LAYER: (("settings", "account"), True, ""),
    DELEGATION: (("landing_zone", "organizations"), False, DETECTION_LAYER),
    DETECTION_LAYER: (("landing_zone", "account", "organizations", "detection_delegation"), True, ""),
    ARCHIVE: (("landing_zone", "account", "organizations"), True, ""),
}
"""What the stack of each is given, whether it is in member accounts, and its name where it is not the layer's."""


def unused(names: Collection[str]) -> list[Path]:
    """Returns the code of the layers that a configuration with these layers does not switch on."""
    used = {folder_of(name) for name in names}
    return sorted(path.parent for path in CODE.glob("*/stack.py") if path.parent not in used)


def read_code(name: str, file: str) -> tuple[Code | None, list[Fault]]:
    """Returns what the code of a layer says, and the faults in it; `file` has its settings."""
    if refused := _name_problem(name):
        return None, [Fault(file, 1, "", *refused)]
    folder = folder_of(name)
    stack, model = folder / "stack.py", folder / "model.py"
    if not stack.is_file():
        near = did_you_mean(folder.name, (path.parent.name for path in CODE.glob("*/stack.py")))
        text = f"there is no layer {short(name)}: {_shown(stack)} does not exist{near}"
        problem = Message("unknown-name", text, kind="layer", name=name)
        return None, [Fault(file, 1, "", problem, "correct the name of the file, or add the layer, see docs/layers.md")]
    tree, faults = _parsed(stack)
    code = Code(folder)
    if tree:
        declared = _stack_class(stack, tree)
        code, faults = (declared, faults) if isinstance(declared, Code) else (code, [declared])
    if not model.exists():
        return (None if faults else code), faults
    kind = _settings(model)
    if isinstance(kind, Fault):
        return None, [*faults, kind]
    return (None if faults else Code(code.folder, code.inputs, code.in_accounts, kind)), faults


def wiring_faults(layers: Mapping[str, Layer], broken: Collection[str]) -> Iterator[Fault]:
    """Yields what a layer asks for and cannot be given; of those that are broken nothing is known."""
    for layer in layers.values():
        code, stack = layer.code, layer.code.folder / "stack.py"
        others = [other for other in layers.values() if other.name != layer.name and not other.in_each_account]
        known = {*GIVEN, *STACKS, *(other.name.replace("-", "_") for other in others)}
        if not code.in_accounts:
            known.discard("account")
        if code.model is None:
            known.discard("settings")
        for argument in code.inputs:
            if argument not in known and stack_name(argument) not in (layer.name, *broken):
                text = f"its stack asks for {short(argument)}, which it does not get{did_you_mean(argument, known)}"
                problem = Message("unknown-name", text, kind="argument", name=argument)
                remedy = f"it may ask for {', '.join(sorted(known))}: see docs/layers.md"
                yield Fault(_shown(stack), 1, "", problem, remedy)
    left = sorted(layers.keys() - in_order(layers).keys())
    for name in left:
        text = f"can never be deployed: among {', '.join(left)} are layers that wait for each other"
        stack = layers[name].code.folder / "stack.py"
        remedy = "let one of them not read the other"
        yield Fault(_shown(stack), 1, "", Message("layers-in-circle", text, layers=left), remedy)


def in_order(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """Returns layers after those that they read from, by name otherwise; those in a circle are left out."""
    done: dict[str, Layer] = {}
    while True:
        ready = [
            name
            for name, layer in sorted(layers.items())
            if name not in done and {*layer.reads}.intersection(layers) <= done.keys()
        ]
        if not ready:
            return done
        done |= {name: layers[name] for name in ready}


def _name_problem(name: str) -> tuple[Message, str] | None:
    if name in (*STACKS, READER, *GIVEN, *map(stack_name, GIVEN)):
        problem = f"{short(name)} cannot be the name of a layer: it means something already"
        return Message("name-reserved", problem, value=name), "choose another name"
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789-"
    if len(name) > _LONGEST_NAME or not name[:1].isalpha() or not set(name) <= set(allowed):
        rule = f"a lower-case letter, then such letters, digits and hyphens, at most {_LONGEST_NAME}"
        problem = f"{short(name)} cannot be the name of a layer: {rule}"
        message = Message("text-malformed", problem, kind="layer", value=name)
        return message, "rename the file, and the folder below stacks/layers/"
    return None


def _shown(file: Path) -> str:
    return shown(file.parent, file.name)


# stack.py, which is not run


def _parsed(file: Path) -> tuple[ast.Module | None, list[Fault]]:
    try:
        with _PARSING:
            return ast.parse(read_bytes(file), str(file)), []
    except SyntaxError as error:
        lines = max(len(file.read_bytes().splitlines()), 1)
        at, problem = min(error.lineno or 1, lines), Message("not-python", f"is not Python: {error.msg}")
        return None, [Fault(_shown(file), at, "", problem, "correct it")]
    except (ValueError, RecursionError, MemoryError) as error:
        return None, [Fault(_shown(file), 1, "", Message("not-python", f"is not Python: {error}"), "correct it")]
    except UnreadableError as error:
        return None, [Fault(_shown(file), 1, "", error.problem, error.remedy)]


_PARSING = Lock()
"""Before CPython 3.11.8, threads that parse at the same time may get a SystemError.

https://github.com/python/cpython/issues/106905
"""


def _stack_class(file: Path, tree: ast.Module) -> Code | Fault:
    kinds = {statement.name: statement for statement in tree.body if isinstance(statement, ast.ClassDef)}
    kind = kinds.get(_STACK)
    if kind is None:
        remedy = "name it class Stack(BaseStack), or class Stack(AccountStack) for one in each member account"
        return Fault(_shown(file), 1, "", Message("class-missing", f"has no class {_STACK}", name=_STACK), remedy)
    line, bases = [kind], list[str]()
    for one in line:  # which grows by the classes of the file that it is derived from
        named = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in one.bases]
        bases += named
        line += [kinds[name] for name in named if name in kinds and kinds[name] not in line]
    if not set(bases).intersection(_BASES):
        problem = f"class {_STACK} is derived neither from BaseStack nor from AccountStack, as this file has it"
        message = Message("class-not-derived", problem, name=_STACK)
        return Fault(_shown(file), kind.lineno, "", message, "derive it from one of the two by its name")
    methods = (statement for one in line for statement in one.body if isinstance(statement, ast.FunctionDef))
    made = next((method for method in methods if method.name == "__init__"), None)
    arguments = zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True) if made else ()
    inputs = tuple(argument.arg for argument, default in arguments if default is None)
    return Code(file.parent, inputs, in_accounts="AccountStack" in bases)


def types_of(folder: Path, *, components: bool = True) -> list[str]:
    """Returns the Terraform types whose classes the code of a layer imports, `data.` before sources of data.

    What it has from `stacks.components` counts as its own.

    Args:
        folder: the code.
        components: those count, too, that it imports as a module.
    """
    nodes = _nodes(folder.glob("*.py"))
    modules = _imported(nodes)
    if components:
        whole = (node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == _COMPONENTS)
        modules |= {f"{_COMPONENTS}.{name.name}" for node in whole for name in node.names}
    names = (module.rpartition(".")[2] for module in modules if module.startswith(f"{_COMPONENTS}."))
    modules |= _imported(_nodes(SHIPPED / "components" / f"{name}.py" for name in names))
    parts = (module.split(".")[1] for module in modules if module.partition(".")[0] in _BINDINGS and "." in module)
    names = (part.replace("_", ".", 1) if part.startswith("data_aws_") else f"aws_{part}" for part in parts)
    return sorted({*names} - {"aws_provider"})


_COMPONENTS = "stacks.components"


def _nodes(files: Iterable[Path]) -> list[ast.AST]:
    return [node for file in sorted(files) if (tree := _parsed(file)[0]) for node in ast.walk(tree)]


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Returns the modules that code imports."""
    nodes = list(nodes)
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return modules | {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}


# model.py, which is


def _settings(file: Path) -> type[Model] | Fault:
    """Returns the class of the settings, or why there is none."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout may be JSON
            kind = getattr(_loaded(file), _SETTINGS, None)
            if isinstance(kind, type) and issubclass(kind, Model):
                kind.model_rebuild()
                return kind
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # of code that somebody wrote
        problem = f"cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())}"
        message = Message("model-fails", problem, error=type(error).__name__)
        return Fault(_shown(file), _line_of(error, file), "", message, "correct it")
    problem = f"has no class {_SETTINGS} that is derived from Model"
    remedy = "write class Settings(Model), with Model of strata.config.models, which refuses unknown keys"
    return Fault(_shown(file), 1, "", Message("class-missing", problem, name=_SETTINGS), remedy)


def _loaded(file: Path) -> object:
    name = f"strata_layer_{file.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks there for the names in annotations
    spec.loader.exec_module(module)
    return module


def _line_of(error: BaseException, file: Path) -> int:
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(file)), 1)


def failure(code: Code, error: BaseException) -> Fault:
    """Returns what a validator of a layer says that fails in a way that validators do not."""
    file = code.folder / "model.py"
    problem = f"fails at these settings: {type(error).__name__}: {' '.join(str(error).split())}"
    message = Message("model-fails", problem, error=type(error).__name__)
    return Fault(_shown(file), _line_of(error, file), "", message, "raise a ValueError for what is not allowed")
