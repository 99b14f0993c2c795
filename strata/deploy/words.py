"""The words of `--allow`."""

from __future__ import annotations

from collections.abc import Collection

from strata.config.types import did_you_mean
from strata.errors import Message, UsageError
from strata.identity.archive import COMPLIANCE, SHORTER_LOCK
from strata.identity.deletions import LAST_ADMINISTRATOR
from strata.identity.guard import DESTROY, IMPORT, MANY, WEAKEN
from strata.identity.protection import DISABLE_PROTECTION

_OF_SOMETHING = (DESTROY, WEAKEN, MANY, IMPORT)
ALLOWED = (
    LAST_ADMINISTRATOR,
    f"{DESTROY}ADDRESS",
    f"{WEAKEN}ADDRESS",
    f"{MANY}TYPE",
    f"{IMPORT}ADDRESS",
    DISABLE_PROTECTION,
    SHORTER_LOCK,
    COMPLIANCE,
)


def check_words(allow: Collection[str]) -> None:
    """Accepts the words of `--allow`.

    Raises:
        UsageError: a word is none.
    """
    for word in allow:
        if word in ALLOWED or (word.startswith(_OF_SOMETHING) and not word.endswith(":")):
            continue
        guess = did_you_mean(word, ALLOWED)
        text = f"--allow does not accept {word!r}{guess}; it accepts {', '.join(ALLOWED)}"
        raise UsageError(Message("argument-malformed", text, option="--allow", value=word))
