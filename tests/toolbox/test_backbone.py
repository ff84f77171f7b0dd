"""The backbone: features of every pixel, adapters that begin as nothing."""

from __future__ import annotations

import torch

from toolbox.learned import backbone
from toolbox.learned.adapters import light, network


def test_features_have_the_size_of_the_image() -> None:
    net = backbone.network()
    images = torch.zeros(2, 1, 24, 40)
    assert net.features(backbone.shown(images)).shape == (2, backbone.FEATURES, 24, 40)
    assert net(backbone.shown(images)).shape == (2, 1, 24, 40)


def test_adapters_begin_as_nothing_and_are_few() -> None:
    torch.manual_seed(1)
    net = network(3).eval()
    images = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        features = net.backbone.features(backbone.shown(images))
        adapted = net.backbone.features(backbone.shown(images), tuple(net.adapters))
    assert torch.equal(features, adapted)
    trained = sum(p.numel() for p in light(net).values())
    assert trained < 0.05 * sum(p.numel() for p in net.parameters())
    assert net(images).shape == (1, 3, 32, 32)


def test_weights_fit_into_the_repository() -> None:
    assert 2 * sum(p.numel() for p in backbone.network().parameters()) < 4_000_000
