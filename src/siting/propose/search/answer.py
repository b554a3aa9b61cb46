"""The answer to a siting problem: what opens, what it is worth, and the bound with its proof."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from siting.labels import label
from siting.numbers import NONE, Bools
from siting.optimize.control import gap_between
from siting.optimize.model import Model
from siting.optimize.solution import Solution
from siting.propose.model.formulation import Formulation
from siting.propose.search.choose_engine import proven_bound

__all__ = ["Answer", "Lacking", "Reason", "Way", "in_sense", "no_plan", "optimal_within"]

#: Why there is no plan: a key of the table of labels and its values; rules among these are a `Part` each.
Reason: TypeAlias = "tuple[str, dict[str, object]]"


class Way(str):
    """A distance or time that a reason names, as text such as "300 m"; "> 300 m" *beyond* it, "—" without a number."""

    __slots__ = ("beyond", "number", "unit")
    number: str
    unit: str
    beyond: bool

    def __new__(cls, number: str = "", unit: str = "", *, beyond: bool = False) -> Way:
        """Make the text of a number and its unit."""
        text = super().__new__(cls, f"{'> ' * beyond}{number} {unit}" if number else NONE)
        text.number, text.unit, text.beyond = number, unit, beyond
        return text

    def words(self, lang: str) -> str:
        """Return the way in a language."""
        if not self.number:
            return label("plan.no_way", lang)
        way = f"{self.number} {label(f'unit.{self.unit}', lang)}"
        return label("plan.beyond", lang, way=way) if self.beyond else way


class Lacking(str):
    """A community that a reason names, as text, with the *way* that it has to go; "" where that is not said."""

    __slots__ = ("community", "way")
    community: object
    way: str

    def __new__(cls, community: object, way: str = "") -> Lacking:
        """Make the text of a community and its way."""
        text = super().__new__(cls, f"{community} ({way})" if way else str(community))
        text.community, text.way = community, way
        return text

    def called(self, name: str, lang: str) -> str:
        """Return the text in a language, with a name for the community."""
        way = self.way.words(lang) if isinstance(self.way, Way) else self.way
        return f"{name}{label('list.open', lang)}{way}{label('list.close', lang)}" if way else name


@dataclass(frozen=True, eq=False)
class Answer:
    """What opens, value and bound in the *sense* of the objective (1: large, -1: small).

    x is None and the value NaN where no plan is known; the bound too where it is shown that there is none.
    """

    x: Bools | None
    value: float
    bound: float
    status: str
    engine: str
    found: Solution | None = None
    model: Model | None = None
    sense: int = 1

    def keeps(self, x: Bools) -> bool:
        """Whether columns keep all rules."""
        return self.model is not None and self.model.is_feasible(x)

    def measure(self, x: Bools) -> float:
        """Objective of columns, added up anew."""
        return math.nan if self.model is None else self.sense * self.model.objective(x) + 0.0

    @property
    def proof(self) -> Any:
        """What proves the bound without a solver; None where nothing does."""
        return None if self.found is None else self.found.proof

    def bound_by(self, proof: Any) -> float:
        """Return the bound that a proof gives, added up anew; NaN without one."""
        if proof is None or self.model is None or self.found is None:
            return math.nan
        enough = self.sense * self.bound + 0.999 * self.grain  # the bound as stated is rounded to the grain
        return self.sense * proven_bound(self.model, proof, self.found.too_few, enough) + 0.0

    @property
    def grain(self) -> float:
        """What the objective is a multiple of; 0 where that is not known."""
        return 0.0 if self.model is None else self.model.grain

    @property
    def gap(self) -> float:
        """Distance from the value to the bound, as a share."""
        return gap_between(self.value, self.bound)


def no_plan(
    formulation: Formulation, status: str, engine: str, model: Model | None = None, found: Solution | None = None,
    bound: float = math.nan,
) -> Answer:  # fmt: skip
    """Return the answer where no plan was found, with the *bound* that is known, in the sense of the objective."""
    bound = math.nan if status == "infeasible" else bound
    return Answer(None, math.nan, bound, status, engine, found, model, formulation.sense)


def in_sense(formulation: Formulation, model: Model, found: Solution) -> Answer:
    """Turn what was found for the model, which is to be large, into the sense of the objective."""
    if found.x is None:
        return no_plan(formulation, found.status, found.engine, model, found, formulation.sense * found.bound + 0.0)
    sign = formulation.sense
    value, bound = sign * found.value + 0.0, sign * found.bound + 0.0
    if found.status == "optimal" or optimal_within(value, bound, model.grain):
        return Answer(found.x, value, value, "optimal", found.engine, found, model, sign)
    return Answer(found.x, value, bound, found.status, found.engine, found, model, sign)


def optimal_within(value: float, bound: float, grain: float) -> bool:
    """Whether nothing better fits between value and bound."""
    return abs(bound - value) < max(grain * (1 - 1e-6), 1e-9 * max(abs(value), abs(bound)))
