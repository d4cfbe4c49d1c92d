/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire.h - the one contract: every record that crosses a boundary of femtosnitch.
 *
 * The same frames travel through the BPF ring buffer and iterators (kernel to collector) and through the
 * pipes (supervisor -> collector -> hasher -> store -> supervisor). Both compilers build this file; it holds
 * data only. Integers are in host order: no frame leaves the machine. A reader checks every frame with
 * wire_check() (config/wire_check.h) before it looks inside.
 *
 * A format change is a new WIRE_VERSION, changed together with its writers, readers and tests.
 */
#ifndef FEMTOSNITCH_WIRE_H
#define FEMTOSNITCH_WIRE_H

#ifndef __bpf__
#include <assert.h>
#include <linux/types.h>
#endif

#define WIRE_VERSION 4
#define WIRE_FRAME_MAX 65536 /* header and payload; one writer per pipe, whole frames */

#define WIRE_COMM_SIZE 16 /* TASK_COMM_LEN */
#define WIRE_ADDR_SIZE 16 /* an IPv4 address uses the first four bytes, the rest is zero */
#define WIRE_SHA256_SIZE 32
#define WIRE_PATH_MAX 4096  /* PATH_MAX, linux/limits.h */
#define WIRE_ARGV_MAX 32768 /* command line kept, all arguments and their NULs */
#define WIRE_TEXT_MAX 4096  /* detail of a loss, coverage text */
#define WIRE_SETTINGS_MAX 61440
#define WIRE_CGROUP_MAX 1024	/* path of a cgroup: what the kernel hands out (TRACE_CGROUP_PATH_LEN) */
#define WIRE_PLACE_NAME_MAX 256 /* NAME_MAX and a NUL */
#define WIRE_APP_MAX 512
#define WIRE_PACKAGE_NAME_MAX 256
#define WIRE_DOMAIN_MAX 1024   /* a domain of 255 bytes (RFC 1035) with every byte as \DDD, and a NUL */
#define WIRE_HOSTS_MAX 32768   /* of one piece of the hosts file */
#define WIRE_PAYLOAD_MAX 16384 /* the largest TLS record; a DNS answer is larger only over TCP */

struct wire_hdr {
	__u16 version; /* first, so that a foreign frame is known by its first two bytes */
	__u16 type;    /* enum wire_type */
	__u32 len;     /* bytes of payload behind this header */
};

enum wire_type {
	WIRE_SETTINGS = 1, /* wire_settings: head of the chain, first frame of all; again on reload */
	WIRE_TICK,	   /* wire_tick: heartbeat, passed on by every stage, comes back to the supervisor */
	WIRE_FLUSH,	   /* wire_flush: close the window now (supervisor -> collector) */
	WIRE_WINDOW,	   /* wire_window: everything up to here is one window (collector -> store) */
	WIRE_COMMITTED,	   /* wire_committed: the window is durable (store -> supervisor) */
	WIRE_READY,	   /* wire_ready: a stage works, and what it proved */
	WIRE_LOSS,	   /* wire_loss */
	WIRE_ERROR,	   /* wire_error: something the user must know */
	WIRE_EXEC,	   /* wire_exec: identity of an image, from the kernel */
	WIRE_FORK,	   /* wire_fork */
	WIRE_EXIT,	   /* wire_exit */
	WIRE_FLOW,	   /* wire_flow */
	WIRE_IMAGE,	   /* wire_image: wire_exec joined with its file (hasher -> store) */
	WIRE_DIGEST,	   /* wire_digest: the SHA-256 of a file, when it came later than its image */
	WIRE_CHANGED,	   /* wire_changed: a known executable was modified, or another put at its path */
	WIRE_CGROUP,	   /* wire_cgroup: a cgroup and its path (kernel to hasher) */
	WIRE_PLACE,	   /* wire_place: what that path says (hasher -> store) */
	WIRE_RESUME,	   /* wire_resume: the number of the next fact (collector -> store) */
	WIRE_INTERFACES,   /* wire_interfaces: beside what the interfaces moved (store -> supervisor) */
	WIRE_STOP,	/* no payload: the end of file that follows is an order (supervisor -> collector) */
	WIRE_ORDER,	/* wire_order: what a person said about a program (supervisor -> store) */
	WIRE_DONE,	/* wire_done: it is written (store -> supervisor) */
	WIRE_EVENT,	/* wire_event: there is something new to tell (store -> supervisor -> sinks) */
	WIRE_VERDICT,	/* wire_verdict: what VirusTotal says (virustotal -> supervisor -> store) */
	WIRE_SINK,	/* wire_sink: how far a copy is (sink -> supervisor -> store, and back) */
	WIRE_PACKAGE,	/* wire_package: who installed an executable (hasher -> store) */
	WIRE_LIBRARIES, /* wire_libraries: what else is loaded into an image (hasher -> store) */
	WIRE_PAYLOAD,	/* wire_payload: bytes that may name a peer (kernel -> collector -> names, no further)
			 */
	WIRE_NAME,    /* wire_name: what a peer is called, and who says so (names -> collector -> store; of a
			 reverse lookup reverse -> supervisor) */
	WIRE_FETCH,   /* wire_fetch: whose bytes are wanted (virustotal -> supervisor -> hasher) */
	WIRE_FETCHED, /* wire_fetched: what came of it (hasher -> store -> supervisor -> virustotal) */
	WIRE_HOSTS,   /* wire_hosts: the machine's hosts file, and its name servers (collector -> names) */
	WIRE_LOOKUP,  /* wire_lookup: an address that nobody named (store -> supervisor -> reverse) */
	WIRE__MAX
};

