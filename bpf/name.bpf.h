/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name.bpf.h - copies the bytes that may name a peer to the collector (wire_payload): what name servers
 * answered, and how a connection begins where that looks like TLS, QUIC or HTTP. Nothing runs for this alone:
 * it is called where bytes are counted, and a socket that was looked at once is not looked at again.
 *
 *  - TCP that was connect()ed: the first bytes sent, until the ClientHello is whole or WIRE_PAYLOAD_MAX
 *  - UDP: of the first datagram to each peer its first byte; a QUIC Initial is copied, and those after it
 *  - what is sent to ports 53 and 5355 and comes from there or from port 5353; of TCP the first of it
 *
 * What cannot be read (io_uring, several messages in one call, a page that has gone) is counted, never
 * guessed: WIRE_LOSS_NAME.
 *
 * Nothing of this is done while shared.read_names is 0, and none of it is looked at by a kernel that refused
 * it: the collector then loads the programs with name_programs 0.
 */
#ifndef FEMTOSNITCH_NAME_BPF_H
#define FEMTOSNITCH_NAME_BPF_H

#include "bpf/account.bpf.h"
#include "bpf/bytes.bpf.h"

extern const volatile __u32 name_programs;

#define PIECE 4096 /* bytes of a record, a power of two; datagrams are cut there */
#define PIECES_MAX (WIRE_PAYLOAD_MAX / PIECE)
#define VECTOR_MAX 8	     /* pieces of the caller's in one record */
#define STREAM_MAX 65536     /* of what a name server answered over TCP */
#define BEGINNING_SHORT 2048 /* where the length of a ClientHello was not in the first bytes sent */
#define REQUEST_SHORT 1024   /* of a plain request that was sent in parts */
#define REQUEST_MAX 4096
#define INITIALS 3 /* datagrams with a long header to one peer: a ClientHello takes two at most, so far */

#define PORT_DNS 53
#define PORT_MDNS 5353
#define PORT_LLMNR 5355

/* A record, in the memory of an exec_scratch from its header on. */
struct payload_record {
	struct wire_hdr hdr;
	struct wire_payload payload;
	char data[2 * PIECE]; /* the second half is there for the verifier's sake */
};

/* What is still to be copied, in the part of the scratch that an exec record needs for its environment. */
struct payload_walk {
	struct bytes bytes;
	__u32 left;
	__u32 records; /* that may still be made */
};

_Static_assert(sizeof(struct payload_record) <= sizeof(struct exec_scratch) - SCRATCH_HDR,
	       "a payload fits the scratch");
_Static_assert(sizeof(struct payload_walk) <= sizeof(struct env_walk), "and so does its walk");

static __always_inline struct payload_record *scratch_record(struct exec_scratch *scratch)
{
	return (struct payload_record *)&scratch->hdr;
}

static __always_inline struct payload_walk *scratch_payload(struct exec_scratch *scratch)
{
	return (struct payload_walk *)&scratch->env;
}

/* One piece of the caller's into the record. The number of bytes, 0: it cannot be read. */
static __always_inline __u32 payload_read(struct payload_record *rec, struct payload_walk *walk, __u32 at)
{
	__u64 len = walk->bytes.len;

	if (len > walk->left)
		len = walk->left;
	if (len > PIECE - at)
		len = PIECE - at;
	barrier_var(len);
	if (!len || len > PIECE)
		return 0;
	if (bpf_probe_read_user(rec->data + (at & (PIECE - 1)), len, (void *)walk->bytes.at))
		return 0;
	walk->bytes.at += len;
	walk->bytes.len -= len;
	walk->left -= len;
	return len;
}

/* Fill and send one record, of what that scratch has to walk. False: there is no more to come, or it cannot
 * be read, which is counted. A global function: see describe_current(). */
__weak __noinline int payload_send(__u32 index)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &index);
	struct payload_record *rec;
	struct payload_walk *walk;
	__u32 size = 0;

	if (!scratch || !name_programs)
		return 0;
	rec = scratch_record(scratch);
	walk = scratch_payload(scratch);
	for (int i = 0; i < VECTOR_MAX && walk->left && size < PIECE; i++) {
		if (!walk->bytes.len && !bytes_next(&walk->bytes))
			break;
		size += payload_read(rec, walk, size);
	}
	if (!size || size > PIECE) {
		lost(WIRE_LOSS_NAME, 0);
		return 0;
	}
	if (size < PIECE || !--walk->records)
		walk->records = 0;
	if (walk->left && !walk->records)
		rec->payload.flags |= WIRE_PAYLOAD_CUT;
	rec->payload.data_len = size;
	rec->hdr.len = sizeof(rec->payload) + size;
	if (bpf_ringbuf_output(&ring, rec, sizeof(rec->hdr) + sizeof(rec->payload) + size, wake(false)))
		lost(WIRE_LOSS_NAME, 0);
	rec->payload.offset += size;
	return walk->left && walk->records;
}

