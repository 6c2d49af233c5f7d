import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from dlmath import seeds
from dlmath.errors import UserError
from dlmath.sequences.language_model import LanguageModel, Shape, Training, built, law, trained

SHAPE = Shape(size=5, context=8, width=16, blocks=1, heads=2, dropout=0.0)
SHORT = Training(steps=4, batch=4)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel(SHAPE, built(SHAPE, seed=3))


def logits_after(model: LanguageModel, seen: list[int]) -> np.ndarray:
    """The logits after the last tokens, each context computed without its followers."""
    return model.model.predict_on_batch(np.array([seen], np.int32))[0, -1]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 12, 13, 30])
def test_each_token_is_predicted_once_from_those_before_it(model, length):
    document = seeds.generator("document", length).integers(0, SHAPE.size, length).tolist()
    stream = [SHAPE.size, *document]
    found = model.losses(document, batch=3)
    assert found.shape == (length,)
    for place, token in enumerate(document):
        # Windows begin every 4 tokens; the last half of each is new, and all of the first.
        window = max((place - SHAPE.context) // 4 + 1, 0)
        logits = logits_after(model, stream[4 * window : place + 1])
        assert found[place] == pytest.approx(-log_softmax(logits)[token], abs=1e-5)


def test_what_comes_later_changes_nothing(model):
    first, second = model.losses([1, 2, 3, 4, 0, 1]), model.losses([1, 2, 3, 0, 0, 0])
    assert first[:3] == pytest.approx(second[:3], abs=1e-6)


@pytest.mark.slow
def test_a_cycle_is_learnt_and_written_on():
    cycle = [0, 1, 2, 3, 4] * 30
    model = trained([cycle], SHAPE, Training(steps=150, batch=8, rate=1e-2), seed=0)
    assert model.losses(cycle).mean() < 0.1 < np.log(5) / 10
    assert model.sample([2, 3], 12, temperature=0.1) == [4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]


@pytest.mark.slow
def test_a_training_is_a_function_of_its_seed():
    document = seeds.generator("text").integers(0, 5, 60).tolist()
    first, again, other = (trained([document], SHAPE, SHORT, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.losses(document), again.losses(document))
    assert not np.allclose(first.losses(document), other.losses(document))


def test_the_first_loss_is_near_that_of_a_fair_choice(model):
    assert model.losses([0, 1, 2, 3, 4] * 5) == pytest.approx(np.full(25, np.log(5)), abs=0.5)


def test_the_sign_of_a_document_is_read_and_not_predicted(model):
    assert model.model.output_shape == (None, None, SHAPE.size)
    assert built(SHAPE).layers[1].input_dim == SHAPE.size + 1


def test_samples_follow_the_law_of_the_model(model):
    drawn = [model.sample([1, 2], 1, temperature=0.5, seed=seed)[0] for seed in range(300)]
    wanted = law(logits_after(model, [SHAPE.size, 1, 2]).astype(np.float64), 0.5)
    assert np.bincount(drawn, minlength=5) / 300 == pytest.approx(wanted, abs=0.12)
    assert model.sample([1], 20, seed=4) == model.sample([1], 20, seed=4)


@pytest.mark.parametrize(
    ("temperature", "top_k", "wanted"),
    [
        (1.0, None, [1 / 7, 2 / 7, 4 / 7]),
        (0.5, None, [1 / 21, 4 / 21, 16 / 21]),
        (1.0, 2, [0, 2 / 6, 4 / 6]),
        (1.0, 5, [1 / 7, 2 / 7, 4 / 7]),
        (1e-9, None, [0, 0, 1]),
        (7.0, 1, [0, 0, 1]),
    ],
)
def test_temperature_and_top_k(temperature, top_k, wanted):
    logits = np.log([1.0, 2.0, 4.0]) + 50
    assert law(logits, temperature, top_k) == pytest.approx(wanted)


def test_of_equal_logits_top_k_keeps_all():
    assert law(np.zeros(4), 1.0, 2) == pytest.approx([0.25] * 4)


def test_a_model_is_saved_and_loaded(model, tmp_path):
    model.model.save(tmp_path / "model.keras")
    loaded = LanguageModel(SHAPE, keras.saving.load_model(tmp_path / "model.keras"))
    document = [0, 3, 1, 4, 1, 2]
    assert np.array_equal(loaded.losses(document), model.losses(document))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, r"`temperature` must be above 0. Received: temperature=0.0"),
        ({"top_k": 0}, r"`top_k` must be at least 1, or None. Received: top_k=0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message, model):
    with pytest.raises(UserError, match=message):
        model.sample([1], 1, **arguments)


def test_a_text_shorter_than_the_context_is_refused():
    with pytest.raises(UserError, match=r"more than 8 tokens.*Received: 5 tokens"):
        trained([[1, 2, 3, 4]], SHAPE, SHORT)
