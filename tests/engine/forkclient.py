"""Asks the server at argv[1] for a fork that runs the rest: the process that Terraform or a test has started.

It is started a thousand times a run, so it imports nothing that is written in Python: `socket` alone takes as long as
all the rest.
"""

import os
import select
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket

END = b"\0\0"


def main() -> None:
    """Hands over arguments, folder, environment and output; lives as long as the fork or the parent does."""
    parent = os.getppid()
    arguments = sys.argv[2:]
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    here = os.getcwd()  # noqa: PTH109  pathlib takes 8 ms
    parts = [here, str(len(arguments)), *arguments, *variables, f"STRATA_ENGINE_PARENT={parent}"]
    output = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (1, 2))
    server = socket(AF_UNIX)
    server.connect(sys.argv[1])
    server.sendmsg([os.fsencode("\0".join(parts)), END], [(SOL_SOCKET, SCM_RIGHTS, output)])
    while not select.select([server], [], [], 1.0)[0]:
        if os.getppid() != parent:
            break


if __name__ == "__main__":
    main()
