"""From a request on the wire to the parameters that botocore's model gives the operation.

botocore ships the client's half of each protocol; this is the server's half.
Source: botocore/serialize.py, which is what clients send, and the shapes of the service models.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree

from drgen.local.api import ApiError
from drgen.local.wire.message import Request
from drgen.local.wire.models import path_pattern

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

Tree = dict[str, Any]


def parameters(request: Request, operation: OperationModel) -> Mapping[str, Any]:
    """The operation's input. Raises ApiError when the request cannot be read as one."""
    shape = operation.input_shape
    if shape is None:
        return {}
    protocol = operation.service_model.protocol
    try:
        match protocol:
            case "query" | "ec2":
                read = _structure_of_form(_tree(request.form), shape, ec2=protocol == "ec2")
            case "json":
                read = _json(json.loads(request.body or b"{}"), shape)
            case "rest-json" | "rest-xml":
                read = _rest(request, operation, shape)
            case _:
                raise ApiError("NotImplemented", f"The protocol {protocol} is not spoken here.", status=501)
    except (ValueError, ElementTree.ParseError) as error:
        raise ApiError("SerializationException", f"The request cannot be read: {error}.") from error
    assert isinstance(read, dict)
    return read


def _tree(form: Mapping[str, str]) -> Tree:
    """`{"Tags.member.1.Key": "a"}` as nested mappings, each value under the key ""."""
    root: Tree = {}
    for name, value in form.items():
        node = root
        for piece in name.split("."):
            node = node.setdefault(piece, {})
        node[""] = value
    return root


def _form_value(node: Tree, shape: Any, *, ec2: bool) -> Any:
    match shape.type_name:
        case "structure":
            return _structure_of_form(node, shape, ec2=ec2)
        case "list":
            return [_form_value(item, shape.member, ec2=ec2) for item in _list_of_form(node, shape)]
        case "map":
            entries = node if shape.serialization.get("flattened") else node.get("entry", {})
            key = shape.key.serialization.get("name", "key")
            value = shape.value.serialization.get("name", "value")
            return {
                entry[key][""]: _form_value(entry.get(value, {"": ""}), shape.value, ec2=ec2)
                for entry in _in_order(entries)
            }
        case _:
            return scalar(node.get("", ""), shape)


def _structure_of_form(node: Tree, shape: Any, *, ec2: bool) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        child = node.get(_form_name(name, member, ec2=ec2))
        if child is not None:
            found[name] = _form_value(child, member, ec2=ec2)
    return found


def _form_name(name: str, member: Any, *, ec2: bool) -> str:
    place = member.serialization
    if ec2:
        if "queryName" in place:
            return str(place["queryName"])
        wire = str(place.get("name", name))
        return wire[0].upper() + wire[1:]
    if member.type_name == "list" and place.get("flattened") and "name" in member.member.serialization:
        return str(member.member.serialization["name"])
    return str(place.get("name", name))


def _list_of_form(node: Tree, shape: Any) -> list[Tree]:
    """The items in order. Clients write them under the member's own name, under `member`, or (flattened) bare."""
    own = shape.member.serialization.get("name", "member")
    for name in (own, "member"):
        if name in node:
            return _in_order(node[name])
    return _in_order(node)


def _in_order(node: Tree) -> list[Tree]:
    return [node[index] for index in sorted((key for key in node if key.isdigit()), key=int)]


def _json(value: Any, shape: Any) -> Any:
    if value is None:
        return None
    match shape.type_name:
        case "structure":
            if not isinstance(value, dict):
                raise ValueError(f"{shape.name} must be an object")
            if getattr(shape, "is_document_type", False):
                return value
            names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
            return {
                names[key][0]: _json(item, names[key][1])
                for key, item in value.items()
                if key in names and item is not None
            }
        case "list":
            return [_json(item, shape.member) for item in value]
        case "map":
            return {key: _json(item, shape.value) for key, item in value.items()}
        case _:
            return scalar(value, shape)


