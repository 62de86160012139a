"""Tiny checkpoints with random weights, one for each family, saved as diffusers saves real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = [
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁a",
    "▁cat",
    "▁walks",
    "▁slow",
    "▁pan",
    "▁left",
    "▁golden",
    "▁hour",
    "▁cinematic",
    "▁blurry",
    "▁text",
    "▁snow",
    "▁sea",
]


def t5_tokenizer() -> Any:
    """A tokenizer of whole words in T5's manner."""
    from transformers import T5Tokenizer

    return T5Tokenizer(vocab=[(word, -float(number)) for number, word in enumerate(WORDS)], extra_ids=0)


def t5(kind: str = "T5EncoderModel") -> Any:
    """A text encoder of two layers, 32 wide."""
    import transformers

    config = {"T5EncoderModel": transformers.T5Config, "UMT5EncoderModel": transformers.UMT5Config}[kind](
        vocab_size=len(WORDS), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu"
    )
    return getattr(transformers, kind)(config)


def ltx() -> Any:
    """LTX-Video: latents of 8 x 8 pixels and 1 frame in 2... as small as its classes allow."""
    import diffusers

    vae = diffusers.AutoencoderKLLTXVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False, False, False, False, False),
        upsample_residual=(False, False, False, False),
        upsample_factor=(1, 1, 1, 1),
        timestep_conditioning=False,
        patch_size=1,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=2,
        caption_channels=32,
    )
    return diffusers.LTXPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=vae,
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    )


def words(kind: str, longest: int = 77) -> Any:
    """A tokenizer of whole words, of a class that real checkpoints of that kind come with."""
    from transformers import CLIPTokenizer, PreTrainedTokenizerFast

    if kind == "clip":
        letters = sorted(set("".join(WORDS).replace("▁", "")))
        names = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
        return CLIPTokenizer(vocab={name: at for at, name in enumerate(names)}, merges=[], model_max_length=longest)
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    vocabulary = {word.replace("▁", "") or "<s>": at for at, word in enumerate(WORDS)}
    made = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", unk_token="<unk>")


def clip(width: int = 32) -> Any:
    """CLIP's text encoder, two layers."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=64,
            hidden_size=width,
            projection_dim=width,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


def vision(kind: str, width: int, size: int) -> Any:
    """CLIP's image encoder, two layers."""
    import transformers

    return getattr(transformers, kind)(
        transformers.CLIPVisionConfig(
            hidden_size=width,
            projection_dim=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=size,
            patch_size=size // 2,
        )
    )


def image_processor(size: int) -> Any:
    """What CLIP's image encoder sees of a picture."""
    from transformers import CLIPImageProcessor

    return CLIPImageProcessor(crop_size={"height": size, "width": size}, size={"shortest_edge": size})


def wan_vae(**others: Any) -> Any:
    """Wan's VAE, 4 x 8 x 8, with statistics that show whether they are used."""
    import diffusers

    depth = others.setdefault("z_dim", 16)
    return diffusers.AutoencoderKLWan(
        base_dim=3,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.01 * at for at in range(depth)],
        latents_std=[1 + 0.02 * at for at in range(depth)],
        **others,
    )


def wan_transformer(**others: Any) -> Any:
    """Wan's DiT, one layer."""
    import diffusers

    return diffusers.WanTransformer3DModel(
        **{"in_channels": 16, "out_channels": 16, "num_layers": 1, **others},
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        text_dim=32,
        freq_dim=32,
        ffn_dim=32,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
    )


def _wan(kind: str, **parts: Any) -> Any:
    import diffusers

    given: dict[str, Any] = {
        "transformer": parts.pop("transformer", None) or wan_transformer(),
        "vae": parts.pop("vae", None) or wan_vae(),
        "scheduler": diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        "text_encoder": t5("UMT5EncoderModel"),
        "tokenizer": t5_tokenizer(),
    }
    return getattr(diffusers, kind)(**given, **parts)


def wan() -> Any:
    """Wan 2.1."""
    return _wan("WanPipeline")


def wan_deep() -> Any:
    """Wan 2.1 with a layer to leave out."""
    return _wan("WanPipeline", transformer=wan_transformer(num_layers=2))


