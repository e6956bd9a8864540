"""From an operation's output, or an error, to the response on the wire.

Source: botocore/parsers.py, which is what clients read, and the shapes of the service models.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections.abc import Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from drgen.local.wire.message import Response
from drgen.local.wire.parse import moment

if TYPE_CHECKING:
    from botocore.model import OperationModel

JSON_TYPES = {"1.0": "application/x-amz-json-1.0", "1.1": "application/x-amz-json-1.1"}


class WrongShape(Exception):
    """A service answered with something its model does not have. This is a bug in drgen."""


def response(result: Mapping[str, Any], operation: OperationModel) -> Response:
    """The answer as the service's protocol writes it. Raises WrongShape."""
    request_id = str(uuid.uuid4())
    match operation.service_model.protocol:
        case "query":
            return _query_response(result, operation, request_id)
        case "ec2":
            root = _root(f"{operation.name}Response", operation)
            if operation.output_shape is not None:
                _into_xml(root, result, operation.output_shape)
            SubElement(root, "requestId").text = request_id
            return _xml_response(root, request_id)
        case "json":
            body = _to_json(result, operation.output_shape) if operation.output_shape is not None else {}
            version = operation.service_model.metadata.get("jsonVersion", "1.0")
            headers = (("Content-Type", JSON_TYPES[version]), ("x-amzn-RequestId", request_id))
            return Response(200, headers, json.dumps(body).encode())
        case "rest-json" | "rest-xml":
            return _rest_response(result, operation, request_id)
        case other:
            raise WrongShape(f"the protocol {other} is not spoken here")


def _root(name: str, operation: OperationModel) -> Element:
    root = Element(name)
    namespace = operation.metadata.get("xmlNamespace")
    if namespace:
        root.set("xmlns", namespace)
    return root


