"""Starts the stand-in provider and moto as forks of a process that has their modules loaded already.

Terraform starts a provider two or three times a command, and loading grpc and boto3 takes ten times as long as all
that it does then. What is started is tests/engine/forkclient.py: it has the signals and the parent, its fork does the
work.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.engine.forkclient import END


@contextlib.contextmanager
def forkserver(path: Path, cache: Path) -> Iterator[None]:
    """Listens at a socket until the block ends; the cache is the folder of `prepared`."""
    import subprocess

    checkout = Path(__file__).parents[2]
    # Whatever boto3 reads when it is loaded must be nobody's own.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", "from tests.engine.forkserver import serve; serve()", str(path)],
        env={**kept, **nobody, "PYTHONPATH": str(checkout), "STRATA_ENGINE_CACHE": str(cache)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        if server.stdout.read(1) != b".":
            raise RuntimeError(f"the fork server did not start: exit code {server.wait()}")
        yield
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait()


def serve() -> None:
    """Forks for every client until standard input is closed."""
    import gc
    import signal

    import moto.server

    from tests.engine import aws_api, live, moto_fixes, provider

    moto_fixes.install()
    aws_api.install()
    mains = {"provider": provider.serve, "moto": moto.server.main}
    live.warm_up()
    provider.warm_up(Path(os.environ["STRATA_ENGINE_CACHE"]))
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    sys.stdout.write(".")
    sys.stdout.flush()
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become(client, mains)
        client.close()


def _become(client: socket.socket, mains: Mapping[str, Callable[[], object]]) -> None:
    """Takes over the client's arguments, folder, environment and output, and runs what it asks for."""
    import threading

    request, descriptors, _, _ = socket.recv_fds(client, 1 << 16, 2)
    while not request.endswith(END):
        request += client.recv(1 << 16)
    folder, count, *rest = os.fsdecode(request.removesuffix(END)).split("\0")
    arguments, variables = rest[: int(count)], rest[int(count) :]
    for descriptor, own in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, own)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    for variable in variables:
        name, _, value = variable.partition("=")
        os.environ[name] = value
    os.chdir(folder)
    sys.argv = arguments
    threading.Thread(target=_follow, args=(client,), daemon=True).start()
    code = 1
    try:
        mains[arguments[0]]()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _follow(client: socket.socket) -> None:
    """Ends with the client, however that ended."""
    import signal

    client.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)
