// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "collector/cgroup.h"
#include "collector/object.h"
#include "config/log.h"

#define OUT_MAX 128 /* programs left out */
#define ABSENT "not in this kernel"
#define SCRATCHES 4 /* per CPU, 8.6 KB each, where programs are preempted: see bpf/image.bpf.h */
#define MODULE_ABSENT "module %s is not loaded"

struct load {
	struct bpf_object *obj;
	struct load_wish wish;
	struct load_report *report;
	const char *module;	 /* only programs on functions of this; NULL: all */
	const struct hold *have; /* maps that are there already; NULL: none are */
	bool nameless;		 /* this kernel refuses what copies names */
	bool skips;		 /* this kernel does: programs are loaded with their repeats */
	bool trampolines_tried;
	int trampolines_err; /* 0: they work */
	unsigned n_out;
	char out[OUT_MAX][HOLD_NAME_SIZE];
};

/* libbpf explains itself at length; its first warning names the cause, and is kept for the one line we say.
 */
static char first_warning[200];

static int libbpf_says(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[sizeof(first_warning)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	if (!first_warning[0])
		strcpy(first_warning, text);
	log_debug("%s", text);
	return 0;
}

/* ---- what is left out, and why */

static void add_line(char text[LOAD_TEXT_SIZE], const char *name, const char *why)
{
	size_t used = strlen(text);

	snprintf(text + used, LOAD_TEXT_SIZE - used, "%s%s: %s", used ? "\n" : "", name, why);
}

static bool is_out(const struct load *load, const char *program)
{
	for (unsigned i = 0; i < load->n_out; i++)
		if (strcmp(load->out[i], program) == 0)
			return true;
	return false;
}

/* A program that others stand in for, or that only adds to what they see, leaves no hole. */
static void leave_out(struct load *load, struct bpf_program *prog, const char *why)
{
	const char *name = bpf_program__name(prog);
	const struct hook *hook = hooks_find(name);

	bpf_program__set_autoload(prog, false);
	if (is_out(load, name))
		return;
	if (load->n_out < OUT_MAX)
		snprintf(load->out[load->n_out++], HOLD_NAME_SIZE, "%s", name);
	add_line(load->report->refused, bpf_program__section_name(prog), why);
	if (hook && !(hook->flags & HOOK_EXTRA))
		add_line(load->report->missing, bpf_program__section_name(prog), why);
}

/* ---- what this kernel can run */

/* Is a task preempted while it is in the kernel? PREEMPT_DYNAMIC (Linux 5.12) says in brackets what it does:
 * "none voluntary (full)". */
static bool kernel_preempts(const struct utsname *kernel)
{
	FILE *f = fopen("/sys/kernel/debug/sched/preempt", "re");
	char said[80] = "";

	if (f) {
		if (!fgets(said, sizeof(said), f))
			said[0] = '\0';
		fclose(f);
	}
	return strstr(kernel->version, "PREEMPT") && !strstr(said, "(none)") && !strstr(said, "(voluntary)");
}

/* Does the kernel let programs be preempted, and skip them then (bpf/repeat.bpf.h)? Those at tracepoints since
 * 6.19, trampolines wherever it preempts. */
static bool kernel_skips(const struct load *load)
{
	unsigned major = 0, minor = 0;
	struct utsname kernel;

	if (uname(&kernel) || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return false;
	if (major > 6 || (major == 6 && minor >= 19))
		return true;
	return load->report->set == HOOKS_TRAMPOLINES && kernel_preempts(&kernel);
}

static bool is_section(const struct bpf_program *prog, const char *prefix)
{
	return strncmp(bpf_program__section_name(prog), prefix, strlen(prefix)) == 0;
}

static bool is_trampoline(const struct bpf_program *prog)
{
	return is_section(prog, "fentry/") || is_section(prog, "fexit/");
}

/* Find the tracepoint, function or iterator that a program is for. 0 or -errno. */
static int find_target(struct bpf_program *prog)
{
	const char *target = strchr(bpf_program__section_name(prog), '/');

	if (bpf_program__type(prog) != BPF_PROG_TYPE_TRACING || !target)
		return 0;
	return bpf_program__set_attach_target(prog, 0, target + 1);
}

/* Some kernels refuse to patch their text, and say so only when it is tried (arm64 before 6.4: when it is
 * attached). bpf_fentry_test1 is the kernel's own function for this, which nobody calls. */
static int try_trampolines(void)
{
	struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int id = libbpf_find_vmlinux_btf_id("bpf_fentry_test1", BPF_TRACE_FEXIT), prog, link, err;

	if (id < 0)
		return id;
	opts.attach_btf_id = id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trial", "GPL", nothing, 2, &opts);
	if (prog < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, prog);
	err = link < 0 ? -errno : 0;
	if (link >= 0)
		close(link);
	close(prog);
	return err;
}

static int trampolines(struct load *load)
{
	if (!load->trampolines_tried)
		load->trampolines_err = try_trampolines();
	load->trampolines_tried = true;
	return load->trampolines_err;
}

/* A module that has a part in sysfs is loaded or built in. */
static bool is_loaded(const char *module)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

static void leave_out_absent(struct load *load, struct bpf_program *prog, const struct hook *hook)
{
	char why[80] = ABSENT;

	if (hook->module && !is_loaded(hook->module))
		snprintf(why, sizeof(why), MODULE_ABSENT, hook->module);
	leave_out(load, prog, why);
}

/* Leave out what cannot work here before the kernel is asked: a refusal costs another loading of the rest. */
static void choose(struct load *load, struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);
	const struct hook *hook = hooks_find(name);
	char why[80];

	bpf_program__set_autoload(prog, false);
	if (!hook) {
		leave_out(load, prog, "not in the table of hooks");
		return;
	}
	if ((load->module && (!hook->module || strcmp(hook->module, load->module) != 0)) ||
	    (hook->set != HOOKS_ALWAYS && hook->set != load->report->set) || is_out(load, name) ||
	    (hooks_is_repeat(name) && !load->skips))
		return;
	if (is_trampoline(prog) && trampolines(load)) {
		snprintf(why, sizeof(why), "this kernel refuses trampolines (%s)",
			 strerror(-load->trampolines_err));
		if (!hooks_is_repeat(name)) /* the first says it for all */
			leave_out(load, prog, why);
	} else if (find_target(prog)) {
		if (!hooks_is_repeat(name))
			leave_out_absent(load, prog, hook);
	} else {
		bpf_program__set_autoload(prog, true);
	}
}

/* libbpf puts the beginning of the object's name before .bss and its kin. */
static const char *map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map), *dot = strchr(name, '.');

	return dot ? dot : name;
}

