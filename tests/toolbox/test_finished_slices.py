"""Total variation slices that networks finish: units, turns, tiles and rows do not matter, and each
gains where its card says so."""

from __future__ import annotations

import dataclasses
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.toolbox.few_views import scan
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.operators.blocks import as_tensor, operator_for
from toolbox.registry import make_tool
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct import adb_net, sartconvnet, tvconvnet, unetpp_gan
from toolbox.tools.reconstruct.finished_slices import averaged, clean, turned

TOOLS = {"tvconvnet": tvconvnet, "sartconvnet": sartconvnet, "adb_net": adb_net,
         "unetpp_gan": unetpp_gan}  # fmt: skip
KINDS = {"tvconvnet": "sparse", "adb_net": "sparse", "sartconvnet": "limited",
         "unetpp_gan": "limited"}  # fmt: skip
RANGES = {"sparse": 180.0, "limited": 110.0}
each_tool = pytest.mark.parametrize("name", sorted(TOOLS))


def network(name: str) -> Any:
    return trained(name, TOOLS[name].network)


def looks(name: str, columns: int = 96) -> Any:
    """Looks of a tool at a first row, axes ``look, y, x``."""
    sinogram, center = scan(columns, range_deg=RANGES[KINDS[name]])
    A = operator_for(sinogram, center).for_rows(slice(0, 1))
    see = TOOLS[name].looks
    if name == "adb_net":
        see = partial(see, network(name).sinogram)
    return see(A, as_tensor(sinogram)[:1], 0.01, 60)[0][0]


@each_tool
def test_the_unit_does_not_matter(name: str) -> None:
    sinogram, center = scan(range_deg=RANGES[KINDS[name]])
    tool = make_tool(name, {"copies": 1, "iterations": 60})
    plain = tool(sinogram=sinogram, center=center).values
    scaled = tool(sinogram=sinogram.with_values(50 * sinogram.values), center=center).values
    np.testing.assert_allclose(scaled / 50, plain, rtol=0, atol=0.03 * float(np.ptp(plain)))


@each_tool
def test_with_all_copies_turned_looks_give_the_turned_slice(name: str) -> None:
    given, net = looks(name), network(name)
    once = averaged(net, given, 8)
    other = averaged(net, turned(given, 1, True), 8)
    change = np.abs(clean(net, given) - given[0]).mean()
    assert np.abs(np.rot90(once[:, ::-1]) - other).mean() < 0.02 * change


@each_tool
@pytest.mark.parametrize("columns", [40, 77])
def test_slices_of_any_size_row_by_row(name: str, columns: int) -> None:
    sinogram, center = scan(columns)
    tool: Any = make_tool(name, {"copies": 1, "iterations": 60})
    tuned = tool.tune(sinogram=sinogram, center=center).tool
    assert tuned.strength
    both = tuned(sinogram=sinogram, center=center).values
    assert both.shape == (2, columns, columns)
    assert np.isfinite(both).all()
    second = tuned(sinogram=sinogram.take_rows(slice(1, 2)), center=center).values
    np.testing.assert_allclose(second[0], both[1], atol=0.01 * float(np.ptp(both)))


@each_tool
def test_tiles_give_nearly_what_the_whole_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, net = looks(name, 256), network(name)
    whole = clean(net, given)
    monkeypatch.setattr(fbpconvnet, "TILE", 160)
    change = np.abs(whole - given[0]).mean()
    assert np.abs(clean(net, given) - whole).mean() < 0.2 * change


@each_tool
def test_families_that_it_never_saw_gain(name: str) -> None:
    from simulators.training.command import shipped_settings
    from simulators.training.missing_views import ITERATIONS, drawn_cases, reconstructed
    from simulators.training.settings import Settings

    kind = KINDS[name]
    held_out = Settings.read(shipped_settings(name)).options["held_out"]
    gains = []
    for case in drawn_cases(17, len(held_out), held_out, (192, 192), kind):
        made = reconstructed(TOOLS[name], network(name), case, ITERATIONS[kind])
        # Of a limited angle it is no nearer than total variation, as its card says
        plain = case.tv(None) if kind == "sparse" else case.slice
        gains.append(case.psnr(made) - case.psnr(plain))
    assert np.mean(gains) > (0.5 if kind == "sparse" else 3), f"dB: {gains}"


@pytest.mark.parametrize("name", sorted(set(TOOLS) - {"tvconvnet"}))
def test_slices_have_no_values_below_zero(name: str) -> None:
    sinogram, center = scan(range_deg=RANGES[KINDS[name]])
    found = make_tool(name, {"copies": 1, "iterations": 60})(sinogram=sinogram, center=center)
    assert found.values.min() >= 0


@pytest.mark.parametrize("module", [adb_net, unetpp_gan])
def test_a_narrowed_network_is_nearly_the_whole(module: ModuleType) -> None:
    import torch

    whole = network("tvconvnet")
    part = fbpconvnet.network((*fbpconvnet.WIDTHS[:-1], module.WIDTHS[-1]), tvconvnet.LOOKS)
    part.load_state_dict(fbpconvnet.narrowed(whole.state_dict(), module.WIDTHS[-1]))
    given = torch.from_numpy(looks("tvconvnet"))[None]
    with torch.no_grad():
        found, wanted = part.eval()(given), whole(given)
    assert (found - wanted).abs().mean() < 0.2 * (wanted - given[:, :1]).abs().mean()


def test_unet_plus_plus_begins_as_the_unet_on_its_outermost_path() -> None:
    import torch

    whole = network("tvconvnet")
    part = fbpconvnet.network(unetpp_gan.WIDTHS, tvconvnet.LOOKS).eval()
    part.load_state_dict(fbpconvnet.narrowed(whole.state_dict(), unetpp_gan.WIDTHS[-1]))
    nested = unetpp_gan.network().eval()
    unetpp_gan.begin(nested, whole)
    given = torch.from_numpy(looks("tvconvnet"))[None]
    with torch.no_grad():
        torch.testing.assert_close(nested(given), part(given), rtol=0, atol=1e-4)


def test_adb_net_begins_as_the_branch_of_the_slice() -> None:
    import torch

    net = adb_net.network().eval()
    given = torch.from_numpy(looks("adb_net"))[None]
    changed = given.clone()
    changed[:, -1] += 1
    with torch.no_grad():
        torch.testing.assert_close(net(given), net(changed))
        torch.testing.assert_close(net(given), net.slice(given[:, :-1]))


def test_sart_comes_to_fit_the_views() -> None:
    from toolbox.operators.solvers import sart

    sinogram, center = scan(projections=90)
    A, y = operator_for(sinogram, center, precision=1e-4), as_tensor(sinogram)
    start = A.fbp(y, "hann")
    left = [float((A(sart(A, y, start, passes, 8, True)) - y).square().mean())
            for passes in (0, 1, 4)]  # fmt: skip
    assert left[0] > 1.1 * left[1] > 1.2 * left[2]


def test_the_operator_of_some_views_is_that_part_of_the_whole() -> None:
    sinogram, center = scan()
    A = operator_for(sinogram, center, precision=1e-5)
    image = A.fbp(as_tensor(sinogram))
    chosen = np.array([3, 17, 40])
    part, whole = A.of_views(chosen)(image), A(image)[:, chosen]
    assert float((part - whole).abs().max()) < 1e-3 * float(whole.abs().max())


@each_tool
def test_the_planner_is_told_where_it_helps(name: str) -> None:
    card = known_tools()[name].card
    assert card.suits
    assert dataclasses.asdict(make_tool(name, {}))["copies"] == TOOLS[name].COPIES
