"""A mixed-integer programme in arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import block_array, csr_array

from siting.messages import Message
from siting.numbers import Floats

__all__ = ["Block", "Programme", "refuse_nonsense"]

#: Matrices side by side (None: zeros), and the lower and upper limits of their rows.
Block: TypeAlias = tuple[list[Any], Floats | float, Floats | float]


@dataclass(frozen=True, eq=False)
class Programme:
    """``min c x`` with ``low <= A x <= high`` and ``lower <= x <= upper``; the first `whole` variables are integer."""

    cost: Floats
    lower: Floats
    upper: Floats
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    whole: int

    @classmethod
    def of_blocks(cls, cost: Floats, lower: Floats, upper: Floats, blocks: Sequence[Block], whole: int) -> Programme:
        """Return the programme with the rows of the blocks, one below the other."""
        matrix = csr_array(block_array([parts for parts, _, _ in blocks], format="csr"))
        sizes = [next(part.shape[0] for part in parts if part is not None) for parts, _, _ in blocks]
        low, high = (
            np.concatenate([np.broadcast_to(block[k], size) for block, size in zip(blocks, sizes, strict=True)])
            for k in (1, 2)
        )
        return cls(cost, lower, upper, matrix, low, high, whole)


def refuse_nonsense(model: Programme, start: Floats | None) -> None:
    """Raise ValueError when an array has the wrong length or holds NaN, which solvers accept."""
    rows, columns = model.matrix.shape
    if not 0 <= model.whole <= columns:
        raise ValueError(Message("solver.whole", whole=model.whole, n=columns))
    arrays = {name: getattr(model, name) for name in ("cost", "lower", "upper", "row_lower", "row_upper")}
    for name, array in (arrays if start is None else {**arrays, "start": start}).items():
        length = rows if name.startswith("row") else columns
        if len(array) != length:
            raise ValueError(Message("solver.entries", what=name, n=len(array), length=length))
        if np.isnan(array).any():
            raise ValueError(Message("solver.no_number", what=name))
        if name in ("cost", "start") and not np.isfinite(array).all():
            raise ValueError(Message("solver.not_finite", what=name))
    if not np.isfinite(model.matrix.data).all():
        raise ValueError(Message("solver.not_finite", what="matrix"))
