"""Standards as data → which rules are met, which are short, and by how much."""

from siting.judge.audit import audit
from siting.judge.audit_result import Audit
from siting.judge.provision import provision
from siting.judge.standards.rule import Document, Rule
from siting.judge.standards.standard import Standard, list_standards, load_standard

__all__ = ["Audit", "Document", "Rule", "Standard", "audit", "list_standards", "load_standard", "provision"]


def __dir__() -> list[str]:
    return __all__
