"""Keeps what a command writes for people out of the configuration folder, where it would replace or become YAML."""

from __future__ import annotations

import os
from pathlib import Path

from strata.errors import Message, UsageError


def refuse_in_configuration(path: Path, folder: Path, option: str) -> None:
    """Refuses a file to write that is in the configuration folder, by its own path or by where a link leads.

    Args:
        path: the file, which need not exist.
        folder: the configuration folder.
        option: the option that names the file, as it is typed.

    Raises:
        UsageError: it is in the folder.
    """
    configuration = Path(os.path.realpath(folder))
    named = Path(os.path.realpath(path.parent), path.name)
    if any(place.is_relative_to(configuration) for place in (named, Path(os.path.realpath(path)))):
        inside = f"{option} {path} is in the configuration folder {folder}; name a file outside of it"
        raise UsageError(Message("file-in-configuration", inside, place=str(path), option=option))
