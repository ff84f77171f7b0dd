"""A record names the libraries that its tools stand on."""

from __future__ import annotations

from toolbox.execution.record import versions


def test_what_every_run_stands_on_and_what_tools_name() -> None:
    found = versions({"svmbir"})
    assert {"python", "tomoplan", "numpy", "scipy", "torch", "finufft", "h5py", "svmbir"} <= set(
        found
    )
    assert "psutil" in found  # svmbir requires it
    assert "simpleitk" not in {name.lower() for name in found}
    assert all(found.values())


def test_a_library_of_two_spellings_is_named_once() -> None:
    names = [name.lower() for name in versions({"scikit-image", "PyWavelets"})]
    assert len(names) == len(set(names))
    assert {"pillow", "pywavelets", "imageio"} <= set(names)
    assert versions({"no-such-library"}).get("no-such-library") is None
