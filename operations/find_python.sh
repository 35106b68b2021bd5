#!/bin/sh
# Prints the path of a working Python 3.13, or says in one sentence how to install one.
#
# A python3.13 on PATH may be a version manager's shim that exits with 127 although the version is
# installed, so every candidate is run before it is accepted.
set -u

try() {
    [ -x "$1" ] || return 1
    "$1" -c '
import sys
import ensurepip, venv  # Debian packages these separately; without them no environment can be built
if sys.version_info[:2] != (3, 13):
    sys.exit(1)
print(getattr(sys, "_base_executable", sys.executable))
' 2>/dev/null
}

search() {
    for candidate in \
        "${PYTHON:-}" \
        "$(command -v python3.13)" \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13 \
        "${ASDF_DATA_DIR:-$HOME/.asdf}"/installs/python/3.13*/bin/python3.13 \
        "${MISE_DATA_DIR:-$HOME/.local/share/mise}"/installs/python/3.13*/bin/python3.13 \
        "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"/cpython-3.13*/bin/python3.13 \
        /opt/homebrew/bin/python3.13 \
        /opt/homebrew/opt/python@3.13/bin/python3.13 \
        /usr/local/bin/python3.13 \
        /usr/local/opt/python@3.13/bin/python3.13 \
        /usr/bin/python3.13 \
        "$(command -v python3)"
    do
        try "$candidate" && return 0
    done
    return 1
}

install_on_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-get update -qq >&2 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3.13 python3.13-venv >&2
} 2>/dev/null

search && exit 0
install_on_debian && search && exit 0
echo "Python 3.13 is needed, and none was found: install it (for example 'uv python install 3.13' or 'pyenv install 3.13') or name one with PYTHON=/path/to/python3.13." >&2
exit 1