/* What a call moved, and what of it is wanted. */
struct wanted {
	__u64 offset;
	__u32 len;
	__u32 flags; /* of wire_payload */
	bool stream; /* may go on in another record */
};

static __noinline void payload(struct sock *sk, struct socket_state *state, const struct peer *peer,
			       const struct bytes *bytes, const struct wanted *wanted)
{
	struct exec_scratch *scratch = scratch_take();
	struct wire_payload *to;

	if (!scratch) {
		lost(WIRE_LOSS_NAME, 0);
		return;
	}
	scratch->hdr.version = WIRE_VERSION;
	scratch->hdr.type = WIRE_PAYLOAD;
	to = &scratch_record(scratch)->payload;
	mover(sk, state, current_task(), &to->image);
	to->cookie = state->cookie ? state->cookie : socket_cookie(sk);
	to->time_ns = bpf_jiffies64();
	to->offset = wanted->offset;
	to->netns = sk->__sk_common.skc_net.net->ns.inum;
	to->flags = wanted->flags;
	__builtin_memcpy(to->raddr, peer->addr, sizeof(to->raddr));
	to->rport = peer->port;
	to->family = peer->family;
	to->protocol = sk->sk_protocol;
	scratch_payload(scratch)->bytes = *bytes;
	scratch_payload(scratch)->left = wanted->len;
	scratch_payload(scratch)->records = wanted->stream ? PIECES_MAX : 1;
	for (int i = 0; i < PIECES_MAX; i++)
		if (!payload_send(scratch->index))
			break;
	scratch_give(scratch);
}

/* The kernel's own sockets ask nobody for a name. */
static __always_inline bool names_wanted(const struct socket_state *state)
{
	return name_programs && shared.read_names && !(state->flags & SOCKET_KERNEL);
}

/* msg: what a trampoline has, NULL = ask the system call. which: see bytes_of_this_call(). */
static __always_inline bool name_bytes(struct bytes *bytes, const struct msghdr *msg, int moved, int which)
{
	bool found = msg ? bytes_of_message(bytes, msg, moved) : bytes_of_call(bytes, which);

	if (!found)
		lost(WIRE_LOSS_NAME, 0);
	return found;
}

/* ---- how a connection begins */

#define BEGIN 16 /* bytes that tell */

/* The first bytes that are in memory together; the rest of begin stays zero. */
static __always_inline __u32 name_begin(const struct bytes *bytes, int moved, __u8 begin[BEGIN])
{
	__u64 len = bytes->len;

	if (len > (__u32)moved)
		len = (__u32)moved;
	if (len > BEGIN)
		len = BEGIN;
	barrier_var(len);
	if (!len || len > BEGIN)
		return 0;
	if (bpf_probe_read_user(begin, len, (void *)bytes->at)) {
		lost(WIRE_LOSS_NAME, 0);
		return 0;
	}
	return len;
}

/* RFC 8446: a handshake record (22) with a ClientHello (1), which may go on in further records. Its length
 * with headers, 0: it is none. */
static __always_inline __u32 tls_wanted(const __u8 *begin, __u32 len)
{
	__u32 record = begin[3] << 8 | begin[4], hello = begin[6] << 16 | begin[7] << 8 | begin[8], whole;

	if (begin[0] != 22 || (len > 1 && begin[1] != 3) || (len > 5 && begin[5] != 1))
		return 0;
	if (len < 5)
		return BEGINNING_SHORT;
	if (len < 9)
		return 5 + record;
	whole = hello + 9;
	if (record < hello + 4)
		whole += 32 * 5; /* headers of more records than anybody makes */
	return whole < WIRE_PAYLOAD_MAX ? whole : WIRE_PAYLOAD_MAX;
}

#define WORD(a, b, c, d) ((a) | (b) << 8 | (c) << 16 | (d) << 24)

