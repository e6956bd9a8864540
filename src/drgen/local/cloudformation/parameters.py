"""The values of a template's parameters, from what the caller sent and what the stack had before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drgen.local.api import ApiError
from drgen.local.cloudformation.document import Document
from drgen.local.cloudformation.records import Parameter

MASK = "****"
SSM_VALUE = "AWS::SSM::Parameter::Value<"
FromSsm = Callable[[str], str]
"""The value of the SSM parameter of that name in the stack's region. Raises ApiError."""


def settle(
    document: Document, given: Sequence[Mapping[str, Any]], previous: Mapping[str, Parameter], from_ssm: FromSsm
) -> tuple[Parameter, ...]:
    """Every parameter of `document` with its value. Raises ApiError (ValidationError)."""
    declared = document.section("Parameters")
    asked = {str(item.get("ParameterKey")): item for item in given}
    unknown = [key for key in asked if key not in declared]
    if unknown:
        raise _wrong(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values = {key: _value(key, asked.get(key), declaration, previous) for key, declaration in declared.items()}
    missing = [key for key, value in values.items() if value is None]
    if missing:
        raise _wrong(f"Parameters: [{', '.join(missing)}] must have values")
    return tuple(_checked(key, value, declared[key], from_ssm) for key, value in values.items() if value is not None)


def reference(declaration: Mapping[str, Any], value: str) -> str | list[str]:
    """What Ref gives for a parameter with that value: a list for the list types."""
    kind = _kind(declaration)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in value.split(",")]
    return value


def shown(declaration: Mapping[str, Any], value: str) -> str:
    """The value as Describe calls show it."""
    return MASK if str(declaration.get("NoEcho", "false")).lower() == "true" else value


def _value(
    key: str, item: Mapping[str, Any] | None, declaration: Mapping[str, Any], previous: Mapping[str, Parameter]
) -> str | None:
    if item is not None and item.get("UsePreviousValue"):
        if key not in previous:
            raise _wrong(
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true "
                "for a parameter key not in the previous template"
            )
        return previous[key].value
    if item is not None and item.get("ParameterValue") is not None:
        return str(item["ParameterValue"])
    default = declaration.get("Default")
    if isinstance(default, list):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else None if default is None else str(default)


def _checked(key: str, value: str, declaration: Mapping[str, Any], from_ssm: FromSsm) -> Parameter:
    kind = str(declaration.get("Type", "String"))
    for text in reference(declaration, value) if isinstance(reference(declaration, value), list) else [value]:
        _check(key, text, declaration)
    if kind.startswith(SSM_VALUE):
        return Parameter(key, value, from_ssm(value))
    return Parameter(key, value)


def _check(key: str, text: str, declaration: Mapping[str, Any]) -> None:
    allowed = declaration.get("AllowedValues")
    if allowed and text not in [str(item).lower() if isinstance(item, bool) else str(item) for item in allowed]:
        raise _refused(declaration, key, f"Parameter '{key}' must be one of AllowedValues")
    pattern = declaration.get("AllowedPattern")
    if pattern and re.fullmatch(str(pattern), text) is None:
        raise _refused(declaration, key, f"Parameter '{key}' must match pattern {pattern}")
    if len(text) < int(declaration.get("MinLength", 0)):
        raise _refused(
            declaration, key, f"Parameter '{key}' must contain at least {declaration['MinLength']} characters"
        )
    if len(text) > int(declaration.get("MaxLength", len(text))):
        raise _refused(
            declaration, key, f"Parameter '{key}' must contain at most {declaration['MaxLength']} characters"
        )
    if _kind(declaration) in ("Number", "List<Number>"):
        _check_number(key, text, declaration)


def _check_number(key: str, text: str, declaration: Mapping[str, Any]) -> None:
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is None:
        raise _wrong(f"Parameter '{key}' must be a number")
    if float(text) < float(declaration.get("MinValue", text)):
        raise _refused(declaration, key, f"Parameter '{key}' must be a number not less than {declaration['MinValue']}")
    if float(text) > float(declaration.get("MaxValue", text)):
        raise _refused(
            declaration, key, f"Parameter '{key}' must be a number not greater than {declaration['MaxValue']}"
        )


def _kind(declaration: Mapping[str, Any]) -> str:
    kind = str(declaration.get("Type", "String"))
    return kind[len(SSM_VALUE) : -1] if kind.startswith(SSM_VALUE) else kind


def _refused(declaration: Mapping[str, Any], key: str, message: str) -> ApiError:
    constraint = declaration.get("ConstraintDescription")
    return _wrong(f"Parameter {key} failed to satisfy constraint: {constraint}" if constraint else message)


def _wrong(message: str) -> ApiError:
    return ApiError("ValidationError", message)
