import io

import numpy as np

from dlmath.drift.pictures import PICTURES
from dlmath.drift.reference import Reference, write_reference
from dlmath.drift.sketch import DIRECTIONS, Sketch
from dlmath.runs import Run, write_bytes


def test_what_a_training_writes_is_what_its_classifier_says(gaussian_rule, draw_answers, tmp_path):
    run = Run(tmp_path)
    write_bytes(run.light_ood_path, gaussian_rule.ood_score.to_bytes())
    answers, labels, patients = draw_answers(1, 50)
    names = [f"patient {number}" for number in patients]

    pictures = np.random.default_rng(0).random((50, PICTURES))
    told = answers.features, answers.probabilities, labels, names, pictures
    record = write_reference(run, *told)

    found = Reference.from_bytes(run.drift_reference_path.read_bytes())
    assert record["images"] == 50
    sketch = Sketch.of(gaussian_rule)
    np.testing.assert_allclose(found.projected, sketch.project(answers), atol=1e-4)
    np.testing.assert_allclose(found.ood_scores, answers.ood_scores, rtol=1e-5)
    np.testing.assert_allclose(found.pictures, pictures, rtol=1e-6)
    np.testing.assert_array_equal(found.labels, labels)
    assert len(np.unique(found.patients)) == 25
    assert found.rows(sketch).shape == (50, sketch.layout.size)


def test_an_older_reference_names_the_scores_otherwise(draw_reference):
    one = draw_reference(0, 20)
    with np.load(io.BytesIO(one.to_bytes())) as arrays:
        older = {name.replace("ood_scores", "distances"): arrays[name] for name in arrays}
    written = io.BytesIO()
    np.savez(written, **older)

    found = Reference.from_bytes(written.getvalue())
    np.testing.assert_allclose(found.ood_scores, one.ood_scores, rtol=1e-6)


def test_without_an_out_of_distribution_score_the_probabilities_are_kept(draw_answers, tmp_path):
    answers, labels, _ = draw_answers(2, 30)

    told = answers.features, answers.probabilities, labels, [None] * 30, np.zeros((30, PICTURES))
    write_reference(Run(tmp_path), *told)

    found = Reference.from_bytes(Run(tmp_path).drift_reference_path.read_bytes())
    assert found.projected.shape == (30, 0) != (30, DIRECTIONS)
    assert np.isnan(found.ood_scores).all()
    np.testing.assert_array_equal(found.patients, np.arange(30))  # each one of its own
