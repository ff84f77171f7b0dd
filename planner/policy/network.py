"""The policy as a torch module, and as sb3-contrib's MaskablePPO trains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.policy.actions import LEVELS, Actions
from planner.policy.learned import FURTHEST, NAMES
from planner.policy.observation import ACTION, Floats, width

if TYPE_CHECKING:
    import torch

DROPPED = 0.15


def scorer(actions: Actions, hidden: int, mean: Floats, spread: Floats, each: Floats) -> Any:
    """The network of :class:`planner.policy.learned.Policy`, with a value of each state beside."""
    import torch
    from torch import nn

    numbers = width(actions)

    class Scorer(nn.Module):
        mean: torch.Tensor
        spread: torch.Tensor
        feature_spread: torch.Tensor
        latent_dim_pi, latent_dim_vf = actions.count, hidden

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
            self.register_buffer("spread", torch.from_numpy(spread.astype(np.float32)))
            self.register_buffer("feature_spread", torch.from_numpy(each.astype(np.float32)))
            self.first = nn.Linear(numbers, hidden)
            self.second = nn.Linear(hidden, hidden)
            self.action = nn.Embedding(actions.count, hidden)
            self.setting = nn.Embedding(len(actions.tools) * LEVELS, hidden)
            self.about = nn.Linear(hidden, hidden)
            self.gate = nn.Linear(hidden, hidden)
            self.features = nn.Linear(ACTION, hidden, bias=False)
            self.last = nn.Linear(hidden, 1, bias=False)
            self.straight = nn.Linear(ACTION, 1, bias=False)
            self.worth = nn.Sequential(nn.Linear(numbers, hidden), nn.Tanh(),
                                       nn.Linear(hidden, hidden), nn.Tanh())  # fmt: skip
            self.drop = nn.Dropout(DROPPED)
            nn.init.normal_(self.action.weight, std=0.3)
            nn.init.zeros_(self.setting.weight)
            nn.init.zeros_(self.straight.weight)

        def scaled(self, states: torch.Tensor) -> torch.Tensor:
            return ((states - self.mean) / self.spread).clamp(-FURTHEST, FURTHEST)

        def forward(self, states: torch.Tensor, pending: torch.Tensor, state: torch.Tensor,
                    action: torch.Tensor, features: torch.Tensor) -> torch.Tensor:  # fmt: skip
            """A score of each action that is offered."""
            h = self.drop(self.first(self.scaled(states)).relu())
            h = self.drop(self.second(h).relu())
            level = action - len(actions.tools)
            sets = (level >= 0) & (level < LEVELS) & (pending[state] >= 0)
            place = torch.where(sets, pending[state] * LEVELS + level, torch.zeros_like(level))
            embedded = self.action(action) + self.setting(place) * sets[:, None]
            known = features / self.feature_spread
            inner = (self.about(h)[state] + embedded + self.features(known)).relu()
            inner = inner * (self.gate(h)[state] + embedded).sigmoid()
            return (self.last(inner) + self.straight(known))[:, 0]

        def forward_actor(self, seen: torch.Tensor) -> torch.Tensor:
            count, batch = actions.count, len(seen)
            states, each = seen[:, :numbers], seen[:, numbers:].reshape(batch, count, ACTION)
            waits = states[:, -len(actions.tools) :]
            pending = torch.where(waits.amax(1) > 0.5, waits.argmax(1), -torch.ones_like(waits[:, 0]
                                  ).long())  # fmt: skip
            state = torch.arange(batch).repeat_interleave(count)
            action = torch.arange(count).repeat(batch)
            found = self(states, pending, state, action, each.reshape(-1, ACTION))
            return found.reshape(batch, count)

        def forward_critic(self, seen: torch.Tensor) -> torch.Tensor:
            return self.worth(self.scaled(seen[:, :numbers]))

    return Scorer()


def exported(network: Any) -> dict[str, Floats]:
    """What is used at run time, rounded as it is stored."""
    held = network.state_dict()
    return {n: held[n].detach().numpy().astype(np.float16).astype(np.float32) for n in NAMES}


def ppo_policy(begun: Any) -> Any:
    """The policy class for MaskablePPO that goes on from a network."""
    from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
    from torch import nn

    class Both(nn.Module):
        """As sb3 calls it: latent of the actor, latent of the critic."""

        latent_dim_pi, latent_dim_vf = begun.latent_dim_pi, begun.latent_dim_vf

        def __init__(self) -> None:
            super().__init__()
            self.network = begun

        def forward_actor(self, seen: torch.Tensor) -> torch.Tensor:
            return self.network.forward_actor(seen)

        def forward_critic(self, seen: torch.Tensor) -> torch.Tensor:
            return self.network.forward_critic(seen)

        def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.forward_actor(seen), self.forward_critic(seen)

    class Policy(MaskableActorCriticPolicy):
        def _build_mlp_extractor(self) -> None:
            self.mlp_extractor = Both()  # type: ignore[assignment]

        def _build(self, lr_schedule: Any) -> None:
            kept = {n: v.clone() for n, v in begun.state_dict().items()}
            super()._build(lr_schedule)
            self.action_net = nn.Identity()  # type: ignore[assignment]
            begun.load_state_dict(kept)  # sb3 draws weights of its own
            begun.drop.p = 0.0  # PPO compares chances before and after, not with units left out
            make: Any = self.optimizer_class
            self.optimizer = make(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    return Policy
