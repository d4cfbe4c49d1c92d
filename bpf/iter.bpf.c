// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iter.bpf.c - what the collector reads by itself: counters of sockets that live, and, once at the start, the
 * processes and sockets that were there before us. Iterators over tasks: Linux 5.8, over maps: 5.9.
 */
#include "bpf/report.bpf.h"

/* The differences of one socket since the last look. What does not fit the buffer makes the kernel discard
 * the element and show it again, so there must be room before anything is taken. */
#if EARLY
SEC("iter/bpf_map_elem")
int sweep_sockets(struct bpf_iter__bpf_map_elem *ctx)
#else
SEC("iter/bpf_sk_storage_map")
int sweep_sockets(struct bpf_iter__bpf_sk_storage_map *ctx)
#endif
{
	struct socket_state *state = ctx->value;
	struct seq_file *seq = ctx->meta->seq;
	struct flow_record rec = {};

	if (!state) {
		shared.jiffies = bpf_jiffies64(); /* the call after the last element */
		return 0;
	}
	if (state->flags & SOCKET_RELEASED)
		return 0;
	if (state->attempt_state == ATTEMPT_ASKED &&
	    bpf_jiffies64() - state->attempt.time_ns > shared.ask_ticks)
		attempt_failed_here(state);
	if (!slot_has_news(&state->slot[0]) && !slot_has_news(&state->slot[1]))
		return 0;
	if (seq->count + SLOTS * sizeof(rec) >= seq->size) {
		bpf_seq_write(seq, state,
			      SLOTS * sizeof(rec)); /* overflows: the kernel ends this read here */
		return 0;
	}
	flow_hdr(&rec.hdr);
	for (int i = 0; i < SLOTS; i++) {
		if (!slot_has_news(&state->slot[i]))
			continue;
		slot_take(&state->slot[i], state, &rec.flow);
		bpf_seq_write(seq, &rec, sizeof(rec));
	}
	return 0;
}

/* A process that ran before us: the record that execve would have made, without the command line (its memory
 * is not ours to read here; the collector takes it from /proc). */
SEC("iter/task")
int seed_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	const struct file *file;
	struct exec_scratch *scratch;
	__u32 path_len = 0;
	unsigned long size;

	if (!task || task->pid != task->tgid)
		return 0;
	scratch = scratch_take();
	if (!scratch)
		return 0; /* its first use of the network describes it */
	file = BPF_CORE_READ(task, mm, exe_file);
	exec_fill(&scratch->exec, task, file, WIRE_EXEC_RUNNING);
	if (file)
		path_len = path_write(scratch, file);
	scratch->exec.path_len = path_len;
	scratch->hdr.version = WIRE_VERSION;
	scratch->hdr.type = WIRE_EXEC;
	scratch->hdr.len = sizeof(scratch->exec) + path_len;
	size = EXEC_HDR_SIZE + path_len;
	bpf_seq_write(ctx->meta->seq, &scratch->hdr, size);
	scratch_give(scratch);
	return 0;
}

/* ---- sockets that were open before us */

static __always_inline void note_listening(struct sock *sk)
{
	struct listening key = {};
	__u8 yes = 1;

	if (sk->__sk_common.skc_state != TCP_LISTEN)
		return;
	key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key.port = sk->__sk_common.skc_num;
	bpf_map_update_elem(&listening, &key, &yes, BPF_ANY);
}

/* Whether a connection was made or accepted, only its local port can tell: somebody listens there, or nobody
 * does. */
static __always_inline enum wire_direction seed_direction(struct sock *sk, struct socket_state *state)
{
	struct listening key = {};

	set_bits(&state->flags, SOCKET_SEEDED);
	key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key.port = sk->__sk_common.skc_num;
	if (bpf_map_lookup_elem(&listening, &key))
		return WIRE_DIRECTION_IN;
	set_bits(&state->flags, SOCKET_OUT);
	return WIRE_DIRECTION_OUT;
}

static __always_inline void seed_tcp(struct sock *sk, struct socket_state *state)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp || state->flags & SOCKET_BASED)
		return;
	state->copied_seq = tcp_read_up_to(sk, tcp);
	set_bits(&state->flags, SOCKET_BASED);
}

#if EARLY

/* bpf_sock_from_file came with Linux 5.11, so these have no owner before their first byte, and those of other
 * network namespaces are met then. */
SEC("iter/tcp")
int seed_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock *sk = ctx->sk_common ? (struct sock *)bpf_skc_to_tcp_sock(ctx->sk_common) : NULL;
	struct socket_state *state;

	if (!sk)
		return 0;
	if (shared.seed_pass == 1) {
		note_listening(sk);
		return 0;
	}
	state = socket_get(sk);
	if (!state)
		return 0;
	seed_tcp(sk, state);
	seed_direction(sk, state);
	return 0;
}

#else

/* An open connection belongs to the process that holds it, until somebody else moves bytes on it. */
static __always_inline void seed_owner(struct sock *sk, struct socket_state *state,
				       const struct task_struct *task, enum wire_direction direction)
{
	struct moved moved = {
		.result = WIRE_RESULT_OPEN, .peer_known = WIRE_PEER_SOCKET, .direction = direction};
	struct slot *slot = &state->slot[0];
	struct peer peer = {};

	if (sk->__sk_common.skc_state != TCP_ESTABLISHED ||
	    cas(&slot->state, SLOT_FREE, SLOT_BUSY) != SLOT_FREE)
		return;
	peer_of_socket(sk, &peer);
	slot_fill(slot, task, sk, &peer, &moved);
	image_key_read(task, &slot->image);
	slot->connection = state->connection;
	slot->seeded = 1;
	slot->first_ns = slot->last_ns = bpf_jiffies64();
	cas(&slot->state, SLOT_BUSY, SLOT_OWNED);
}

SEC("iter/task_file")
int seed_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_state *state;
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	sk = socket->sk;
	family = sk->__sk_common.skc_family;
	if ((family != AF_INET && family != AF_INET6) || !is_connection(sk))
		return 0;
	if (shared.seed_pass == 1) {
		note_listening(sk);
		return 0;
	}
	state = socket_get(sk);
	if (!state)
		return 0;
	seed_tcp(sk, state);
	seed_owner(sk, state, task, seed_direction(sk, state));
	return 0;
}

#endif
