// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cgroups.h"
#include "collector/sweep.h"
#include "config/log.h"

/* Buffers of the seed, given back when it is over. */
struct seed {
	char records[SWEEP_READ + 8192];
	size_t have;
	char argv[WIRE_ARGV_MAX];
};

/* Anybody may read a command line (proc(5)); a process that has gone has none. */
static size_t read_argv(struct seed *seed, unsigned tgid)
{
	char path[40];
	size_t len = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (len < sizeof(seed->argv) && (n = read(fd, seed->argv + len, sizeof(seed->argv) - len)) > 0)
		len += n;
	close(fd);
	return len;
}

/* Hand on every whole record in the buffer and keep the rest. */
static void take_whole(struct seed *seed, struct record *record)
{
	size_t at = 0, size;

	for (; seed->have - at >= sizeof(struct wire_hdr); at += size) {
		struct wire_exec exec;
		struct wire_hdr hdr;

		memcpy(&hdr, seed->records + at, sizeof(hdr));
		size = sizeof(hdr) + hdr.len;
		if (hdr.len < sizeof(exec) || size > seed->have - at)
			break;
		memcpy(&exec, seed->records + at + sizeof(hdr), sizeof(exec));
		record_take_running(record, seed->records + at, size, seed->argv,
				    exec.flags & WIRE_EXEC_KERNEL ? 0 : read_argv(seed, exec.image.tgid));
	}
	seed->have -= at;
	memmove(seed->records, seed->records + at, seed->have);
}

static int seed_processes(struct seed *seed, struct probe *probe, struct record *record)
{
	int fd = probe_iter_open(probe, PROBE_ITER_TASKS);
	ssize_t n;

	if (fd < 0)
		return fd;
	seed->have = 0;
	while ((n = read(fd, seed->records + seed->have, sizeof(seed->records) - seed->have)) > 0) {
		seed->have += n;
		take_whole(seed, record);
		frame_flush(record->stage->out);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

static int seed_sockets_pass(struct seed *seed, struct probe *probe, unsigned pass)
{
	int fd;
	ssize_t n;

	probe_shared(probe)->seed_pass = pass;
	fd = probe_iter_open(probe, PROBE_ITER_FILES);
	if (fd < 0)
		return fd;
	while ((n = read(fd, seed->records, sizeof(seed->records))) > 0 || (n < 0 && errno == EAGAIN))
		;
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

static int seed_all(struct probe *probe, struct record *record, bool sockets)
{
	struct seed *seed = malloc(sizeof(*seed));
	int err = -ENOMEM;

	cgroups_list(record); /* first: processes and sockets refer to them */
	if (seed && (err = seed_processes(seed, probe, record)) == 0 && sockets &&
	    (err = seed_sockets_pass(seed, probe, 1)) == 0)
		err = seed_sockets_pass(seed, probe, 2);
	free(seed);
	if (err < 0) {
		errno = -err;
		log_warn("what ran before us could not be listed");
	}
	return err;
}

int seed_run(struct probe *probe, struct record *record)
{
	int err = seed_all(probe, record, true);

	probe_listening_clear(probe);
	probe_shared(probe)->seeding = 0;
	return err;
}

int seed_again(struct probe *probe, struct record *record)
{
	return seed_all(probe, record, false);
}
