r"""Backward passes derived from forward ones by moving adjoints, and proven equal to the code.

    from dlmath import derivation

    for proof in derivation.proofs_of("Dense"):
        print(*proof.derivation.lines("text"), proof.verdict())

`nodes.py` has the algebra of maps with adjoints, `differentiation.py` the derivation,
`index_notation.py` and `equality.py` the normal form and what is proven with it, `proof.py` the
comparison with the code of the layers.
"""

from dlmath.derivation.differentiation import Derivation, differentiated
from dlmath.derivation.proof import Proof, prove
from dlmath.derivation.registry import proofs_of

__all__ = ["Derivation", "Proof", "differentiated", "proofs_of", "prove"]
