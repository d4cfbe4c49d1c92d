// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/health.h"

static const char *const what[WIRE_LOSS__MAX] = {
	[WIRE_LOSS_RING_FULL] = "exec, fork or exit records that found the ring buffer full",
	[WIRE_LOSS_OVERFLOW_FULL] = "traffic that found the overflow hash full",
	[WIRE_LOSS_RECURSION] = "a process that was described while another one was, on the same CPU",
	[WIRE_LOSS_PEER] = "peers of datagrams: too many threads in calls at once",
	[WIRE_LOSS_USER_READ] = "command lines that could not be read",
	[WIRE_LOSS_NAME] = "calls that may have told a name, and whose bytes could not be read",
};

uint64_t health_skipped(struct health *health, uint64_t looked)
{
	uint64_t before = health->skipped;

	health->skipped = looked;
	return looked < before ? looked : before;
}

void health_poll(struct health *health, struct probe *probe, const struct record *record, wire_ns from,
		 wire_ns to)
{
	struct wire_shared *shared = probe_shared(probe);
	uint64_t skipped = health_skipped(health, probe_skipped_runs(probe));

	for (unsigned kind = 0; kind < WIRE_LOSS__MAX; kind++) {
		struct wire_loss_count now = shared->loss[kind], *seen = &shared->loss_reported[kind];

		if (now.records == seen->records)
			continue;
		stage_loss(record->stage, kind, from, to, now.records - seen->records,
			   now.bytes - seen->bytes, "%s", what[kind] ? what[kind] : "");
		*seen = now;
	}
	if (skipped > shared->skipped_reported) {
		stage_loss(record->stage, WIRE_LOSS_RECURSION, from, to, skipped - shared->skipped_reported,
			   0, "runs of BPF programs that the kernel skipped");
		shared->skipped_reported = skipped;
	}
	if (record->dropped != health->dropped)
		stage_loss(record->stage, WIRE_LOSS_PIPE, from, to, record->dropped - health->dropped,
			   record->dropped_bytes - health->dropped_bytes,
			   "kernel records that could not be passed on");
	health->dropped = record->dropped;
	health->dropped_bytes = record->dropped_bytes;
}
