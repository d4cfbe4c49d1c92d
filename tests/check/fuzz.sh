#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.sh - each decoder of foreign bytes gets its corpus and some seconds of mutations of it, under ASan and UBSan.
# `make fuzz` builds the programs; to search for longer, run one by hand: build/fuzz/fuzz_wire CORPUS
set -u
. "$(dirname "$0")/../report.sh"
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for source in tests/fuzz/fuzz_*.c; do
	[ -e "$source" ] || continue
	name=$(basename "$source" .c)
	program=build/fuzz/$name
	if [ ! -x "$program" ]; then
		skip "fuzz/$name" "not built: make fuzz"
		continue
	fi
	mkdir "$work/$name"
	if "$program" -runs=20000 -max_total_time=5 -artifact_prefix="$work/" "$work/$name" \
		"tests/fuzz/corpus/${name#fuzz_}" > "$work/log" 2>&1; then
		ok "fuzz/$name"
	else
		fail "fuzz/$name" "$(grep -aE -m1 'ERROR|SUMMARY|runtime error' "$work/log")"
		tail -n 30 "$work/log"
	fi
done
