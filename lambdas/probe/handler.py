"""The probe of a recovery region. Runs in its VPC and reaches both databases, the primary's through the peering.

Environment: WORKLOAD; PRIMARY_HOST and RECOVERY_HOST, the endpoints of the databases; RECOVERY_READER_HOST, where an
Aurora cluster answers that does not write; DATABASE_PORT (5432);
DATABASE_NAME; SECRET, the name of the replicated secret with `username` and `password`; CA_FILE, the certificates that
sign the databases' own (`rds-ca.pem` in this package).

The connection is always TLS, and the server's certificate and name are always verified. Without the certificates of
RDS there is no connection at all: a password must not go to a server that nobody has verified. AWS publishes them as
https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem (RDS User Guide, "Using SSL/TLS to encrypt a
connection to a DB instance or cluster"); store it as `rds-ca.pem` beside workload.yaml and build again. Until then
every answer is "not observed", with that reason.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from pathlib import Path
from typing import Any

import logic

CONNECT_S = 3
"""Also the limit of every statement: a probe that hangs must not hold up a failover."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Runs `event["command"]` and returns what both databases said, each observed or not, with the reason."""
    command = event.get("command", "ask")
    if command not in logic.COMMANDS:
        raise ValueError(f"{command!r} is no command: use {', '.join(logic.COMMANDS)}")
    problem, login = read_secret()
    answer = logic.answer(
        command,
        logic.Databases(
            primary=os.environ["PRIMARY_HOST"],
            recovery=os.environ["RECOVERY_HOST"],
            workload=os.environ["WORKLOAD"],
            reader=os.environ.get("RECOVERY_READER_HOST", ""),
        ),
        connect=Connector(problem, login),
        clock=time.monotonic,
        sleep=time.sleep,
    )
    return {"secret_read": not problem, **answer}


class Connector:
    """Opens verified TLS connections with the secret's user; with a `problem` in place of a `login`, none."""

    def __init__(self, problem: str, login: dict[str, str]) -> None:
        self.problem, self.login = problem, login
        self.ca_file = Path(os.environ.get("CA_FILE", Path(__file__).parent / "rds-ca.pem"))

    def __call__(self, host: str) -> logic.Connection:
        import pg8000.native

        if self.problem:
            raise logic.Silent(self.problem)
        if not self.ca_file.is_file():
            raise logic.Silent(f"the package has no {self.ca_file.name}, so no server can be verified")
        try:
            connection: logic.Connection = pg8000.native.Connection(
                self.login["username"],
                host=host,
                port=int(os.environ.get("DATABASE_PORT", "5432")),
                database=os.environ.get("DATABASE_NAME", "postgres"),
                password=self.login["password"],
                timeout=CONNECT_S,
                ssl_context=ssl.create_default_context(cafile=str(self.ca_file)),
                application_name="drgen-probe",
            )
        except Exception as error:
            raise logic.Silent(f"{host} does not answer ({logic.describe(error)})") from error
        return connection


def read_secret() -> tuple[str, dict[str, str]]:
    """Why the secret cannot be read, or "", and its content. It is read in this region only."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    try:
        client = boto3.client("secretsmanager", config=config)
        text = client.get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
        content = json.loads(text)
        return "", {"username": content["username"], "password": content["password"]}
    except (BotoCoreError, ClientError) as error:
        return f"the secret cannot be read ({type(error).__name__})", {}
    except (KeyError, ValueError) as error:
        return f"the secret has no username and password ({type(error).__name__})", {}
