"""What a family of video models is: how it is recognised, what it can do, and how its parts are called.

A family is one file with a subclass of `Family`; those of `vidflow.models.families` are found by themselves, and a pack
may define one beside its nodes. Everything but the three methods that are given loaded parts works without torch, as a
graph is checked by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any, ClassVar, Literal

from vidflow.models.checkpoint import GGUF, Checkpoint

Mode = Literal["text", "image", "video"]
"""What a video is made from."""
MODE_WORDS: Mapping[Mode, str] = {"text": "a prompt alone", "image": "an image", "video": "a video"}
START_WORDS: Mapping[str, str] = {"image": "an image", "video": "a video", "latents": "latents"}
"""What a sampler starts from, by its inputs."""
_EMPTY = "Leave it empty."
FLOW = {
    "euler": "FlowMatchEulerDiscreteScheduler",
    "unipc": "UniPCMultistepScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
}
"""Schedulers that follow a flow, by their usual names."""


@dataclass(frozen=True, slots=True)
class Attention:
    """A way to compute attention: what diffusers calls it, and the package that it comes in beside torch."""

    backend: str
    package: str = ""


ATTENTION: Mapping[str, Attention] = {
    "flash": Attention("flash", "flash_attn"),
    "flash_3": Attention("_flash_3", "flash_attn_interface"),
    "sage": Attention("sage", "sageattention"),
    "xformers": Attention("xformers", "xformers"),
    "cudnn": Attention("_native_cudnn"),
    "efficient": Attention("_native_efficient"),
    "math": Attention("_native_math"),
}
"""Ways to compute attention, by their usual names."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a checkpoint makes where nothing else is asked for, and what it can be asked for."""

    size: tuple[int, int]
    frames: int
    steps: int
    guidance: float
    rate: Fraction
    every: int
    multiple: int


