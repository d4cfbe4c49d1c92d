// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * resolve.bpf.c - what getaddrinfo(3) answers a program: the name it asked for and the addresses it got, be
 * it from a name server, hosts(5) or a service of the machine that no packet shows (nss-resolve, nscd). Two
 * traps per call, a microsecond or two each, in the C libraries that collector/libc.c finds. 64-bit programs
 * only.
 */
#include "bpf/image.bpf.h"
#include "bpf/peer.bpf.h"

#define RESOLVING_MAX 256 /* calls under way; past that the oldest is forgotten */
#define HOST_MAX 256	  /* a host has 253 bytes at most */
#define ADDRESSES_MAX 24  /* looked at; one for each kind of socket */

extern const volatile __u32 name_programs;

struct resolving {
	__u64 host; /* the arguments of the call */
	__u64 result;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH); /* a thread may end in it */
	__uint(max_entries, RESOLVING_MAX);
	__type(key, __u32);
	__type(value, struct resolving);
} resolving SEC(".maps") __weak;

struct addrinfo { /* netdb.h: glibc and musl agree */
	__u32 flags, family, type, protocol;
	__u32 addr_len, pad;
	__u64 addr, name, next;
};

struct host_record {
	struct wire_hdr hdr;
	struct wire_payload payload;
	char host[HOST_MAX];
};

#if defined(__TARGET_ARCH_x86)
#define ARG1(regs) ((regs)->di)
#define ARG4(regs) ((regs)->cx)
#define RESULT(regs) ((regs)->ax)
#else
#define ARG1(regs) ((regs)->user_regs.regs[0])
#define ARG4(regs) ((regs)->user_regs.regs[3])
#define RESULT(regs) ((regs)->user_regs.regs[0])
#endif

SEC("uprobe")
int on_resolve(struct pt_regs *ctx)
{
	struct resolving call = {.host = ARG1(ctx), .result = ARG4(ctx)};
	__u32 tid = bpf_get_current_pid_tgid();

	if (shared.read_names && call.host)
		bpf_map_update_elem(&resolving, &tid, &call, BPF_ANY);
	return 0;
}

/* The address of one result. False: none of a kind that we know. */
static __always_inline bool result_peer(const struct addrinfo *result, struct peer *peer)
{
	struct sockname name = {};

	if (result->family == AF_INET)
		return !bpf_probe_read_user(&name, SOCKNAME_IN, (void *)result->addr) &&
		       peer_of_name(&name, false, peer);
	return result->family == AF_INET6 &&
	       !bpf_probe_read_user(&name, sizeof(name), (void *)result->addr) &&
	       peer_of_name(&name, false, peer);
}

static __always_inline void host_fill(struct host_record *rec, __u32 len)
{
	struct task_struct *task = current_task();

	rec->hdr.version = WIRE_VERSION;
	rec->hdr.type = WIRE_PAYLOAD;
	rec->hdr.len = sizeof(rec->payload) + len;
	image_key(task, &rec->payload.image);
	rec->payload.cookie = 0;
	rec->payload.time_ns = bpf_jiffies64();
	rec->payload.offset = 0;
	rec->payload.netns = task_netns(task);
	rec->payload.flags = WIRE_PAYLOAD_RECEIVED | WIRE_PAYLOAD_LIBC;
	rec->payload.rport = 0;
	rec->payload.protocol = 0;
	rec->payload.data_len = len;
}

/* What is still to come, in the part of the scratch that an exec record needs for its environment. */
struct host_walk {
	__u64 at;
	struct peer last;
};

/* One result: each address has a record. They come in groups, an address for each kind of socket. Global
 * functions, which the verifier looks at once. */
__weak __noinline int host_result(__u32 index)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &index);
	struct addrinfo result = {};
	struct host_record *rec;
	struct host_walk *walk;
	struct peer peer = {};
	__u64 size, flags;

	if (!scratch)
		return 0;
	rec = (struct host_record *)&scratch->hdr;
	walk = (struct host_walk *)&scratch->env;
	if (bpf_probe_read_user(&result, sizeof(result), (void *)walk->at)) {
		lost(WIRE_LOSS_NAME, 0);
		return 0;
	}
	walk->at = result.next;
	if (!result_peer(&result, &peer) || peer_same(&peer, &walk->last))
		return 1;
	walk->last = peer;
	__builtin_memcpy(rec->payload.raddr, peer.addr, sizeof(rec->payload.raddr));
	rec->payload.family = peer.family;
	flags = wake(false);
	size = sizeof(rec->hdr) + sizeof(rec->payload) + rec->payload.data_len;
	barrier_var(size); /* the verifier must see the bound beside its use */
	if (size > sizeof(*rec) || bpf_ringbuf_output(&ring, rec, size, flags))
		lost(WIRE_LOSS_NAME, 0);
	return 1;
}

static __always_inline void host_send(struct exec_scratch *scratch, __u64 at)
{
	struct host_walk *walk = (struct host_walk *)&scratch->env;

	walk->at = at;
	__builtin_memset(&walk->last, 0, sizeof(walk->last));
	for (int i = 0; i < ADDRESSES_MAX && walk->at; i++)
		if (!host_result(scratch->index))
			break;
}

/* An address in digits is no name: a colon where it begins, or nothing but digits and dots. A global
 * function: the verifier looks at it once. */
__weak __noinline int is_address(__u32 index)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &index);
	const char *host = scratch ? ((struct host_record *)&scratch->hdr)->host : NULL;

	if (!host)
		return 1;
	for (int i = 0; i < 5 && host[i]; i++)
		if (host[i] == ':')
			return 1;
	for (int i = 0; i < 16 && host[i]; i++)
		if (host[i] != '.' && (host[i] < '0' || host[i] > '9'))
			return 0;
	return 1;
}

static __always_inline void host_found(const struct resolving *call)
{
	struct exec_scratch *scratch;
	struct host_record *rec;
	__u64 first = 0;
	long len;

	if (bpf_probe_read_user(&first, sizeof(first), (void *)call->result) || !first)
		return;
	scratch = scratch_take();
	if (!scratch) {
		lost(WIRE_LOSS_NAME, 0);
		return;
	}
	rec = (struct host_record *)&scratch->hdr;
	len = bpf_probe_read_user_str(rec->host, HOST_MAX, (void *)call->host);
	if (len > 1 && len <= HOST_MAX && !is_address(scratch->index)) {
		host_fill(rec, len - 1);
		host_send(scratch, first);
	}
	scratch_give(scratch);
}

SEC("uretprobe")
int on_resolved(struct pt_regs *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct resolving *there = bpf_map_lookup_elem(&resolving, &tid), call;

	if (!there)
		return 0;
	call = *there;
	bpf_map_delete_elem(&resolving, &tid);
	if (name_programs && shared.read_names && (int)RESULT(ctx) == 0)
		host_found(&call);
	return 0;
}
