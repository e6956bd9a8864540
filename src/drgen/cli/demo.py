"""`make demo`: build, check, deploy and fail over, on an embedded AWS of its own. Needs no account.

It runs the commands that people run, shows each before its output, and takes the server down at the end.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from drgen.files.workload import read_workload
from drgen.model.workload import Workload

SPEED = "600"
"""How fast the embedded AWS's clock runs while it deploys: ten virtual minutes in a second."""
SLOW = "20"
"""And while it fails over: replication lag grows with that clock, and the guard holds it to the objective."""


def main(arguments: Sequence[str]) -> int:
    """Runs the demonstration of one workload; gives the exit code of the first command that fails, else 0."""
    name = arguments[0] if arguments else "postgres-dr"
    workload = read_workload(Path("templates") / name)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drgen-demo-") as home:
        shell = _Shell({**os.environ, "DRGEN_LOCAL_HOME": home})
        try:
            _rehearse(shell, name, workload)
        except subprocess.CalledProcessError as error:
            print(
                f"\nthe demonstration stopped: {shlex.join(error.cmd)} ended with {error.returncode}", file=sys.stderr
            )
            return int(error.returncode)
        finally:
            shell.drgen("local", "down", quiet=True, check=False)
    print(
        f"\nDone in {time.monotonic() - started:.0f} s. Next: `drgen init`, or the same commands against your account."
    )
    return 0


def _rehearse(shell: _Shell, name: str, workload: Workload) -> None:
    """The eight acts. Raises CalledProcessError at the first command that fails."""
    primary, recovery = workload.regions.primary.name, workload.regions.recovery[0].name
    shell.say(f"1. Build the templates of {name} and check all of them together, before any call to AWS")
    shell.drgen("build", name)
    shell.drgen("check", name)
    shell.say("2. Start the embedded AWS: a clock that runs 600 times as fast, and no account")
    shell.drgen("local", "up", "--port", "0", "--speed", SPEED)
    shell.use_embedded_aws()
    shell.say("3. Deploy: primary region, recovery region, replication stage (times are virtual)")
    shell.drgen("deploy", name, "--yes")
    shell.say("4. Deploy again: nothing changes")
    shell.drgen("deploy", name, "--yes", quiet=True)
    followed = workload.public_name or workload.database_name
    if followed:
        shell.drgen("local", "dns", followed)
    shell.say(f"5. {primary} goes dark; the clock slows down, so that the failover can be watched")
    shell.drgen("local", "clock", "--speed", SLOW)
    shell.drgen("local", "fault", "dark", primary)
    shell.say(f"6. Fail over to {recovery}: guards, fence, approval, promotion, traffic")
    shell.drgen("local", "calls", "--clear", quiet=True)
    shell.drgen("failover", name, "--to", recovery, "--disaster", "--confirm", name)
    shell.say("7. The name answers with the recovery region, and no record was edited")
    if followed:
        shell.drgen("local", "dns", followed)
    shell.say(f"8. A deployment of {recovery} plans nothing unexpected while {primary} is dark")
    shell.drgen("deploy", name, "--region", recovery, "--yes")
    shell.drgen("status", name)


class _Shell:
    """Runs `drgen` as a person would, in one environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def say(self, text: str) -> None:
        print(f"\n== {text}", flush=True)

    def drgen(self, *arguments: str, quiet: bool = False, check: bool = True) -> None:
        """Runs one command; `quiet` shows its output only if it fails. Raises CalledProcessError."""
        print(f"$ drgen {shlex.join(arguments)}", flush=True)
        command = [sys.executable, "-m", "drgen", *arguments]
        run = subprocess.run(command, env=self._environment, capture_output=quiet, text=True, check=False)
        if check and run.returncode:
            print((run.stdout or "") + (run.stderr or ""), file=sys.stderr)
            raise subprocess.CalledProcessError(run.returncode, ["drgen", *arguments])

    def use_embedded_aws(self) -> None:
        """Takes up what `drgen local env` prints."""
        print('$ eval "$(drgen local env)"', flush=True)
        command = [sys.executable, "-m", "drgen", "local", "env"]
        run = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        for line in run.stdout.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self._environment[name] = shlex.split(value)[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
