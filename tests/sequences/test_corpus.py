from dlmath.sequences.corpus import documents, is_held_out, training_and_held_out


def test_the_text_is_that_of_the_results():
    found = documents()
    assert len(found) == 135
    assert sum(map(len, found.values())) == 420_688
    assert all(text.strip() for text in found.values())


def test_every_document_is_in_one_part():
    training, held_out = training_and_held_out()
    assert {**training, **held_out} == documents()
    assert not set(training) & set(held_out)
    assert all(map(is_held_out, held_out))
    assert not any(map(is_held_out, training))
    assert 0.05 < len(held_out) / len(documents()) < 0.25