/* Who speaks; also the prefix of log lines. */
enum wire_stage {
	WIRE_STAGE_SUPERVISOR,
	WIRE_STAGE_COLLECTOR,
	WIRE_STAGE_HASHER,
	WIRE_STAGE_STORE,
	/* the sinks, which hang on the supervisor: each may die alone */
	WIRE_STAGE_NOTICES,
	WIRE_STAGE_VIRUSTOTAL,
	WIRE_STAGE_POSTGRES,
	/* which hangs on the collector, and may die alone too */
	WIRE_STAGE_NAMES,
	WIRE_STAGE_MARIADB, /* sinks */
	WIRE_STAGE_REVERSE,
	WIRE_STAGE__MAX
};
#define WIRE_CHAIN_END (WIRE_STAGE_STORE + 1) /* stages before it are the chain */

/* A clock reading: nanoseconds since 1970 (UTC) on the pipes. In kernel records jiffies, the only clock that
 * costs a tracepoint nothing (bpf_jiffies64, inlined as one load); the collector turns them into the former.
 * 0 = unknown. */
typedef __u64 wire_ns;

/* One execve in one process. A forked child has its own key (tgid and start differ) but the same program.
 * exec_id is the low half of task_struct.self_exec_id (64 bit since 5.7): +1 per execve, inherited by fork.
 * tgid 0: the kernel itself, and start_ns tells for whom in it; all zero: for nobody that we know. */
struct wire_image_key {
	__u32 tgid;
	__u32 exec_id;
	__u64 start_ns; /* task_struct.start_boottime of the group leader */
};

/* Which file it was, as the kernel's inode says. i_ctime's nanoseconds are masked: kernels with multigrain
 * timestamps (6.13) keep a flag in bit 31. The device of btrfs and overlay files differs from stat's. */
struct wire_file {
	__u64 ino;
	__u64 size_bytes;
	__s64 ctime_s;
	__s64 mtime_s;
	__u32 ctime_ns;
	__u32 mtime_ns;
	__u32 dev;	  /* super_block.s_dev, kernel encoding (major << 20 | minor) */
	__u32 generation; /* inode.i_generation */
};

enum wire_exec_source {
	WIRE_EXEC_EXECVE,  /* sched_process_exec */
	WIRE_EXEC_NETWORK, /* first socket use of an image: repeats what EXECVE or FORK said, in case that was
			      lost */
	WIRE_EXEC_RUNNING, /* it ran before we did */
	WIRE_EXEC_SOURCE__MAX
};

/* flags of wire_exec */
#define WIRE_EXEC_ARGV_CUT 0x1	    /* longer than WIRE_ARGV_MAX */
#define WIRE_EXEC_ARGV_UNREAD 0x2   /* the command line could not be read: argv_len is 0 */
#define WIRE_EXEC_PATH_CUT 0x4	    /* deeper or longer than the walk goes */
#define WIRE_EXEC_PATH_REVERSED 0x8 /* kernel to collector only: components NUL-separated, leaf first */
#define WIRE_EXEC_UNLINKED 0x10	    /* no name left when it was executed (deleted, memfd) */
#define WIRE_EXEC_KERNEL 0x20	    /* a kernel thread: comm is its name, there is no file */
#define WIRE_EXEC_NO_FILE 0x40	    /* mm without an executable file */
#define WIRE_EXEC_SELF 0x80	    /* a process of ours */
#define WIRE_EXEC_SCRIPT 0x100	    /* the kernel ran an interpreter in its place (#!, binfmt_misc) */
#define WIRE_EXEC_MEMFD 0x200	    /* a file that never had a name: memfd_create */
#define WIRE_EXEC_TRACED 0x400	    /* a debugger held it (ptrace) */
#define WIRE_EXEC_LD_PRELOAD 0x800  /* set in its environment, and not empty */
#define WIRE_EXEC_LD_AUDIT 0x1000
#define WIRE_EXEC_ENV_CUT 0x2000 /* more environment than was looked at, or not readable */
#define WIRE_EXEC_FLAGS 0x3fff

/* Who an image is. Behind it: path_len bytes of path, argv_len bytes of arguments, each ended by a NUL that
 * the length counts (0 = none); no other bytes. Of what is in the kernel but no thread (WIRE_EXEC_KERNEL,
 * tgid 0) the kernel tells a name, or "function [module]", as arguments; the collector makes comm of it. */
