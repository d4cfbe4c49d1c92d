// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/femtosnitch.skel.h"
#include "collector/cgroup.h"
#include "collector/clock.h"
#include "config/log.h"

#define PROGRAMS_MAX 32
#define REFUSED_SIZE 1024
#define OVERFLOW_BATCH 512

struct probe {
	struct femtosnitch *skel;
	struct bpf_link *link[PROGRAMS_MAX]; /* by program, in the skeleton's order; NULL: not attached */
	struct bpf_link *iter[PROBE_ITER__MAX];
	struct ring_buffer *ring;
	probe_record *on_record;
	void *on_record_arg;
	unsigned attached;
	unsigned overflow_in_use; /* 0: overflow_a, 1: overflow_b */
	char refused[REFUSED_SIZE];
};

/* libbpf explains itself at length; its first warning names the cause, and is kept for the one line we say.
 */
static char first_warning[160];

static int libbpf_says(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level != LIBBPF_WARN || first_warning[0])
		return 0;
	vsnprintf(first_warning, sizeof(first_warning), fmt, args);
	first_warning[strcspn(first_warning, "\n")] = '\0';
	log_debug("%s", first_warning);
	return 0;
}

static void refuse(struct probe *probe, const char *name, const char *why)
{
	size_t used = strlen(probe->refused);

	snprintf(probe->refused + used, sizeof(probe->refused) - used, "%s%s: %s", used ? "\n" : "", name,
		 why);
}

static bool is_cgroup(const struct bpf_program *prog)
{
	return strncmp(bpf_program__section_name(prog), "cgroup/", 7) == 0;
}

/* ---- load: all programs at once; if the kernel refuses, find out which, and load the others */

/* Does the kernel let tracepoint programs be preempted, and skip them then? Since 6.19: see bpf/twice.bpf.h.
 */
static bool kernel_skips(void)
{
	unsigned major = 0, minor = 0;
	struct utsname kernel;

	return uname(&kernel) == 0 && sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 19));
}

static int open_skeleton(struct probe *probe, unsigned ring_pages)
{
	probe->skel = femtosnitch__open();
	if (!probe->skel)
		return -errno;
	bpf_program__set_autoload(probe->skel->progs.on_send_again, kernel_skips());
	bpf_program__set_autoload(probe->skel->progs.on_receive_again, kernel_skips());
	return bpf_map__set_max_entries(probe->skel->maps.ring, ring_pages * 4096);
}

static bool loads_alone(const char *name, unsigned ring_pages)
{
	struct probe trial = {};
	struct bpf_program *prog;
	bool loads = false;

	first_warning[0] = '\0';
	if (open_skeleton(&trial, ring_pages) == 0) {
		bpf_object__for_each_program (prog, trial.skel->obj)
			bpf_program__set_autoload(prog, strcmp(bpf_program__name(prog), name) == 0);
		loads = femtosnitch__load(trial.skel) == 0;
	}
	femtosnitch__destroy(trial.skel);
	return loads;
}

static int load_what_works(struct probe *probe, unsigned ring_pages)
{
	struct bpf_program *prog;
	unsigned left = 0;
	int err;

	femtosnitch__destroy(probe->skel);
	if ((err = open_skeleton(probe, ring_pages)) < 0)
		return err;
	bpf_object__for_each_program (prog, probe->skel->obj) {
		if (!bpf_program__autoload(prog))
			continue;
		if (loads_alone(bpf_program__name(prog), ring_pages)) {
			left++;
			continue;
		}
		refuse(probe, bpf_program__section_name(prog), first_warning);
		bpf_program__set_autoload(prog, false);
	}
	return left ? femtosnitch__load(probe->skel) : -ENOTSUP;
}

/* ---- attach */

static bool is_iter(const struct bpf_program *prog)
{
	return strncmp(bpf_program__section_name(prog), "iter/", 5) == 0;
}

static int attach_iters(struct probe *probe)
{
	union bpf_iter_link_info info = {.map.map_fd = bpf_map__fd(probe->skel->maps.sockets)};
	DECLARE_LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	probe->iter[PROBE_ITER_SOCKETS] = bpf_program__attach_iter(probe->skel->progs.sweep_sockets, &opts);
	probe->iter[PROBE_ITER_TASKS] = bpf_program__attach_iter(probe->skel->progs.seed_tasks, NULL);
	probe->iter[PROBE_ITER_FILES] = bpf_program__attach_iter(probe->skel->progs.seed_sockets, NULL);
	return probe->iter[PROBE_ITER_SOCKETS] ? 0 : -errno;
}

