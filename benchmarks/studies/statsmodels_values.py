"""What statsmodels gives for shares and paired decisions, for tests/evaluation/test_statsmodels.py.

    uv run --no-project --with statsmodels==0.15.0 python benchmarks/studies/statsmodels_values.py

It is no dependency of ours: its values are kept in tests/evaluation/statsmodels.json.
"""

import json
from pathlib import Path

import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

RESULT = Path(__file__).parents[2] / "tests" / "evaluation" / "statsmodels.json"
SHARES = [
    (0, 1),
    (1, 1),
    (0, 9),
    (1, 9),
    (5, 9),
    (20, 60),
    (59, 60),
    (60, 60),
    (288, 308),
    (1, 9999),
]
DISCORDANT = [(0, 0), (0, 1), (1, 5), (3, 3), (7, 19), (31, 12), (100, 140), (0, 400)]


def main() -> None:
    values = {
        "source": f"statsmodels {statsmodels.__version__}",
        "clopper_pearson": [
            {
                "hits": hits,
                "images": images,
                "interval": proportion_confint(hits, images, method="beta"),
            }
            for hits, images in SHARES
        ],
        "mcnemar_exact": [
            {"only_first": one, "only_second": two, "p": mcnemar([[50, one], [two, 40]]).pvalue}
            for one, two in DISCORDANT
        ],
    }
    text = json.dumps(values, indent=2, default=float)
    RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
