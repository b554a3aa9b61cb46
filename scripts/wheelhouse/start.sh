#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
for python in python3.13 python3.12 python3.11 python3 python; do
    if "$python" "$here/start.py" --fits >/dev/null 2>&1; then
        exec "$python" "$here/start.py" "$@"
    fi
done
cat "$here/no-python.txt" >&2
exit 1