def wan_image() -> Any:
    """Wan 2.1 for an image."""
    return _wan(
        "WanImageToVideoPipeline",
        transformer=wan_transformer(in_channels=36, image_dim=8),
        image_encoder=vision("CLIPVisionModel", 8, 8),
        image_processor=image_processor(8),
    )


def wan_two() -> Any:
    """Wan 2.2 with two transformers."""
    return _wan("WanPipeline", transformer_2=wan_transformer(), boundary_ratio=0.875)


def wan_image_two() -> Any:
    """Wan 2.2 with two transformers, for an image."""
    return _wan(
        "WanImageToVideoPipeline",
        transformer=wan_transformer(in_channels=36),
        transformer_2=wan_transformer(in_channels=36),
        image_encoder=None,
        image_processor=None,
        boundary_ratio=0.9,
    )


def wan_5b() -> Any:
    """Wan 2.2 5B: a timestep for each frame, and a VAE that packs pixels in fours."""
    vae = wan_vae(z_dim=12, in_channels=12, out_channels=12, is_residual=True, patch_size=2, scale_factor_spatial=16)
    return _wan(
        "WanPipeline", transformer=wan_transformer(in_channels=12, out_channels=12), vae=vae, expand_timesteps=True
    )


def _cogvideox(image: bool, pairs: bool) -> Any:
    import diffusers

    transformer = diffusers.CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=8 if image else 4,
        out_channels=4,
        time_embed_dim=2,
        text_embed_dim=32,
        num_layers=2,
        sample_width=4,
        sample_height=4,
        sample_frames=9,
        patch_size=2,
        patch_size_t=2 if pairs else None,
        patch_bias=not pairs,
        temporal_compression_ratio=4,
        max_text_seq_length=226,
        use_rotary_positional_embeddings=pairs or image,
        ofs_embed_dim=2 if pairs and image else None,
    )
    vae = diffusers.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
        invert_scale_latents=pairs and image,
    )
    kind = diffusers.CogVideoXDPMScheduler if image else diffusers.CogVideoXDDIMScheduler
    pipeline = diffusers.CogVideoXImageToVideoPipeline if image else diffusers.CogVideoXPipeline
    return pipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5(),
        vae=vae,
        transformer=transformer,
        scheduler=kind(snr_shift_scale=1.0, prediction_type="v_prediction", timestep_spacing="trailing"),
    )


def cogvideox() -> Any:
    """CogVideoX."""
    return _cogvideox(image=False, pairs=False)


def cogvideox_image() -> Any:
    """CogVideoX for an image."""
    return _cogvideox(image=True, pairs=False)


def cogvideox_15() -> Any:
    """CogVideoX 1.5."""
    return _cogvideox(image=False, pairs=True)


def cogvideox_15_image() -> Any:
    """CogVideoX 1.5 for an image."""
    return _cogvideox(image=True, pairs=True)


def hunyuan() -> Any:
    """HunyuanVideo."""
    import diffusers
    from transformers import LlamaConfig, LlamaModel

    transformer = diffusers.HunyuanVideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=10,
        num_layers=2,
        num_single_layers=1,
        num_refiner_layers=1,
        patch_size=1,
        patch_size_t=1,
        guidance_embeds=True,
        text_embed_dim=16,
        pooled_projection_dim=8,
        rope_axes_dim=(2, 4, 4),
    )
    vae = diffusers.AutoencoderKLHunyuanVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        act_fn="silu",
        norm_num_groups=4,
        scaling_factor=0.476986,
        spatial_compression_ratio=8,
        temporal_compression_ratio=4,
        mid_block_add_attention=True,
    )
    text_encoder = LlamaModel(
        LlamaConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            intermediate_size=37,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            pad_token_id=0,
            max_position_embeddings=512,
        )
    )
    return diffusers.HunyuanVideoPipeline(
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder=text_encoder,
        text_encoder_2=clip(8),
        tokenizer=words("llama"),
        tokenizer_2=words("clip"),
    )


