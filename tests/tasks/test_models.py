"""The networks have the sizes they claim, and language models do not look ahead."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lrdecay.tasks.models import CharGRU, CharTransformer, ImageCNN, SignalCNN, hidden_sizes, mlp


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_shapes_and_sizes() -> None:
    assert ImageCNN(28, 10)(torch.zeros(3, 1, 28, 28)).shape == (3, 10)
    assert ImageCNN(8, 10)(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    assert SignalCNN(10)(torch.zeros(3, 40)).shape == (3, 10)
    assert mlp(5, (7, 6), 4)(torch.zeros(3, 5)).shape == (3, 4)
    assert parameters(ImageCNN(28, 10)) == 58_496
    assert parameters(SignalCNN(10)) == 5_210
    assert parameters(mlp(5, (7, 6), 4)) == 6 * 7 + 8 * 6 + 7 * 4


def test_the_cnn_is_in_the_fast_memory_format_and_computes_the_same() -> None:
    torch.manual_seed(0)
    fast = ImageCNN(12, 10)
    assert fast.second.weight.is_contiguous(memory_format=torch.channels_last)
    plain = ImageCNN(12, 10)
    plain.load_state_dict(fast.state_dict())
    plain.to(memory_format=torch.contiguous_format)
    x = torch.randn(4, 1, 12, 12)
    torch.testing.assert_close(fast(x), plain(x))


@pytest.mark.parametrize("model", [CharTransformer(11, 16, width=8, depth=2), CharGRU(11, width=8, depth=2)])
def test_the_score_at_a_place_depends_on_it_and_what_is_before_only(model: nn.Module) -> None:
    x = torch.randint(0, 11, (2, 16), generator=torch.Generator().manual_seed(0))
    scores = model(x)
    assert scores.shape == (2, 16, 11)
    for place in (0, 7, 15):
        changed = x.clone()
        changed[:, place] = (x[:, place] + 1) % 11
        differs = (model(changed) - scores).abs().amax(dim=(0, 2)) > 1e-6
        assert not differs[:place].any()
        assert differs[place]
    assert model(x[:, :5]).shape == (2, 5, 11)


def test_a_fresh_transformer_says_nothing_yet() -> None:
    torch.manual_seed(0)
    model = CharTransformer(50, 32)
    x = torch.randint(0, 50, (8, 33))
    loss = nn.functional.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
    assert abs(loss.item() - torch.log(torch.tensor(50.0)).item()) < 0.1


def test_hidden_sizes_are_read_from_text_and_numbers() -> None:
    assert hidden_sizes("digits", "100-100") == (100, 100)
    assert hidden_sizes("digits", "7") == (7,)
    assert hidden_sizes("digits", 7) == (7,)
