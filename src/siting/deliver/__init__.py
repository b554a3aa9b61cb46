"""What is handed in: a package of vectors, text, atlas and tables, by rules that a bureau can change, and its check."""

from siting.deliver.breach import Breach
from siting.deliver.check import check_delivery, refuse_breaches
from siting.deliver.package import deliver
from siting.deliver.rules_file import write_rules

__all__ = ["Breach", "check_delivery", "deliver", "refuse_breaches", "write_rules"]


def __dir__() -> list[str]:
    return __all__