/* Attach everything that was loaded. What keeps watching exact comes first: whoever ends a socket before
 * whoever counts on it. */
void probe_attach(struct probe *probe)
{
	int cgroup_fd = cgroup_root_open(), at = 0;
	struct bpf_program *prog;

	if (cgroup_fd < 0) {
		probe_shared(probe)->no_release = 1;
		refuse(probe, "cgroup hooks",
		       "no cgroup v2: peers of datagrams and failed connects are not seen");
	}
	bpf_object__for_each_program (prog, probe->skel->obj) {
		struct bpf_link **link = &probe->link[at++];

		if (at > PROGRAMS_MAX || !bpf_program__autoload(prog) || is_iter(prog) ||
		    (is_cgroup(prog) && cgroup_fd < 0))
			continue;
		*link = is_cgroup(prog) ? bpf_program__attach_cgroup(prog, cgroup_fd)
					: bpf_program__attach(prog);
		if (*link)
			probe->attached++;
		else
			refuse(probe, bpf_program__section_name(prog), strerror(errno));
		if (!*link &&
		    (prog == probe->skel->progs.on_send_again || prog == probe->skel->progs.on_receive_again))
			probe_shared(probe)->twice = 0;
	}
	if (cgroup_fd >= 0)
		close(cgroup_fd);
}

static int overflow_use(struct probe *probe, unsigned which)
{
	int fd = bpf_map__fd(which ? probe->skel->maps.overflow_b : probe->skel->maps.overflow_a);
	__u32 zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(probe->skel->maps.overflow), &zero, &fd, BPF_ANY))
		return -errno;
	probe->overflow_in_use = which;
	return 0;
}

static int on_ring(void *arg, void *data, size_t size)
{
	struct probe *probe = arg;

	return probe->on_record(probe->on_record_arg, data, size);
}

static int prepare(struct probe *probe, unsigned ring_pages)
{
	struct wire_shared *shared = probe_shared(probe);
	int err;

	shared->ring_wake_bytes = ring_pages * 4096 / 4;
	shared->ask_ticks = 1000000000 / clock_tick_ns();
	shared->seeding = 1;
	shared->twice = bpf_program__fd(probe->skel->progs.on_send_again) >= 0 &&
			bpf_program__fd(probe->skel->progs.on_receive_again) >= 0;
	if ((err = overflow_use(probe, 0)) < 0)
		return err;
	probe->ring = ring_buffer__new(bpf_map__fd(probe->skel->maps.ring), on_ring, probe, NULL);
	return probe->ring ? 0 : -errno;
}

int probe_open(struct probe **out, unsigned ring_pages)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int err = -ENOMEM;

	if (!probe)
		return err;
	libbpf_set_print(libbpf_says);
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
		err = -errno;
		log_warnx("this kernel has no BTF (/sys/kernel/btf/vmlinux): it was built without "
			  "CONFIG_DEBUG_INFO_BTF");
		goto fail;
	}
	if ((err = open_skeleton(probe, ring_pages)) < 0)
		goto fail;
	err = femtosnitch__load(probe->skel);
	if (err == -EPERM || err == -EACCES)
		err = geteuid() ? -EPERM : load_what_works(probe, ring_pages);
	else if (err)
		err = load_what_works(probe, ring_pages);
	if (err) {
		log_warnx("no BPF program could be loaded: %s",
			  first_warning[0] ? first_warning : strerror(-err));
		goto fail;
	}
	if ((err = prepare(probe, ring_pages)) < 0 || (err = attach_iters(probe)) < 0) {
		log_warnx("BPF: %s", strerror(-err));
		goto fail;
	}
	*out = probe;
	return 0;
fail:
	probe_free(probe);
	return err;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	for (int i = 0; i < PROGRAMS_MAX; i++)
		bpf_link__destroy(probe->link[i]);
	for (int i = 0; i < PROBE_ITER__MAX; i++)
		bpf_link__destroy(probe->iter[i]);
	ring_buffer__free(probe->ring);
	femtosnitch__destroy(probe->skel);
	free(probe);
}

