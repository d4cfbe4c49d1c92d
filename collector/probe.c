// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/hold.h"
#include "collector/hooks.h"
#include "collector/load.h"
#include "config/log.h"

#define OVERFLOW_BATCH 512

struct probe {
	struct load *load; /* until everything is attached */
	struct load_report report;
	struct hold hold;
	struct wire_shared *shared;
	struct ring_buffer *ring;
	probe_record *on_record;
	void *on_record_arg;
	unsigned overflow_left; /* hashes that may hold something although nobody says so */
};

static const char *const iterators[PROBE_ITER__MAX] = {
	[PROBE_ITER_SOCKETS] = "sweep_sockets",
	[PROBE_ITER_TASKS] = "seed_tasks",
	[PROBE_ITER_FILES] = "seed_sockets",
};

static int map_fd(const struct probe *probe, const char *name)
{
	return hold_fd(&probe->hold, HOLD_MAP, name);
}

/* ---- from the object to what runs */

static int overflow_use(struct probe *probe, unsigned which)
{
	int fd = map_fd(probe, which ? "overflow_b" : "overflow_a");
	__u32 zero = 0;

	if (bpf_map_update_elem(map_fd(probe, "overflow"), &zero, &fd, BPF_ANY))
		return -errno;
	probe->shared->overflow_in_use = which;
	return 0;
}

static int on_ring(void *arg, void *data, size_t size)
{
	struct probe *probe = arg;

	return probe->on_record(probe->on_record_arg, data, size);
}

static size_t shared_size(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct wire_shared) + page - 1) / page * page;
}

/* .bss of the programs is struct wire_shared and nothing else, and may be mapped. */
static int map_shared(struct probe *probe)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = map_fd(probe, ".bss");
	void *at;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.value_size != sizeof(struct wire_shared))
		return -EPROTO;
	at = mmap(NULL, shared_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	probe->shared = at;
	return 0;
}

/* What is needed to read what the kernel has. */
static int look_in(struct probe *probe)
{
	int err = map_shared(probe);

	if (err < 0)
		return err;
	if (hold_fd(&probe->hold, HOLD_LINK, iterators[PROBE_ITER_SOCKETS]) < 0)
		return -ENOTSUP;
	probe->ring = ring_buffer__new(map_fd(probe, "ring"), on_ring, probe, NULL);
	return probe->ring ? 0 : -errno;
}

static int prepare(struct probe *probe, unsigned ring_pages)
{
	int err = look_in(probe);

	if (err < 0)
		return err;
	probe->shared->ring_wake_bytes = ring_pages * 4096 / 4;
	probe->shared->ask_ticks = 1000000000 / clock_tick_ns();
	probe->shared->seeding = 1;
	return overflow_use(probe, 0);
}

int probe_open(struct probe **out, unsigned ring_pages, enum hooks_set set)
{
	struct load_wish wish = {.ring_pages = ring_pages, .set = set};
	struct probe *probe = calloc(1, sizeof(*probe));
	int err = -ENOMEM;

	if (probe && (err = load_open(&probe->load, &wish, &probe->report, &probe->hold)) == 0 &&
	    (err = prepare(probe, ring_pages)) < 0)
		log_warnx("BPF: %s", strerror(-err));
	if (err < 0) {
		probe_free(probe);
		return err;
	}
	*out = probe;
	return 0;
}

int probe_adopt(struct probe **out, struct hold *hold, const struct load_report *report)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int err;

	if (!probe) {
		hold_close_all(hold);
		return -ENOMEM;
	}
	probe->hold = *hold;
	hold->n = 0;
	probe->report = *report;
	if ((err = look_in(probe)) < 0) {
		log_warnx("BPF: %s", strerror(-err));
		probe_free(probe);
		return err;
	}
	probe->shared->collector_waits = 0;
	probe->overflow_left = 2; /* whoever was killed while exchanging them told nobody */
	*out = probe;
	return 0;
}

const struct hold *probe_hold(const struct probe *probe)
{
	return &probe->hold;
}

const struct load_report *probe_report(const struct probe *probe)
{
	return &probe->report;
}

int probe_add(struct probe *probe, const struct hold *more, const struct load_report *report)
{
	int err = 0;

	for (unsigned i = 0; i < more->n && err == 0; i++)
		err = hold_copy(&probe->hold, more->held[i].kind, more->held[i].name, more->held[i].fd);
	probe->report = *report;
	return err;
}

void probe_attach(struct probe *probe)
{
	load_attach(probe->load, probe->shared, &probe->hold);
	load_free(probe->load);
	probe->load = NULL;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	ring_buffer__free(probe->ring);
	if (probe->shared)
		munmap(probe->shared, shared_size());
	hold_close_all(&probe->hold);
	load_free(probe->load);
	free(probe);
}

/* ---- what it says of itself */

static void say_lines(FILE *f, const char *prefix, const char *text)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		fprintf(f, "\n%s%.*s", prefix, (int)len, text);
	}
}

void probe_say(const struct probe *probe, FILE *f)
{
	const struct load_report *report = &probe->report;
	struct utsname kernel;

	if (uname(&kernel) == 0)
		fprintf(f, "kernel %s\n", kernel.release);
	fprintf(f, "hooks %s: %u attached", hooks_set_name(report->set), report->attached);
	say_lines(f, "", report->modules);
	say_lines(f, "refused ", report->refused);
	say_lines(f, "NOT PROVEN: ", report->missing);
}

const char *probe_missing(const struct probe *probe)
{
	return probe->report.missing;
}

