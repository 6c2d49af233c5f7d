"""Byte pairs and WordPiece by the library `tokenizers`, for texts that are too large for Python.

They are used as `BytePairs` and `WordPieces` are; the library is the extra `language`. Byte pairs
have the same merges and numbers as ours. The pieces of WordPiece are other ones, since the library
learns them by the counts of pairs (see `dlmath.sequences.word_pieces`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from dlmath.errors import UserError
from dlmath.sequences.word_pieces import CONTINUES, LONGEST_WORD, UNKNOWN

if TYPE_CHECKING:
    import tokenizers


class Tokenizer(Protocol):
    """Text to the numbers of tokens and back."""

    @property
    def size(self) -> int:
        """Number of tokens."""

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the tokens of a text."""

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of tokens."""


class LibraryTokenizer:
    """A tokenizer of the library, used as ours are.

    Args:
        inner: The library's.
    """

    def __init__(self, inner: "tokenizers.Tokenizer"):
        self.inner = inner

    @property
    def size(self) -> int:
        """Number of tokens."""
        return self.inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the tokens of a text."""
        return self.inner.encode(text, add_special_tokens=False).ids

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of tokens."""
        return self.inner.decode(list(numbers), skip_special_tokens=False)


def library_byte_pairs(texts: Iterable[str], size: int) -> LibraryTokenizer:
    """Return byte pairs on bytes, learnt from texts by the library.

    Args:
        texts: What to count pairs in.
        size: Number of tokens to reach, at least 256.

    Raises:
        UserError: The extra `language` is not installed.
    """
    require_tokenizers()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(texts, trainer)
    return LibraryTokenizer(inner)


def library_word_pieces(texts: Iterable[str], size: int) -> LibraryTokenizer:
    """Return WordPiece with pieces learnt from texts by the library, which counts pairs.

    Args:
        texts: What to count pairs in.
        size: Number of pieces to reach.

    Raises:
        UserError: The extra `language` is not installed.
    """
    require_tokenizers()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    model = models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD)
    inner = Tokenizer(model)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece(CONTINUES, cleanup=False)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN],
        continuing_subword_prefix=CONTINUES,
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return LibraryTokenizer(inner)


def require_tokenizers() -> None:
    """Check that the extra `language` is installed.

    Raises:
        UserError: How to install it.
    """
    try:
        import tokenizers  # noqa: F401  what is wanted is that it is there
    except ImportError as error:
        raise UserError(
            "Tokenizers of the library need the package tokenizers. Received: it is not "
            "installed. Run: pip install 'dlmath[language]'. "
            "dlmath.sequences.byte_pairs needs no package."
        ) from error
