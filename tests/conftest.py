"""Settings and fixtures of all tests. Sets the environment before TensorFlow is first imported."""

import importlib.util
import os
import random
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture import providers
from PIL import Image

from dlmath import seeds
from dlmath._checkout import link_missing
from dlmath.recipe import Recipe
from dlmath.runs import Run
from tests.support.fork_server import ForkServer
from tests.support.recorder import Recorder

ROOT = Path(__file__).resolve().parent.parent
BEGAN = time.monotonic()

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # ten bits of mantissa would fail every tolerance here
os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
os.environ["MPLBACKEND"] = "Agg"

# A deadline, or a bound on how long drawing takes, would make the suite a timed test, which a
# busy machine fails.
UNTIMED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("fixed", **UNTIMED, derandomize=True, print_blob=True)
hypothesis.settings.register_profile(
    "explore",
    **UNTIMED,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples"),
    print_blob=True,
)
hypothesis.settings.load_profile("fixed")
MORE_EXAMPLES = 10  # times as many as the quick tests draw
KEEP_IT = """\
Each "Failing test case: test_name(x=..., y=...)" above is a fault that the quick tests do not see.
Write it over @given as @example(x=..., y=...), then mend the fault: the quick tests then try it
first, for good. A test with `data` has no such line: write the example as a test of its own."""


def pytest_configure(config: pytest.Config) -> None:
    """Stop with one message, not with an import error for each file; fix what is drawn."""
    for name in ("cli", "models"):
        if importlib.util.find_spec(f"dlmath.{name}") is None:
            raise pytest.UsageError(link_missing(name))
    if not _explores(config):
        # Hypothesis also draws from the constants of our modules that are loaded by then, so a
        # draw would depend on the tests that ran before it in the same process.
        none = providers._local_constants
        providers._get_local_constants = lambda: none


