"""A saved plan: what people looked at and approved, as JSON that a review can carry."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from drgen.errors import UsageError
from drgen.model.plan import Action, Change, Foreseen, Pass, Plan, Replacement, StepPlan

VERSION = 1


def plan_text(plan: Plan) -> str:
    """The plan as JSON, the same text for the same plan."""
    return json.dumps({"version": VERSION, **dataclasses.asdict(plan)}, indent=2) + "\n"


def read_plan(path: Path) -> Plan:
    """The plan in file `path`. Raises UsageError if it holds none that this version understands."""
    try:
        body = json.loads(path.read_text("utf-8"))
        if body["version"] != VERSION:
            raise UsageError(f"this plan has version {body['version']}", at=str(path), fix="make a new plan")
        steps = tuple(_step(item) for item in body["steps"])
        kept = {region: tuple(names) for region, names in body["kept"].items()}
        return Plan(body["workload"], steps, tuple(body["regions"]), kept)
    except OSError as error:
        raise UsageError("the plan cannot be read", at=str(path), fix="`drgen plan --out FILE` writes one") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError("this file holds no plan", at=str(path), fix="`drgen plan --out FILE` writes one") from error


def _step(item: dict[str, Any]) -> StepPlan:
    return StepPlan(
        step=item["step"],
        stack=item["stack"],
        region=item["region"],
        stage=item["stage"],
        passes=Pass(item["passes"]),
        foreseen=Foreseen(item["foreseen"]),
        template_sha256=item["template_sha256"],
        changes=tuple(_change(change) for change in item["changes"]),
        pending=tuple(item["pending"]),
        assumes=tuple(item["assumes"]),
        settings=tuple(item["settings"]),
        reason=item["reason"],
        fix=item["fix"],
    )


def _change(item: dict[str, Any]) -> Change:
    return Change(
        logical_id=item["logical_id"],
        type=item["type"],
        action=Action(item["action"]),
        replacement=Replacement(item["replacement"]),
        policy_action=item["policy_action"],
        physical_id=item["physical_id"],
        properties=tuple(item["properties"]),
        recreating=tuple(item["recreating"]),
    )
