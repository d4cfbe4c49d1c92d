/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maps.bpf.h - every map and global that the programs share, and what each may grow to.
 *
 * ring       records to the collector; its size is the setting "Perf ring buffer (pages)"
 * sockets    one struct socket_state per socket (432 B, charged to the socket, freed with it)
 * overflow   what has no slot in a socket_state: at most OVERFLOW_MAX flows between two looks of the
 *            collector; past that, traffic is lost and counted with its bytes
 * asking     peers of datagram calls in flight on sockets that more than two threads use at once
 * listening  ports in TCP_LISTEN when we started, used only while seeding
 */
#ifndef FEMTOSNITCH_MAPS_BPF_H
#define FEMTOSNITCH_MAPS_BPF_H

#include "bpf/atomic.bpf.h"
#include "bpf/kernel.h"
#include "bpf/wire.h"

#define SLOTS 2
#define STASHES 2
#define OVERFLOW_MAX 8192 /* the buckets of a hash cost 16 B each even when it is empty, and there are two */
#define ASKING_MAX 512
#define LISTENING_MAX 1024
#define SEEN_MAX 256 /* a power of two */
#define SUBFLOWS_MAX 128

struct peer {
	__u32 addr[4]; /* network order; IPv4 in the first */
	__u16 port;
	__u16 family; /* AF_INET, AF_INET6; 0 = unknown */
};

enum slot_state {
	SLOT_FREE,
	SLOT_BUSY,     /* being claimed */
	SLOT_OWNED,    /* by image, for this peer, until the socket is freed */
	SLOT_ACCEPTED, /* a connection that nobody has accept()ed or used yet */
};

/* The traffic of one image with one peer on one socket. Only ever claimed, never given to another: so a
 * counter can be added to without asking whose it is. Counters only grow; *_reported follow by compare and
 * swap, which makes whoever moves them (iterator or release) the only one to report the difference. */
struct slot {
	__u32 state;
	__u32 connection; /* which connect() of this socket, for TCP and its kin */
	struct wire_image_key image;
	struct peer peer;
	__u64 sent, received;
	__u64 first_ns, last_ns; /* since the last report; jiffies */
	/* from here on only those who claim and those who report look */
	__u64 sent_reported, received_reported;
	__u32 netns;
	__u32 uid;
	__u32 laddr[4];
	__u16 lport;
	__u8 direction;
	__u8 peer_known; /* enum wire_peer */
	__u8 result;
	__u8 result_reported;
	__u8 announced; /* reported at least once, be it with no bytes */
	__u8 seeded;
	__u32 creator_uid;
	__u64 creator_cgroup;
};

/* The peer that a cgroup hook saw, for the tracepoint that follows in the same system call. */
struct stash {
	__u32 tid; /* 0 = free */
	__u32 receiving;
	struct peer peer;
};

enum attempt_state {
	ATTEMPT_NONE,
	ATTEMPT_ASKED, /* connect() was called; the protocol has not begun to connect */
	ATTEMPT_SENT,
};

/* The last connect(); socket_state.attempt_state tells whether there was one. */
struct attempt {
	struct wire_image_key image;
	struct peer peer;
	__u64 time_ns; /* jiffies */
	__u32 uid;
	__u32 netns;
};

/* flags of socket_state */
#define SOCKET_RELEASED 0x1    /* closed by its last holder; still visible to the iterator for a while */
#define SOCKET_BASED 0x2       /* copied_seq is valid */
#define SOCKET_BY_RETURN 0x4   /* count this receive by what it returns: no older copied_seq is known */
#define SOCKET_ASKING 0x8      /* a peer of this socket is, or was, in the map asking */
#define SOCKET_KERNEL 0x10     /* owned by the kernel itself */
#define SOCKET_SEEDED 0x20     /* older than we are */
#define SOCKET_OUT 0x40	       /* connect()ed, not accept()ed */
#define SOCKET_PEERED 0x80     /* MPTCP: its slots know their peer */
#define SOCKET_BEGUN 0x100     /* we saw its connection begin: nothing of it was counted elsewhere */
#define SOCKET_UNCHECKED 0x200 /* TCP_REPAIR, sockmap, kTLS: what TCP counts is not what its users move */
#define SOCKET_NAMED 0x400     /* its beginning has been looked at for a name, to the end */

