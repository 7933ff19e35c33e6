"""The networks of the built-in tasks, small enough for a CPU.

`mlp` for vectors, `ImageCNN` for 2-D images, `SignalCNN` for 1-D signals, `CharTransformer` and `CharGRU` for text.
Weights are drawn by torch's default initialisation unless a class says otherwise, from torch's global generator: seed
it first.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from lrdecay.errors import Constraint

__all__ = ["CharGRU", "CharTransformer", "ImageCNN", "SignalCNN", "hidden_sizes", "mlp"]


def _sizes(value: object) -> tuple[int, ...]:
    """The sizes that a value says; empty where it says none."""
    parts = str(value).split("-") if isinstance(value, str) or type(value) is int else []
    return tuple(int(p) for p in parts) if parts and all(p.isascii() and p.isdecimal() for p in parts) else ()


_hidden = Constraint(
    "must be positive sizes joined by dashes",
    lambda v: bool(_sizes(v)) and min(_sizes(v)) > 0,
    "For two layers of 100 units write 100-100.",
)


def hidden_sizes(task: str, hidden: str | int) -> tuple[int, ...]:
    """The sizes in text such as ``"100-100"``, or the one size of an integer.

    Raises:
        InputError: it is not that.
    """
    _hidden.check(f"{task}(hidden=...)", hidden)
    return _sizes(hidden)


def mlp(inputs: int, hidden: tuple[int, ...], classes: int) -> nn.Sequential:
    """Linear layers with ReLU between them: (n, inputs) -> (n, classes)."""
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ReLU()]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


class ImageCNN(nn.Module):
    """Two 3x3 convolutions with 2x2 pooling, then two linear layers: (n, 1, side, side) -> (n, classes).

    58k parameters at side 28 and 10 classes. The weights are stored in the channels_last memory format, in which
    convolutions on a CPU are faster.

    Args:
        side: pixels of an edge, at least 4.
        classes: outputs.
    """

    def __init__(self, side: int, classes: int) -> None:
        """See the class."""
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.third = nn.Linear(32 * (side // 4) ** 2, 34)
        self.last = nn.Linear(34, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the classes."""
        x = functional.max_pool2d(self.first(x).relu(), 2)
        x = functional.max_pool2d(self.second(x).relu(), 2)
        scores: torch.Tensor = self.last(self.third(x.flatten(1)).relu())
        return scores


class SignalCNN(nn.Module):
    """The 1-D CNN published with MNIST-1D, three strided convolutions: (n, 40) -> (n, classes); 5k parameters.

    Greydanus and Kobak, Scaling Down Deep Learning with MNIST-1D, 2020, arXiv:2011.14439.
    """

    def __init__(self, classes: int) -> None:
        """See the class."""
        super().__init__()
        self.first = nn.Conv1d(1, 25, 5, stride=2, padding=1)
        self.second = nn.Conv1d(25, 25, 3, stride=2, padding=1)
        self.third = nn.Conv1d(25, 25, 3, stride=2, padding=1)
        self.last = nn.Linear(125, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the classes."""
        x = self.first(x.unsqueeze(1)).relu()
        x = self.second(x).relu()
        x = self.third(x).relu()
        scores: torch.Tensor = self.last(x.flatten(1))
        return scores


class _Block(nn.Module):
    """Causal self-attention and a two-layer network, each after a layer norm and added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        qkv = self.to_qkv(self.norm_1(x)).view(n, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.mix(seen.transpose(1, 2).reshape(n, length, width))
        more: torch.Tensor = self.down(functional.gelu(self.up(self.norm_2(x))))
        return x + more


class CharTransformer(nn.Module):
    """A small causal transformer on characters: (n, length <= context) of int64 -> (n, length, symbols).

    Pre-norm blocks and learned positions, as in GPT-2 (Radford et al. 2019); linear and embedding weights are drawn
    with standard deviation 0.02 and biases are zero, as there.

    Args:
        symbols: different characters.
        context: the most characters it sees at once.
        width: of the residual stream; a multiple of ``heads``.
        depth: blocks.
        heads: of attention.
    """

    def __init__(self, symbols: int, context: int, width: int = 64, depth: int = 2, heads: int = 4) -> None:
        """See the class."""
        super().__init__()
        self.symbol, self.position = nn.Embedding(symbols, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(_Block(width, heads) for _ in range(depth)))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, symbols)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the next character at every place."""
        places = torch.arange(x.shape[1], device=x.device)
        scores: torch.Tensor = self.last(self.norm(self.blocks(self.symbol(x) + self.position(places))))
        return scores


class CharGRU(nn.Module):
    """Gated recurrent layers on characters: (n, length) of int64 -> (n, length, symbols).

    Cho et al. 2014, arXiv:1406.1078.
    """

    def __init__(self, symbols: int, width: int = 64, depth: int = 2) -> None:
        """See the class."""
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.recur = nn.GRU(width, width, num_layers=depth, batch_first=True)
        self.last = nn.Linear(width, symbols)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the next character at every place."""
        scores: torch.Tensor = self.last(self.recur(self.symbol(x))[0])
        return scores
