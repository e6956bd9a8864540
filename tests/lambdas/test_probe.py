"""The probe's logic against a small PostgreSQL in memory, and its refusal to trust anybody it cannot verify."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROBE = Path(__file__).parent.parent.parent / "lambdas" / "probe"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PROBE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


logic = load("logic")
handler = load("handler")
LOGIN = {"username": "dba", "password": "secret"}


class PgError(Exception):
    """As pg8000 raises what the server answers: a mapping with C (SQLSTATE) and M (message)."""


class Database:
    """One server. What is written on its source is seen on a replica `lag_s` later."""

    def __init__(self, clock: Clock, *, source: Database | None = None) -> None:
        self.clock, self.source = clock, source
        self.written: list[float] | None = None
        self.lag_s = 0.0
        self.ddl = 0
        self.closed = 0

    def run(self, sql: str, **parameters: Any) -> list[list[Any]]:
        if "pg_is_in_recovery" in sql:
            return [[self.source is not None]]
        if self.source is not None and ("INSERT" in sql or "CREATE" in sql):
            raise PgError({"C": "25006", "M": "cannot execute INSERT in a read-only transaction"})
        if "CREATE TABLE" in sql:
            self.written, self.ddl = [], self.ddl + 1
            return []
        written = self.written if self.source is None else self.source.written
        if written is None:
            raise PgError({"C": "42P01", "M": 'relation "drgen_heartbeat" does not exist'})
        if "INSERT" in sql:
            written.append(self.clock.now)
        seen = [at for at in written if at <= self.clock.now - self.lag_s]
        if not seen:
            return []
        return [[self.clock.now - seen[-1]]] if "clock_timestamp() - beaten_at" in sql else [[seen[-1]]]

    def close(self) -> None:
        self.closed += 1


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def pair() -> tuple[Clock, Database, Database, Callable[[str], Database]]:
    clock = Clock()
    primary = Database(clock)
    replica = Database(clock, source=primary)
    servers = {"primary": primary, "replica": replica}

    def connect(host: str) -> Database:
        if host not in servers:
            raise logic.Silent(f"{host} does not answer")
        return servers[host]

    return clock, primary, replica, connect


Pair = tuple[Clock, Database, Database, Callable[[str], Database]]


def beat(pair: Pair, primary: str = "primary", recovery: str = "replica") -> Any:
    clock, _, _, connect = pair
    return logic.beat(primary, recovery, workload="w", connect=connect, clock=clock, sleep=clock.sleep)


def test_each_database_says_for_itself_whether_it_takes_writes(pair: Pair) -> None:
    connect = pair[3]
    assert logic.ask("primary", connect) == {"observed": True, "in_recovery": False}
    assert logic.ask("replica", connect) == {"observed": True, "in_recovery": True}
    assert logic.ask("nowhere", connect) == {"observed": False, "reason": "nowhere does not answer"}


def test_a_heartbeat_that_arrives_gives_the_time_it_took(pair: Pair) -> None:
    pair[2].lag_s = 0.5
    assert beat(pair) == pytest.approx(0.6)


def test_the_age_of_the_last_heartbeat_counts_when_the_new_one_does_not_arrive(pair: Pair) -> None:
    clock, _, replica, _ = pair
    assert beat(pair) == 0.0
    replica.lag_s = 50.0
    clock.sleep(60)
    assert beat(pair) == pytest.approx(63.0, abs=0.3)


def test_the_lag_goes_on_being_measured_when_the_primary_is_silent(pair: Pair) -> None:
    assert beat(pair) == 0.0
    pair[0].sleep(30)
    assert beat(pair, primary="nowhere") == 30.0
    assert beat(pair, recovery="nowhere") is None


def test_the_table_is_made_once(pair: Pair) -> None:
    for _ in range(3):
        beat(pair)
    assert pair[1].ddl == 1


def test_a_write_is_proved_by_reading_it_back(pair: Pair) -> None:
    clock, primary, replica, connect = pair
    assert logic.write("primary", workload="w", connect=connect, clock=clock) == {
        "observed": True, "wrote": True, "reason": "", "took_ms": 0.0,
    }  # fmt: skip
    refused = logic.write("replica", workload="w", connect=connect, clock=clock)
    assert (refused["observed"], refused["wrote"], refused["reason"]) == (True, False, "the database only reads")
    assert (primary.closed, replica.closed) == (1, 1)


def test_without_certificates_no_password_leaves_the_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CA_FILE", str(tmp_path / "rds-ca.pem"))
    connector = handler.Connector("", LOGIN)
    with pytest.raises(logic.Silent, match=r"the package has no rds-ca.pem, so no server can be verified"):
        connector("127.0.0.1")


def test_a_server_that_refuses_tls_gets_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PostgreSQL answers the request for TLS with one byte; N means no. Source: protocol documentation, "SSL"."""
    received = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(100))
            connection.sendall(b"N")
            received.append(connection.recv(100))

    shutil.copy(Path(__file__).parent / "authority.pem", tmp_path / "rds-ca.pem")
    monkeypatch.setenv("CA_FILE", str(tmp_path / "rds-ca.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("DATABASE_PORT", str(listener.getsockname()[1]))
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        with pytest.raises(logic.Silent, match=r"127\.0\.0\.1 does not answer"):
            handler.Connector("", LOGIN)("127.0.0.1")
        server.join()
    assert received == [b"\x00\x00\x00\x08\x04\xd2\x16/", b""]


def test_only_a_replica_has_a_lag(pair: Pair) -> None:
    clock, _, _, connect = pair

    def said(recovery: str) -> dict[str, Any]:
        databases = logic.Databases("primary", recovery, "w")
        return logic.answer("beat", databases, connect=connect, clock=clock, sleep=clock.sleep)

    assert said("replica")["heartbeat_lag_s"] == 0.0
    assert "heartbeat_lag_s" not in said("primary")
    assert "heartbeat_lag_s" not in said("nowhere")


def test_where_nothing_writes_yet_the_reader_answers_for_the_recovery_region(pair: Pair) -> None:
    clock, _, _, connect = pair
    databases = logic.Databases("primary", "nowhere", "w", reader="replica")
    said = logic.answer("ask", databases, connect=connect, clock=clock, sleep=clock.sleep)
    assert said["recovery"] == {"observed": True, "in_recovery": True}
