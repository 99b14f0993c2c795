"""Where the `strata` command begins: `python -m strata` is the same."""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType


def main() -> None:
    """Runs the command line; an interruption during the imports prints no traceback."""
    # Modules and a configuration are many objects and few cycles: to look for some is a fifth of a check.
    gc.set_threshold(200_000)
    own = signal.getsignal(signal.SIGINT)
    if own is signal.default_int_handler:  # else it is ignored, as under nohup
        signal.signal(signal.SIGINT, _interrupted)
    from strata.cli import main as run

    if own is signal.default_int_handler:
        signal.signal(signal.SIGINT, own)
    try:
        run()
    finally:
        # Nor is it worth looking for them at the end of the process, which frees all.
        gc.freeze()


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
