"""The block of exports in README.md; see `readme_tables.py`."""

from data_tables import load

FORMS = {
    "saved_model": "SavedModel",
    "keras": "Keras file",
    "litert": "LiteRT",
    "litert_float16": "LiteRT, 16 bits",
    "litert_int8": "LiteRT, 8 bits",
    "onnx": "ONNX",
}


def exports() -> str:
    """Return a row for each format: what it changes on 64 real images, and its size."""
    result = load("export-formats")
    names = list(result)
    heads = [f"{name}: difference of a probability | decisions changed | MB" for name in names]
    lines = [
        f"| export | {' | '.join(heads)} |",
        "| --- |" + " --- |" * (3 * len(names)),
    ]
    for key, form in FORMS.items():
        cells = []
        for name in names:
            row, images = result[name]["rows"][key], result[name]["images"]
            cells += [
                f"{row['largest_difference']:.1g}",
                f"{row['changed_decisions']} of {images}",
                f"{row['megabytes']:.1f}",
            ]
        lines.append(f"| {form} | {' | '.join(cells)} |")
    lines += ["", "Two real runs, `python benchmarks/export_formats.py RUN RUN`."]
    return "\n".join(lines) + "\n"
