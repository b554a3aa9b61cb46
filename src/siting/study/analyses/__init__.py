"""Tables of a study file that ask for one function each: its name is their key, its arguments are their keys."""

from siting.study.analyses.catalogue import FUNCTIONS, keys_of_function, table_of_function
from siting.study.analyses.values import Analysis

__all__ = ["FUNCTIONS", "Analysis", "keys_of_function", "table_of_function"]
