// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cgroup.bpf.c - the path of every cgroup, told when it is made: that of a container may be gone a second
 * later, and what ran there would be somewhere nobody can name. Records of processes and sockets carry only
 * its number.
 *
 * cgroup_mkdir (Linux 4.20) hands out the path. cgroup_rename has no program: version 2 renames nothing. The
 * kernel calls both with a spinlock of its own held (TRACE_CGROUP_PATH), so that no run meets another, on
 * this CPU or elsewhere, and one buffer is enough.
 */
#include "bpf/maps.bpf.h"

struct cgroup_root {
	int hierarchy_id;
} __attribute__((preserve_access_index));

struct cgroup___of_root { /* a flavour: the members that nobody else reads */
	struct cgroup_root *root;
} __attribute__((preserve_access_index));

struct cgroup_record {
	struct wire_hdr hdr;
	struct wire_cgroup cgroup;
	char path[WIRE_CGROUP_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_record);
} cgroup_scratch SEC(".maps");

/* Version 2 is the hierarchy that the kernel sets up first. */
static __always_inline bool is_version_2(const struct cgroup *cgrp)
{
	const struct cgroup___of_root *of_root = (const void *)cgrp;

	return BPF_CORE_READ(of_root, root, hierarchy_id) == 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgrp, const char *path)
{
	struct cgroup_record *rec;
	__u32 zero = 0;
	long len;

	rec = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	if (!rec || !is_version_2(cgrp))
		return 0;
	len = bpf_probe_read_kernel_str(rec->path, sizeof(rec->path), path);
	if (len < 1 || len > WIRE_CGROUP_MAX)
		return 0;
	rec->hdr.version = WIRE_VERSION;
	rec->hdr.type = WIRE_CGROUP;
	rec->hdr.len = sizeof(rec->cgroup) + len;
	rec->cgroup.id = BPF_CORE_READ(cgrp, kn, id);
	rec->cgroup.flags = len == WIRE_CGROUP_MAX ? WIRE_CGROUP_CUT : 0; /* filled to the last byte */
	rec->cgroup.path_len = len;
	if (bpf_ringbuf_output(&ring, rec, sizeof(rec->hdr) + sizeof(rec->cgroup) + len, wake(false)))
		lost(WIRE_LOSS_RING_FULL, 0);
	return 0;
}
