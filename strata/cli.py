"""The `strata` command: its subcommands, the options they share, and how failures end.

Without `from __future__ import annotations`, which would have some 200 annotations compiled singly at every start.
"""

import copy
import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from strata import commands, completion
from strata.errors import ConfigurationError, StrataError, UsageError, unforeseen
from strata.help import LINES, Commands, print_version
from strata.options import Options, usual_config
from strata.printing import document, guarded, line
from strata.text import counted

app = typer.Typer(
    name="strata",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An AWS landing zone from a few YAML files: state, organization, security, sign-in.",
)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="DIR", help="The configuration folder (STRATA_CONFIG, else config).", show_default=False
    ),
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="The AWS CLI profile to use.", show_default=False)]
RegionOption = Annotated[
    str | None, typer.Option("--region", help="The AWS region, instead of the primary one.", show_default=False)
]
RequestRegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        help="The region of the request. Default: any, so that an answer that differs by region is 'depends'.",
        show_default=False,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")]

_SHARED: dict[str, Any] = {
    "config": ConfigOption,
    "profile": ProfileOption,
    "region": RegionOption,
    "quiet": QuietOption,
    "verbose": VerboseOption,
    "debug": DebugOption,
}


_CALLING = frozenset(
    {
        *("init", "adopt", "bootstrap", "rename", "plan", "deploy"),
        *("explain", "report", "doctor", "drift", "profiles"),
    }
)
_OF_AWS: dict[str, frozenset[str]] = {
    "profile": _CALLING,
    "region": _CALLING | {"can"},
}
"""The commands behind which these options may stand: those that call AWS; `can` asks about a request in a region."""


def _shared(command: str) -> dict[str, Any]:
    options = {**_SHARED, "region": RequestRegionOption} if command == "can" else _SHARED
    return {key: option for key, option in options.items() if command in _OF_AWS.get(key, {command})}