struct wire_exec {
	struct wire_image_key image;
	struct wire_image_key parent; /* the real parent (not a tracer) at that moment; tgid 0: none */
	struct wire_file file;
	wire_ns time_ns;
	__u64 cgroup_id; /* inode number of the cgroup v2 directory, 0 = no cgroup v2 */
	__u64 cwd_ino;	 /* inode numbers of its directory and of its root */
	__u64 root_ino;
	__u32 uid;   /* real, as the initial user namespace counts */
	__u32 netns; /* inode numbers of the namespaces */
	__u32 mntns;
	__u32 flags;
	__u32 source; /* enum wire_exec_source */
	__u16 path_len;
	__u16 argv_len;
	char comm[WIRE_COMM_SIZE]; /* NUL-terminated */
				   /* char path[path_len], argv[argv_len] */
};

struct wire_fork {
	struct wire_image_key parent; /* the image that forked; the child starts as a copy of it */
	struct wire_image_key child;
	wire_ns time_ns;
};

struct wire_exit {
	__u32 tgid;
	__u32 pad;
	__u64 start_ns;
	wire_ns time_ns;
};

enum wire_direction {
	WIRE_DIRECTION_OUT,
	WIRE_DIRECTION_IN,
	WIRE_DIRECTION__MAX
};

/* What became of an attempt to connect. */
enum wire_result {
	WIRE_RESULT_NONE,	 /* connectionless, or not known yet */
	WIRE_RESULT_OPEN,	 /* established (and still, or closed in order) */
	WIRE_RESULT_REFUSED,	 /* ECONNREFUSED */
	WIRE_RESULT_TIMEOUT,	 /* ETIMEDOUT */
	WIRE_RESULT_UNREACHABLE, /* EHOSTUNREACH, ENETUNREACH and other ICMP errors */
	WIRE_RESULT_RESET,	 /* ECONNRESET */
	WIRE_RESULT_ABORTED,	 /* given up by the program while still connecting */
	WIRE_RESULT_LOCAL,	 /* refused on this machine: no route, a firewall program, no free port */
	WIRE_RESULT__MAX
};

/* How raddr is known. */
enum wire_peer {
	WIRE_PEER_SOCKET,   /* the socket is connected to it */
	WIRE_PEER_MESSAGE,  /* the kernel saw it in this very call */
	WIRE_PEER_CALLER,   /* read from the caller's memory: a second thread could have forged it */
	WIRE_PEER_INFERRED, /* the only peer this socket ever had */
	WIRE_PEER_UNKNOWN,  /* cannot be known: raddr is zero */
	WIRE_PEER__MAX
};

/* flags of wire_flow */
#define WIRE_FLOW_ENDED 0x1    /* the socket was closed: no more of it */
#define WIRE_FLOW_SEEDED 0x2   /* open before we were: earlier bytes are not in it */
#define WIRE_FLOW_OVERFLOW 0x4 /* counted in the overflow hash */
#define WIRE_FLOW_TUNNEL 0x8   /* frames through a TUN/TAP device: what is in them is counted elsewhere too */
#define WIRE_FLOW_FLAGS 0xf

/* Traffic of one image with one peer since it was last reported, or an attempt without traffic. */
struct wire_flow {
	struct wire_image_key image;
	__u64 cookie; /* socket cookie, unique until reboot */
	wire_ns first_ns;
	wire_ns last_ns;
	__u64 sent_bytes;
	__u64 received_bytes;
	__u64 sniffed_bytes; /* copies of others' traffic read from a packet socket: never part of a total */
	__u32 netns;
	__u32 uid;
	__u8 laddr[WIRE_ADDR_SIZE]; /* of AF_PACKET in a tunnel, AF_XDP: name of the device (IFNAMSIZ) */
	__u8 raddr[WIRE_ADDR_SIZE];
	__u16 lport; /* host order; for ICMP sockets the identifier, for AF_XDP the queue */
	__u16 rport;
	__u16 family;	/* AF_INET, AF_INET6 (v4-mapped is AF_INET), AF_PACKET, AF_VSOCK, AF_XDP */
	__u16 protocol; /* IANA number; IPPROTO_MPTCP is 262; EtherType for AF_PACKET */
	__u8 direction; /* enum wire_direction */
	__u8 result;	/* enum wire_result */
	__u8 peer;	/* enum wire_peer */
	__u8 flags;
	__u32 creator_uid;    /* who made the socket, or the listener it was accepted on: differs from the
				 image when the socket was inherited, passed on, or is socket activation */
	__u64 creator_cgroup; /* inode number of its cgroup v2 directory, 0 = unknown */
};

