"""The recipe of the small video model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline
from torch import Tensor
from transformers import AutoTokenizer

from tests.training.descent import losses
from training.pocket import autoencoder, decoder, denoiser, encoder, examine, latents, looks, stock, text
from training.world import words
from training.world.recogniser import Recogniser, cuts
from training.world.render import FRAMES, clip
from training.world.words import Scene, drawn, held_out
from vidflow.models.checkpoint import read_checkpoint

SCENE = Scene("balloon", "red", "medium", "hills", "left", "pan right", "daylight", "picture book")
MEAN, SCALE = torch.linspace(-1, 1, autoencoder.LATENTS), torch.linspace(2, 1, autoencoder.LATENTS)


@pytest.fixture(scope="module")
def clips() -> Tensor:
    return autoencoder.as_clips(np.stack([clip(stock.scene(seed), seed) for seed in range(6)]))


@pytest.fixture(scope="module")
def shipped(clips: Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline without training, of latents with `MEAN` and `SCALE`."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pocket")
    autoencoder.begin(clips).save_pretrained(folder / "vae")
    vae = AutoencoderKLLTXVideo.from_pretrained(folder / "vae")
    words = encoder.network(len(text.tokenizer()))
    denoiser.ship(denoiser.network(autoencoder.LATENTS), words, vae, MEAN, SCALE, folder / "shipped")
    return folder / "shipped"


@torch.no_grad()
def test_the_autoencoder_begins_as_a_linear_one(clips: Tensor) -> None:
    net = autoencoder.begin(clips).eval()
    latent = net.encode(clips[:1]).latent_dist.mode()  # type: ignore[union-attr]
    assert latent.shape == (1, autoencoder.LATENTS, 5, 8, 14)
    made = decoder.decoded(net, latents.encoded(net, clips))
    error = ((made - clips) / 2).square().mean()
    spread = ((clips - clips.mean((0, 2, 3, 4), keepdim=True)) / 2).square().mean()
    assert -10 * error.log10() > 28, error
    assert error < 0.02 * spread


def test_edges_of_blocks_are_seen() -> None:
    smooth = torch.linspace(0, 1, 128).expand(1, 3, 1, 128, 128)
    smooth = smooth + smooth.transpose(-1, -2)
    assert abs(autoencoder.borders(smooth) - 1) < 0.01
    side = autoencoder.PIXELS_A_LATENT
    blocks = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)).repeat_interleave(side, 0)
    assert autoencoder.borders(smooth + 0.2 * blocks.repeat_interleave(side, 1)) > 2


def test_the_decoder_learns_and_latents_stay_near(clips: Tensor, tmp_path: Path) -> None:
    torch.manual_seed(0)
    some = clips[:2, :, :9, :64, :64]
    autoencoder.begin(clips).half().save_pretrained(tmp_path)
    net = decoder.ready(AutoencoderKLLTXVideo.from_pretrained(tmp_path, dtype=torch.float32)).train()
    stays = [weight for name, weight in net.encoder.named_parameters() if "resnets" not in name]
    assert not any(weight.requires_grad for weight in stays)
    before = latents.encoded(net, some).float()
    batch = decoder.Batch(before, some, redrawn=1)
    seen = losses(lambda: decoder.loss(net, batch), decoder.optimized(net, 3e-5), 12)
    assert seen[-1] < 0.97 * seen[0], seen
    assert 0 < float((latents.encoded(net, some) - before).square().mean().sqrt()) < 0.1
    used = net.decoder.conv_out.conv.weight.abs().amax((0, 2, 3, 4)) > 0
    assert [number for number, use in enumerate(used.tolist()) if not use] == [autoencoder.CONSTANT]


@torch.no_grad()
def test_latents_cost_more_the_further_they_are_from_what_is_known(clips: Tensor) -> None:
    net = decoder.ready(autoencoder.begin(clips))
    some = clips[:2, :, :9, :64, :64]
    known = latents.encoded(net, some).float()

    def cost(own: float, redrawn: float) -> float:
        moved = torch.tensor([own, redrawn])[:, None, None, None, None]
        return float(decoder.loss(net, decoder.Batch(known + moved, some, redrawn=1)))

    assert cost(1, 0) - cost(0, 0) == pytest.approx(decoder._NEAR, rel=0.02)
    # What is redrawn is told as it is.
    assert cost(0, 1) - cost(0, 0) > 2 * decoder._NEAR


def test_a_seam_costs_more_than_another_edge() -> None:
    def cost(column: int) -> float:
        made = torch.zeros(1, 3, 2, 64, 96)
        # The strip is as wide wherever it stands, so that only where its edges lie differs.
        made[..., column : column + 6] = 0.1
        return float(decoder.distance(made, torch.zeros_like(made)))

    assert cost(32) > 1.05 * cost(36)
    assert cost(36) == pytest.approx(cost(40))


def test_latents_are_drawn_again_as_the_sampler_draws(shipped: Path) -> None:
    pipe: Any = LTXPipeline.from_pretrained(shipped, dtype=torch.float32)
    found = torch.randn(1, autoencoder.LATENTS, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    mean, scale = (value[:, None, None, None] for value in (pipe.vae.latents_mean, pipe.vae.latents_std))
    clean = ((found - mean) / scale).flatten(2).transpose(1, 2)

    def off(left: int, wrong: float) -> Tensor:
        """Where the denoiser knows what is to come of it, but is wrong without a caption."""

        def knowing(hidden_states: Tensor, timestep: Tensor, **_: Any) -> tuple[Tensor]:
            velocity = (hidden_states - clean) / (timestep / 1000)[:, None, None]
            return (velocity - torch.tensor([wrong, 0.0])[:, None, None],)

        pipe.transformer.forward = knowing
        return (decoder.redrawn(pipe, found, ["a red ball"], left, 0) - found) / scale

    assert float(off(4, wrong=0).abs().max()) < 1e-4
    # What guidance adds in the last step stays.
    last = denoiser.shifted(np.array([1 / denoiser.STEPS]))
    assert torch.allclose(off(4, wrong=0.5), -0.5 * (denoiser.GUIDANCE - 1) * last, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
def test_the_more_steps_are_left_the_less_of_latents_stays(shipped: Path) -> None:
    pipe: Any = LTXPipeline.from_pretrained(shipped, dtype=torch.float32)
    clips = np.stack([clip(stock.scene(0), 0)] * (decoder._TOGETHER * 5))
    pairs = list(decoder.both(pipe, clips, 0))
    assert [len(some) for some, _ in pairs] == [decoder._TOGETHER] * 5
    far = [float((again.float() - some.float()).square().mean()) for some, again in pairs]
    assert far == sorted(far)
    assert far[-1] > 2 * far[0]


@torch.no_grad()
def test_one_sample_in_three_is_redrawn_and_lies_where_its_clip_does(clips: Tensor) -> None:
    vae = autoencoder.begin(clips).eval()
    shown = ((clips + 1) * 127.5).round().byte().permute(0, 2, 3, 4, 1).numpy()
    # Redrawn latents that tell of which clip, row and column they are.
    told = sum(places * scale for places, scale in zip(np.ogrid[:6, :8, :14], (256, 16, 1), strict=True))
    told = torch.from_numpy(told).half()[:, None, None].expand(6, autoencoder.LATENTS, 5, 8, 14)
    batches = decoder.Batches(vae, shown, told, 3, 0)
    for step in range(4):
        batch = batches(step)
        assert torch.equal(batch.latents, batches(step).latents)
        assert batch.redrawn == 3 // decoder._REDRAWN
        for k, (one, true) in enumerate(zip(batch.latents, batch.clips, strict=True)):
            if k >= 3 - batch.redrawn:
                number, place = divmod(int(one[0, 0, 0, 0]), 256)
                y, x = (at * autoencoder.PIXELS_A_LATENT for at in divmod(place, 16))
                there = clips[number, ..., y : y + true.shape[-2], x : x + true.shape[-1]]
                assert torch.allclose(true, there, atol=0.01)
            else:
                assert torch.allclose(one, latents.encoded(vae, true[None])[0].float(), atol=0.02)


def test_parts_of_clips_are_where_there_is_detail() -> None:
    frames = np.full((5, 128, 224, 3), 90, np.uint8)
    frames[:, 20:40, 180:200] = 255
    likely = decoder.chances(frames)
    assert likely.shape == (8 + 1 - decoder._SIDE, 14 + 1 - decoder._SIDE)
    assert likely.sum() == pytest.approx(1)
    side = decoder._SIDE
    rows, columns = np.nonzero(likely)
    assert (rows <= 2).all()
    assert (columns + side > 11).all()


def test_what_captions_are_made_of_is_a_piece_each(tmp_path: Path) -> None:
    tokenizer = text.tokenizer()

    def pieces(said: str) -> list[str]:
        return tokenizer.convert_ids_to_tokens(tokenizer(said).input_ids)

    assert " ".join(pieces("A red Ball, drifting to the left")) == "a red ball , drifting to the left </s>"
    assert pieces("空で左へ動く赤いボール") == ["空で", "左へ動く", "赤い", "ボール", "</s>"]
    assert "<unk>" in pieces("a zebra")
    spelled = text.tokenizer(spelled=True)
    assert spelled.convert_ids_to_tokens(spelled("赤い").input_ids) == ["赤", "い", "</s>"]
    assert spelled.get_vocab() == tokenizer.get_vocab()
    rng = np.random.default_rng(0)
    for _ in range(200):
        said = words.caption(drawn(rng), rng)
        for one in (tokenizer, spelled):
            found = one(said).input_ids
            assert tokenizer.unk_token_id not in found, said
        assert len(tokenizer(said).input_ids) <= text.LONGEST
    tokenizer.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path)("A red ball").input_ids == tokenizer("a red ball").input_ids


def test_a_mirrored_clip_is_one_of_the_mirrored_scene() -> None:
    other = latents.mirrored(SCENE)
    assert (other.motion, other.camera) == ("right", "pan left")
    assert latents.mirrored(other) == SCENE
    assert latents.mirrored(Scene(*["x"] * 8)) == Scene(*["x"] * 8)


def test_latents_are_made_once_and_none_of_what_is_held_out(
    clips: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = autoencoder.begin(clips).eval()
    found, scenes = latents.kept(net, tmp_path, 4)
    assert len(found) == len(scenes)
    assert 4 <= len(scenes) <= 8
    assert not any(held_out(scene) for scene in scenes)
    assert scenes[0] == stock.scene(0)
    latents.kept(net, tmp_path, 1, stock.HELD_OUT)
    assert torch.equal(torch.cat(list(latents.trained_on([tmp_path]))), found)
    monkeypatch.setattr(stock, "clips", lambda *_: pytest.fail("rendered again"))
    again, _ = latents.kept(net, tmp_path, 4)
    assert torch.equal(found, again)
    small, others = latents.kept(net, tmp_path, 4, small=True)
    assert others == scenes
    assert small.shape[-2:] == (found.shape[-2] // 2, found.shape[-1] // 2)
    # What all of a block have in common is as it is in the four blocks that are half as large each way.
    mean = torch.nn.functional.avg_pool3d(found[:, :1].float(), (1, 2, 2))
    assert torch.corrcoef(torch.stack((mean.flatten(), small[:, :1].float().flatten())))[0, 1] > 0.99


@pytest.mark.parametrize("unseen", [False, True])
def test_captions_are_read_with_what_they_mean(unseen: bool) -> None:
    one, again = (encoder.batch(np.random.default_rng(0), 40, unseen, unsaid=0) for _ in range(2))
    assert torch.equal(one.pieces, again.pieces)
    names = list(words.PARTS.values())
    scenes = [Scene(*(names[k][n] for k, n in enumerate(row))) for row in one.meant.tolist()]
    assert all(held_out(scene) is unseen for scene in scenes)
    # Others are spelled sign by sign.
    assert sum(_colour_said(*pair) for pair in zip(scenes, one.pieces, strict=True)) > 30


def _colour_said(scene: Scene, pieces: Tensor) -> bool:
    said = text.tokenizer().decode(pieces[pieces != 0])
    return any(word in said for word in words.COLOURS[scene.colour])


def test_parts_that_are_not_said_are_not_asked_for() -> None:
    one = encoder.batch(np.random.default_rng(0), 100)
    names = list(words.PARTS)
    silent = {part: one.meant[:, names.index(part)] == len(words.PARTS[part]) for part in words.OPEN}
    assert all(20 < int(unsaid.sum()) < 40 for unsaid in (silent["setting"], silent["motion"])), silent
    # With a motion colours are said less often.
    assert 0.2 < float((~silent["colour"][~silent["motion"]]).float().mean()) < 0.5
    assert 0.5 < float((~silent["colour"][silent["motion"]]).float().mean()) < 0.9
    colours = {word for pair in words.COLOURS.values() for word in pair}
    for row, pieces in zip(one.meant, one.pieces, strict=True):
        if row[names.index("colour")] == len(words.COLOURS):
            said = text.tokenizer().decode(pieces[pieces != 0])
            assert not any(f"{word} {subject}" in said for word in colours for subject, _ in words.SUBJECTS.values())


def test_captions_in_which_words_are_mixed_up_easily_are_read_often() -> None:
    names = list(words.PARTS.values())
    rows = encoder.batch(np.random.default_rng(0), 100, unsaid=0).meant.tolist()
    assert 40 < sum(words.against(Scene(*(names[k][n] for k, n in enumerate(row)))) for row in rows) < 65


def test_the_text_encoder_looks_near_at_first() -> None:
    net = encoder.network(9)
    blocks: Any = net.encoder.block
    bias = blocks[0].layer[0].SelfAttention.compute_bias(40, 40)[0].detach()
    for near, head in zip(encoder._NEAR, bias, strict=True):
        assert torch.equal(head, head.T)
        assert head[20, 20:23].tolist() == pytest.approx([0, -near, -2 * near])
        assert bool((head[0].diff() <= 0).all())
        assert float(head.min()) >= -encoder._FARTHEST


def test_a_few_steps_make_the_text_encoder_read_better_what_is_said() -> None:
    torch.manual_seed(0)
    net = encoder.Reader(len(text.tokenizer()))
    some = encoder.batch(np.random.default_rng(0), 32)
    seen = losses(lambda: encoder.loss(net, some), torch.optim.AdamW(net.parameters(), 2e-3), 8)
    assert seen[-1] < 0.9 * seen[0], seen
    # What follows a caption says nothing.
    before = encoder.loss(net, some)
    net.words.register_forward_hook(lambda _, given, found: (found[0] * (given[0] != 0)[..., None],))
    assert torch.equal(encoder.loss(net, some), before)


@pytest.fixture(scope="module")
def batches() -> denoiser.Batches:
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    captions = denoiser.Captions(encoder.network(len(text.tokenizer())), [drawn(rng) for _ in range(40)], 0)
    tokens = torch.randn(40, 6, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    return denoiser.Batches(tokens.half(), captions, 16, 0, torch.device("cpu"))


def test_a_batch_is_that_of_its_step(batches: denoiser.Batches) -> None:
    one, again, other = batches(1), batches(1), batches(7)
    assert all(torch.equal(*pair) for pair in zip(one, again, strict=True))
    assert not torch.equal(one.noise, other.noise)
    assert one.said.shape[:2] == one.mask.shape
    # Each caption ends; some say nothing.
    assert (one.mask.sum(1) > 0).all()
    lengths = torch.cat([batches(step).mask.sum(1) for step in range(20)])
    assert 0.03 < float((lengths == 1).float().mean()) < 0.2
    # In each sixteenth of what is likely there is one.
    even = torch.tensor([denoiser._even(float(time)) for time in one.times]).sort().values
    assert ((even / denoiser._even(denoiser._NEAR) * 16).int() == torch.arange(16)).all()


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> denoiser.Batches:
    """Of clips whose tokens tell where they are; at each moment one of six squares is coloured."""
    monkeypatch.setattr(denoiser, "_SIDE", 2)
    monkeypatch.setattr(denoiser, "_COLOURS", [3, 4])
    found = torch.full((40, 5, 3, 3, 4), 1e-3)
    found[:, 0] = torch.arange(3)[:, None, None] * 4 / 25
    side = autoencoder.PIXELS_A_LATENT
    found[:, 1], found[:, 2] = torch.arange(3)[:, None] * side, torch.arange(4) * side
    for moment, (row, column) in enumerate(((0, 3), (2, 0), (0, 0))):
        found[:, 3:, moment, row, column] = 10
    captions = denoiser.Captions(encoder.network(len(text.tokenizer())), [SCENE] * 40, 0)
    return denoiser.Batches(found, captions, 16, 0, torch.device("cpu"))


def test_tokens_are_taken_with_where_they_are(placed: denoiser.Batches) -> None:
    for batch, clips, tokens in ((placed(3), 4, 36), (placed(5), 16, 12), (placed(1), 16, 12), (placed(2), 48, 4)):
        assert batch.clean.shape == (clips, tokens, 5)
        assert torch.allclose(batch.clean[..., :3].transpose(1, 2), batch.places)
        assert all(len(torch.unique(places, dim=1).T) == tokens for places in batch.places)


def test_small_clips_are_whole_at_all_times_and_reach_as_far() -> None:
    captions = denoiser.Captions(encoder.network(len(text.tokenizer())), [SCENE] * 40, 0)
    small = denoiser.Batches(torch.zeros(40, 5, 3, 2, 2), captions, 16, 0, torch.device("cpu"), small=True)
    for step in (3, 5, 6):
        batch = small(step)
        assert batch.clean.shape == (16, 12, 5)
        assert torch.allclose(batch.places.amax(2), torch.tensor([2 * 4 / 25, 32, 32]))
        assert float(batch.times.min()) < denoiser._FAR < denoiser._NEAR < float(batch.times.max())


def test_parts_are_squares_through_all_the_time(placed: denoiser.Batches) -> None:
    places = placed(5).places
    assert {len(torch.unique(one[0])) for one in places} == {3}
    for way in (1, 2):
        assert {float(one[way].max() - one[way].min()) for one in places} == {autoencoder.PIXELS_A_LATENT}
    assert len({tuple(one[1:, 0].tolist()) for one in places}) > 3


def test_three_of_four_parts_follow_the_subject(placed: denoiser.Batches) -> None:
    def coloured(step: int, moments: int) -> torch.Tensor:
        return (placed(step).clean[..., 3].unflatten(1, (moments, -1)) > 1).any(2).float()

    assert all(coloured(step, 3).min() == 1 for step in (1, 7))
    assert all(coloured(step, 1).min() == 1 for step in (2, 4, 8, 10))
    assert 0 < np.mean([float(coloured(step, 3).mean()) for step in (5, 11, 17, 23)]) < 0.4


def test_two_of_three_of_those_are_of_one_moment(placed: denoiser.Batches) -> None:
    for step in (2, 4, 8, 10):
        moments = placed(step).places[:, 0]
        assert (moments == moments[:, :1]).all()
        assert len(torch.unique(moments)) == 3
    assert all(len(torch.unique(one)) == 3 for step in (1, 7) for one in placed(step).places[:, 0])


def test_noise_hides_where_things_are_only_where_all_is_seen(placed: denoiser.Batches) -> None:
    assert max(float(placed(step).times.max()) for step in (2, 4)) < denoiser._NEAR < float(placed(3).times.max())
    given = [float(placed(step).times.max(1).values.min()) for step in range(0, 120, 12)]
    assert float(placed(3).times.min()) > denoiser._FAR > min(given)


def test_a_first_frame_is_given_at_some_steps(placed: denoiser.Batches) -> None:
    assert [step for step in range(20) if placed(step).times.ndim == 2] == [0, 5, 12, 17]
    for given in (placed(12), placed(5)):
        assert torch.equal(given.times == 0, given.places[:, 0] == 0)


def test_captions_are_read_as_the_pipeline_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = encoder.network(len(text.tokenizer())).eval()
    for name in ("_SPELLED", "_STRANGE"):
        monkeypatch.setattr(text, name, 0)
    monkeypatch.setattr(denoiser, "_some_of", lambda *_: "a red ball")
    found, mask = denoiser.Captions(net, [SCENE], 0)(torch.tensor([0]), np.random.default_rng(0))
    padded = text.tokenizer()("a red ball", padding="max_length", max_length=text.LENGTH, return_tensors="pt")
    assert torch.equal(mask[0], padded.attention_mask[0, : mask.shape[1]].bool())
    read = net(padded.input_ids)[0][:, : mask.shape[1]]
    assert torch.allclose(found, read, atol=0.05)
    assert float(found.abs().max()) > 0.5


def test_a_first_frame_that_is_given_is_seen_as_it_is(batches: denoiser.Batches) -> None:
    torch.manual_seed(0)
    net = denoiser.network(6)
    batch = batches(12)
    first = batch.noise.clone()
    first[:, :4] += 1
    torch.nn.init.normal_(net.proj_out.weight, std=0.02)
    with torch.no_grad():
        plain = denoiser.loss(net, batch)
        assert torch.allclose(plain, denoiser.loss(net, batch._replace(noise=first)), atol=1e-5)
        assert not torch.allclose(plain, denoiser.loss(net, batch._replace(noise=batch.noise + 1)), atol=1e-3)


def test_a_few_steps_make_a_denoiser_better_on_what_it_sees(batches: denoiser.Batches) -> None:
    torch.manual_seed(0)
    net = denoiser.network(6)
    batch = batches(1)
    seen = losses(lambda: denoiser.loss(net, batch), denoiser.optimized(net, 1e-3), 5)
    assert seen[-1] < 0.95 * seen[0], seen


def test_what_is_shipped_is_a_pipeline_that_names_no_folder(shipped: Path) -> None:
    assert not any(str(shipped.parent) in path.read_text() for path in shipped.rglob("*.json"))
    pipe: Any = LTXPipeline.from_pretrained(shipped, dtype=torch.float32)
    assert torch.allclose(pipe.vae.latents_mean, MEAN, atol=1e-3)
    assert torch.allclose(pipe.vae.latents_std, SCALE, atol=2e-3)
    assert read_checkpoint(shipped).own["frames"] == FRAMES


def test_components_that_matter_more_are_larger_and_all_together_are_one() -> None:
    found = torch.randn(50, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    found = found * torch.tensor([4.0, 1.0, 0.25])[:, None, None, None] + 2
    own = denoiser.scaled(found, *denoiser.spread(found)).float().transpose(0, 1).flatten(1)
    assert own.mean(1).tolist() == pytest.approx([0, 0, 0], abs=0.02)
    assert float(own.square().mean()) == pytest.approx(1, abs=0.01)
    assert float(own[0].std() / own[1].std()) == pytest.approx(8, rel=0.1)


def test_what_is_examined_was_never_trained_on() -> None:
    scenes = examine.held_out(30)
    assert all(held_out(scene) for _, scene in scenes)
    assert sum(words.unseen_pair(scene) for _, scene in scenes) >= 10
    assert sum(words.against(scene) for _, scene in scenes) >= 10
    assert len({seed for seed, _ in scenes}) == 30
    assert examine.said(*scenes[0]) == examine.said(*scenes[0])


def test_the_nearest_of_what_was_trained_on_is_found() -> None:
    known = torch.randn(50, 6, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    far = looks.nearest(torch.stack([known[7] + 0.25, known[3]]).half(), known.half())
    assert far.tolist() == pytest.approx([0.25, 0], abs=2e-3)


def test_how_far_films_are_apart_is_told_in_shades() -> None:
    films = [np.full((2, 4, 4, 3), shade, np.uint8) for shade in (10, 200)]
    assert looks.apart(films, films[::-1]) == [190, 190]


def test_steadiness_is_that_of_score_quality() -> None:
    still = np.full((17, 32, 32, 3), 90, np.uint8)
    blinking = still.copy()
    blinking[8] = 200
    # Two of the 16 changes stand out from all others.
    assert looks.steadiness([still]) == 1
    assert looks.steadiness([still, blinking]) == pytest.approx(1 - 2 / 16 / 2)


def test_each_film_of_a_sheet_has_its_caption_below() -> None:
    films = [np.full((5, 64, 96, 3), shade, np.uint8) for shade in range(40, 47)]
    films[6][2, :, :, 0] = 255
    picture = np.asarray(looks.sheet(films, ["a ball"] * 6 + ["空で左へ動く赤いボール、カメラは固定、昼の光のように"]))
    rows = 2
    assert picture.shape[1] == looks.COLUMNS * 102 + 6
    below = picture.shape[0] // rows - 64
    assert (picture[6 : 6 + 64, 6 : 6 + 96] == 40).all()
    second = picture[6 + 64 + below :, 6 + 102 : 6 + 102 + 96]
    assert (second[20, :, 0] == 255).all()
    assert (second[64:-6] < 128).any()
    # A long caption stays below its own film.
    assert (picture[6 + 64 + below :, 2 * 102 + 3 :] > 250).all()


def test_the_subject_is_cut_out() -> None:
    found = cuts(clip(SCENE, 3))
    assert found.shape == (5, 48, 48, 3)
    red = (found[..., 0].astype(int) - found[..., 2]) > 60
    assert 0.2 < red.mean() < 0.8
    assert Recogniser()(torch.zeros(2, 3, 48, 48)).shape == (2, 12)
