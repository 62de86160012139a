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
for package in ffmpeg:ffprobe; do
    command -v "${package#*:}" >/dev/null || missing+=("${package%:*}")
done
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
.venv/bin/python -m pip install -q -c constraints.txt -e '.[models,test]'

gate() {
    printf '\n== %s\n' "$*"
    "$@"
}
PATH="$PWD/.venv/bin:$PATH"
gate ruff check .
gate ruff format --check .
gate basedpyright
gate lint-imports
gate pytest --cov --cov-report=term:skip-covered
