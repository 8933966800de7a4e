"""Programs of real models: a small configuration of each, drawn at random, and what it is called with.

Nothing is downloaded: classes come from `transformers`, `torchvision` and `diffusers`, numbers from a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

F = nn.functional
BATCH, LENGTH, WORDS = 2, 12, 50


class Program(NamedTuple):
    """A model, and its inputs by name."""

    model: nn.Module
    inputs: Mapping[str, Any]


Terms = dict[str, Any]
Build = Callable[[], Program]


def words(length: int = LENGTH) -> Tensor:
    """Return tokens: (batch, length)."""
    return torch.randint(3, WORDS, (BATCH, length))


def image(side: int, channels: int = 3, batch: int = 1) -> Tensor:
    """Return noise: (batch, channels, side, side)."""
    return torch.randn(batch, channels, side, side)


# The programs of plain torch, and of each family one: all that a quick look needs.
PLAIN = (
    *("nn.Transformer", "nn.TransformerEncoder", "nn.LSTM", "GCN and GAT", "packed LSTM", "GRU"),
    *("dilated convolutions", "radiance field"),
)
SIX = {
    **dict.fromkeys(("Llama", "Mixtral", "Mamba"), "transformers"),
    **dict.fromkeys(("Swin", "ResNet-18 in training"), "torchvision"),
    "UNet2D": "diffusers",
}
"""Models of every kind, by the package that they need."""


def _model(name: str, inputs: Callable[[], Mapping[str, Any]], **terms: Any) -> Build:
    """Return what builds a model of `transformers` from the terms of its configuration."""

    def build() -> Program:
        kind = getattr(import_module("transformers"), name)
        return Program(kind._from_config(kind.config_class(**terms)).eval(), inputs())

    return build


def _language(name: str, length: int = LENGTH, **terms: Any) -> Build:
    return _model(name, lambda: {"input_ids": words(length)}, **terms)


def _vision(name: str, *, train: bool = False, **terms: Any) -> Build:
    """Return what builds a model of `torchvision`."""

    def build() -> Program:
        models = import_module("torchvision.models")
        model = models.get_model(name, weights=None, **terms).train(train)
        return Program(model, {"input" if "raspp" in name else "x": image(64, batch=BATCH)})

    return build


def _diffusion(name: str, inputs: Callable[[], Mapping[str, Any]], **terms: Any) -> Build:
    """Return what builds a model of `diffusers`."""

    def build() -> Program:
        return Program(getattr(import_module("diffusers"), name)(**terms).eval(), inputs())

    return build


def _own(make: Callable[[], nn.Module], inputs: Callable[[], Mapping[str, Any]]) -> Build:
    """Return what builds any other model."""
    return lambda: Program(make(), inputs())


def _masked_text() -> Mapping[str, Any]:
    mask = torch.ones(BATCH, LENGTH, dtype=torch.long)
    mask[1, -3:] = 0
    return {"input_ids": words(), "attention_mask": mask}


def _sound_and_text() -> Mapping[str, Any]:
    return {"input_features": torch.randn(1, 8, 32), "decoder_input_ids": words(5)[:1]}


def _vision_transformer() -> nn.Module:
    made: nn.Module = import_module("torchvision.models").VisionTransformer(
        32, 8, 2, 4, 32, 48, num_classes=10
    )
    return made.eval()


def _swin() -> nn.Module:
    made: nn.Module = import_module("torchvision.models").SwinTransformer(
        [4, 4], 16, [1, 1], [2, 4], [4, 4], num_classes=10
    )
    return made.eval()


def _two_texts() -> Mapping[str, Any]:
    return {"input_ids": words(), "decoder_input_ids": words(5)}


_ENDS: Terms = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_LAYERS: Terms = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_SMALL: Terms = {**_LAYERS, "vocab_size": WORDS, "max_position_embeddings": 64, **_ENDS}
_GROUPED: Terms = {**_SMALL, "num_key_value_heads": 2}
_EXPERTS: Terms = {"num_local_experts": 4, "num_experts_per_tok": 2}
_STATES: Terms = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, **_ENDS}
_T5: Terms = {"vocab_size": WORDS, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
_BOTH: Terms = {
    "d_model": 32,
    **{
        f"{side}_{what}": count
        for side in ("encoder", "decoder")
        for what, count in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 48))
    },
}
_WHISPER: Terms = {
    "vocab_size": WORDS,
    "num_mel_bins": 8,
    "max_source_positions": 16,
    "max_target_positions": 16,
    **_ENDS,
}
_GPT2: Terms = {**_ENDS, "vocab_size": WORDS, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4}


class _Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Transformer(16, 4, 1, 1, 32, dropout=0.0, batch_first=True)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        made: Tensor = self.inner(source, target, tgt_mask=mask)
        return made


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, source: Tensor) -> Tensor:
        with torch.no_grad():
            made: Tensor = self.inner(source)
        return made


class _Graph(nn.Module):
    """A graph convolution and a graph attention, as sums over edges."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 4)
        self.score = nn.Linear(8, 1, bias=False)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        source, target = edges
        degree = torch.zeros(len(x)).index_add(0, target, torch.ones(len(source)))
        share = (degree[source] * degree[target]).clamp(min=1).rsqrt()
        sent = self.first(x)[source] * share[:, None]
        h = torch.zeros(len(x), 8).index_add(0, target, sent).relu()
        v = self.second(h)
        score = F.leaky_relu(self.score(torch.cat([v[source], v[target]], 1)).squeeze(1), 0.2)
        most = torch.full((len(x),), -torch.inf).scatter_reduce(0, target, score, "amax")
        weight = (score - most[target]).exp()
        total = torch.zeros(len(x)).scatter_add(0, target, weight)
        alpha = weight / total[target]
        made: Tensor = torch.zeros(len(x), 4).index_add(0, target, alpha[:, None] * v[source])
        return made


