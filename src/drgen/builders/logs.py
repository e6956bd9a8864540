"""Log groups: made before what writes to them, encrypted, with a retention."""

from __future__ import annotations

from typing import Any

from troposphere import logs

from drgen.model.stack import StackDraft
from drgen.model.value import Value


def log_group(stack: StackDraft, title: str, *, name: str, key: Value, days: int, why: str = "") -> Any:
    group = logs.LogGroup(title, LogGroupName=name, KmsKeyId=stack.use(key), RetentionInDays=days)
    stack.add(group, why=why)
    stack.keep(group)
    return group
