"""The network: a small BERT whose weights come from MiniLM, heads over what it read, and tags for single tokens.

The first token is [CLS], the second says by which channel the text came, so that the same words can be an order from
a user and an attack in a tool result. Pooling: the mean of all tokens, and beside it one weighted mean per group of
heads. For the attack heads the weights are the logits of the tag `injected`, so that the verdict on a whole window
looks where the injected order stands.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from heads import ATTACK, HARMS, HEADS, KINDS
from torch import Tensor, nn

from guardhouse.classifier.tokens import CHANNELS, FIRST_CHANNEL

INJECTED = "injected"
NAMES = ("person", "location", "organization", "address")
NAME_TAGS = ("outside", *(f"{place}_{name}" for name in NAMES for place in ("begin", "inside")))
GROUPS = ((ATTACK, *KINDS), HARMS, tuple(head for head in HEADS if head not in (ATTACK, *KINDS, *HARMS)))
WIDTH, HEADS_OF_ATTENTION, INNER = 384, 12, 1536


class Layer(nn.Module):
    """One layer of BERT."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.norm_out = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """States in, states out; `bias` is added to the attention's logits."""
        batch, length, _ = states.shape
        joined = self.joined(states).view(batch, length, 3, HEADS_OF_ATTENTION, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(joined[0], joined[1], joined[2], attn_mask=bias)
        seen = seen.transpose(1, 2).reshape(batch, length, WIDTH)
        states = self.norm_attention(states + self.drop(self.out(seen)))
        inner = self.down(nn.functional.gelu(self.up(states)))
        return self.norm_out(states + self.drop(inner))  # type: ignore[no-any-return]


class Network(nn.Module):
    """Token ids and mask in; logits of all heads, of the tag `injected` and of the name tags out."""

    def __init__(self, layers: int = 6) -> None:
        super().__init__()
        self.words = nn.Embedding(30_522, WIDTH)
        self.channels = nn.Embedding(len(CHANNELS), WIDTH)
        self.positions = nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.drop = nn.Dropout(0.1)
        self.injected = nn.Linear(WIDTH, 1)
        self.names = nn.Linear(WIDTH, len(NAME_TAGS))
        self.looks = nn.Linear(WIDTH, len(GROUPS) - 1)
        self.heads = nn.ModuleList(nn.Linear(2 * WIDTH, len(group)) for group in GROUPS)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`ids` and `mask` are batch by length; out come batch by heads, batch by length, batch by length by tags."""
        channel = (ids[:, 1] - FIRST_CHANNEL).clamp(0, len(CHANNELS) - 1)
        words = self.words(ids)
        words = torch.cat([words[:, :1], self.channels(channel)[:, None], words[:, 2:]], dim=1)
        states = self.norm(words + self.positions.weight[None, : ids.shape[1]])
        shade = (1.0 - mask.to(states.dtype)) * -1e4
        seen = self.layer_mask(mask, shade[:, None, None, :])
        for layer in self.layers:
            states = layer(states, seen)
        injected = self.injected(states)[:, :, 0]
        looks = torch.cat([injected[:, :, None], self.looks(states)], dim=2) + shade[:, :, None]
        share = torch.softmax(looks, dim=1)
        kept = mask.to(states.dtype)[:, :, None]
        mean = (states * kept).sum(1) / kept.sum(1)
        looked = share.transpose(1, 2) @ states
        logits = [head(self.drop(torch.cat([mean, looked[:, index]], dim=1))) for index, head in enumerate(self.heads)]
        return torch.cat(logits, dim=1), injected, self.names(states)

    def layer_mask(self, mask: Tensor, bias: Tensor) -> Tensor:
        """The form in which layers take the mask: what is added to the attention's logits."""
        return bias


def load_pretrained(network: Network, folder: Path) -> None:
    """Put MiniLM's weights into the network's body; heads stay as they are. Layers are taken evenly if it has fewer."""
    from safetensors.torch import load_file

    given = load_file(folder / "model.safetensors")
    total = int(json.loads((folder / "config.json").read_text())["num_hidden_layers"])
    with torch.no_grad():
        network.words.weight.copy_(given["embeddings.word_embeddings.weight"])
        # BERT adds the embedding of "first sentence" everywhere: it goes into the positions.
        network.positions.weight.copy_(
            given["embeddings.position_embeddings.weight"] + given["embeddings.token_type_embeddings.weight"][0]
        )
        network.norm.weight.copy_(given["embeddings.LayerNorm.weight"])
        network.norm.bias.copy_(given["embeddings.LayerNorm.bias"])
        network.channels.weight.copy_(network.words.weight[1 : 1 + len(CHANNELS)])
        taken = [round(index * (total - 1) / max(1, len(network.layers) - 1)) for index in range(len(network.layers))]
        for layer, number in zip(network.layers, taken, strict=True):
            name = f"encoder.layer.{number}."
            for kind in ("weight", "bias"):
                parts = [given[f"{name}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
                getattr(layer.joined, kind).copy_(torch.cat(parts))
                for own, theirs in (
                    ("out", "attention.output.dense"), ("norm_attention", "attention.output.LayerNorm"),
                    ("up", "intermediate.dense"), ("down", "output.dense"), ("norm_out", "output.LayerNorm"),
                ):  # fmt: skip
                    getattr(getattr(layer, own), kind).copy_(given[f"{name}{theirs}.{kind}"])
