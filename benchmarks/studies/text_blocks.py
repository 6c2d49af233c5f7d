"""Blocks of what language models of text are worth; see `benchmarks/tables.py`."""

from benchmarks.tables import block, interval, load, table

MODELS = {
    "transformer": "transformer",
    "Kneser-Ney": "5-gram, modified Kneser-Ney",
    "plain Kneser-Ney": "5-gram, plain Kneser-Ney",
    "mean of both": "mean of the laws of the first two",
}


@block
def text_model() -> str:
    """Return the loss of each model on held-out documents, and its difference from the n-grams'."""
    text = load("text-model")["text"]
    found = text["bits_per_byte"]
    rows = [
        [
            said,
            interval(found[name]),
            interval(found.get(f"{name} less Kneser-Ney"), "+.3f"),
            f"{text['perplexity'][name]:.1f}",
        ]
        for name, said in MODELS.items()
    ]
    return table(["model", "bits for each byte", "less the modified 5-gram", "perplexity:"], rows)


@block
def text_training() -> str:
    """Return what the transformer was trained on, and what by."""
    result = load("text-model")
    text, plan = result["text"], result["plan"]
    tokens, documents, size = text["tokens"], text["documents"], text["bytes"]
    seconds = " and ".join(f"{one:.0f}" for one in text["cpu_seconds"])
    seeds = " and ".join(f"{one:.3f}" for one in text["by_seed"])
    rows = [
        ["learnt from", _parts(documents["learnt"], size["learnt"], tokens["learnt"])],
        ["held out", _parts(documents["held out"], size["held out"], tokens["held out"])],
        ["tokens that there are", plan["tokens"]],
        ["weights of the transformer", f"{text['weights']:,}"],
        ["its context, width, blocks", _shape(plan["shape"])],
        ["steps, windows a step", f"{plan['training']['steps']:,}, {plan['training']['batch']}"],
        ["seconds of processor time, by seed", seconds],
        ["bits for each byte held out, by seed", seeds],
        ["bits for each byte learnt from", f"{text['on_what_was_learnt']:.3f}"],
    ]
    return table(["", "figure"], rows)


def _parts(documents: int, size: int, tokens: int) -> str:
    return f"{documents} documents, {size:,} bytes, {tokens:,} tokens"


def _shape(shape: dict[str, float]) -> str:
    return ", ".join(str(shape[name]) for name in ("context", "width", "blocks"))


@block
def text_samples() -> str:
    """Return what the transformer writes after each prompt, as it is."""
    samples = load("text-model")["text"]["samples"]
    return "\n".join(f"```text\n{one['prompt']}{one['text']}\n```\n" for one in samples)


@block
def text_source() -> str:
    """Return how far above the entropy rate transformers of each context are."""
    rows = [
        [row["context"], interval(row, "+.4f"), f"{max(row['theory'], 0):+.4f}"]
        for row in load("text-model")["source"]["rows"]
    ]
    heads = ["letters seen:", "loss less the source's, nats", "least possible, nats:"]
    return table(heads, rows)