def _xml(node: ElementTree.Element, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return _structure_of_xml(node, shape)
        case "list":
            return [_xml(item, shape.member) for item in node]
        case "map":
            key = shape.key.serialization.get("name", "key")
            value = shape.value.serialization.get("name", "value")
            return {_text(entry, key): _xml(_child(entry, value), shape.value) for entry in node}
        case _:
            return scalar(node.text or "", shape)


def _structure_of_xml(node: ElementTree.Element, shape: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        place = member.serialization
        if member.type_name == "list" and place.get("flattened"):
            wire = place.get("name") or member.member.serialization.get("name") or name
            items = [child for child in node if _local(child.tag) == wire]
            if items:
                found[name] = [_xml(item, member.member) for item in items]
            continue
        for child in node:
            if _local(child.tag) == place.get("name", name):
                found[name] = _xml(child, member)
    return found


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _child(node: ElementTree.Element, name: str) -> ElementTree.Element:
    for child in node:
        if _local(child.tag) == name:
            return child
    raise ValueError(f"{_local(node.tag)} has no {name}")


def _text(node: ElementTree.Element, name: str) -> str:
    return _child(node, name).text or ""


def _rest(request: Request, operation: OperationModel, shape: Any) -> dict[str, Any]:
    found = _from_path(request, operation, shape)
    for name, member in shape.members.items():
        place = member.serialization
        match place.get("location"):
            case "querystring":
                found.update(_from_query(request, name, member))
            case "header" if place["name"].lower() in request.headers:
                found[name] = _from_header(request.headers[place["name"].lower()], member)
            case "headers":
                prefix = place["name"].lower()
                found[name] = {key[len(prefix) :]: v for key, v in request.headers.items() if key.startswith(prefix)}
            case _:
                pass
    payload = shape.serialization.get("payload")
    if payload is not None:
        member = shape.members[payload]
        if member.type_name in ("blob", "string"):
            found[payload] = request.body if member.type_name == "blob" else request.body.decode("utf-8")
        elif request.body:
            found[payload] = _body(request, operation, member)
    elif request.body:
        in_body = _body(request, operation, shape)
        found.update({k: v for k, v in in_body.items() if "location" not in shape.members[k].serialization})
    return found


def _body(request: Request, operation: OperationModel, shape: Any) -> Any:
    if operation.service_model.protocol == "rest-json":
        return _json(json.loads(request.body), shape)
    return _xml(ElementTree.fromstring(request.body), shape)


def _from_path(request: Request, operation: OperationModel, shape: Any) -> dict[str, Any]:
    path = operation.http["requestUri"].partition("?")[0]
    matched = re.fullmatch(path_pattern(path), request.path)
    groups = matched.groupdict() if matched else {}
    return {
        name: scalar(unquote(groups[wire]), member)
        for name, member in shape.members.items()
        if member.serialization.get("location") == "uri"
        and (wire := re.sub(r"\W", "_", member.serialization.get("name", name))) in groups
    }


def _from_header(written: str, member: Any) -> Any:
    if member.type_name == "list":
        return [scalar(item, member.member) for item in next(csv.reader([written], skipinitialspace=True))]
    return scalar(written, member)


def _from_query(request: Request, name: str, member: Any) -> dict[str, Any]:
    wire = member.serialization["name"]
    values = [value for key, value in request.query_pairs if key == wire]
    if member.type_name == "list":
        return {name: [scalar(value, member.member) for value in values]} if values else {}
    return {name: scalar(values[0], member)} if values else {}


def scalar(value: Any, shape: Shape) -> Any:
    """A single value as Python has it. Raises ValueError when it is not one of the shape's."""
    match shape.type_name:
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else _boolean(value)
        case "timestamp":
            return moment(value)
        case "blob":
            return base64.b64decode(value)
        case _:
            return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def moment(value: Any) -> dt.datetime:
    """A time from an ISO 8601 text, an HTTP date or seconds since the epoch."""
    if isinstance(value, int | float):
        return dt.datetime.fromtimestamp(value, dt.UTC)
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return dt.datetime.fromtimestamp(float(value), dt.UTC)
    if "," in value:
        return dt.datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
    parsed = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)
