#!/bin/sh
# See that a Chromium and a Chinese font are here; install Debian's where they are not and it is allowed.
# Tests that need them skip, and say so, where they cannot be had.
missing=
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1 || missing=chromium
if ! { command -v fc-list >/dev/null 2>&1 && fc-list ':lang=zh-cn' 2>/dev/null | grep -q .; }; then
    missing="$missing fonts-noto-cjk fontconfig"
fi
[ -z "$missing" ] && exit 0

run=
[ "$(id -u)" = 0 ] || run="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$run" ] || sudo -n true 2>/dev/null; }; then
    echo "installing from Debian:$missing"
    $run env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null &&
        exit 0
fi
echo "NOT HERE:$missing. Tests of maps and reports in a browser will be skipped;" >&2
echo "install them with: sudo apt-get install$missing" >&2
exit 0