enum wire_loss_kind {
	WIRE_LOSS_NOT_WATCHING,	 /* we did not run, or a stage did not */
	WIRE_LOSS_SUSPENDED,	 /* the machine slept */
	WIRE_LOSS_RING_FULL,	 /* kernel records that found no room in the ring buffer */
	WIRE_LOSS_OVERFLOW_FULL, /* traffic that found no room in the overflow hash: with bytes */
	WIRE_LOSS_RECURSION,	 /* runs of a BPF program that the kernel skipped */
	WIRE_LOSS_PEER,		 /* a peer's address that was seen and lost again */
	WIRE_LOSS_USER_READ,	 /* a command line that could not be read */
	WIRE_LOSS_HOOK,		 /* a hook that this kernel refused, or that the self-test did not prove */
	WIRE_LOSS_PIPE,		 /* frames dropped because the next stage did not read */
	WIRE_LOSS_IMAGE,	 /* traffic of an image nobody described */
	WIRE_LOSS_FANOTIFY_OVERFLOW, /* the kernel dropped exec events */
	WIRE_LOSS_FANOTIFY_READ,     /* an exec event that could not be read */
	WIRE_LOSS_MOUNT,	     /* a filesystem whose programs cannot be watched */
	WIRE_LOSS_STORE,	     /* rows that could not be written */
	WIRE_LOSS_RETENTION,	     /* rows removed before their age because of the size limit */
	WIRE_LOSS_CLOCK,	     /* the wall clock jumped: row times around it are doubtful */
	WIRE_LOSS_UNCOUNTED,	     /* bytes that a TCP socket moved and no program counted */
	WIRE_LOSS_NAME,		     /* calls whose bytes could have named a peer and could not be read */
	WIRE_LOSS__MAX
};

/* Something we could not see, attribute, hash or store. Behind it: detail_len bytes of UTF-8 text, no NUL. */
struct wire_loss {
	wire_ns from_ns;
	wire_ns to_ns;
	__u64 records;
	__u64 bytes;
	__u32 kind;  /* enum wire_loss_kind */
	__u32 stage; /* enum wire_stage */
	__u32 detail_len;
	__u32 pad;
};

/* Behind it: text_len bytes, no NUL. */
struct wire_error {
	wire_ns time_ns;
	__u32 stage;
	__u32 text_len;
};

/* Behind it: text_len bytes, no NUL: what the stage proved, one item per line; an item that starts with
 * "NOT PROVEN" goes to the ready line and to the user. */
struct wire_ready {
	__u32 stage;
	__u32 text_len;
};

/* Behind it: text_len bytes of JSON, checked and without comments, no NUL. */
struct wire_settings {
	__u32 generation; /* 1 at the start, +1 per reload */
	__u32 text_len;
};

struct wire_tick {
	__u64 sequence;
};

struct wire_flush {
	__u64 id; /* the supervisor's; not 0 */
};

struct wire_window {
	wire_ns from_ns;
	wire_ns to_ns;
	__u64 flush_id; /* the WIRE_FLUSH that asked for it, 0 = its time had come */
};

struct wire_committed {
	wire_ns to_ns; /* of the window */
	__u64 flush_id;
	__u64 rows; /* written for this window; 0 = nothing to write */
	__u64 commit_us;
	__u64 news; /* for a copy: of these, not our own traffic (a copy of that would make more of it), and
		       hashes that came late */
};

/* Why there is no SHA-256. Names: wire_hash_error_name(). */
enum wire_hash_error {
	WIRE_HASH_OK,
	WIRE_HASH_PENDING,    /* a WIRE_DIGEST follows */
	WIRE_HASH_NO_FILE,    /* a kernel thread, or no executable file */
	WIRE_HASH_GONE,	      /* exited before its file could be opened, and no exec event came */
	WIRE_HASH_CHANGED,    /* the file is not the one that was executed, or kept changing while read */
	WIRE_HASH_PERMISSION, /* EACCES, EPERM (FUSE) */
	WIRE_HASH_READ,	      /* I/O error */
	WIRE_HASH_TIMEOUT,    /* a mount that did not answer */
	WIRE_HASH_ABANDONED,  /* we were stopped first */
	WIRE_HASH_BUSY,	      /* too many files waited */
	WIRE_HASH__MAX
};

/* How an interpreter's script was found. Names: wire_script_name(). */
enum wire_script {
	WIRE_SCRIPT_NONE,   /* no interpreter that we know */
	WIRE_SCRIPT_KERNEL, /* the kernel opened it to execute it: the bytes are those that ran */
	WIRE_SCRIPT_ARGV,   /* named on the command line, and looked up where the process was */
	WIRE_SCRIPT_INLINE, /* the script is on the command line itself (-c, -e) */
	WIRE_SCRIPT_MODULE, /* a name that the interpreter looks up by its own rules (-m, a class) */
	WIRE_SCRIPT_STDIN,  /* none was named: standard input, or a terminal */
	WIRE_SCRIPT__MAX
};

/* flags of wire_image */
#define WIRE_IMAGE_RENAMED 0x1	     /* ctime changed since execve (renamed or unlinked), content did not */
#define WIRE_IMAGE_LD_SO_PRELOAD 0x2 /* its root has an /etc/ld.so.preload with something in it */
#define WIRE_IMAGE_ELSEWHERE 0x4     /* its path is not this machine's: it lives in a root of its own */
#define WIRE_IMAGE_FLAGS 0x7

