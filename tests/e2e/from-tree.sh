#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# from-tree.sh BUILDDIR - what `sudo make run` does: logs from a build directory with nothing installed, gives all
# files there to the user behind sudo, prints the question to type next, and answers it.
set -u
. "$(dirname "$0")/../report.sh"
build=$(cd "${1:?usage: from-tree.sh BUILDDIR}" && pwd) || exit 1
top=$(cd "$(dirname "$0")/../.." && pwd)
user=65533

if [ "$(id -u)" != 0 ]; then
	skip from_tree "needs root"
	exit 0
fi

work=$(mktemp -d /tmp/femtosnitch-tree.XXXXXX)
pid=
trap '[ -z "$pid" ] || kill -KILL $pid 2>/dev/null; rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/build"
for program in femtosnitch femtosnitch-collector femtosnitch-hasher femtosnitch-rpmdb femtosnitch-store femtosnitch-verify femtosnitch-import femtosnitch-postgres femtosnitch-notices femtosnitch-virustotal femtosnitch-reverse femtosnitch-view; do
	cp "$build/$program" "$work/build/" || { fail from_tree_programs "$program is not built"; exit 1; }
done

same()
{
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got '$2', want '$3'"; fi
}

# owners: of everything there that is not the user's
foreign()
{
	find "$work/build" ! -uid $user -printf '%P ' 2>/dev/null
}

if setpriv --reuid $user --regid $user --clear-groups "$top/packaging/run-from-tree" "$work/build" > "$work/refused" 2>&1; then
	fail from_tree_needs_root "ran without root"
else
	same from_tree_needs_root "$(grep -c 'sudo make run' "$work/refused")" 1
fi

cd "$work" || exit 1
SUDO_UID=$user SUDO_GID=$user "$top/packaging/run-from-tree" build > "$work/log" 2>&1 < /dev/null &
pid=$!
tenths=300
while ! grep -q 'femtosnitch: ready' "$work/log" && kill -0 $pid 2>/dev/null && [ $tenths -gt 0 ]; do
	tenths=$((tenths - 1))
	sleep 0.1
done
if ! grep -q 'femtosnitch: ready' "$work/log"; then
	fail from_tree_ready "no ready line"
	cat "$work/log"
	exit 1
fi
ok from_tree_ready
sleep 1
next=$(sed -n 's/.*\(build\/femtosnitch query .*\)$/\1/p' "$work/log" | head -n 1)
if [ -n "$next" ]; then ok from_tree_says_next; else fail from_tree_says_next "no query to type in the output"; cat "$work/log"; fi
same from_tree_owner "$(foreign)" ''
same from_tree_config "$(stat -c '%a' build/state/config.json 2>&1)" 640
# as that user: no sudo is needed to read
setpriv --reuid $user --regid $user --clear-groups sh -c "${next:-false}" > "$work/answer" 2>&1
same from_tree_query $? 0
kill -INT $pid
wait $pid
same from_tree_stop $? 0
pid=
same from_tree_owner_after "$(foreign)" ''
grep -q . "$work/answer" && ! grep -qi error "$work/answer" || cat "$work/answer" "$work/log"
