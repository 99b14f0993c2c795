"""The `strata` command: its subcommands, the options they share, and how failures end."""

from __future__ import annotations

import errno
import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from strata.errors import ConfigurationError, StrataError, UsageError
from strata.options import Options
from strata.printing import guarded, line

app = typer.Typer(
    name="strata",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An AWS landing zone from a few YAML files: state, organization, security, sign-in.",
    epilog="Start with: strata check. Then: strata bootstrap, cdktf deploy backend organizations security sso.",
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


@app.callback()
def _before(
    context: typer.Context,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
) -> None:
    context.obj = {name: value for name, value in locals().items() if name in _SHARED and value}


def command(name: str, example: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Registers a function as a command that also takes the shared options and returns its exit code."""

    def register(function: Callable[..., int]) -> Callable[..., int]:
        own = inspect.signature(function, eval_str=True)
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(parameter for key, parameter in own.parameters.items() if key != "options"),
            *(
                inspect.Parameter(
                    key,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=False if annotation in (QuietOption, VerboseOption, DebugOption) else None,
                    annotation=annotation,
                )
                for key, annotation in _SHARED.items()
            ),
        ]

        @functools.wraps(function)
        def run(context: typer.Context, **values: Any) -> None:
            given = {**context.obj, **{key: values[key] for key in _SHARED if values[key]}}
            options = Options(**{"config": Path(os.environ.get("STRATA_CONFIG") or "config"), **given})
            arguments = {key: value for key, value in values.items() if key not in _SHARED}
            with guarded():
                as_json = bool(arguments.get("json")) or arguments.get("format") == "json"
                json_of = name if as_json else None
                raise typer.Exit(_outcome(lambda: function(options=options, **arguments), options, json_of))

        run.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters], return_annotation=None
        )
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, epilog=f"Example: {example}")(run)
        return function

    return register


def _outcome(run: Callable[[], int], options: Options, json_of: str | None) -> int:
    """Runs a command; known failures become one line each, and JSON where that was asked, and exit code 1."""
    code = 0
    try:
        code = run()
        sys.stdout.flush()  # a full disk may come up here, and is ours to report
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
        for text in _words(error):
            print(text, file=sys.stderr)
        if json_of and not getattr(error, "printed", False):
            _print_error(error, json_of)
        if isinstance(error, OSError):
            _drop_stdout()
        return 2 if isinstance(error, UsageError) else 1
    return code


def _print_error(error: Exception, command: str) -> None:
    from strata.outputs import error_facts, output

    with suppress(OSError):  # what stdout cannot take is told on stderr
        print(output(command, error_facts(error)), flush=True)


def _words(error: Exception) -> Iterator[str]:
    """Yields the error lines of an exception."""
    if isinstance(error, ConfigurationError):
        yield from (f"error: {fault}" for fault in error.faults)
        number = len(error.faults)
        yield f"{number} fault{'s' if number > 1 else ''} in the configuration"
    elif isinstance(error, StrataError):
        yield from error.lines()
    elif isinstance(error, OSError) and error.errno in _MACHINE and not error.filename:
        yield f"error: the output cannot be written: {error.strerror}"
    elif isinstance(error, OSError) and error.filename:
        yield line(f"error: {os.fsdecode(error.filename)}: {error.strerror}")
    else:
        yield line(f"error: {type(error).__name__}: {error}; this is a fault of Strata, --debug shows where")


_MACHINE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE})
"""Errors of the machine that name no file: a full disk, a quota, too many open files."""


def _drop_stdout() -> None:
    """Discards the remaining output, so that the end of the process does not fail at it again."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]


@command("check", "strata check --config config")
def check(
    *,
    options: Options,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="List assignments that end within 14 days of it; exit 3 if any."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Check the configuration: every fault with file, line, rule and remedy. Reads files only."""
    from strata.commands.check import run

    return run(options, as_of=as_of, json=json)


@command("expire", "strata expire --as-of 2027-01-31")
def expire(
    *,
    options: Options,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Remove what ended before this date.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> int:
    """Take assignments whose last day is over out of sso.yaml, for a daily job; comments and order stay."""
    from strata.commands.expire import run

    return run(options, as_of=as_of, dry_run=dry_run, yes=yes)


@command("rename", "strata rename account web-lab lab")
def rename(
    *,
    options: Options,
    kind: Annotated[str | None, typer.Argument(help="account, ou, policy, group, user or permission-set.")] = None,
    old: Annotated[str | None, typer.Argument(help="The key.")] = None,
    new: Annotated[str | None, typer.Argument(help="The new key.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Take out the moves that every state has made.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> int:
    """Give a thing another key wherever it stands, and record the move."""
    from strata.commands.rename import run

    return run(options, kind=kind, old=old, new=new, prune=prune, dry_run=dry_run, yes=yes)


@command("schema", "strata schema sso > sso.schema.json")
def schema(
    *,
    options: Options,
    file: Annotated[
        str | None, typer.Argument(help="project, organization, security, sso, imports, accepted or moves.")
    ] = None,
    write: Annotated[Path | None, typer.Option("--write", metavar="DIR", help="Write all of them to a folder.")] = None,
) -> int:
    """Print the JSON Schema of a configuration file, for editors."""
    from strata.commands.schema import run

    return run(options, file=file, write=write)


@command("bootstrap", "strata bootstrap --profile ex-bootstrap")
def bootstrap(*, options: Options, dry_run: DryRunOption = False, yes: YesOption = False) -> int:
    """Create what Terraform needs before its first run: state bucket, lock table, organization. Safe to repeat."""
    from strata.commands.bootstrap import run

    return run(options, dry_run=dry_run, yes=yes)


@command("init", "strata init --name acme --short-name ac --email aws@acme.example")
def init(
    *,
    options: Options,
    name: Annotated[str | None, typer.Option("--name", help="Project name, the prefix of account names.")] = None,
    short_name: Annotated[str | None, typer.Option("--short-name", help="Prefix of buckets and CLI profiles.")] = None,
    primary: Annotated[str | None, typer.Option("--primary", help="Primary region.")] = None,
    secondary: Annotated[str | None, typer.Option("--secondary", help="Region of the replica of the state.")] = None,
    governed: Annotated[
        list[str] | None,
        typer.Option("--governed", metavar="REGION", help="One more region with regional defaults; repeatable."),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="KEY", help="A member account; repeatable, else security and shared."),
    ] = None,
    email: Annotated[
        str | None,
        typer.Option("--email", help="Address that accounts get plus-addresses of, or a pattern with {account}."),
    ] = None,
    management_id: Annotated[str | None, typer.Option("--management-id", help="Else the caller's account.")] = None,
    management_name: Annotated[str | None, typer.Option("--management-name", help="Its name at AWS.")] = None,
    management_email: Annotated[str | None, typer.Option("--management-email", help="Its root e-mail.")] = None,
    admin_given_name: Annotated[str | None, typer.Option("--admin-given-name", help="First administrator.")] = None,
    admin_family_name: Annotated[str | None, typer.Option("--admin-family-name", help="First administrator.")] = None,
    admin_email: Annotated[str | None, typer.Option("--admin-email", help="First administrator.")] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Write a new folder instead.")] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> int:
    """Make the example configuration yours: asks what no flag says, shows the changes, writes them."""
    from strata.commands.init import run

    given = {
        "name": name,
        "short_name": short_name,
        "primary": primary,
        "secondary": secondary,
        "governed": governed,
        "accounts": account,
        "email": email,
        "management_id": management_id,
        "management_name": management_name,
        "management_email": management_email,
        "admin_given_name": admin_given_name,
        "admin_family_name": admin_family_name,
        "admin_email": admin_email,
    }
    return run(options, given=given, to=to, dry_run=dry_run, yes=yes)


@command("doctor", "strata doctor --profile ex-bootstrap")
def doctor(*, options: Options, json: JsonOption = False) -> int:
    """Check what must be true in AWS and on this machine before and after a deploy. Reads only; exit 1 on a failure."""
    from strata.commands.doctor import run

    return run(options, json=json)


@command("profiles", "strata profiles --user jane-doe")
def profiles(
    *,
    options: Options,
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="Profiles that assume the access role, as before Identity Center.")
    ] = False,
    user: Annotated[
        str | None, typer.Option("--user", metavar="KEY", help="Only profiles that this user of sso.yaml may use.")
    ] = None,
    source_profile: Annotated[
        str | None,
        typer.Option("--source-profile", metavar="NAME", help="Where the access role is assumed from (--profile)."),
    ] = None,
    output: Annotated[
        Literal["json", "yaml", "yaml-stream", "text", "table"] | None,
        typer.Option("--output", help="The output format to set.", show_default=False),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no AWS, read the outputs of Terraform.")] = False,
    outputs: Annotated[
        Path | None,
        typer.Option("--outputs", metavar="FILE", help="What cdktf --outputs-file wrote (cdktf.outputs.json)."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="The file to write (AWS_CONFIG_FILE, else ~/.aws/config)."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing, exit 3 if the file is out of date.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the profiles as JSON; write only with --yes.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> int:
    """Write AWS CLI profiles for the accounts and permission sets there are now. Safe to repeat."""
    from strata.commands.profiles import run

    return run(
        options,
        bootstrap=bootstrap,
        user=user,
        source_profile=source_profile,
        output=output,
        offline=offline,
        outputs=outputs,
        file=file,
        check=check,
        json=json,
        dry_run=dry_run,
        yes=yes,
    )


AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="KIND",
        help="Allow one kind of loss in this run: last-administrator, mass-deletion, replace:KEY, delete:trail, "
        "delete:ram-sharing; repeatable.",
        show_default=False,
    ),
]


@command("plan", "strata plan organizations sso")
def plan(
    *,
    options: Options,
    stacks: Annotated[list[str] | None, typer.Argument(help="The stacks to plan; all when none is named.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 when something would change.")] = False,
    allow: AllowOption = None,
    json: JsonOption = False,
) -> int:
    """Show what a deploy would change, and refuse what it would lose. Applies nothing, takes no lock."""
    from strata.commands.plan import run

    return run(options, stacks=stacks or (), exit_code=exit_code, json=json, allow=allow or ())


@command("deploy", "strata deploy organizations sso")
def deploy(
    *,
    options: Options,
    stacks: Annotated[list[str] | None, typer.Argument(help="The stacks to deploy; all when none is named.")] = None,
    allow: AllowOption = None,
    json: JsonOption = False,
    yes: YesOption = False,
) -> int:
    """Check, plan, ask, then deploy the stacks in order; without a terminal it needs --yes."""
    from strata.commands.deploy import run

    return run(options, stacks=stacks or (), json=json, yes=yes, allow=allow or ())


@command("explain", "strata explain jane-doe security")
def explain(
    *,
    options: Options,
    who: Annotated[str | None, typer.Argument(help="A user or an account: key, name or e-mail address.")] = None,
    account: Annotated[str | None, typer.Argument(help="After a user: in this account only.")] = None,
    permission_set: Annotated[
        str | None, typer.Option("--permission-set", metavar="NAME", help="What it allows, and who has it where.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """Say who may do what where, which policies bind an account, and which line of the configuration says so."""
    from strata.commands.explain import run

    return run(options, who=who, account=account, permission_set=permission_set, json=json)


@command("can", "strata can s3:DeleteBucket --in shared --as jane-doe --on arn:aws:s3:::logs")
def can(
    *,
    options: Options,
    action: Annotated[str, typer.Argument(help="One action, as in s3:DeleteBucket.")],
    where: Annotated[
        str,
        typer.Option("--in", metavar="ACCOUNT|OU", help="An account, or a unit: each account in it."),
    ],
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="WHO",
            help="A user, group or permission set; role/NAME, root, deployer (project.yaml), or a service such as "
            "cloudtrail.amazonaws.com. Default: a role with full access, which shows what the guardrails allow.",
            show_default=False,
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
) -> int:
    """Say whether somebody may do something, with the policies that decide: allowed, denied, or what it depends on.

    Reads the configuration alone, as AWS would: SCPs, RCPs, permission sets, boundaries. 'depends' names the key,
    resource or policy that decides and that nobody gave. Exit 0 for allowed, 3 for denied or depends.
    """
    from strata.commands.can import run

    return run(options, action=action, where=where, who=who, on=on, keys=keys or (), list_all=list_all, json=json)


class AllowedChange(StrEnum):
    """A kind of change that --diff stops at."""

    ACCESS = "access"
    GUARDRAILS = "guardrails"
    ACCOUNTS = "accounts"
    LOSSES = "losses"


@command("report", "strata report --format html --output access.html")
def report(
    *,
    options: Options,
    format: Annotated[
        Literal["text", "markdown", "csv", "json", "mermaid", "html"], typer.Option("--format", help="How to write it.")
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
) -> int:
    """Report access, organization, policies and layers, or with --diff what a change means for people and accounts."""
    from strata.commands.report import run

    return run(options, format=format, output=output, diff=diff, allow=[one.value for one in allow or ()])


def main() -> None:
    """Runs the command line."""
    with guarded():
        app()


if __name__ == "__main__":
    main()
