"""Zip archives from anywhere: members with safe names, within a limit of unpacked size."""

from __future__ import annotations

import contextlib
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from siting.errors import LayerError
from siting.messages import Message

#: Bytes that an archive may unpack to, and members that it may have.
MOST_UNPACKED, MOST_MEMBERS = 2 << 30, 100_000
_CHUNK = 1 << 20
#: What the packages for archives raise for a damaged one.
ZIP_FAULTS = (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, RuntimeError, EOFError, LookupError,
              struct.error, zlib.error, lzma.LZMAError, OverflowError)  # fmt: skip


class Archive:
    """The files of an open archive by their names, which were brought to text and checked."""

    def __init__(self, archive: zipfile.ZipFile, layer: str) -> None:
        self._archive, self._layer, self._left = archive, layer, MOST_UNPACKED
        listed = archive.infolist()
        if len(listed) > MOST_MEMBERS:
            raise LayerError(layer, Message("reading.zip_members", n=len(listed)))
        self.members: dict[str, zipfile.ZipInfo] = {}
        faults = []
        for info in listed:
            name = _name(info).replace("\\", "/")
            if fault := _fault(name, info):
                faults.append(fault)
            elif name in self.members:
                faults.append(Message("reading.zip_twice", name=name))
            elif not name.endswith("/"):
                self.members[name] = info
        if faults:
            raise LayerError(layer, Message("reading.zip_unsafe", members=faults))

    def read(self, name: str) -> bytes:
        """Return the content of a member."""
        return b"".join(self._chunks(name))

    def unpack(self, name: str, target: Path) -> None:
        """Write the content of a member to *target*."""
        with target.open("xb") as out:
            for chunk in self._chunks(name):
                out.write(chunk)

    def _chunks(self, name: str) -> Iterator[bytes]:
        member: IO[bytes]
        with self._archive.open(self.members[name]) as member:
            while chunk := member.read(_CHUNK):
                # The sizes that the archive states are not relied on.
                self._left -= len(chunk)
                if self._left < 0:
                    said = Message("reading.zip_large", gb=MOST_UNPACKED / (1 << 30))
                    raise LayerError(self._layer, said)
                yield chunk


@contextlib.contextmanager
def open_archive(path: Path, layer: str) -> Iterator[Archive]:
    """Open a zip archive; whatever is wrong with it is a `LayerError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Archive(archive, layer)
    except LayerError:
        raise
    except ZIP_FAULTS as fault:
        if "password" in str(fault) or "encrypted" in str(fault):
            raise LayerError(layer, Message("reading.zip_password")) from fault
        raise LayerError(layer, Message("reading.zip_damaged", why=str(fault))) from fault


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member; old archives write it in the code page of the computer, without saying which."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    raw = info.orig_filename.encode("cp437")
    for page in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(page)
    return info.orig_filename


def _fault(name: str, info: zipfile.ZipInfo) -> Message | None:
    """Return what is wrong with a member, or None."""
    if name.startswith("/") or ":" in name.split("/")[0]:
        return Message("reading.zip_absolute", name=name)
    if ".." in PurePosixPath(name).parts or "\x00" in name:
        return Message("reading.zip_above", name=name)
    mode = info.external_attr >> 16
    if info.create_system == 3 and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return Message("reading.zip_link", name=name)
    return None
