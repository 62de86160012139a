"""Playing, with a real clock and real clips; how exactly it keeps time is measured by benchmarks/playing.py."""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.engine.conftest import graph
from tests.gui.stage import Stage, clip, counting
from vidflow.gui.viewer.cache import FrameCache
from vidflow.gui.viewer.newest import Job, Newest
from vidflow.gui.viewer.sound import stereo16
from vidflow.gui.viewer.timecode import rate_text, timecode


def test_a_clip_plays_in_its_own_time_in_order_and_stops_at_its_end(stage: Stage, tmp_path: Path) -> None:
    path = counting(tmp_path / "clip.mp4", frames=50, size="640x360")
    stage.put(graph(v=("load_video", {"path": str(path)})))
    stage.look("v")
    stage.until(lambda: stage.frames == [0])
    stage.player.set_loop(False)
    stage.frames.clear()
    began = time.perf_counter()
    QTest.keyClick(stage.timeline, Qt.Key.Key_Space)
    stage.until(lambda: not stage.player.playing)
    seconds = time.perf_counter() - began
    assert 1.9 < seconds < 2.5
    assert stage.player.position == 49
    assert stage.frames == sorted(stage.frames)
    assert stage.player.played > 25


def test_what_is_slower_than_its_rate_drops_frames_and_keeps_time(stage: Stage) -> None:
    slow = ("lab.tint", {"frame": "@v", "seconds": 0.2})
    stage.put(graph(v=("lab.bars", {"frames": 72, "rate": 24}), t=slow))
    stage.look("t")
    stage.until(lambda: stage.frames == [0])
    stage.timeline.hide()
    stage.player.set_loop(False)
    began = time.perf_counter()
    stage.player.play()
    stage.until(lambda: not stage.player.playing)
    assert 2.9 < time.perf_counter() - began < 4
    assert stage.player.dropped > 20


def test_it_loops_between_in_and_out_and_plays_backwards_and_faster(stage: Stage) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 200, "rate": 50})))
    stage.look("v")
    player = stage.player
    player.seek(40)
    player.mark_in()
    player.seek(59)
    player.mark_out()
    stage.frames.clear()
    player.play()
    stage.until(lambda: len(stage.frames) > 60)
    assert set(stage.frames) <= set(range(40, 60))
    assert any(one > other for one, other in zip(stage.frames, stage.frames[1:], strict=False))
    player.shuttle(-1)
    stage.frames.clear()
    stage.until(lambda: len(stage.frames) > 10)
    assert sum(one > other for one, other in zip(stage.frames, stage.frames[1:], strict=False)) > 5
    player.pause()
    player.mark_in()
    player.mark_out()
    player._mark(None, None)
    player.set_loop(False)
    player.seek(0)
    player.play(4)
    began = time.perf_counter()
    stage.until(lambda: not player.playing)
    assert 0.9 < time.perf_counter() - began < 1.5


def test_a_seek_while_it_plays_goes_on_from_there_and_an_edit_goes_on_with_the_new_content(stage: Stage) -> None:
    from vidflow.graph import SetInput

    stage.put(graph(v=("lab.bars", {"frames": 400}), t=("lab.tint", {"frame": "@v", "by": 1})))
    stage.look("t")
    stage.player.play()
    stage.until(lambda: stage.player.position > 3)
    stage.player.seek(300)
    stage.until(lambda: stage.player.position > 303, 5)
    key = stage.source.shown.key
    stage.session.do(SetInput("t", "by", 5))
    stage.until(lambda: stage.source.shown.key != key)
    stage.frames.clear()
    stage.until(lambda: len(stage.frames) > 3)
    assert stage.player.playing
    lab = sys.modules["vidflow_packs.lab"]
    index = stage.frames[-1]
    assert (stage.viewer.picture.frame == lab.picture(0, index, 64, 48) + np.uint8(5)).all()


def test_frames_of_a_dear_node_that_were_played_are_kept(stage: Stage, made: dict[str, int]) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 48, "rate": 48}), d=("lab.dream", {"frame": "@v"})))
    stage.look("d")
    stage.until(lambda: stage.frames == [0])
    stage.player.set_loop(False)
    stage.player.play()
    stage.until(lambda: not stage.player.playing)
    stage.runner.run()
    stage.until(lambda: not stage.runner.busy)
    assert made["dream"] <= 48 + 16


