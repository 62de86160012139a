"""Sound while a video plays: decoded on a thread, pushed to Qt's sink; without a device it is silent, and says so."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from vidflow.gui.words import tr

if TYPE_CHECKING:
    from vidflow.values import Audio

PUSH_EVERY = 20
"""Milliseconds."""
BUFFER = 0.25
"""Seconds that the device holds."""
BLOCK = 0.1
"""Seconds that are decoded at once."""


class Sound(QObject):
    """Plays one sound at a time, forwards at its own speed."""

    said = Signal(str)
    """Why there is none to be heard; once."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._told = False
        self._sink: Any = None
        self._device: Any = None
        self._feed: _Feed | None = None
        self._timer = QTimer(self, interval=PUSH_EVERY)
        self._timer.timeout.connect(self._push)

    def start(self, audio: Audio, at: float) -> None:
        """Play from `at` seconds on."""
        self.stop()
        sink = self._open(audio.info.rate)
        if sink is None:
            return
        self._sink = sink
        self._device = sink.start()
        self._feed = _Feed(audio, int(at * audio.info.rate))
        self._timer.start()
        self._push()

    def stop(self) -> None:
        """Be silent at once."""
        self._timer.stop()
        if self._feed is not None:
            self._feed.close()
        if self._sink is not None:
            self._sink.reset()
        self._sink = self._device = self._feed = None

    def _open(self, rate: int) -> Any:
        try:
            from PySide6.QtMultimedia import QAudioFormat, QAudioSink, QMediaDevices
        except ImportError:
            return self._silent(tr("Silent: Qt Multimedia cannot be loaded on this machine."))
        device = QMediaDevices.defaultAudioOutput()
        if device.isNull():
            return self._silent(tr("Silent: this machine has no sound device."))
        shape = QAudioFormat()
        shape.setSampleRate(rate)
        shape.setChannelCount(2)
        shape.setSampleFormat(QAudioFormat.SampleFormat.Int16)
        if not device.isFormatSupported(shape):
            return self._silent(tr("Silent: the sound device does not play {} Hz.").format(rate))
        sink = QAudioSink(device, shape, self)
        sink.setBufferSize(int(BUFFER * rate) * 4)
        return sink

    def _silent(self, why: str) -> None:
        if not self._told:
            self._told = True
            self.said.emit(why)

    def _push(self) -> None:
        if self._sink is None or self._feed is None:
            return
        while (room := self._sink.bytesFree()) >= 4:
            block = self._feed.take(room - room % 4)
            if not block:
                return
            self._device.write(block)


class _Feed:
    """16-bit stereo of a sound from some sample on, decoded on a thread a second ahead."""

    def __init__(self, audio: Audio, at: int) -> None:
        self._audio = audio
        self._at = at
        self._blocks: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._run, name="viewer-sound", daemon=True).start()

    def take(self, size: int) -> bytes:
        """At most `size` bytes; none where none are decoded yet."""
        with self._changed:
            if not self._blocks:
                return b""
            block = self._blocks.popleft()
            if len(block) > size:
                self._blocks.appendleft(block[size:])
                block = block[:size]
            self._changed.notify_all()
            return block

    def close(self) -> None:
        """Decode no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        info = self._audio.info
        length = max(1, int(BLOCK * info.rate))
        reader = self._audio.open()
        try:
            while self._at < info.samples:
                stop = min(info.samples, self._at + length)
                block = stereo16(reader.read(self._at, stop))
                self._at = stop
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or len(self._blocks) * BLOCK < 1)
                    if self._closed:
                        return
                    self._blocks.append(block)
        except Exception:  # noqa: BLE001 - sound that cannot be decoded is silence; the run says what is wrong with it
            return
        finally:
            reader.close()


def stereo16(samples: Any) -> bytes:
    """Samples `[n, channels]` as 16-bit stereo: one channel on both sides, some of the rest on the first two."""
    import numpy as np

    channels = samples.shape[1]
    if channels == 1:
        pair = np.repeat(samples, 2, axis=1)
    elif channels == 2:
        pair = samples
    else:
        pair = samples[:, :2] + samples[:, 2:].sum(axis=1, keepdims=True) * np.float32(0.5 / (channels - 2) ** 0.5)
    return (np.clip(pair, -1, 1) * 32767).astype("<i2").tobytes()
