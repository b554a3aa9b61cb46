#!/bin/sh
# See that LibreOffice is here; install Debian's where it is not and it is allowed.
# Tests of what is handed in open their files with it; they skip, and say so, where it cannot be had.
command -v soffice >/dev/null 2>&1 && exit 0
missing="libreoffice-writer libreoffice-calc"

run=
[ "$(id -u)" = 0 ] || run="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$run" ] || sudo -n true 2>/dev/null; }; then
    echo "installing from Debian: $missing"
    $run env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null &&
        exit 0
fi
echo "NOT HERE: $missing. Tests that open documents and workbooks will be skipped;" >&2
echo "install them with: sudo apt-get install $missing" >&2
exit 0
