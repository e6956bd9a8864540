"""The process that the upstream emulator runs in: `python -m drgen.local.child FD`.

FD is a listening socket of the parent's. The emulator stops, and keeps its state if it was asked to, as soon as
standard input ends: that happens when the parent closes it and also when the parent is killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys


async def _until_input_ends() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(ended), sys.stdin)
    await ended.read()


def main(descriptor: str) -> None:
    """Serves ministack's ASGI application on the socket until standard input ends, then removes its temporary files.

    Source: ministack's own `--detach`, which runs `hypercorn ministack.app:app` with the same settings.
    """
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    asyncio.run(serve(app, config, shutdown_trigger=_until_input_ends))
    _end_workers()
    # A parent that was killed cannot do it.
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


def _end_workers() -> None:
    """Ends the processes of Lambda functions: they are in this process's group, and nobody else knows of them."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1])