/* What the hasher knows of an image. Behind it: a struct wire_exec with its path and arguments, then
 * script_len bytes of the script's path and app_len bytes of app, each ended by a NUL that the length counts
 * (0 = none). */
struct wire_image {
	__u64 file_id;	  /* the hasher's number for this version of this file, 0 = no file; not kept over
			     restarts */
	__u32 hash_error; /* enum wire_hash_error */
	__u32 flags;
	__u8 sha256[WIRE_SHA256_SIZE]; /* valid when hash_error is WIRE_HASH_OK */
	__u64 place_id;		       /* a wire_place that came before; 0 = unknown */
	/* the script it runs, as above */
	__u64 script_id; /* a wire_digest may follow under this number, which is of no other file */
	__u8 script_sha256[WIRE_SHA256_SIZE];
	__u16 script_len; /* its path; as it was written on the command line while it is being looked up */
	__u16 app_len; /* a key that stays the same when the program is updated: "flatpak:org.gnome.Maps" */
	__u8 script_error;  /* enum wire_hash_error; of a script without a path WIRE_HASH_NO_FILE */
	__u8 script_source; /* enum wire_script */
	__u16 pad;
};

/* flags of wire_cgroup */
#define WIRE_CGROUP_CUT 0x1 /* longer than WIRE_CGROUP_MAX: its end is missing */
#define WIRE_CGROUP_FLAGS 0x1

/* Behind it: path_len bytes of path from the root of the cgroup v2 hierarchy, ended by a NUL that the length
 * counts. */
struct wire_cgroup {
	__u64 id; /* inode number of its directory, never given to another */
	__u32 flags;
	__u32 path_len;
};

/* ids of places that are not the id of a cgroup: where one process was found, numbered by the hasher */
#define WIRE_PLACE_FOUND (1ull << 63)

/* Said before the first image or flow that refers to it (wire_image.place_id, wire_flow.creator_cgroup).
 * Behind it: runtime, container, unit and path, each ended by a NUL that its length counts (0 = there is
 * none); no other bytes. */
struct wire_place {
	__u64 id;
	__u64 cgroup_id; /* the cgroup v2 of whoever is there */
	__u16 runtime_len;
	__u16 container_len;
	__u16 unit_len;
	__u16 path_len;
};

/* Behind it: path_len bytes: the path of a script that was looked up, ended by a NUL that the length counts
 * (0 = the one that the image told). */
struct wire_digest {
	__u64 file_id;
	__u32 hash_error; /* never WIRE_HASH_PENDING */
	__u32 path_len;
	__u8 sha256[WIRE_SHA256_SIZE];
};

/* Does the database of the package manager know these bytes? */
enum wire_explained {
	WIRE_EXPLAINED_UNKNOWN, /* nobody owns the path, or there is nothing to compare with */
	WIRE_EXPLAINED_YES,
	WIRE_EXPLAINED_NO, /* it is a package's file, and not the bytes that came with it */
	WIRE_EXPLAINED__MAX
};

/* Said once of each version of an executable that an image told. Behind it: manager ("dpkg"), package and its
 * version, each ended by a NUL that its length counts (0 = there is none); no other bytes. */
struct wire_package {
	__u64 file_id;
	__u16 manager_len;
	__u16 name_len;
	__u16 version_len;
	__u16 explained; /* enum wire_explained */
};

/* flags of wire_libraries. ANONYMOUS: executable memory that is of no file: made by a compiler, or injected */
#define WIRE_LIBRARIES_ANONYMOUS 0x1
#define WIRE_LIBRARIES_DELETED 0x2 /* one of the files has no name any more */
#define WIRE_LIBRARIES_MEMFD 0x4   /* one of them never had one */
#define WIRE_LIBRARIES_CUT 0x8	   /* there were more than fit */
#define WIRE_LIBRARIES_FLAGS 0xf

/* The files that are mapped to be executed, beside the program itself, when the image first used the network.
 * Behind it: text_len bytes: count times a wire_library with its path; 0: this set was told before. */
struct wire_libraries {
	struct wire_image_key image;
	__u8 set[WIRE_SHA256_SIZE]; /* of what follows and the flags: equal sets have the same */
	__u32 flags;
	__u32 count;
	__u32 text_len;
	__u32 pad;
};

/* Behind it: path_len bytes of path, ended by a NUL that the length counts. Not aligned: copy it out. */
struct wire_library {
	__u8 sha256[WIRE_SHA256_SIZE]; /* valid when hash_error is WIRE_HASH_OK */
	__u16 path_len;
	__u8 hash_error; /* enum wire_hash_error, never pending */
	__u8 pad;
};