/* ---- what runs */

struct wire_shared *probe_shared(struct probe *probe)
{
	return probe->shared;
}

int probe_ring_fd(const struct probe *probe)
{
	return map_fd(probe, "ring");
}

int probe_ring_read(struct probe *probe, probe_record *on_record, void *arg)
{
	probe->on_record = on_record;
	probe->on_record_arg = arg;
	return ring_buffer__consume(probe->ring);
}

int probe_iter_open(struct probe *probe, enum probe_iter which)
{
	int link = hold_fd(&probe->hold, HOLD_LINK, iterators[which]), fd;

	if (link < 0)
		return -ENOTSUP;
	fd = bpf_iter_create(link);
	return fd >= 0 ? fd : -errno;
}

/* ---- the overflow hash */

/* One batch of the map that no program writes any more. 1: there may be more, 0: that was the last, or -errno
 * (ENOSPC: more than a batch in one bucket, which takes 512 colliding keys). */
static int overflow_batch(int map, void *keys, struct wire_flow *flows, __u32 *n, __u32 *at, bool first)
{
	*n = OVERFLOW_BATCH;
	if (bpf_map_lookup_and_delete_batch(map, first ? NULL : at, at, keys, flows, n, NULL) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

static void overflow_hand_out(const struct wire_flow *flows, __u32 n, probe_record *on_record, void *arg)
{
	struct {
		struct wire_hdr hdr;
		struct wire_flow flow;
	} rec = {.hdr = {.version = WIRE_VERSION, .type = WIRE_FLOW, .len = sizeof(rec.flow)}};

	for (__u32 i = 0; i < n; i++) {
		rec.flow = flows[i];
		on_record(arg, &rec, sizeof(rec));
	}
}

int probe_overflow_take(struct probe *probe, probe_record *on_record, void *arg)
{
	struct wire_shared *shared = probe->shared;
	int full = map_fd(probe, shared->overflow_in_use ? "overflow_b" : "overflow_a");
	struct bpf_map_info info = {};
	__u32 n, at = 0, len = sizeof(info);
	__u64 used = __atomic_load_n(&shared->overflow_used, __ATOMIC_ACQUIRE);
	struct wire_flow *flows = NULL;
	void *keys = NULL;
	int err, taken = 0;

	if (used == shared->overflow_taken && !probe->overflow_left)
		return 0;
	if (bpf_obj_get_info_by_fd(full, &info, &len))
		return -errno;
	flows = malloc(OVERFLOW_BATCH * sizeof(*flows));
	keys = malloc(OVERFLOW_BATCH * (size_t)info.key_size);
	err = flows && keys ? overflow_use(probe, !shared->overflow_in_use) : -ENOMEM;
	if (err < 0)
		goto out;
	shared->taking = 1;
	probe->overflow_left -= probe->overflow_left > 0;
	shared->overflow_taken = used;
	shared->overflow_called = 0;
	for (bool first = true, more = true; more; first = false) {
		err = overflow_batch(full, keys, flows, &n, &at, first);
		more = err > 0;
		if (err >= 0) {
			probe_ring_read(probe, on_record, arg);
			overflow_hand_out(flows, n, on_record, arg);
		}
		taken += err >= 0 ? n : 0;
	}
	shared->taking = 0;
out:
	free(keys);
	free(flows);
	return err < 0 ? err : taken;
}

void probe_stop_counting(struct probe *probe)
{
	for (unsigned i = probe->hold.n; i-- > 0;) {
		const struct held *held = &probe->hold.held[i];
		const struct hook *hook = hooks_find(held->name);

		/* A trampoline takes up to a tenth of a second to take out (the kernel waits for all tasks),
		 * and forty of them longer than stopping may: they go with the process. What they count until
		 * then is of the time after the last window. */
		if (hook && (hook->set == HOOKS_TRAMPOLINES || hook->flags & HOOK_EXTRA))
			continue;
		if (held->kind == HOLD_LINK && hook && !(hook->flags & (HOOK_STAYS | HOOK_READ)))
			hold_close(&probe->hold, HOLD_LINK, held->name);
	}
}

int probe_listening_clear(struct probe *probe)
{
	int map = map_fd(probe, "listening");
	__u64 key; /* struct listening: 8 bytes */

	while (bpf_map_get_next_key(map, NULL, &key) == 0)
		if (bpf_map_delete_elem(map, &key))
			return -errno;
	return 0;
}

void probe_describe_again(struct probe *probe)
{
	int map = map_fd(probe, "seen");
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	__u64 nobody = 0;

	if (bpf_obj_get_info_by_fd(map, &info, &len) == 0)
		for (__u32 at = 0; at < info.max_entries; at++)
			bpf_map_update_elem(map, &at, &nobody, BPF_ANY);
}

static uint64_t skipped_runs(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.recursion_misses : 0;
}

uint64_t probe_skipped_runs(struct probe *probe)
{
	const struct wire_shared *shared = probe->shared;
	uint64_t skipped = 0, caught;

	for (unsigned i = 0; i < probe->hold.n; i++) {
		const struct held *held = &probe->hold.held[i];
		const struct hook *hook = hooks_find(held->name);

		if (held->kind == HOLD_PROGRAM && !hooks_is_repeat(held->name) &&
		    !(hook && hook->flags & HOOK_CATCHES_UP))
			skipped += skipped_runs(held->fd);
	}
	/* after the others: what is caught was skipped before */
	caught = shared->caught - shared->yielded;
	return skipped > caught ? skipped - caught : 0;
}
