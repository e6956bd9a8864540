"""Names for what drgen asks CloudFormation to do, derived from content: the same wish has the same name in any run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from drgen.model.deployment import StackEntry
from drgen.model.plan import Known, ParameterValue, Pass

PREFIX = "drgen-"


def change_set_name(
    entry: StackEntry, passes: Pass, *, template_sha256: str, parameters: Mapping[str, ParameterValue]
) -> str:
    """The change set's name. A kept value is a word of its own, so that a run and its resumption agree."""
    wish = {
        "stack": entry.stack_name,
        "region": entry.region,
        "pass": str(passes),
        "template": template_sha256,
        "parameters": {n: ["=", v.value] if isinstance(v, Known) else ["keep"] for n, v in parameters.items()},
        "tags": dict(entry.tags),
        "capabilities": sorted(entry.capabilities),
    }
    return PREFIX + hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).hexdigest()[:32]


def operation_token(name: str, *, attempt: str) -> str:
    """The ClientRequestToken of executing change set `name`; `attempt` tells its makings apart.

    CloudFormation refuses a token again with other arguments. Source: botocore ExecuteChangeSetInput.
    """
    return f"{name}-{hashlib.sha256(attempt.encode()).hexdigest()[:8]}"


def is_same_wish(token: str, name: str) -> bool:
    """True if an operation with `token` was begun by a run that wanted exactly what change set `name` says."""
    return token.startswith(f"{name}-")
