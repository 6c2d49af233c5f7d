"""`evaluation.schema.json`: its parts that name the metrics follow from the table of metrics.

Written by: python -m dlmath.evaluation.schema
"""

import copy
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from dlmath.evaluation.metric_table import KINDS, METRICS, names_of

PATH = Path(__file__).with_name("evaluation.schema.json")


def evaluation_schema() -> dict[str, Any]:
    """Return the JSON schema of `dlmath evaluate --json`, for the metrics of the table."""
    return with_metrics(json.loads(PATH.read_text(encoding="utf-8")))


def with_metrics(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which every part that names metrics is that of the table."""
    filled = copy.deepcopy(schema)
    parts = filled["properties"]
    slices = parts["slices"]["additionalProperties"]["properties"]
    parts["metrics"] |= _described(METRICS)
    slices["gaps"]["additionalProperties"]["propertyNames"] = {"enum": list(METRICS)}
    parts["at_prevalence"]["properties"]["metrics"] |= _described(names_of(*KINDS, moving=True))
    return filled


def _described(names: Collection[str]) -> dict[str, Any]:
    """Return the keywords that require these metrics, each within its bounds."""
    return {
        "required": list(names),
        "properties": {name: {"$ref": f"#/$defs/{METRICS[name].bounds}"} for name in names},
    }


def as_text(schema: dict[str, Any]) -> str:
    """Return the schema as it is stored."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(as_text(evaluation_schema()), encoding="utf-8")
