"""Networks as graphs: directed multigraphs, their topos, cycles, homotopy and memory.

Tsemo, section 8. Each module is one thing: `digraph` and `hom_sets` (the category), `limits`
(the topos), `cycles` (traces and the zeta series), `weak_equivalences` (the model structure of
Bisson and Tsemo), `open_graphs` (the tensor category), `linear_memory` (Jaeger's memory capacity).
The page `docs/memory.md` says what comes of it.
"""

from dlmath.maths.graphs.memory_classes import MemoryClass, memory_class

__all__ = ["MemoryClass", "memory_class"]
