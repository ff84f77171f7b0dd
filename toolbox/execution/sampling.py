"""Measurements and automatic parameters, from a few bands of rows through the tuned steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metadata.errors import TomoplanError, WorkError
from toolbox.card import ToolCard
from toolbox.execution.evaluation import Bench, Clock
from toolbox.execution.sources import Rows
from toolbox.tool import Tuned
from toolbox.values import Block


def sample_rows(card: ToolCard, available: range) -> Rows:
    """``card.bands`` bands of ``card.band_rows`` rows, evenly over those available.

    >>> from toolbox.registry import tool_class
    >>> import dataclasses
    >>> card = dataclasses.replace(tool_class("minus_log").card, bands=3, band_rows=2)
    >>> sample_rows(card, range(0, 30)).tolist()
    [4, 5, 14, 15, 24, 25]
    """
    count, height = len(available), card.band_rows
    if not height or card.bands * height >= count:
        return np.asarray(available, dtype=np.intp)
    middles = (np.arange(card.bands) + 0.5) * count / card.bands
    starts = np.clip(np.floor(middles - height / 2).astype(int), 0, count - height)
    rows = np.unique((starts[:, None] + np.arange(height)).ravel())
    return np.asarray(available.start + rows, dtype=np.intp)


@dataclass
class Sampler:
    """Computes samples on a bench and keeps the latest, for many steps look at the same rows."""

    bench: Bench
    clock: Clock
    kept: dict[tuple[str, bytes], Block] = field(default_factory=dict)
    keep_bytes: int = 256 << 20

    def inputs(self, name: str) -> dict[str, Any]:
        """A step's inputs as its measurement or tuning sees them."""
        bench = self.bench
        sources = bench.stack_inputs(name)
        inputs = bench.value_inputs(name)
        if not sources:
            return inputs
        ranges = [bench.available(s) for s in sources.values()]
        common = range(max(r.start for r in ranges), min(r.stop for r in ranges))
        rows = sample_rows(bench.tools[name].card, common)
        blocks = self._blocks(set(sources.values()), rows)
        ports = bench.tools[name].card.inputs
        for port, source in sources.items():
            block, kind = blocks[source], ports[port].kind
            inputs[port] = block.as_kind(kind) if block.kind.is_stack and kind.is_stack else block
        return inputs

    def measure(self, name: str) -> Any:
        """What a measuring step yields."""
        bench = self.bench
        inputs = self.inputs(name)
        stacks = {p: v for p, v in inputs.items() if p in bench.stack_inputs(name)}
        return bench.call(name, stacks, self.clock)

    def tune(self, name: str) -> Tuned:
        """A step with its automatic parameters fixed."""
        import time

        tool = self.bench.tools[name]
        inputs = self.inputs(name)
        begin = time.perf_counter()
        try:
            tuned = tool.tune(**inputs)
        except TomoplanError:
            raise
        except Exception as error:
            raise WorkError(
                f"Finding the automatic parameters of step {name} ({tool.card.name}) failed: "
                f"{type(error).__name__}: {error}. Give its parameters values in the plan."
            ) from error
        self.clock.add(f"{name}:tune", time.perf_counter() - begin)
        return tuned

    def _blocks(self, sources: set[str], rows: Rows) -> dict[str, Block]:
        key = rows.tobytes()
        blocks = {s: self.kept[s, key] for s in sources if (s, key) in self.kept}
        missing = {s: rows for s in sources if s not in blocks}
        if missing:
            # what an earlier sample of these rows holds need not be computed again
            bench = self.bench
            known = {s: _Kept(b) for (s, k), b in self.kept.items() if k == key}
            shortcut = Bench(bench.pipeline, bench.tools, {**bench.sources, **known}, bench.values)
            if any(
                bench.tools[n].halo()
                for n in shortcut.row_needs(missing)
                if n not in shortcut.sources
            ):
                shortcut = bench
            made = shortcut.rows(missing, shortcut.read_rows(missing), self.clock)
            for source, block in made.items():
                self._keep(source, key, block)
            blocks |= made
        return blocks

    def _keep(self, source: str, key: bytes, block: Block) -> None:
        held = sum(b.values.nbytes for b in self.kept.values())
        while self.kept and held + block.values.nbytes > self.keep_bytes:
            held -= self.kept.pop(next(iter(self.kept))).values.nbytes
        if block.values.nbytes <= self.keep_bytes:
            self.kept[source, key] = block


@dataclass(frozen=True)
class _Kept:
    block: Block

    @property
    def available(self) -> range:
        return range(int(self.block.rows[0]), int(self.block.rows[-1]) + 1)

    @property
    def frames(self) -> int:
        return len(self.block.frames)

    def take_rows(self, rows: Rows) -> Block:
        return self.block

    def take_frames(self, start: int, stop: int) -> Block:
        raise TypeError("a sample has all frames")