def test_a_broken_clip_plays_as_far_as_it_goes_with_a_message(stage: Stage, tmp_path: Path) -> None:
    whole = counting(tmp_path / "whole.mkv", frames=100, size="320x180")
    data = whole.read_bytes()
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(data[: len(data) * 6 // 10])
    stage.put(graph(v=("load_video", {"path": str(broken)})))
    stage.look("v")
    stage.until(lambda: stage.frames == [0] or not stage.viewer.wrong.isHidden())
    assert 40 < stage.player.frames < 80
    assert stage.viewer.message.text()
    stage.player.set_loop(False)
    stage.player.play()
    stage.until(lambda: not stage.player.playing)
    assert stage.player.position == stage.player.frames - 1


def test_a_file_that_is_no_clip_says_so(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"nothing like a film")
    stage.put(graph(v=("load_video", {"path": str(tmp_path / "no.mp4")})))
    stage.look("v")
    assert stage.source.shown.state == "failed"
    assert "no.mp4" in stage.viewer.wrong.text()


def test_frames_that_cannot_be_made_stop_playing_with_the_name_of_the_node(stage: Stage) -> None:
    stage.put(graph(v=("lab.bars", {"frames": 60}), f=("lab.fail_at", {"frame": "@v", "level": 70})))
    stage.look("f")
    stage.until(lambda: stage.frames == [0])
    stage.player.play()
    stage.until(lambda: not stage.player.playing)
    stage.until(lambda: stage.viewer.message.text())
    assert stage.viewer.message.text().startswith("f: ")
    assert "frame 10" in stage.viewer.message.text()


def test_a_clip_of_one_frame_is_shown_and_does_not_play(stage: Stage, tmp_path: Path) -> None:
    path = counting(tmp_path / "one.mp4", frames=1, size="320x180")
    stage.put(graph(v=("load_video", {"path": str(path)})))
    stage.look("v")
    stage.until(lambda: stage.frames == [0])
    stage.player.toggle()
    assert not stage.player.playing
    assert stage.player.position == 0


def test_a_clip_of_a_changing_rate_plays_to_its_end(stage: Stage, tmp_path: Path) -> None:
    path = clip(
        tmp_path / "vfr.mkv",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=2"),
        *("-vf", "select='not(mod(n,3))+gt(n,30)'", "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast"),
    )
    stage.put(graph(v=("load_video", {"path": str(path)})))
    stage.look("v")
    stage.until(lambda: stage.frames == [0])
    stage.player.set_loop(False)
    began = time.perf_counter()
    stage.player.play()
    stage.until(lambda: not stage.player.playing)
    assert stage.player.position == stage.player.frames - 1
    assert 1.7 < time.perf_counter() - began < 2.6


def test_a_clip_with_sound_plays_in_time_where_there_is_no_device(stage: Stage, tmp_path: Path) -> None:
    path = clip(
        tmp_path / "s.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-f", "lavfi", "-i", "sine=440:d=1"),
        *("-c:v", "libx264", "-c:a", "aac", "-pix_fmt", "yuv420p"),
    )
    stage.put(graph(v=("load_video", {"path": str(path)})))
    stage.look("v")
    stage.until(lambda: stage.frames == [0])
    stage.player.set_loop(False)
    heard: list[object] = []
    stage.player.sound.said.connect(heard.append)
    began = time.perf_counter()
    stage.player.play()
    stage.until(lambda: not stage.player.playing)
    assert 0.9 < time.perf_counter() - began < 1.6
    # Either a device played it or the viewer says that none did.
    assert heard == [] or stage.viewer.message.text().startswith("Silent")


def test_the_cache_keeps_to_its_room_and_lets_go_of_what_was_needed_least_recently() -> None:
    cache = FrameCache(room=1000)
    frames = [np.zeros((10, 10, 3), np.uint8) + np.uint8(k) for k in range(5)]
    for k in range(3):
        cache.put("a", k, frames[k])
    assert cache.get("a", 0) is frames[0]
    cache.put("a", 3, frames[3])
    assert cache.numbers("a") == {0, 2, 3}
    assert cache.size == 900
    cache.put("a", 3, frames[4])
    assert cache.size == 900
    cache.put("a", 9, np.zeros((40, 40, 3), np.uint8))
    assert cache.numbers("a") == {0, 2, 3}


def test_of_what_is_asked_of_a_thread_the_newest_is_done_and_the_overtaken_cancelled() -> None:
    import threading

    thread = Newest("test", patience=0.05)
    done: list[str] = []
    begun, stopped = threading.Event(), threading.Event()

    def long(job: Job) -> None:
        job.stopped_by(stopped.set)
        begun.set()
        if not stopped.wait(10):
            done.append("long")

    thread.ask(long)
    assert begun.wait(5)
    last = threading.Event()
    thread.ask(lambda _: done.append("overtaken"))
    thread.ask(lambda _: (done.append("newest"), last.set()))
    assert last.wait(5)
    assert done == ["newest"]
    thread.close()


def test_timecode_and_rates_are_written_as_people_write_them() -> None:
    assert timecode(0, Fraction(25)) == "00:00:00:00"
    assert timecode(25 * 3661 + 7, Fraction(25)) == "01:01:01:07"
    assert timecode(30, Fraction(30000, 1001)) == "00:00:01:00"
    assert [rate_text(Fraction(rate)) for rate in (25, "30000/1001", "23.976")] == ["25", "29.97", "23.976"]


def test_sound_of_any_layout_becomes_stereo() -> None:
    mono = np.array([[0.5], [-1.0]], np.float32)
    assert np.frombuffer(stereo16(mono), "<i2").tolist() == [16383, 16383, -32767, -32767]
    surround = np.zeros((1, 6), np.float32)
    surround[0, 2] = 1.0
    left, right = np.frombuffer(stereo16(surround), "<i2")
    assert left == right > 5000
