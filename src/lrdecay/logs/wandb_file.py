"""Reading the file of a W&B offline run: ``offline-run-*/run-*.wandb``.

After a header of 7 bytes that starts with ``:W&B`` comes LevelDB's log format: blocks of 32 KiB, each holding pieces

    CRC-32 of type and data (4 bytes, little endian), length (2), type (1: whole, 2: first, 3: middle, 4: last), data

and a record, put together from its pieces, is a protocol buffer, `wandb_internal_pb2.Record`. wandb 0.31 has no reader
of its own that Python can call.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

from lrdecay.errors import InputError, refusal

__all__ = ["wandb_records"]

_MAGIC = b":W&B"
_HEADER, _BLOCK = 7, 32768
_PIECE = struct.Struct("<IHB")
_WHOLE, _LAST = 1, 4


def wandb_records(path: Path) -> Iterator[Record]:
    """The records of a run, in order; a last one that is not written to its end yet is left out.

    Raises:
        InputError: the file is not of W&B, or a piece does not fit its CRC.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        msg = refusal("wandb_records(path=...)", "must be a file of W&B", str(path), "It is called run-*.wandb.")
        raise InputError(msg)
    at, record = _HEADER, b""
    while at < len(data):
        left = _BLOCK - at % _BLOCK
        if left < _PIECE.size:  # the rest of a block is padding
            at += left
            continue
        if at + _PIECE.size > len(data):
            return
        crc, length, kind = _PIECE.unpack_from(data, at)
        piece = data[at + _PIECE.size : at + _PIECE.size + length]
        if len(piece) < length:
            return
        if zlib.crc32(bytes([kind]) + piece) != crc:
            msg = refusal("wandb_records(path=...)", "must be undamaged", f"{path} with a wrong CRC at byte {at}")
            raise InputError(msg)
        record, at = record + piece, at + _PIECE.size + length
        if kind in (_WHOLE, _LAST):
            yield Record.FromString(record)
            record = b""