/* 0 or -errno. */
static int use_maps(struct load *load)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, load->obj) if (!err) err =
		bpf_map__reuse_fd(map, hold_fd(load->have, HOLD_MAP, map_name(map)));
	return err;
}

/* name_programs of bpf/name.bpf.h. 0 or -errno. */
static int leave_out_names(struct load *load)
{
	struct bpf_map *map = bpf_object__find_map_by_name(load->obj, ".rodata.names");
	const __u32 none = 0;

	return map ? bpf_map__set_initial_value(map, &none, sizeof(none)) : -ENOENT;
}

static int resize(const struct load *load, const char *name, __u32 entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(load->obj, name);

	return map ? bpf_map__set_max_entries(map, entries) : -ENOENT;
}

static int open_object(struct load *load)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "femtosnitch");
	int err;
	size_t size;
	const void *bytes = object_bytes(&size);

	bpf_object__close(load->obj);
	load->obj = bpf_object__open_mem(bytes, size, &opts);
	if (!load->obj)
		return -errno;
	if (load->have)
		return use_maps(load);
	if (load->nameless && (err = leave_out_names(load)) < 0)
		return err;
	return resize(load, "ring", load->wish.ring_pages * 4096);
}

/* The first warning after a refused load begins with whose it is: "libbpf: prog 'NAME': why". */
static bool leave_out_refused(struct load *load, int err)
{
	char *name = strstr(first_warning, "prog '"), *end = name ? strchr(name + 6, '\'') : NULL;
	struct bpf_program *prog;
	const struct hook *hook;
	const char *why;

	if (!end)
		return false;
	*end = '\0';
	prog = bpf_object__find_program_by_name(load->obj, name + 6);
	if (!prog || !bpf_program__autoload(prog))
		return false;
	why = end[1] == ':' && end[2] ? end + 3 : strerror(-err);
	hook = hooks_find(name + 6);
	if (hook && hook->flags & HOOK_NAMES && !load->nameless && !load->have) {
		load->nameless = true;
		add_line(load->report->missing, "names in traffic", why);
	} else {
		leave_out(load, prog, why);
	}
	return true;
}