@app.callback()
def _before(
    context: typer.Context,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    context.obj = {name: value for name, value in locals().items() if name in _SHARED and value}


def command(name: str, example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers a declaration as a command that also takes the shared options, and runs the function of its module.

    The module is imported only then: that of a command whose argument a shell completes would take three times as long.
    """

    def register(declared: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(declared)
        lists = {key for key, parameter in own.parameters.items() if "list[" in str(parameter.annotation)}
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *own.parameters.values(),
            *(_parameter(key, annotation) for key, annotation in _shared(name).items()),
        ]

        @functools.wraps(declared)
        def run(context: typer.Context, **values: Any) -> None:
            given = {**(context.obj or {}), **{key: values[key] for key in _SHARED if values.get(key)}}
            options = Options(**{"config": usual_config(), **given})
            arguments = {key: value for key, value in values.items() if key not in _SHARED}
            arguments |= {key: () for key in lists if not arguments[key]}
            with guarded():
                as_json = bool(arguments.get("json")) or arguments.get("format") == "json"
                json_of = name if as_json else None
                work = functools.partial(_run, name, options, arguments)
                raise typer.Exit(_outcome(work, options, json_of))

        run.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters], return_annotation=None
        )
        run.__annotations__ = {}  # typer would resolve each again; the signature has them
        listed = LINES.get(name)
        app.command(name, short_help=listed, hidden=listed is None, epilog=f"Example: {example}")(run)
        return declared

    return register


def _run(name: str, options: Options, arguments: Mapping[str, Any]) -> int:
    return function_of(name)(options, **arguments)


def function_of(name: str) -> Callable[..., int]:
    """Imports the module of a command, and returns the function that takes what its declaration lists."""
    module, function = _ELSEWHERE.get(name, (name, "run"))
    found: Callable[..., int] = getattr(import_module(f"{commands.__name__}.{module}"), function)
    return found


_ELSEWHERE = {
    "add": ("edit.add", "run"),
    "expire": ("edit.expire", "run"),
    "remove": ("edit.remove", "remove"),
    "rename": ("edit.rename", "run"),
    "retire": ("edit.remove", "retire"),
}
"""The module and the function of each command that is not `run` of the module of its name."""


def _parameter(key: str, annotation: Any) -> inspect.Parameter:
    """Returns a parameter of a command: a flag is off where it is not given, anything else is None."""
    default = False if get_args(annotation)[:1] == (bool,) else None
    return inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _outcome(run: Callable[[], int], options: Options, json_of: str | None) -> int:
    """Runs a command; known failures become a line each, and JSON where that was asked, and exit code 1."""
    code = 1
    try:
        code = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return code
    except Exception as error:
        if options.debug and not isinstance(error, StrataError):
            raise
        if options.debug:
            traceback.print_exc()
        for text in _words(error, every=options.verbose):
            print(text, file=sys.stderr)
        if json_of and not getattr(error, "printed", False):
            from strata.outputs import error_facts, output

            with suppress(OSError):  # what stdout cannot take is told on stderr
                document(output(json_of, error_facts(error)))
        if isinstance(error, OSError):
            _drop_stdout()
        return 2 if isinstance(error, UsageError) else 1
    return code


def _words(error: Exception, *, every: bool) -> Iterator[str]:
    """Yields the error lines of an exception, short unless all are asked for."""
    if isinstance(error, ConfigurationError):
        lines = list(error.lines(every=every))
        yield from lines
        left = "" if every or lines == list(error.lines(every=True)) else "; strata check -v has all of each"
        yield f"{counted(len(error.faults), 'fault')} in the configuration{left}"
    elif isinstance(error, StrataError):
        yield from error.lines()
    else:
        yield line(f"error: {unforeseen(error)}")


def _drop_stdout() -> None:
    """Discards the remaining output, so that the end of the process does not fail at it again."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]
ThoroughOption = Annotated[
    bool, typer.Option("--thorough", help="Search every account for assignments of deleted users: many more calls.")
]


@command("check", "strata check --config config")
def check(
    *,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="List assignments that end within 14 days of it; exit 3 if any."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check the configuration: every fault with file, line, rule and remedy. Reads files only."""


@command("expire", "strata expire --as-of 2027-01-31")
def expire(
    *,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Remove what ended before this date.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Take assignments whose last day is over out of sso.yaml, for a daily job; comments and order stay."""


@command("rename", "strata rename account web-lab lab")
def rename(
    *,
    kind: Annotated[
        str | None,
        typer.Argument(help="account, ou, policy, group, user or permission-set.", autocompletion=completion.kinds),
    ] = None,
    old: Annotated[str | None, typer.Argument(help="The key.", autocompletion=completion.keys_of_the_kind)] = None,
    new: Annotated[str | None, typer.Argument(help="The new key.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Take out the moves that every state has made.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Give a thing another key wherever it stands, and record the move."""


KindArgument = Annotated[
    str | None,
    typer.Argument(
        help="account, ou, policy, expectation, group, user, permission-set or assignment.",
        autocompletion=completion.added_kinds,
    ),
]


@command("add", "strata add group data members=[jane-doe]")
def add(
    *,
    kind: KindArgument = None,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY] [FIELD=VALUE]...",
            help="Its key, and its fields as docs/configuration.md has them; lists in brackets, mappings in braces.",
            show_default=False,
        ),
    ] = None,
    document: Annotated[
        Path | None,
        typer.Option("--document", metavar="FILE", help="Its policy document, which is copied to policies/."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="The file, where several may have it: sso/payments.yaml."),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Add an entry of any kind, and show what changes by it."""


@command("remove", "strata remove group data")
def remove(
    *,
    kind: KindArgument = None,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY",
            help="Its key; of an assignment, which has none, FIELD=VALUE as the file has it.",
            autocompletion=completion.keys_of_the_kind,
            show_default=False,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Take out an entry, and the items of lists that name it: memberships, assignments, targets, expectations."""


@command("retire", "strata retire account web-lab")
def retire(
    *,
    kind: Annotated[str | None, typer.Argument(help="account.")] = None,
    key: Annotated[str | None, typer.Argument(help="Its key.", autocompletion=completion.keys("account"))] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Stop managing an account: write retired: true, and take it out of policies, assignments and expectations."""


@command("schema", "strata schema sso > sso.schema.json")
def schema(
    *,
    file: Annotated[
        str | None,
        typer.Argument(help="project, organization, security, sso, imports, accepted or moves."),
    ] = None,
    write: Annotated[Path | None, typer.Option("--write", metavar="DIR", help="Write all of them to a folder.")] = None,
) -> None:
    """Print the JSON Schema of a configuration file, for editors."""


@command("permissions", "strata permissions reader > reader.json")
def permissions(
    *,
    document: Annotated[
        str | None,
        typer.Argument(
            help="reader, to plan; a stack or a layer, to deploy it; LAYER/reader, LAYER/writer: its roles.",
            autocompletion=completion.permissions,
        ),
    ] = None,
) -> None:
    """Print the IAM policy of a role that plans or deploys, for aws iam create-policy."""


@command("bootstrap", "strata bootstrap --profile ex-bootstrap")
def bootstrap(*, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """Create what Terraform needs before its first run: state bucket, lock table, organization. Safe to repeat."""


def _answer(flag: str, words: str, metavar: str | None = None, completed: Any = None) -> Any:
    option = typer.Option(flag, metavar=metavar, help=words, autocompletion=completed)
    return Annotated[str | None, option]


def _answers(flag: str, metavar: str, words: str, completed: Any = None, *, again: str = "repeatable") -> Any:
    option = typer.Option(
        flag, metavar=metavar, help=f"{words}; {again}.", show_default=False, autocompletion=completed
    )
    return Annotated[list[str] | None, option]


def _interview(name: str, example: str, words: str, answers: Mapping[str, Any]) -> None:
    """Registers a command whose options are the answers to questions."""

    def interview(**values: Any) -> None:
        """Declares its options by its signature alone."""

    interview.__doc__ = words
    parameters = [_parameter(key, annotation) for key, annotation in answers.items()]
    interview.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command(name, example)(interview)


_interview(
    "init",
    "strata init --name acme --short-name ac --email aws@acme.io",
    "Write your configuration: asks what no flag says, sums up, writes files.",
    {
        "name": _answer("--name", "Project name, the prefix of account names."),
        "short_name": _answer("--short-name", "Prefix of buckets and CLI profiles."),
        "primary": _answer("--primary", "Primary region."),
        "secondary": _answer("--secondary", "Region of the replica of the state."),
        "governed": _answers("--governed", "REGION", "One more region with regional defaults"),
        "units": _answers(
            "--ou",
            "UNIT",
            "A unit, as in workloads/prod",
            again="repeatable, else security, infrastructure, workloads, sandbox",
        ),
        "accounts": _answers(
            "--account",
            "KEY@UNIT",
            "A member account, as in data-prod@workloads/prod",
            again="repeatable, else security and shared",
        ),
        "email": _answer("--email", "Address to which accounts add +KEY, or a pattern with {account}."),
        "management_id": _answer("--management-id", "Id of the management account, else the caller's."),
        "management_name": _answer("--management-name", "Its name at AWS."),
        "management_email": _answer("--management-email", "Its root e-mail."),
        "identity": _answer("--identity", "directory, or external for Entra ID, Okta and others.", "WHO"),
        "admin": _answer("--admin", "First administrator, as in 'Jane Doe jane.doe@example.org'."),
        "to": Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Write a new folder instead.")],
        "dry_run": DryRunOption,
        "yes": YesOption,
    },
)


@command("adopt", "strata adopt --to adopted --name acme --short-name ac --primary eu-central-1 --secondary eu-west-1")
def adopt(
    *,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="The folder of the new configuration.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Project name, the prefix of account names.")] = None,
    short_name: Annotated[str | None, typer.Option("--short-name", help="Prefix of buckets and CLI profiles.")] = None,
    primary: Annotated[str | None, typer.Option("--primary", help="Primary region.")] = None,
    secondary: Annotated[str | None, typer.Option("--secondary", help="Region of the replica of the state.")] = None,
    identity_center_region: Annotated[
        str | None, typer.Option("--identity-center-region", help="Where Identity Center is, if not in the primary.")
    ] = None,
    literal: Annotated[bool, typer.Option("--literal", help="Name every account; fold nothing.")] = False,
    thorough: ThoroughOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Read a live organization and Identity Center, and write their configuration. Changes nothing at AWS."""


@command("doctor", "strata doctor --profile ex-bootstrap")
def doctor(*, json: JsonOption = False) -> None:
    """Check whether machine and account can deploy. Reads only; exit 1 on a failure."""


AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="KIND",
        help="Allow one loss in this run: last-administrator, destroy:ADDRESS, weaken:ADDRESS, many:TYPE, "
        "import:ADDRESS, disable:protection, shorter-lock, compliance-lock; repeatable.",
        show_default=False,
    ),
]


@command("drift", "strata drift --json")
def drift(
    *,
    thorough: ThoroughOption = False,
    json: JsonOption = False,
) -> None:
    """Show what was changed at AWS by hand, compared with config/ and the last deploy, and the way to take it back.

    Reads only. Exit 0 without drift, 3 with drift, 1 where something could not be read. accepted.yaml has the
    differences that are meant; changes that only wait for a deploy share one line.
    """


@command("eject", "strata eject ../terraform")
def eject(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty folder, or a new one.")],
) -> None:
    """Write the Terraform of every stack to a folder that a team runs with Terraform alone.

    Nothing at AWS and no state changes, and a plan there is empty where `strata plan` is. docs/leave.md lists what
    only Strata does. Calls no AWS.
    """


@command("profiles", "strata profiles --user jane-doe")
def profiles(
    *,
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="Profiles that assume the access role, as before Identity Center.")
    ] = False,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="KEY",
            help="Only profiles that this user of sso.yaml may use.",
            autocompletion=completion.keys("user"),
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="The file to write (AWS_CONFIG_FILE, else ~/.aws/config)."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing, exit 3 if the file is out of date.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the profiles as JSON; write only with --yes.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Write AWS CLI profiles for the accounts and permission sets there are now. Safe to repeat."""


RefreshOption = Annotated[
    bool,
    typer.Option("--refresh", help="Ask AWS also about accounts that are as the last deploy left them."),
]
PlanRefreshOption = Annotated[
    bool | None,
    typer.Option(
        "--refresh/--no-refresh",
        help="Ask AWS also about accounts that are as the last deploy left them; or about no object, as Terraform's "
        "-refresh=false does.",
        show_default=False,
    ),
]


AtOnceOption = Annotated[
    int | None,
    typer.Option(
        "--at-once",
        min=1,
        metavar="N",
        help="How many account stacks run at once; default: as many as cores and memory allow.",
        show_default=False,
    ),
]
WaveOption = Annotated[
    int | None,
    typer.Option(
        "--wave",
        min=0,
        metavar="N",
        help="Only account stacks in the N-th wave of their layer's rollout; 0: all stacks that are in no wave.",
    ),
]


@command("plan", "strata plan organizations sso")
def plan(
    *,
    stacks: Annotated[
        list[str] | None,
        typer.Argument(help="The stacks to plan; all when none is named.", autocompletion=completion.stacks),
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 when something would change.")] = False,
    allow: AllowOption = None,
    changes: Annotated[
        Path | None,
        typer.Option("--changes", metavar="FILE", help="Write the list of changes to approve, see docs/pipeline.md."),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="FILE|HASH", help="Exit 3 when the list is not this one.", show_default=False),
    ] = None,
    json: JsonOption = False,
    refresh: PlanRefreshOption = None,
    at_once: AtOnceOption = None,
    wave: WaveOption = None,
) -> None:
    """Show what a deploy would change, and refuse what it would lose. Applies nothing, takes no lock."""


@command("deploy", "strata deploy organizations sso")
def deploy(
    *,
    stacks: Annotated[
        list[str] | None,
        typer.Argument(help="The stacks to deploy; all when none is named.", autocompletion=completion.stacks),
    ] = None,
    allow: AllowOption = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FILE|HASH",
            help="Deploy only what this list of strata plan --changes has. Exit 3: the plan differs; 4: the list is "
            "deployed, the rest needs a new one.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    refresh: RefreshOption = False,
    yes: YesOption = False,
    at_once: AtOnceOption = None,
    wave: WaveOption = None,
) -> None:
    """Check, plan, ask, then deploy the stacks in order; without a terminal it needs --yes."""


@command("explain", "strata explain jane-doe security")
def explain(
    *,
    who: Annotated[
        str | None,
        typer.Argument(
            help="A user, an account or a group: key, name or e-mail address.",
            autocompletion=completion.keys("user", "account", "group"),
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Argument(help="After a user: in this account only.", autocompletion=completion.keys("account")),
    ] = None,
    permission_set: Annotated[
        str | None,
        typer.Option(
            "--permission-set",
            metavar="NAME",
            help="What it allows, and who has it where.",
            autocompletion=completion.keys("permission-set"),
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say who may do what where, which policies bind an account, and which line of the configuration says so."""


@command("can", "strata can s3:DeleteBucket --in shared --as jane-doe --on arn:aws:s3:::logs")
def can(
    *,
    action: Annotated[str, typer.Argument(help="One action, as in s3:DeleteBucket.")],
    where: Annotated[
        str,
        typer.Option(
            "--in",
            metavar="ACCOUNT|OU",
            help="An account, or a unit: each account in it.",
            autocompletion=completion.keys("account", "ou"),
        ),
    ],
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="WHO",
            help="A user, group or permission set; role/NAME, root, deployer (project.yaml), or a service such as "
            "cloudtrail.amazonaws.com. Default: a role with full access, which shows what the guardrails allow.",
            show_default=False,
            autocompletion=completion.keys("user", "group", "permission-set", more=("root", "deployer")),
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="ARN",
            help="The resource; an account key may replace its id. Default: any.",
            show_default=False,
        ),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KEY=VALUE",
            help="A condition key of the request; KEY= if it has none; repeatable, also for several values of a key.",
            show_default=False,
        ),
    ] = None,
    list_all: Annotated[bool, typer.Option("--who", help="List who may, with a permission set.")] = False,
    json: JsonOption = False,
) -> None:
    """Say whether somebody may do something, with the policies that decide: allowed, denied, or what it depends on.

    Reads the configuration alone, as AWS would: SCPs, RCPs, permission sets, boundaries. 'depends' names the key,
    resource or policy that decides and that nobody gave. Exit 0 for allowed, else 3.
    """