def _xml_response(root: Element, request_id: str, status: int = 200) -> Response:
    headers = (("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id))
    return Response(status, headers, _document(root))


def _document(root: Element) -> bytes:
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _query_response(result: Mapping[str, Any], operation: OperationModel, request_id: str) -> Response:
    root = _root(f"{operation.name}Response", operation)
    shape: Any = operation.output_shape
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper")
        _into_xml(SubElement(root, wrapper) if wrapper else root, result, shape)
    SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return _xml_response(root, request_id)


def _known(result: Mapping[str, Any], shape: Any) -> list[tuple[str, Any, Any]]:
    unknown = set(result) - set(shape.members)
    if unknown:
        raise WrongShape(f"{shape.name} has no {', '.join(sorted(unknown))}")
    return [(name, member, result[name]) for name, member in shape.members.items() if result.get(name) is not None]


def _into_xml(parent: Element, result: Mapping[str, Any], shape: Any) -> None:
    for name, member, value in _known(result, shape):
        place = member.serialization
        if place.get("location"):
            continue
        wire = place.get("name", name)
        if place.get("xmlAttribute"):
            parent.set(wire, text(value, member))
        elif member.type_name == "list" and place.get("flattened"):
            own = place.get("name") or member.member.serialization.get("name") or name
            for item in value:
                _xml_value(SubElement(parent, own), item, member.member)
        else:
            _xml_value(SubElement(parent, wire), value, member)


def _xml_value(node: Element, value: Any, shape: Any) -> None:
    match shape.type_name:
        case "structure":
            _into_xml(node, value, shape)
        case "list":
            own = shape.member.serialization.get("name", "member")
            for item in value:
                _xml_value(SubElement(node, own), item, shape.member)
        case "map":
            for key, item in value.items():
                entry = node if shape.serialization.get("flattened") else SubElement(node, "entry")
                SubElement(entry, shape.key.serialization.get("name", "key")).text = str(key)
                _xml_value(SubElement(entry, shape.value.serialization.get("name", "value")), item, shape.value)
        case _:
            node.text = text(value, shape)


def text(value: Any, shape: Any) -> str:
    """A single value as XML, a header or a query string has it."""
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "timestamp":
            return _time_text(value, shape.serialization.get("timestampFormat", "iso8601"))
        case "blob":
            return base64.b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()
        case _:
            return str(value)


def _time_text(value: Any, form: str) -> str:
    at = value if isinstance(value, dt.datetime) else moment(value)
    at = at.astimezone(dt.UTC)
    match form:
        case "unixTimestamp":
            return str(int(at.timestamp()))
        case "rfc822":
            return format_datetime(at, usegmt=True)
        case _:
            return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _to_json(value: Any, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            if getattr(shape, "is_document_type", False):
                return value
            return {
                member.serialization.get("name", name): _to_json(item, member)
                for name, member, item in _known(value, shape)
                if not member.serialization.get("location")
            }
        case "list":
            return [_to_json(item, shape.member) for item in value]
        case "map":
            return {str(key): _to_json(item, shape.value) for key, item in value.items()}
        case "timestamp":
            form = shape.serialization.get("timestampFormat", "unixTimestamp")
            if form != "unixTimestamp":
                return _time_text(value, form)
            return (value if isinstance(value, dt.datetime) else moment(value)).timestamp()
        case "blob":
            return text(value, shape)
        case _:
            return value


def _rest_response(result: Mapping[str, Any], operation: OperationModel, request_id: str) -> Response:
    shape: Any = operation.output_shape
    status = int(operation.http.get("responseCode", 200))
    is_json = operation.service_model.protocol == "rest-json"
    if shape is None:
        return Response(status, (("x-amzn-RequestId", request_id),))
    headers = [("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)]
    for _, member, value in _known(result, shape):
        place = member.serialization
        match place.get("location"):
            case "header":
                headers.append((place["name"], _header(value, member)))
            case "headers":
                headers += [(place["name"] + key, str(item)) for key, item in value.items()]
            case "statusCode":
                status = int(value)
            case _:
                pass
    body = _rest_body(result, operation, shape, is_json=is_json)
    if body and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/json" if is_json else "text/xml"))
    return Response(status, tuple(headers), body)


def _header(value: Any, shape: Any) -> str:
    match shape.type_name:
        case "timestamp":
            return _time_text(value, shape.serialization.get("timestampFormat", "rfc822"))
        case "list":
            return ",".join(text(item, shape.member) for item in value)
        case _:
            return text(value, shape)


def _rest_body(result: Mapping[str, Any], operation: OperationModel, shape: Any, *, is_json: bool) -> bytes:
    payload = shape.serialization.get("payload")
    if payload is not None:
        member, value = shape.members[payload], result.get(payload)
        if value is None:
            return b""
        if member.type_name in ("blob", "string"):
            return value if isinstance(value, bytes) else str(value).encode()
        if is_json:
            return json.dumps(_to_json(value, member)).encode()
        root = Element(member.serialization.get("name", member.name))
        _into_xml(root, value, member)
        return _document(root)
    if all(member.serialization.get("location") for member in shape.members.values()):
        return b""
    if is_json:
        return json.dumps(_to_json(result, shape)).encode()
    root = _root(shape.name, operation)
    _into_xml(root, result, shape)
    return _document(root)


def error_response(
    code: str, message: str, *, status: int, protocol: str, json_version: str = "1.0", service: str = ""
) -> Response:
    """An error in any protocol, also of a service that is answered upstream."""
    request_id = str(uuid.uuid4())
    side = "Sender" if status < 500 else "Receiver"
    headers: tuple[tuple[str, str], ...] = (("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id))
    match protocol:
        case "json" | "rest-json":
            kind = JSON_TYPES[json_version] if protocol == "json" else "application/json"
            headers = (*headers, ("Content-Type", kind), ("x-amzn-ErrorType", code))
            return Response(status, headers, json.dumps({"__type": code, "message": message}).encode())
        case "smithy-rpc-v2-cbor":
            headers = (*headers, ("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"))
            headers = (*headers, ("x-amzn-query-error", f"{code};{side}"))
            return Response(status, headers, _cbor({"__type": code, "message": message}))
        case "ec2":
            root = Element("Response")
            error = SubElement(SubElement(root, "Errors"), "Error")
            SubElement(root, "RequestID").text = request_id
        case "rest-xml" if service == "s3":
            root = error = Element("Error")
        case _:
            root = Element("ErrorResponse")
            error = SubElement(root, "Error")
            SubElement(error, "Type").text = side
            SubElement(root, "RequestId").text = request_id
    SubElement(error, "Code").text = code
    SubElement(error, "Message").text = message
    return _xml_response(root, request_id, status)


def _cbor(texts: Mapping[str, str]) -> bytes:
    """A map of texts in CBOR. Source: RFC 8949, section 3, major types 3 and 5."""
    written = bytes([0xA0 | len(texts)])
    for item in (word for pair in texts.items() for word in pair):
        raw = item.encode()
        written += b"\x79" + len(raw).to_bytes(2, "big") + raw
    return written
