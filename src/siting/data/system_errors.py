"""What the system says of a file, in both languages."""

from __future__ import annotations

import errno

from siting.data.windows_names import long_path
from siting.messages import Message

_CHINESE = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "系统不允许",
    errno.EISDIR: "这是文件夹",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.ENAMETOOLONG: "名称太长",
    errno.EBUSY: "文件正被占用",
    errno.EMFILE: "打开的文件太多",
    errno.EIO: "磁盘出错",
    errno.ENOSPC: "磁盘已满",
    errno.ELOOP: "链接绕成了圈",
}


def system_words(fault: OSError) -> Message | str:
    """Return the words of the system for an error of a file; in Chinese where they are known here."""
    if said := long_path(fault):
        return said
    words = fault.strerror or str(fault)
    known = _CHINESE.get(fault.errno or 0)
    return Message("data.word", zh=known, en=words) if known else words
