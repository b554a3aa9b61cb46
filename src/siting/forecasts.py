"""Figures of other years: cohorts, growth, life tables, and whole numbers that add up."""

from siting.measure import (
    age_bands,
    annual_growth,
    annual_increase,
    cohort_forecast,
    fit_margins,
    interpolate_figures,
    life_table,
    round_to_total,
)

__all__ = [
    "age_bands",
    "annual_growth",
    "annual_increase",
    "cohort_forecast",
    "fit_margins",
    "interpolate_figures",
    "life_table",
    "round_to_total",
]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
