"""Measured numbers against the same measurement of the true labels."""

from __future__ import annotations

import numpy as np

from metadata.errors import TomoplanError
from simulators.outcomes.quality.delivered import Delivered
from simulators.outcomes.quality.labels import true_classes
from toolbox.kinds import DataKind
from toolbox.registry import make_tool
from toolbox.values import Quantities


def quantify_quality(delivered: Delivered) -> float:
    """Mean over the numbers that the same step measures on the true classes of the smaller over
    the larger of the two values: 1 where all are right, 0 for one that is missing."""
    step = delivered.recipe[-1]
    labels = delivered.values[DataKind.LABELS]
    truth = true_classes(delivered.scans[0], labels.values.shape[-1])
    real = labels.with_values(truth.astype(labels.values.dtype))
    tool = make_tool(step.tool, step.parameters)
    try:
        if tool.needs_tuning():
            tool = tool.tune(labels=real).tool
        wanted = tool(labels=real)
    except TomoplanError:
        return 0.0  # what is not there cannot be measured, whatever was found
    return likeness(delivered.values[DataKind.QUANTITIES], wanted)


def likeness(found: Quantities, wanted: Quantities) -> float:
    """How alike two sets of named numbers are, in [0, 1].

    >>> from toolbox.values import Quantity
    >>> likeness(Quantities({"a": Quantity(1.0)}), Quantities({"a": Quantity(2.0)}))
    0.5
    """
    shares = []
    for name, quantity in wanted.values.items():
        other = found.values.get(name)
        if other is None or not np.isfinite(other.value):
            shares.append(0.0)
            continue
        low, high = sorted((abs(quantity.value), abs(other.value)))
        alike = quantity.value * other.value >= 0
        shares.append((low / high if high else 1.0) if alike else 0.0)
    return float(np.mean(shares)) if shares else 0.0
