"""What counts as demand, in words."""

from collections.abc import Iterator

from siting.labels import label, named
from siting.propose.model.inputs import Inputs

__all__ = ["demand_words"]


def demand_words(inputs: Inputs, lang: str) -> Iterator[str]:
    """Say what is counted, where that is not the people as given."""
    if inputs.unweighted:
        yield label("take_up.none", lang)
    for each in inputs.take_up:
        words, service = each.words(lang), named("service", each.service, lang)
        yield label("take_up.of_service", lang, service=service, words=words) if each.service else words