/* flags of wire_payload */
#define WIRE_PAYLOAD_RECEIVED 0x1 /* by the program; else sent */
#define WIRE_PAYLOAD_CUT 0x2	  /* the call moved more than what is here */
#define WIRE_PAYLOAD_LIBC 0x4	  /* no traffic: getaddrinfo(3) turned this host into that address */
#define WIRE_PAYLOAD_PACKET 0x8	  /* as it came in, before any program could touch it; without an image */
#define WIRE_PAYLOAD_FLAGS 0xf

/* The first bytes of a connection that may begin with a name, and what was asked of name servers and
 * answered: read from the caller's memory (but for WIRE_PAYLOAD_PACKET), never the whole traffic. Behind it:
 * data_len bytes. */
struct wire_payload {
	struct wire_image_key image;
	__u64 cookie; /* of the socket */
	wire_ns time_ns;
	__u64 offset; /* bytes that the socket moved before these, in that direction */
	__u32 netns;
	__u32 flags;
	__u8 raddr[WIRE_ADDR_SIZE]; /* zero where it is not known */
	__u16 rport;
	__u16 family;
	__u16 protocol;
	__u16 data_len;
};

/* Files of the machine that names are read in with. */
enum wire_hosts_file {
	WIRE_HOSTS_NAMES,    /* hosts(5) */
	WIRE_HOSTS_SERVERS,  /* resolv.conf(5): name servers that programs ask */
	WIRE_HOSTS_UPSTREAM, /* the same, of those that systemd-resolved asks */
	WIRE_HOSTS__MAX
};

/* flags of wire_hosts */
#define WIRE_HOSTS_FIRST 0x1 /* the file begins here: what was said of it before may be so no more */
#define WIRE_HOSTS_LAST 0x2  /* and ends here */
#define WIRE_HOSTS_FLAGS 0x3

/* Such a file as it is now, in pieces, which may part a line. Behind it: text_len bytes, whatever they are.
 */
struct wire_hosts {
	wire_ns time_ns;
	__u32 netns; /* of the machine: others have files of their own, or share this one */
	__u32 flags;
	__u32 text_len;
	__u32 file; /* enum wire_hosts_file */
};

/* How a name is known. Best first, for display. Names: wire_name_source_name(). */
enum wire_name_source {
	WIRE_NAME_NONE,
	/* what the program said of its own connection: a claim */
	WIRE_NAME_SNI,	/* TLS ClientHello (RFC 6066) */
	WIRE_NAME_QUIC, /* the same in a QUIC Initial (RFC 9001, RFC 9369) */
	WIRE_NAME_HTTP, /* Host of a plain request */
	WIRE_NAME_ECH,	/* the outer name of an encrypted ClientHello: the true one may be another */
	/* what tied the name to the address */
	WIRE_NAME_DNS,	  /* an answer that this program received */
	WIRE_NAME_MDNS,	  /* ...by multicast (RFC 6762) */
	WIRE_NAME_LLMNR,  /* ...(RFC 4795) */
	WIRE_NAME_LIBC,	  /* getaddrinfo(3) gave it to this program */
	WIRE_NAME_SHARED, /* an answer that another program of the same network namespace received */
	WIRE_NAME_HOSTS,  /* hosts(5) */
	WIRE_NAME_PTR,	  /* reverse lookup: whoever owns the address says so */
	WIRE_NAME__MAX
};
#define WIRE_NAME_EVER 0xffffffffu /* as ttl_s: until it is said to be over */
#define WIRE_NAME_IS_CLAIM(source) ((source) >= WIRE_NAME_SNI && (source) <= WIRE_NAME_ECH)

/* flags of wire_name. SYSTEM, of DNS, HOSTS: a name server of this machine answered, in the machine's own
 * network namespace, and no program could change it; or its hosts file says so */
#define WIRE_NAME_SYSTEM 0x1
#define WIRE_NAME_FLAGS 0x1

/* A claim is of one connection: of the socket (cookie) with this peer, as one UDP socket may talk to many.
 * Anything else is of an address, for one image or, where image is all zero, for whoever is in netns. SHARED
 * is never on the wire: it is how the store uses what another image was told. Behind it: name_len bytes in
 * lower case and natural order without a dot at the end, anything but letters, digits, '-', '_' and '.' as
 * \DDD (RFC 4343), ended by a NUL that the length counts. */
struct wire_name {
	struct wire_image_key image;
	__u64 cookie; /* of claims */
	wire_ns time_ns;
	__u32 netns;
	__u32 ttl_s; /* how long it may be used for new connections; of claims 0; of HOSTS WIRE_NAME_EVER or
			0: it is so no more */
	__u8 addr[WIRE_ADDR_SIZE];
	__u16 family; /* AF_INET, AF_INET6 */
	__u8 source;  /* enum wire_name_source */
	__u8 flags;
	__u16 rport; /* of claims */
	__u16 name_len;
};

/* What does the owner of this address call it? A wire_name (WIRE_NAME_PTR) may follow. */
struct wire_lookup {
	__u8 addr[WIRE_ADDR_SIZE];
	__u16 family; /* AF_INET, AF_INET6 */
	__u16 pad[3];
};

