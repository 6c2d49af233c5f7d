"""The parts of a report on reliance: on the model's answers, and of the model on the region."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlmath import pages
from dlmath.charts import Axes, Chart
from dlmath.evaluation.composition import counts_text
from dlmath.number_text import estimate_text

_SAID = {
    "unusual": "unlike the training images",
    "coverage": "answered: sure, and like the training images",
    "risk": "of those, decided wrongly",
    "area": "area under the risk-coverage curve; lower is better",
}


REGION_PARTS = {
    "as_they_are": "as they are",
    "region_masked": "the region masked, the border left",
    "border_masked": "the border masked, the region left",
    "borders_swapped": "each region in the border of another class",
}


def reliance_sections(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sections of the test images; nothing for metrics from before there were any."""
    if selective := metrics.get("selective"):
        yield from _selective_section(selective, metrics)
    if region := metrics.get("region_reliance"):
        yield from _region_section(region)


def _region_section(region: Mapping[str, Any]) -> Iterator[str]:
    width, height = region["region"]
    yield pages.heading("Whether it looks at the region")
    yield pages.paragraph(
        f"The label is about the middle of the picture, {width:g} by {height:g} of it. A model "
        "that looks only there scores 0.5 with the region masked, and as before with the border "
        f"masked or another's. AUCs of {region['n']:,} images."
    )
    rows = [(said, estimate_text(**region[name])) for name, said in REGION_PARTS.items()]
    yield pages.table(("images", "AUC (95 % interval)"), rows)


def _selective_section(selective: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    yield pages.heading("When it should not be relied on")
    if selective["coverage"]:
        yield pages.paragraph(
            "An answer is marked where the model is less sure, or the image farther from the "
            "training images, than limits from the validation part allow. A person should look at "
            "such an image. The metrics above are of all images."
        )
    rows = [
        (said, estimate_text(**selective[name])) for name, said in _SAID.items() if selective[name]
    ]
    yield pages.table(("share of images", "value (95 % interval)"), rows)
    if answered := selective.get("answered"):
        said = counts_text(answered, metrics["positive_class"])
        yield pages.paragraph(f"Answered images: {said}.")
    yield pages.charts([risk_coverage_chart(selective)])


def risk_coverage_chart(selective: Mapping[str, Any]) -> tuple[str, str]:
    """Return the risk over the coverage with its intervals, as SVG, and what it shows.

    Args:
        selective: Of an evaluation's document.
    """
    names = ("coverage", "risk", "low", "high")
    points = np.array([[point[name] for name in names] for point in selective["curve"]])
    coverage, risk, low, high = points.T
    axes = Axes("share of images answered", "share of those decided wrongly", y_range=_range(high))
    chart = Chart("Risk and coverage", axes).band(coverage, low, high).line(coverage, risk)
    said = "What is wrong among the surest images, with 95 % intervals"
    if not (selective["coverage"] and selective["risk"]):
        return chart.svg(), f"{said}."
    own, wrong = selective["coverage"]["value"], selective["risk"]
    ends = (np.array([wrong[name]]) for name in ("value", "low", "high"))
    return chart.points(np.array([own]), *ends).svg(), f"{said}; the point is what is answered."


def _range(high: np.ndarray) -> tuple[float, float]:
    """Return limits that hold the curve from where five images are answered or so."""
    return 0.0, float(min(1.0, max(0.1, 1.1 * np.median(high))))
