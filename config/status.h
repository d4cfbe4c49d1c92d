/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - the answer to `status`: how the supervisor and its chain are, as "key: value" lines.
 */
#ifndef FEMTOSNITCH_STATUS_H
#define FEMTOSNITCH_STATUS_H

#include <time.h>

#include "config/chain.h"
#include "config/options.h"
#include "config/report.h"
#include "config/sinks.h"

enum status_state {
	STATUS_STARTING,
	STATUS_RUNNING,
	STATUS_STOPPING,
};

struct status {
	const struct options *options;
	enum status_state state;
	time_t since;
	unsigned generation; /* of the settings, 0 = none sent yet */
	int refused;	     /* nonzero: config.json is no longer what runs */
	struct chain chain;
	struct report report;
	struct sinks *sinks;
};

/* Caller frees; NULL: no memory. */
char *status_text(const struct status *);

#endif
