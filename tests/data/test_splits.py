import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.patient_groups import patient_key
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.data.splits import (
    PARTS,
    Split,
    read_split,
    split_examples,
    split_hash,
    write_split,
)
from dlmath.errors import DataError, RecipeError, RunError
from dlmath.models import RECIPES


def example(file, label="a", part=None, patient=None, sha256=None):
    return ImageRecord(file, Path("/data") / file, label, part, patient, sha256 or f"sha of {file}")


def dataset(examples, classes=("a", "b")):
    ordered = tuple(sorted(examples, key=lambda e: e.file))
    return Dataset(ordered, classes, {}, ("data",), False, ())


def people(number, images=2, part=None, prefix="p"):
    """Patients of class a and b in turn, each with some images."""
    return [
        example(f"{part}/{prefix}{index}-{image}.png", "ab"[index % 2], part, f"{prefix}{index}")
        for index in range(number)
        for image in range(images)
    ]


def split_of(examples, seed=0, validation_fraction=0.15, test_fraction=0.15):
    return split_examples(
        dataset(examples),
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )


def patients(examples):
    return {e.patient for e in examples}


drawn_examples = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([None, "train", "validation", "test"]),
        st.one_of(st.none(), st.integers(0, 60).map(str)),
        st.integers(0, 200).map(str),
    ),
    max_size=120,
).map(
    lambda rows: [
        # The patients in front are enough for a split, whatever the drawn ones are.
        *people(40, images=1, part="train", prefix="known"),
        *(example(f"{number}.png", *row) for number, row in enumerate(rows)),
    ]
)


@given(examples=drawn_examples, seed=st.integers(0, 99))
def test_no_patient_and_no_copy_of_a_file_is_on_both_sides(examples, seed):
    split = split_of(examples, seed)
    for key in (patient_key, lambda example: example.sha256):
        keys = [{key(e) for e in split.part(name)} for name in PARTS]
        assert all(one.isdisjoint(other) for one, other in itertools.combinations(keys, 2))
    everything = [e for name in (*PARTS, "left_out") for e in split.part(name)]
    assert sorted(e.file for e in everything) == sorted(e.file for e in examples)


