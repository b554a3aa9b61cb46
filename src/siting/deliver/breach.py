"""What breaks the rules of a package: the file, the layer and field where it has them, and the sentence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from siting.labels import Language
from siting.messages import Message

__all__ = ["Breach"]


@dataclass(frozen=True)
class Breach:
    """One thing that breaks the rules of a package.

    Attributes
    ----------
    file
        The file or folder, relative to the package.
    layer, field
        Where it is in a geodatabase; "" elsewhere.
    error
        What is wrong.
    """

    file: PurePath
    error: Message
    layer: str = ""
    field: str = ""

    @property
    def message(self) -> Message:
        """The sentence with its place."""
        at = self.file.as_posix()
        if self.field:
            return Message("deliver.at_field", file=at, layer=self.layer, field=self.field, error=self.error)
        if self.layer:
            return Message("deliver.at_layer", file=at, layer=self.layer, error=self.error)
        return Message("deliver.at_file", file=at, error=self.error)

    def text(self, lang: Language | None = None) -> str:
        """Return the sentence in a language, else in that of `siting.set_language`."""
        return self.message.text(lang)

    def __str__(self) -> str:
        return self.text()
