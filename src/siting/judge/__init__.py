"""Standards as data → which rules are met, which are short, and by how much."""

from siting.judge.audit import Audit, audit
from siting.judge.standard import Document, Rule, Standard, list_standards, load_standard

__all__ = ["Audit", "Document", "Rule", "Standard", "audit", "list_standards", "load_standard"]