@given(examples=drawn_examples, order=st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(examples, order):
    shuffled = list(examples)
    order.shuffle(shuffled)
    of_shuffled = dataclasses.replace(dataset(examples), examples=tuple(shuffled))
    fractions = {"validation_fraction": 0.15, "test_fraction": 0.15}
    assert split_examples(of_shuffled, seed=3, **fractions) == split_of(examples, 3)


@given(examples=drawn_examples)
def test_the_test_part_on_disk_stays_whole(examples):
    given_test = [e for e in examples if e.part == "test"]
    if given_test:
        assert set(split_of(examples).test) == set(given_test)


def test_without_parts_the_shares_are_of_the_patients():
    split = split_of(people(200))
    assert [len(patients(split.part(name))) for name in PARTS] == [140, 30, 30]
    assert split.left_out == ()
    assert split.warnings == ()


def test_another_file_of_a_known_patient_moves_nobody():
    before = split_of(people(30))
    after = split_of([*people(30), example("zz.png", "a", None, "p0")])
    for name in PARTS:
        assert patients(before.part(name)) == patients(after.part(name))


def test_with_a_test_part_validation_is_cut_from_the_training_patients():
    split = split_of([*people(100, part="train"), *people(20, part="test", prefix="t")])
    assert len(patients(split.validation)) == 15 + 1  # 7.5 of each class, rounded up
    assert patients(split.test) == {f"t{index}" for index in range(20)}
    assert patients(split.train) | patients(split.validation) == {f"p{i}" for i in range(100)}


def test_with_a_validation_part_it_stays_and_test_is_cut():
    split = split_of([*people(100), *people(10, part="validation", prefix="v")])
    assert patients(split.validation) == {f"v{index}" for index in range(10)}
    assert len(patients(split.test)) == 16


def test_with_both_parts_nothing_is_cut():
    given = [
        *people(4, part="train"),
        *people(2, part="validation", prefix="v"),
        *people(2, part="test", prefix="t"),
    ]
    split = split_of(given)
    assert [patients(split.part(name)) for name in PARTS] == [
        {"p0", "p1", "p2", "p3"},
        {"v0", "v1"},
        {"t0", "t1"},
    ]


def test_images_of_a_test_patient_are_left_out_of_the_other_parts_and_counted():
    shared = [
        example("s1.png", "a", "train", "t0"),
        example("s2.png", "b", None, "t1"),
        example("s3.png", "b", "validation", "t1"),
        example("s4.png", "b", "train", "v0"),
    ]
    rest = [
        *people(12, part="train"),
        *people(2, part="validation", prefix="v"),
        *people(2, part="test", prefix="t"),
    ]
    split = split_of([*rest, *shared])
    assert split.left_out == tuple(shared)
    assert split.warnings[0].startswith("4 of 32 images outside the test part were left out")


def test_copies_of_a_file_without_a_patient_stay_together():
    copies = [example(f"copy{index}.png", "a", None, None, "same") for index in range(5)]
    split = split_of([*people(20), *copies])
    assert [len(set(copies) & set(split.part(name))) for name in PARTS] in (
        [5, 0, 0],
        [0, 5, 0],
        [0, 0, 5],
    )
    assert any("patient of 5 images is not known" in warning for warning in split.warnings)


def test_patients_who_share_a_file_are_in_one_part():
    chain = [example(f"{index}.png", "a", None, f"c{index}", "same") for index in range(3)]
    more = [example(f"more{index}.png", "b", None, f"c{index}") for index in range(3)]
    for seed in range(10):
        split = split_of([*people(20), *chain, *more], seed)
        assert sum(bool(set(chain + more) & set(split.part(name))) for name in PARTS) == 1


def test_a_patient_who_shares_a_file_with_the_test_part_is_left_out():
    copy = example("copy.png", "a", "train", "other", "same")
    further = example("further.png", "b", "train", "other")
    original = example("original.png", "a", "test", "t", "same")
    split = split_of([*people(20, part="train"), original, copy, further])
    assert split.left_out == (copy, further)


def test_a_test_part_without_a_class_is_a_warning():
    split = split_of([*people(20, part="train"), example("t.png", "a", "test", "t")])
    assert "The test part holds no image of b." in split.warnings


def test_a_class_of_the_recipe_without_images_is_an_error():
    examples = [e for e in people(20) if e.label == "a"]
    with pytest.raises(DataError, match="no image of b to train on"):
        split_of(examples)


def test_data_of_a_test_part_alone_are_not_to_train_on():
    with pytest.raises(DataError, match=r"no image of a, b to train on\. Received: 0 patients"):
        split_of(people(20, part="test"))


@pytest.mark.parametrize("test_fraction", [0.5, 0.75])
def test_fractions_must_leave_something(test_fraction):
    with pytest.raises(RecipeError, match="less than 1"):
        split_of(people(20), validation_fraction=0.5, test_fraction=test_fraction)
    with_test = [*people(20, part="train"), *people(4, part="test", prefix="t")]
    assert split_of(with_test, validation_fraction=0.5, test_fraction=0.5).train


def test_there_is_no_other_part():
    with pytest.raises(ValueError, match="name='val'"):
        Split((), (), ()).part("val")


def test_the_hash_follows_the_split_and_not_the_place():
    split = split_of(people(20))
    moved = [dataclasses.replace(e, path=Path("/elsewhere") / e.file) for e in people(20)]
    assert split_hash(split_of(moved)) == split_hash(split)
    assert split_hash(split_of(people(20), seed=1)) != split_hash(split)


def test_a_written_split_is_read_back(tmp_path):
    examples = [
        *people(12, part="train"),
        *people(2, part="test", prefix="t"),
        example("left.png", "a", "train", "t0"),
        example("è,'\"\n.png", "b", "train", "x"),
        example("unknown.png", "b", "train", None),
    ]
    split = split_of(examples)
    path = tmp_path / "split.csv"
    write_split(split, path)
    assert path.read_text(encoding="utf-8").startswith("file,sha256,class,patient,split\n")
    assert read_split(path, dataset(examples)) == split


def test_the_patients_of_a_split_are_those_that_were_written(tmp_path):
    split = split_of(people(12))
    write_split(split, tmp_path / "split.csv")
    unread = [dataclasses.replace(e, patient=None) for e in people(12)]
    assert read_split(tmp_path / "split.csv", dataset(unread)) == split


def test_images_that_came_later_are_in_no_part_and_counted(tmp_path):
    write_split(split_of(people(12)), tmp_path / "split.csv")
    split = read_split(tmp_path / "split.csv", dataset([*people(12), example("new.png")]))
    assert "new.png" not in {e.file for name in PARTS for e in split.part(name)}
    assert split.warnings[-1].startswith("1 image of the data are not in")


def test_missing_and_changed_images_are_named_up_to_ten(tmp_path):
    write_split(split_of(people(12)), tmp_path / "split.csv")
    with pytest.raises(DataError, match=r"22 images .* not in the data: None/p10-0.* and 12 more"):
        read_split(tmp_path / "split.csv", dataset(people(1)))
    changed = [dataclasses.replace(e, sha256="other") for e in people(1)]
    with pytest.raises(DataError, match=r"2 images .* changed since .*: None/p0-0\.png, None/p0-1"):
        read_split(tmp_path / "split.csv", dataset([*people(12)[2:], *changed]))
    relabelled = dataclasses.replace(people(1)[0], label="b")
    with pytest.raises(DataError, match=r"1 image .* changed since"):
        read_split(tmp_path / "split.csv", dataset([*people(12)[1:], relabelled]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file,class\nx,a\n",
        "file,sha256,class,patient,split\nx,1,a,p,dev\n",
        "file,sha256,class,patient,split,weight\nx,1,a,p,train,2\n",
        "a\n\xff\n",
    ],
)
def test_a_file_that_is_no_split_is_refused(tmp_path, text):
    (tmp_path / "split.csv").write_text(text, encoding="latin-1")
    with pytest.raises(RunError, match=r"split\.csv"):
        read_split(tmp_path / "split.csv", dataset(people(2)))


def test_the_line_that_is_wrong_is_named(tmp_path):
    write_split(split_of(people(12)), tmp_path / "split.csv")
    with (tmp_path / "split.csv").open("a") as file:
        file.write("x,1,a,p,dev\n")
    with pytest.raises(RunError, match=r"line 26, is not as it was written"):
        read_split(tmp_path / "split.csv", dataset(people(12)))


def test_an_image_that_is_named_twice_is_refused(tmp_path):
    write_split(split_of(people(12)), tmp_path / "split.csv")
    lines = (tmp_path / "split.csv").read_text().splitlines()
    (tmp_path / "split.csv").write_text("\n".join([*lines, lines[1]]) + "\n")
    file = lines[1].partition(",")[0]
    with pytest.raises(RunError, match=f"names 1 image more than once: {file}"):
        read_split(tmp_path / "split.csv", dataset(people(12)))


# As the figures in benchmarks/results/ were measured on.
RECORDED = {"pneumonia": ("chest_xray", "pneumonia-head"), "malaria": ("malaria", "malaria-0")}


@pytest.mark.real_data
@pytest.mark.parametrize("task", RECORDED)
def test_the_real_images_are_split_as_on_record(shared_data, repository, task):
    folder, result = RECORDED[task]
    recipe = RECIPES[task]
    read = read_sources(
        [shared_data / folder], classes=recipe.classes, patient_rules=recipe.patient_rules
    )
    split = split_examples(read, seed=0, validation_fraction=0.15, test_fraction=0.15)
    recorded = json.loads((repository / "benchmarks" / "results" / f"{result}.json").read_text())
    assert split_hash(split) == recorded["split"]["sha256"]


@pytest.mark.real_data
def test_248_real_training_images_are_of_test_patients(shared_data):
    recipe = RECIPES["pneumonia"]
    read = read_sources(
        [shared_data / "chest_xray"], classes=recipe.classes, patient_rules=recipe.patient_rules
    )
    split = split_examples(read, seed=0, validation_fraction=0.15, test_fraction=0.15)
    assert len(split.left_out) == 248
    assert len(split.train) + len(split.validation) == 5_232 - 248
    assert len(split.test) == 308
    assert split.warnings[0].startswith("248 of 5,232 images")
