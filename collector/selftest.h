/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * selftest.h - moves a few known bytes over loopback and starts a known program, and looks whether the kernel
 * told us exactly that. Nothing is claimed that was not seen.
 */
#ifndef FEMTOSNITCH_SELFTEST_H
#define FEMTOSNITCH_SELFTEST_H

#include "collector/probe.h"
#include "collector/record.h"

struct selftest_result {
	int blind; /* neither sending nor receiving was seen, and loopback works: nothing can be logged */
	char text[1024]; /* one item per line; what failed begins with "NOT PROVEN: " */
};

void selftest_run(struct probe *, struct record *, struct selftest_result *);

/* What the child of the self-test runs as: argv[1] that makes the program exit 0 at once. */
#define SELFTEST_ARG "--self-test-exec"

#endif
