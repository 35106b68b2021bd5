#!/bin/sh
# Installs the pinned uv into the folder $1, with a Python that can make a virtual environment (3.8
# or newer). Where there is none, it links the uv that is on PATH.
set -eu
folder=$1
lock="$(dirname "$0")/../requirements/uv.lock"

# A python3 on PATH may be a version manager's shim that does not run, and Debian packages venv
# separately, so try it.
can_make_environments() {
    python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 8))' 2>/dev/null
}

install_on_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >&2
}

rm -rf "$folder"
if can_make_environments; then
    :
elif uv=$(command -v uv) && "$uv" --version >/dev/null 2>&1; then
    mkdir -p "$folder/bin"
    ln -s "$uv" "$folder/bin/uv"
    exit 0
elif ! { install_on_debian && can_make_environments; }; then
    echo "uv is needed, and no Python 3.8 or newer was found to install it with: install uv (https://docs.astral.sh/uv) or Python." >&2
    exit 1
fi
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes --requirement "$lock"
