"""The training loop: the same for every learned part."""

from __future__ import annotations

import hashlib
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metadata.errors import InputError, WorkError
from simulators.training import checkpoint
from simulators.training.average import Average
from simulators.training.log import Log
from simulators.training.part import Arrays, Tensors, Training
from simulators.training.progress import Progress
from simulators.training.settings import Settings
from simulators.training.stream import Stream

if TYPE_CHECKING:
    import torch

KEEP_EVERY = 60.0  # seconds between checkpoints


@dataclass(frozen=True, eq=False)
class Fitted:
    """The network with the best averaged weights (on the CPU), and how it came about."""

    network: torch.nn.Module
    score: float
    step: int  # of the best validation
    steps: int  # made in all
    minutes: float
    ended_by: str  # steps, patience or budget
    rows: list[dict[str, Any]]
    begun_from: str | None = None  # sha256 of the weights that it began with


@dataclass
class Counts:
    """How far a training is."""

    step: int = 0
    elapsed: float = 0.0  # seconds of wall clock
    best_score: float = -math.inf
    best_step: int = 0
    since_best: int = 0  # validations
    averaged: int = 0  # updates of the average


class Run:
    """A training under way: all that a checkpoint keeps, and what happens between steps."""

    def __init__(
        self, part: Training, settings: Settings, folder: Path, begin: Path | None = None
    ) -> None:
        import torch
        from safetensors.torch import load_file

        folder.mkdir(parents=True, exist_ok=True)
        self.part, self.settings, self.folder = part, settings, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(settings.seed)
        network = part.network()
        self.begun_from: str | None = None
        if begin is not None:
            network.load_state_dict(load_file(begin))
            self.begun_from = hashlib.sha256(begin.read_bytes()).hexdigest()
        network = network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(_groups(network, settings.decay), lr=settings.rate)
        self.average = Average(self.network, settings.average)
        self.best = _copied(self.average.network)
        self.counts = Counts()
        self.losses: list[float] = []

    def restore(self, quiet: bool = False) -> None:
        """Take up the checkpoint of the folder; where there is none, say so and begin anew."""
        kept = checkpoint.load(self.folder)
        if kept is None:
            if not quiet:
                print(f"There is no checkpoint in {self.folder} to go on from: the training begins "
                      f"at its first step.", file=sys.stderr, flush=True)  # fmt: skip
            return
        if found := self.settings.differences(kept["settings"]):
            raise InputError(
                f"The training in {self.folder} was begun with other settings ({'; '.join(found)})."
                f" Go on with the same settings, or start anew in another folder."
            )
        self.counts = Counts(**kept["counts"])
        self.begun_from = kept.get("begun_from", self.begun_from)
        self.network.load_state_dict(kept["network"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.average.network.load_state_dict(kept["average"])
        self.average.count = self.counts.averaged
        self.best = {name: value.to(self.device) for name, value in kept["best"].items()}
        for name, state in kept.get("helpers", {}).items():
            self._helpers[name].load_state_dict(state)

    def keep(self) -> None:
        """Write the checkpoint."""
        self.counts.averaged = self.average.count
        state = {
            "settings": self.settings.to_json(),
            "counts": vars(self.counts),
            "begun_from": self.begun_from,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.network.state_dict(),
            "best": self.best,
            "helpers": {name: helper.state_dict() for name, helper in self._helpers.items()},
        }
        checkpoint.save(self.folder, state)

    @property
    def _helpers(self) -> dict[str, Any]:
        return getattr(self.part, "helpers", {})

    @property
    def way(self) -> float:
        """How much of the schedule is done, from 0 to 1: by steps, or by the wall clock where
        that would end first."""
        counts, settings = self.counts, self.settings
        return max(counts.step / settings.steps, counts.elapsed / (60 * settings.max_minutes))

    def learn(self, batch: Arrays) -> None:
        """One step."""
        import torch

        step = self.counts.step
        rate = _rate(self.settings, step, self.way)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        # Dropout and the like: by the step, so that a continued training draws the same
        torch.manual_seed(self.settings.seed * 1_000_003 + step)
        self.network.train()
        if self.way >= self.settings.settle:
            _settle(self.network)
        tensors = as_tensors(batch, self.device)
        mixed = self.settings.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            loss = self.part.loss(self.network, tensors)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        value = float(loss.detach())
        if not (math.isfinite(value) and bool(torch.isfinite(norm))):
            raise WorkError(
                f"The loss became {value} at step {step}: nothing finite to learn from. Go on "
                f"from the checkpoint with a lower rate, or look at the examples of the part."
            )
        self.optimiser.step()
        self.average.update(self.network)
        self.losses.append(value)
        self.counts.step += 1

    def validate(self) -> dict[str, Any]:
        """Numbers of the averaged weights, kept where they are the best so far."""
        counts = self.counts
        found = self.part.validate(self.average.network)
        better = found["score"] > counts.best_score
        if better:
            counts.best_score, counts.best_step = found["score"], counts.step
            self.best = _copied(self.average.network)
        counts.since_best = 0 if better else counts.since_best + 1
        loss = sum(self.losses) / len(self.losses)
        self.losses = []
        rate = self.optimiser.param_groups[0]["lr"]
        minutes = round(counts.elapsed / 60, 2)
        return {"step": counts.step, "minutes": minutes, "loss": loss, "rate": rate, **found}


def fit(
    part: Training,
    settings: Settings,
    folder: Path,
    resume: bool = False,
    quiet: bool = False,
    begin: Path | None = None,
) -> Fitted:
    """Train a part, from the weights in ``begin`` where given; checkpoint, log and picture go to
    ``folder``.

    ``resume`` goes on from the checkpoint there: with the same number of threads as if nothing
    had happened, unless the wall clock ends the schedule.
    """
    run = Run(part, settings, folder, begin)
    if resume:
        run.restore(quiet)
    counts, log = run.counts, Log(folder, run.counts.step)
    stream = Stream(part, settings, counts.step)
    ended_by = "steps"
    with stream.running(), Progress(settings.steps, quiet) as bar:
        if run.way < 1:
            bar.say(f"simulating the first {settings.window} examples")
            stream.fill(counts.step)
        last = kept_at = time.monotonic()
        while counts.step < settings.steps:
            if settings.patience and counts.since_best >= settings.patience:
                ended_by = "patience"
                break
            if run.way >= 1:
                ended_by = "budget"
                break
            run.learn(stream.batch(counts.step))
            now = time.monotonic()
            counts.elapsed, last = counts.elapsed + now - last, now
            bar.advance(counts.step, run.losses[-1])
            if counts.step % settings.validate_every == 0 or run.way >= 1:
                log.add(run.validate())
                bar.validated(log.rows[-1])
                run.keep()
            if now - kept_at > KEEP_EVERY:
                run.keep()
                log.plot()
                kept_at = now
    log.plot()
    run.average.network.load_state_dict(run.best)
    return Fitted(run.average.network.cpu(), counts.best_score, counts.best_step, counts.step,
                  counts.elapsed / 60, ended_by, log.rows, run.begun_from)  # fmt: skip


def as_tensors(batch: Arrays, device: torch.device | str) -> Tensors:
    """A batch on its device; images (four axes) with their channels last."""
    import torch

    found = {}
    for name, values in batch.items():
        tensor = torch.from_numpy(values).to(device)
        if tensor.ndim == 4:
            tensor = tensor.to(memory_format=torch.channels_last)
        found[name] = tensor
    return found


def _rate(settings: Settings, step: int, at: float) -> float:
    """The learning rate at a step that is ``at`` (0 to 1) of the way.

    >>> round(_rate(Settings(rate=1.0, warm_up=10), 4, 0.0), 2), _rate(Settings(rate=1.0), 999, 1.0)
    (0.5, 0.01)
    """
    rising = min(1.0, (step + 1) / max(settings.warm_up, 1))
    return settings.rate * rising * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(at, 1.0))))


def _settle(network: torch.nn.Module) -> None:
    """Batch normalisation as it is in use: by its running statistics, which stand still."""
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()


def _copied(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _groups(network: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases and scales of normalisation (one axis) do not."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
