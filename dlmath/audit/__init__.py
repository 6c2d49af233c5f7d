"""What is wrong with a data set, found before a minute of training is spent on it."""

from dlmath.audit.audit import Audit, audit_data, by_severity, check_examples
from dlmath.audit.facts import Facts
from dlmath.audit.findings import Finding
from dlmath.audit.gather import gather_facts
from dlmath.audit.page import write_page
from dlmath.audit.reading import folder_findings, patient_findings

__all__ = [
    "Audit",
    "Facts",
    "Finding",
    "audit_data",
    "by_severity",
    "check_examples",
    "folder_findings",
    "gather_facts",
    "patient_findings",
    "write_page",
]
