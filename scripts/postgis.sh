#!/bin/sh
# See that a PostgreSQL with PostGIS is here; install Debian's where it is not and it is allowed.
# Tests start a server of their own with it; they skip, and say so, where it cannot be had.
for control in /usr/share/postgresql/*/extension/postgis.control; do
    [ -e "$control" ] || continue
    version=$(basename "$(dirname "$(dirname "$control")")")
    [ -x "/usr/lib/postgresql/$version/bin/initdb" ] && exit 0
done
missing="postgresql postgis postgresql-postgis"

run=
[ "$(id -u)" = 0 ] || run="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$run" ] || sudo -n true 2>/dev/null; }; then
    echo "installing from Debian: $missing"
    $run env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null &&
        exit 0
fi
echo "NOT HERE: $missing. Tests of PostGIS will be skipped;" >&2
echo "install them with: sudo apt-get install $missing" >&2
exit 0
