"""What people ask: English and Chinese text to a `planner.task.Task`.

    from planner.language import understand
    understand("segment the pores in this sandstone within ten minutes").task.max_seconds  # 600.0

Embeddings and weights are loaded by the first call, not by this import.
"""

from planner.language.phrases import say
from planner.language.translation import told_in, translate
from planner.language.understanding import Understanding, understand, understand_file

__all__ = ["Understanding", "say", "told_in", "translate", "understand", "understand_file"]