/* How far the search for a name went: see bpf/name.bpf.h. */
struct naming {
	__u16 seen;   /* TCP: bytes of the beginning; UDP: datagrams to this peer */
	__u16 wanted; /* TCP: of so many, 0 = not known yet; UDP: which peer, its bit and 1 */
};

struct socket_state {
	__u32 flags;
	__u32 connection;
	__u32 copied_seq; /* up to where received bytes are counted, without the FIN */
	__u16 protocol;
	__u16 stashed; /* stash may hold something */
	struct slot slot[SLOTS];
	union {
		struct stash stash[STASHES]; /* of UDP */
		struct attempt attempt;	     /* of sockets that connect() */
	};
	struct peer only_peer; /* of unconnected datagrams; valid while peers is 1 */
	__u32 peers;	       /* 0, 1, 2 = several */
	__u32 by_return_since; /* jiffies */
	__u64 overflow_sent;   /* of a connection: what the overflow hash counts */
	__u64 acked;	       /* of one that is over: what the other end has */
	__u64 cookie;
	__u32 attempt_state; /* enum attempt_state */
	struct naming naming;
	__u64 named; /* UDP: a bit for each peer that is done with; peers may share one */
};
/* With the 72 bytes that the kernel puts before it, an element of storage is made of kmalloc-512: the next
 * larger size costs every TCP connection twice the memory to be zeroed. */
_Static_assert(sizeof(struct socket_state) <= 440, "socket_state");

struct overflow_key {
	struct wire_image_key image;
	__u64 cookie;
	struct peer peer;
	__u16 protocol;
	__u8 direction;
	__u8 result;
};

struct listening {
	__u32 netns;
	__u16 port;
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 4096);
} ring SEC(".maps") __weak;

#if EARLY /* tracing programs may use socket storage since Linux 5.11; until then a hash by address of the   \
	     socket */
#define SOCKETS_MAX 16384
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SOCKETS_MAX);
	__type(key, __u64);
	__type(value, struct socket_state);
} sockets SEC(".maps") __weak;
#else
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps") __weak;
#endif

/* The value is the record itself. Two of them: while the collector empties one, programs fill the other; the
 * kernel lets no program run on across the exchange (maybe_wait_bpf_programs), so nothing is lost by it. */
struct overflow_flows {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OVERFLOW_MAX);
	__type(key, struct overflow_key);
	__type(value, struct wire_flow);
};
struct overflow_flows overflow_a SEC(".maps") __weak;
struct overflow_flows overflow_b SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct overflow_flows);
} overflow SEC(".maps") __weak; /* the collector puts overflow_a in before it attaches anything */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ASKING_MAX);
	__type(key, __u32);
	__type(value, struct stash);
} asking SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LISTENING_MAX);
	__type(key, struct listening);
	__type(value, __u8);
} listening SEC(".maps") __weak;

extern struct wire_shared shared;

static __always_inline void lost(enum wire_loss_kind kind, __u64 bytes)
{
	__sync_fetch_and_add(&shared.loss[kind].records, 1);
	if (bytes)
		__sync_fetch_and_add(&shared.loss[kind].bytes, bytes);
}

/* When to wake the collector: it naps after each record that woke it, so a burst costs one wake-up per nap.
 * Asking how full the ring is costs a helper call, so small records ask every sixteenth time; a wake-up costs
 * an interrupt, so a ring that fills asks for one only until the collector reads. */
static __always_inline __u64 wake(bool worth_it)
{
	if (!worth_it && ++shared.quiet & 15)
		return BPF_RB_NO_WAKEUP;
	if (worth_it && shared.collector_waits) {
		shared.collector_waits = 0;
		return BPF_RB_FORCE_WAKEUP;
	}
	if (shared.ring_called || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= shared.ring_wake_bytes)
		return BPF_RB_NO_WAKEUP;
	shared.ring_called = 1;
	return BPF_RB_FORCE_WAKEUP;
}

#endif
