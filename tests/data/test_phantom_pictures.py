"""What the drawn pictures show; and, slowly, how hard they are to tell apart."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dlmath.data.phantom import write_phantoms
from dlmath.data.phantom_cells import draw_cell
from dlmath.data.phantom_opacities import draw_opacity
from dlmath.data.phantom_xray import Anatomy, draw_chest_xray
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.models import RECIPES
from dlmath.seeds import generator


@pytest.mark.parametrize("opacity", [None, "bacteria", "virus"])
@pytest.mark.parametrize("size", [64, 150])
def test_a_film_is_grey_and_marks_its_opacity(opacity, size):
    film, truth = draw_chest_xray(generator("film"), opacity=opacity, size=size)

    assert (film.dtype, film.shape) == (np.uint8, (size, size))
    assert (truth.dtype, truth.shape) == (np.bool_, (size, size))
    assert truth.any() == (opacity is not None)
    assert np.ptp(film) > 150  # from the air next to the body to the spine


@pytest.mark.parametrize("parasitized", [False, True])
def test_a_cell_is_coloured_on_black_and_touches_its_frame(parasitized):
    cell, truth = draw_cell(generator("cell"), parasitized=parasitized, size=90)

    assert (cell.dtype, cell.shape) == (np.uint8, (*truth.shape, 3))
    assert truth.dtype == np.bool_
    assert truth.any() == parasitized
    lit = cell.any(axis=2)
    assert not lit[0, 0]
    assert all(border.any() for border in (lit[0], lit[-1], lit[:, 0], lit[:, -1]))


def test_the_generator_alone_decides_the_picture():
    for draw in (
        lambda key: draw_chest_xray(generator(key), opacity="virus", size=64)[0],
        lambda key: draw_cell(generator(key), parasitized=True, size=60)[0],
    ):
        np.testing.assert_array_equal(draw(1), draw(1))
        assert not np.array_equal(draw(1), draw(2))


@pytest.mark.parametrize("kind", ["bacteria", "virus"])
@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_an_opacity_fills_air_where_its_truth_lies(kind, difficulty):
    v, u = np.mgrid[-1:1:96j, -1:1:96j].astype(np.float32)
    air = (np.hypot(u, v) < 0.9).astype(np.float32)
    for number in range(5):
        key = generator("opacity", number)
        filled, truth = draw_opacity(key, u, v, air, kind, difficulty)
        assert filled.max() <= 1.0
        assert not truth[air == 0].any()
        assert filled[truth].mean() > 4 * np.abs(filled[~truth].mean())


def test_opacities_fade_with_difficulty():
    v, u = np.mgrid[-1:1:96j, -1:1:96j].astype(np.float32)
    filled = [
        draw_opacity(generator("fade"), u, v, np.ones_like(u), "bacteria", difficulty)[0].mean()
        for difficulty in (0.0, 0.5, 1.0)
    ]

    assert filled[0] > filled[1] > filled[2] > 0


def green_contrast(difficulty: float) -> float:
    """How much darker parasites are in green than their cells, in grey levels."""
    contrasts = []
    for number in range(12):
        key = generator("contrast", number)
        cell, truth = draw_cell(key, parasitized=True, difficulty=difficulty, size=80)
        green = cell[..., 1].astype(float)
        contrasts.append(green[cell.any(axis=2) & ~truth].mean() - green[truth].mean())
    return float(np.mean(contrasts))


def test_parasites_are_dark_and_fade_with_difficulty():
    easy, hard = green_contrast(0.0), green_contrast(1.0)

    assert easy > 1.5 * hard > 0


def test_a_patient_keeps_the_anatomy_from_film_to_film():
    anatomy = Anatomy.draw(generator("patient"))

    films = [
        draw_chest_xray(generator("film", number), opacity=None, size=96, anatomy=anatomy)[0]
        for number in range(2)
    ]

    assert not np.array_equal(*films)  # another breath, another pose


# Figures at the default difficulty, on the default sets, with patients apart.


class Pictures:
    """A default phantom as arrays: RGB of 224 pixels, labels, patients, sizes of the files."""

    def __init__(self, task: str, folder: Path):
        recipe = RECIPES[task]
        examples = read_sources(
            [folder], classes=recipe.classes, patient_rules=recipe.patient_rules
        ).examples
        self.rgb = np.stack([_resized(example) for example in examples])
        self.labels = np.array([example.label == recipe.positive_class for example in examples])
        self.patients = np.array([example.patient for example in examples])
        self.bytes = np.array([example.path.stat().st_size for example in examples])

    def auc(self, features: np.ndarray, strength: float = 0.01) -> float:
        """Out-of-fold AUC of a logistic regression, each patient in one fold."""
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2_000))
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        scores = cross_val_predict(
            model, features, self.labels, groups=self.patients, cv=folds, method="decision_function"
        )
        return float(roc_auc_score(self.labels, scores))


def _resized(example: ImageRecord) -> np.ndarray:
    with Image.open(io.BytesIO(example.path.read_bytes())) as image:
        return np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))


@pytest.fixture(scope="module", params=["pneumonia", "malaria"])
def pictures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pictures]:
    folder = tmp_path_factory.mktemp("default") / request.param
    return Pictures(request.param, write_phantoms(request.param, folder))


@pytest.mark.slow
def test_pixels_alone_tell_little(pictures):
    grey = np.stack(
        [np.asarray(Image.fromarray(rgb).convert("L").resize((48, 48))) for rgb in pictures.rgb]
    )

    best = max(pictures.auc(grey.reshape(len(grey), -1), strength) for strength in (1, 1e-2, 1e-4))

    assert 0.55 <= best <= 0.80


@pytest.mark.slow
def test_brightness_and_file_size_tell_next_to_nothing(pictures):
    brightness = pictures.rgb.mean(axis=(1, 2, 3))
    size = np.log(pictures.bytes)

    for features in (brightness[:, None], size[:, None], np.stack([brightness, size], axis=1)):
        assert pictures.auc(features) <= 0.6


@pytest.mark.slow
def test_a_pretrained_network_tells_them_apart(pictures):
    from dlmath.models.efficientnet_lite import efficientnet_lite0

    network = efficientnet_lite0(224, imagenet=True)
    maps = network.predict(pictures.rgb.astype(np.float32), batch_size=32, verbose=0)

    assert pictures.auc(maps.mean(axis=(1, 2))) >= 0.95