class _Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, 6)
        self.inner = nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.read = nn.Linear(10, 3)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            self.table(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        made, _ = self.inner(packed)
        padded, _ = nn.utils.rnn.pad_packed_sequence(made, batch_first=True)
        read: Tensor = self.read(padded)
        return read


def _dilated() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(3, 8, 3, dilation=2, padding=2),
        nn.GroupNorm(2, 8),
        nn.SiLU(),
        nn.ConvTranspose1d(8, 4, 4, stride=2),
        nn.AdaptiveAvgPool1d(5),
        nn.Flatten(),
        nn.Linear(20, 2),
    )


class _Field(nn.Module):
    """A radiance field: positions by their waves, densities summed along rays."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(15, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, rays: Tensor) -> Tensor:
        bands = 2.0 ** torch.arange(2)
        waves = (rays[..., None] * bands).flatten(-2)
        made = self.inner(torch.cat([rays, waves.sin(), waves.cos()], -1))
        density, colour = made[..., 0].relu(), made[..., 1:].sigmoid()
        alpha = 1 - torch.exp(-density * 0.1)
        clear = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha + 1e-10], 1), 1)[:, :-1]
        seen: Tensor = ((alpha * clear)[..., None] * colour).sum(1)
        return seen


class _Flexible(nn.Module):
    def forward(self, q: Tensor) -> Tensor:
        from torch.nn.attention.flex_attention import flex_attention

        made: Tensor = flex_attention(q, q, q, score_mod=lambda score, _b, _h, i, j: score + (i - j))
        return made


_WIDE: Terms = {
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
}
_IMAGE: Terms = {**_LAYERS, "image_size": 32, "patch_size": 8}
_BLOCKS: Terms = {
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 16,
}
_PICTURES: Terms = {"in_channels": 3, "out_channels": 3}
_LATENT: Terms = {
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "moe_intermediate_size": 16,
    "first_k_dense_replace": 1,
}
_SPEECH: Terms = {
    **_LAYERS,
    "vocab_size": WORDS,
    "conv_dim": (16, 16),
    "conv_kernel": (8, 4),
    "conv_stride": (4, 2),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "num_feat_extract_layers": 2,
}
_EAGER: Terms = {"attn_implementation": "eager"}

PROGRAMS: dict[str, Build] = {
    "GPT-2": _language("GPT2LMHeadModel", **_GPT2),
    "GPT-2 eager": _language("GPT2LMHeadModel", **_GPT2, **_EAGER),
    "Llama": _language("LlamaForCausalLM", **_GROUPED),
    "Llama eager": _language("LlamaForCausalLM", **_GROUPED, **_EAGER),
    "Qwen3": _language("Qwen3ForCausalLM", **_GROUPED, head_dim=8),
    "Gemma3": _language("Gemma3ForCausalLM", **_GROUPED, head_dim=8, sliding_window=4),
    "Mixtral": _language("MixtralForCausalLM", **_GROUPED, **_EXPERTS),
    "DeepSeek-V3": _language("DeepseekV3ForCausalLM", **_SMALL, num_key_value_heads=4, **_LATENT),
    "gpt-oss": _language("GptOssForCausalLM", **_GROUPED, **_EXPERTS, head_dim=8, **_EAGER),
    "T5": _model("T5ForConditionalGeneration", _two_texts, **_T5),
    "BERT": _model("BertForMaskedLM", _masked_text, **_SMALL),
    "ViT": _model("ViTForImageClassification", lambda: {"pixel_values": image(32)}, **_IMAGE),
    "Whisper": _model("WhisperForConditionalGeneration", _sound_and_text, **_BOTH, **_WHISPER),
    "CLIP": _model(
        "CLIPModel",
        lambda: {**_masked_text(), "pixel_values": image(32, batch=BATCH)},
        text_config=_SMALL,
        vision_config=_IMAGE,
        projection_dim=16,
    ),
    "Mamba": _language("MambaForCausalLM", **_STATES, state_size=4),
    "Mamba-2": _language(
        "Mamba2ForCausalLM", **_STATES, state_size=4, num_heads=4, head_dim=16, n_groups=1, chunk_size=8
    ),
    "ResNet-18": _vision("resnet18"),
    "ViT (torchvision)": _own(_vision_transformer, lambda: {"x": image(32)}),
    "Swin": _own(_swin, lambda: {"x": image(32)}),
    "nn.Transformer": _own(
        _Transformer, lambda: {"source": torch.randn(2, 6, 16), "target": torch.randn(2, 5, 16)}
    ),
    "nn.TransformerEncoder": _own(lambda: _Encoder().eval(), lambda: {"source": torch.randn(2, 6, 16)}),
    "nn.LSTM": _own(lambda: nn.LSTM(6, 5, batch_first=True), lambda: {"input": torch.randn(2, 7, 6)}),
    "GPT-2 mid": _language("GPT2LMHeadModel", 64, **{**_GPT2, "n_embd": 512, "n_layer": 4, "n_head": 8}),
    "Llama mid": _language("LlamaForCausalLM", 64, **{**_GROUPED, **_WIDE}),
    "Qwen2": _language("Qwen2ForCausalLM", **_GROUPED),
    "Gemma2": _language("Gemma2ForCausalLM", **_GROUPED, head_dim=8, sliding_window=4, **_EAGER),
    "Phi": _language("PhiForCausalLM", **_SMALL),
    "OLMoE": _language("OlmoeForCausalLM", **_GROUPED, num_experts=4, num_experts_per_tok=2),
    "FalconMamba": _language("FalconMambaForCausalLM", **_STATES, state_size=4),
    "BART": _model(
        "BartForConditionalGeneration", _two_texts, **_BOTH, vocab_size=WORDS, max_position_embeddings=64
    ),
    "DINOv2": _model("Dinov2Model", lambda: {"pixel_values": image(48)}, **_IMAGE),
    "Wav2Vec2": _model("Wav2Vec2ForCTC", lambda: {"input_values": torch.randn(1, 400)}, **_SPEECH),
    "UNet2D": _diffusion(
        "UNet2DModel",
        lambda: {"sample": image(16), "timestep": 3},
        **_BLOCKS,
        **_PICTURES,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ),
    "UNet2DCondition": _diffusion(
        "UNet2DConditionModel",
        lambda: {"sample": image(16), "timestep": 3, "encoder_hidden_states": torch.randn(1, 5, 16)},
        **_BLOCKS,
        **_PICTURES,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
    ),
    "AutoencoderKL": _diffusion(
        "AutoencoderKL",
        lambda: {"sample": image(16)},
        **_BLOCKS,
        **_PICTURES,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
    ),
    "ResNet-50": _vision("resnet50"),
    "ResNet-18 in training": _vision("resnet18", train=True),
    "ConvNeXt": _vision("convnext_tiny"),
    "MobileNet-V3": _vision("mobilenet_v3_small"),
    "LR-ASPP": _vision("lraspp_mobilenet_v3_large", weights_backbone=None),
    "GCN and GAT": _own(_Graph, lambda: {"x": torch.randn(5, 6), "edges": torch.randint(0, 5, (2, 9))}),
    "packed LSTM": _own(_Packed, lambda: {"tokens": words(7), "lengths": torch.tensor([4, 7])}),
    "GRU": _own(
        lambda: nn.GRU(6, 5, num_layers=2, batch_first=True), lambda: {"input": torch.randn(2, 7, 6)}
    ),
    "dilated convolutions": _own(_dilated, lambda: {"input": torch.randn(2, 3, 16)}),
    "radiance field": _own(_Field, lambda: {"rays": torch.randn(4, 6, 3)}),
    "flex_attention": _own(_Flexible, lambda: {"q": torch.randn(1, 2, 8, 16)}),
}
