"""What counts as demand, in words."""

from collections.abc import Iterator

from siting.labels import label
from siting.propose.model.inputs import Inputs

__all__ = ["demand_words"]


def demand_words(inputs: Inputs, lang: str) -> Iterator[str]:
    """Say what is counted, where that is not the people as given."""
    if inputs.unweighted:
        yield label("take_up.none", lang)
    yield from (each.words(lang) for each in inputs.take_up)
