"""The forms of what ``prong map`` gives to functions and takes from them.

An input comes as the bytes of a file name or line, or several of them, one for each parameter (or named column); a
result goes back as text (``str(value)``, or JSON). The command line, which is not a Python program, needs no pickle for
that.
"""

from __future__ import annotations

import json
import math
import numbers
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

Arguments = Sequence[Any]
Keywords = dict[str, Any]

_SEVERAL_VALUES = 1  #: a shape of calls


class Items(list[Any]):
    """What a generator gave."""


def split(shape: int, data: bytes) -> list[bytes]:
    """The values of an input; see ``encode_map_input`` in src/cli/map_result.h."""
    if shape != _SEVERAL_VALUES:
        return [data]
    values, position = [], 0
    while position < len(data):
        begin = position + 4
        position = begin + int.from_bytes(data[position:begin], sys.byteorder)
        values.append(data[begin:position])
    return values


# --- inputs ---


def _text(values: list[bytes]) -> tuple[Arguments, Keywords]:
    return [os.fsdecode(value) for value in values], {}


def _json(values: list[bytes]) -> tuple[Arguments, Keywords]:
    return [_from_json(value) for value in values], {}


def _unpacked(values: list[bytes]) -> tuple[Arguments, Keywords]:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for value in _json(values)[0]:
        if isinstance(value, dict):
            kwargs.update(value)
        elif isinstance(value, list):
            args.extend(value)
        else:
            args.append(value)
    return args, kwargs


def _from_json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"the input is not JSON: {error}") from None


DECODERS: dict[str, Callable[[list[bytes]], tuple[Arguments, Keywords]]] = {
    "": _text,
    "json": _json,
    "unpack": _unpacked,
}


# --- results ---


def _to_lines(value: Any) -> bytes:
    if isinstance(value, Items):
        return b"".join(map(_to_lines, value))
    return _bytes_of(f"{value}\n")


def _to_json(value: Any) -> bytes:
    try:
        text = json.dumps(value, default=_shown_in_json, allow_nan=False)
    except (ValueError, TypeError, RecursionError):  # NaN, infinity, keys that are no texts, a structure within itself
        text = json.dumps(str(value))
    return text.encode()


def _bytes_of(text: str) -> bytes:
    """A text that came as bytes, such as the name of a file, goes as it came."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def _to_cell(value: Any) -> bytes:
    """See ``decode_map_cell`` in src/cli/map_result.h."""
    if value is None:
        return b"n"
    if isinstance(value, str):
        return _text_cell(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b"b" + bytes(value)
    value = _plain_number(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return b"i%d" % value
    if isinstance(value, float):
        return b"snan" if math.isnan(value) else b"f" + float.__repr__(value).encode()  # a nan would be NULL
    return b"s" + _to_json(value)


def _text_cell(text: str) -> bytes:
    try:
        return b"s" + text.encode()
    except UnicodeEncodeError:
        return b"b" + _bytes_of(text)


def _plain_number(value: Any) -> Any:
    """What numpy and others have as numbers of their own."""
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
        return float(value)
    return value


def _shown_in_json(value: Any) -> Any:
    plain = _plain_number(value)
    return plain if isinstance(plain, (int, float)) else str(value)


ENCODERS: dict[str, Callable[[Any], bytes]] = {"": _to_lines, "json": _to_json, "cells": _to_cell}
