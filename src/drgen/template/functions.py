"""The intrinsic functions, as functions of values that may be known in part. None of their arguments is an Either.

Source: CloudFormation Template Reference, "Intrinsic function reference".
"""

from __future__ import annotations

import base64 as encoding
import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any

from drgen.template.values import (
    NO_VALUE,
    Attribute,
    Resolved,
    ResolveError,
    Text,
    Unknown,
    WrongValue,
    about,
    known,
    plain_text,
)

MOST_BLOCKS = 256
"""Of one Fn::Cidr."""


def items(function: str, argument: Any, least: int, most: int) -> list[Any]:
    """`argument`, a list of that many items. Raises ResolveError."""
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        raise ResolveError(f"{function} takes a list of {count} items")
    return argument


def text(parts: Sequence[Resolved]) -> Resolved:
    """The parts as one text. Raises WrongValue for a part that cannot stand in text."""
    flat: list[str | Unknown | Attribute] = []
    for part in parts:
        pieces: Sequence[Any] = part.parts if isinstance(part, Text) else (part,)
        for piece in map(plain_text, pieces):
            if not isinstance(piece, str | Unknown | Attribute):
                what = "AWS::NoValue" if piece is NO_VALUE else "a list or mapping" if piece is not None else "null"
                raise WrongValue(f"{what} cannot stand in text")
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if not flat:
        return ""
    return flat[0] if len(flat) == 1 else Text(tuple(flat))


def join(delimiter: Resolved, items: Resolved) -> Resolved:
    if not isinstance(delimiter, str):
        raise WrongValue("Fn::Join takes a delimiter that is written as text")
    if not isinstance(items, list):
        if isinstance(items, Unknown | Attribute | Text):
            return about("the list to join is not known", items)
        raise WrongValue("Fn::Join takes a list to join")
    parts: list[Resolved] = []
    for index, item in enumerate(items):
        parts.extend([delimiter, item] if index else [item])
    return text(parts)


def select(index: Resolved, items: Resolved) -> Resolved:
    if not known(index):
        return about("the index to select by is not known", index)
    if not isinstance(items, list):
        if isinstance(items, Unknown | Attribute | Text):
            origin = f"item {index} of {items.origin}" if isinstance(items, Unknown) and items.origin else ""
            return Unknown(about("the list to select from is not known", items).reason, origin)
        raise WrongValue("Fn::Select takes a list to select from")
    number = str(plain_text(index))
    position = int(number) if number.isdecimal() else -1
    if not 0 <= position < len(items):
        raise WrongValue(f"Fn::Select asks for item {index} of a list of {len(items)}")
    return items[position]


def split(value: Resolved, delimiter: str) -> Resolved:
    """`value` cut at each `delimiter`; Unknown if `value` is no text, or a part that is not known may hold one.

    Only a comma is known to stand in no attribute of a resource (an ARN holds `:` and `/`).
    """
    if isinstance(value, str):
        return value.split(delimiter)
    if isinstance(value, list | dict) or value is NO_VALUE:
        raise WrongValue("Fn::Split takes a text to split")
    if not isinstance(value, Text) or delimiter != "," or any(isinstance(part, Unknown) for part in value.parts):
        return about("the text to split is not known", value)
    pieces: list[list[str | Unknown | Attribute]] = [[]]
    for part in value.parts:
        if not isinstance(part, str):
            pieces[-1].append(part)
            continue
        first, *others = part.split(delimiter)
        pieces[-1].extend([first] if first else [])
        pieces.extend([other] if other else [] for other in others)
    return [_piece(piece) for piece in pieces]


def _piece(parts: Sequence[str | Unknown | Attribute]) -> Resolved:
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 else Text(tuple(parts))


def find_in_map(mappings: Mapping[str, Any], name: Resolved, first: Resolved, second: Resolved) -> Resolved:
    """The entry; None if there is none."""
    found: Any = mappings
    for key in (name, first, second):
        if not known(key):
            return about("a key of Fn::FindInMap is not known", key)
        if not isinstance(plain_text(key), str):
            raise WrongValue("the keys of Fn::FindInMap are texts")
        found = found.get(plain_text(key)) if isinstance(found, Mapping) else None
    return found


def cidr(block: Resolved, count: Resolved, bits: Resolved) -> Resolved:
    """`count` blocks inside `block`, each with `bits` bits for its hosts."""
    if not known([block, count, bits]):
        return about("the block of Fn::Cidr is not known", block, count, bits)
    try:
        network = ipaddress.ip_network(block)
        wanted, width = int(count), int(bits)
        if not 1 <= wanted <= MOST_BLOCKS:
            raise WrongValue(f"Fn::Cidr makes 1 to {MOST_BLOCKS} blocks, not {wanted}")
        blocks = network.subnets(new_prefix=network.max_prefixlen - width)
        made = [str(subnet) for subnet, _ in zip(blocks, range(wanted), strict=False)]
    except (ValueError, TypeError) as error:
        raise WrongValue(f"Fn::Cidr: {error}") from error
    if len(made) < wanted:
        raise WrongValue(f"Fn::Cidr: {block} has room for {len(made)} blocks with {width} host bits, not for {wanted}")
    return made


def base64(value: Resolved) -> Resolved:
    found = plain_text(value)
    if isinstance(found, Unknown | Attribute | Text):
        return about("the text to encode is not known", found)
    if not isinstance(found, str):
        raise WrongValue("Fn::Base64 takes a text")
    return encoding.b64encode(found.encode()).decode()


def length(items: Resolved) -> Resolved:
    if isinstance(items, list):
        return len(items)
    if isinstance(items, Unknown | Attribute | Text):
        return about("the list is not known", items)
    raise WrongValue("Fn::Length takes a list")


def json_text(value: Resolved) -> Resolved:
    """`value` as JSON without spaces; each unknown part stays a part of the text.

    An attribute is taken for text, so it stands in quotes. What else is unknown may be a list, and brings its quotes.
    """
    if value is NO_VALUE:
        raise WrongValue("Fn::ToJsonString cannot write AWS::NoValue")
    parts: list[str | Unknown | Attribute] = []

    def marked(item: Resolved) -> Any:
        match item:
            case list():
                return list(map(marked, item))
            case dict():
                return {str(key): marked(one) for key, one in item.items()}
            case Unknown() | Attribute():
                # JSON of an unknown text is another text: it may have characters to escape.
                parts.append(Unknown(item.reason) if isinstance(item, Unknown) else item)
                return f"\0{len(parts) - 1}\0"
            case Text():
                return "".join(part if isinstance(part, str) else marked(part) for part in item.parts)
        return item

    written = json.dumps(marked(value), separators=(",", ":"))
    if not parts:
        return written
    pieces = written.split("\\u0000")
    return text([_unquoted(pieces, parts, index) for index in range(len(pieces))])


def _unquoted(pieces: list[str], parts: list[str | Unknown | Attribute], index: int) -> Resolved:
    """The piece at `index`: every second one is a number of `parts`. An Unknown that is a whole value loses its
    quotes."""
    if index % 2:
        return parts[int(pieces[index])]
    piece = pieces[index]
    if _is_whole(pieces, parts, index - 1):
        piece = piece.removeprefix('"')
    return piece.removesuffix('"') if _is_whole(pieces, parts, index + 1) else piece


def _is_whole(pieces: list[str], parts: list[str | Unknown | Attribute], index: int) -> bool:
    if not 0 <= index < len(pieces) or not isinstance(parts[int(pieces[index])], Unknown):
        return False
    before, after = pieces[index - 1], pieces[index + 1]
    return before.endswith('"') and not before.endswith('\\"') and after.startswith('"')
