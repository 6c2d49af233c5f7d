"""Every check of `dlmath doctor`: its name, its group, and the function that makes it."""

from collections.abc import Callable
from dataclasses import dataclass

from dlmath.doctor import decisions, files, images, machine, network, steps
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.verdict import Verdict


@dataclass(frozen=True)
class Check:
    """One check of a run; its function raises only what `dlmath.doctor.examine` explains."""

    group: str
    name: str
    make: Callable[[ExaminedRun], Verdict]


@dataclass(frozen=True)
class MachineCheck:
    """One check of the machine."""

    name: str
    make: Callable[[], Verdict]


MACHINE = (
    MachineCheck("versions", machine.versions),
    MachineCheck("devices", machine.devices),
    MachineCheck("memory", machine.memory),
    MachineCheck("disk", machine.disk),
    MachineCheck("caches", machine.caches),
    MachineCheck("data", machine.data),
)

# From what is read at once to what takes steps of training.
OF_RUN = (
    Check("files", "state", files.state),
    Check("files", "checksums", files.checksums),
    Check("files", "versions of the run", files.same_versions),
    Check("files", "patients apart", files.patients_apart),
    Check("files", "weights", files.weights),
    Check("network", "scaling of pixels", network.scaling_of_pixels),
    Check("network", "output and loss", network.output),
    Check("network", "frozen layers", network.frozen_layers),
    Check("decisions", "class order", decisions.class_order),
    Check("decisions", "one class only", decisions.one_class_only),
    Check("decisions", "threshold", decisions.threshold),
    Check("decisions", "test part", decisions.test_openings),
    Check("decisions", "recorded metrics", decisions.recorded_metrics),
    Check("decisions", "shortcut", decisions.shortcut),
    Check("images", "preprocessing", images.preprocessing),
    Check("images", "light form", images.light_form),
    Check("training", "augmentation", steps.augmentation),
    Check("training", "resuming", steps.resuming),
)
