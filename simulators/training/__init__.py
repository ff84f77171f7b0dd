"""The one harness for all learned parts: ``tomoplan train WHAT``.

A part says in one file (``simulators/training/parts`` or wherever its network lives) what an
example is, what its network and loss are, how it is validated and measured; the harness does the
rest: streaming, mixed precision, averaging, schedule, early stopping, checkpoints, log, weights,
card.
"""

from simulators.training.command import known_parts, train
from simulators.training.part import Arrays, Measured, Tensors, Training
from simulators.training.settings import Settings

__all__ = ["Arrays", "Measured", "Settings", "Tensors", "Training", "known_parts", "train"]