static __always_inline bool is_request(const __u8 *begin)
{
	switch (*(const __u32 *)begin) {
	case WORD('G', 'E', 'T', ' '):
	case WORD('P', 'O', 'S', 'T'):
	case WORD('H', 'E', 'A', 'D'):
	case WORD('P', 'U', 'T', ' '):
	case WORD('D', 'E', 'L', 'E'):
	case WORD('O', 'P', 'T', 'I'):
	case WORD('P', 'A', 'T', 'C'):
	case WORD('C', 'O', 'N', 'N'):
		return true;
	default:
		return false;
	}
}

/* A request that ends as its header does is whole. */
static __always_inline __u32 request_wanted(const struct bytes *bytes, __u32 moved)
{
	__u32 end = 0;

	if (moved > REQUEST_SHORT)
		return moved < REQUEST_MAX ? moved : REQUEST_MAX;
	if (moved >= sizeof(end) && bytes->len >= moved &&
	    !bpf_probe_read_user(&end, sizeof(end), (void *)(bytes->at + moved - sizeof(end))) &&
	    end == WORD('\r', '\n', '\r', '\n'))
		return moved;
	return REQUEST_SHORT;
}

/* To a name server: all of the first questions. */
static __always_inline bool stream_questions(const struct sock *sk)
{
	return sk->__sk_common.skc_dport == bpf_htons(PORT_DNS);
}

static __always_inline bool name_begins(const struct sock *sk, struct socket_state *state,
					const struct bytes *bytes, int moved)
{
	__u8 begin[BEGIN] __attribute__((aligned(8))) = {};
	__u32 len = name_begin(bytes, moved, begin);

	if (!len)
		return false;
	if (stream_questions(sk))
		state->naming.wanted = WIRE_PAYLOAD_MAX;
	else
		state->naming.wanted =
			is_request(begin) ? request_wanted(bytes, moved) : tls_wanted(begin, len);
	return state->naming.wanted;
}

/* Is what is sent now the beginning of a connection that we saw from its beginning? */
static __always_inline bool is_beginning(const struct socket_state *state)
{
	return (state->flags & (SOCKET_OUT | SOCKET_BEGUN | SOCKET_NAMED)) == (SOCKET_OUT | SOCKET_BEGUN);
}

/* The next bytes of the beginning. */
static __noinline __attribute__((unused)) void name_beginning(struct sock *sk, struct socket_state *state,
							      const struct msghdr *msg, int moved)
{
	struct naming *naming = &state->naming;
	struct wanted wanted = {.offset = naming->seen, .stream = true};
	struct bytes bytes = {};
	struct peer peer = {};

	if (!names_wanted(state) || !name_bytes(&bytes, msg, moved, naming->wanted ? MESSAGE_UNKNOWN : 0) ||
	    (!naming->wanted && !name_begins(sk, state, &bytes, moved))) {
		set_bits(&state->flags, SOCKET_NAMED);
		return;
	}
	wanted.len = naming->wanted - naming->seen;
	if (wanted.len >= (__u32)moved)
		wanted.len = moved;
	if (wanted.len < (__u32)moved || naming->seen + wanted.len >= naming->wanted)
		set_bits(&state->flags, SOCKET_NAMED);
	naming->seen += wanted.len;
	peer_of_socket(sk, &peer);
	payload(sk, state, &peer, &bytes, &wanted);
}

/* ---- datagrams */

static __always_inline bool is_name_port(__u16 port)
{
	return port == PORT_DNS || port == PORT_MDNS || port == PORT_LLMNR;
}

static __always_inline __u32 naming_bit(const struct peer *peer)
{
	return ((peer->addr[0] ^ peer->addr[3] ^ (__u32)peer->port << 7) * 0x9E3779B1u) >> 26;
}

/* Is this peer done with? */
static __always_inline bool is_named(const struct socket_state *state, const struct peer *peer)
{
	return state->named >> naming_bit(peer) & 1;
}

/* A QUIC Initial of version 1 or 2 (RFC 9000, 17.2.2; RFC 9369, 3.2). */
static __always_inline bool is_initial(const __u8 *begin)
{
	__u32 version = begin[1] << 24 | begin[2] << 16 | begin[3] << 8 | begin[4];

	return (version == 1 && (begin[0] & 0xf0) == 0xc0) ||
	       (version == 0x6b3343cf && (begin[0] & 0xf0) == 0xd0);
}

