import sys

import pytest

from dlmath.errors import UserError
from dlmath.sequences.tokenizers import library_byte_pairs, library_word_pieces


@pytest.mark.parametrize("train", [library_byte_pairs, library_word_pieces])
def test_without_the_extra_the_message_says_how_to_install_it(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UserError, match=r"pip install 'dlmath\[language\]'"):
        train(["a text"], 300)
