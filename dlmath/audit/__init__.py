"""Audits of datasets: find faults before a minute of training is spent on them."""

from dlmath.audit.data_audit import Audit, audit_data, by_severity, check_examples
from dlmath.audit.findings import Finding
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.page import write_page
from dlmath.audit.reading import folder_findings, patient_findings
from dlmath.audit.scan import scan_images

__all__ = [
    "Audit",
    "Finding",
    "ImageStats",
    "audit_data",
    "by_severity",
    "check_examples",
    "folder_findings",
    "patient_findings",
    "scan_images",
    "write_page",
]