def _explores(config: pytest.Config) -> bool:
    return config.getoption("--hypothesis-profile") == "explore"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the time that new examples are looked for."""
    parser.addoption("--explore-for", type=float, default=300, metavar="SECONDS")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let properties see more examples, in another order each time, since time may run out."""
    if _explores(config):
        run = getattr(config, "workerinput", {}).get("testrunuid")  # one order for all workers
        random.Random(run).shuffle(items)
        for function in {item.obj for item in items if hypothesis.is_hypothesis_test(item.obj)}:
            given = function._hypothesis_internal_use_settings
            function._hypothesis_internal_use_settings = hypothesis.settings(
                given, max_examples=MORE_EXAMPLES * given.max_examples
            )


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    """Fix what a fixture draws, whenever it is made."""
    _seed_the_global_generators(f"{fixturedef.baseid}::{fixturedef.argname}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fix what a test draws, whatever ran before it."""
    _seed_the_global_generators(item.nodeid)


def _seed_the_global_generators(name: str) -> None:
    """Seed by a name: Keras seeds the weights of a layer that has no seed from `random`.

    Each test draws other numbers, so no two agree by having begun alike.
    """
    random.seed(name)
    np.random.seed(zlib.crc32(name.encode()))  # noqa: NPY002  libraries draw from it


def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the search for new examples in time."""
    if _explores(item.config) and time.monotonic() - BEGAN > item.config.getoption("--explore-for"):
        pytest.skip("needs more time to explore: make explore SECONDS=600")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Share the cores out among the workers: more threads than cores wait for one another."""
    threads = max(1, (os.cpu_count() or 1) // len(specs))
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(name, str(threads))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was left out, and how an example that was found is kept."""
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in skipped]
    needs = Counter(text.removeprefix("needs ") for text in reasons if text.startswith("needs "))
    if needs:
        first, *others = (f"{number} {{}}that need {what}" for what, number in needs.most_common())
        line = ", ".join([first.format("tests "), *(other.format("") for other in others)])
        terminalreporter.write_line(f"Left out: {line}")
    if _explores(config) and terminalreporter.stats.get("failed"):
        terminalreporter.write_line(KEEP_IT)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images next to the checkout; the test skips where there is none."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real images in ../shared/data")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the user's cache and data folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLMATH_HOME", str(tmp_path_factory.mktemp("dlmath_home")))
        patch.delenv("DLMATH_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def draw_squares() -> Callable[..., Path]:
    """The function that draws noisy grey squares of patients p0, p1, ..., in turn of each class."""

    def draw(
        root: Path,
        means: dict[str, float],
        *,
        patients: int = 20,
        images: int = 2,
        noise: float = 40,
        spread: float = 0,
    ) -> Path:
        """Fill `root/<class>/` by the classes' mean grey; patients differ by `spread`."""
        for patient in range(patients):
            label = list(means)[patient % len(means)]
            (root / label).mkdir(parents=True, exist_ok=True)
            level = means[label] + spread * seeds.generator("level", patient).normal()
            for number in range(images):
                drawn = seeds.generator("image", patient, number).normal(level, noise, (12, 12, 3))
                square = Image.fromarray(drawn.clip(0, 255).astype("uint8"))
                square.save(root / label / f"p{patient}_{number}.png")
        return root

    return draw


@pytest.fixture(scope="session")
def squares_recipe() -> Recipe:
    """Solves for a head on a small random network, on what `draw_squares` draws."""
    return Recipe(
        name="small",
        backbone="malaria_cnn",
        weights="none",
        tune="head",
        image_size=8,
        patient_rules=(r"^(?P<patient>p\d+)_",),
        positive_class="dark",
        l2=0.05,
    )


@pytest.fixture(scope="session")
def write_images() -> Callable[[Path, Iterable[str]], Path]:
    """Write a small image, each of its own shade, at each of the names under a folder."""

    def write(root: Path, names: Iterable[str]) -> Path:
        for number, name in enumerate(names):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = (number % 256, number // 256 % 256, 90)
            Image.new("RGB", (6, 5), shade).save(path, "PNG" if "png" in name.lower() else "JPEG")
        return root

    return write


@pytest.fixture
def recorder() -> Recorder:
    """A reporter that keeps what it receives."""
    return Recorder()


@pytest.fixture(scope="session")
def fork_server() -> Iterator[Any]:
    """Calls functions of `crashing.py` in processes that may die."""
    with ForkServer("tests.support.crashing") as server:
        yield server


@pytest.fixture(scope="session")
def _tiny_run_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support import tiny_runs  # here: it imports TensorFlow

    return tiny_runs.write_tiny_run(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny_run(_tiny_run_template: Path, tmp_path: Path) -> Iterator[Run]:
    """A finished run `runs/tiny/` of two classes and its `data/`, a copy for each test."""
    from tests.support import tiny_network

    shutil.copytree(_tiny_run_template, tmp_path, dirs_exist_ok=True)
    with tiny_network.known():
        yield Run(tmp_path / "runs" / "tiny")


@pytest.fixture(scope="session")
def _light_run_template(_tiny_run_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support import tiny_runs

    folder = tmp_path_factory.mktemp("light")
    shutil.copytree(_tiny_run_template, folder, dirs_exist_ok=True)
    tiny_runs.write_light(Run(folder / "runs" / "tiny"))
    return folder


@pytest.fixture(scope="module")
def module_light_run(
    _light_run_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """As `light_run`, one copy for the tests of a module, which may write into it."""
    from tests.support import tiny_network

    folder = tmp_path_factory.mktemp("module")
    shutil.copytree(_light_run_template, folder, dirs_exist_ok=True)
    with tiny_network.known():
        yield Run(folder / "runs" / "tiny")


@pytest.fixture
def light_run(_light_run_template: Path, tiny_run: Run, tmp_path: Path) -> Run:
    """The tiny run with the light form of its model, in the place of the one without."""
    shutil.copytree(_light_run_template, tmp_path, dirs_exist_ok=True)
    return tiny_run