struct wire_changed {
	__u64 file_id; /* the version that is no more */
	wire_ns time_ns;
	__u32 tgid; /* who wrote, 0 = unknown */
	__u32 pad;
};

/* Facts are what must be kept once and only once: flows, executions and the collector's own losses
 * (wire_is_fact). Where somebody keeps our part of the kernel and a journal while we do not run, they are
 * numbered in the order in which the collector sends them, so that the store can tell those that it has
 * already from those that the run before did not get to write. */
struct wire_resume {
	__u64 journal;	     /* which numbering: when it began, as unix ns; not 0 */
	__u64 next_fact;     /* number of the first fact behind this frame */
	__u64 skipped_bytes; /* of flows that the journal had no room for: the facts up to next_fact that
				were not sent again */
	wire_ns since_ns; /* nobody stopped watching: end of the last window that was told to be durable; 0:
			     watching began now */
};

/* The last 24 hours: what passed the network interfaces, and what of it was counted for programs. */
struct wire_interfaces {
	wire_ns to_ns;
	__u64 covered_ms; /* of these 24 hours */
	__u64 sent_bytes; /* as the interfaces count: with all headers */
	__u64 received_bytes;
	__u64 packets;	    /* in both directions */
	__u64 header_bytes; /* of these, estimated */
	__u64 program_sent;
	__u64 program_received;
};
#define WIRE_HEADER_MIN 42 /* bytes per packet, at least: Ethernet 14, IPv4 20, UDP 8 */
#define WIRE_HEADER_MAX 86 /* at most, but for rare options: Ethernet 14, IPv6 40, TCP 32 */

/* What programs and collector share through mmap(2) rather than by records. Counters only grow. */
struct wire_loss_count {
	__u64 records, bytes;
};

struct wire_shared {
	struct wire_loss_count loss[WIRE_LOSS__MAX];
	__u64 overflow_used;   /* flows put into the overflow hash so far */
	__u64 overflow_taken;  /* of those, taken by the collector, which writes it */
	__u64 jiffies;	       /* at the end of the last sweep */
	__u32 collector_waits; /* the collector sleeps: wake it for a record that is worth it */
	__u32 quiet;	       /* records that were not worth a look at the ring's fill */
	__u32 ring_called;     /* the collector was woken because the ring fills, and has not read since */
	__u32 overflow_called; /* the collector has been told that the overflow hash is half full */
	__u64 caught;	       /* calls that a repeat of a program counted: see bpf/repeat.bpf.h */
	__u64 yielded;	       /* of those, that the first had left to them */
	__u64 unused[5];
	/* from here on, another cache line: read at every call, seldom written */
	__u32 ring_wake_bytes; /* fill of the ring that wakes the collector in any case */
	__u32 seeding;	       /* between attaching and the end of the search for older sockets */
	__u32 seed_pass;       /* 1: note listening ports, 2: seed sockets */
	__u32 storage_failed;  /* storage for a socket could not be made at least once */
	__u32 no_release;      /* no hook tells the end of a socket: count everything in the overflow hash */
	__u32 ask_ticks;       /* so long after connect() without SYN_SENT, it has failed on this machine */
	__u32 repeated;	       /* the programs that count are attached again: see bpf/repeat.bpf.h */
	__u32 read_names;      /* the setting "Read names from traffic"; 0: no payload is looked at */
	__u64 plain_tcp[2];    /* struct proto of TCP that nobody sits on: IPv4, IPv6; programs learn it */
	/* of the collector alone, kept here because it may be followed by another */
	struct wire_loss_count loss_reported[WIRE_LOSS__MAX];
	__u64 skipped_reported; /* of the runs that the kernel skipped */
	__u32 overflow_in_use;	/* 0: overflow_a, 1: overflow_b */
	__u32 taking;		/* what was counted leaves the kernel, and nobody else has it yet */
};

enum wire_order_verb {
	WIRE_ORDER_ACK,	   /* it is known now: no news any more, as long as its content stays */
	WIRE_ORDER_MUTE,   /* say nothing about it until until_s */
	WIRE_ORDER_UNMUTE, /* say it again */
	WIRE_ORDER__MAX
};

#define WIRE_EVERYBODY 0xffffffffu /* as a uid: not one person, all of them */

/* Behind it: program_len bytes, no NUL: a path, the name of programs, or "" for all that are not
 * acknowledged. */
struct wire_order {
	__u64 id;      /* the supervisor's, under which WIRE_DONE answers; not 0 */
	__s64 until_s; /* unix seconds; 0 = for ever */
	__u32 verb;    /* enum wire_order_verb */
	__u32 uid;     /* for whom; WIRE_EVERYBODY, if root says so */
	__u32 program_len;
	__u32 pad;
};

/* Who is interested reads the rows of the table event itself: none is lost on the way. */
struct wire_event {
	__u64 last_id; /* of the table */
};

