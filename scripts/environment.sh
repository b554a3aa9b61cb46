#!/bin/sh
# Make the environment VENV and install the package in it with what KIND needs: run, test, lint, docs or dev, with the
# newest packages; or floor, for the tests with the lowest ones. uv does it where uv is there, otherwise venv and pip.
set -eu
venv=$1
kind=$2

case $kind in
run) what=. ;;
lint) what=.[test,lint] ;;
floor) what=.[test] ;;
docs) what=.[docs] ;;
*) what=.[$kind] ;;
esac

python=
for name in python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null 2>&1 &&
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$name
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is not here; on Debian: apt-get install python3 python3-venv" >&2
    exit 1
fi

# Which versions: the newest, or the lowest as constraints.
versions() {
    how=--upgrade
    if [ "$kind" = floor ]; then
        "$python" scripts/floor.py test >"$venv/floor.txt"
        how="--constraint $venv/floor.txt"
    fi
}

if command -v uv >/dev/null 2>&1; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
    versions
    # shellcheck disable=SC2086
    uv pip install --quiet --python "$venv/bin/python" $how -e "$what"
    exit 0
fi

if [ ! -x "$venv/bin/pip" ]; then
    if ! "$python" -m venv "$venv" 2>/dev/null; then
        rm -rf "$venv"
        # Debian packs venv apart from Python.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
            "$python" -m venv "$venv"
        else
            echo "$python has no venv; on Debian: sudo apt-get install python3-venv" >&2
            exit 1
        fi
    fi
fi
echo "installing siting into $venv ($kind)"
versions
# shellcheck disable=SC2086
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check $how -e "$what"
