"""`strata eject`: the Terraform of every stack as folders that a team runs with Terraform alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strata.atomic import cannot
from strata.load import load
from strata.options import Options
from strata.outside import refuse_in_configuration, refuse_in_use
from strata.terraform.progress import Progress
from strata.terraform.workspace import Workspace
from strata.text import counted

LOCK = ".terraform.lock.hcl"
"""The hashes of the provider, https://developer.hashicorp.com/terraform/language/files/dependency-lock."""


def run(options: Options, *, folder: Path) -> int:
    """Writes a folder for each stack, and a README.md with their order: all of it, or nothing.

    Raises:
        StrataError: the folder has something in it, the configuration has faults, or a stack cannot be written.
    """
    refuse_in_configuration(folder, options.config, "DIR")
    refuse_in_use(folder)
    load(options.config)
    with Progress(options) as progress:
        progress.doing("writing the Terraform")
        workspace = Workspace.of(options.config)
        workspace.synth()
    target = folder.absolute()
    partial = target.with_name(f".{target.name}.partial")
    with cannot("written", folder):
        shutil.rmtree(partial, ignore_errors=True)
        for stack in workspace.stacks:
            _copy(workspace, stack, partial / stack)
        (partial / "README.md").write_text("\n".join(_readme(workspace)), encoding="utf-8")
        partial.replace(target)
    options.note(f"wrote {counted(len(workspace.stacks), 'stack')} to {folder}; README.md there has their order")
    return 0


def _copy(workspace: Workspace, stack: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    content = json.dumps(_without_metadata(workspace.document(stack)), indent=2)
    (folder / "main.tf.json").write_text(f"{content}\n", encoding="utf-8")
    if (lock := workspace.stack_folder(stack) / LOCK).exists():
        shutil.copyfile(lock, folder / LOCK)


def _without_metadata(value: Any) -> Any:
    """Returns Terraform JSON without the comments that CDKTF writes into it."""
    if isinstance(value, dict):
        return {key: _without_metadata(its) for key, its in value.items() if key != "//"}
    return [_without_metadata(entry) for entry in value] if isinstance(value, list) else value


def _readme(workspace: Workspace) -> Iterator[str]:
    yield "# Terraform\n"
    yield "A folder for each stack, with its state in S3 as before. A stack comes after those whose outputs it reads:\n"
    yield "| Stack | Reads |"
    yield "|---|---|"
    for stack, reads in workspace.stacks.items():
        yield f"| `{stack}` | {', '.join(f'`{name}`' for name in reads)} |"
    yield "\n```bash"
    yield from (f"terraform -chdir={stack} init && terraform -chdir={stack} plan" for stack in workspace.stacks)
    yield "```\n"
