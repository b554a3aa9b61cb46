"""Where the files of a study may lie: in its folder, unless the user allows others."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from siting.errors import SitingError
from siting.messages import Message

__all__ = ["file_of_study"]


def file_of_study(text: object, folder: Path, where: str, *, outside: bool) -> Path:
    r"""Return the path of a file that a study names; SitingError when it leads out of *folder* and may not.

    A path leads out when it is absolute (also that of another system), climbs by "..", or goes through a link.

    Examples
    --------
    >>> file_of_study(r"D:\\data\\streets.shp", Path(), "[layers.streets] path", outside=False)
    Traceback (most recent call last):
    ...
    siting.errors.SitingError: [layers.streets] path "D:\\data\\streets.shp" leads out of the folder of the study; ...
    """
    if not isinstance(text, str) or not text or "\0" in text:
        raise SitingError(Message("file.no_name", what=where, value=text))
    if any(sign < " " for sign in text):
        raise SitingError(Message("file.backslash", what=where, path=repr(text)[1:-1]))
    path = folder / text
    if not outside and (_leaves(text) or not path.resolve().is_relative_to(folder.resolve())):
        raise SitingError(Message("file.outside", what=where, path=text))
    return path


def _leaves(text: str) -> bool:
    windows = PureWindowsPath(text)
    return bool(windows.anchor) or PurePosixPath(text).is_absolute() or ".." in windows.parts
