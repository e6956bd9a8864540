"""What the probe asks a PostgreSQL database, and what it makes of the answers.

Three commands: `ask` reads, `beat` also writes a heartbeat on the primary and measures how long it takes to reach the
replica, `write` proves that the recovery region's database takes writes. Nothing here opens a connection itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Connection(Protocol):
    """The part of pg8000.native.Connection that is used."""

    def run(self, sql: str, **parameters: object) -> list[list[Any]] | None: ...

    def close(self) -> None: ...


class Silent(Exception):
    """No database answered; the message says why."""


Connect = Callable[[str], Connection]
"""Opens a connection to a host; raises Silent."""

HEARTBEAT = "drgen_heartbeat"
CREATE = f"""
CREATE TABLE IF NOT EXISTS {HEARTBEAT} (
  workload text PRIMARY KEY,
  beaten_at timestamptz NOT NULL,
  writer text NOT NULL
)
"""
BEAT = f"""
INSERT INTO {HEARTBEAT} (workload, beaten_at, writer) VALUES (:workload, clock_timestamp(), :writer)
ON CONFLICT (workload) DO UPDATE SET beaten_at = excluded.beaten_at, writer = excluded.writer
RETURNING extract(epoch FROM beaten_at)
"""
READ = f"SELECT extract(epoch FROM beaten_at) FROM {HEARTBEAT} WHERE workload = :workload"
BEHIND = f"SELECT extract(epoch FROM clock_timestamp() - beaten_at) FROM {HEARTBEAT} WHERE workload = :workload"
READ_ONLY = "25006"
UNDEFINED_TABLE = "42P01"
"""SQLSTATEs. Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes"."""
ARRIVAL_S = 3.0
"""How long a heartbeat is waited for on the replica before its lag is read from the row that is there."""


COMMANDS = ("ask", "beat", "write")


@dataclass(frozen=True)
class Databases:
    """The hosts of both sides of a workload. `reader` answers in the recovery region where `recovery` does not yet: the
    endpoint that writes of an Aurora cluster is not in use while the cluster is a secondary."""

    primary: str
    recovery: str
    workload: str
    reader: str = ""


def answer(
    command: str,
    databases: Databases,
    *,
    connect: Connect,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> dict[str, Any]:
    """What the databases say to one of COMMANDS, each observed or not, with the reason."""
    if command == "write":
        return {"written": write(databases.recovery, workload=databases.workload, connect=connect, clock=clock)}
    said: dict[str, Any] = {
        "primary": ask(databases.primary, connect),
        "recovery": ask(databases.recovery, connect),
    }
    if databases.reader and not said["recovery"]["observed"]:
        said["recovery"] = ask(databases.reader, connect)
    # Once promoted it follows nobody: the age of its last row is no lag.
    if command == "beat" and said["recovery"].get("in_recovery"):
        said["heartbeat_lag_s"] = beat(
            databases.primary,
            databases.recovery,
            workload=databases.workload,
            connect=connect,
            clock=clock,
            sleep=sleep,
        )
    return said


def ask(host: str, connect: Connect) -> dict[str, Any]:
    """Whether the database at `host` is in recovery, or that it was not observed and why."""
    try:
        connection = connect(host)
    except Silent as silence:
        return {"observed": False, "reason": str(silence)}
    try:
        rows = connection.run("SELECT pg_is_in_recovery()")
    except Exception as error:
        return {"observed": False, "reason": f"{host} broke off ({describe(error)})"}
    finally:
        quietly_close(connection)
    return {"observed": True, "in_recovery": bool(rows and rows[0][0])}


def beat(
    primary: str,
    recovery: str,
    *,
    workload: str,
    connect: Connect,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> float | None:
    """Writes a heartbeat on the primary and returns the replica's lag in seconds; None if it cannot be measured.

    A beat that arrives within three seconds gives the time it took; otherwise the age of the row on the replica counts.
    """
    try:
        written = once(primary, connect, lambda c: write_beat(c, workload, primary))
    except Silent:
        written = None
    try:
        return once(recovery, connect, lambda c: replica_lag(c, workload, written, clock, sleep))
    except Silent:
        return None


def write_beat(connection: Connection, workload: str, host: str) -> float:
    """Writes the heartbeat and returns its time by the database's clock."""
    try:
        rows = connection.run(BEAT, workload=workload, writer=host)
    except Exception as error:
        if sqlstate(error) != UNDEFINED_TABLE:
            raise
        connection.run(CREATE)
        rows = connection.run(BEAT, workload=workload, writer=host)
    return float(rows[0][0]) if rows else 0.0


def replica_lag(
    connection: Connection,
    workload: str,
    written: float | None,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> float | None:
    """Seconds by which the replica is behind; None before the first heartbeat has ever arrived."""
    began = clock()
    while written is not None and clock() - began < ARRIVAL_S:
        rows = connection.run(READ, workload=workload)
        if rows and float(rows[0][0]) >= written:
            return clock() - began
        sleep(0.2)
    rows = connection.run(BEHIND, workload=workload)
    return max(0.0, float(rows[0][0])) if rows else None


def write(host: str, *, workload: str, connect: Connect, clock: Callable[[], float]) -> dict[str, Any]:
    """Writes a heartbeat at `host` and reads it back."""
    began = clock()
    try:
        connection = connect(host)
    except Silent as silence:
        return {"observed": False, "reason": str(silence)}
    try:
        written = write_beat(connection, workload, host)
        rows = connection.run(READ, workload=workload)
    except Exception as error:
        return {"observed": True, "wrote": False, "reason": describe(error)}
    finally:
        quietly_close(connection)
    came_back = rows is not None and [float(row[0]) for row in rows] == [written]
    reason = "" if came_back else "the row did not come back"
    return {"observed": True, "wrote": came_back, "reason": reason, "took_ms": (clock() - began) * 1000}


def once(host: str, connect: Connect, work: Callable[[Connection], float | None]) -> float | None:
    """What `work` makes of one connection; Silent if the database breaks off or refuses."""
    connection = connect(host)
    try:
        return work(connection)
    except Exception as error:
        raise Silent(f"{host}: {describe(error)}") from error
    finally:
        quietly_close(connection)


def quietly_close(connection: Connection) -> None:
    """Closes; a connection that is already broken is no news."""
    try:
        connection.close()
    except Exception:
        return


def sqlstate(error: Exception) -> str:
    """The SQLSTATE of the server's answer, which pg8000 gives as a mapping; "" for any other error."""
    answer = error.args[0] if error.args else None
    return str(answer.get("C", "")) if isinstance(answer, dict) else ""


def describe(error: Exception) -> str:
    """One short sentence: the server's message where it sent one."""
    if sqlstate(error) == READ_ONLY:
        return "the database only reads"
    answer = error.args[0] if error.args else None
    if isinstance(answer, dict):
        return str(answer.get("M", "no message"))
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
