"""Edits of the configuration: each is loaded, shown with what changes by it, asked about, and written."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from strata import diff
from strata.config.moves import Move
from strata.errors import ConfigurationError, Message, StrataError
from strata.evaluation.administrators import administrators
from strata.files.config_edit import agreed, check_unchanged, loaded, print_diff, texts
from strata.files.replacing import replace
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.printing import line, readers_may_leave
from strata.rules.expectations import newly_unmet
from strata.text import listed


class Edit:
    """A configuration before an edit, and the way to show and write what becomes of its files."""

    def __init__(self, options: Options, *, dry_run: bool, yes: bool) -> None:
        self.options = options
        self.folder = options.config
        self.dry_run, self.yes = dry_run, yes
        self.texts = texts(self.folder)
        self.landing_zone = load(self.folder)

    def result(self, files: Mapping[str, str]) -> LandingZone:
        """Returns what the files say, as `strata check` would read them.

        Raises:
            ConfigurationError: it refuses them; nothing is written.
            StrataError: a file has changed in the meantime.
        """
        check_unchanged(self.folder, self.texts)
        try:
            return loaded(self.folder, files, self.folder)
        except ConfigurationError:
            text = "nothing was changed; strata check would refuse the result:"
            print(line(Message("refused-by-check", text)), file=sys.stderr)
            raise

    def offer(
        self, files: Mapping[str, str], *, told: Sequence[str] = (), then: str = "", moves: Sequence[Move] = ()
    ) -> int:
        """Shows what changes in the files and by it, asks, writes, and says what comes next; returns the exit code.

        What stdout cannot take, nobody has seen: then nothing is written.

        Args:
            files: those that change, with what they become.
            told: more lines that are shown.
            then: what comes next, said once it is written.
            moves: those that are made, so that a thing is compared with itself.

        Raises:
            StrataError: nobody would be left with full access, an expectation would break, or a file cannot be written.
        """
        after = self.result(files)
        print_diff(self.folder, files)
        before = after if moves else self.landing_zone
        with readers_may_leave():
            for text in (*diff.as_lines(diff.compare(before, after, moves)), *told):
                print(line(text))
            sys.stdout.flush()
        self._refuse(after)
        if self.dry_run:
            return 0
        where = listed([str(self.folder / name) for name in sorted(files)])
        if not (self.yes or agreed(self.options, where)):
            return 1
        replace(self.folder, self.texts, files)
        self.options.note(f"next: {then or f'strata deploy{self.options.config_words}'}")
        return 0

    def _refuse(self, after: LandingZone) -> None:
        if administrators(self.landing_zone).are_lost(administrators(after)):
            text = (
                "nothing was changed; without it nobody has administrator access to the management account, which only "
                "its root user could give back; give somebody an assignment that stays, then run this again"
            )
            raise StrataError(Message("last-admin-lost", text))
        if unmet := [*newly_unmet(self.landing_zone, after)]:
            text = "nothing was changed, since strata check refuses it; deny it there, or mend the expectations first"
            whole = (
                message.saying(f"{self.folder}/{message}", place=f"{self.folder}/{message.place}") for message in unmet
            )
            raise StrataError(*whole, Message("refused-by-check", text))