class AllowedChange(StrEnum):
    """A kind of change that --diff stops at."""

    ACCESS = "access"
    GUARDRAILS = "guardrails"
    ACCOUNTS = "accounts"
    LOSSES = "losses"


@command("report", "strata report --format html --output access.html")
def report(
    *,
    format: Annotated[
        Literal["text", "markdown", "json", "html"], typer.Option("--format", help="How to write it.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file, not to stdout.")
    ] = None,
    diff: Annotated[
        str | None, typer.Option("--diff", metavar="REV", help="What changes since this git revision; exit 3 on risk.")
    ] = None,
    allow: Annotated[
        list[AllowedChange] | None,
        typer.Option("--allow", help="With --diff: no exit 3 for this kind of change; repeatable."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="The day to compare last days with; default: today.")
    ] = None,
) -> None:
    """Report access, organization, policies and layers, or with --diff what a change means for people and accounts."""


def main() -> None:
    """Runs the command line."""
    with guarded():
        try:
            asked(sys.argv[1:2])()
        except OSError as failure:  # of the help and the version, which are no command
            print(*_words(failure, every=False), sep="\n", file=sys.stderr)
            _drop_stdout()
            raise SystemExit(1) from None


def asked(named: Sequence[str]) -> typer.Typer:
    """Returns the command line with the command alone that is named: to make all others takes 10 ms."""
    commands = [registered for registered in app.registered_commands if registered.name in named]
    if not commands:
        return app
    alone = copy.copy(app)
    alone.registered_commands, alone.registered_groups = commands, []
    return alone


if __name__ == "__main__":
    main()