/* Tracepoints where all of them are there. The object is loaded after this: libbpf 1.1 keeps the kernel's
 * BTF, once read for an object, until that was loaded. */
static enum hooks_set set_of_kernel(const struct load *load)
{
	enum hooks_set set = HOOKS_TRAMPOLINES; /* the object for early kernels has none of the others */
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, load->obj) {
		const struct hook *hook = hooks_find(bpf_program__name(prog));

		if (!hook || hook->set != HOOKS_TRACEPOINTS || hook->flags & HOOK_EXTRA)
			continue;
		if (find_target(prog))
			return HOOKS_TRAMPOLINES;
		set = HOOKS_TRACEPOINTS;
	}
	return set;
}

/* As long as the kernel refuses a program, leave it out and begin anew. HOOKS_ALWAYS: choose the set. */
static int load_set(struct load *load, enum hooks_set set)
{
	struct bpf_program *prog;
	int err;

	load->report->set = set;
	do {
		if ((err = open_object(load)) < 0)
			return err;
		if (load->report->set == HOOKS_ALWAYS)
			load->report->set = set_of_kernel(load);
		load->skips = kernel_skips(load);
		if (load->skips && !load->have && (err = resize(load, "exec_scratch", SCRATCHES)) < 0)
			return err;
		bpf_object__for_each_program (prog, load->obj)
			choose(load, prog);
		first_warning[0] = '\0';
		err = bpf_object__load(load->obj);
		if ((err == -EPERM || err == -EACCES) && geteuid())
			return -EPERM;
	} while (err && leave_out_refused(load, err));
	return err;
}

/* Is any program of a set in the kernel, beside those that only add to it? Of HOOKS_ALWAYS: any program at
 * all.
 */
static bool set_loaded(const struct load *load, enum hooks_set set)
{
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, load->obj) {
		const struct hook *hook = hooks_find(bpf_program__name(prog));

		if (bpf_program__autoload(prog) && hook &&
		    (set == HOOKS_ALWAYS || (hook->set == set && !(hook->flags & HOOK_EXTRA))))
			return true;
	}
	return false;
}

static int load_some_set(struct load *load)
{
	enum hooks_set set, other;
	int err = load_set(load, load->wish.set);

	set = load->report->set;
	if (err || set_loaded(load, set))
		return err;
	other = set == HOOKS_TRACEPOINTS ? HOOKS_TRAMPOLINES : HOOKS_TRACEPOINTS;
	if ((err = load_set(load, other)))
		return err;
	if (!set_loaded(load, other))
		load->report->set = HOOKS_ALWAYS;
	add_line(load->report->missing, hooks_set_name(set),
		 load->report->set == other ? "cannot be used here, the other set is"
					    : "cannot be used here");
	return set_loaded(load, HOOKS_ALWAYS) ? 0 : -ENOTSUP;
}

