"""Where the `strata` command begins: `python -m strata` is the same."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Runs the command line."""
    # Modules and a configuration are many objects and few cycles: to look for some is a fifth of a check.
    gc.set_threshold(200_000)
    try:
        from strata.cli import main as run

        run()
    except KeyboardInterrupt:  # during the imports: a command has its own end
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    finally:
        # Nor is it worth looking for them at the end of the process, which frees all.
        gc.freeze()


if __name__ == "__main__":
    main()
