"""The failover function of a recovery region. Runs outside the VPC, because it calls the APIs of two regions."""

from __future__ import annotations

import os
from typing import Any

from drgen.recovery.clients import AwsClients
from drgen.recovery.config import Config
from drgen.recovery.decide import ask, decide, look
from drgen.recovery.signals import Run
from drgen.recovery.watch import watch

CONFIG = Config.from_environment(os.environ)
CLIENTS = AwsClients(target_region=CONFIG.recovery_region, primary_region=CONFIG.primary_region)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Runs `event["command"]`: watch (scheduled), decide and ask (state machine), look (drgen failover --dry-run)."""
    execution = event.get("execution", {})
    run = Run(arn=execution.get("arn", ""), started=execution.get("started", ""))
    match event.get("command"):
        case "watch":
            return watch(CONFIG, CLIENTS)
        case "decide":
            return decide(event["state"], run, CONFIG, CLIENTS)
        case "ask":
            return ask(event["token"], event["state"], run, CONFIG, CLIENTS)
        case "look":
            return look(event["request"], CONFIG, CLIENTS)
        case other:
            raise ValueError(f"{other!r} is no command: use watch, decide, ask or look")