enum wire_verdict_kind {
	WIRE_VERDICT_CLEAN,	 /* analysed, and nobody objects */
	WIRE_VERDICT_SUSPICIOUS, /* somebody does */
	WIRE_VERDICT_MALICIOUS,
	WIRE_VERDICT_UNKNOWN,  /* not known there, and not uploaded */
	WIRE_VERDICT_UPLOADED, /* nobody has looked at what we uploaded yet */
	WIRE_VERDICT__MAX
};

/* Behind it: text_len bytes of detail, no NUL. */
struct wire_verdict {
	__u8 sha256[WIRE_SHA256_SIZE];
	__s64 time_s; /* when it was asked for */
	__u32 kind;   /* enum wire_verdict_kind */
	__u32 text_len;
};

/* Behind it: path_len bytes, no NUL: where it was executed. Only a file that is known to be the one that ran
 * there is ever handed out, and only while "VT file upload" is true. */
struct wire_fetch {
	__u8 sha256[WIRE_SHA256_SIZE];
	__u32 path_len;
	__u32 pad;
};

/* A descriptor was sent before it (config/handover.h), named by the SHA-256 in hexadecimal. */
struct wire_fetched {
	__u8 sha256[WIRE_SHA256_SIZE];
	__u32 error; /* enum wire_hash_error: why there is none; never WIRE_HASH_PENDING */
	__u32 pad;
};

struct wire_done {
	__u64 id;
	__u64 programs; /* how many it was about */
	__u32 error;	/* an errno, 0 = done */
	__u32 pad;
};

/* Behind it: text_len bytes, no NUL: what went wrong last, "" = nothing since it last went well. */
struct wire_sink {
	__u64 seq;	    /* windows (chain.seq) up to it are there */
	__u64 file;	    /* inode number of the snitch.db that this is about */
	__u64 rows;	    /* sent since the sink started */
	__u64 behind_rows;  /* that are not there yet */
	__u64 behind_s;	    /* how old the oldest of them is */
	wire_ns success_ns; /* when the server last took something, 0 = never in this run */
	wire_ns error_ns;
	__u32 stage; /* enum wire_stage: which sink */
	__u32 text_len;
};

#ifndef __bpf__
static_assert(__builtin_offsetof(struct wire_shared, ring_wake_bytes) % 64 == 0, "a cache line begins there");
/* Both compilers lay these out alike only because no member needs padding that is not written down. */
static_assert(sizeof(struct wire_hdr) == 8, "wire_hdr");
static_assert(sizeof(struct wire_image_key) == 16, "wire_image_key");
static_assert(sizeof(struct wire_file) == 48, "wire_file");
static_assert(sizeof(struct wire_exec) == 152, "wire_exec");
static_assert(sizeof(struct wire_fork) == 40, "wire_fork");
static_assert(sizeof(struct wire_exit) == 24, "wire_exit");
static_assert(sizeof(struct wire_interfaces) == 64, "wire_interfaces");
static_assert(sizeof(struct wire_flow) == 128, "wire_flow");
static_assert(sizeof(struct wire_loss) == 48, "wire_loss");
static_assert(sizeof(struct wire_image) == 104, "wire_image");
static_assert(sizeof(struct wire_cgroup) == 16, "wire_cgroup");
static_assert(sizeof(struct wire_place) == 24, "wire_place");
static_assert(sizeof(struct wire_digest) == 48, "wire_digest");
static_assert(sizeof(struct wire_package) == 16, "wire_package");
static_assert(sizeof(struct wire_resume) == 32, "wire_resume");
static_assert(sizeof(struct wire_libraries) == 64, "wire_libraries");
static_assert(sizeof(struct wire_library) == 36, "wire_library");
static_assert(sizeof(struct wire_payload) == 72, "wire_payload");
static_assert(sizeof(struct wire_name) == 64, "wire_name");
static_assert(sizeof(struct wire_hosts) == 24, "wire_hosts");
static_assert(sizeof(struct wire_lookup) == 24, "wire_lookup");
static_assert(sizeof(struct wire_order) == 32, "wire_order");
static_assert(sizeof(struct wire_done) == 24, "wire_done");
static_assert(sizeof(struct wire_verdict) == 48, "wire_verdict");
static_assert(sizeof(struct wire_fetch) == 40, "wire_fetch");
static_assert(sizeof(struct wire_fetched) == 40, "wire_fetched");
static_assert(sizeof(struct wire_sink) == 64, "wire_sink");
static_assert(sizeof(struct wire_hdr) + sizeof(struct wire_image) + sizeof(struct wire_exec) +
			      2 * WIRE_PATH_MAX + WIRE_ARGV_MAX + WIRE_APP_MAX <=
		      WIRE_FRAME_MAX,
	      "the largest image fits a frame");
static_assert(sizeof(struct wire_hdr) + sizeof(struct wire_settings) + WIRE_SETTINGS_MAX <= WIRE_FRAME_MAX,
	      "the settings fit a frame");
#endif

#endif
