"""Standards as data → which rules are met, which are short, and by how much."""

from siting.judge.audit import audit
from siting.judge.provision import provision
from siting.judge.rule import Document, Rule
from siting.judge.standard import Standard, list_standards, load_standard
from siting.judge.verdict import Audit

__all__ = ["Audit", "Document", "Rule", "Standard", "audit", "list_standards", "load_standard", "provision"]