/* Programs that the object for this kernel lacks are as much left out as those that it refuses. */
static void tell_not_here(struct load *load)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "femtosnitch");
	struct bpf_program *prog;
	struct bpf_object *later;
	size_t size;
	const void *bytes = object_bytes_not_here(&size);

	if (!bytes || !(later = bpf_object__open_mem(bytes, size, &opts)))
		return;
	bpf_object__for_each_program (prog, later) {
		const char *name = bpf_program__name(prog);
		const struct hook *hook = hooks_find(name);

		if (hook && hook->flags & HOOK_EXTRA && !hooks_is_repeat(name) &&
		    !bpf_object__find_program_by_name(load->obj, name))
			add_line(load->report->refused, bpf_program__section_name(prog), "needs Linux 5.17");
	}
	bpf_object__close(later);
}

/* ---- what is kept */

/* All of them: programs for a module that comes later use the same ones. */
static int keep_maps(struct load *load, struct hold *hold)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, load->obj) if (!err) err =
		hold_copy(hold, HOLD_MAP, map_name(map), bpf_map__fd(map));
	return err;
}

static int keep_programs(struct load *load, struct hold *hold)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program (prog, load->obj)
		if (bpf_program__autoload(prog) && !is_section(prog, "iter/") && !err)
			err = hold_copy(hold, HOLD_PROGRAM, bpf_program__name(prog), bpf_program__fd(prog));
	return err;
}

/* ---- attach */

static int keep_link(struct hold *hold, const struct bpf_program *prog, struct bpf_link *link)
{
	int err = link ? hold_copy(hold, HOLD_LINK, bpf_program__name(prog), bpf_link__fd(link)) : -errno;

	bpf_link__destroy(link); /* its own descriptor */
	return err;
}

/* The iterator over the state of sockets says over which map. */
static int keep_iterators(struct load *load, struct hold *hold)
{
	union bpf_iter_link_info info = {};
	LIBBPF_OPTS(bpf_iter_attach_opts, of_map, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_map *sockets = bpf_object__find_map_by_name(load->obj, "sockets");
	struct bpf_program *prog;
	int err;

	if (!sockets)
		return -ENOENT;
	info.map.map_fd = bpf_map__fd(sockets);
	bpf_object__for_each_program (prog, load->obj) {
		if (!bpf_program__autoload(prog) || !is_section(prog, "iter/"))
			continue;
		err = keep_link(
			hold, prog,
			bpf_program__attach_iter(prog, is_section(prog, "iter/bpf_") ? &of_map : NULL));
		if (err < 0)
			leave_out(load, prog, strerror(-err));
	}
	return 0;
}

static void attach(struct load *load, struct hold *hold, struct bpf_program *prog, int cgroup_fd)
{
	const struct hook *hook = hooks_find(bpf_program__name(prog));
	bool cgroup = is_section(prog, "cgroup/");
	int err;

	if (!bpf_program__autoload(prog) || is_section(prog, "iter/") || (hook && hook->flags & HOOK_LATER) ||
	    (cgroup && cgroup_fd < 0))
		return;
	err = keep_link(hold, prog,
			cgroup ? bpf_program__attach_cgroup(prog, cgroup_fd) : bpf_program__attach(prog));
	if (err < 0)
		leave_out(load, prog, strerror(-err));
	else
		load->report->attached++;
}

/* Does every first have its repeats, as far as programs or links go? */
static bool repeats_complete(const struct load *load, const struct hold *hold, enum hold_kind kind)
{
	char first[HOLD_NAME_SIZE];
	struct bpf_program *prog;
	bool any = false;

	bpf_object__for_each_program (prog, load->obj) {
		const char *name = bpf_program__name(prog);

		if (!hooks_is_repeat(name) || !hooks_first(first, sizeof(first), name) ||
		    hold_fd(hold, kind, first) < 0)
			continue;
		if (hold_fd(hold, kind, name) < 0)
			return false;
		any = true;
	}
	return any;
}

/* Attach those that stay to the end, or all others. True if there were any. */
static bool attach_those(struct load *load, struct hold *hold, bool stay, int cgroup_fd)
{
	unsigned before = load->report->attached;
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, load->obj) {
		const struct hook *hook = hooks_find(bpf_program__name(prog));

		if (hook && !!(hook->flags & HOOK_STAYS) == stay)
			attach(load, hold, prog, cgroup_fd);
	}
	return load->report->attached > before;
}

