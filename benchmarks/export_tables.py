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
    lines += [
        "",
        "Two real runs, `python benchmarks/studies/export_formats.py RUN RUN`. "
        "On all their test images:",
    ]
    lines += ["", *(f"- {name}: {on_test(result[name]['rows'])}." for name in names)]
    return "\n".join(lines) + "\n"


def on_test(rows: dict) -> str:
    """Return what fewer bits change on the whole test part."""
    said = []
    for bits, key in ((16, "litert_float16"), (8, "litert_int8")):
        test = rows[key]["test"]
        text = f"{bits} bits change {test['changed_decisions']} of {test['images']} decisions"
        if test["changed_decisions"]:
            low, high = (f"{test['loss'][end]:+.3f}" for end in ("low", "high"))
            text += (
                f" (accuracy {test['accuracy']:.3f}, then {test['accuracy_of_export']:.3f}; "
                f"loss {low} to {high})"
            )
        said.append(text)
    return ", ".join(said)
