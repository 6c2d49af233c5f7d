"""Ferguson's article, line by line."""

from dlmath.maths.ledger import units
from dlmath.maths.ledger.entry import HISTORY, OPINION, Entry, left_out, tested

ENTRIES = (
    left_out(39, "Numbers of neurons in a brain", HISTORY),
    Entry(54, "Hebb's rule: links of neurons that fire together are strengthened, others degrade"),
    Entry(70, "The neuron: weights, threshold, activation"),
    tested(74, "The perceptron: a unit step", units.PERCEPTRON),
    Entry(80, "The bias as a weight of a constant input"),
    Entry(86, "A neuron decides on which side of a hyperplane a point lies"),
    Entry(88, "It cannot tell the inside of a sphere"),
    Entry(90, "Activations bring in the non-linearity"),
    tested(94, "Layers compose to a multilayer perceptron", units.COMPOSITION),
    left_out(96, "N spaces for N maps", "among the errata"),
    Entry(106, "The network as a function of input and parameters"),
    left_out(116, "A layer's space of functions", "notation of no use later, among the errata"),
    Entry(120, "Every neuron has an affine function, with the bias as a weight"),
    Entry(122, "Every neuron may have its own activation"),
    left_out(126, "Maps between these spaces of functions", "among the errata; line 128 is meant"),
    Entry(128, "A layer is the activations after the affine functions"),
    Entry(132, "The same neuron by neuron"),
    Entry(138, "The network as a sequence of maps"),
    tested(142, "Depth and width", units.DEPTH_AND_WIDTH),
    left_out(144, "Deep networks reparameterise their input step by step", OPINION),
    Entry(150, "A network of linear neurons is one layer"),
    left_out(154, "Gauge-equivariant convolutions", "of a later article"),
    Entry(156, "The linear neuron learns in the L2 norm"),
)