/* What keeps watching exact comes first: whoever ends a socket before whoever counts on it. */
void load_attach(struct load *load, struct wire_shared *shared, struct hold *hold)
{
	int cgroup_fd = cgroup_root_open();

	if (cgroup_fd < 0)
		add_line(load->report->missing, "cgroup hooks",
			 "no cgroup v2: peers of datagrams and failed connects are not seen");
	shared->no_release = !attach_those(load, hold, true, cgroup_fd);
	shared->repeated = repeats_complete(load, hold, HOLD_PROGRAM); /* before any of them runs */
	attach_those(load, hold, false, cgroup_fd);
	if (!repeats_complete(load, hold, HOLD_LINK))
		shared->repeated = 0;
	if (cgroup_fd >= 0)
		close(cgroup_fd);
}

int load_open(struct load **out, const struct load_wish *wish, struct load_report *report, struct hold *hold)
{
	struct load *load = calloc(1, sizeof(*load));
	int err = -ENOMEM;

	if (!load)
		return err;
	load->wish = *wish;
	load->report = report;
	libbpf_set_print(libbpf_says);
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
		err = -errno;
		log_warnx("this kernel has no BTF (/sys/kernel/btf/vmlinux): it was built without "
			  "CONFIG_DEBUG_INFO_BTF");
	} else if ((err = load_some_set(load)) < 0) {
		log_warnx("no BPF program could be loaded: %s",
			  first_warning[0] ? first_warning : strerror(-err));
	} else if ((err = keep_maps(load, hold)) < 0 || (err = keep_programs(load, hold)) < 0 ||
		   (err = keep_iterators(load, hold)) < 0) {
		log_warnx("BPF: %s", strerror(-err));
	} else {
		tell_not_here(load);
	}
	if (err < 0) {
		load_free(load);
		return err;
	}
	*out = load;
	return 0;
}

void load_free(struct load *load)
{
	if (!load)
		return;
	bpf_object__close(load->obj);
	object_give_back();
	free(load);
}

/* ---- later */

/* Take away the lines that end with this. */
static void remove_lines(char *text, const char *end)
{
	size_t len, tail = strlen(end);
	char *to = text;

	for (char *line = text; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (len >= tail && strncmp(line + len - tail, end, tail) == 0)
			continue;
		if (to != text)
			*to++ = '\n';
		memmove(to, line, len);
		to += len;
	}
	*to = '\0';
}

bool load_waits_for(const struct load_report *report, const char *module)
{
	char line[80];

	snprintf(line, sizeof(line), ": " MODULE_ABSENT, module);
	return strstr(report->refused, line) != NULL;
}

int load_module(const char *module, struct load_report *report, const struct hold *have, struct hold *more)
{
	struct load load = {.report = report, .module = module, .have = have};
	unsigned before = report->attached;
	struct bpf_program *prog;
	char line[80];
	int err;

	libbpf_set_print(libbpf_says);
	snprintf(line, sizeof(line), ": " MODULE_ABSENT, module);
	remove_lines(report->refused, line);
	if ((err = load_set(&load, report->set)) < 0 || (err = keep_programs(&load, more)) < 0) {
		add_line(report->refused, module, first_warning[0] ? first_warning : strerror(-err));
		bpf_object__close(load.obj);
		return err;
	}
	bpf_object__for_each_program (prog, load.obj)
		attach(&load, more, prog, -1);
	bpf_object__close(load.obj);
	return (int)(report->attached - before);
}