const char *probe_refused(const struct probe *probe)
{
	return probe->refused;
}

unsigned probe_attached(const struct probe *probe)
{
	return probe->attached;
}

struct wire_shared *probe_shared(struct probe *probe)
{
	return &probe->skel->bss->shared;
}

int probe_ring_fd(const struct probe *probe)
{
	return bpf_map__fd(probe->skel->maps.ring);
}

int probe_ring_read(struct probe *probe, probe_record *on_record, void *arg)
{
	probe->on_record = on_record;
	probe->on_record_arg = arg;
	return ring_buffer__consume(probe->ring);
}

int probe_iter_open(struct probe *probe, enum probe_iter which)
{
	int fd;

	if (!probe->iter[which])
		return -ENOTSUP;
	fd = bpf_iter_create(bpf_link__fd(probe->iter[which]));
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
	struct bpf_map *full =
		probe->overflow_in_use ? probe->skel->maps.overflow_b : probe->skel->maps.overflow_a;
	struct wire_shared *shared = probe_shared(probe);
	__u64 used = __atomic_load_n(&shared->overflow_used, __ATOMIC_ACQUIRE);
	struct wire_flow *flows = NULL;
	void *keys = NULL;
	__u32 n, at = 0;
	int err, taken = 0;

	if (used == shared->overflow_taken)
		return 0;
	flows = malloc(OVERFLOW_BATCH * sizeof(*flows));
	keys = malloc(OVERFLOW_BATCH * (size_t)bpf_map__key_size(full));
	err = flows && keys ? overflow_use(probe, !probe->overflow_in_use) : -ENOMEM;
	if (err < 0)
		goto out;
	shared->overflow_taken = used;
	shared->overflow_called = 0;
	for (bool first = true, more = true; more; first = false) {
		err = overflow_batch(bpf_map__fd(full), keys, flows, &n, &at, first);
		more = err > 0;
		if (err >= 0) {
			probe_ring_read(probe, on_record, arg);
			overflow_hand_out(flows, n, on_record, arg);
		}
		taken += err >= 0 ? n : 0;
	}
out:
	free(keys);
	free(flows);
	return err < 0 ? err : taken;
}

void probe_stop_counting(struct probe *probe)
{
	struct bpf_program *prog;
	int at = 0;

	bpf_object__for_each_program (prog, probe->skel->obj) {
		struct bpf_link **link = &probe->link[at++];

		if (strcmp(bpf_program__section_name(prog), "cgroup/sock_release") == 0)
			continue;
		bpf_link__destroy(*link);
		*link = NULL;
	}
}

int probe_listening_clear(struct probe *probe)
{
	int map = bpf_map__fd(probe->skel->maps.listening);
	__u64 key; /* struct listening: 8 bytes */

	while (bpf_map_get_next_key(map, NULL, &key) == 0)
		if (bpf_map_delete_elem(map, &key))
			return -errno;
	return 0;
}

static uint64_t skipped_runs(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_program__fd(prog);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.recursion_misses : 0;
}

/* Of a pair, only calls that both missed are lost; how many those were is not known, but no more than these.
 */
static uint64_t skipped_both(const struct bpf_program *first, const struct bpf_program *second)
{
	uint64_t a = skipped_runs(first), b = skipped_runs(second);

	return a < b ? a : b;
}

uint64_t probe_skipped_runs(struct probe *probe)
{
	const struct femtosnitch *skel = probe->skel;
	struct bpf_program *prog;
	uint64_t skipped = 0;

	bpf_object__for_each_program (prog, skel->obj)
		skipped += skipped_runs(prog);
	if (!probe_shared(probe)->twice)
		return skipped;
	skipped -= skipped_runs(skel->progs.on_send) + skipped_runs(skel->progs.on_send_again);
	skipped -= skipped_runs(skel->progs.on_receive) + skipped_runs(skel->progs.on_receive_again);
	return skipped + skipped_both(skel->progs.on_send, skel->progs.on_send_again) +
	       skipped_both(skel->progs.on_receive, skel->progs.on_receive_again);
}