/* True: more of these may come. */
static __always_inline bool name_initial(struct sock *sk, struct socket_state *state,
					 const struct msghdr *msg, int moved, const struct peer *peer)
{
	bool first = !state->named && !state->naming.seen && !(state->flags & SOCKET_SEEDED);
	struct wanted wanted = {.len = moved};
	__u8 begin[BEGIN] __attribute__((aligned(8))) = {};
	struct bytes bytes = {};

	if (!name_bytes(&bytes, msg, moved, first ? 0 : MESSAGE_UNKNOWN) ||
	    name_begin(&bytes, moved, begin) < 5 || !(begin[0] & 0x80))
		return false;
	if (is_initial(begin))
		payload(sk, state, peer, &bytes, &wanted);
	return state->naming.seen + 1 < INITIALS;
}

/* A datagram to a peer that is not done with. */
static __noinline __attribute__((unused)) void name_datagram(struct sock *sk, struct socket_state *state,
							     const struct msghdr *msg, int moved,
							     const struct peer *peer)
{
	struct naming *naming = &state->naming;
	__u32 bit = naming_bit(peer);

	if (naming->wanted != bit + 1) {
		naming->wanted = bit + 1;
		naming->seen = 0;
	}
	if (!names_wanted(state) || !name_initial(sk, state, msg, moved, peer))
		state->named |= 1ull << bit;
	naming->seen++;
}

/* ---- questions and answers */

/* Who answers them is known by them; to announce a name by multicast nobody needs to ask. */
static __always_inline bool is_question_port(__u16 port)
{
	return port == PORT_DNS || port == PORT_LLMNR;
}

/* The C library sends its two questions in one call, the first on a new socket: there, and while the vector
 * is the same, messages are known by their number. */
static __always_inline int question_which(struct naming *naming, const struct call *call)
{
	__u16 vector = call->at >> 4 | 1;

	if (call->what != CALL_MESSAGES)
		return MESSAGE_UNKNOWN;
	if (!naming->seen)
		naming->wanted = vector;
	return naming->wanted == vector ? naming->seen : MESSAGE_UNKNOWN;
}

static __always_inline bool question_bytes(struct socket_state *state, struct bytes *bytes,
					   const struct msghdr *msg, int moved)
{
	struct naming *naming = &state->naming;
	struct call call = {};
	bool found;

	if (msg) {
		found = bytes_of_message(bytes, msg, moved);
	} else {
		call_read(&call);
		found = bytes_of_this_call(bytes, &call, question_which(naming, &call));
	}
	if (naming->seen != 0xffff)
		naming->seen++;
	return found;
}

static __noinline __attribute__((unused)) void name_question(struct sock *sk, struct socket_state *state,
							     const struct msghdr *msg, int moved,
							     const struct peer *peer)
{
	struct wanted wanted = {.len = moved};
	struct bytes bytes = {};

	if (!names_wanted(state))
		return;
	if (question_bytes(state, &bytes, msg, moved))
		payload(sk, state, peer, &bytes, &wanted);
	else
		lost(WIRE_LOSS_NAME, 0);
}

static __noinline __attribute__((unused)) void name_answer(struct sock *sk, struct socket_state *state,
							   const struct msghdr *msg, int moved,
							   const struct peer *peer)
{
	struct wanted wanted = {.len = moved, .flags = WIRE_PAYLOAD_RECEIVED};
	struct bytes bytes = {};

	if (names_wanted(state) && name_bytes(&bytes, msg, moved, MESSAGE_UNKNOWN))
		payload(sk, state, peer, &bytes, &wanted);
}

/* Over TCP. What was read before it is told by TCP's own numbers. */
static __noinline __attribute__((unused)) void name_stream_answer(struct sock *sk, const struct msghdr *msg,
								  int moved)
{
	struct wanted wanted = {.flags = WIRE_PAYLOAD_RECEIVED, .stream = true};
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct socket_state *state = socket_find(sk);
	struct bytes bytes = {};
	struct peer peer = {};
	__u32 begin;

	if (!tcp || !state || !names_wanted(state))
		return;
	begin = tcp->rcv_nxt - (__u32)tcp->bytes_received;
	wanted.offset = tcp_read_up_to(sk, tcp) - moved - begin;
	wanted.len = moved;
	if (wanted.offset >= STREAM_MAX || !name_bytes(&bytes, msg, moved, MESSAGE_UNKNOWN))
		return;
	peer_of_socket(sk, &peer);
	payload(sk, state, &peer, &bytes, &wanted);
}

#endif