def mochi() -> Any:
    """Mochi."""
    import diffusers

    transformer = diffusers.MochiTransformer3DModel(
        patch_size=2,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        pooled_projection_dim=16,
        in_channels=12,
        out_channels=None,
        qk_norm="rms_norm",
        text_embed_dim=32,
        time_embed_dim=4,
        activation_fn="swiglu",
        max_sequence_length=16,
    )
    vae = diffusers.AutoencoderKLMochi(
        latent_channels=12,
        out_channels=3,
        encoder_block_out_channels=(32, 32, 32, 32),
        decoder_block_out_channels=(32, 32, 32, 32),
        layers_per_block=(1, 1, 1, 1, 1),
    )
    return diffusers.MochiPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
        vae=vae,
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    )


def svd() -> Any:
    """SVD, of 3 frames."""
    import diffusers

    unet = diffusers.UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=4,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=32,
        num_attention_heads=2,
        projection_class_embeddings_input_dim=24,
        addition_time_embed_dim=8,
        num_frames=3,
    )
    vae = diffusers.AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D",) * 2,
        latent_channels=4,
        layers_per_block=1,
        sample_size=16,
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        interpolation_type="linear",
        prediction_type="v_prediction",
        sigma_max=700.0,
        sigma_min=0.002,
        steps_offset=1,
        timestep_spacing="leading",
        timestep_type="continuous",
        use_karras_sigmas=True,
    )
    return diffusers.StableVideoDiffusionPipeline(
        vae=vae,
        image_encoder=vision("CLIPVisionModelWithProjection", 32, 224),
        unet=unet,
        scheduler=scheduler,
        feature_extractor=image_processor(224),
    )


def stable_diffusion() -> Any:
    """Stable Diffusion, which makes pictures."""
    import diffusers

    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        sample_size=4,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=2,
        attention_head_dim=4,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=2,
    )
    return diffusers.StableDiffusionPipeline(
        vae=vae,
        text_encoder=clip(),
        tokenizer=words("clip"),
        unet=unet,
        scheduler=diffusers.DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def motion_adapter() -> Any:
    """AnimateDiff's motion modules for it."""
    import diffusers

    return diffusers.MotionAdapter(
        block_out_channels=(8, 8),
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
        motion_max_seq_length=8,
    )


def animatediff() -> Any:
    """AnimateDiff, saved as a whole."""
    import diffusers

    parts = stable_diffusion().components
    kept = {name: parts[name] for name in ("vae", "text_encoder", "tokenizer", "unet", "scheduler")}
    return diffusers.AnimateDiffPipeline(**kept, motion_adapter=motion_adapter())


def sparsectrl() -> Any:
    """AnimateDiff with SparseCtrl."""
    import diffusers

    parts = stable_diffusion().components
    kept = {name: parts[name] for name in ("vae", "text_encoder", "tokenizer", "unet", "scheduler")}
    controlnet = diffusers.SparseControlNetModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        in_channels=4,
        conditioning_channels=4,
        down_block_types=("CrossAttnDownBlockMotion", "DownBlockMotion"),
        cross_attention_dim=32,
        conditioning_embedding_out_channels=(8, 8),
        norm_num_groups=1,
        use_simplified_condition_embedding=True,
        attention_head_dim=4,
    )
    return diffusers.AnimateDiffSparseControlNetPipeline(**kept, motion_adapter=motion_adapter(), controlnet=controlnet)


MADE: dict[str, Callable[[], Any]] = {
    one.__name__: one
    for one in (
        ltx,
        wan,
        wan_deep,
        wan_image,
        wan_two,
        wan_image_two,
        wan_5b,
        cogvideox,
        cogvideox_image,
        cogvideox_15,
        cogvideox_15_image,
        hunyuan,
        mochi,
        svd,
        stable_diffusion,
        motion_adapter,
        animatediff,
        sparsectrl,
    )
}
"""What makes the pipeline (or the part) of each checkpoint."""


def build(name: str, folder: Path) -> Path:
    """The folder of a checkpoint, made there with seed 0."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = MADE[name]()
        # What starts as zero would hide the parts behind it.
        for part in getattr(made, "components", {"": made}).values():
            if isinstance(part, torch.nn.Module):
                for tensor in part.parameters():
                    if not tensor.any():
                        torch.nn.init.normal_(tensor, std=0.05)
    made.save_pretrained(folder, safe_serialization=True)
    return folder