@dataclass(frozen=True, slots=True)
class Request:
    """What a sampler is asked for. None is the family's own; `image`, `video`, `latents` and `conditioning` tell what
    is linked. Latents have a size and a number of frames, and what is asked for is that."""

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    steps: int | None = None
    guidance: float | None = None
    scheduler: str | None = None
    strength: float | None = None
    image: bool = False
    video: bool = False
    latents: bool = False
    conditioning: bool = True
    attention: str | None = None
    cache: str | None = None
    cache_threshold: float | None = None
    compiled: bool = False
    extra: Mapping[str, float] = field(default_factory=dict[str, float])
    """Settings that only some families use, where they are given."""

    @property
    def mode(self) -> Mode:
        """What the video is made from."""
        return "video" if self.video or self.latents else "image" if self.image else "text"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What keeps a request from running: the input it is about, one sentence, and what to do."""

    input: str
    message: str
    hint: str = ""


class Family:
    """One family of models. The class attributes are its rules; each may be overridden by a method where it depends on
    the checkpoint."""

    name: ClassVar[str]
    title: ClassVar[str]
    pipelines: ClassVar[Mapping[Mode, str]]
    """The diffusers pipeline for each mode."""
    saved_as: ClassVar[frozenset[str]] = frozenset()
    """Further pipelines that save checkpoints of this family."""
    rate: ClassVar[Fraction]
    """Frames per second of what it makes."""
    size: ClassVar[tuple[int, int]]
    frames: ClassVar[int]
    steps: ClassVar[int]
    guidance: ClassVar[float]
    strength: ClassVar[float] = 0.8
    every: ClassVar[int] = 1
    """Frame counts are a multiple of this, and one more where `every` is over 1."""
    multiple: ClassVar[int] = 16
    """Width and height are multiples of this."""
    schedulers: ClassVar[Mapping[str, str]] = {}
    flow: ClassVar[bool] = False
    """Whether it was trained to follow a flow, which the schedulers of more than one kind have to be told."""
    extra: ClassVar[Mapping[str, float]] = {}
    """Settings that only this family uses, with their defaults."""
    caches: ClassVar[tuple[str, ...]] = ()
    """What a step may take from earlier ones: `first_block` (FirstBlockCache), `pyramid` (PyramidAttentionBroadcast),
    `faster` (FasterCache)."""
    attends: ClassVar[tuple[str, ...]] = ()
    """How attention can be computed, of `ATTENTION`; not all take the masks that some transformers give."""
    compiles: ClassVar[bool] = False
    """Whether its blocks can be compiled."""
    chunks: ClassVar[bool] = False
    """Whether its denoiser can work on a part of the frames at a time."""
    adapts: ClassVar[bool] = False
    """Whether a checkpoint may need an adapter beside it."""
    loras: ClassVar[bool] = True
    """Whether its pipelines take LoRAs."""
    single: ClassVar[bool] = False
    """Whether a denoiser can come in a file of its own, also as GGUF."""
    layout: ClassVar[str] = "BCFHW"
    """The axes of its latents in the denoiser."""
    chunk: ClassVar[int | None] = None
    """How many frames are decoded at once, where that can be chosen."""
    prompted: ClassVar[bool] = True
    """Whether it takes a prompt."""
    denoisers: ClassVar[tuple[str, ...]] = ("transformer",)
    encoders: ClassVar[tuple[str, ...]] = ("tokenizer", "text_encoder")
    """The parts that encode a prompt."""

    # Rules, without torch

    def recognises(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint is of this family."""
        return checkpoint.pipeline in self.saved_as or checkpoint.pipeline in self.pipelines.values()

    def modes(self, checkpoint: Checkpoint) -> tuple[Mode, ...]:
        """What this checkpoint can make a video from."""
        return tuple(self.pipelines)

    def rules(self, checkpoint: Checkpoint) -> Rules:
        """The rules of this checkpoint: the usual ones, but where it has values of its own."""
        usual = self.usual(checkpoint)
        own: Mapping[str, Any] = checkpoint.own
        return replace(
            usual,
            size=(own.get("width", usual.size[0]), own.get("height", usual.size[1])),
            frames=own.get("frames", usual.frames),
            steps=own.get("steps", usual.steps),
            guidance=float(own.get("guidance", usual.guidance)),
            rate=Fraction(own.get("rate", usual.rate)),
        )

    def usual(self, checkpoint: Checkpoint) -> Rules:
        """The rules of checkpoints of this kind."""
        return Rules(self.size, self.frames, self.steps, self.guidance, self.rate, self.every, self.multiple)

    def incomplete(self, checkpoint: Checkpoint, settings: Mapping[str, Any]) -> Wrong | None:
        """What the checkpoint lacks to be loaded with the settings of a `Model`."""
        for names in (self.denoisers, ("vae",)) if self.pipelines else ():
            if not any(name in checkpoint.components for name in names):
                said = f"{checkpoint.folder} has no {' or '.join(names)}; it was fetched in half."
                return Wrong("model", said, "Fetch it again.")
        return None

    def adapted(self, checkpoint: Checkpoint, adapter: str) -> Checkpoint:
        """What a checkpoint is with the adapter in a folder; empty for none."""
        return checkpoint

    def unfit(self, checkpoint: Checkpoint, files: Sequence[str]) -> Iterator[Wrong]:
        """What keeps files of weights from taking the place of its denoisers' own."""
        if files and not self.single:
            yield Wrong("denoiser", f"{self.title} takes no denoiser from a file.", "Leave it empty.")
        elif len(files) > len(self.denoisers):
            yield Wrong("denoiser", f"There are {len(files)} files for {len(self.denoisers)} of them.", "Give fewer.")
        for path in files:
            suffix = PurePath(path).suffix
            if suffix not in (".safetensors", GGUF):
                hint = "Other formats can run code and are not opened."
                yield Wrong("denoiser", f"{path} is neither a safetensors nor a GGUF file.", hint)
            elif suffix == GGUF and find_spec("gguf") is None:
                yield Wrong("denoiser", f"{path} needs the Python package gguf.", "pip install 'vidflow[models]'")

    def heeds_negative(self, checkpoint: Checkpoint, request: Request) -> bool:
        """Whether a negative prompt counts; it does where guidance is on (Ho and Salimans 2022)."""
        return self.prompted and (self.completed(checkpoint, request).guidance or 0) > 1

    def taken(self, checkpoint: Checkpoint, frames: int) -> int:
        """How many of a video's `frames` it starts from: the most that its rule allows."""
        every = self.rules(checkpoint).every
        return (frames - 1) // every * every + 1 if every > 1 else frames

    def completed(self, checkpoint: Checkpoint, request: Request) -> Request:
        """The request with the family's own values where it has none."""
        own = self.rules(checkpoint)
        width, height = own.size
        return replace(
            request,
            width=request.width or width,
            height=request.height or height,
            frames=request.frames or own.frames,
            steps=request.steps or own.steps,
            guidance=own.guidance if request.guidance is None else request.guidance,
            strength=self.strength if request.strength is None else request.strength,
            extra={**self.extra, **{name: value for name, value in request.extra.items() if name in self.extra}},
        )

    def wrong(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """What keeps `request` from running."""
        modes = self.modes(checkpoint)
        if not modes:
            yield Wrong("model", f"{self.title} makes no video.", "Choose a video model.")
            return
        own = self.rules(checkpoint)
        starts = {"image": request.image, "video": request.video, "latents": request.latents}
        linked = [name for name, given in starts.items() if given]
        if len(linked) > 1:
            words = " and ".join(START_WORDS[name] for name in linked)
            yield Wrong(linked[-1], f"There is {words}; a sampler starts from one of them.", "Take the others away.")
        elif request.mode not in modes:
            can = " or ".join(MODE_WORDS[mode] for mode in modes)
            where = linked[0] if linked else "image"
            given = START_WORDS[where] if linked else MODE_WORDS["text"]
            yield Wrong(
                where,
                f"This {self.title} checkpoint makes a video from {can}, not from {given}.",
                f"Link {can}, or choose another model."
                if request.mode == "text"
                else "Take it away, or choose another model.",
            )
        if self.prompted and not request.conditioning:
            yield Wrong("conditioning", f"{self.title} needs a prompt.", "Link encode_text to conditioning.")
        if not self.prompted and request.conditioning:
            yield Wrong("conditioning", f"{self.title} takes no prompt, only an image.", "Take the link away.")
        done = self.completed(checkpoint, request)
        if done.frames and own.every > 1 and request.mode != "video" and (done.frames - 1) % own.every:
            low = (done.frames - 1) // own.every * own.every + 1
            yield Wrong(
                "frames",
                f"{self.title} makes {own.every} k + 1 frames, not {done.frames}.",
                f"Set it to {low} or {low + own.every}.",
            )
        for name, given in (("width", done.width), ("height", done.height)):
            if given and given % own.multiple:
                low = max(own.multiple, given // own.multiple * own.multiple)
                near = f"{low} or {low + own.multiple}" if low < given else f"{low}"
                yield Wrong(
                    name, f"{self.title} needs a {name} that {own.multiple} divides, not {given}.", f"Set it to {near}."
                )
        if request.mode == "video" and int((done.steps or 0) * (done.strength or 0)) < 1:
            yield Wrong(
                "strength",
                f"A strength of {done.strength:g} leaves none of the {done.steps} steps.",
                f"Set it to at least {1 / (done.steps or 1):.2g}.",
            )
        package = ATTENTION[request.attention].package if request.attention in self.attends else ""
        if package and find_spec(package) is None:
            yield Wrong(
                "attention",
                f"Attention {request.attention!r} needs the Python package {package}, which is not installed.",
                "Install it, or leave attention empty.",
            )
        for name, asked, offered in (
            ("attention", request.attention, self.attends),
            ("cache", request.cache, self.caches),
        ):
            if asked and offered and asked not in offered:
                yield Wrong(
                    name, f"{self.title} has no {name} {asked!r}.", f"It has {', '.join(offered)}; empty is without."
                )
        if request.scheduler and request.scheduler not in self.schedulers:
            yield Wrong(
                "scheduler",
                f"{self.title} has no scheduler {request.scheduler!r}.",
                f"Its schedulers are {', '.join(self.schedulers)}; empty is the checkpoint's own.",
            )

    def unused(self, checkpoint: Checkpoint, request: Request) -> Iterator[Wrong]:
        """Settings that are given and mean nothing here."""
        for name in request.extra:
            if name not in self.extra:
                yield self.without(name)
        if request.strength is not None and request.mode != "video":
            if "video" in self.modes(checkpoint):
                yield Wrong("strength", "A strength counts only where a video or latents are the start.", _EMPTY)
            else:
                yield self.without("strength")
        if request.latents and not (request.image or request.video):
            for name, given in (("width", request.width), ("height", request.height), ("frames", request.frames)):
                if given is not None:
                    yield Wrong(name, f"The latents decide the {name}.", _EMPTY)
        elif request.video and request.frames is not None:
            yield Wrong("frames", "The video decides the frames.", "Leave it empty, or trim the video.")
        if request.attention and not self.attends:
            yield self.without("attention")
        if request.cache and not self.caches:
            yield self.without("cache")
        if request.cache_threshold is not None and request.cache != "first_block":
            if "first_block" in self.caches:
                said = "A cache_threshold counts only with the cache first_block."
                yield Wrong("cache_threshold", said, "Set that, or leave it empty.")
            else:
                yield self.without("cache_threshold")
        if request.compiled and not self.compiles:
            yield self.without("compiled")

    def without(self, name: str) -> Wrong:
        """A setting that the family has no use for."""
        return Wrong(name, f"{self.title} does not use {name}.", _EMPTY)

    def needed(self, request: Request) -> tuple[str, ...]:
        """The parts that sampling needs. The VAE is among them for its proportions, and for what the video starts
        from."""
        start = ("image_encoder", "image_processor", "feature_extractor") if request.mode != "text" else ()
        return (*self.denoisers, "scheduler", "vae", *start)

    # With loaded parts

    def encode(self, pipe: Any, text: str, negative: str, device: Any) -> dict[str, Any]:
        """What the text encoder gives for a prompt, named as the pipeline's arguments."""
        raise NotImplementedError

    def arguments(self, request: Request, frames: list[Any]) -> dict[str, Any]:
        """The pipeline's arguments beside steps, seed and embeddings; `frames` are the pictures it starts from, uint8
        `[height, width, 3]`, of the size that is asked for."""
        given: dict[str, Any] = {"height": request.height, "width": request.width, "guidance_scale": request.guidance}
        if request.latents:
            return given | {"strength": request.strength}
        if request.video:
            return given | {"video": frames, "strength": request.strength}
        if request.mode == "image":
            given["image"] = frames[0]
        return given | {"num_frames": request.frames}

    def described(self, pipe: Any, request: Request) -> dict[str, Any]:
        """What decoding has to know of the latents beside their size; plain values."""
        return {}

    def ready(self, vae: Any, latents: Any, meta: Mapping[str, Any]) -> Any:
        """What the pipeline gave as latents, as the VAE takes them: `[1, channels, frames, rows, columns]`."""
        raise NotImplementedError

    def runs(self, vae: Any, latents: Any, chunk: int) -> Iterator[Any]:
        """Frames `[1, 3, n, height, width]` in -1..1 of latents made ready, run by run in order where the VAE allows
        that; `chunk` is how many at once where that can be chosen. Nothing of a run's state lies in the VAE, which
        others may use in between."""
        yield vae.decode(latents, return_dict=False)[0]

    def encode_video(self, vae: Any, video: Any) -> Any:
        """Latents that `ready` takes, of frames `[1, 3, n, height, width]` in -1..1: the mode of what the VAE gives,
        as the pipeline scales it."""
        raise NotImplementedError

    def noise(self, pipe: Any, latents: Any, generator: Any) -> Any:
        """The noise that the pipeline that starts from a video lays over its latents, of the dtype in which it does;
        what it draws before is drawn here too. For families that start from a video."""
        raise NotImplementedError

    def by_frame(self, latents: Any, grid: tuple[int, int, int]) -> Any:
        """Latents as `[frames, channels, rows, columns]`, of what a step or the pipeline gives; `grid` are their
        frames, rows and columns."""
        return latents[0].transpose(0, 1)

    def prepared(self, name: str, part: Any, settings: Mapping[str, Any]) -> Any:
        """A part just loaded, as the pipelines take it; nobody else holds it yet. `settings` are the model's."""
        return part
