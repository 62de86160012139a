#!/usr/bin/env bash
# Set vidflow up in .venv and pass its gates: style, types, the order of the house, tests. Run it again at any time.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1

python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || {
    echo "vidflow needs Python 3.11, 3.12 or 3.13 as python3; this is $(python3 --version 2>&1 || true)." >&2
    exit 1
}

# Package: the command that shows that it is there.
missing=()
for package in ffmpeg:ffprobe xvfb:Xvfb xdotool:xdotool; do
    command -v "${package#*:}" >/dev/null || missing+=("${package%:*}")
done
# What Qt loads, and a font for Japanese: libraries and files that no command shows.
for package in libegl1:libEGL.so.1 libgl1:libGL.so.1 libxkbcommon-x11-0:libxkbcommon-x11.so.0 libdbus-1-3:libdbus-1.so.3 \
    libfontconfig1:libfontconfig.so.1 libxcb-cursor0:libxcb-cursor.so.0 libxcb-icccm4:libxcb-icccm.so.4 \
    libxcb-image0:libxcb-image.so.0 libxcb-keysyms1:libxcb-keysyms.so.1 libxcb-render-util0:libxcb-render-util.so.0 \
    libxcb-util1:libxcb-util.so.1 libxcb-shape0:libxcb-shape.so.0 libxcb-xkb1:libxcb-xkb.so.1 libpulse0:libpulse.so.0; do
    ldconfig -p | grep -qF "${package#*:}" || missing+=("${package%:*}")
done
compgen -G '/usr/share/fonts/*/*/NotoSansCJK*' >/dev/null || missing+=(fonts-noto-cjk)
if ((${#missing[@]})); then
    root=()
    ((EUID == 0)) || root=(sudo -n)
    if ! command -v apt-get >/dev/null || { ((EUID)) && ! sudo -n true 2>/dev/null; }; then
        echo "The tests need these system packages, which are missing: ${missing[*]}" >&2
        exit 1
    fi
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${missing[@]}"
fi

[[ -x .venv/bin/python ]] || python3 -m venv .venv
.venv/bin/python -m pip install -q -c constraints.txt -e '.[models,editor,test]'
# Qt.py brings types for mypy, which hide PySide6's own from basedpyright.
.venv/bin/python -m pip uninstall -qy types-PySide6

gate() {
    printf '\n== %s\n' "$*"
    "$@"
}
PATH="$PWD/.venv/bin:$PATH"
gate ruff check .
gate ruff format --check .
gate basedpyright
gate lint-imports
if (($#)); then
    # `bash tests/run.sh --cov` also says what no test reaches, in twice the time.
    gate pytest "$@"
else
    # Two at a time, each with one thread, as two for each would wait for each other. Processes and windows come first:
    # to the system, a process has had the memory of whoever started it, too.
    export OMP_NUM_THREADS=1
    gate pytest -n 2 --dist loadfile tests/process tests/gui
    gate pytest -n 2 --dist loadfile --ignore tests/process --ignore tests/gui
fi
