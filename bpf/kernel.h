/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h - the kernel structures our programs look into, and of each only the members they read. CO-RE
 * moves the offsets to the running kernel's when the programs are loaded, so the layout here means nothing.
 * Members that changed their name have flavours (struct x___since); bpf_core_field_exists() chooses.
 */
#ifndef FEMTOSNITCH_KERNEL_H
#define FEMTOSNITCH_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;
typedef struct {
	int counter;
} atomic_t;
typedef long long loff_t;

/* ---- files */
struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
};

struct super_block {
	__u32 s_dev;
};

struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

struct inode { /* times as since 6.11 */
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	loff_t i_size;
	__u32 i_generation;
	long long i_ctime_sec;
	long long i_mtime_sec;
	__u32 i_ctime_nsec;
	__u32 i_mtime_nsec;
};

struct inode___until_6_6 {
	struct timespec64 i_ctime;
	struct timespec64 i_mtime;
};

struct inode___6_6_to_6_10 { /* __i_ctime since 6.6, __i_mtime since 6.7 */
	struct timespec64 __i_ctime;
	struct timespec64 __i_mtime;
};

/* ---- processes */
struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};

struct cred {
	kuid_t uid;
};

struct mm_struct {
	struct task_struct *owner;
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
	struct file *exe_file;
};

struct signal_struct {
	atomic_t live;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

/* include/linux/sched.h: io_uring's own threads (5.12), SQPOLL among them */
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	__u64 self_exec_id;
	const struct cred *cred;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct fs_struct *fs;
	unsigned int ptrace;
};

struct linux_binprm {
	struct file *file;
	const char *filename; /* what execve(2) was given */
	const char *interp;   /* what is executed: another string once an interpreter came in */
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp, bx, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
};
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
	};
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

/* ---- sockets */
typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u32 u6_addr32[4];
	} in6_u;
};

struct proto {
	void *sendpage; /* until Linux 6.4 */
};

struct sock_common {
	union {
		struct {
			__be32 skc_daddr;
			__be32 skc_rcv_saddr;
		};
	};
	union {
		struct {
			__be16 skc_dport;
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4;
	struct proto *skc_prot;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct {
		long counter;
	} skc_cookie;
	union {
		unsigned long skc_flags;
	};
};

struct sock_cgroup_data { /* a pointer and nothing else since Linux 5.15 */
	struct cgroup *cgroup;
};

struct socket;
struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	void *sk_user_data;
	int sk_err;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_kern_sock : 1;
	kuid_t sk_uid;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
	struct sock sk;
	__be32 inet_saddr;
	__be16 inet_sport;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	const void *icsk_ulp_ops;
	void *icsk_ulp_data;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u8 repair : 1;
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u64 bytes_received;
	__u64 bytes_acked;
	bool is_mptcp;
};

struct mptcp_sock {
	struct inet_connection_sock sk;
};

struct mptcp_subflow_context {
	struct sock *conn; /* the MPTCP socket */
};

struct packet_sock {
	struct sock sk;
	__be16 num;
};

struct sockaddr_vm {
	unsigned int svm_port;
	unsigned int svm_cid;
};

struct vsock_sock {
	struct sock sk;
	struct sockaddr_vm remote_addr;
};

struct socket {
	struct sock *sk;
};

/* Where the caller's bytes are; after a call, past those that it moved. */
struct iov_iter { /* as since 6.4 */
	__u8 iter_type;
	unsigned long iov_offset;
	const void *__iov;
	void *ubuf; /* since 6.0 */
	unsigned long nr_segs;
};

struct iov_iter___until_6_3 {
	const void *iov;
};

struct iov_iter___until_5_13 {
	unsigned int type;
};

enum iter_type { /* since 5.14; their numbers changed */
	ITER_UBUF,
	ITER_IOVEC,
};
#define ITER_IOVEC_UNTIL_5_13 4

struct msghdr {
	void *msg_name;
	int msg_namelen;
	struct iov_iter msg_iter;
	unsigned int msg_flags;
};

/* include/net/sock.h: enum sock_flags; its first members never moved */
enum sock_flags {
	SOCK_DEAD,
	SOCK_DONE,
};

/* ---- iterators */
struct seq_file {
	unsigned long size;
	unsigned long count;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

#pragma clang attribute pop

/* The contexts of iterators are fixed arrays of 8-byte members, found by position: no relocation. */
struct bpf_iter__bpf_sk_storage_map {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		void *map;
	};
	union {
		struct sock *sk;
	};
	union {
		void *value;
	};
};

struct bpf_iter__bpf_map_elem {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		void *map;
	};
	union {
		void *key;
	};
	union {
		void *value;
	};
};

struct bpf_iter__tcp {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct sock_common *sk_common;
	};
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	__u32 fd;
	union {
		struct file *file;
	};
};

/* Numbers of the socket API that no header shares with BPF. */
#define ETH_P_IP 0x0800
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define AF_RDS 21
#define AF_TIPC 30
#define AF_VSOCK 40
#define AF_SMC 43
#define SOCK_STREAM 1
#define SOCK_RAW 3
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define SK_FORCE_REUSE 2 /* skc_reuse of a socket in TCP_REPAIR (tcp_setsockopt), and of hardly another */
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000
#define MSG_NOTIFICATION 0x8000
#define EPERM 1
#define EINTR 4
#define EINVAL 22
#define EISCONN 106
#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EALREADY 114
#define EINPROGRESS 115

/* include/net/tcp_states.h, shared by SCTP and MPTCP */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
};

#endif
