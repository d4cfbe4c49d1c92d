// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/sweep.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define PASSES_MAX 3

struct sweep {
	struct probe *probe;
	struct record *record;
	int fd;
	unsigned reads; /* of this pass that brought something */
	unsigned passes;
	char buffer[SWEEP_READ];
};

int sweep_start(struct sweep **out, struct probe *probe, struct record *record)
{
	int fd = probe_iter_open(probe, PROBE_ITER_SOCKETS);
	struct sweep *sweep;

	if (fd < 0)
		return fd;
	sweep = malloc(sizeof(*sweep));
	if (!sweep) {
		close(fd);
		return -ENOMEM;
	}
	sweep->probe = probe;
	sweep->record = record;
	sweep->fd = fd;
	sweep->reads = sweep->passes = 0;
	*out = sweep;
	return 0;
}

/* Each element is one write of whole records, and the kernel hands out whole elements. */
static void take_records(struct sweep *sweep, size_t len)
{
	const size_t size = sizeof(struct wire_hdr) + sizeof(struct wire_flow);

	for (size_t at = 0; at + size <= len; at += size)
		record_take(sweep->record, sweep->buffer + at, size);
	if (len % size)
		sweep->record->dropped++;
}

/* The kernel finds its place in a hash bucket again by counting, so a socket that goes away between two reads
 * hides one that stays. After a pass of several reads another looks for those; it finds little and is quick.
 */
static bool look_again(struct sweep *sweep)
{
	int fd;

	if (sweep->reads < 2 || ++sweep->passes >= PASSES_MAX)
		return false;
	if ((fd = probe_iter_open(sweep->probe, PROBE_ITER_SOCKETS)) < 0)
		return false;
	close(sweep->fd);
	sweep->fd = fd;
	sweep->reads = 0;
	return true;
}

static int finish(struct sweep *sweep, uint64_t *jiffies)
{
	int err = probe_overflow_take(sweep->probe, record_take, sweep->record);

	*jiffies = probe_shared(sweep->probe)->jiffies;
	return err < 0 ? err : 0;
}

int sweep_step(struct sweep **sweep, uint64_t *jiffies)
{
	struct wire_shared *shared = probe_shared((*sweep)->probe);
	ssize_t n;
	int rc;

	shared->taking = 1;
	do
		n = read((*sweep)->fd, (*sweep)->buffer, sizeof((*sweep)->buffer));
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		/* who an image is stands in the ring before the iterator shows its first slot */
		probe_ring_read((*sweep)->probe, record_take, (*sweep)->record);
		take_records(*sweep, n);
		(*sweep)->reads++;
		shared->taking = 0;
		return 1;
	}
	shared->taking = 0;
	if (n < 0 &&
	    errno == EAGAIN) /* the kernel skipped a million elements without news and wants a pause */
		return 1;
	if (n == 0 && look_again(*sweep))
		return 1;
	rc = n < 0 ? -errno : finish(*sweep, jiffies);
	sweep_free(*sweep);
	*sweep = NULL;
	return rc;
}

void sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return;
	close(sweep->fd);
	free(sweep);
}
